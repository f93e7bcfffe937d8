//! What is counted, where and on which day.

use std::{collections::HashMap, sync::LazyLock};

use contracts::Status;
use foldhash::fast::RandomState;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::identity::agency_of;
use super::state::DossierState;
use super::statistics::{self, Settings};

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
}

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
        }
    }

    /// Whether it is a condition that lasts: its value on a day is the sum up to that day.
    pub fn is_gauge(self) -> bool {
        let lasting = [Self::Open, Self::Paused, Self::Overdue, Self::PausedOverdue];
        lasting.contains(&self) || self == Self::InStatus
    }

    /// The same of a name, with or without a status behind it.
    pub fn is_gauge_name(name: &str) -> bool {
        let gauges = [Self::Open, Self::Paused, Self::Overdue, Self::PausedOverdue];
        gauges.iter().any(|gauge| gauge.name() == name) || name.starts_with(Self::InStatus.name())
    }

    /// Whether it tells that something was finished, or how.
    pub(super) fn is_finish(self) -> bool {
        match self {
            Self::FinishedEarly
            | Self::FinishedOnTime
            | Self::FinishedLate
            | Self::FirstPromiseEarly
            | Self::FirstPromiseOnTime
            | Self::FirstPromiseLate
            | Self::Refused
            | Self::Withdrawn => true,
            Self::Submitted
            | Self::Accepted
            | Self::AcceptedOnline
            | Self::AcceptedPost
            | Self::Returned
            | Self::Open
            | Self::Paused
            | Self::Overdue
            | Self::PausedOverdue
            | Self::InStatus => false,
        }
    }

    /// Whether it tells which status.
    fn has_status(self) -> bool {
        matches!(self, Self::InStatus | Self::Refused)
    }

    const ALL: [Self; 18] = [
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
    for measure in Measure::ALL {
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

/// What a name in the store counts: measure and status; `None` for a name that is none.
pub fn counted_by(name: &str) -> Option<(Measure, Option<Status>)> {
    type Counts = HashMap<&'static str, (Measure, Option<Status>), RandomState>;
    static COUNTED: LazyLock<Counts> =
        LazyLock::new(|| NAMES.iter().map(|(counted, name)| (*name, *counted)).collect());
    COUNTED.get(name).copied()
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

/// Where a dossier counts: the dimensions that are no time and no measure. Empty where it has
/// none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Accepting agency.
    pub agency: String,
    /// National procedure code; else its name as the source writes it; else the agency and its own
    /// code, as in `so-y-te:TT-07`.
    pub procedure: String,
    /// Field.
    pub field: String,
    /// `online`, `counter` or `post`.
    pub channel: String,
    /// Commune: the version that its code meant on the dossier's day (see [`super::units`]).
    pub commune: String,
    /// Of what tells a finish, the agency whose system finished it; else the accepting one.
    pub finishing_agency: String,
}

impl Place {
    /// Where a dossier in this state counts.
    pub fn of(state: &DossierState, settings: &Settings) -> Self {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let named = |code: &String| settings.units.name(code, statistics::own_day(state));
        let commune = state.commune.as_ref().map(named);
        Self {
            agency: state.agency.clone(),
            procedure: procedure_of(state),
            field: text(&state.field),
            channel: text(&state.channel),
            commune: commune.unwrap_or_default(),
            finishing_agency: state.agency.clone(),
        }
    }

    /// Where it counts that a dossier in this state was finished.
    pub(super) fn finishing(self, state: &DossierState) -> Self {
        let source = |member: &str| state.member_sources.get(member);
        match (source("agency"), source("status")) {
            (Some(accepting), Some(finishing)) if accepting != finishing => {
                Self { finishing_agency: agency_of(finishing).to_owned(), ..self }
            }
            _ => self,
        }
    }
}

/// What a dossier's procedure counts under: an own code means something at its agency alone.
fn procedure_of(state: &DossierState) -> String {
    let own = || Some(format!("{}:{}", state.agency, state.procedure_source_code.as_ref()?));
    let named = state.procedure.as_ref().or(state.procedure_name.as_ref()).cloned();
    named.or_else(own).unwrap_or_default()
}

/// What tells places apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Accepting agency.
    Agency,
    /// Procedure.
    Procedure,
    /// Field.
    Field,
    /// How it was filed.
    Channel,
    /// Commune.
    Commune,
    /// Finishing agency.
    FinishingAgency,
}

impl Dimension {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Agency,
        Self::Procedure,
        Self::Field,
        Self::Channel,
        Self::Commune,
        Self::FinishingAgency,
    ];

    /// Its name in questions, answers and the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agency => "agency",
            Self::Procedure => "procedure",
            Self::Field => "field",
            Self::Channel => "channel",
            Self::Commune => "commune",
            Self::FinishingAgency => "finishing_agency",
        }
    }

    /// What a place is in it; empty where it has none.
    pub fn of(self, place: &Place) -> &str {
        match self {
            Self::Agency => &place.agency,
            Self::Procedure => &place.procedure,
            Self::Field => &place.field,
            Self::Channel => &place.channel,
            Self::Commune => &place.commune,
            Self::FinishingAgency => &place.finishing_agency,
        }
    }

    /// Says what a place is in it.
    pub fn set(self, place: &mut Place, value: String) {
        match self {
            Self::Agency => place.agency = value,
            Self::Procedure => place.procedure = value,
            Self::Field => place.field = value,
            Self::Channel => place.channel = value,
            Self::Commune => place.commune = value,
            Self::FinishingAgency => place.finishing_agency = value,
        }
    }
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
