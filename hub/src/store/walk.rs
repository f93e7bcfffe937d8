//! Which rows of the rollups, or of a stride, answer a question, in the order of their keys. Pure:
//! a store reads on from a key, and is told of each row whether it is one of them, or where the
//! next may lie. So years, agencies and measures that are not asked for are passed by, and those
//! that are cost no statement each.

use super::{
    CellQuery, StoreError,
    batch::{
        Level,
        slot::Slot,
        year::{each_day, first_and_last, year_of},
    },
    numbers::{At, Counts, Sums},
};

/// The key of a row: its slot as a number, and its inner name.
pub(super) type Key = (i64, i64);

/// The numbers of the names that a question asks for: all names where absent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Only {
    pub(super) outer: Option<i64>,
    pub(super) inner: Option<i64>,
}

/// What is to be done at a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It is asked for.
    Take,
    /// Nothing is before this key.
    Seek(Key),
    /// Nothing is behind it.
    Over,
}

/// A way through the rows of one level.
pub(super) struct Walk<'a> {
    query: &'a CellQuery,
    pub(super) level: &'static Level,
    only: Only,
    /// The first and the last year that days are asked of.
    years: (i16, i16),
    /// Whether the first of them is asked for from its first day, and the last up to its last.
    whole: (bool, bool),
}

impl<'a> Walk<'a> {
    pub(super) fn new(query: &'a CellQuery, level: &'static Level, only: Only) -> Self {
        let years = (year_of(query.from), year_of(query.to));
        let (first, last) = (first_and_last(years.0).0, first_and_last(years.1).1);
        Self { query, level, only, years, whole: (query.from <= first, query.to >= last) }
    }

    /// Where it begins, and the last slot.
    pub(super) fn ends(&self) -> (Key, i64) {
        let first = Slot { level: self.level.number, measure: 0, outer: 0, year: Slot::YEAR_MIN };
        let (measure, outer, year) = (Slot::MEASURE_MAX, Slot::OUTER_MAX, Slot::YEAR_MAX);
        let last = Slot { measure, outer, year, ..first };
        ((first.number().unwrap_or(0), self.inner()), last.number().unwrap_or(0))
    }

    /// Whether it may pass by inner names.
    pub(super) fn seeks_inner(&self) -> bool {
        self.only.inner.is_some()
    }

    /// Whether no row's days are read: what its year comes to is enough.
    pub(super) fn of_whole_years(&self) -> bool {
        !self.query.by_day && self.whole.0 && self.whole.1
    }

    fn inner(&self) -> i64 {
        self.only.inner.unwrap_or(i64::MIN)
    }

    /// What is to be done at a row: its measure counts so.
    pub(super) fn at(&self, slot: Slot, inner: i64, counts: Counts) -> Step {
        let Some(here) = slot.number() else { return Step::Over };
        let first = if counts.gauge { Slot::YEAR_MIN } else { self.years.0 };
        let seek = |slot: Slot| slot.number().map(|number| Step::Seek((number, self.inner())));
        let next_measure = || {
            let outer = self.only.outer.unwrap_or(0);
            let (measure, year) = (slot.measure + 1, Slot::YEAR_MIN);
            seek(Slot { measure, outer, year, ..slot }).unwrap_or(Step::Over)
        };
        let next_outer = || match self.only.outer {
            Some(_) => next_measure(),
            None => seek(Slot { outer: slot.outer + 1, year: first, ..slot })
                .unwrap_or_else(next_measure),
        };
        match self.only.outer {
            _ if !counts.wanted => return next_measure(),
            Some(outer) if slot.outer < outer => {
                return seek(Slot { outer, year: first, ..slot }).unwrap_or(Step::Over);
            }
            Some(outer) if slot.outer > outer => return next_measure(),
            _ => {}
        }
        if slot.year < first {
            return seek(Slot { year: first, ..slot }).unwrap_or(Step::Over);
        }
        if slot.year > self.years.1 {
            return next_outer();
        }
        match self.only.inner {
            Some(wanted) if inner < wanted => Step::Seek((here, wanted)),
            Some(wanted) if inner > wanted => Step::Seek((here + 1, wanted)),
            _ => Step::Take,
        }
    }

    /// Adds a row that is asked for: where it counts, its year, what the year comes to where that
    /// is known, and its packed days.
    ///
    /// # Errors
    /// When the days are damaged.
    pub(super) fn add(
        &self,
        sums: &mut Sums<'_>,
        (at, counts): (At, Counts),
        (year, total): (i16, Option<i64>),
        days: &[u8],
    ) -> Result<(), StoreError> {
        let CellQuery { from, to, by_day, .. } = *self.query;
        if let Some(total) = total.filter(|_| self.is_whole(year, counts)) {
            sums.add(at, counts, if by_day { self.query.before() } else { to }, total);
            return Ok(());
        }
        let (mut carried, mut within) = (0, 0);
        let day = |day: i32, n: i64| match () {
            () if day > to || (day < from && !counts.gauge) => {}
            () if day < from => carried += n,
            () if by_day => sums.add(at, counts, day, n),
            () => within += n,
        };
        let damaged = || StoreError::fault("the days of a year of numbers are damaged");
        each_day(days, day).ok_or_else(damaged)?;
        match by_day {
            true if carried != 0 => sums.add(at, counts, self.query.before(), carried),
            true => {}
            false => sums.add(at, counts, to, carried + within),
        }
        Ok(())
    }

    /// Whether what a year comes to is shown as one number.
    fn is_whole(&self, year: i16, counts: Counts) -> bool {
        if self.query.by_day {
            return year < self.years.0;
        }
        let begun = counts.gauge || year > self.years.0 || self.whole.0;
        begun && (year < self.years.1 || self.whole.1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::{
        registry::measure::day_number,
        store::batch::{YearSums, lattice::LEVELS},
    };

    const MEASURES: [&str; 4] = ["accepted", "in-status-4", "open", "submitted"];

    /// Reads as a store does: on from a key, until it is told to look elsewhere.
    fn taken(walk: &Walk<'_>, rows: &BTreeSet<Key>, sums: &mut Sums<'_>) -> (Vec<Key>, usize) {
        let (begin, end) = walk.ends();
        let (mut taken, mut next, mut read) = (Vec::new(), Some(begin), 0);
        while let Some(from) = next.take() {
            for key in rows.range(from..).take_while(|(slot, _)| *slot <= end) {
                read += 1;
                let slot = Slot::of(key.0).unwrap();
                let counts = sums.measure(MEASURES[slot.measure as usize]).unwrap();
                match walk.at(slot, key.1, counts) {
                    Step::Take => taken.push(*key),
                    Step::Seek(further) => {
                        assert!(further > *key, "{further:?} is no further than {key:?}");
                        next = Some(further);
                        break;
                    }
                    Step::Over => break,
                }
            }
        }
        (taken, read)
    }

    fn any_row() -> impl Strategy<Value = Key> {
        let slot = (2..5_u8, 0..4_i64, 0..4_i64, 2022..2028_i16).prop_map(|parts| {
            let (level, measure, outer, year) = parts;
            Slot { level, measure, outer, year }.number().unwrap()
        });
        (slot, 0..4_i64)
    }

    fn day(text: &str) -> i32 {
        day_number(text.parse().unwrap())
    }

    proptest! {
        #[test]
        fn all_rows_that_are_asked_for_are_taken_and_none_twice(
            rows in prop::collection::btree_set(any_row(), 0..300),
            outer in prop::option::of(0..5_i64), inner in prop::option::of(0..5_i64),
            few in any::<bool>(),
        ) {
            let measures: &[&'static str] = if few { &["open", "submitted"] } else { &[] };
            let measures: BTreeSet<&'static str> = measures.iter().copied().collect();
            let (from, to) = (day("2024-03-01"), day("2025-12-31"));
            let query = CellQuery { measures, from, to, ..CellQuery::default() };
            let walk = Walk::new(&query, &LEVELS[3], Only { outer, inner });
            let asked = |key: &&Key| {
                let slot = Slot::of(key.0).unwrap();
                let measure = MEASURES[slot.measure as usize];
                slot.level == 3
                    && query.wants(measure)
                    && outer.is_none_or(|outer| outer == slot.outer)
                    && inner.is_none_or(|inner| inner == key.1)
                    && slot.year <= 2025
                    && (slot.year >= 2024 || ["in-status-4", "open"].contains(&measure))
            };
            let expected: Vec<Key> = rows.iter().filter(asked).copied().collect();
            let (found, _) = taken(&walk, &rows, &mut Sums::new(&query));
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn a_year_is_shown_alike_by_its_days_and_by_what_it_comes_to(
            days in prop::collection::btree_map(19_000..20_900_i32, -3..4_i64, 0..60),
            from in 19_000..20_900_i32, length in 0..900_i32, by_day in any::<bool>(),
            measure in 0..4_usize, to_whole_years in any::<bool>(),
        ) {
            let (mut from, mut to) = (from, from + length);
            if to_whole_years {
                from = first_and_last(year_of(from)).0;
                to = first_and_last(year_of(to)).1;
            }
            let query = CellQuery { from, to, by_day, ..CellQuery::default() };
            let walk = Walk::new(&query, &LEVELS[0], Only::default());
            let mut years: BTreeMap<i16, Vec<(i32, i64)>> = BTreeMap::new();
            for (day, n) in &days {
                years.entry(year_of(*day)).or_default().push((*day, *n));
            }
            let told = |total: bool| {
                let mut sums = Sums::new(&query);
                let counts = sums.measure(MEASURES[measure]).unwrap();
                let at = sums.named(&LEVELS[0], ("", ""));
                for (year, days) in &years {
                    let slot = Slot { level: 0, measure: 0, outer: 0, year: *year };
                    if walk.at(slot, 0, counts) == Step::Take {
                        let sums_of = YearSums::new(days.clone());
                        let of_year = total.then(|| sums_of.total());
                        let packed = sums_of.packed();
                        walk.add(&mut sums, (at, counts), (*year, of_year), &packed).unwrap();
                    }
                }
                sums.rows()
            };
            let mut singly = Sums::new(&query);
            let counts = singly.measure(MEASURES[measure]).unwrap();
            let at = singly.named(&LEVELS[0], ("", ""));
            for (day, n) in days.iter().filter(|(day, _)| **day <= to) {
                singly.rolled(at, counts, *day, *n);
            }
            let singly = singly.rows();
            prop_assert_eq!(told(true), singly.clone());
            prop_assert_eq!(told(false), singly);
        }
    }

    #[test]
    fn years_and_agencies_that_are_not_asked_for_are_passed_by() {
        let of = |outer: i64, year: i16| Slot { level: 3, measure: 0, outer, year };
        let rows: BTreeSet<Key> = (0..40_i64)
            .flat_map(|outer| (1990..2030_i16).map(move |year| of(outer, year).number().unwrap()))
            .flat_map(|slot| (0..10_i64).map(move |inner| (slot, inner)))
            .collect();
        let (from, to) = (day("2025-01-01"), day("2025-12-31"));
        let query = CellQuery { from, to, ..CellQuery::default() };
        let read =
            |only| taken(&Walk::new(&query, &LEVELS[3], only), &rows, &mut Sums::new(&query));
        let (found, looked_at) = read(Only::default());
        assert_eq!(found.len(), 400);
        assert!(looked_at < 500, "{looked_at}");
        let (found, looked_at) = read(Only { outer: Some(17), inner: Some(4) });
        assert_eq!(found.len(), 1);
        assert!(looked_at < 8, "{looked_at}");
    }
}
