//! One test for each rule of semantics §3 and §5, and the builders that tests share.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use contracts::{Dossier, Moment, Status};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{properties::delta, *};

fn observation(content: Content, text: &Value, recorded: i64) -> Observation {
    let hash = digest(&SHA256, text.to_string().as_bytes());
    Observation {
        position: 0,
        recorded_at: Timestamp::from_second(recorded).unwrap(),
        counted: true,
        content,
        supersedes: None,
        content_hash: hash.as_ref().try_into().unwrap(),
    }
}

/// A snapshot by source `a` of dossier `1`, in process; `more` replaces members.
pub(super) fn snapshot(more: Value, recorded: i64) -> Observation {
    let mut body = json!({
        "source": "a", "source_code": "1", "agency": "so-a", "applicant":
        {"name": "Nguyễn Văn A", "kind": "person"}, "channel": "online",
        "accepted_at": "2024-10-01", "status": 4, "status_raw": "x",
    });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let told: Dossier = serde_json::from_value(body.clone()).unwrap();
    observation(Content::Snapshot(Box::new(told)), &body, recorded)
}

/// An event at source `a` of dossier `1`.
pub(super) fn event(more: Value) -> Observation {
    let mut body = json!({"source": "a", "source_code": "1", "agency": "so-a", "kind": "status"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let told = serde_json::from_value(body.clone()).unwrap();
    observation(Content::Event(Box::new(told)), &body, 0)
}

/// A retraction of dossier `code` by `source`.
pub(super) fn retraction(source: &str, code: &str, at: &str) -> Observation {
    let content = Content::Retraction {
        source: source.to_owned(),
        source_code: code.to_owned(),
        at: at.parse().unwrap(),
    };
    observation(content, &json!([source, code, at]), 0)
}

pub(super) fn reference() -> Reference {
    let rule = |rank, owns: &[Part]| SourceRule { rank, owns: owns.iter().copied().collect() };
    Reference {
        sources: [
            ("a".to_owned(), rule(1, &[Part::Receipt])),
            ("b".to_owned(), rule(2, &[Part::Decision])),
        ]
        .into(),
    }
}

pub(super) fn state(observations: &[Observation]) -> DossierState {
    fold(observations, &reference()).unwrap().0
}

fn codes(observations: &[Observation]) -> Vec<String> {
    let (_, doubts) = fold(observations, &reference()).unwrap();
    doubts.into_iter().map(|doubt| doubt.code.to_owned()).collect()
}

fn statuses(state: &DossierState) -> Vec<u8> {
    let begun = state.timeline.iter().filter(|step| step.status != Status::ACCEPTED);
    begun.map(|step| step.status.code()).collect()
}

pub(super) fn moment(text: &str) -> Option<Moment> {
    Some(text.parse().unwrap())
}

pub(super) fn at(version: &str, more: Value) -> Observation {
    let mut more = more;
    more["source_version"] = json!(version);
    snapshot(more, 0)
}

#[test]
fn versions_compare_as_numbers_then_times_then_text() {
    let version = |text| Version::new(Some(text), Timestamp::UNIX_EPOCH);
    assert!(version("9") < version("10"));
    assert!(version("2024-10-01T16:00:00Z") < version("2024-10-01"));
    assert!(version("v10") < version("v9"));
    assert!(version("10") < version("2024-10-01") && version("2024-10-01") < version("1z"));
    let assumed = Version::new(None, Timestamp::UNIX_EPOCH);
    assert!(matches!(assumed, Version::Time { assumed: true, .. }));
}

#[test]
fn the_latest_version_decides_whatever_the_arrival() {
    let (old, new) = (at("9", json!({})), at("10", json!({"status": 9})));
    assert_eq!(state(&[new.clone(), old.clone()]), state(&[old, new.clone()]));
    assert_eq!(state(&[new]).status, Status::DONE);
}

#[test]
fn an_absent_member_is_absent() {
    let told = [at("1", json!({"note": "n", "due_at": "2024-10-09"})), at("2", json!({}))];
    assert_eq!((state(&told).note, state(&told).due_at), (None, None));
}

#[test]
fn four_five_four_is_three_states() {
    let told = [
        at("2024-10-02", json!({})),
        at("2024-10-03", json!({"status": 5})),
        at("2024-10-04", json!({})),
    ];
    assert_eq!(statuses(&state(&told)), [4, 5, 4]);
    let assumed = [1_728_000_000, 1_728_100_000, 1_728_200_000]
        .map(|time| snapshot(json!({"status": if time == 1_728_100_000 { 5 } else { 4 }}), time));
    assert_eq!(statuses(&state(&assumed)), [4, 5, 4]);
}

#[test]
fn a_snapshot_equal_to_its_predecessor_adds_nothing() {
    let first = at("2024-10-02", json!({}));
    let done = event(json!({"at": "2024-10-03", "status": 9}));
    let told = [first.clone(), at("2024-10-04", json!({})), done.clone()];
    assert_eq!(state(&told), state(&[first, done]));
}

#[test]
fn an_event_counts_only_if_later_than_the_version_and_changes_only_what_it_carries() {
    let told = at("2024-10-05", json!({"unit": "u", "note": "n"}));
    let early = event(json!({"at": "2024-10-04", "status": 9, "unit": "v"}));
    let late = event(json!({"at": "2024-10-06", "status": 5, "unit": "w"}));
    let now = state(&[told.clone(), early.clone()]);
    assert_eq!((now.status, now.unit.as_deref()), (Status::IN_PROCESS, Some("u")));
    let now = state(&[late, told, early]);
    assert_eq!((now.status, now.unit.as_deref()), (Status::SUPPLEMENT, Some("w")));
    assert_eq!(now.note.as_deref(), Some("n"));
    assert_eq!(statuses(&now), [9, 4, 5]);
}

#[test]
fn a_day_sorts_at_its_end_and_ties_go_by_life_cycle() {
    let events = [
        event(json!({"at": "2024-10-06", "status": 3})),
        event(json!({"at": "2024-10-06", "status": 6})),
        event(json!({"at": "2024-10-06T10:00:00Z", "status": 9})),
    ];
    assert_eq!(state(&events).status, Status::NOT_ACCEPTED);
    assert_eq!(statuses(&state(&events)), [9, 6, 3]);
}

#[test]
fn the_date_of_a_status_is_the_member_that_goes_with_it() {
    let date = |more| state(&[at("1", more)]).status_at;
    let all = |status: u8| {
        json!({"status": status, "submitted_at": "2024-10-01", "accepted_at": "2024-10-02",
            "supplements": [{"requested_at": "2024-10-03"}, {"requested_at": "2024-10-04"}],
            "finished_at": "2024-10-05", "returned_at": "2024-10-06"})
    };
    let days = [Some(1), Some(2), Some(5), None, Some(4), None, Some(5), Some(5), Some(5), Some(6)];
    for (status, day) in (1..).zip(days) {
        let day = day.and_then(|day| moment(&format!("2024-10-0{day}")));
        assert_eq!(date(all(status)), day, "{status}");
    }
    assert_eq!(date(json!({"status": 10, "finished_at": "2024-10-05"})), moment("2024-10-05"));
}

#[test]
fn a_superseded_observation_drops_out_and_its_duplicates_with_it() {
    let wrong = at("2", json!({"status": 9}));
    let mut right = at("1", json!({"status": 5}));
    right.supersedes = Some(wrong.id());
    assert_eq!(state(&[wrong.clone(), right.clone(), wrong]), state(&[right]));
}

#[test]
fn another_source_cannot_supersede() {
    let own = at("2", json!({"status": 9}));
    let mut other = at("1", json!({"source": "c", "status": 5}));
    other.supersedes = Some(own.id());
    assert_eq!(group(&[own, other], &[]).dossiers.len(), 2);
}

#[test]
fn a_retraction_stands_until_something_later_is_said() {
    let told = at("2024-10-02", json!({}));
    let gone = retraction("a", "1", "2024-10-03");
    let now = state(&[told.clone(), gone.clone()]);
    assert!(now.retracted && delta(None, Some(&now), &Settings::default()).is_empty());
    let again = at("2024-10-04", json!({}));
    assert!(!state(&[again, told.clone(), gone.clone()]).retracted);
    let event = event(json!({"at": "2024-10-05", "status": 9}));
    assert!(!state(&[gone, event, told]).retracted);
}

#[test]
fn ownership_then_effective_time_then_rank_decides_across_sources() {
    let a = at("2024-10-09", json!({"due_at": "2024-10-20", "status": 4, "unit": "one"}));
    let b = at(
        "2024-10-08",
        json!({"source": "b", "due_at": "2024-10-21", "status": 9,
        "unit": "two"}),
    );
    let now = state(&[b.clone(), a.clone()]);
    assert_eq!((now.status, now.due_at), (Status::DONE, moment("2024-10-20")));
    assert_eq!(now.unit.as_deref(), Some("one"));
    assert_eq!(&*now.member_sources["status"], "b");
    let same = at("2024-10-09", json!({"source": "b", "unit": "two"}));
    assert_eq!(state(&[same, a.clone()]).unit.as_deref(), Some("one"));
    let now = state(&[a, b, retraction("b", "1", "2024-11-01")]);
    assert_eq!((now.status, now.retracted), (Status::IN_PROCESS, false));
}

#[test]
fn the_first_promise_stays_and_a_silent_move_is_a_finding() {
    let told = [at("1", json!({"due_at": "2024-10-09"})), at("2", json!({"due_at": "2024-10-12"}))];
    let now = state(&told);
    assert_eq!((now.first_due_at, now.due_at), (moment("2024-10-09"), moment("2024-10-12")));
    assert_eq!(codes(&told), ["due-date-moved"]);
    assert_eq!(now.promises.len(), 1, "nothing accounts for the other");
    let repeated = [&told[..], &[at("3", json!({"due_at": "2024-10-12", "unit": "x"}))]].concat();
    assert_eq!(codes(&repeated), ["due-date-moved"], "it is asked about once");
    let longer = event(json!({"at": "2024-10-05", "kind": "extension", "due_at": "2024-10-20"}));
    let told = [at("2024-10-02", json!({"due_at": "2024-10-09"})), longer];
    assert_eq!(state(&told).due_at, moment("2024-10-20"));
    assert!(codes(&told).is_empty());
}

#[test]
fn one_version_with_two_contents_is_a_finding() {
    assert_eq!(
        codes(&[at("1", json!({})), at("1", json!({"status": 9}))]),
        ["same-version-differs"]
    );
}

#[test]
fn trial_changes_nothing_that_counts() {
    let live = at("1", json!({}));
    let mut trial = at("2", json!({"status": 9}));
    trial.counted = false;
    assert_eq!(state(&[trial.clone(), live.clone()]), state(std::slice::from_ref(&live)));
    trial.supersedes = Some(live.id());
    assert_eq!(state(&[trial.clone(), live.clone()]), state(&[live]));
    assert!(!state(&[trial.clone()]).counted);
    assert!(delta(None, Some(&state(&[trial])), &Settings::default()).is_empty());
}

fn coded(source: &str, version: &str, code: &str, procedure: &str) -> Observation {
    at(version, json!({"source": source, "code": code, "procedure": procedure}))
}

fn names(observations: &[Observation], links: &[Link]) -> (usize, Vec<String>) {
    let Groups { dossiers: groups, doubts, .. } = group(observations, links);
    (groups.len(), doubts.into_iter().map(|doubt| doubt.code.to_owned()).collect())
}

#[test]
fn an_equal_valid_code_with_the_same_procedure_joins() {
    let code = "H56.14-240823-0001";
    let a = coded("a", "1", code, "1.001612");
    let told = [coded("b", "1", "000.00.14.h56-240823-0001 ", "1.001612"), a.clone()];
    let Groups { dossiers: groups, doubts, .. } = group(&told, &[]);
    assert!(doubts.is_empty());
    assert_eq!(groups, BTreeMap::from([(Identity::new("a", "1"), vec![1, 0])]));
    let other = coded("b", "1", code, "1.001613");
    assert_eq!(
        names(&[a.clone(), other.clone()], &[]),
        (2, vec!["code-procedure-differs".to_owned()])
    );
    let invalid = [coded("a", "1", "7", "1.001612"), coded("b", "1", "7", "1.001612")];
    assert_eq!(names(&invalid, &[]).0, 2);
    let link = Link { one: Identity::new("b", "1"), other: Identity::new("a", "1") };
    assert_eq!(names(&[a, other], &[link]).0, 1);
}

#[test]
fn a_correction_may_split() {
    let code = "H56.14-240823-0001";
    let told = [coded("a", "1", code, "1.001612"), coded("b", "1", code, "1.001612")];
    assert_eq!(names(&told, &[]).0, 1);
    let mut mended = coded("b", "2", "H56.14-240823-0002", "1.001612");
    mended.supersedes = Some(told[1].id());
    let [a, b] = told;
    assert_eq!(names(&[mended, a, b], &[]).0, 2);
}
