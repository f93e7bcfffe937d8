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
use crate::registry::Dimension;

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

/// A number of one level and day, each name by its number: in the order of rows, and of days in
/// each. Whole numbers are sorted several times as fast as what they are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u128);

/// A row of one level: measure, outer name, year, inner name.
type Row = (u16, u32, i16, u32);

impl Key {
    fn new((measure, outer, year, inner): Row, day: i32) -> Self {
        // The sign turned over: what is before the year 0 or 1970 comes first.
        let (year, day) = (year.cast_unsigned() ^ 1 << 15, day.cast_unsigned() ^ 1 << 31);
        let high = u64::from(measure) << 48 | u64::from(outer) << 16 | u64::from(year);
        Self(u128::from(high) << 64 | u128::from(inner) << 32 | u128::from(day))
    }

    fn row(self) -> Row {
        let year = (self.0 >> 64) as u16 ^ 1 << 15;
        let (outer, inner) = ((self.0 >> 80) as u32, (self.0 >> 32) as u32);
        ((self.0 >> 112) as u16, outer, year.cast_signed(), inner)
    }

    fn day(self) -> i32 {
        (self.0 as u32 ^ 1 << 31).cast_signed()
    }
}

/// Sums in the order of their keys.
type Summed = Vec<(Key, i64)>;

fn sorted(mut cells: Summed) -> Summed {
    cells.sort_unstable_by_key(|(key, _)| *key);
    cells.dedup_by(|(key, n), (before, sum)| {
        let same = key == before;
        if same {
            *sum += *n;
        }
        same
    });
    cells
}

fn summed(sums: &Summed, row: impl Fn(Row) -> Row) -> Summed {
    sorted(sums.iter().map(|(key, n)| (Key::new(row(key.row()), key.day()), *n)).collect())
}

/// Names and measures by their numbers, in order, so that numbers sort as names do. The empty name
/// is the first.
struct Names<'a> {
    measures: Vec<&'static str>,
    names: Vec<&'a str>,
    numbers: HashMap<&'a str, u32, RandomState>,
}

impl<'a> Names<'a> {
    fn of(sums: &'a Rollups) -> Self {
        let mut measures = sums.measures().to_vec();
        measures.sort_unstable();
        let mut names = BTreeSet::from([""]);
        for place in sums.places() {
            names.extend(LEVELS.iter().flat_map(Level::dimensions).map(|one| one.of(place)));
        }
        let names: Vec<&str> = names.into_iter().collect();
        let numbers = names.iter().copied().zip(0..).collect();
        Self { measures, names, numbers }
    }

    fn number(&self, name: &str) -> u32 {
        self.numbers.get(name).copied().unwrap_or_default()
    }

    /// The sums by two dimensions.
    fn cells(&self, sums: &Rollups, outer: Dimension, inner: Dimension) -> Summed {
        let numbers = |place| [outer, inner].map(|one| self.number(one.of(place)));
        let places: Vec<[u32; 2]> = sums.places().iter().map(|place| numbers(place)).collect();
        let rank = |name: &&'static str| self.measures.partition_point(|before| before < name);
        // There are some dozens of them.
        let measures: Vec<u16> = sums.measures().iter().map(|name| rank(name) as u16).collect();
        let mut years: HashMap<i32, i16, RandomState> = HashMap::default();
        let cell = |(place, measure, day, n): (u32, u16, i32, i64)| {
            let [outer, inner] = places[place as usize];
            let year = *years.entry(day).or_insert_with(|| year_of(day));
            (Key::new((measures[usize::from(measure)], outer, year, inner), day), n)
        };
        sorted(sums.by_number().map(cell).collect())
    }
}

/// The days of one level gathered into years, in the order of their rows.
fn gathered(days: &Summed) -> Rows {
    let left: Vec<_> = days.iter().filter(|(_, n)| *n != 0).collect();
    let of_one = left.chunk_by(|(one, _), (next, _)| one.row() == next.row());
    of_one
        .map(|days| {
            let sums = days.iter().map(|(key, n)| (key.day(), *n)).collect();
            (days[0].0.row(), YearSums::new(sums))
        })
        .collect()
}

/// The rows of one level by the numbers of their names.
type Rows = Vec<(Row, YearSums)>;

/// The sums on each level by year, in the order of their key: rows are written in one order. Half
/// of the work is done on a thread of its own, as who writes them waits for it.
pub(super) fn rows(sums: &Rollups) -> Vec<(RollupKey<'_>, YearSums)> {
    let names = Names::of(sums);
    // Each level is summed from the one below it: days are many, and these are few.
    let within = |(measure, _, year, inner)| (measure, 0, year, inner);
    let two = |inner: Dimension| -> [Rows; 2] {
        let of_both = names.cells(sums, Agency, inner);
        [gathered(&summed(&of_both, within)), gathered(&of_both)]
    };
    let four = || -> [Rows; 4] {
        let of_both = names.cells(sums, Agency, Procedure);
        let agencies = summed(&of_both, |(measure, outer, year, _)| (measure, 0, year, outer));
        let total = summed(&agencies, |(measure, outer, year, _)| (measure, outer, year, 0));
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
    let Names { measures, names, .. } = &names;
    let name = |number: u32| names.get(number as usize).copied().unwrap_or_default();
    let keyed = |(level, rows): (u8, Rows)| {
        rows.into_iter().map(move |((measure, outer, year, inner), sums)| {
            let measure = measures.get(usize::from(measure)).copied().unwrap_or_default();
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
    fn keys_sort_as_rows_and_days_do_and_give_both_back() {
        let mut all = Vec::new();
        for measure in [0, 1, u16::MAX] {
            for name in [0, 7, u32::MAX] {
                for (year, day) in [(-1, -800_000), (1969, -1), (1970, 0), (2026, 20_000)] {
                    all.push(((measure, name, year, name / 2), day));
                    all.push(((measure, 1, year, name), day + 1));
                }
            }
        }
        all.sort_unstable();
        let keys: Vec<Key> = all.iter().map(|(row, day)| Key::new(*row, *day)).collect();
        assert!(keys.is_sorted());
        let back: Vec<_> = keys.iter().map(|key| (key.row(), key.day())).collect();
        assert_eq!(back, all);
    }

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
