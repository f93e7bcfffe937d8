//! What is counted, and on which day.

use std::{collections::HashMap, sync::LazyLock};

use contracts::Status;
use foldhash::fast::RandomState;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Flow: filed.
    Submitted,
    /// Flow: came under work: accepted, else the first step that shows it was.
    Accepted,
    /// Flow: the same of those filed online.
    AcceptedOnline,
    /// Flow: the same of those filed by post.
    AcceptedPost,
    /// Flow: finished before the due day in force.
    FinishedEarly,
    /// Flow: finished on the due day in force, or without one.
    FinishedOnTime,
    /// Flow: finished after the due day in force.
    FinishedLate,
    /// Flow: finished before the day first promised.
    FirstPromiseEarly,
    /// Flow: finished on the day first promised.
    FirstPromiseOnTime,
    /// Flow: finished after the day first promised.
    FirstPromiseLate,
    /// Flow: not accepted (3) or stopped (8); the cell's status tells which.
    Refused,
    /// Flow: withdrawn by the applicant after it came under work.
    Withdrawn,
    /// Flow: result handed over.
    Returned,
    /// Gauge: accepted and not finished.
    Open,
    /// Gauge: waiting for the applicant.
    Paused,
    /// Gauge: unfinished after the due day in force, and not waiting for the applicant.
    Overdue,
    /// Gauge: waiting for the applicant after the due day in force.
    PausedOverdue,
    /// Gauge: in the status that the cell tells.
    InStatus,
    // What goes by the hub's own due date is in no delta: see [`super::timeliness`].
    /// Flow: finished before the day that the hub reckons.
    HubEarly,
    /// Flow: finished on that day, or where there is no time limit.
    HubOnTime,
    /// Flow: finished after that day.
    HubLate,
    /// Flow: finished, and the hub has no due date of its own for it.
    HubUndated,
    /// Gauge: unfinished after the day that the hub reckons, and not waiting for the applicant.
    HubOverdue,
    /// Gauge: waiting for the applicant after that day.
    HubPausedOverdue,
    /// Flow: the same as `HubEarly` of those that no agency promised a day for.
    UnpromisedEarly,
    /// Flow: as `HubOnTime`, of those.
    UnpromisedOnTime,
    /// Flow: as `HubLate`, of those.
    UnpromisedLate,
    /// Gauge: as `HubOverdue`, of those.
    UnpromisedOverdue,
    /// Gauge: as `HubPausedOverdue`, of those.
    UnpromisedPausedOverdue,
}

/// What lasts; its value on a day is the sum up to that day.
const GAUGES: [Measure; 8] = [
    Measure::Open,
    Measure::Paused,
    Measure::Overdue,
    Measure::PausedOverdue,
    Measure::HubOverdue,
    Measure::HubPausedOverdue,
    Measure::UnpromisedOverdue,
    Measure::UnpromisedPausedOverdue,
];

impl Measure {
    /// Its name in the store and in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Accepted => "accepted",
            Self::AcceptedOnline => "accepted-online",
            Self::AcceptedPost => "accepted-post",
            Self::FinishedEarly => "finished-early",
            Self::FinishedOnTime => "finished-on-time",
            Self::FinishedLate => "finished-late",
            Self::FirstPromiseEarly => "first-promise-early",
            Self::FirstPromiseOnTime => "first-promise-on-time",
            Self::FirstPromiseLate => "first-promise-late",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Returned => "returned",
            Self::Open => "open",
            Self::Paused => "paused",
            Self::Overdue => "overdue",
            Self::PausedOverdue => "paused-overdue",
            Self::InStatus => "in-status",
            Self::HubEarly => "hub-early",
            Self::HubOnTime => "hub-on-time",
            Self::HubLate => "hub-late",
            Self::HubUndated => "hub-undated",
            Self::HubOverdue => "hub-overdue",
            Self::HubPausedOverdue => "hub-paused-overdue",
            Self::UnpromisedEarly => "unpromised-early",
            Self::UnpromisedOnTime => "unpromised-on-time",
            Self::UnpromisedLate => "unpromised-late",
            Self::UnpromisedOverdue => "unpromised-overdue",
            Self::UnpromisedPausedOverdue => "unpromised-paused-overdue",
        }
    }

    /// Whether it is a condition that lasts: its value on a day is the sum up to that day.
    pub fn is_gauge(self) -> bool {
        GAUGES.contains(&self) || self == Self::InStatus
    }

    /// The same of a name, with or without a status behind it.
    pub fn is_gauge_name(name: &str) -> bool {
        GAUGES.iter().any(|gauge| gauge.name() == name) || name.starts_with(Self::InStatus.name())
    }

    /// Whether it goes by the hub's own due date: then it is in no delta.
    pub fn is_by_hub(self) -> bool {
        Self::BY_HUB.contains(&self)
    }

    /// Whether it tells that something was finished, or how.
    pub(super) fn is_finish(self) -> bool {
        let received = [Self::Submitted, Self::Accepted, Self::AcceptedOnline, Self::AcceptedPost];
        !self.is_gauge() && !received.contains(&self) && self != Self::Returned
    }

    /// Whether it tells which status.
    fn has_status(self) -> bool {
        matches!(self, Self::InStatus | Self::Refused)
    }

    /// What goes by the hub's own due date.
    pub const BY_HUB: [Self; 11] = [
        Self::HubEarly,
        Self::HubOnTime,
        Self::HubLate,
        Self::HubUndated,
        Self::HubOverdue,
        Self::HubPausedOverdue,
        Self::UnpromisedEarly,
        Self::UnpromisedOnTime,
        Self::UnpromisedLate,
        Self::UnpromisedOverdue,
        Self::UnpromisedPausedOverdue,
    ];

    /// What is counted in deltas.
    const IN_DELTAS: [Self; 18] = [
        Self::Submitted,
        Self::Accepted,
        Self::AcceptedOnline,
        Self::AcceptedPost,
        Self::FinishedEarly,
        Self::FinishedOnTime,
        Self::FinishedLate,
        Self::FirstPromiseEarly,
        Self::FirstPromiseOnTime,
        Self::FirstPromiseLate,
        Self::Refused,
        Self::Withdrawn,
        Self::Returned,
        Self::Open,
        Self::Paused,
        Self::Overdue,
        Self::PausedOverdue,
        Self::InStatus,
    ];
}

type Names = HashMap<(Measure, Option<Status>), &'static str, RandomState>;

/// Every name of a measure in the store, a status behind it where the measure has one.
static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let mut names = Names::default();
    for measure in Measure::IN_DELTAS.into_iter().chain(Measure::BY_HUB) {
        names.insert((measure, None), measure.name());
        for status in (1..=10).filter_map(|code| Status::try_from(code).ok()) {
            if measure.has_status() {
                // A name lives as long as the program: there are some forty.
                let name = format!("{}-{}", measure.name(), status.code());
                names.insert((measure, Some(status)), Box::leak(name.into_boxed_str()));
            }
        }
    }
    names
});

/// What a name in deltas counts: measure and status; `None` for a name that is none of theirs.
pub fn counted_by(name: &str) -> Option<(Measure, Option<Status>)> {
    type Counts = HashMap<&'static str, (Measure, Option<Status>), RandomState>;
    static COUNTED: LazyLock<Counts> = LazyLock::new(|| {
        let told = NAMES.iter().filter(|((measure, _), _)| !measure.is_by_hub());
        told.map(|(counted, name)| (*name, *counted)).collect()
    });
    COUNTED.get(name).copied()
}

/// What a name counts that goes by the hub's own due date; `None` for any other.
pub fn counted_by_hub(name: &str) -> Option<Measure> {
    Measure::BY_HUB.into_iter().find(|measure| measure.name() == name)
}

/// The names of all measures, in order, with a status behind them where they have one.
pub fn names() -> Vec<&'static str> {
    let plain =
        |(measure, status): &(Measure, Option<Status>)| status.is_some() || !measure.has_status();
    let mut names: Vec<_> =
        NAMES.iter().filter(|(of, _)| plain(of)).map(|(_, name)| *name).collect();
    names.sort_unstable();
    names
}

/// The names of all gauges, with and without a status behind them.
pub fn gauge_names() -> impl Iterator<Item = &'static str> {
    NAMES.values().copied().filter(|name| Measure::is_gauge_name(name))
}

/// The name of a measure as the store has it; `None` for a name that is none.
pub fn stored_name(name: &str) -> Option<&'static str> {
    static STORED: LazyLock<HashMap<&'static str, &'static str, RandomState>> =
        LazyLock::new(|| NAMES.values().map(|name| (*name, *name)).collect());
    STORED.get(name).copied()
}

/// What is counted of a dossier, and on which day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Counted {
    /// The measure.
    pub measure: Measure,
    /// The day, in Vietnam.
    pub day: Date,
    /// Which final status, for `Refused`; which one, for `InStatus`.
    pub status: Option<Status>,
}

impl Counted {
    /// The measure's name in the store.
    pub fn name(self) -> &'static str {
        NAMES.get(&(self.measure, self.status)).copied().unwrap_or(self.measure.name())
    }
}

const UNIX_EPOCH: Date = jiff::civil::date(1970, 1, 1);

/// Days since 1970-01-01.
pub fn day_number(day: Date) -> i32 {
    day.since(UNIX_EPOCH).map_or(0, |span| span.get_days())
}

/// The day of such a number, at the ends of the calendar where it lies beyond.
pub fn day_of(number: i32) -> Date {
    // As far as a span of days may go: beyond the calendar it ends there.
    const DAYS_MAX: i32 = 7_000_000;
    UNIX_EPOCH.saturating_add(jiff::Span::new().days(number.clamp(-DAYS_MAX, DAYS_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_the_calendar_comes_back_from_its_number() {
        for day in ["-9999-01-01", "0001-01-01", "2026-02-28", "9909-12-08", "9999-12-31"] {
            let day: Date = day.replace("-9999", "-009999").parse().unwrap();
            assert_eq!(day_of(day_number(day)), day);
        }
        assert_eq!((day_of(i32::MIN), day_of(i32::MAX)), (Date::MIN, Date::MAX));
    }
}
