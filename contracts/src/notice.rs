//! `notice/1`: that a watched dossier has changed, and how it is now.

use serde::{Deserialize, Serialize};

use crate::{dossier::Status, moment::Moment};

/// What whoever watches a dossier is told when it changes: nothing personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// The watch by which it is told: 32 hexadecimal digits.
    pub watch: String,
    /// The dossier's code: the national one, where it has one.
    pub code: String,
    /// The agency that accepted it, by hub id.
    pub agency: String,
    /// What it is about: the national code of the procedure, or the agency's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedure: Option<String>,
    /// What that is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedure_name: Option<String>,
    /// Its status now.
    pub status: Status,
    /// The status in plain words, in Vietnamese.
    pub status_name: String,
    /// The same in English.
    pub status_name_en: String,
    /// What its applicant may do next, in Vietnamese.
    pub next: String,
    /// The same in English.
    pub next_en: String,
    /// When it was submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<Moment>,
    /// When it was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Moment>,
    /// When its agency promises the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Moment>,
    /// When the decision was ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Moment>,
    /// When the result was handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned_at: Option<Moment>,
}
