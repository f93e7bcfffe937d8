//! Sums of deltas over the listed lattice and over days, months and years.

use std::{collections::HashMap, sync::Arc};

use jiff::civil::Date;

use super::changes::Delta;
use crate::registry::{
    Place,
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

/// A rolled-up cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RollupKey<'a> {
    /// 0 all, 1 by agency, 2 by procedure, 3 by both.
    pub level: u8,
    /// The stretch.
    pub span: Span,
    /// What is counted.
    pub measure: &'static str,
    /// The agency on level 3; else empty.
    pub outer: &'a str,
    /// First day of the stretch, from 1970-01-01.
    pub day: i32,
    /// The agency on level 1, the procedure on levels 2 and 3; else empty.
    pub inner: &'a str,
}

/// Sums of deltas by place, measure and day: what the lattice is made from, all at once.
#[derive(Debug, Default)]
pub struct Rollups(HashMap<(Arc<Place>, &'static str, i32), i64>);

impl Rollups {
    /// Adds a change.
    pub fn add(&mut self, delta: &Delta) {
        let key = (delta.place.clone(), delta.measure, delta.day);
        *self.0.entry(key).or_default() += delta.n;
    }

    /// The sums on each level and span that are not zero, in the order of their key: rows are
    /// written in one order.
    pub fn lattice(&self) -> Vec<(RollupKey<'_>, i64)> {
        let mut sums: HashMap<RollupKey<'_>, i64> = HashMap::new();
        for ((place, measure, day), n) in &self.0 {
            let Place { agency, procedure, .. } = &**place;
            let levels = [("", ""), ("", agency), ("", procedure), (agency.as_str(), procedure)];
            for span in Span::ALL {
                let day = span.first_day(*day);
                for (level, (outer, inner)) in (0..).zip(levels) {
                    let key = RollupKey { level, span, measure, outer, day, inner };
                    *sums.entry(key).or_default() += n;
                }
            }
        }
        let mut rows: Vec<_> = sums.into_iter().filter(|(_, n)| *n != 0).collect();
        rows.sort_unstable();
        rows
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
