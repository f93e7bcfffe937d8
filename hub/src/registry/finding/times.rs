//! Times that cannot both be, or that were told late.

use std::collections::BTreeMap;

use contracts::{Moment, Status};
use jiff::{Timestamp, civil::Date, tz};

use super::{
    dossier::{Case, Heard},
    model::RuleName,
    question::Question,
    rulebook::Rulebook,
};
use crate::{
    journal::entry::Mode,
    registry::{Content, timeline::status_date},
};

const HALF_DAY_HOURS: i8 = 12;

fn local(at: Timestamp) -> jiff::civil::DateTime {
    tz::offset(7).to_datetime(at)
}

fn days_between(from: Date, to: Date) -> i64 {
    i64::from(to.since(from).map_or(0, |span| span.get_days()))
}

/// Whether a time that comes before another on the same day would come after it as an afternoon's.
fn is_afternoon_at_heart(first: Moment, then: Moment) -> bool {
    let (Moment::Instant(first), Moment::Instant(then)) = (first, then) else { return false };
    let (first, then) = (local(first), local(then));
    let later = || then.time().hour() + HALF_DAY_HOURS;
    then < first
        && first.date() == then.date()
        && then.time().hour() < HALF_DAY_HOURS
        && (later(), then.time().minute()) >= (first.time().hour(), first.time().minute())
}

/// The dates of the life cycle, by the member that tells each.
fn dates<'a>(case: &Case<'a>) -> impl Iterator<Item = (&'static str, Moment)> + use<'a> {
    let state = case.state;
    [
        ("submitted_at", state.submitted_at),
        ("accepted_at", state.accepted_at),
        ("finished_at", state.finished_at),
        ("returned_at", state.returned_at),
    ]
    .into_iter()
    .filter_map(|(name, at)| Some((name, at?)))
}

/// Two dates of one day that a clock of twelve hours has put the wrong way round.
pub(super) fn ask_of_clock(case: &Case<'_>, asked: &mut Vec<Question>) {
    let all: Vec<_> = dates(case).collect();
    for pair in all.windows(2) {
        let [(first, first_at), (then, then_at)] = pair else { continue };
        if !is_afternoon_at_heart(*first_at, *then_at) {
            continue;
        }
        let source = case.source_of(then);
        let rule = RuleName::TwelveHourClock;
        let told = case.dating(first, *first_at).chain(case.dating(then, *then_at));
        asked.push(
            Question::new(rule, case.agency(source), Some(case.key()), (*then).to_owned())
                .on(then_at.day())
                .with("first", first)
                .with("first_at", first_at)
                .with("then", then)
                .with("then_at", then_at)
                .told_by(source, told),
        );
    }
}

/// A decision before its acceptance, unless the clock explains it.
pub(super) fn ask_of_order(case: &Case<'_>, asked: &mut Vec<Question>) {
    let state = case.state;
    let Some((accepted, finished)) = state.accepted_at.zip(state.finished_at) else { return };
    let exact = |at: Moment| matches!(at, Moment::Instant(_));
    let before = finished.day() < accepted.day()
        || (exact(accepted)
            && exact(finished)
            && finished < accepted
            && !is_afternoon_at_heart(accepted, finished));
    if !before {
        return;
    }
    let source = case.source_of("finished_at");
    let told = case.dating("accepted_at", accepted).chain(case.dating("finished_at", finished));
    asked.push(
        Question::new(
            RuleName::FinishBeforeAcceptance,
            case.agency(source),
            Some(case.key()),
            String::new(),
        )
        .on(finished.day())
        .with("accepted", accepted)
        .with("finished", finished)
        .told_by(source, told),
    );
}

/// What an observation says happened, and when.
fn happened(heard: &Heard) -> Option<(Moment, Option<Status>)> {
    match &heard.observation.content {
        Content::Event(event) => Some((event.at, event.status)),
        Content::Snapshot(body) => Some((status_date(body)?, Some(body.status))),
        Content::Past(past) => Some((status_date(&past.body)?, Some(past.body.status))),
        Content::Retraction { at, .. } => Some((*at, None)),
    }
}

/// What was recorded long after it happened: of each source, the event that was longest on its
/// way. What is told again is not told late.
pub(super) fn ask_of_receipt(case: &Case<'_>, book: &Rulebook, asked: &mut Vec<Question>) {
    let mut first: BTreeMap<(&str, Moment, Option<u8>), &Heard> = BTreeMap::new();
    for heard in &case.heard {
        let Some((at, status)) = happened(heard) else { continue };
        let key = (heard.observation.source(), at, status.map(Status::code));
        let known = first.entry(key).or_insert(heard);
        if heard.observation.position < known.observation.position {
            *known = heard;
        }
    }
    let mut late: BTreeMap<&str, (i64, Moment, &Heard, u32)> = BTreeMap::new();
    for ((source, at, _), heard) in first {
        let Some(rule) = book.rule(RuleName::BackdatedEvent, Some(at.day())) else { continue };
        let recorded = local(heard.observation.recorded_at).date();
        let days = days_between(at.day(), recorded);
        if heard.mode != Mode::Live || days <= i64::from(rule.days) {
            continue;
        }
        let worst = late.entry(source).or_insert((days, at, heard, 0));
        worst.3 += 1;
        if days > worst.0 {
            (worst.0, worst.1, worst.2) = (days, at, heard);
        }
    }
    for (source, (days, at, heard, events)) in late {
        let rule = RuleName::BackdatedEvent;
        asked.push(
            Question::new(rule, case.agency(source), Some(case.key()), source.to_owned())
                .on(at.day())
                .with("at", at)
                .with("recorded", local(heard.observation.recorded_at).date())
                .with("days", days)
                .with("events", events)
                .told_by(source, [heard.observation.position]),
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::tests::{asked_of, book, heard, names, told},
        *,
    };
    use crate::registry::{Observation, rules::event};

    #[test]
    fn what_is_recorded_late_is_asked_about_unless_it_is_backfill() {
        let at = |days: i64| {
            let mut one = event(json!({"at": "2024-10-02", "status": 9}));
            let done: Moment = "2024-10-02".parse().unwrap();
            one.recorded_at = done.latest() + jiff::SignedDuration::from_hours(24 * days);
            one
        };
        let late = heard([at(4)]);
        let found = asked_of(&late, &book());
        assert_eq!(names(&found), ["backdated-event"]);
        assert_eq!((&*found[0].values["days"], &*found[0].values["events"]), ("4", "1"));
        assert!(asked_of(&heard([at(3)]), &book()).is_empty());
        let backfill = [Heard { mode: Mode::Backfill, ..late[0].clone() }];
        assert!(asked_of(&backfill, &book()).is_empty());
        // Told in time, and later again: by an event, and by a version that changed something else.
        assert!(asked_of(&heard([at(1), at(9)]), &book()).is_empty());
        let unit = |version: &str, days| Observation {
            recorded_at: at(days).recorded_at,
            ..told(json!({"status": 9, "finished_at": "2024-10-02", "unit": version,
                "source_version": version}))
        };
        assert!(asked_of(&heard([unit("1", 1), unit("2", 9)]), &book()).is_empty());
    }
}
