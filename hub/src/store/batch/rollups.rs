//! Sums of deltas, and the days, months and years that they are kept for.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;
use jiff::civil::Date;

use super::{
    changes::Delta,
    lattice::{self, RollupKey},
};
use crate::registry::{
    Counted, Place,
    measure::{day_number, day_of},
};

/// A stretch of days that sums are kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Span {
    /// One day.
    Day = 0,
    /// A calendar month.
    Month = 1,
    /// A calendar year.
    Year = 2,
}

impl Span {
    /// All of them, shortest first.
    pub const ALL: [Self; 3] = [Self::Day, Self::Month, Self::Year];

    /// The span of a number in the store.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|span| *span as u8 == number)
    }

    fn first(self, date: Date) -> Date {
        match self {
            Self::Day => date,
            Self::Month => date.first_of_month(),
            Self::Year => date.first_of_year(),
        }
    }

    /// The first day of the stretch that a day lies in.
    pub fn first_day(self, day: i32) -> i32 {
        match self {
            Self::Day => day,
            _ => day_number(self.first(day_of(day))),
        }
    }
}

/// A place by its number, what is counted there, and the day.
type Slot = (u32, &'static str, i32);

/// Sums of deltas by place, measure and day: what the lattice is made from, all at once.
#[derive(Debug, Clone, Default)]
pub struct Rollups {
    numbers: HashMap<Arc<Place>, u32, RandomState>,
    places: Vec<Arc<Place>>,
    sums: HashMap<Slot, i64, RandomState>,
}

impl Rollups {
    fn number(&mut self, place: &Arc<Place>) -> u32 {
        if let Some(number) = self.numbers.get(place) {
            return *number;
        }
        let number = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        self.numbers.insert(place.clone(), number);
        self.places.push(place.clone());
        number
    }

    /// Adds a change.
    pub fn add(&mut self, delta: &Delta) {
        let place = self.number(&delta.place);
        *self.sums.entry((place, delta.measure, delta.day)).or_default() += delta.n;
    }

    /// Adds what one dossier counts at a place.
    pub fn count(&mut self, place: &Arc<Place>, counts: &[(Counted, i64)]) {
        let place = self.number(place);
        for (counted, n) in counts {
            let slot = (place, counted.name(), day_number(counted.day));
            *self.sums.entry(slot).or_default() += n;
        }
    }

    /// Adds other sums, so many times.
    pub fn merge(&mut self, other: &Self, times: i64) {
        let numbers: Vec<u32> = other.places.iter().map(|place| self.number(place)).collect();
        self.sums.reserve(other.sums.len().saturating_sub(self.sums.len()));
        for ((place, measure, day), n) in &other.sums {
            let slot = (numbers[*place as usize], *measure, *day);
            *self.sums.entry(slot).or_default() += n * times;
        }
    }

    /// The sums that are not zero.
    pub fn rows(&self) -> impl Iterator<Item = (&Arc<Place>, &'static str, i32, i64)> {
        let rows = self.sums.iter().filter(|(_, n)| **n != 0);
        rows.map(|((place, measure, day), n)| (&self.places[*place as usize], *measure, *day, *n))
    }

    /// The sums on each level and span that are not zero, in the order of their key.
    pub fn lattice(&self) -> Vec<(RollupKey<'_>, i64)> {
        lattice::rows(self)
    }

    /// Where anything was counted, by number.
    pub(super) fn places(&self) -> &[Arc<Place>] {
        &self.places
    }

    /// What was counted.
    pub(super) fn measures(&self) -> impl Iterator<Item = &'static str> {
        self.sums.keys().map(|(_, measure, _)| *measure)
    }

    /// The sums by the number of their place.
    pub(super) fn by_place(&self) -> impl Iterator<Item = (u32, &'static str, i32, i64)> {
        self.sums.iter().map(|((place, measure, day), n)| (*place, *measure, *day, *n))
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }
}

/// A run of stretches of one span: first and last day, where each stretch lies within them.
pub type Run = (Span, i32, i32);

/// The fewest stretches that make up the days from one to another, both included: days and
/// months at the ends, years between.
pub fn runs(from: i32, to: i32) -> Vec<Run> {
    let mut runs = Vec::new();
    cover(Span::Year, from, to, &mut runs);
    runs.sort_by_key(|(_, first, _)| *first);
    runs
}

fn cover(span: Span, from: i32, to: i32, runs: &mut Vec<Run>) {
    if from > to {
        return;
    }
    let shorter = match span {
        Span::Day => return runs.push((Span::Day, from, to)),
        Span::Month => Span::Day,
        Span::Year => Span::Month,
    };
    let start = if span.first_day(from) == from { from } else { after(span, from) };
    // The stretch that holds the day after `to` is the first that is not whole.
    let end = span.first_day(to.saturating_add(1)).saturating_sub(1);
    if start > end {
        return cover(shorter, from, to, runs);
    }
    cover(shorter, from, start - 1, runs);
    runs.push((span, start, end));
    cover(shorter, end + 1, to, runs);
}

/// The first day of the stretch after the one that a day lies in.
fn after(span: Span, day: i32) -> i32 {
    let date = span.first(day_of(day));
    let next = match span {
        Span::Day => date.saturating_add(jiff::Span::new().days(1)),
        Span::Month => date.saturating_add(jiff::Span::new().months(1)),
        Span::Year => date.saturating_add(jiff::Span::new().years(1)),
    };
    day_number(next)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_year_and_a_bit_is_days_months_and_one_year() {
        let day = |text: &str| day_number(text.parse().unwrap());
        let found = runs(day("2023-11-29"), day("2025-02-03"));
        let expected = [
            (Span::Day, day("2023-11-29"), day("2023-11-30")),
            (Span::Month, day("2023-12-01"), day("2023-12-31")),
            (Span::Year, day("2024-01-01"), day("2024-12-31")),
            (Span::Month, day("2025-01-01"), day("2025-01-31")),
            (Span::Day, day("2025-02-01"), day("2025-02-03")),
        ];
        assert_eq!(found, expected);
    }

    proptest! {
        #[test]
        fn runs_cover_every_day_once_with_whole_stretches(
            from in 0..40_000_i32, days in 0..3_000_i32,
        ) {
            let mut next = from;
            for (span, first, last) in runs(from, from + days) {
                prop_assert_eq!(first, next);
                prop_assert_eq!(span.first_day(first), first);
                prop_assert_eq!(span.first_day(last + 1), last + 1);
                next = last + 1;
            }
            prop_assert_eq!(next, from + days + 1);
        }
    }
}
