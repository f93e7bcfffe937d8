//! Working days and office hours, as dated data: what the province announces, day by day. Pure.
//!
//! A calendar covers the days between its first and its last; of any other day it says nothing,
//! and whoever asks is told so ([`OutsideCalendar`]). [`Timetable`] answers in a few array reads.

#[cfg(test)]
pub(crate) mod tests;
mod timetable;

use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

pub use timetable::{At, OutsideCalendar, Timetable};

/// What a day is that is not as its place in the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayKind {
    /// A public holiday (ngày lễ, tết).
    Holiday,
    /// A day off for a holiday at a weekend, or in exchange for a make-up day (nghỉ bù, hoán đổi).
    CompensatoryDay,
    /// A day of a weekend that is worked in exchange (làm bù).
    MakeupWorkday,
}

/// How sure a day is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sure {
    /// By law or announced.
    Yes,
    /// Expected; the announcement was not seen.
    Likely,
    /// Projected from earlier years.
    No,
}

/// One day that is not as its place in the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecialDay {
    /// The day.
    pub date: Date,
    /// Its name in Vietnamese.
    pub name: String,
    /// What it is.
    pub kind: DayKind,
    /// How sure it is.
    pub sure: Sure,
    /// The day that it makes good, or that makes it good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<Date>,
    /// Where it is announced.
    pub source: String,
}

/// A stretch of office hours within a day: seconds from midnight, the second the later.
pub type Span = (u32, u32);

/// Office hours of some agencies between two days.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// Agencies by hub id; none for all that no other hours name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agencies: Vec<String>,
    /// Monday to Friday, and make-up days; in order, apart from each other.
    pub weekdays: Vec<Span>,
    /// Saturday; empty where the office is closed then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub saturday: Vec<Span>,
    /// Whether such a Saturday counts as a working day.
    pub saturday_counts: bool,
    /// First day in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Date>,
    /// Last day in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Date>,
}

/// A calendar: one version of it is what a computed deadline names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// First day it covers.
    pub first_day: Date,
    /// Last day it covers.
    pub last_day: Date,
    /// Days that are not as their place in the week, in their order.
    pub days: Vec<SpecialDay>,
    /// Office hours.
    pub hours: Vec<Hours>,
}

/// Whether a day is a Saturday or a Sunday.
pub fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

impl Hours {
    /// Whether they are in force on a day.
    pub fn stand(&self, day: Date) -> bool {
        self.valid_from.is_none_or(|first| first <= day)
            && self.valid_to.is_none_or(|last| day <= last)
    }
}

impl Calendar {
    /// Its text: equal calendars have equal texts.
    pub fn content(&self) -> Vec<u8> {
        // Texts, numbers and days: nothing can fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Days that are not as their place in the week, from one day to another.
    pub fn between(&self, from: Date, to: Date) -> &[SpecialDay] {
        let start = self.days.partition_point(|one| one.date < from);
        let end = self.days.partition_point(|one| one.date <= to);
        self.days.get(start..end.max(start)).unwrap_or_default()
    }

    /// Places of the hours that bear on an agency: its own first, then those of all others.
    pub fn hours_of(&self, agency: &str) -> Vec<usize> {
        let at = |own: bool| {
            let all = self.hours.iter().enumerate();
            let fits = move |(_, one): &(usize, &Hours)| match own {
                true => one.agencies.iter().any(|id| id == agency),
                false => one.agencies.is_empty(),
            };
            all.filter(fits).map(|(at, _)| at)
        };
        at(true).chain(at(false)).collect()
    }
}
