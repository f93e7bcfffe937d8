//! `votes/1`: what was voted of an agency's service, as its system counted it.

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// One question of a vote. Shares are percent, as told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// National procedure code it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedure: Option<String>,
    /// The question.
    pub content: String,
    /// Share of very good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub very_good_percent: Option<serde_json::Number>,
    /// Share of good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good_percent: Option<serde_json::Number>,
    /// Share of bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_percent: Option<serde_json::Number>,
}

/// Votes over some days. Shares are percent, as told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Votes {
    /// The source's identifier of the count.
    pub id: String,
    /// Agency they are about, by hub id.
    pub agency: String,
    /// National procedure code they are about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedure: Option<String>,
    /// First day of the votes; absent: the day of the count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Moment>,
    /// When they were counted: their last day.
    pub at: Moment,
    /// Votes.
    pub total: u64,
    /// Share of very good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub very_good_percent: Option<serde_json::Number>,
    /// Share of good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good_percent: Option<serde_json::Number>,
    /// Share of bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_percent: Option<serde_json::Number>,
    /// The same by question.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Question>,
    /// The source's version of this record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_version: Option<String>,
}
