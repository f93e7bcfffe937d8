//! The hub: what ties contracts, mappings and adapters together.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at once"))]

pub mod catalog;
pub mod cli;
pub mod journal;
