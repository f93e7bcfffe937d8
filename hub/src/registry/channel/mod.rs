//! How a channel stands, pure: the rhythm in which it is heard from, whether it has fallen silent,
//! and its conformance (docs/agency-view.md).

mod conformance;
mod rhythm;
#[cfg(test)]
mod tests;

pub use conformance::{Component, Conformance, Figures, conformance};
pub use rhythm::{Days, Heard, Rhythm, due, learned, works};
