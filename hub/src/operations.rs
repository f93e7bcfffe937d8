//! What the hub answers, whoever asks: the API, the console and the command line act through here.

mod deadline;
mod drift;
mod feedback;
mod messages;
pub mod moves;
pub mod pruning;
mod roadmap;
mod statistics;

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    auth::Principal,
    catalog::Catalog,
    catalogue::Held,
    drops::Standings,
    registry::{DossierState, Finding, Groups, Observation, Sight, fold, group},
    store::{DossierRow, Found, Rules, Store, StoreError, decode},
};

pub use deadline::{Brief, DeadlineLookup, Own, Standing};
pub use drift::{ChannelDrift, Drift, DriftSeen};
pub use feedback::{FeedbackPage, FeedbackQuestion, FeedbackSummary};
pub use messages::Trace;
pub use roadmap::RoadmapStanding;
pub use statistics::{By, Question, Row, STATISTIC_DAYS_MAX, Statistic};

/// Items on a page, at most.
pub const PAGE_MAX: u32 = 1_000;

/// The hub's answers.
#[derive(Clone)]
pub struct Operations {
    /// Agencies and channels.
    pub catalog: Arc<Catalog>,
    /// What the province publishes.
    pub published: Held,
    /// The durable truth.
    pub store: Arc<dyn Store>,
    /// How the drop folders stand that this process looks after.
    pub drop_folders: Standings,
    /// What was last told of changes in what channels send.
    pub drift: DriftSeen,
}

/// One thing a source said of a dossier.
#[derive(Debug, Serialize)]
pub struct Said {
    /// Position in the journal.
    pub position: u64,
    /// When the hub recorded it.
    pub recorded_at: String,
    /// `snapshot`, `event` or `retraction`.
    pub kind: &'static str,
    /// The source.
    pub source: String,
    /// The source's code.
    pub source_code: String,
    /// The status it tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u8>,
    /// When that happened, as far as the source says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// A dossier with its history, as of a position.
#[derive(Debug, Serialize)]
pub struct Dossier {
    /// Its state: public members, and personal ones for those whose they are.
    pub dossier: Box<RawValue>,
    /// All that sources said, in the order the hub heard it.
    pub history: Vec<Said>,
    /// What its sources disagree on: questions, not verdicts.
    pub findings: Vec<Finding>,
    /// The journal position the answer is true at.
    pub as_of: u64,
}

/// What a look-up finds, and the journal's end that it saw.
#[derive(Debug)]
pub struct LookedUp {
    /// What it finds.
    pub lookup: Lookup,
    /// The log's name.
    pub log_id: String,
    /// The journal's size.
    pub size: u64,
}

/// What a look-up finds.
#[derive(Debug)]
pub enum Lookup {
    /// One dossier.
    One(Box<Dossier>),
    /// Several bear that code: key and public state of each.
    Several(Vec<DossierRow>),
    /// None that the asker may see.
    Nothing,
}

/// All that was said of one dossier before a position, and the rules of then.
struct Heard {
    key: String,
    observations: Vec<Observation>,
    as_of: u64,
    rules: Arc<Rules>,
}

/// What is sought by a code.
enum Sought {
    One(Heard),
    Several(Vec<DossierRow>),
    Nothing,
}

impl Operations {
    /// The dossier that bears a code. An agency finds only its own, with personal members.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn dossier(
        &self,
        who: &Principal,
        code: &str,
        source: Option<&str>,
        as_of: Option<u64>,
    ) -> Result<LookedUp, StoreError> {
        let found = self.store.find(code.to_owned(), source.map(ToOwned::to_owned)).await?;
        let (log_id, size) = (found.log_id.clone(), found.size);
        let lookup = match self.heard(who, found, as_of).await? {
            Sought::One(one) => self.told(who, &one).await?,
            Sought::Several(rows) => Lookup::Several(rows),
            Sought::Nothing => Lookup::Nothing,
        };
        Ok(LookedUp { lookup, log_id, size })
    }

    /// What was said of the dossier that bears a code, as far as it is the asker's to see.
    async fn sought(
        &self,
        who: &Principal,
        code: &str,
        source: Option<&str>,
        as_of: Option<u64>,
    ) -> Result<Sought, StoreError> {
        let found = self.store.find(code.to_owned(), source.map(ToOwned::to_owned)).await?;
        self.heard(who, found, as_of).await
    }

    /// Of what was found, that which is the asker's to see.
    async fn heard(
        &self,
        who: &Principal,
        found: Found,
        as_of: Option<u64>,
    ) -> Result<Sought, StoreError> {
        let only = found.dossiers.len() == 1;
        let mut seen: Vec<DossierRow> =
            found.dossiers.into_iter().filter(|row| self.may_see(who, row)).collect();
        let Some(row) = seen.pop() else { return Ok(Sought::Nothing) };
        if !seen.is_empty() {
            seen.push(row);
            return Ok(Sought::Several(seen));
        }
        let key = row.key;
        if only && as_of.is_none_or(|as_of| as_of >= found.size) {
            let (as_of, rules, observations) = (found.size, found.rules, found.observations);
            return Ok(Sought::One(Heard { key, observations, as_of, rules }));
        }
        let as_of = as_of.unwrap_or(found.size).min(found.size);
        let observations = self.store.observations(key.clone(), Some(as_of)).await?;
        let rules = Arc::new(self.store.rules(Some(as_of)).await?);
        Ok(Sought::One(Heard { key, observations, as_of, rules }))
    }

    /// Whether a dossier is the asker's to see: an agency sees what one of its sources speaks of,
    /// the portal what counts, so nothing that only channels in trial know.
    fn may_see(&self, who: &Principal, row: &DossierRow) -> bool {
        let sight = |text: &[u8]| serde_json::from_slice::<Sight>(text).ok();
        let seen = || row.public.as_deref().and_then(sight);
        match who {
            Principal::Operator => true,
            Principal::Portal => seen().is_some_and(|Sight { counted, .. }| counted),
            Principal::Agency(agency) => seen().is_some_and(|Sight { identities, .. }| {
                identities.iter().any(|one| agency_of(&one.source) == agency)
            }),
        }
    }

    /// A dossier out of all that was said of it before a position, by the rules of then.
    async fn told(&self, who: &Principal, heard: &Heard) -> Result<Lookup, StoreError> {
        let Heard { key, observations, as_of, rules } = heard;
        let Some((mut state, findings)) = folded(observations, key, rules) else {
            return Ok(Lookup::Nothing);
        };
        state.drop_personal();
        let own: Vec<u64> = observations
            .iter()
            .filter(|one| who.owns(agency_of(one.source())))
            .map(|one| one.position)
            .collect();
        if !own.is_empty() {
            let texts = self.store.personal(own).await?;
            let whole = decode::whole(observations, &texts)?;
            if let Some((told, _)) = folded(&whole, key, rules) {
                state.take_personal(told);
            }
        }
        let text =
            serde_json::to_string(&state).map_err(|error| StoreError::fault(error.to_string()))?;
        let dossier =
            RawValue::from_string(text).map_err(|error| StoreError::fault(error.to_string()))?;
        let history = observations.iter().map(said).collect();
        Ok(Lookup::One(Box::new(Dossier { dossier, history, findings, as_of: *as_of })))
    }
}

/// The state of one of the dossiers that observations make, and what is doubtful about it.
fn folded(
    observations: &[Observation],
    key: &str,
    rules: &Rules,
) -> Option<(DossierState, Vec<Finding>)> {
    let Groups { dossiers, mut findings, .. } = group(observations, &[]);
    let (_, places) = dossiers.into_iter().find(|(name, _)| name.key() == key)?;
    let own: Vec<&Observation> =
        places.iter().filter_map(|place| observations.get(*place)).collect();
    let (state, found) = fold(&own, &rules.reference)?;
    findings.extend(found);
    Some((state, findings))
}

/// The agency of a source, a channel or a dossier's key.
pub fn agency_of(name: &str) -> &str {
    let end = name.find(['.', '/']).unwrap_or(name.len());
    name.get(..end).unwrap_or(name)
}

fn said(one: &Observation) -> Said {
    use crate::registry::Content;
    let identity = one.identity();
    let (kind, status, at) = match &one.content {
        Content::Snapshot(_) | Content::Past(_) => {
            let body = one.content.snapshot();
            let at = body.and_then(crate::registry::timeline::status_date);
            ("snapshot", body.map(|body| body.status.code()), at)
        }
        Content::Event(body) => ("event", body.status.map(|status| status.code()), Some(body.at)),
        Content::Retraction { at, .. } => ("retraction", None, Some(*at)),
    };
    Said {
        position: one.position,
        recorded_at: one.recorded_at.to_string(),
        kind,
        source: identity.source,
        source_code: identity.source_code,
        status,
        at: at.map(|at| at.to_string()),
    }
}
