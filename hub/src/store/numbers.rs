//! Which sums answer a question about numbers, and how they are added up. Pure: every store reads
//! its rollups and deltas for itself.

use std::collections::BTreeMap;

use super::{
    CellQuery, CellRow,
    batch::{
        Delta,
        rollups::{Run, Span, runs},
    },
};
use crate::registry::Measure;

/// Measure, agency, procedure, day.
type Key = (String, String, String, i32);

/// Before any day on which something was counted: the first day of the calendar.
const DAY_MIN: i32 = -719_162;

impl CellQuery {
    fn of_agency(&self) -> bool {
        self.by_agency || self.agency.is_some()
    }

    fn of_procedure(&self) -> bool {
        self.by_procedure || self.procedure.is_some()
    }

    /// The level of the lattice that answers it: 0 all, 1 by agency, 2 by procedure, 3 by both.
    pub(super) fn level(&self) -> u8 {
        u8::from(self.of_agency()) + 2 * u8::from(self.of_procedure())
    }

    /// The only inner key that is asked for; all where absent.
    pub(super) fn inner(&self) -> Option<&str> {
        match self.level() {
            1 => self.agency.as_deref(),
            2 | 3 => self.procedure.as_deref(),
            _ => None,
        }
    }

    /// The stretches of a measure to read, each with whether its days are shown one by one.
    pub(super) fn runs(&self, measure: &str) -> Vec<(Run, bool)> {
        let (from, to) = (self.from, self.to);
        let mut wanted: Vec<(Run, bool)> = Vec::new();
        if self.by_day {
            wanted.push(((Span::Day, from, to), true));
        }
        let whole = match (self.by_day, Measure::is_gauge_name(measure)) {
            (false, false) => runs(from, to),
            (false, true) => runs(DAY_MIN, to),
            (true, true) => runs(DAY_MIN, from - 1),
            (true, false) => Vec::new(),
        };
        wanted.extend(whole.into_iter().map(|run| (run, false)));
        wanted
    }

    /// The day that a number of a day is shown under.
    fn shown(&self, day: i32) -> i32 {
        if self.by_day { day.max(self.from - 1) } else { self.to }
    }
}

/// The sums of one answer.
pub(super) struct Sums<'a> {
    query: &'a CellQuery,
    sums: BTreeMap<Key, i64>,
}

impl<'a> Sums<'a> {
    /// None yet.
    pub(super) fn new(query: &'a CellQuery) -> Self {
        Self { query, sums: BTreeMap::new() }
    }

    /// Adds what rollups say: measure, outer and inner key, a day, a number.
    pub(super) fn rolled(&mut self, measure: &str, outer: &str, inner: String, day: i32, n: i64) {
        let (agency, procedure) = match self.query.level() {
            1 => (inner, String::new()),
            3 => (outer.to_owned(), inner),
            _ => (String::new(), inner),
        };
        let key = (measure.to_owned(), agency, procedure, self.query.shown(day));
        *self.sums.entry(key).or_default() += n;
    }

    /// Adds a delta that the rollups lack, or takes one back that they hold too many.
    pub(super) fn delta(&mut self, delta: &Delta, sign: i64) {
        let query = self.query;
        let other = |wanted: &Option<String>, value: &String| {
            wanted.as_ref().is_some_and(|wanted| wanted != value)
        };
        let before = delta.day < query.from && !Measure::is_gauge_name(delta.measure);
        if before
            || delta.day > query.to
            || other(&query.agency, &delta.place.agency)
            || other(&query.procedure, &delta.place.procedure)
        {
            return;
        }
        let kept = |by: bool, value: &String| if by { value.clone() } else { String::new() };
        let agency = kept(query.of_agency(), &delta.place.agency);
        let procedure = kept(query.of_procedure(), &delta.place.procedure);
        let key = (delta.measure.to_owned(), agency, procedure, query.shown(delta.day));
        *self.sums.entry(key).or_default() += sign * delta.n;
    }

    /// The answer, without zeros.
    pub(super) fn rows(self) -> Vec<CellRow> {
        let row =
            |((measure, agency, procedure, day), n)| CellRow { measure, agency, procedure, day, n };
        self.sums.into_iter().filter(|(_, n)| *n != 0).map(row).collect()
    }
}
