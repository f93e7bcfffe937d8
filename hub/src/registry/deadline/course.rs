//! What of a dossier bears on its deadline: when it was accepted, when it waited, which new dates
//! its agency set.

use contracts::{Moment, Status};

use super::model::DeadlineRule;
use crate::registry::{
    state::{DossierState, Extension},
    statistics::{Settings, own_steps},
};

/// A stretch in which the dossier waits for its applicant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// When it began to wait.
    pub from: Moment,
    /// When that ended; none while it lasts.
    pub until: Option<Moment>,
    /// The status in which it began.
    pub status: Status,
}

/// The dates that a deadline is reckoned from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// When the office accepted.
    pub accepted: Moment,
    /// When it waited, in order, apart from each other.
    pub pauses: Vec<Pause>,
    /// New dates that its agency set, in order.
    pub extensions: Vec<Extension>,
}

/// When a dossier was accepted: as declared, else when it took the status that says so.
pub fn accepted(state: &DossierState) -> Option<Moment> {
    let step = || state.timeline.iter().find(|step| step.status == Status::ACCEPTED);
    state.accepted_at.or_else(|| step().map(|step| step.at))
}

impl Course {
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
        let mut steps: Vec<(Moment, Status)> = own_steps(state).collect();
        // Events and a snapshot may share a moment: what it is now comes last.
        let last = steps.last().copied();
        if let Some(told) = state.status_at
            && last.is_none_or(|(_, status)| status != state.status)
        {
            steps.push((last.map_or(told, |(at, _)| at.max(told)), state.status));
        }
        let mut pauses: Vec<Pause> = Vec::new();
        for (at, status) in steps {
            let open = pauses.last_mut().filter(|pause| pause.until.is_none());
            match (open, waits(status)) {
                (None, true) => pauses.push(Pause { from: at, until: None, status }),
                (Some(pause), false) => pause.until = Some(at),
                _ => {}
            }
        }
        Self { accepted, pauses, extensions: state.extensions.clone() }
    }
}
