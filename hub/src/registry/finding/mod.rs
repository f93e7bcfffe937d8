//! Findings: what an inspector may want to ask about, derived from the journal. Pure.
//!
//! A finding is a question with its evidence, in neutral words; it accuses nobody and blocks
//! nothing. Which rules there are is told by [`RuleName`]; whether they are asked, their thresholds
//! and their words are data of the catalogue ([`FindingRule`]), dated. A question is judged by the
//! edition and the rules in force at the entry that raises it.
//!
//! What does not speak of the receipt depends on the set of observations alone, whatever their
//! order: rules read folded states and what sources told, never where in the journal it stands.
//! Positions are evidence beside that.

mod claim;
mod cut_off;
mod dossier;
mod model;
mod moves;
mod passed;
mod question;
mod rulebook;
mod sequence;
mod standing;
mod tally;
#[cfg(test)]
mod tests;
mod times;
mod words;

pub use claim::{Claim, Counted};
pub use dossier::{Heard, Judged, judge};
pub use model::{CutOff, FindingRule, Parameter, RuleName, StatusWords};
pub use passed::Passed;
pub use question::{Finding, JudgedBy, Question, Stamp, Subject};
pub use rulebook::Rulebook;
pub use standing::Standing;
pub use tally::{Looked, Of, Tallies, TallyKey};

/// The version of what is kept of findings: another one where the same journal would give others,
/// so that a cursor of the former is refused.
pub const FOLD_VERSION: u32 = 2;
