//! What of a dossier bears on its deadline: when it was accepted, when it waited, which new dates
//! its agency set.

use contracts::{Moment, Status};

use super::model::{DeadlineRule, Phase};
use crate::registry::{
    phrase::Words,
    state::{DossierState, Extension},
    statistics::{Settings, own_timeline},
};

/// A stretch that is not counted: the dossier waits for its applicant, or is in a phase that never
/// counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// When it began to wait.
    pub from: Moment,
    /// When that ended; none while it lasts.
    pub until: Option<Moment>,
    /// What it stands still for.
    pub why: Why,
}

/// What a time limit stands still for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The applicant, or what stopped the dossier, by its status.
    Status(Status),
    /// A phase that never counts, by its place among those of the rule.
    Phase(usize),
}

/// The dates that a deadline is reckoned from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// When the office accepted.
    pub accepted: Moment,
    /// When it waited, in order, apart from each other.
    pub pauses: Vec<Pause>,
    /// When it was asked for more papers, and when that ended, in order.
    pub requests: Vec<(Moment, Option<Moment>)>,
    /// New dates that its agency set, in order.
    pub extensions: Vec<Extension>,
}

/// When a dossier was accepted: as declared, else when it took the status that says so.
pub fn accepted(state: &DossierState) -> Option<Moment> {
    let step = || state.timeline.iter().find(|step| step.status == Status::ACCEPTED);
    state.accepted_at.or_else(|| step().map(|step| step.at))
}

fn words_of(phase: &Phase) -> Vec<Words> {
    phase.says.iter().map(|text| Words::of(text)).collect()
}

impl Course {
    /// One in which nothing has happened since the acceptance.
    pub fn begun(accepted: Moment) -> Self {
        Self { accepted, pauses: Vec::new(), requests: Vec::new(), extensions: Vec::new() }
    }

    /// The course of a dossier that was accepted, under a rule.
    pub fn of(
        state: &DossierState,
        accepted: Moment,
        rule: &DeadlineRule,
        settings: &Settings,
    ) -> Self {
        let waits = |status: Status| {
            rule.pauses.iter().any(|pause| pause.status() == status)
                || (status == Status::STOPPED && settings.stopped_is_paused)
        };
        let phases: Vec<Vec<Words>> = rule.uncounted.iter().map(words_of).collect();
        let why = |status: Status, raw: Option<&str>| {
            if waits(status) {
                return Some(Why::Status(status));
            }
            let said = raw.filter(|_| !phases.is_empty()).map(Words::of)?;
            let is_of = |phase: &Vec<Words>| phase.iter().any(|phrase| said.hold(phrase));
            phases.iter().position(is_of).map(Why::Phase)
        };
        let mut steps: Vec<(Moment, Status, Option<Why>)> = own_timeline(state)
            .map(|step| (step.at, step.status, why(step.status, step.status_raw.as_deref())))
            .collect();
        // Events and a snapshot may share a moment: what it is now comes last.
        let last = steps.last().copied();
        if let Some(told) = state.status_at
            && last.is_none_or(|(_, status, _)| status != state.status)
        {
            let at = last.map_or(told, |(at, ..)| at.max(told));
            steps.push((at, state.status, why(state.status, state.status_raw.as_deref())));
        }
        let mut course = Self::begun(accepted);
        for (at, status, why) in steps {
            course.takes(at, status, why);
        }
        course.extensions.clone_from(&state.extensions);
        course
    }

    /// Goes on with a step: what stood still for another reason ends with it.
    fn takes(&mut self, at: Moment, status: Status, why: Option<Why>) {
        let open = self.pauses.last_mut().filter(|pause| pause.until.is_none());
        let goes_on = open.as_ref().map(|pause| pause.why) == why;
        if let Some(pause) = open.filter(|_| !goes_on) {
            pause.until = Some(at);
        }
        if let Some(why) = why.filter(|_| !goes_on) {
            self.pauses.push(Pause { from: at, until: None, why });
        }
        let asked = self.requests.last_mut().filter(|(_, until)| until.is_none());
        match (asked, status == Status::SUPPLEMENT) {
            (None, true) => self.requests.push((at, None)),
            (Some((_, until)), false) => *until = Some(at),
            _ => {}
        }
    }
}
