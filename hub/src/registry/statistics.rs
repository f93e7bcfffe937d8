//! Numbers as deltas of dossier states: flows by day, gauges as difference arrays (semantics §5).

use std::{cmp::Ordering, collections::BTreeMap, sync::Arc};

use contracts::{Moment, Status};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::measure::{Counted, Measure};
use super::place::Place;
use super::state::{DossierState, TimelineStep};
use super::units::UnitVersions;

/// The version of how numbers are counted: another one where the same journal would give others at
/// some position, so that who has followed them by the former learns of it.
pub const FOLD_VERSION: u32 = 1;

/// What the province decides about counting; part of the reference data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Whether status 8 pauses the clock; else it is finished, refused.
    pub stopped_is_paused: bool,
    /// Which codes of communes were given again, and when.
    #[serde(default, skip_serializing_if = "UnitVersions::is_empty")]
    pub units: UnitVersions,
}

/// A dossier's course, as far as numbers go by it.
pub(super) struct Worked {
    /// The status at the end of each day on which one was taken.
    days: BTreeMap<Date, Status>,
    /// The day the decision was ready, where it is finished and that is told.
    told: Option<Date>,
    /// The day it came under work.
    pub(super) open: Option<Date>,
    /// The day the decision was ready, or on an unknown day the last that anything is known of.
    pub(super) finish: Option<Date>,
}

impl Worked {
    pub(super) fn of(state: &DossierState, settings: &Settings) -> Self {
        let finished = state.status.is_finished() && !is_paused(state.status, settings);
        let told = finished.then(|| finish_day(state)).flatten();
        let days = day_statuses(state);
        let open = opening_day(state);
        let last = |open| days.last_key_value().map_or(open, |(day, _)| *day);
        let finish = open.filter(|_| finished).map(|open| told.unwrap_or_else(|| last(open)));
        Self { days, told, open, finish }
    }

    /// When it was under work: what finished earlier than it opened did so on that day.
    pub(super) fn stay(&self) -> Option<Stay> {
        self.open.map(|open| (open, self.finish.map(|day| day.max(open))))
    }

    /// When it waited for its applicant meanwhile.
    pub(super) fn pauses(&self, settings: &Settings) -> Vec<Stay> {
        self.stay().map(|stay| pauses(&self.days, stay, settings)).unwrap_or_default()
    }

    /// Which of three measures its finish is by a due date; what is not told to be early is not
    /// called so.
    pub(super) fn verdict(&self, due: Option<Moment>, names: [Measure; 3]) -> Option<Measure> {
        let [early, on_time, _] = names;
        let found = verdict(self.finish?, due, names);
        Some(if found == early && self.told.is_none() { on_time } else { found })
    }
}

/// All that one dossier adds to the statistics, without zeros and without the place. Of any days:
/// what was open before them and came under work in them is what finished in them and is open at
/// their end.
fn counts(state: &DossierState, settings: &Settings) -> BTreeMap<Counted, i64> {
    let mut sum = Sum::of(state);
    if state.retracted || !state.counted {
        return sum.close();
    }
    let worked = Worked::of(state, settings);
    sum.flow(Measure::Submitted, state.submitted_at.map(Moment::day));
    if let Some(stay) = worked.stay() {
        sum.course(&worked, stay);
        sum.gauges(&worked, stay, settings);
    } else if let Some(day) = worked.told.filter(|_| state.status == Status::NOT_ACCEPTED) {
        sum.add(Measure::Refused, day, 1);
    }
    let returned = state.returned_at.map(Moment::day);
    if state.status == Status::RETURNED || returned.is_some() {
        sum.flow(Measure::Returned, returned.or(worked.told));
    }
    sum.statuses(&worked.days);
    sum.close()
}

/// What one dossier adds, by place: what tells a finish counts under the agency that finished.
pub(super) fn placed(
    state: &DossierState,
    settings: &Settings,
    counts: BTreeMap<Counted, i64>,
) -> Vec<(Place, BTreeMap<Counted, i64>)> {
    let place = Place::of(state, settings);
    let Some(finishing) = place.finishing(state) else { return vec![(place, counts)] };
    let (finishes, others) = counts.into_iter().partition(|(one, _)| one.measure.is_finish());
    vec![(place, others), (finishing, finishes)]
}

/// Where a state counts, and all that it adds there.
pub fn counted(state: &DossierState, settings: &Settings) -> Vec<PlacedCounts> {
    let all = placed(state, settings, counts(state, settings))
        .into_iter()
        .filter(|(_, counts)| !counts.is_empty());
    all.map(|(place, counts)| (Arc::new(place), counts.into_iter().collect())).collect()
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
    let of = |state: Option<&DossierState>| state.map(|state| counted(state, settings));
    between(&of(before).unwrap_or_default(), &of(after).unwrap_or_default())
}

/// What changes when numbers take the place of others, both as [`counted`] gives them: by place,
/// without zeros.
pub fn between(before: &[PlacedCounts], after: &[PlacedCounts]) -> Vec<PlacedCounts> {
    let at = |all: &[PlacedCounts], place: &Arc<Place>| all.iter().position(|(at, _)| at == place);
    let mut all: Vec<PlacedCounts> = Vec::with_capacity(1);
    for (place, was) in before {
        let now = at(after, place).map_or(&[][..], |at| &after[at].1);
        all.push((place.clone(), differences(was, now)));
    }
    for (place, now) in after.iter().filter(|(place, _)| at(before, place).is_none()) {
        all.push((place.clone(), now.clone()));
    }
    all.retain(|(_, counts)| !counts.is_empty());
    all
}

/// What is counted more or less, in order as both are.
fn differences(was: &[(Counted, i64)], now: &[(Counted, i64)]) -> Vec<(Counted, i64)> {
    let mut found = Vec::with_capacity(was.len() + now.len());
    let (mut was, mut now) = (was.iter().peekable(), now.iter().peekable());
    loop {
        let order = match (was.peek(), now.peek()) {
            (None, None) => return found,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((one, _)), Some((other, _))) => one.cmp(other),
        };
        let gone = was.next_if(|_| order.is_le());
        let come = now.next_if(|_| order.is_ge());
        let Some((counted, _)) = gone.or(come) else { return found };
        let n = come.map_or(0, |(_, n)| *n) - gone.map_or(0, |(_, n)| *n);
        if n != 0 {
            found.push((*counted, n));
        }
    }
}

fn is_paused(status: Status, settings: &Settings) -> bool {
    matches!(status, Status::SUPPLEMENT | Status::PAYMENT)
        || (status == Status::STOPPED && settings.stopped_is_paused)
}

/// The steps of the source that decides the status: others would open what it has paused.
pub(super) fn own_timeline(state: &DossierState) -> impl DoubleEndedIterator<Item = &TimelineStep> {
    let source = state.member_sources.get("status");
    state.timeline.iter().filter(move |step| source.is_none_or(|it| step.source == **it))
}

/// The same, as far as they are counted.
fn own_steps(state: &DossierState) -> impl DoubleEndedIterator<Item = (Moment, Status)> {
    own_timeline(state).map(|step| (step.at, step.status))
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

/// The day on which its names and codes meant what they do: accepted, else filed, else the first
/// step known.
pub(super) fn own_day(state: &DossierState) -> Option<Date> {
    let told = state.accepted_at.or(state.submitted_at);
    told.or_else(|| state.timeline.first().map(|step| step.at)).or(state.status_at).map(Moment::day)
}

/// The day it came under work: accepted, else the first step that shows it was. None of one that
/// was not accepted, or that was withdrawn before anyone did anything about it.
fn opening_day(state: &DossierState) -> Option<Date> {
    if state.status == Status::NOT_ACCEPTED {
        return None;
    }
    let step = || {
        let mut steps = state.timeline.iter();
        let idle = [Status::SUBMITTED, Status::NOT_ACCEPTED, Status::WITHDRAWN];
        steps.find(|step| !idle.contains(&step.status)).map(|step| step.at)
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

/// What a dossier adds, while it is added up.
pub(super) struct Sum<'a> {
    state: &'a DossierState,
    counts: BTreeMap<Counted, i64>,
}

impl<'a> Sum<'a> {
    pub(super) fn of(state: &'a DossierState) -> Self {
        Self { state, counts: BTreeMap::new() }
    }

    /// Of what it is.
    pub(super) fn state(&self) -> &'a DossierState {
        self.state
    }

    /// What was added, without zeros.
    pub(super) fn close(mut self) -> BTreeMap<Counted, i64> {
        self.counts.retain(|_, count| *count != 0);
        self.counts
    }

    pub(super) fn add(&mut self, measure: Measure, day: Date, count: i64) {
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

    /// That it came under work, and that it finished, as declared on a day or as seen since one.
    /// A finish counts no earlier than the work; its verdict goes by the day declared.
    fn course(&mut self, worked: &Worked, (open, finish): Stay) {
        use Measure as M;
        self.add(M::Accepted, open, 1);
        match self.state.channel.as_deref() {
            Some("online") => self.add(M::AcceptedOnline, open, 1),
            Some("post") => self.add(M::AcceptedPost, open, 1),
            _ => {}
        }
        let Some(counted) = finish else { return };
        match self.state.status {
            Status::WITHDRAWN => return self.add(M::Withdrawn, counted, 1),
            Status::STOPPED => self.add(M::Refused, counted, 1),
            _ => {}
        }
        let promise = self.state.promises.last().map(|promise| promise.due_at);
        let firsts = [M::FirstPromiseEarly, M::FirstPromiseOnTime, M::FirstPromiseLate];
        let judged = [
            Some((promise, [M::FinishedEarly, M::FinishedOnTime, M::FinishedLate])),
            self.state.first_due_at.map(|first| (Some(first), firsts)),
        ];
        for (due, names) in judged.into_iter().flatten() {
            if let Some(found) = worked.verdict(due, names) {
                self.add(found, counted, 1);
            }
        }
    }

    /// The conditions it is in from one day to another.
    fn gauges(&mut self, worked: &Worked, stay: Stay, settings: &Settings) {
        self.stay(Measure::Open, Some(stay), 1);
        let pauses = worked.pauses(settings);
        for pause in &pauses {
            self.stay(Measure::Paused, Some(*pause), 1);
        }
        for late in lates(self.state, stay) {
            self.late(late, &pauses, [Measure::Overdue, Measure::PausedOverdue]);
        }
    }

    /// A stay after a due day, by two measures: while it does not wait for its applicant, and while
    /// it does.
    pub(super) fn late(&mut self, late: Stay, pauses: &[Stay], [overdue, paused]: [Measure; 2]) {
        self.stay(overdue, Some(late), 1);
        for pause in pauses {
            let waiting = both(late, *pause);
            self.stay(overdue, waiting, -1);
            self.stay(paused, waiting, 1);
        }
    }

    /// A stay in a condition, counted so many times.
    fn stay(&mut self, measure: Measure, stay: Option<Stay>, count: i64) {
        let Some((from, to)) = stay.filter(|(from, to)| to.is_none_or(|to| *from < to)) else {
            return;
        };
        self.add(measure, from, count);
        if let Some(to) = to {
            self.add(measure, to, -count);
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
}

/// A stay in a condition: from its first day to the day it ends, where it has ended.
pub(super) type Stay = (Date, Option<Date>);

/// The days of one stay that are of another too.
pub(super) fn both(one: Stay, other: Stay) -> Option<Stay> {
    let ends = [one.1, other.1].into_iter().flatten().min();
    let from = one.0.max(other.0);
    ends.is_none_or(|end| from < end).then_some((from, ends))
}

/// When it waited for its applicant while it was open.
fn pauses(days: &BTreeMap<Date, Status>, open: Stay, settings: &Settings) -> Vec<Stay> {
    let mut found = Vec::new();
    let mut since: Option<Date> = None;
    for (&day, &status) in days {
        match (since, is_paused(status, settings)) {
            (None, true) => since = Some(day),
            (Some(from), false) => {
                found.extend(both((from, Some(day)), open));
                since = None;
            }
            _ => {}
        }
    }
    found.extend(since.and_then(|from| both((from, None), open)));
    found
}

/// When it was open after the day due by the promise in force; no day twice.
fn lates(state: &DossierState, open: Stay) -> Vec<Stay> {
    // A promise stands from the day it was made, and no earlier than the one before it.
    let mut starts = Vec::with_capacity(state.promises.len());
    let mut latest = open.0;
    for promise in &state.promises {
        latest = promise.at.map_or(latest, |at| at.day().max(latest));
        starts.push(latest);
    }
    let late = |(at, promise): (usize, &super::state::Promise)| {
        let from = promise.due_at.day().tomorrow().ok()?.max(*starts.get(at)?);
        let next = starts.get(at + 1).copied();
        both((from, next), open).filter(|_| next.is_none_or(|next| from < next))
    };
    state.promises.iter().enumerate().filter_map(late).collect()
}
