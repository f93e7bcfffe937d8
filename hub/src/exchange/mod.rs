//! What is addressed to somebody: requests between agencies, and applications from the portal.
//!
//! [`envelope`] makes messages of what is posted, [`admit`] decides what may be told before it is
//! written and whom it goes to, [`deadlines`] answers for agencies that do not. How all of it
//! stands is asked in [`crate::operations`].

pub mod admit;
pub mod deadlines;
mod envelope;

pub use admit::Exchange;
