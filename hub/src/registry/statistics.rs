//! Numbers as deltas of dossier states: flows by day, gauges as difference arrays (semantics §5).

use std::{collections::BTreeMap, sync::Arc};

use contracts::{Moment, Status};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::measure::{Counted, Measure, Place};
use super::state::DossierState;

/// What the province decides about counting; part of the reference data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whether status 8 pauses the clock; else it is finished, refused.
    pub stopped_is_paused: bool,
}

/// All that one dossier adds to the statistics, without zeros and without the place.
fn counts(state: &DossierState, settings: &Settings) -> BTreeMap<Counted, i64> {
    let mut sum = Sum { state, counts: BTreeMap::new() };
    if state.retracted || !state.counted {
        return sum.counts;
    }
    let finished = state.status.is_finished() && !is_paused(state.status, settings);
    let finish = finished.then(|| finish_day(state)).flatten();
    sum.flow(Measure::Submitted, state.submitted_at.map(Moment::day));
    sum.flow(Measure::Accepted, state.accepted_at.map(Moment::day));
    if let Some(day) = finish {
        sum.finish(day);
    }
    let returned = state.returned_at.map(Moment::day);
    if state.status == Status::RETURNED || returned.is_some() {
        sum.flow(Measure::Returned, returned.or(finish));
    }
    let days = day_statuses(state);
    sum.statuses(&days);
    // Finished on an unknown day: it has no place on any gauge.
    let known = finish.is_some() || !finished;
    if let Some(open) = opening_day(state).filter(|_| known) {
        sum.stay(Measure::Open, open, finish);
        sum.paused(&days, (open, finish), settings);
        sum.overdue(open, finish);
    }
    sum.counts.retain(|_, count| *count != 0);
    sum.counts
}

/// What changes at one place: what is counted, and how many more.
pub type PlacedCounts = (Arc<Place>, Vec<(Counted, i64)>);

/// What changes in the statistics when one state takes the place of another: by place, without
/// zeros.
pub fn changes(
    before: Option<&DossierState>,
    after: Option<&DossierState>,
    settings: &Settings,
) -> Vec<PlacedCounts> {
    let of = |state: &DossierState| (Place::of(state), counts(state, settings));
    let mut all = Vec::new();
    match (before.map(of), after.map(of)) {
        (Some((old, before)), Some((new, mut after))) if old == new => {
            for (counted, n) in before {
                *after.entry(counted).or_default() -= n;
            }
            all.push((new, after));
        }
        (before, after) => {
            let gone = |(place, counts): (Place, BTreeMap<Counted, i64>)| {
                (place, counts.into_iter().map(|(counted, n)| (counted, -n)).collect())
            };
            all.extend(before.map(gone));
            all.extend(after);
        }
    }
    all.into_iter()
        .map(|(place, counts)| {
            (Arc::new(place), counts.into_iter().filter(|(_, n)| *n != 0).collect::<Vec<_>>())
        })
        .filter(|(_, counts)| !counts.is_empty())
        .collect()
}

fn is_paused(status: Status, settings: &Settings) -> bool {
    matches!(status, Status::SUPPLEMENT | Status::PAYMENT)
        || (status == Status::STOPPED && settings.stopped_is_paused)
}

/// The steps of the source that decides the status: others would open what it has paused.
pub(super) fn own_steps(state: &DossierState) -> impl DoubleEndedIterator<Item = (Moment, Status)> {
    let source = state.member_sources.get("status");
    let own = state.timeline.iter().filter(move |step| source.is_none_or(|it| step.source == *it));
    own.map(|step| (step.at, step.status))
}

/// The status at the end of each day on which one was taken; the one now, also where its own day is
/// unknown, since the last day known. Events and a snapshot may share a moment, so the last step is
/// not always the status now.
fn day_statuses(state: &DossierState) -> BTreeMap<Date, Status> {
    let mut days: BTreeMap<Date, Status> =
        own_steps(state).map(|(at, status)| (at.day(), status)).collect();
    let told = state.status_at.map(Moment::day);
    let last = days.last_key_value().map(|(day, _)| *day);
    if let Some(day) = told.max(last) {
        days.insert(day, state.status);
    }
    days
}

/// The day the decision was ready: as declared, else when the status that says so was taken.
pub(super) fn finish_day(state: &DossierState) -> Option<Date> {
    let step = |wanted: Status| own_steps(state).rev().find(|(_, status)| *status == wanted);
    let ready = (state.status == Status::RETURNED).then(|| step(Status::DONE)).flatten();
    let taken = || ready.or_else(|| step(state.status)).map(|(at, _)| at);
    let declared = state.finished_at.or_else(|| ready.map(|(at, _)| at)).or(state.status_at);
    declared.or_else(taken).map(Moment::day)
}

/// The day it came under work: accepted, else the first step that shows it was.
fn opening_day(state: &DossierState) -> Option<Date> {
    if state.status == Status::NOT_ACCEPTED {
        return None;
    }
    let step = || {
        let mut steps = state.timeline.iter();
        let begun = |status| status != Status::SUBMITTED && status != Status::NOT_ACCEPTED;
        steps.find(|step| begun(step.status)).map(|step| step.at)
    };
    // A dossier that waits to be accepted is not open.
    let filed = state.status == Status::SUBMITTED;
    state.accepted_at.or_else(|| step().filter(|_| !filed)).map(Moment::day)
}

fn verdict(finish: Date, due: Option<Moment>, early_on_late: [Measure; 3]) -> Measure {
    let [early, on_time, late] = early_on_late;
    match due.map(|due| finish.cmp(&due.day())) {
        Some(std::cmp::Ordering::Less) => early,
        Some(std::cmp::Ordering::Greater) => late,
        Some(std::cmp::Ordering::Equal) | None => on_time,
    }
}

struct Sum<'a> {
    state: &'a DossierState,
    counts: BTreeMap<Counted, i64>,
}

impl Sum<'_> {
    fn add(&mut self, measure: Measure, day: Date, count: i64) {
        let status = Some(self.state.status).filter(|_| measure == Measure::Refused);
        self.add_of(measure, status, day, count);
    }

    fn add_of(&mut self, measure: Measure, status: Option<Status>, day: Date, count: i64) {
        *self.counts.entry(Counted { measure, day, status }).or_default() += count;
    }

    fn flow(&mut self, measure: Measure, day: Option<Date>) {
        if let Some(day) = day {
            self.add(measure, day, 1);
        }
    }

    fn finish(&mut self, day: Date) {
        use Measure as M;
        match self.state.status {
            Status::NOT_ACCEPTED => return self.add(M::Refused, day, 1),
            Status::WITHDRAWN => return self.add(M::Withdrawn, day, 1),
            Status::STOPPED => self.add(M::Refused, day, 1),
            _ => {}
        }
        let in_force = [M::FinishedEarly, M::FinishedOnTime, M::FinishedLate];
        let promise = self.state.promises.last().map(|promise| promise.due_at);
        self.add(verdict(day, promise, in_force), day, 1);
        if let Some(first) = self.state.first_due_at {
            let names = [M::FirstPromiseEarly, M::FirstPromiseOnTime, M::FirstPromiseLate];
            self.add(verdict(day, Some(first), names), day, 1);
        }
    }

    /// A stay in a condition: from its first day to the day it ends, where it has ended.
    fn stay(&mut self, measure: Measure, from: Date, to: Option<Date>) {
        if to.is_some_and(|to| to <= from) {
            return;
        }
        self.add(measure, from, 1);
        if let Some(to) = to {
            self.add(measure, to, -1);
        }
    }

    fn statuses(&mut self, days: &BTreeMap<Date, Status>) {
        let mut before = None;
        for (&day, &status) in days {
            if before == Some(status) {
                continue;
            }
            if let Some(left) = before {
                self.add_of(Measure::InStatus, Some(left), day, -1);
            }
            self.add_of(Measure::InStatus, Some(status), day, 1);
            before = Some(status);
        }
    }

    fn paused(
        &mut self,
        days: &BTreeMap<Date, Status>,
        (open, finish): (Date, Option<Date>),
        settings: &Settings,
    ) {
        let mut since: Option<Date> = None;
        for (&day, &status) in days {
            match (since, is_paused(status, settings)) {
                (None, true) => since = Some(day.max(open)),
                (Some(from), false) => {
                    self.stay(Measure::Paused, from, Some(finish.map_or(day, |end| end.min(day))));
                    since = None;
                }
                _ => {}
            }
        }
        if let Some(from) = since {
            self.stay(Measure::Paused, from, finish);
        }
    }

    fn overdue(&mut self, open: Date, finish: Option<Date>) {
        let promises = &self.state.promises;
        let start = |at: usize| promises.get(at).and_then(|one| one.at).map(Moment::day);
        for (at, promise) in promises.iter().enumerate() {
            let Ok(late) = promise.due_at.day().tomorrow() else { continue };
            let from = late.max(open).max(start(at).unwrap_or(late));
            let next = (at + 1 < promises.len()).then(|| start(at + 1).unwrap_or(open));
            let to = match (next, finish) {
                (Some(next), Some(finish)) => Some(next.min(finish)),
                (next, finish) => next.or(finish),
            };
            self.stay(Measure::Overdue, from, to);
        }
    }
}
