//! Numbers of any days, as of any position.

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

use super::Operations;
use crate::{
    auth::Principal,
    registry::{
        Dimension, Measure, Place,
        catalogue::Unit,
        measure::{day_number, day_of},
        units::Units,
    },
    store::{CellQuery, CellRow, StoreError},
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
    /// Agencies and communes as they stand on this day, no earlier than the last one: what counts
    /// under their predecessors counts under them. Absent: as they were.
    pub units_on: Option<Date>,
    /// Position.
    pub as_of: Option<u64>,
}

impl Question {
    /// Of some days, summed over everything.
    pub fn of(from: Date, to: Date) -> Self {
        Self { from, to, by: BTreeSet::new(), only: BTreeMap::new(), units_on: None, as_of: None }
    }
}

/// What may tell the rows of a statistic apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// Where a dossier counts.
    Place(Dimension),
    /// Status: only what is counted by status, so stays and refusals.
    Status,
    /// Day.
    Day,
}

impl By {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Dimension::ALL.into_iter().map(Self::Place).chain([Self::Status, Self::Day])
    }

    /// Its name in questions and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Place(dimension) => dimension.name(),
            Self::Status => "status",
            Self::Day => "day",
        }
    }
}

/// A row of a statistic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Where it counts, in the dimensions asked for; empty where dossiers have none.
    #[serde(flatten)]
    pub place: BTreeMap<&'static str, String>,
    /// National status, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u8>,
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
    /// `rollups` where sums are kept for what was asked; else `deltas`: exact too, but read change
    /// by change, which takes longer the longer the history is.
    pub summed_from: &'static str,
    /// The day whose agencies and communes the rows are of, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units_on: Option<Date>,
    /// Rows in the order of their dimensions.
    pub rows: Vec<Row>,
    /// The units that rows by commune name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub units: BTreeMap<String, Unit>,
}

impl Operations {
    /// Numbers. An agency is told only its own.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn statistics(
        &self,
        who: &Principal,
        question: &Question,
    ) -> Result<Statistic, StoreError> {
        let places = |by: &BTreeSet<By>| by.contains(&By::Place(Dimension::Commune));
        let of_units = question.units_on.is_some()
            || places(&question.by)
            || question.only.contains_key(&Dimension::Commune);
        let edition = match of_units {
            true => self.published.edition(&*self.store, question.as_of).await?,
            false => None,
        };
        let units = edition.as_ref().map(|edition| edition.units());
        let mut asked = Asked::new(question, units);
        asked.only_of(who);
        let place = |by: &By| match by {
            By::Place(dimension) => Some(*dimension),
            By::Status | By::Day => None,
        };
        let mut by: BTreeSet<Dimension> = question.by.iter().filter_map(place).collect();
        by.extend(asked.within.keys());
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
        let mut cells = self.store.statistics(query).await?;
        drop(turn);
        if question.units_on.is_some() {
            let stand = |cell: CellRow| Some(CellRow { place: asked.place(cell.place)?, ..cell });
            cells.rows = cells.rows.into_iter().filter_map(stand).collect();
        }
        let rows = rows(question, &cells.rows);
        Ok(Statistic {
            from: question.from,
            to: question.to,
            as_of: cells.as_of,
            summed_from: if cells.scanned { "deltas" } else { "rollups" },
            units_on: question.units_on,
            units: asked.named(&rows),
            rows,
        })
    }
}

/// A question with what the catalogue says of the units in it.
pub(super) struct Asked<'a> {
    units: Option<&'a Units>,
    units_on: Option<Date>,
    /// Only what counts under these values, as it is counted.
    only: BTreeMap<Dimension, String>,
    /// Only what counts under these agencies and communes of a later day.
    within: BTreeMap<Dimension, String>,
    /// What stands now for names that were met.
    standing: BTreeMap<(Dimension, String), String>,
}

impl<'a> Asked<'a> {
    pub(super) fn new(question: &Question, units: Option<&'a Units>) -> Self {
        let (mut only, mut within) = (question.only.clone(), BTreeMap::new());
        let day = question.units_on.unwrap_or(question.to);
        if let (Some(code), Some(units)) = (only.get_mut(&Dimension::Commune), units)
            && !code.is_empty()
        {
            *code = units.versions().name(code, Some(day));
        }
        if question.units_on.is_some() {
            for dimension in [Dimension::Agency, Dimension::Commune] {
                within.extend(only.remove(&dimension).map(|value| (dimension, value)));
            }
        }
        let standing = BTreeMap::new();
        Self { units, units_on: question.units_on, only, within, standing }
    }

    /// An agency is told only its own, as it counted.
    pub(super) fn only_of(&mut self, who: &Principal) {
        if let Principal::Agency(own) = who {
            self.only.insert(Dimension::Agency, own.clone());
        }
    }

    /// Where something counts that counted at a place; `None` where that is not asked for.
    pub(super) fn place(&mut self, mut place: Place) -> Option<Place> {
        let at = |all: &BTreeMap<Dimension, String>, place: &Place| {
            all.iter().all(|(dimension, value)| dimension.of(place) == value)
        };
        if !at(&self.only, &place) {
            return None;
        }
        self.stand(&mut place);
        at(&self.within, &place).then_some(place)
    }

    /// Puts a place under the agency and the commune of the day asked for.
    fn stand(&mut self, place: &mut Place) {
        let Some((units, day)) = self.units.zip(self.units_on) else { return };
        for dimension in [Dimension::Agency, Dimension::Commune] {
            let name = dimension.of(place).to_owned();
            if name.is_empty() {
                continue;
            }
            let standing = self.standing.entry((dimension, name.clone()));
            let now = standing.or_insert_with(|| match dimension {
                Dimension::Agency => units.agency_on(&name, day),
                _ => units.unit_on(&name, day),
            });
            dimension.set(place, now.clone());
        }
    }

    /// The units that rows name.
    fn named(&self, rows: &[Row]) -> BTreeMap<String, Unit> {
        let names = rows.iter().filter_map(|row| row.place.get(Dimension::Commune.name()));
        let unit = |name: &String| Some((name.clone(), self.units?.unit(name)?.clone()));
        names.filter_map(unit).collect()
    }
}

/// Sums changes into rows: flows over the days, gauges by running sums.
fn rows(question: &Question, cells: &[CellRow]) -> Vec<Row> {
    let by = |by| question.by.contains(&by);
    let dimensions: Vec<Dimension> =
        Dimension::ALL.into_iter().filter(|one| by(By::Place(*one))).collect();
    let place = |cell: &CellRow| -> Vec<String> {
        dimensions.iter().map(|one| one.of(&cell.place).to_owned()).collect()
    };
    type Key = (Vec<String>, Option<u8>);
    let mut sums: BTreeMap<Key, BTreeMap<&str, BTreeMap<i32, i64>>> = BTreeMap::new();
    for cell in cells {
        let (measure, status) = match (by(By::Status), of_status(&cell.measure)) {
            (true, Some((measure, status))) => (measure, Some(status)),
            (true, None) => continue,
            (false, _) => (cell.measure.as_str(), None),
        };
        let days = sums.entry((place(cell), status)).or_default().entry(measure).or_default();
        *days.entry(cell.day).or_default() += cell.n;
    }
    let mut rows = Vec::new();
    for ((place, status), measures) in sums {
        let names = dimensions.iter().map(|one| one.name());
        let place: BTreeMap<&str, String> = names.zip(place).collect();
        let row = |day: Option<Date>, measures: BTreeMap<String, i64>| Row {
            place: place.clone(),
            status,
            day,
            measures,
        };
        if by(By::Day) {
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

/// A measure that is counted by status, and which status.
fn of_status(name: &str) -> Option<(&str, u8)> {
    let (measure, status) = name.rsplit_once('-')?;
    Some((measure, status.parse().ok()?))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_by_status_can_be_asked_for_by_status() {
        let day: Date = "2024-03-01".parse().unwrap();
        let cell = |measure: &str, n| CellRow {
            measure: measure.to_owned(),
            place: Place::default(),
            day: day_number(day),
            n,
        };
        let cells = [cell("in-status-4", 3), cell("refused-3", 1), cell("open", 3)];
        let question =
            |by: &[By]| Question { by: by.iter().copied().collect(), ..Question::of(day, day) };
        let told = rows(&question(&[By::Status]), &cells);
        let told: Vec<_> = told.into_iter().map(|row| (row.status, row.measures)).collect();
        let measure = |name: &str, n| BTreeMap::from([(name.to_owned(), n)]);
        assert_eq!(told, [(Some(3), measure("refused", 1)), (Some(4), measure("in-status", 3))]);
        assert_eq!(rows(&question(&[]), &cells)[0].measures.len(), 3);
    }
}
