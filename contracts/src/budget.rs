//! `budget/1`: one amount of the roadmap's money (plan, references S14 to S16, S36).

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// Which amount it is: the three are never added to one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetKind {
    /// An estimate.
    Estimate,
    /// What was approved.
    Approved,
    /// What was spent.
    Spent,
}

/// One amount.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The source's identifier.
    pub id: String,
    /// Agency whose money it is, by hub id.
    pub agency: String,
    /// Budget year.
    pub year: i16,
    /// Which amount.
    pub kind: BudgetKind,
    /// Amount in đồng.
    pub amount: u64,
    /// Procedures that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedures: Option<u32>,
    /// Wave of the roadmap, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<String>,
    /// Decision it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    /// Day of the decision or of the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Moment>,
    /// The source's version of this record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_version: Option<String>,
}
