//! What an agency sees of its own channels.

mod refusals;

pub use refusals::{OpenRefusals, RefusalQuestion, RuleCount};
