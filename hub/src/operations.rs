//! What the hub answers, whoever asks: the API, the console and the command line act through here.

mod accesses;
mod answers;
pub mod backups;
mod bus;
pub mod carry;
mod channels;
mod counted;
mod deadline;
mod deliveries;
mod dossier;
mod drift;
mod erasures;
mod exchange;
mod feedback;
mod findings;
mod links;
mod listing;
pub mod lookups;
mod messages;
pub mod moves;
mod pollers;
pub mod pruning;
mod reports;
mod retranslation;
mod roadmap;
mod said;
mod statistics;
mod subscriptions;
mod timely;

use std::sync::Arc;

use answers::Given;
use bytes::Bytes;

use crate::{
    auth::Principal,
    catalog::Catalog,
    catalogue::Held,
    drops::Standings,
    in_force::InForce,
    registry::{DossierState, Doubt, Groups, Observation, Sight, fold, group},
    store::{
        Basis, DossierRow, Found, Rules, Store, StoreError,
        batch::{Marks, code_of},
    },
};

pub use crate::webhooks::{SECRETS_MAX, Scheme};
pub(crate) use accesses::{About, owners};
pub use accesses::{AccessPage, Persons, Reader, ToldAccess};
pub use answers::Answers;
pub use bus::BusStanding;
pub(crate) use channels::ALERT_KINDS;
pub use channels::{
    ChannelHeard, ChannelStanding, Control, Controlled, Differing, KEYS_MAX, Keys, MEASURED_DAYS,
    OpenRefusals, RefusalQuestion, RuleCount, TOTAL_DAYS_MAX, TOTALS_MAX, Total,
};
pub use counted::{CountedDossier, CountedPage, From as CountedFrom, Number};
pub use deadline::{Brief, DeadlineLookup, Own, Standing};
pub use deliveries::{DeadPage, DeadRead, DeadWhole, Pace, Replayed, ToldLetter};
pub(crate) use dossier::Told;
pub use drift::{Accepted, ChannelDrift, Drift, DriftSeen, Hold};
pub use erasures::{ErasureAsked, ErasurePage, REASON_CHARS_MAX, ToldErasure, is_reason};
pub use exchange::{
    ExchangeItem, ExchangePage, ExchangePart, ExchangeQuestion, ExchangeStanding,
    Kind as ExchangeKind, Sent as ExchangeSent,
};
pub use feedback::{FeedbackPage, FeedbackQuestion, FeedbackSummary};
pub(crate) use findings::told;
pub use findings::{FindingPage, FindingQuestion};
pub use links::{LinkPage, LinkStanding, LinkState, LinkVisit, LinksAsked};
pub use lookups::{Claim, Labelled, PublicView, Recognised};
pub use messages::Trace;
pub use pollers::PollerStanding;
pub use reports::{
    Figures, NoReport, ReportAnswer, ReportList, ReportQuestion, ReportText, ToldFreeze,
    WrittenReport, WrittenReports,
};
pub use retranslation::{Difference, Retranslate, Retranslated};
pub use roadmap::RoadmapStanding;
pub use said::Said;
use said::said;
pub use statistics::{By, DueOf, FEW, Question, Row, STATISTIC_DAYS_MAX, Scans, Statistic};
pub(crate) use subscriptions::WEBHOOK;
pub use subscriptions::{
    Done, NewSubscription, OVERLAP_SECONDS_MAX, SUBSCRIPTIONS_MAX, Since, Subscribed,
    SubscriptionStanding, ToldAttempt,
};

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
    /// Look-ups answered before.
    pub answers: Answers,
    /// Applicants recognised before.
    pub recognised: Recognised,
    /// Reports written before.
    pub written_reports: WrittenReports,
    /// Turns of the questions that take long.
    pub scans: Scans,
    /// What is out of fewer dossiers is left out of numbers for everybody.
    pub few: u32,
    /// How publishing stands in this process.
    pub bus: crate::bus::Standing,
    /// Which configuration is in force in this process.
    pub configuration: InForce,
    /// How webhooks are sent by this process.
    pub webhooks: crate::webhooks::Webhooks,
    /// How links are visited by this process.
    pub links: crate::links::Links,
}

/// A dossier with its history, as of a position.
#[derive(Debug)]
pub struct Dossier {
    /// The JSON text of [`Told`], but for the brace that ends it.
    text: Bytes,
    /// The journal position the answer is true at.
    pub as_of: u64,
}

impl Dossier {
    /// The answer: the members of [`Told`], and `as_of`.
    pub fn json(&self) -> Vec<u8> {
        const ROOM: usize = 32;
        let mut text = Vec::with_capacity(self.text.len() + ROOM);
        text.extend_from_slice(&self.text);
        text.extend_from_slice(format!(",\"as_of\":{}}}", self.as_of).as_bytes());
        text
    }
}

/// Who may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Everybody who finds it: it has no personal members.
    All,
    /// An agency, what its own sources said.
    Owner,
}

/// What a look-up finds, and the journal's end that it saw.
#[derive(Debug)]
pub struct LookedUp {
    /// What it finds.
    pub lookup: Lookup,
    /// The log's name.
    pub log_id: Arc<str>,
    /// The journal's size.
    pub size: u64,
}

/// What a look-up finds.
#[derive(Debug)]
pub enum Lookup {
    /// One dossier.
    One(Dossier),
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
    /// Whether there was any erasure.
    erasures: bool,
}

/// What is sought by a code.
enum Sought {
    One(Heard),
    Several(Vec<DossierRow>),
    Nothing,
}

impl Operations {
    /// Answers from a store alone, beside whatever hub runs on it.
    pub fn of(store: Arc<dyn Store>) -> Self {
        Self {
            catalog: Arc::default(),
            published: Held::default(),
            store,
            drop_folders: Standings::default(),
            drift: DriftSeen::default(),
            answers: Answers::default(),
            recognised: Recognised::default(),
            written_reports: Default::default(),
            scans: Scans::default(),
            few: FEW,
            bus: Default::default(),
            configuration: InForce::default(),
            webhooks: Default::default(),
            links: Default::default(),
        }
    }

    /// The same without channels: what follows the journal for long is not to hold on to a
    /// configuration that is in force no more.
    pub(crate) fn unconfigured(&self) -> Self {
        let (catalog, drop_folders) = Default::default();
        Self { catalog, drop_folders, ..self.clone() }
    }

    /// The dossier that bears a code. An agency finds its own, with persons where it says what for.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn dossier(
        &self,
        reader: &Reader,
        code: &str,
        source: Option<&str>,
        as_of: Option<u64>,
    ) -> Result<LookedUp, StoreError> {
        let who = reader.who();
        let asked = as_of.is_none().then(|| answers::asked(who, code, source));
        if let Some(asked) = asked.as_deref()
            && let Some(known) = self.known(asked).await
        {
            return Ok(known);
        }
        let found = self.store.find(code.to_owned(), source.map(ToOwned::to_owned)).await?;
        let (log_id, size): (Arc<str>, u64) = (found.log_id.as_str().into(), found.size);
        let moment = found.moment.filter(|_| found.dossiers.len() == 1);
        let lookup = match self.heard(who, found, as_of).await? {
            Sought::One(one) => match self.told(reader, &one).await? {
                None => Lookup::Nothing,
                Some((told, whose)) => {
                    let text = told.text()?;
                    if let Some(asked) = asked.filter(|_| moment.is_some() && whose == Whose::All) {
                        let basis = basis(code, &one.observations, (moment, size));
                        let given = Given {
                            text: text.clone(),
                            log_id: log_id.clone(),
                            basis: basis.into(),
                        };
                        self.answers.keep(asked, given);
                    }
                    Lookup::One(Dossier { text, as_of: one.as_of })
                }
            },
            Sought::Several(rows) => Lookup::Several(rows),
            Sought::Nothing => Lookup::Nothing,
        };
        Ok(LookedUp { lookup, log_id, size })
    }

    /// An answer given before that still holds.
    async fn known(&self, asked: &str) -> Option<LookedUp> {
        let Given { text, log_id, basis } = self.answers.get(asked)?;
        let size = self.store.holds(&basis).await?;
        let lookup = Lookup::One(Dossier { text, as_of: size });
        Some(LookedUp { lookup, log_id, size })
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
        let (only, erasures) = (found.dossiers.len() == 1, found.erasures);
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
            return Ok(Sought::One(Heard { key, observations, as_of, rules, erasures }));
        }
        let as_of = as_of.unwrap_or(found.size).min(found.size);
        let observations = self.store.observations(key.clone(), Some(as_of)).await?;
        let rules = Arc::new(self.store.rules(Some(as_of)).await?);
        Ok(Sought::One(Heard { key, observations, as_of, rules, erasures }))
    }

    /// Whether a dossier is the asker's to see: an agency sees what one of its sources speaks of,
    /// the portal what counts, so nothing that only channels in trial know.
    fn may_see(&self, who: &Principal, row: &DossierRow) -> bool {
        let sight = |text: &[u8]| serde_json::from_slice::<Sight>(text).ok();
        let seen = || row.public.as_deref().and_then(sight);
        match who {
            Principal::Operator => true,
            Principal::Portal | Principal::Reporting(_) => {
                seen().is_some_and(|Sight { counted, .. }| counted)
            }
            Principal::Agency(agency) => seen().is_some_and(|Sight { identities, .. }| {
                identities.iter().any(|one| agency_of(&one.source) == agency)
            }),
        }
    }
}

/// What a look-up of a code rests on, having found one dossier.
fn basis(code: &str, said: &[Observation], (moment, size): (Option<u64>, u64)) -> Basis {
    let names: Vec<_> = said.iter().map(|one| (one.identity(), code_of(&one.content))).collect();
    let names = names.iter().map(|(name, code)| (name, code.as_deref()));
    Basis { moment, size, marks: Marks::asked(code, names).numbers().collect() }
}

/// The state of one of the dossiers that observations make, and what is doubtful about it.
fn folded(
    observations: &[Observation],
    key: &str,
    rules: &Rules,
) -> Option<(DossierState, Vec<Doubt>)> {
    let Groups { dossiers, doubts: mut findings, .. } = group(observations, &[]);
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
