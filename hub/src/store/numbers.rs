//! Which sums answer a question about numbers, and how they are added up. Pure: every store reads
//! its rollups and deltas for itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::RandomState;

use super::{
    CellQuery, CellRow,
    batch::{
        Delta, Level,
        year::{Years, year_of, years},
    },
};
use crate::registry::{Dimension, Measure, Place};

/// Measure, place, day.
type Key = (String, Place, i32);

/// Before any day on which something was counted: the first day of the calendar.
const DAY_MIN: i32 = -719_162;

impl CellQuery {
    /// Whether sums are kept for it; else every change is read.
    pub fn is_kept(&self) -> bool {
        self.level().is_some()
    }

    /// The level of the lattice that answers it; `None` where none is kept for it.
    pub(super) fn level(&self) -> Option<&'static Level> {
        let dimensions: BTreeSet<Dimension> = self.dimensions().collect();
        Level::keeping(&dimensions)
    }

    /// The dimensions that matter to it.
    fn dimensions(&self) -> impl Iterator<Item = Dimension> {
        Dimension::ALL
            .into_iter()
            .filter(|one| self.by.contains(one) || self.only.contains_key(one))
    }

    /// The only value of a level's dimension that is asked for; all where absent.
    pub(super) fn only(&self, dimension: Option<Dimension>) -> Option<&str> {
        self.only.get(&dimension?).map(String::as_str)
    }

    /// Whether a measure is asked for.
    pub(super) fn wants(&self, measure: &str) -> bool {
        self.measures.is_empty() || self.measures.contains(measure)
    }

    /// The years of a measure to read, each with whether its days are shown one by one.
    pub(super) fn years(&self, measure: &str) -> Vec<(Years, bool)> {
        let (from, to) = (self.from, self.to);
        let mut wanted: Vec<(Years, bool)> = Vec::new();
        if !self.wants(measure) {
            return wanted;
        }
        if self.by_day {
            let (first, last) = (year_of(from), year_of(to));
            wanted.push((Years { first, last, days: Some((from, to)) }, true));
        }
        let whole = match (self.by_day, Measure::is_gauge_name(measure)) {
            (false, false) => years(from, to),
            (false, true) => years(DAY_MIN, to),
            (true, true) => years(DAY_MIN, from - 1),
            (true, false) => Vec::new(),
        };
        wanted.extend(whole.into_iter().map(|years| (years, false)));
        wanted
    }

    /// The day that a number of a day is shown under; `None` where it is not asked for.
    fn shown(&self, measure: &str, day: i32) -> Option<i32> {
        let before = day < self.from && !Measure::is_gauge_name(measure);
        let asked = !before && day <= self.to && self.wants(measure);
        asked.then(|| if self.by_day { day.max(self.from - 1) } else { self.to })
    }

    /// What of a place tells rows apart; `None` where the place is not asked for.
    fn kept(&self, place: &Place) -> Option<Place> {
        let asked = |(dimension, value): (&Dimension, &String)| dimension.of(place) == value;
        if !self.only.iter().all(asked) {
            return None;
        }
        let mut kept = Place::default();
        self.dimensions().for_each(|one| one.set(&mut kept, one.of(place).to_owned()));
        Some(kept)
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

    /// Adds what the rollups of a level say: measure, outer and inner key, a day, a number.
    pub(super) fn rolled(
        &mut self,
        level: &Level,
        (measure, outer, inner): (&str, &str, &str),
        day: i32,
        n: i64,
    ) {
        let Some(day) = self.query.shown(measure, day.min(self.query.to)) else { return };
        let mut place = Place::default();
        for (dimension, value) in [(level.outer, outer), (level.inner, inner)] {
            if let Some(dimension) = dimension {
                dimension.set(&mut place, value.to_owned());
            }
        }
        *self.sums.entry((measure.to_owned(), place, day)).or_default() += n;
    }

    /// Adds a delta that the rollups lack, or takes one back that they hold too many.
    pub(super) fn delta(&mut self, delta: &Delta, sign: i64) {
        let shown = self.query.shown(delta.measure, delta.day);
        if let Some((day, place)) = shown.zip(self.query.kept(&delta.place)) {
            let key = (delta.measure.to_owned(), place, day);
            *self.sums.entry(key).or_default() += sign * delta.n;
        }
    }

    /// Adds what deltas were summed to elsewhere, told as they are to be shown.
    pub(super) fn summed(&mut self, measure: &str, place: Place, day: i32, n: i64) {
        if self.query.wants(measure) {
            *self.sums.entry((measure.to_owned(), place, day)).or_default() += n;
        }
    }

    /// The numbers, without zeros.
    pub(super) fn rows(self) -> Vec<CellRow> {
        let row = |((measure, place, day), n)| CellRow { measure, place, day, n };
        self.sums.into_iter().filter(|(_, n)| *n != 0).map(row).collect()
    }
}

/// Sums of all deltas, for a question that no level answers: by the numbers of their places, so
/// that a place is looked at once.
pub(super) struct Scan<'a> {
    query: &'a CellQuery,
    /// The group of each place that was met; `None` for one that is not asked for.
    groups: HashMap<i64, Option<u32>, RandomState>,
    numbers: HashMap<Place, u32>,
    sums: HashMap<(u32, &'static str, i32), i64, RandomState>,
}

impl<'a> Scan<'a> {
    /// Nothing read yet.
    pub(super) fn new(query: &'a CellQuery) -> Self {
        let (groups, numbers) = (HashMap::default(), HashMap::default());
        Self { query, groups, numbers, sums: HashMap::default() }
    }

    /// Adds a change at the place of a number, which is read where it is met first.
    ///
    /// # Errors
    /// Those of reading the place.
    pub(super) fn add<E>(
        &mut self,
        (measure, day, n): (&'static str, i32, i64),
        number: i64,
        place: impl FnOnce() -> Result<Place, E>,
    ) -> Result<(), E> {
        let Some(day) = self.query.shown(measure, day) else { return Ok(()) };
        let group = match self.groups.get(&number) {
            Some(group) => *group,
            None => {
                let group = self.query.kept(&place()?).map(|kept| {
                    let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
                    *self.numbers.entry(kept).or_insert(next)
                });
                *self.groups.entry(number).or_insert(group)
            }
        };
        if let Some(group) = group {
            *self.sums.entry((group, measure, day)).or_default() += n;
        }
        Ok(())
    }

    /// Hands over what was summed.
    pub(super) fn close(self, sums: &mut Sums<'_>) {
        let places: HashMap<u32, Place> =
            self.numbers.into_iter().map(|(place, number)| (number, place)).collect();
        for ((group, measure, day), n) in self.sums {
            let place = places.get(&group).cloned().unwrap_or_default();
            sums.summed(measure, place, day, n);
        }
    }
}
