//! What a fold gives: the state of a dossier, and what it found doubtful on the way.

use std::{borrow::Cow, collections::BTreeMap, ops::Deref, sync::Arc};

use contracts::dossier::{Applicant, Fee, Outcome};
use contracts::exchange::Attachment;
use contracts::{Moment, Status};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// One name of a dossier: a source and the code it uses. The smallest one is the dossier's key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    /// Source system.
    pub source: String,
    /// Code in that system.
    pub source_code: String,
}

impl Identity {
    /// The name `source_code` at `source`.
    pub fn new(source: &str, source_code: &str) -> Self {
        Self { source: source.to_owned(), source_code: source_code.to_owned() }
    }

    /// The text used as the key of a dossier: `source/source_code`.
    pub fn key(&self) -> String {
        format!("{}/{}", self.source, self.source_code)
    }

    /// The agency whose source it is.
    pub fn agency(&self) -> &str {
        self.source.split('.').next().unwrap_or_default()
    }

    /// The name that [`Self::key`] gave a key of: no source has a stroke in its name.
    pub fn of_key(key: &str) -> Self {
        let (source, source_code) = key.split_once('/').unwrap_or((key, ""));
        Self::new(source, source_code)
    }
}

/// One change of status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// One promise of a date, and since when it stood. It is moved by a supplement, a payment or an
/// extension only (semantics §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Promise {
    /// Since when it stood; absent where no time is known: from the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::described::Moment>)]
    pub at: Option<Moment>,
    /// The date promised.
    #[schema(value_type = crate::described::Moment)]
    pub due_at: Moment,
}

/// A new date that the agency set beyond its promise, as an event told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Extension {
    /// When it was set.
    #[schema(value_type = crate::described::Moment)]
    pub at: Moment,
    /// The new date, where one is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::described::Moment>)]
    pub due_at: Option<Moment>,
    /// Whether a letter of apology goes with it.
    pub apology: bool,
}

/// The state of one dossier. Absent members are known to no source. Nothing in it comes from the
/// receipt, except times of assumed versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DossierState {
    /// The smallest of its identities, as text.
    pub key: String,
    /// Its names at its sources, sorted; at least one.
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
    /// `online`, `counter` or `post`; absent while only events are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// When the applicant filed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<Moment>,
    /// When the office accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Moment>,
    /// The promise in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Moment>,
    /// The first promise.
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
    /// Officer now handling it. Personal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub officer: Option<String>,
    /// Remark. Personal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What it is about. Personal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The paper that ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Outcome>,
    /// Fees.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fees: Vec<Fee>,
    /// Its files, by their claim checks. Personal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Who applied. Personal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applicant: Option<Applicant>,
    /// Members only one source has. Personal.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
    /// Changes of status, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timeline: Vec<TimelineStep>,
    /// Which source decided each member: member name to source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub member_sources: MemberSources,
    /// Whether every source has withdrawn it.
    pub retracted: bool,
    /// Whether it counts: false where only channels in trial know it.
    pub counted: bool,
}

/// Members by their names, each with the source that decided it.
pub type MemberSources = BTreeMap<Cow<'static, str>, SourceName>;

/// The name of a source, shared by the members that it decided: most dossiers have one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceName(Arc<str>);

impl From<&str> for SourceName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl Deref for SourceName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Serialize for SourceName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for SourceName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Cow::<'_, str>::deserialize(deserializer)?.into()))
    }
}

/// What of a stored state decides who may see it; the rest of its text is passed over.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Sight {
    /// Whether it counts.
    pub counted: bool,
    /// Its names at its sources.
    pub identities: Vec<Identity>,
}

/// The members of a state that are personal.
const PERSONAL: [&str; 6] =
    ["officer", "note", "subject", "attachments", "applicant", "attributes"];

impl DossierState {
    /// Leaves out the personal members: what remains is anyone's to read.
    pub fn drop_personal(&mut self) {
        self.officer = None;
        self.note = None;
        self.subject = None;
        self.attachments = Vec::new();
        self.applicant = None;
        self.attributes = Map::new();
        for member in PERSONAL {
            self.member_sources.remove(member);
        }
    }

    /// Takes the personal members, and who told them, from the same dossier folded from whole
    /// texts: a fold of public texts has none.
    pub fn take_personal(&mut self, whole: Self) {
        self.officer = whole.officer;
        self.note = whole.note;
        self.subject = whole.subject;
        self.attachments = whole.attachments;
        self.applicant = whole.applicant;
        self.attributes = whole.attributes;
        for member in PERSONAL {
            if let Some(source) = whole.member_sources.get(member) {
                self.member_sources.insert(Cow::Borrowed(member), source.clone());
            }
        }
    }
}

/// What a fold cannot tell by itself: sources, versions or codes that disagree. Findings are made
/// of it ([`finding`](super::finding)). Neutral words: it accuses nobody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
pub struct Doubt {
    /// Stable code.
    pub code: &'static str,
    /// Key of the dossier.
    pub key: String,
    /// What was seen, in Vietnamese.
    pub evidence_vi: String,
    /// What was seen, in English.
    pub evidence_en: String,
    /// The values that it is about, by name.
    #[serde(skip)]
    pub values: BTreeMap<&'static str, String>,
    /// The source that told them, where it is one.
    #[serde(skip)]
    pub source: Option<String>,
}

impl Doubt {
    pub(super) fn new(
        code: &'static str,
        key: &Identity,
        (vi, en): (String, String),
        values: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        Self {
            code,
            key: key.key(),
            evidence_vi: vi,
            evidence_en: en,
            values: values.into_iter().collect(),
            source: None,
        }
    }

    pub(super) fn of_source(mut self, source: &str) -> Self {
        self.source = Some(source.to_owned());
        self
    }
}
