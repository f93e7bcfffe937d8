//! The listed lattice: which groupings of numbers are kept summed.

use std::{
    collections::{BTreeSet, HashMap},
    panic::resume_unwind,
    thread,
};

use foldhash::fast::RandomState;

use super::{
    rollups::Rollups,
    year::{YearSums, year_of},
};
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

/// What one row of the rollups is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RollupKey<'a> {
    /// The number of its [`Level`].
    pub level: u8,
    /// What is counted.
    pub measure: &'static str,
    /// The value of the level's outer dimension; empty where it has none.
    pub outer: &'a str,
    /// The calendar year.
    pub year: i16,
    /// The value of the level's inner dimension; empty where it has none.
    pub inner: &'a str,
}

/// A number of one level and day, each name by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    measure: u32,
    outer: u32,
    day: i32,
    inner: u32,
}

/// A row of one level: measure, outer name, year, inner name.
type Row = (u32, u32, i16, u32);

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
        let mut names: BTreeSet<&str> = sums.measures().iter().copied().collect();
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
        let measures: Vec<u32> = sums.measures().iter().map(|name| self.number(name)).collect();
        let mut cells = Summed::default();
        for (place, measure, day, n) in sums.by_number() {
            let [outer, inner] = places[place as usize];
            let key = Key { measure: measures[usize::from(measure)], outer, day, inner };
            *cells.entry(key).or_default() += n;
        }
        cells
    }
}

/// The days of one level gathered into years, in the order of their rows.
fn gathered(days: &Summed) -> Vec<(Row, YearSums)> {
    let mut years: HashMap<i32, i16, RandomState> = HashMap::default();
    let mut year = |day: i32| *years.entry(day).or_insert_with(|| year_of(day));
    let row = |key: &Key, year: i16| (key.measure, key.outer, year, key.inner);
    let left = days.iter().filter(|(_, n)| **n != 0);
    let mut all: Vec<(Row, i32, i64)> =
        left.map(|(key, n)| (row(key, year(key.day)), key.day, *n)).collect();
    all.sort_unstable();
    let of_one = all.chunk_by(|(one, ..), (next, ..)| one == next);
    of_one
        .map(|days| (days[0].0, YearSums::new(days.iter().map(|(_, day, n)| (*day, *n)).collect())))
        .collect()
}

/// The rows of one level by the numbers of their names.
type Rows = Vec<(Row, YearSums)>;

/// The sums on each level by year, in the order of their key: rows are written in one order. Half
/// of the work is done on a thread of its own, as who writes them waits for it.
pub(super) fn rows(sums: &Rollups) -> Vec<(RollupKey<'_>, YearSums)> {
    let names = Names::of(sums);
    // Each level is summed from the one below it: days are many, and these are few.
    let within = |key| Key { outer: 0, ..key };
    let two = |inner: Dimension| -> [Rows; 2] {
        let of_both = names.cells(sums, Agency, inner);
        [gathered(&summed(&of_both, within)), gathered(&of_both)]
    };
    let four = || -> [Rows; 4] {
        let of_both = names.cells(sums, Agency, Procedure);
        let agencies = summed(&of_both, |key| Key { outer: 0, inner: key.outer, ..key });
        let total = summed(&agencies, |key| Key { inner: 0, ..key });
        let all = [&total, &agencies, &summed(&of_both, within), &of_both];
        all.map(gathered)
    };
    let ([total, agency, procedure, of_procedures], [commune, of_communes], [field, of_fields]) =
        thread::scope(|scope| {
            let beside = scope.spawn(|| (two(Commune), two(Field)));
            let four = four();
            let (communes, fields) = beside.join().unwrap_or_else(|panic| resume_unwind(panic));
            (four, communes, fields)
        });
    let levels = [total, agency, procedure, of_procedures, field, commune, of_communes, of_fields];
    let name = |number: u32| names.names.get(number as usize).copied().unwrap_or_default();
    let keyed = |(level, rows): (u8, Rows)| {
        rows.into_iter().map(move |((measure, outer, year, inner), sums)| {
            let measure = stored_name(name(measure)).unwrap_or_default();
            let (outer, inner) = (name(outer), name(inner));
            (RollupKey { level, measure, outer, year, inner }, sums)
        })
    };
    (0..).zip(levels).flat_map(keyed).collect()
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
