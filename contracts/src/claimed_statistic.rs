//! `claimed-statistic/1`: an agency's own figures of a month (`MStatistic`).

use serde::{Deserialize, Serialize};

/// An agency's own figures of a month: compared with the hub's, never adopted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimedStatistic {
    /// The system that told it.
    pub source: String,
    /// The agency whose figures they are, by hub id.
    pub agency: String,
    /// The month of the calendar that they are of: `2026-05`.
    pub month: String,
    /// Dossiers accepted in the month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<u64>,
    /// Dossiers open when it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<u64>,
    /// Both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Dossiers finished in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solved: Option<u64>,
    /// Of those, before their promise or in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solved_in_time: Option<u64>,
    /// Of those, late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solved_late: Option<u64>,
    /// Dossiers open at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<u64>,
    /// Of those, not overdue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_in_time: Option<u64>,
    /// Of those, overdue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_late: Option<u64>,
    /// Remark. Personal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What the mapping repaired or doubted, by code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}
