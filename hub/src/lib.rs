//! The hub: what ties contracts, mappings and adapters together.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at once"))]

pub mod api;
pub mod attachments;
pub mod auth;
mod behind;
mod bench;
pub mod bus;
pub mod catalog;
pub mod catalogue;
pub mod cli;
pub mod config;
pub mod console;
mod container;
pub mod cursor;
pub mod delivery;
mod descriptors;
pub mod doors;
pub mod drops;
pub mod exchange;
pub mod feeds;
pub mod holding;
pub mod hub;
pub mod journal;
pub mod journey;
pub mod judging;
pub mod lasting;
pub mod operations;
pub mod polls;
pub mod profiling;
pub mod registry;
pub mod report;
pub mod secrets;
pub mod simulation;
pub mod store;
pub mod striding;
pub mod telemetry;
mod watching;
