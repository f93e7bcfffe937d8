//! `progress/1`: one event of a dossier; it changes only the members it carries.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    dossier::{Outcome, Status},
    moment::Moment,
};

/// One event of a dossier, as one source tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The source system, as in `dossier/1`.
    pub source: String,
    /// The dossier's own code in that system.
    pub source_code: String,
    /// National code, where the event carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Agency, by its hub id.
    pub agency: String,
    /// `status`, `supplement`, `payment`, `extension`, `result`, `transfer` or `note`.
    pub kind: String,
    /// When it happened there.
    pub at: Moment,
    /// National status it leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The source's own word for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_raw: Option<String>,
    /// New promised date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Moment>,
    /// Of an extension: whether a letter of apology goes with it (Mẫu 04).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apology: Option<bool>,
    /// When the decision was ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Moment>,
    /// When the result was handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned_at: Option<Moment>,
    /// Unit that acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Officer who acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub officer: Option<String>,
    /// Remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The paper that ends the dossier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Outcome>,
    /// Members only this source has; each replaces the attribute of that name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
    /// What the mapping repaired or doubted, by code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}
