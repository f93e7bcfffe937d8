//! The plan for online services: `roadmap.toml` of a catalogue's folder.

use std::{collections::BTreeSet, path::Path};

use super::{cell::Faults, declared::Declared};
use crate::registry::roadmap::{
    Plan,
    plan::{Obligation, ReportDue, Wave},
};

/// Years a plan's reports may span.
const YEARS_MAX: i16 = 100;

/// Reads and proves the plan; none where it has a fault.
pub(super) fn roadmap(
    folder: &Path,
    agencies: &BTreeSet<&str>,
    found: &mut Faults,
) -> Option<Plan> {
    let read = Declared::read::<Plan>(folder, "roadmap.toml", "docs/roadmap.md");
    let (declared, plan) = read.map_err(|fault| found.push(*fault)).ok()?;
    let before = found.len();
    let mut fault = |place: &str, message: String, advice: &str| {
        found.push(declared.fault(&declared.place_of(place), message, advice));
    };
    let named = plan.wave.iter().flat_map(|wave| &wave.agencies);
    let reporting =
        plan.obligation.iter().flat_map(|one| one.agencies.iter().chain(&one.recipients));
    let shared = plan.class.iter().map(|class| &class.agency);
    for name in named.chain(reporting).chain(shared) {
        if !agencies.contains(name.as_str()) {
            let message = format!("`{name}` is not in agencies.csv");
            fault(name, message, "mend the name, or add the row");
        }
    }
    let ids = plan.wave.iter().map(|wave| &wave.id).chain(plan.milestone.iter().map(|one| &one.id));
    let ids = ids.chain(plan.obligation.iter().map(|one| &one.id));
    let mut seen = BTreeSet::new();
    for id in ids.filter(|id| !seen.insert(id.as_str())) {
        fault(id, format!("`{id}` is the id of two things"), "give each its own");
    }
    for Wave { id, from, to, step, percent, .. } in &plan.wave {
        if to < from {
            fault(id, format!("the wave `{id}` ends before it begins"), "write its last day");
        }
        if !plan.level.iter().any(|level| level.step == *step) {
            let message = format!("no [[level]] is of the step {step} of the wave `{id}`");
            fault(id, message, "write the step of one of the levels");
        }
        if percent.is_some_and(|percent| !(1..=100).contains(&percent)) {
            let advice = "write 1 to 100, or leave it out where the plan says \"some\"";
            fault(id, format!("the wave `{id}` wants no share of a hundred"), advice);
        }
    }
    for one in plan.milestone.iter().filter(|one| plan.wave.iter().all(|wave| wave.id != one.wave))
    {
        let message = format!("`{}` is no wave", one.wave);
        fault(&one.wave, message, "write the id of a [[wave]]");
    }
    for Obligation { id, years: (first, last), due, .. } in &plan.obligation {
        if last < first || last.saturating_sub(*first) > YEARS_MAX {
            let advice = "write the first and the last year, at most a hundred years apart";
            fault(id, format!("`years` of `{id}` is no span of years"), advice);
        }
        for due in due.iter().filter(|due| !stands(due)) {
            let message =
                format!("`{id}` is due on the day {} of the month {}", due.day, due.month);
            let advice = "write a day that every year has, and half as \"H1\" or \"H2\"";
            fault(id, message, advice);
        }
    }
    if !(0..=1_200).contains(&plan.review_months) {
        fault("", "`review_months` is no number of months".to_owned(), "write 0 to 1200");
    }
    let points = [plan.score.completion, plan.score.schedule, plan.score.reports];
    let points = points.iter().chain([&plan.score.officer]);
    if points.map(|points| u64::from(*points)).sum::<u64>() != 100 {
        fault("", "the points of [score] are not a hundred".to_owned(), "share out 100");
    }
    (found.len() == before).then_some(plan)
}

/// Whether a report has a day in every year.
fn stands(due: &ReportDue) -> bool {
    let half = due.half.as_deref().is_none_or(|half| matches!(half, "H1" | "H2"));
    let day = jiff::civil::Date::new(2013, due.month, due.day).is_ok();
    half && day && (0..=1).contains(&due.years_later)
}
