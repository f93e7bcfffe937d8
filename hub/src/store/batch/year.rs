//! A year of numbers: what one row of the rollups holds.

use jiff::civil::Date;

use super::varint::{pack, unpack};
use crate::registry::measure::{day_number, day_of};

/// The changes of one number in one calendar year, by day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct YearSums {
    /// Days from 1970-01-01, each once and in order; none of zero.
    days: Vec<(i32, i64)>,
}

impl YearSums {
    /// Of days in order, each once.
    pub fn new(mut days: Vec<(i32, i64)>) -> Self {
        days.retain(|(_, n)| *n != 0);
        Self { days }
    }

    /// What all days come to.
    pub fn total(&self) -> i64 {
        self.days.iter().map(|(_, n)| n).sum()
    }

    /// The days on which something changed, and how much.
    pub fn days(&self) -> &[(i32, i64)] {
        &self.days
    }

    /// Whether nothing changed on any day.
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// Adds the days of another.
    pub fn add(&mut self, other: &Self) {
        let held = std::mem::take(&mut self.days);
        let (mut old, mut new) = (held.iter().peekable(), other.days.iter().peekable());
        self.days.reserve(held.len() + other.days.len());
        loop {
            let next = match (old.peek(), new.peek()) {
                (Some((one, _)), Some((other, _))) if one == other => {
                    let (first, second) = (old.next(), new.next());
                    first.zip(second).map(|((day, n), (_, more))| (*day, n + more))
                }
                (Some((one, _)), Some((other, _))) if one > other => new.next().copied(),
                (Some(_), _) => old.next().copied(),
                (None, _) => new.next().copied(),
            };
            match next {
                Some((_, 0)) => {}
                Some(day) => self.days.push(day),
                None => return,
            }
        }
    }

    /// In few bytes: of each day the days since the one before it, and the number, as
    /// variable-length integers with zigzag.
    pub fn packed(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.days.len() * 2 + 4);
        let mut before = 0;
        for (day, n) in &self.days {
            pack(i64::from(day - before), &mut bytes);
            pack(*n, &mut bytes);
            before = *day;
        }
        bytes
    }

    /// Out of its bytes; `None` where they are damaged.
    pub fn unpacked(bytes: &[u8]) -> Option<Self> {
        let mut days = Vec::new();
        each_day(bytes, |day, n| days.push((day, n)))?;
        Some(Self { days })
    }
}

/// Tells each day in the bytes of a [`YearSums`], in order; `None` where they are damaged.
pub fn each_day(mut bytes: &[u8], mut told: impl FnMut(i32, i64)) -> Option<()> {
    let mut day = 0_i32;
    while !bytes.is_empty() {
        day = day.checked_add(i32::try_from(unpack(&mut bytes)?).ok()?)?;
        told(day, unpack(&mut bytes)?);
    }
    Some(())
}

/// The calendar year of a day.
pub fn year_of(day: i32) -> i16 {
    day_of(day).year()
}

/// The first and the last day of a calendar year; those of the calendar for a year beyond it.
pub fn first_and_last(year: i16) -> (i32, i32) {
    let day = |month, day, beyond| day_number(Date::new(year, month, day).unwrap_or(beyond));
    (day(1, 1, Date::MIN), day(12, 31, Date::MAX))
}

/// Years to read one after the other, and which of their days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Years {
    /// The first.
    pub first: i16,
    /// The last.
    pub last: i16,
    /// The first and the last day to read; all where absent: then the totals do.
    pub days: Option<(i32, i32)>,
}

impl Years {
    /// The last day that is read.
    pub fn last_day(self) -> i32 {
        let end = Date::new(self.last, 12, 31).map_or(i32::MAX, day_number);
        self.days.map_or(end, |(_, to)| to.min(end))
    }
}

/// The years that make up the days from one to another, both included: in part at the ends, whole
/// between.
pub fn years(from: i32, to: i32) -> Vec<Years> {
    let mut all = Vec::new();
    if from > to {
        return all;
    }
    let (first, last) = (year_of(from), year_of(to));
    let begins = |day: i32| day_number(day_of(day).first_of_year()) == day;
    let (whole_first, whole_last) = (begins(from), begins(to.saturating_add(1)));
    let part = |year| Years { first: year, last: year, days: Some((from, to)) };
    if first == last {
        let whole = Years { first, last, days: None };
        return vec![if whole_first && whole_last { whole } else { part(first) }];
    }
    if !whole_first {
        all.push(part(first));
    }
    let (begin, end) = (first + i16::from(!whole_first), last - i16::from(!whole_last));
    if begin <= end {
        all.push(Years { first: begin, last: end, days: None });
    }
    if !whole_last {
        all.push(part(last));
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> i32 {
        day_number(text.parse().unwrap())
    }

    #[test]
    fn two_years_and_a_bit_are_days_a_year_and_days() {
        let (from, to) = (day("2023-11-29"), day("2025-02-03"));
        let part = |year| Years { first: year, last: year, days: Some((from, to)) };
        let whole = Years { first: 2024, last: 2024, days: None };
        assert_eq!(years(from, to), [part(2023), whole, part(2025)]);
        let (from, to) = (day("2023-01-01"), day("2025-12-31"));
        assert_eq!(years(from, to), [Years { first: 2023, last: 2025, days: None }]);
        assert_eq!(years(to, from), []);
    }

    #[test]
    fn bytes_that_end_early_or_leave_the_calendar_are_damaged() {
        let sums = YearSums::new(vec![(20_000, 300), (20_001, -1)]);
        let bytes = sums.packed();
        assert_eq!(YearSums::unpacked(&bytes), Some(sums));
        assert_eq!(YearSums::unpacked(&bytes[..bytes.len() - 1]), None);
        let mut beyond = Vec::new();
        pack(i64::MAX, &mut beyond);
        pack(1, &mut beyond);
        assert_eq!(YearSums::unpacked(&beyond), None);
    }

    fn any_sums() -> impl Strategy<Value = YearSums> {
        let days = prop::collection::btree_map(-800_000..3_000_000_i32, -3..4_i64, 0..40);
        days.prop_map(|days| YearSums::new(days.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn years_cover_every_day_once(from in 0..40_000_i32, length in 0..3_000_i32) {
            let to = from + length;
            let all = years(from, to);
            for day in from - 400..to + 400 {
                let year = year_of(day);
                let covers = all.iter().filter(|years| {
                    (years.first..=years.last).contains(&year)
                        && years.days.is_none_or(|(from, to)| (from..=to).contains(&day))
                });
                prop_assert_eq!(covers.count(), usize::from((from..=to).contains(&day)));
            }
        }

        #[test]
        fn sums_added_are_the_sums_of_their_days(one in any_sums(), other in any_sums()) {
            let mut days: std::collections::BTreeMap<i32, i64> = one.days.iter().copied().collect();
            for (day, n) in &other.days {
                *days.entry(*day).or_default() += n;
            }
            let mut sum = one.clone();
            sum.add(&other);
            prop_assert_eq!(&sum, &YearSums::new(days.into_iter().collect()));
            prop_assert_eq!(sum.total(), one.total() + other.total());
            prop_assert_eq!(YearSums::unpacked(&sum.packed()), Some(sum));
        }
    }
}
