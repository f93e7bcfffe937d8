//! Moves from status to status: back, or where the declared life cycle does not lead.

use std::collections::BTreeMap;

use contracts::{Moment, Status};

use super::{dossier::Case, model::RuleName, question::Question, rulebook::Rulebook};
use crate::registry::state::TimelineStep;

const STATUSES: usize = 11;

/// What can be reached from each status by the declared moves.
#[derive(Debug, Clone, Default)]
pub(super) struct Moves {
    reached: [[bool; STATUSES]; STATUSES],
}

impl Moves {
    /// Of the declared moves.
    pub(super) fn new(declared: &BTreeMap<u8, Vec<u8>>) -> Self {
        let mut reached = [[false; STATUSES]; STATUSES];
        for (from, to) in declared {
            for to in to {
                if let Some(one) = reached.get_mut(usize::from(*from))
                    && let Some(one) = one.get_mut(usize::from(*to))
                {
                    *one = true;
                }
            }
        }
        for by in 0..STATUSES {
            for from in 0..STATUSES {
                for to in 0..STATUSES {
                    reached[from][to] |= reached[from][by] && reached[by][to];
                }
            }
        }
        Self { reached }
    }

    /// Whether a source may tell one status after another: it need not tell those between.
    fn leads(&self, from: Status, to: Status) -> bool {
        let reached = self.reached.get(usize::from(from.code()));
        reached.and_then(|one| one.get(usize::from(to.code()))).copied().unwrap_or(false)
    }
}

/// Whether the order of two moments is known: within a day of which one is known by the day
/// alone, it is not.
fn is_ordered(one: Moment, other: Moment) -> bool {
    let exact = |at: Moment| matches!(at, Moment::Instant(_));
    one.day() != other.day() || (exact(one) && exact(other))
}

/// The moves of each source that are asked about: the last of each kind.
pub(super) fn ask(case: &Case<'_>, book: &Rulebook, asked: &mut Vec<Question>) {
    let mut by_source: BTreeMap<&str, Vec<&TimelineStep>> = BTreeMap::new();
    for step in &case.state.timeline {
        by_source.entry(&step.source).or_default().push(step);
    }
    for (source, steps) in by_source {
        let mut odd: BTreeMap<(RuleName, u8, u8), Question> = BTreeMap::new();
        let mut course: Vec<&TimelineStep> = Vec::new();
        for step in steps {
            let Some(last) = course.last().copied() else {
                course.push(step);
                continue;
            };
            if last.status == step.status {
                continue;
            }
            let before = course.len().checked_sub(2).and_then(|at| course.get(at));
            let resumed = matches!(last.status, Status::SUPPLEMENT | Status::PAYMENT)
                && before.is_some_and(|before| before.status == step.status);
            let rule = rule_of(last, step, book).filter(|_| !resumed);
            // Dates that are the wrong way round are asked about as that.
            if rule.is_some() && is_date(case, step) {
                continue;
            }
            if let Some(rule) = rule {
                let (from, to) = (last.status, step.status);
                let of = format!("{source}:{}-{}", from.code(), to.code());
                let question = Question::new(rule, case.agency(source), Some(case.key()), of)
                    .on(step.at.day())
                    .with("from", named(from))
                    .with("to", named(to))
                    .with("at", step.at)
                    .told_by(source, [last, step].into_iter().flat_map(|it| case.telling(it)));
                odd.insert((rule, from.code(), to.code()), question);
            }
            course.push(step);
        }
        asked.extend(odd.into_values());
    }
}

/// Whether a step is but a date that the dossier has.
fn is_date(case: &Case<'_>, step: &TimelineStep) -> bool {
    let date = match step.status {
        Status::SUBMITTED => case.state.submitted_at,
        Status::ACCEPTED => case.state.accepted_at,
        _ => None,
    };
    date == Some(step.at)
}

/// A status as people know it.
fn named(status: Status) -> String {
    format!("{} ({})", status.code(), status.name_vi())
}

fn rule_of(from: &TimelineStep, to: &TimelineStep, book: &Rulebook) -> Option<RuleName> {
    let day = to.at.day();
    let moves = book.moves(day)?;
    if moves.leads(from.status, to.status) || !is_ordered(from.at, to.at) {
        return None;
    }
    let back = to.status.life_cycle_rank() < from.status.life_cycle_rank();
    let rule = if back { RuleName::StatusRegression } else { RuleName::UnusualMove };
    book.rule(rule, Some(day)).map(|_| rule)
}
