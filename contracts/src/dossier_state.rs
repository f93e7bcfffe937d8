//! `dossier-state/1`: the fold of all that the sources of one dossier have said (semantics §3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    dossier::{Applicant, Fee, Outcome, Status},
    moment::Moment,
};

/// One name of a dossier: the pair that identifies it at a source.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Source system.
    pub source: String,
    /// Code in that system.
    pub source_code: String,
}

/// One change of status.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimelineStep {
    /// When.
    pub at: Moment,
    /// Status taken.
    pub status: Status,
    /// The source's own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_raw: Option<String>,
    /// Who says so.
    pub source: String,
}

/// A date that the agency promised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// Since when; absent where it stood from the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Moment>,
    /// The date promised.
    pub due_at: Moment,
}

/// A new date that the agency set beyond its promise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// When it was set.
    pub at: Moment,
    /// The new date, where one is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Moment>,
    /// Whether a letter of apology goes with it.
    pub apology: bool,
}

/// The state of one dossier. Absent members are known to no source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DossierState {
    /// The smallest of its identities, as text of at most 255 bytes.
    pub key: String,
    /// Its names at its sources; at least one.
    pub identities: Vec<Identity>,
    /// National code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Accepting agency, by hub id.
    pub agency: String,
    /// National procedure code, short form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedure: Option<String>,
    /// The agency's own procedure code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedure_source_code: Option<String>,
    /// Procedure name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedure_name: Option<String>,
    /// Field (lĩnh vực).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Commune code valid on its date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commune: Option<String>,
    /// `online`, `counter` or `post`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// When the applicant filed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<Moment>,
    /// When the office accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Moment>,
    /// The date now promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Moment>,
    /// The date first promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_due_at: Option<Moment>,
    /// The promises of the source that decides `due_at`, in the order they took force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub promises: Vec<Promise>,
    /// The extensions of that source, in the order they were set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<Extension>,
    /// National status.
    pub status: Status,
    /// The source's own word for it; absent where an event gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_raw: Option<String>,
    /// When it took that status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_at: Option<Moment>,
    /// When the decision was ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Moment>,
    /// When the result was handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned_at: Option<Moment>,
    /// Unit now handling it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The paper that ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Outcome>,
    /// Fees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fees: Vec<Fee>,
    /// Changes of status, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timeline: Vec<TimelineStep>,
    /// Which source decided each member: member name to source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub member_sources: BTreeMap<String, String>,
    /// Whether every source has withdrawn it.
    pub retracted: bool,
    /// Whether it counts: not where only channels in trial know it.
    pub counted: bool,
    /// Who applied. Personal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applicant: Option<Applicant>,
    /// What it is about. Personal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Officer now handling it. Personal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub officer: Option<String>,
    /// Remark. Personal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Members only one source has. Personal.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
}
