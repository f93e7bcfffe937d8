//! The rules of time limits, one by one, on the province's own calendar.

use contracts::{Moment, Status};
use serde_json::json;

use super::*;
use crate::registry::{
    DossierState, Extension, Settings,
    calendar::{
        Timetable,
        tests::{DONG_NAI, moment},
    },
    dossier::fold,
    rules::{event, reference, snapshot},
};

pub(super) fn plain(resume: Resume) -> DeadlineRule {
    DeadlineRule {
        name: "chung".to_owned(),
        procedures: Vec::new(),
        fields: Vec::new(),
        agencies: Vec::new(),
        channel: None,
        limit: None,
        accept_until: None,
        resume,
        pauses: vec![Waits::Supplement, Waits::Payment],
        supplement: None,
        uncounted: Vec::new(),
        extensions_max: 1,
        apology_required: true,
        legal_basis: None,
        valid_from: None,
        valid_to: None,
    }
}

pub(super) fn limit(value: u32, unit: LimitUnit) -> Limit {
    Limit { value, unit }
}

fn days() -> Timetable {
    let calendar = DONG_NAI.calendar.as_ref().unwrap();
    Timetable::new(calendar, &calendar.hours_of("so-xay-dung"))
}

fn course(accepted: &str, pauses: &[(&str, &str)]) -> Course {
    let pause = |(from, until): &(&str, &str)| Pause {
        from: moment(from),
        until: (!until.is_empty()).then(|| moment(until)),
        why: Why::Status(Status::SUPPLEMENT),
    };
    let pauses = pauses.iter().map(pause).collect();
    Course { pauses, ..Course::begun(moment(accepted)) }
}

fn due(course: &Course, limit: Limit, rule: &DeadlineRule) -> Moment {
    match reckon(course, limit, rule, &days()).unwrap().due {
        Due::At(due) => due,
        due => panic!("{due:?}"),
    }
}

#[track_caller]
fn is_due(accepted: &str, limit: Limit, expected: &str) {
    assert_eq!(due(&course(accepted, &[]), limit, &plain(Resume::Shift)), moment(expected));
}

const DAYS: LimitUnit = LimitUnit::WorkingDays;

#[test]
fn working_days_pass_over_weekends_holidays_and_what_makes_them_good() {
    // Saturday, Sunday, and Monday for a holiday on Sunday.
    is_due("2026-04-24 16:00", limit(2, DAYS), "2026-04-29 16:00");
    // A make-up Saturday counts.
    is_due("2026-08-20 09:00", limit(2, DAYS), "2026-08-22 09:00");
    // The first day counted lies behind an exchanged Monday and two holidays.
    is_due("2026-08-28 09:00", limit(1, DAYS), "2026-09-03 09:00");
    // A holiday since 2026.
    is_due("2026-11-23 09:00", limit(1, DAYS), "2026-11-25 09:00");
    is_due("2025-11-21 09:00", limit(1, DAYS), "2025-11-24 09:00");
}

#[test]
fn the_first_day_is_not_counted_and_the_hour_stays() {
    is_due("2026-06-01 10:00", limit(3, DAYS), "2026-06-04 10:00");
    is_due("2026-06-01", limit(3, DAYS), "2026-06-04");
    // Outside hours: as of the next opening.
    is_due("2026-06-01 19:00", limit(3, DAYS), "2026-06-05 07:00");
    is_due("2026-06-06 09:00", limit(1, DAYS), "2026-06-09 07:00");
}

#[test]
fn what_comes_on_an_open_day_that_does_not_count_is_due_at_closing() {
    let calendar = DONG_NAI.calendar.as_ref().unwrap();
    let days = Timetable::new(calendar, &calendar.hours_of("ubnd-bien-hoa"));
    for (accepted, expected) in [
        ("2026-06-05 16:00", "2026-06-09 16:00"),
        ("2026-06-06 09:00", "2026-06-09 17:00"),
        ("2026-06-06 12:00", "2026-06-10 07:00"),
    ] {
        let told = reckon(&course(accepted, &[]), limit(2, DAYS), &plain(Resume::Shift), &days);
        assert_eq!(told.unwrap().due, Due::At(moment(expected)), "{accepted}");
    }
}

#[test]
fn days_of_the_calendar_end_on_a_working_day() {
    let days = |n| limit(n, LimitUnit::CalendarDays);
    is_due("2026-06-01 10:00", days(3), "2026-06-04");
    is_due("2026-06-01 10:00", days(5), "2026-06-08");
    is_due("2026-04-20 10:00", days(5), "2026-04-28");
}

#[test]
fn working_hours_run_while_the_office_is_open() {
    let hours = |n| limit(n, LimitUnit::WorkingHours);
    is_due("2026-06-01 09:00", hours(2), "2026-06-01 11:00");
    is_due("2026-06-01 10:30", hours(2), "2026-06-01 14:30");
    is_due("2026-06-01 09:00", hours(8), "2026-06-02 09:00");
    is_due("2026-06-05 16:00", hours(2), "2026-06-08 08:00");
    is_due("2026-06-05 18:00", hours(1), "2026-06-08 08:00");
    // The hour of acceptance is not known: as late as it may have been.
    is_due("2026-06-05", hours(1), "2026-06-08");
    let by_day = course("2026-06-01 10:00", &[("2026-06-01", "2026-06-03 09:00")]);
    assert_eq!(due(&by_day, hours(8), &plain(Resume::Shift)), moment("2026-06-03"));
}

#[test]
fn what_is_done_on_the_day_may_come_too_late_for_it() {
    let rule = DeadlineRule { accept_until: Some(15 * 3_600), ..plain(Resume::Shift) };
    let same_day = limit(0, LimitUnit::SameDay);
    for (accepted, expected) in [
        ("2026-06-01 14:59", "2026-06-01"),
        ("2026-06-01 15:00", "2026-06-01"),
        ("2026-06-01 15:01", "2026-06-02"),
        ("2026-06-05 16:00", "2026-06-08"),
        ("2026-06-01", "2026-06-01"),
    ] {
        assert_eq!(due(&course(accepted, &[]), same_day, &rule), moment(expected), "{accepted}");
    }
}

#[test]
fn without_a_time_limit_nothing_is_due() {
    let none = limit(0, LimitUnit::None);
    let told = reckon(&course("1999-01-01", &[]), none, &plain(Resume::Shift), &days());
    assert_eq!(told.unwrap().due, Due::Unlimited);
}

#[test]
fn shift_and_restart_give_other_dates_and_both_sides_of_the_move_are_told() {
    // Accepted Monday; asked on the second day counted, answered on the ninth.
    let waited = course("2026-06-01 10:00", &[("2026-06-03 09:00", "2026-06-12 14:00")]);
    let reckoned = |resume| reckon(&waited, limit(5, DAYS), &plain(resume), &days()).unwrap();
    let outcome = |told: &Reckoning| match told.steps[2] {
        Step::Waited(_, outcome) => outcome,
        step => panic!("{step:?}"),
    };
    let (before, shift) = (moment("2026-06-08 10:00"), reckoned(Resume::Shift));
    let later = moment("2026-06-17 10:00");
    assert_eq!(shift.due, Due::At(later));
    assert_eq!(outcome(&shift), Paused::Shifted { by: 7, before, due: later });
    let (restart, anew) = (reckoned(Resume::Restart), moment("2026-06-19 14:00"));
    assert_eq!(restart.due, Due::At(anew));
    assert!(matches!(
        outcome(&restart),
        Paused::Restarted { before: old, due, .. } if (old, due) == (before, anew)
    ));
}

#[test]
fn while_it_waits_what_is_left_is_told() {
    let waits = course("2026-06-01 10:00", &[("2026-06-03 09:00", "")]);
    let left =
        |unit, value, resume| match reckon(&waits, limit(value, unit), &plain(resume), &days())
            .unwrap()
            .due
        {
            Due::Waiting { since, left } => {
                assert_eq!(since, moment("2026-06-03 09:00"));
                (left.value, left.unit)
            }
            due => panic!("{due:?}"),
        };
    assert_eq!(left(DAYS, 5, Resume::Shift), (3, "working_days"));
    assert_eq!(left(DAYS, 5, Resume::Restart), (5, "working_days"));
    assert_eq!(left(LimitUnit::CalendarDays, 5, Resume::Shift), (3, "calendar_days"));
    assert_eq!(left(LimitUnit::WorkingHours, 16, Resume::Shift), (60, "working_minutes"));
}

#[test]
fn a_request_after_the_time_has_run_out_moves_nothing() {
    let late = [("2026-06-09 08:00", "2026-06-15 08:00")];
    for resume in [Resume::Shift, Resume::Restart] {
        let told = due(&course("2026-06-01 10:00", &late), limit(5, DAYS), &plain(resume));
        assert_eq!(told, moment("2026-06-08 10:00"), "{resume:?}");
    }
    // On the last day it still does, also where that day stands for a day off before it.
    let last = [("2026-06-08 16:00", "2026-06-10 08:00")];
    let told = due(&course("2026-06-01 10:00", &last), limit(5, DAYS), &plain(Resume::Shift));
    assert_eq!(told, moment("2026-06-10 10:00"));
    let days = limit(6, LimitUnit::CalendarDays);
    let told = due(&course("2026-06-01 10:00", &last), days, &plain(Resume::Shift));
    assert_eq!(told, moment("2026-06-10"));
}

#[test]
fn a_new_date_counts_with_its_letter_and_once() {
    let mut extended = course("2026-06-01 10:00", &[]);
    let new = |at, due_at: &str, apology| {
        let due_at = (!due_at.is_empty()).then(|| moment(due_at));
        Extension { at: moment(at), due_at, apology }
    };
    let told = |extended: &Course, rule: &DeadlineRule| {
        let told = reckon(extended, limit(5, DAYS), rule, &days()).unwrap();
        let outcomes = told.steps.iter().filter_map(|step| match step {
            Step::NewDate(_, outcome) => Some(*outcome),
            _ => None,
        });
        (told.due, outcomes.collect::<Vec<_>>())
    };
    let strict = plain(Resume::Shift);
    let first = Due::At(moment("2026-06-08 10:00"));
    extended.extensions = vec![new("2026-06-08 15:00", "2026-06-12", false)];
    assert_eq!(told(&extended, &strict), (first, vec![Extended::NoLetter]));
    let lenient = DeadlineRule { apology_required: false, ..plain(Resume::Shift) };
    assert_eq!(told(&extended, &lenient).0, Due::At(moment("2026-06-12")));
    extended.extensions = vec![
        new("2026-06-08", "", true),
        new("2026-06-08", "2026-06-05", true),
        new("2026-06-08", "2026-06-12", true),
        new("2026-06-12", "2026-06-19", true),
    ];
    let (due, outcomes) = told(&extended, &strict);
    assert_eq!(due, Due::At(moment("2026-06-12")));
    assert!(matches!(
        outcomes[..],
        [
            Extended::NoDate,
            Extended::NotLater { .. },
            Extended::Holds { .. },
            Extended::TooMany { max: 1 },
        ]
    ));
    // What it waits for after that moves the new date.
    extended.pauses = course("2026-06-01", &[("2026-06-10 08:00", "2026-06-15 08:00")]).pauses;
    assert_eq!(told(&extended, &strict).0, Due::At(moment("2026-06-17")));
    // A date that is set while it waits knows of what stood still before.
    extended.pauses = course("2026-06-01", &[("2026-06-03 08:00", "2026-06-10 08:00")]).pauses;
    assert_eq!(told(&extended, &strict).0, Due::At(moment("2026-06-16")));
}

#[test]
fn the_calendar_ends_and_nothing_is_guessed_behind_it() {
    let beyond = |accepted, value, unit| {
        let told =
            reckon(&course(accepted, &[]), limit(value, unit), &plain(Resume::Shift), &days());
        told.unwrap_err().day.to_string()
    };
    assert_eq!(beyond("2027-12-24 10:00", 10, DAYS), "2028-01-01");
    assert_eq!(beyond("2027-12-24 10:00", 300, LimitUnit::WorkingHours), "2028-01-01");
    assert_eq!(beyond("2027-12-24 10:00", 10, LimitUnit::CalendarDays), "2028-01-03");
    assert_eq!(beyond("2012-12-31 10:00", 10, DAYS), "2012-12-31");
}

fn state(procedure: &str, channel: &str) -> DossierState {
    let told = json!({ "agency": "ubnd-cap-xa", "procedure": procedure, "channel": channel,
                       "accepted_at": "2026-06-01T08:30:00Z", "source_version": "1" });
    fold(&[snapshot(told, 0)], &reference()).unwrap().0
}

#[test]
fn of_the_rules_that_fit_the_most_particular_one_holds() {
    let mut catalogue = DONG_NAI.clone();
    let shorter = DeadlineRule {
        name: "truc-tuyen".to_owned(),
        channel: Some("online".to_owned()),
        limit: Some(limit(1, DAYS)),
        ..plain(Resume::Shift)
    };
    catalogue.deadlines.push(shorter);
    let deadlines = Deadlines::new(&catalogue);
    let told = |procedure, channel| {
        let state = state(procedure, channel);
        let told =
            deadlines.explain(&state, &Settings::default(), jiff::civil::date(2026, 7, 1)).unwrap();
        (told.rule.name.clone(), told.limit.value)
    };
    assert_eq!(told("1.012903", "counter"), ("chung".to_owned(), 15));
    assert_eq!(told("1.012903", "online"), ("truc-tuyen".to_owned(), 1));
    assert_eq!(told("1.013949", "online"), ("dat-dai".to_owned(), 15));
    assert_eq!(told("2.000815", "online"), ("chung-thuc-trong-ngay".to_owned(), 0));
}

#[test]
fn a_dossier_without_a_limit_of_its_own_is_told_why() {
    let deadlines = Deadlines::new(&DONG_NAI);
    let why = |state: &DossierState| deadlines.reckon(state, &Settings::default()).unwrap_err();
    let mut one = state("9.999999", "counter");
    assert!(matches!(why(&one), NoDeadline::UnknownProcedure { .. }));
    one.procedure = Some("2.001019".to_owned());
    assert!(matches!(why(&one), NoDeadline::NoLimit { .. }));
    one.accepted_at = None;
    one.timeline.clear();
    assert_eq!(why(&one), NoDeadline::NotAccepted);
    one.accepted_at = Some(moment("2012-06-01"));
    assert!(matches!(why(&one), NoDeadline::Outside(_)));
    let bare = Deadlines::new(&Default::default());
    let why = bare.reckon(&state("1.013949", "counter"), &Settings::default());
    assert_eq!(why, Err(NoDeadline::NoCalendar));
}

#[test]
fn a_procedure_is_known_by_its_name_and_two_limits_are_not_chosen_from() {
    let mut catalogue = DONG_NAI.clone();
    let named = |catalogue: &_| {
        let told = json!({ "agency": "ubnd-bien-hoa", "accepted_at": "2014-05-05T02:12:00Z",
                           "procedure_name": "CẤP GIẤY PHÉP XÂY DỰNG NHÀ Ở RIÊNG LẺ TẠI ĐÔ THỊ" });
        let state = fold(&[snapshot(told, 0)], &reference()).unwrap().0;
        Deadlines::new(catalogue).reckon(&state, &Settings::default())
    };
    assert_eq!(named(&catalogue).unwrap().due, Due::At(moment("2014-05-26 09:12")));
    let at = catalogue.procedures.iter().position(|one| one.name.contains("riêng lẻ tại đô thị"));
    let mut other = catalogue.procedures[at.unwrap()].clone();
    other.agency = "ubnd-cap-xa".to_owned();
    other.deadline.as_mut().unwrap().value = 7;
    catalogue.procedures.push(other);
    let NoDeadline::SeveralLimits { limits } = named(&catalogue).unwrap_err() else { panic!() };
    assert_eq!(limits.len(), 2);
}

#[test]
fn the_fold_tells_pauses_and_extensions_in_any_order() {
    let told = [
        snapshot(
            json!({ "source_version": "2026-06-01T03:00:00Z", "agency": "so-xay-dung",
                    "accepted_at": "2026-06-01T03:00:00Z", "due_at": "2026-06-08" }),
            0,
        ),
        event(json!({ "at": "2026-06-03T02:00:00Z", "status": 5, "kind": "supplement" })),
        event(json!({ "at": "2026-06-05T02:00:00Z", "status": 4 })),
        event(json!({ "at": "2026-06-08T02:00:00Z", "status": 6, "kind": "payment" })),
        event(json!({ "at": "2026-06-09T02:00:00Z", "status": 4 })),
        event(json!({ "at": "2026-06-10T02:00:00Z", "kind": "extension", "due_at": "2026-06-15",
                      "apology": true })),
    ];
    let folded = |told: &[_]| fold(told, &reference()).unwrap().0;
    let state = folded(&told);
    assert_eq!(folded(&told.iter().rev().cloned().collect::<Vec<_>>()), state);
    let course = |rule: &DeadlineRule| {
        Course::of(&state, accepted(&state).unwrap(), rule, &Settings::default())
    };
    let of_both = course(&plain(Resume::Shift));
    let causes: Vec<_> = of_both.pauses.iter().map(|pause| pause.why).collect();
    assert_eq!(causes, [Status::SUPPLEMENT, Status::PAYMENT].map(Why::Status));
    assert_eq!(of_both.extensions[0].due_at, Some(moment("2026-06-15")));
    let papers = DeadlineRule { pauses: vec![Waits::Supplement], ..plain(Resume::Shift) };
    assert_eq!(course(&papers).pauses.len(), 1, "a payment does not stop it");
    assert_eq!(state.promises.len(), 2, "the agency's own dates stay as told");
}

#[test]
fn each_step_is_told_in_both_languages() {
    let mut state = state("1.013949", "counter");
    state.procedure = Some("2.000884".to_owned());
    let deadlines = Deadlines::new(&DONG_NAI);
    let told =
        deadlines.explain(&state, &Settings::default(), jiff::civil::date(2026, 7, 1)).unwrap();
    assert_eq!(
        told.steps[0].vi,
        "Tiếp nhận 15:30 thứ Hai 01/06/2026, sau 15:00 là giờ nhận cuối trong ngày: tính từ 07:00 \
         thứ Ba 02/06/2026."
    );
    let (calendar, days) = (DONG_NAI.calendar.as_ref().unwrap(), days());
    let rule = plain(Resume::Shift);
    let waits = course("2026-04-24 16:00", &[("2026-04-28 09:00", "2026-05-04 09:00")]);
    let two = limit(2, DAYS);
    let reckoned = reckon(&waits, two, &rule, &days).unwrap();
    let steps = explained(&reckoned, (two, &rule), (calendar, &days));
    let told: Vec<&str> = steps.iter().map(|step| step.vi.as_str()).collect();
    assert_eq!(
        told,
        [
            "Tiếp nhận 16:00 thứ Sáu 24/04/2026, trong giờ làm việc. Ngày đầu không tính.",
            "Thời hạn 2 ngày làm việc (quy tắc «chung»): đến 16:00 thứ Tư 29/04/2026. Trong 5 ngày \
             sau đó có 2 ngày làm việc, 3 ngày nghỉ; ngày đặc biệt: 26/04/2026 (Giỗ Tổ Hùng Vương \
             (10/3 âm lịch)); 27/04/2026 (Nghỉ bù).",
            "Từ 09:00 thứ Ba 28/04/2026 đến 09:00 thứ Hai 04/05/2026 chờ bổ sung giấy tờ: 2 ngày \
             làm việc không tính vào thời hạn; hạn là 16:00 thứ Ba 05/05/2026.",
        ]
    );
    assert_eq!(
        steps[2].en,
        "From 09:00 Tuesday 28/04/2026 to 09:00 Monday 04/05/2026 waiting for more papers: 2 \
         working days do not count; due 16:00 Tuesday 05/05/2026."
    );
    assert_eq!(steps[2].due_before, Some(moment("2026-04-29 16:00")));
}
