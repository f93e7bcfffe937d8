//! Transports: how bytes come in from agencies, and go out to them.
//!
//! An adapter carries bytes and never looks inside them. It hands every arrival to the one
//! [`Inbox`] and tells the sender the outcome in its transport's own words; it knows nothing of
//! mappings, stores or the rest of the hub.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at once"))]

pub mod amqp;
pub mod database;
pub mod dialect;
pub mod file;
pub mod inbound;
pub mod outbound;
pub mod reach;
pub mod reading;
pub mod rest;
pub mod sftp;
pub mod soap;
#[cfg(test)]
mod suite;
pub mod transport;
mod trust;

pub use inbound::{Advance, Arrival, Inbox, Mark};
pub use transport::{Direction, TRANSPORTS, Transport};
