//! One test for each rule of semantics §5: what of a dossier counts on which day.

use contracts::Status;
use jiff::civil::Date;
use serde_json::json;

use super::{
    properties::delta,
    rules::{at, event, moment, snapshot, state},
    *,
};

fn gauge(state: &DossierState, measure: Measure, day: &str) -> i64 {
    let day: Date = day.parse().unwrap();
    let cells = delta(None, Some(state), &Settings::default());
    let seen = cells.iter().filter(|((_, it), _)| it.measure == measure && it.day <= day);
    seen.map(|(_, count)| count).sum()
}

fn flow(state: &DossierState, settings: &Settings) -> Vec<(Measure, String)> {
    let all = delta(None, Some(state), settings).into_iter();
    let flows = all.filter(|((_, it), _)| !it.measure.is_gauge());
    flows.map(|((_, it), _)| (it.measure, it.day.to_string())).collect()
}

#[test]
fn verdicts_compare_days_and_the_first_promise_is_a_measure_of_its_own() {
    use Measure as M;
    let done = json!({"status": 9, "due_at": "2024-10-09T01:00:00Z",
        "finished_at": "2024-10-09T09:00:00Z"});
    let told = [
        at("2024-10-01", json!({"due_at": "2024-10-08"})),
        at("2024-10-09", done),
        event(json!({"at": "2024-10-07", "kind": "extension", "due_at": "2024-10-09T01:00:00Z"})),
    ];
    let flows = flow(&state(&told), &Settings::default());
    let on = |measure, day: &str| (measure, day.to_owned());
    assert_eq!(
        flows,
        [
            on(M::Accepted, "2024-10-01"),
            on(M::AcceptedOnline, "2024-10-01"),
            on(M::FinishedOnTime, "2024-10-09"),
            on(M::FirstPromiseLate, "2024-10-09"),
        ]
    );
}

#[test]
fn stopped_is_finished_refused_unless_it_pauses() {
    let told = [at("1", json!({"status": 8, "finished_at": "2024-10-09"}))];
    let measures = |settings| {
        flow(&state(&told), &settings).into_iter().map(|(measure, _)| measure).collect::<Vec<_>>()
    };
    assert_eq!(
        measures(Settings::default()),
        [Measure::Accepted, Measure::AcceptedOnline, Measure::FinishedOnTime, Measure::Refused]
    );
    assert_eq!(
        measures(Settings { stopped_is_paused: true, ..Settings::default() }),
        [Measure::Accepted, Measure::AcceptedOnline]
    );
}

#[test]
fn overdue_begins_the_day_after_the_due_day_and_follows_the_promise_in_force() {
    let first = at("2024-10-02", json!({"due_at": "2024-10-05"}));
    let longer = event(json!({"at": "2024-10-08", "kind": "extension", "due_at": "2024-10-10"}));
    let done = event(json!({"at": "2024-10-13", "status": 9, "finished_at": "2024-10-13"}));
    let now = state(&[done, longer, first]);
    let value = |day| gauge(&now, Measure::Overdue, &format!("2024-10-{day}"));
    let days = ["05", "06", "07", "08", "10", "11", "12", "13"].map(value);
    assert_eq!(days, [0, 1, 1, 0, 0, 1, 1, 0]);
    let open = ["01", "12", "13"].map(|day| gauge(&now, Measure::Open, &format!("2024-10-{day}")));
    assert_eq!(open, [1, 1, 0]);
}

#[test]
fn a_promise_is_moved_by_a_supplement_a_payment_or_an_extension_alone() {
    let first = at("2024-10-02", json!({"due_at": "2024-10-05"}));
    let later = |more: serde_json::Value| {
        let mut body = json!({"due_at": "2024-10-20"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        at("2024-10-08", body)
    };
    let told = |more: &[Observation]| {
        let done = at(
            "2024-10-10",
            json!({"status": 9, "due_at": "2024-10-20",
            "finished_at": "2024-10-10"}),
        );
        let all: Vec<Observation> = [first.clone(), done].iter().chain(more).cloned().collect();
        let now = state(&all);
        assert_eq!(now.due_at, moment("2024-10-20"), "what the agency says is told all the same");
        let flows = flow(&now, &Settings::default()).into_iter().map(|(measure, _)| measure);
        let found = flows.filter(|one| {
            matches!(one, Measure::FinishedEarly | Measure::FinishedOnTime | Measure::FinishedLate)
        });
        (found.collect::<Vec<_>>(), gauge(&now, Measure::Overdue, "2024-10-09"))
    };
    let event = |more: serde_json::Value| {
        let mut body = json!({"at": "2024-10-07", "kind": "status"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event(body)
    };
    // Told otherwise by itself, once or again, or by an event that is none of these: late.
    let late = (vec![Measure::FinishedLate], 1);
    assert_eq!(told(&[]), late);
    assert_eq!(told(&[later(json!({}))]), late);
    assert_eq!(told(&[event(json!({"due_at": "2024-10-20"}))]), late);
    // The clock was stopped for the applicant, or the date was extended: early.
    let early = (vec![Measure::FinishedEarly], 0);
    assert_eq!(told(&[later(json!({"status": 5}))]), early);
    for moved in [
        json!({"kind": "supplement"}),
        json!({"kind": "payment"}),
        json!({"kind": "extension", "due_at": "2024-10-20"}),
        json!({"status": 5}),
    ] {
        assert_eq!(told(&[event(moved.clone()), later(json!({}))]), early, "{moved}");
    }
}

#[test]
fn a_due_date_that_is_no_longer_told_moves_no_promise() {
    let told = [at("2024-10-02", json!({"due_at": "2024-10-05"})), at("2024-10-04", json!({}))];
    let now = state(&told);
    assert_eq!((now.due_at, now.first_due_at), (None, moment("2024-10-05")));
    assert_eq!(gauge(&now, Measure::Overdue, "2024-10-06"), 1);
}

#[test]
fn paused_lasts_from_the_request_to_the_next_step() {
    let told = [
        at("2024-10-02", json!({})),
        at("2024-10-04", json!({"status": 5, "status_at": "2024-10-03"})),
        at("2024-10-06", json!({})),
    ];
    let now = state(&told);
    let days = ["02", "03", "05", "06"];
    let days = days.map(|day| gauge(&now, Measure::Paused, &format!("2024-10-{day}")));
    assert_eq!(days, [0, 1, 1, 0]);
}

#[test]
fn a_snapshot_has_the_last_word_over_events_of_its_own_second() {
    let second = "2024-10-02T01:00:00Z";
    let step = |status: u8| event(json!({"status": status, "status_raw": "x", "at": second}));
    let paused = json!({"status": 5, "status_at": second, "source_version": second});
    let now = state(&[snapshot(paused, 0), step(5), step(9)]);
    assert_eq!(now.status, Status::SUPPLEMENT);
    assert_eq!(gauge(&now, Measure::Paused, "2024-10-09"), 1);
}

#[test]
fn a_delta_has_no_zeros_and_undoes_itself() {
    let one = state(&[at("1", json!({}))]);
    let settings = Settings::default();
    assert!(delta(Some(&one), Some(&one), &settings).is_empty());
    let gone = delta(Some(&one), None, &settings);
    let here = delta(None, Some(&one), &settings);
    assert_eq!(here.len(), gone.len());
    assert!(here.iter().zip(&gone).all(|(a, b)| a.0 == b.0 && a.1 == -b.1));
}

/// Flows and changes of `open`, each with its day.
fn course(more: serde_json::Value) -> Vec<(Measure, String, i64)> {
    let now = state(&[at("1", more)]);
    let shown = |measure: Measure| !measure.is_gauge() || measure == Measure::Open;
    let all = delta(None, Some(&now), &Settings::default()).into_iter();
    let told =
        all.filter(|((_, it), _)| shown(it.measure) && it.measure != Measure::AcceptedOnline);
    told.map(|((_, it), n)| (it.measure, it.day.to_string(), n)).collect()
}

#[test]
fn a_finish_counts_no_earlier_than_the_work_and_is_judged_by_its_own_day() {
    use Measure as M;
    let more = json!({"status": 9, "accepted_at": "2024-10-05", "finished_at": "2024-10-03",
        "due_at": "2024-10-04"});
    let on = |measure| (measure, "2024-10-05".to_owned(), 1);
    assert_eq!(course(more), [M::Accepted, M::FinishedEarly, M::FirstPromiseEarly].map(on));
}

#[test]
fn one_that_nobody_tells_the_acceptance_of_counts_from_its_first_step() {
    let more = json!({"accepted_at": null, "status_at": "2024-10-03"});
    let on = |measure| (measure, "2024-10-03".to_owned(), 1);
    assert_eq!(course(more), [Measure::Accepted, Measure::Open].map(on));
}

#[test]
fn finished_on_an_unknown_day_counts_by_the_last_day_known_and_is_not_called_early() {
    use Measure as M;
    let more = json!({"status": 9, "due_at": "2024-10-09", "submitted_at": "2024-10-03"});
    let on = |measure, day: &str, n| (measure, day.to_owned(), n);
    let expected = [
        on(M::Submitted, "2024-10-03", 1),
        on(M::Accepted, "2024-10-01", 1),
        on(M::FinishedOnTime, "2024-10-03", 1),
        on(M::FirstPromiseOnTime, "2024-10-03", 1),
        on(M::Open, "2024-10-01", 1),
        on(M::Open, "2024-10-03", -1),
    ];
    assert_eq!(course(more.clone()), expected);
    let mut late = more;
    late["due_at"] = json!("2024-10-02");
    assert!(course(late).contains(&on(M::FinishedLate, "2024-10-03", 1)));
}

#[test]
fn withdrawn_or_refused_before_any_work_is_neither_received_nor_finished() {
    let day = "2024-10-03".to_owned();
    let more = |status: u8| json!({"status": status, "accepted_at": null, "finished_at": day});
    assert_eq!(course(more(7)), []);
    assert_eq!(course(more(3)), [(Measure::Refused, day.clone(), 1)]);
    let mut worked = more(7);
    worked["accepted_at"] = json!("2024-10-03");
    let on = |measure| (measure, day.clone(), 1);
    assert_eq!(course(worked), [Measure::Accepted, Measure::Withdrawn].map(on));
}

#[test]
fn what_waits_for_its_applicant_is_not_overdue() {
    let told = [
        at("2024-10-02", json!({"due_at": "2024-10-03"})),
        at("2024-10-05", json!({"status": 5, "status_at": "2024-10-05", "due_at": "2024-10-03"})),
        at("2024-10-07", json!({"status_at": "2024-10-07", "due_at": "2024-10-03"})),
    ];
    let now = state(&told);
    let days = ["03", "04", "05", "06", "07"].map(|day| format!("2024-10-{day}"));
    let value = |measure| days.each_ref().map(|day| gauge(&now, measure, day));
    assert_eq!(value(Measure::Overdue), [0, 1, 0, 0, 1]);
    assert_eq!(value(Measure::PausedOverdue), [0, 0, 1, 1, 0]);
    assert_eq!(value(Measure::Paused), [0, 0, 1, 1, 0]);
}

#[test]
fn promises_that_took_force_out_of_order_make_nobody_overdue_twice() {
    let told = [
        at("1", json!({"due_at": "2024-10-02"})),
        at("2", json!({"due_at": "2024-10-03", "status_at": "2024-10-09"})),
        at("3", json!({"due_at": "2024-10-04", "status_at": "2024-10-05"})),
    ];
    let now = state(&told);
    for day in ["2024-10-04", "2024-10-06", "2024-10-12"] {
        assert_eq!(gauge(&now, Measure::Overdue, day), 1, "{day}");
    }
}

#[test]
fn what_tells_a_finish_counts_at_the_agency_whose_system_told_it() {
    let one_stop = json!({"source": "a", "agency": "mot-cua", "code": "H19.14-241001-0001",
        "procedure": "1.001612", "status": 4, "accepted_at": "2024-10-01"});
    let own = |status: u8| {
        json!({"source": "b", "source_code": "9", "agency": "so-y-te",
            "code": "H19.14-241001-0001", "procedure": "1.001612", "status": status,
            "accepted_at": "2024-10-02", "finished_at": "2024-10-09", "source_version": "2"})
    };
    let places = |told: &[Observation]| -> Vec<(Measure, String, String)> {
        let all = delta(None, Some(&state(told)), &Settings::default()).into_iter();
        let wanted = [Measure::Accepted, Measure::FinishedOnTime, Measure::Refused];
        let told = all.filter(|((_, it), _)| wanted.contains(&it.measure));
        let mut told: Vec<_> =
            told.map(|((at, it), _)| (it.measure, at.agency, at.finishing_agency)).collect();
        told.sort();
        told
    };
    let of = |measure, finishing: &str| (measure, "mot-cua".to_owned(), finishing.to_owned());
    let both = [at("1", one_stop.clone()), at("2", own(8))];
    let expected = [
        of(Measure::Accepted, "mot-cua"),
        of(Measure::FinishedOnTime, "b"),
        of(Measure::Refused, "b"),
    ];
    assert_eq!(places(&both), expected);
    assert_eq!(places(&[at("1", one_stop)]), expected[..1]);
}
