//! A retraction under `dossier/1`: its source withdraws a dossier, since when and why.

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// The withdrawal of a dossier by the source that told it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retraction {
    /// The source system, as in `dossier/1`.
    pub source: String,
    /// The dossier's own code in that system.
    pub source_code: String,
    /// Since when it is withdrawn: what the source says later stands again.
    pub at: Moment,
    /// Why, in the source's words.
    pub reason: String,
}

/// A record that is no dossier's is withdrawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordRetraction {
    /// The record's key, as its contract's records have it.
    pub key: String,
    /// Agency that the record is about, by hub id.
    pub agency: String,
    /// Since when it is withdrawn.
    pub at: Moment,
    /// Why, in the source's words; personal.
    pub reason: String,
}
