//! What the hub answers, whoever asks: the API, the console and the command line act through here.

mod messages;

use std::{collections::BTreeMap, sync::Arc};

use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use crate::{
    auth::Principal,
    catalog::Catalog,
    registry::{DossierState, Finding, Measure, Observation, fold, group},
    store::{CellQuery, CellRow, DossierRow, EntryRow, Rules, Store, StoreError, effect},
};

pub use messages::Trace;

/// Items on a page, at most.
pub const PAGE_MAX: u32 = 1_000;

/// Days a statistic may span: a century.
pub const STATISTIC_DAYS_MAX: i32 = 36_525;

/// The hub's answers.
#[derive(Clone)]
pub struct Operations {
    /// Agencies and channels.
    pub catalog: Arc<Catalog>,
    /// The durable truth.
    pub store: Arc<dyn Store>,
    /// The folds' rules.
    pub rules: Rules,
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

/// A statistic's question.
#[derive(Debug, Clone)]
pub struct Question {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Dimensions: agency, procedure, day.
    pub by: Vec<Dimension>,
    /// One agency.
    pub agency: Option<String>,
    /// One procedure.
    pub procedure: Option<String>,
    /// Position.
    pub as_of: Option<u64>,
}

/// A dimension of a statistic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    /// Accepting agency.
    Agency,
    /// National procedure.
    Procedure,
    /// Day.
    Day,
}

/// A row of a statistic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Agency, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agency: Option<String>,
    /// Procedure, where asked for; empty where dossiers have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub procedure: Option<String>,
    /// Day, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<Date>,
    /// Numbers by measure: flows counted over the days, gauges as they stood at their end.
    pub measures: BTreeMap<String, i64>,
}

/// A statistic's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statistic {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// The journal position it is true at.
    pub as_of: u64,
    /// Rows in the order of their dimensions.
    pub rows: Vec<Row>,
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
    ) -> Result<Lookup, StoreError> {
        let found = self.store.find(code.to_owned(), source.map(ToOwned::to_owned)).await?;
        let mut seen: Vec<DossierRow> =
            found.into_iter().filter(|row| self.may_see(who, row)).collect();
        match (seen.pop(), seen.is_empty()) {
            (None, _) => Ok(Lookup::Nothing),
            (Some(row), true) => self.one(who, row, as_of).await,
            (Some(row), false) => {
                seen.push(row);
                Ok(Lookup::Several(seen))
            }
        }
    }

    /// Whether a dossier is the asker's to see: an agency sees what one of its sources speaks of,
    /// the portal what counts, so nothing that only channels in trial know.
    fn may_see(&self, who: &Principal, row: &DossierRow) -> bool {
        let state = || row.public.as_deref().and_then(state_of);
        match who {
            Principal::Operator => true,
            Principal::Portal => state().is_some_and(|state| state.counted),
            Principal::Agency(agency) => state().is_some_and(|state| {
                state.identities.iter().any(|one| agency_of(&one.source) == agency)
            }),
        }
    }

    async fn one(
        &self,
        who: &Principal,
        row: DossierRow,
        as_of: Option<u64>,
    ) -> Result<Lookup, StoreError> {
        let size = self.store.head().await?.tree.size;
        let as_of = as_of.unwrap_or(size).min(size);
        let observations = self.store.observations(row.key.clone(), Some(as_of)).await?;
        let (groups, mut findings) = group(&observations, &[]);
        let places = groups
            .into_iter()
            .find(|(key, _)| key.key() == row.key)
            .map(|(_, places)| places)
            .unwrap_or_default();
        let own: Vec<&Observation> =
            places.iter().filter_map(|place| observations.get(*place)).collect();
        let Some((state, found)) = fold(&own, &self.rules.reference) else {
            return Ok(Lookup::Nothing);
        };
        findings.extend(found);
        let owner = state.identities.iter().any(|one| who.owns(agency_of(&one.source)));
        let text = if owner {
            serde_json::to_string(&state).map_err(|error| StoreError(error.to_string()))?
        } else {
            effect::public_text(&state)
        };
        let dossier = RawValue::from_string(text).map_err(|error| StoreError(error.to_string()))?;
        let history = observations.iter().map(said).collect();
        Ok(Lookup::One(Box::new(Dossier { dossier, history, findings, as_of })))
    }

    /// Numbers. An agency is told only its own.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn statistics(
        &self,
        who: &Principal,
        question: &Question,
    ) -> Result<Statistic, StoreError> {
        let mut agency = question.agency.clone();
        if let Principal::Agency(own) = who {
            agency = Some(own.clone());
        }
        let by = |dimension| question.by.contains(&dimension);
        let query = CellQuery {
            agency,
            procedure: question.procedure.clone(),
            by_agency: by(Dimension::Agency),
            by_procedure: by(Dimension::Procedure),
            from: day_number(question.from),
            to: day_number(question.to),
            as_of: question.as_of,
        };
        let (as_of, cells) = self.store.statistics(query).await?;
        let rows = rows(question, &cells);
        Ok(Statistic { from: question.from, to: question.to, as_of, rows })
    }

    /// A page of records: entries from a position on that feeds may carry, and where to go on.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn records(
        &self,
        who: &Principal,
        from: u64,
        limit: u32,
    ) -> Result<(Vec<EntryRow>, u64), StoreError> {
        let rows = self.store.entries(from, limit.min(PAGE_MAX)).await?;
        let next = rows.last().map_or(from, |row| row.position + 1);
        let shown = rows.into_iter().filter(|row| {
            let own = match (who, &row.channel) {
                (Principal::Agency(own), Some(channel)) => agency_of(channel) == own,
                (Principal::Agency(_), None) => false,
                _ => true,
            };
            own && is_fed(row)
        });
        Ok((shown.collect(), next))
    }

    /// A page of dossiers in the order of their last change.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn dossiers(
        &self,
        who: &Principal,
        (position, key): (u64, String),
        limit: u32,
    ) -> Result<(Vec<DossierRow>, (u64, String)), StoreError> {
        let rows = self.store.dossiers(position, key.clone(), limit.min(PAGE_MAX)).await?;
        let next = rows.last().map_or((position, key), |row| (row.position, row.key.clone()));
        let shown = rows.into_iter().filter(|row| match who {
            Principal::Agency(own) => {
                row.public.is_none() && agency_of(&row.key) == own || self.may_see(who, row)
            }
            _ => row.public.is_none() || self.may_see(who, row),
        });
        Ok((shown.collect(), next))
    }
}

/// What feeds carry: observations and retractions of channels that count.
fn is_fed(row: &EntryRow) -> bool {
    let entry: Option<Value> = serde_json::from_slice(&row.text).ok();
    let says = |name: &str| entry.as_ref().and_then(|entry| entry.get(name)?.as_str());
    matches!(says("kind"), Some("observation" | "retraction")) && says("mode") != Some("trial")
}

/// The agency of a source, a channel or a dossier's key.
pub fn agency_of(name: &str) -> &str {
    let end = name.find(['.', '/']).unwrap_or(name.len());
    name.get(..end).unwrap_or(name)
}

fn state_of(public: &[u8]) -> Option<DossierState> {
    serde_json::from_slice(public).ok()
}

fn said(one: &Observation) -> Said {
    use crate::registry::Content;
    let identity = one.identity();
    let (kind, status, at) = match &one.content {
        Content::Snapshot(body) => {
            let at = crate::registry::timeline::status_date(body);
            ("snapshot", Some(body.status.code()), at)
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

const UNIX_EPOCH: Date = jiff::civil::date(1970, 1, 1);

/// Days since 1970-01-01.
pub fn day_number(day: Date) -> i32 {
    day.since(UNIX_EPOCH).map_or(0, |span| span.get_days())
}

fn day_of(number: i32) -> Date {
    UNIX_EPOCH.saturating_add(jiff::Span::new().days(number.clamp(-700_000, 2_900_000)))
}

/// Sums changes into rows: flows over the days, gauges by running sums.
fn rows(question: &Question, cells: &[CellRow]) -> Vec<Row> {
    type Place = (Option<String>, Option<String>);
    let by = |dimension| question.by.contains(&dimension);
    let place = |cell: &CellRow| -> Place {
        let agency = by(Dimension::Agency).then(|| cell.agency.clone());
        (agency, by(Dimension::Procedure).then(|| cell.procedure.clone()))
    };
    let mut sums: BTreeMap<Place, BTreeMap<&str, BTreeMap<i32, i64>>> = BTreeMap::new();
    for cell in cells {
        let days = sums.entry(place(cell)).or_default().entry(&cell.measure).or_default();
        *days.entry(cell.day).or_default() += cell.n;
    }
    let mut rows = Vec::new();
    for ((agency, procedure), measures) in sums {
        let row = |day: Option<Date>, measures: BTreeMap<String, i64>| Row {
            agency: agency.clone(),
            procedure: procedure.clone(),
            day,
            measures,
        };
        if by(Dimension::Day) {
            let days = by_day(question, &measures);
            rows.extend(days.into_iter().map(|(day, measures)| row(Some(day_of(day)), measures)));
        } else {
            let total = |days: &BTreeMap<i32, i64>| days.values().sum::<i64>();
            let totals = measures.iter().map(|(name, days)| ((*name).to_owned(), total(days)));
            rows.push(row(None, totals.filter(|(_, n)| *n != 0).collect()));
        }
    }
    rows
}

/// Every day on which a flow is not zero or a gauge changes, with all gauges as they stand then.
fn by_day(
    question: &Question,
    measures: &BTreeMap<&str, BTreeMap<i32, i64>>,
) -> BTreeMap<i32, BTreeMap<String, i64>> {
    let first = day_number(question.from);
    let mut days: BTreeMap<i32, BTreeMap<String, i64>> = BTreeMap::new();
    days.insert(first, BTreeMap::new());
    for changes in measures.values() {
        for day in changes.keys().filter(|day| **day >= first) {
            days.entry(*day).or_default();
        }
    }
    for (name, changes) in measures {
        let mut stands = 0;
        let gauge = Measure::is_gauge_name(name);
        if gauge {
            stands = changes.range(..first).map(|(_, n)| *n).sum();
        }
        for (day, row) in &mut days {
            let change = changes.get(day).copied().unwrap_or(0);
            stands = if gauge { stands + change } else { change };
            if stands != 0 {
                row.insert((*name).to_owned(), stands);
            }
        }
    }
    days
}
