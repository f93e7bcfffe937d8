//! When a dossier took which status.

use contracts::{Dossier, Moment, Status};

use super::state::TimelineStep;

/// The date of the status a snapshot tells: its own `status_at`, else the member that goes with
/// that status. In process (4) and waiting for payment (6) have none.
pub fn status_date(told: &Dossier) -> Option<Moment> {
    told.status_at.or_else(|| match told.status.code() {
        1 => told.submitted_at,
        2 => told.accepted_at,
        5 => told.supplements.iter().map(|one| one.requested_at).max(),
        3 | 7 | 8 | 9 => told.finished_at,
        10 => told.returned_at.or(told.finished_at),
        _ => None,
    })
}

/// The steps that the latest snapshot's own dates and history tell.
pub(super) fn dated_steps(told: &Dossier) -> Vec<TimelineStep> {
    let step = |at: Moment, status: Status, status_raw: Option<String>| TimelineStep {
        at,
        status,
        status_raw,
        source: told.source.clone(),
    };
    let mut steps: Vec<_> = told
        .history
        .iter()
        .map(|past| step(past.at, past.status, past.status_raw.clone()))
        .collect();
    steps.extend(told.submitted_at.map(|at| step(at, Status::SUBMITTED, None)));
    steps.extend(told.accepted_at.map(|at| step(at, Status::ACCEPTED, None)));
    for asked in &told.supplements {
        steps.push(step(asked.requested_at, Status::SUPPLEMENT, None));
        steps.extend(asked.received_at.map(|at| step(at, Status::IN_PROCESS, None)));
    }
    if told.status == Status::RETURNED {
        steps.extend(told.finished_at.map(|at| step(at, Status::DONE, None)));
    }
    steps
}

/// Sorts steps by time, life-cycle and source, and keeps one of those that say the same: the one
/// with the source's own word.
pub(super) fn tidy(mut steps: Vec<TimelineStep>) -> Vec<TimelineStep> {
    let place = |step: &TimelineStep| (step.at, step.status.life_cycle_rank());
    steps.sort_by(|a, b| {
        place(a)
            .cmp(&place(b))
            .then_with(|| a.source.cmp(&b.source))
            .then_with(|| b.status_raw.cmp(&a.status_raw))
    });
    steps.dedup_by(|later, kept| place(later) == place(kept) && later.source == kept.source);
    steps
}
