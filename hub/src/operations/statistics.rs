//! Numbers of any days, as of any position.

mod asked;
mod few;
mod rows;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::civil::Date;
use serde::Serialize;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

pub(super) use self::asked::Asked;
pub use self::few::FEW;
pub(super) use self::few::hides;
use super::Operations;
use crate::{
    auth::Principal,
    registry::{Dimension, catalogue::Unit, measure::day_number, offer::Offer},
    store::{CellQuery, StoreError},
};

/// Days a statistic may span: a century.
pub const STATISTIC_DAYS_MAX: i32 = 36_525;

/// How long a question that reads every change waits for its turn.
const TURN_WAIT: Duration = Duration::from_secs(10);

/// Turns of the questions that read every change: one at a time, so that they never hold all
/// readers of the store.
#[derive(Clone)]
pub struct Scans(Arc<Semaphore>);

impl Default for Scans {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Scans {
    async fn turn(&self) -> Result<SemaphorePermit<'_>, StoreError> {
        let busy = || StoreError::busy("others read every change as well; ask again");
        timeout(TURN_WAIT, self.0.acquire()).await.ok().and_then(Result::ok).ok_or_else(busy)
    }
}

/// A statistic's question.
#[derive(Debug, Clone)]
pub struct Question {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// What tells rows apart.
    pub by: BTreeSet<By>,
    /// Only what counts under these values. A code of a commune alone is the unit that it meant on
    /// the last day.
    pub only: BTreeMap<Dimension, String>,
    /// Only procedures that are offered so on the last day.
    pub offered: BTreeMap<Offer, String>,
    /// Agencies and communes as they stand on this day, no earlier than the last one: what counts
    /// under their predecessors counts under them. Absent: as they were.
    pub units_on: Option<Date>,
    /// Position.
    pub as_of: Option<u64>,
    /// By whose due date.
    pub due_of: DueOf,
}

/// By whose due date dossiers are early, on time, late and overdue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DueOf {
    /// The agency's; without one they are on time.
    #[default]
    Agency,
    /// The agency's, and the hub's where it promised none; the hub's beside it. As of the entry up
    /// to which that is judged, of what sums are kept for: see [`Question::is_summed`].
    Hub,
}

impl Question {
    /// Of some days, summed over everything.
    pub fn of(from: Date, to: Date) -> Self {
        let (by, only, offered) = Default::default();
        Self { from, to, by, only, offered, units_on: None, as_of: None, due_of: DueOf::Agency }
    }

    /// Whether sums are kept for it, as somebody asks it: what an agency asks is of its own.
    pub fn is_summed(&self, who: &Principal) -> bool {
        let own = matches!(who, Principal::Agency(_)).then_some(Dimension::Agency);
        let offers: &[Dimension] =
            if self.offers() { &[Dimension::Agency, Dimension::Procedure] } else { &[] };
        let by = self.places().chain(self.only.keys().copied());
        let by = by.chain(own).chain(offers.iter().copied()).collect();
        CellQuery { by, ..CellQuery::default() }.is_kept()
    }

    /// The dimensions of places that tell its rows apart.
    fn places(&self) -> impl Iterator<Item = Dimension> {
        self.by.iter().filter_map(|by| match by {
            By::Place(dimension) => Some(*dimension),
            By::Offer(_) | By::Status | By::Day => None,
        })
    }

    /// The same in the order of all dimensions.
    fn dimensions(&self) -> impl Iterator<Item = Dimension> {
        Dimension::ALL.into_iter().filter(|one| self.by.contains(&By::Place(*one)))
    }

    /// Whether only a catalogue can answer it.
    pub fn needs_catalogue(&self) -> bool {
        self.units_on.is_some() || self.offers()
    }

    /// Whether it asks how procedures are offered.
    fn offers(&self) -> bool {
        !self.offered.is_empty() || self.by.iter().any(|by| matches!(by, By::Offer(_)))
    }

    /// What it tells apart of offers.
    fn by_offers(&self) -> impl Iterator<Item = Offer> {
        Offer::ALL.into_iter().filter(|one| self.by.contains(&By::Offer(*one)))
    }
}

/// What may tell the rows of a statistic apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// Where a dossier counts.
    Place(Dimension),
    /// How its procedure is offered on the last day.
    Offer(Offer),
    /// Status: only what is counted by status, so stays and refusals.
    Status,
    /// Day.
    Day,
}

impl By {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let places = Dimension::ALL.into_iter().map(Self::Place);
        places.chain(Offer::ALL.map(Self::Offer)).chain([Self::Status, Self::Day])
    }

    /// Its name in questions and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Place(dimension) => dimension.name(),
            Self::Offer(offer) => offer.name(),
            Self::Status => "status",
            Self::Day => "day",
        }
    }
}

/// A row of a statistic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = StatisticRow)]
pub struct Row {
    /// Where it counts, in the dimensions asked for; empty where dossiers have none.
    #[serde(flatten)]
    pub place: BTreeMap<&'static str, String>,
    /// National status, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u8>,
    /// Day, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub day: Option<Date>,
    /// Numbers by measure: flows counted over the days, gauges as they stood at their end.
    pub measures: BTreeMap<&'static str, i64>,
    /// Measures that are left out, zero or not: of too few dossiers, or what would give such away.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub suppressed: BTreeSet<&'static str>,
}

/// A statistic's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Statistic {
    /// First day.
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    /// Last day.
    #[schema(value_type = String, format = Date)]
    pub to: Date,
    /// The journal position it is true at.
    pub as_of: u64,
    /// `rollups` where sums are kept for what was asked; else `deltas`: exact too, but read change
    /// by change, which takes longer the longer the history is.
    pub summed_from: &'static str,
    /// The day whose agencies and communes the rows are of, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub units_on: Option<Date>,
    /// What is out of fewer dossiers is left out, where this answer is for everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed_below: Option<u32>,
    /// Rows in the order of their dimensions.
    pub rows: Vec<Row>,
    /// The units that rows by commune name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub units: BTreeMap<String, Unit>,
}

impl Operations {
    /// Numbers. An agency is told only its own, the portal what everybody may see.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn statistics(
        &self,
        who: &Principal,
        question: &Question,
    ) -> Result<Statistic, StoreError> {
        match few::hides(who, self.few) {
            Some(few) => self.for_everybody(question, few).await,
            None => self.numbers(who, question).await,
        }
    }

    async fn numbers(&self, who: &Principal, question: &Question) -> Result<Statistic, StoreError> {
        let places = |by: &BTreeSet<By>| by.contains(&By::Place(Dimension::Commune));
        let of_units = question.units_on.is_some()
            || places(&question.by)
            || question.only.contains_key(&Dimension::Commune);
        let edition = match of_units || question.offers() {
            true => self.published.edition(&*self.store, question.as_of).await?,
            false => None,
        };
        let mut asked = Asked::new(question, edition.as_deref());
        asked.only_of(who);
        let mut by: BTreeSet<Dimension> = question.places().collect();
        by.extend(asked.within.keys());
        if question.offers() {
            by.extend([Dimension::Agency, Dimension::Procedure]);
        }
        let query = CellQuery {
            measures: BTreeSet::new(),
            only: asked.only.clone(),
            by,
            by_day: question.by.contains(&By::Day),
            from: day_number(question.from),
            to: day_number(question.to),
            as_of: question.as_of,
        };
        let turn = if query.is_kept() { None } else { Some(self.scans.turn().await?) };
        let cells = match question.due_of {
            DueOf::Agency => self.store.statistics(query).await?,
            DueOf::Hub => self.by_hub(query).await?,
        };
        drop(turn);
        let rows = rows::rows(&mut asked, &cells.rows);
        Ok(Statistic {
            from: question.from,
            to: question.to,
            as_of: cells.as_of,
            summed_from: if cells.scanned { "deltas" } else { "rollups" },
            units_on: question.units_on,
            units: asked.named(&rows),
            suppressed_below: None,
            rows,
        })
    }
}
