//! The vocabulary of the hub: records, problems, codes and times, and the contracts they obey.
//!
//! Nothing here does I/O or knows a runtime; every other crate depends on this one.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod accept;
pub mod agency;
pub mod body;
mod breach;
pub mod budget;
pub mod claimed_statistic;
pub mod code;
mod compat;
pub mod dossier;
pub mod dossier_state;
pub mod exchange;
pub mod feedback;
pub mod finding;
mod form;
mod house;
pub mod milestone;
pub mod moment;
pub mod notice;
pub mod problem;
pub mod procedure;
pub mod progress;
mod public;
pub mod receipt;
pub mod record;
pub mod retraction;
pub mod schema;
mod split;
pub mod statistic_change;
pub mod unit;
pub mod votes;

pub use body::{Members, Part};
pub use dossier::{Dossier, Status};
pub use moment::Moment;
pub use problem::{Place, Problem};
pub use progress::Progress;
pub use receipt::{Erased, Later, Outcome, Receipt, Refusal};
pub use record::{Body, ContractId, Draft, Record};
pub use retraction::Retraction;
pub use schema::{Contract, Contracts};
