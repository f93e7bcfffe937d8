//! `milestone/1`: how an agency carries out the roadmap (plan, references S12, S35, S40).

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// What a milestone record tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MilestoneKind {
    /// A milestone of the roadmap was reached.
    Reached,
    /// A report was sent.
    Report,
    /// An issue was raised.
    Issue,
}

/// Whom something was sent or told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// Agency, by hub id.
    pub agency: String,
}

/// A milestone reached, a report sent or an issue raised. The text is personal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Milestone {
    /// The source's identifier.
    pub id: String,
    /// Agency it is about, by hub id.
    pub agency: String,
    /// What it tells.
    pub kind: MilestoneKind,
    /// Milestone or reporting obligation, by its id in the roadmap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milestone: Option<String>,
    /// Of a report: the year (`2014`) or half-year (`2014-H1`) that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    /// Agencies that a report was sent to, or that an issue was told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<Recipient>,
    /// When it was reached, sent or raised.
    pub at: Moment,
    /// Of an issue: when it was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Moment>,
    /// What it is about, without naming persons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// More of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The source's version of this record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_version: Option<String>,
}
