//! The hub's own deadline of a dossier, beside the agency's promise. Pure.
//!
//! A dossier's [`Course`] (accepted, waiting, extended) runs under a [`DeadlineRule`] and a
//! [`Limit`] through the [`Timetable`](super::calendar::Timetable) of its agency; what comes out
//! is a [`Reckoning`]: the due date and each step that led to it, which [`explain`](explained)
//! tells in two languages. [`Deadlines`] holds all that decides, of one edition of the catalogue.

mod course;
mod edition;
mod explain;
mod model;
mod procedures;
#[cfg(test)]
mod properties;
mod reckon;
mod rules;
mod supplement;
#[cfg(test)]
mod tests;

pub use course::{Course, Pause, Why, accepted};
pub use edition::{Computed, Deadlines, NoDeadline};
pub use explain::{Explained, explained};
pub use model::{DeadlineRule, Left, Limit, LimitUnit, Phase, Resume, Waits};
pub use reckon::{Due, Extended, Paused, Reckoning, Step, reckon};
pub use rules::{Asked, clash, kind_of, rule_for};
pub use supplement::{Answered, Supplement};
