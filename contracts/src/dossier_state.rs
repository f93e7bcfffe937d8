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

/// The judgement of a dossier's deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Finished before its due date.
    Early,
    /// Finished on its due date.
    OnTime,
    /// Finished after its due date.
    Late,
    /// Unfinished and past its due date.
    Overdue,
    /// Unfinished and within its time.
    Open,
    /// Waiting for the applicant: the clock stands.
    Paused,
    /// Not counted in the statistics.
    NotCounted,
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
    pub channel: String,
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
    /// National status.
    pub status: Status,
    /// The source's own word for it.
    pub status_raw: String,
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
    /// How many observations the fold holds.
    pub observations: u64,
    /// Judgement of its deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Whether every source has withdrawn it.
    pub retracted: bool,
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
