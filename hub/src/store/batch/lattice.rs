//! The listed lattice: which groupings of numbers are kept summed, and over which stretches.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;

use super::rollups::{Rollups, Span};
use crate::registry::{Dimension, measure::stored_name};

/// One grouping that is kept summed: the dimensions that tell its sums apart.
#[derive(Debug, PartialEq, Eq)]
pub struct Level {
    /// Its number in the store: never change one, migrations say how they are laid out.
    pub number: u8,
    /// The dimension of the outer key, where it has two.
    pub outer: Option<Dimension>,
    /// The dimension of the inner key.
    pub inner: Option<Dimension>,
}

use Dimension::{Agency, Commune, Field, Procedure};

/// All of them, in the order of their numbers. Any other grouping is summed from the deltas.
pub const LEVELS: [Level; 8] = [
    Level { number: 0, outer: None, inner: None },
    Level { number: 1, outer: None, inner: Some(Agency) },
    Level { number: 2, outer: None, inner: Some(Procedure) },
    Level { number: 3, outer: Some(Agency), inner: Some(Procedure) },
    Level { number: 4, outer: None, inner: Some(Field) },
    Level { number: 5, outer: None, inner: Some(Commune) },
    Level { number: 6, outer: Some(Agency), inner: Some(Commune) },
    Level { number: 7, outer: Some(Agency), inner: Some(Field) },
];

impl Level {
    /// The level of a number; `None` for one that is none.
    pub fn of(number: u8) -> Option<&'static Self> {
        LEVELS.get(usize::from(number))
    }

    /// The level that keeps exactly these dimensions; `None` where none is listed.
    pub fn keeping(dimensions: &BTreeSet<Dimension>) -> Option<&'static Self> {
        LEVELS.iter().find(|level| level.dimensions().eq(dimensions.iter().copied()))
    }

    /// The dimensions that it keeps, in order.
    fn dimensions(&self) -> impl Iterator<Item = Dimension> {
        self.outer.into_iter().chain(self.inner)
    }
}

/// A rolled-up cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RollupKey<'a> {
    /// The number of its [`Level`].
    pub level: u8,
    /// The stretch.
    pub span: Span,
    /// What is counted.
    pub measure: &'static str,
    /// The value of the level's outer dimension; empty where it has none.
    pub outer: &'a str,
    /// First day of the stretch, from 1970-01-01.
    pub day: i32,
    /// The value of the level's inner dimension; empty where it has none.
    pub inner: &'a str,
}

/// A key of one level and span, each name by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    measure: u32,
    outer: u32,
    day: i32,
    inner: u32,
}

type Summed = HashMap<Key, i64, RandomState>;

fn summed(sums: &Summed, key: impl Fn(Key) -> Key) -> Summed {
    let mut all = Summed::default();
    for (at, n) in sums {
        *all.entry(key(*at)).or_default() += n;
    }
    all
}

/// Names by their numbers, in order, so that numbers sort as names do. The empty name is the first.
struct Names<'a> {
    names: Vec<&'a str>,
    numbers: HashMap<&'a str, u32, RandomState>,
}

impl<'a> Names<'a> {
    fn of(sums: &'a Rollups) -> Self {
        let mut names: BTreeSet<&str> = sums.measures().collect();
        names.insert("");
        for place in sums.places() {
            names.extend(LEVELS.iter().flat_map(Level::dimensions).map(|one| one.of(place)));
        }
        let names: Vec<&str> = names.into_iter().collect();
        let numbers = names.iter().copied().zip(0..).collect();
        Self { names, numbers }
    }

    fn number(&self, name: &str) -> u32 {
        self.numbers.get(name).copied().unwrap_or_default()
    }

    /// The sums by two dimensions.
    fn cells(&self, sums: &Rollups, outer: Dimension, inner: Dimension) -> Summed {
        let numbers = |place| [outer, inner].map(|one| self.number(one.of(place)));
        let places: Vec<[u32; 2]> = sums.places().iter().map(|place| numbers(place)).collect();
        let mut cells = Summed::default();
        for (place, measure, day, n) in sums.by_place() {
            let [outer, inner] = places[place as usize];
            let key = Key { measure: self.number(measure), outer, day, inner };
            *cells.entry(key).or_default() += n;
        }
        cells
    }
}

/// The sums on each level and span that are not zero, in the order of their key: rows are written
/// in one order.
pub(super) fn rows(sums: &Rollups) -> Vec<(RollupKey<'_>, i64)> {
    let names = Names::of(sums);
    let mut rows = Vec::new();
    let mut level = |level: u8, days: &Summed| {
        let months = summed(days, |key| Key { day: Span::Month.first_day(key.day), ..key });
        let years = summed(&months, |key| Key { day: Span::Year.first_day(key.day), ..key });
        for (span, sums) in Span::ALL.into_iter().zip([days, &months, &years]) {
            let left = sums.iter().filter(|(_, n)| **n != 0);
            rows.extend(left.map(|(key, n)| ((level, span, *key), *n)));
        }
    };
    // Each level is summed from the one below it: days are many, and these are few.
    let [of_procedures, of_communes, of_fields] =
        [Procedure, Commune, Field].map(|inner| names.cells(sums, Agency, inner));
    let agencies = summed(&of_procedures, |key| Key { outer: 0, inner: key.outer, ..key });
    let within = |key| Key { outer: 0, ..key };
    level(0, &summed(&agencies, |key| Key { inner: 0, ..key }));
    level(1, &agencies);
    level(2, &summed(&of_procedures, within));
    level(3, &of_procedures);
    level(4, &summed(&of_fields, within));
    level(5, &summed(&of_communes, within));
    level(6, &of_communes);
    level(7, &of_fields);
    rows.sort_unstable();
    let named = |((level, span, key), n): ((u8, Span, Key), i64)| {
        let name = |number: u32| names.names.get(number as usize).copied().unwrap_or_default();
        let measure = stored_name(name(key.measure)).unwrap_or_default();
        let (outer, inner) = (name(key.outer), name(key.inner));
        (RollupKey { level, span, measure, outer, day: key.day, inner }, n)
    };
    rows.into_iter().map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_found_by_its_number_and_by_what_it_keeps() {
        for (number, level) in (0..).zip(&LEVELS) {
            assert_eq!(level.number, number);
            assert_eq!(Level::of(number), Some(level));
            assert_eq!(Level::keeping(&level.dimensions().collect()), Some(level));
        }
        assert_eq!(Level::keeping(&BTreeSet::from([Field, Commune])), None);
        assert_eq!(Level::of(8), None);
    }
}
