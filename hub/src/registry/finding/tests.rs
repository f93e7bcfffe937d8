//! For each rule a history that has it and one that nearly has it, and what holds of all of them.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    journal::entry::Mode,
    registry::{
        Catalogue, Observation, Settings,
        deadline::Deadlines,
        properties::a_history,
        rules::{event, reference, retraction, snapshot},
    },
};

pub(super) fn rule(name: RuleName) -> FindingRule {
    let texts = name.values().iter().map(|value| format!("{{{value}}}")).collect::<Vec<_>>();
    let moves: [(u8, &[u8]); 7] = [
        (1, &[2, 3, 7]),
        (2, &[4, 5, 6, 7, 8, 9]),
        (4, &[5, 6, 7, 8, 9]),
        (5, &[4, 7, 8]),
        (6, &[4, 7, 8]),
        (8, &[4]),
        (9, &[10]),
    ];
    let words = StatusWords {
        status: 9,
        meant: 5,
        says: vec!["trả hồ sơ bổ sung".to_owned(), "Chờ bổ sung".to_owned()],
    };
    let moves = moves.into_iter().map(|(from, to)| (from, to.to_vec())).collect();
    FindingRule {
        name,
        days: if name == RuleName::DeadlineDiffers { 2 } else { 3 },
        before_days: 30,
        grace_days: 3,
        dossiers: 4,
        times: 4,
        moves: if name == RuleName::UnusualMove { moves } else { BTreeMap::new() },
        words: vec![words],
        cut_offs: vec![CutOff { month: 12, day: 14 }],
        vi: texts.join(" "),
        en: texts.join(" "),
        question_vi: "?".to_owned(),
        question_en: "?".to_owned(),
        valid_from: None,
        valid_to: None,
    }
}

fn book_of(findings: Vec<FindingRule>) -> Rulebook {
    let catalogue = Catalogue { findings, ..Catalogue::default() };
    let deadlines = Arc::new(Deadlines::new(&catalogue));
    Rulebook::new(&catalogue, deadlines, JudgedBy { catalogue: "0".repeat(64), position: 0 })
}

pub(super) fn book() -> Rulebook {
    book_of(RuleName::ALL.iter().map(|name| rule(*name)).collect())
}

pub(super) fn heard(observations: impl IntoIterator<Item = Observation>) -> Vec<Heard> {
    let live = |(position, observation)| Heard {
        observation: Observation { position, ..observation },
        mode: Mode::Live,
    };
    (0..).zip(observations).map(live).collect()
}

pub(super) fn asked_of(heard: &[Heard], book: &Rulebook) -> Vec<Question> {
    let heard: Vec<&Heard> = heard.iter().collect();
    let judged = judge(&heard, (&reference(), &Settings::default()), Some(book));
    judged.asked.into_values().collect()
}

/// What is asked of a history by rules that do not speak of its receipt.
fn asked(observations: impl IntoIterator<Item = Observation>) -> Vec<Question> {
    let mut asked = asked_of(&heard(observations), &book());
    asked.retain(|one| one.subject.rule != RuleName::BackdatedEvent);
    asked
}

pub(super) fn names(asked: &[Question]) -> Vec<&'static str> {
    asked.iter().map(|one| one.subject.rule.name()).collect()
}

pub(super) fn told(more: Value) -> Observation {
    let mut more = more;
    if more.get("source_version").is_none() {
        more["source_version"] = json!("1");
    }
    snapshot(more, 0)
}

/// Events of one dossier, day after day, at noon.
fn course(statuses: &[u8]) -> Vec<Observation> {
    let day = |(day, status): (usize, &u8)| {
        event(json!({ "at": format!("2024-10-{day:02}T05:00:00Z"), "status": status }))
    };
    (1..).zip(statuses).map(day).collect()
}

#[test]
fn a_decision_before_its_acceptance_is_asked_about() {
    let of = |accepted: &str, finished: &str| {
        asked([told(json!({"accepted_at": accepted, "finished_at": finished, "status": 9}))])
    };
    let found = of("2024-10-02", "2024-10-01");
    assert_eq!(names(&found), ["finish-before-acceptance"]);
    assert_eq!(found[0].values["finished"], "2024-10-01");
    assert_eq!(found[0].positions, [0].into());
    // The same day, of which one is known by the day alone.
    assert!(of("2024-10-02", "2024-10-02T01:00:00Z").is_empty());
    assert!(of("2024-10-02", "2024-10-02").is_empty());
    let exact = of("2024-10-02T08:00:00Z", "2024-10-02T07:00:00Z");
    assert_eq!(names(&exact), ["finish-before-acceptance"], "15:00 and 14:00 in Vietnam");
}

#[test]
fn an_afternoon_of_a_clock_of_twelve_hours_is_told_apart() {
    // 13:30 and "02:40" in Vietnam.
    let of = |then: &str| {
        asked([told(json!({"submitted_at": "2024-10-02T06:30:00Z", "accepted_at": then}))])
    };
    let found = of("2024-10-01T19:40:00Z");
    assert_eq!(names(&found), ["twelve-hour-clock"]);
    assert_eq!(found[0].values["then"], "accepted_at");
    assert!(of("2024-10-02T07:40:00Z").is_empty(), "14:40 is after it");
    assert!(of("2024-10-01T17:40:00Z").is_empty(), "00:40 is no afternoon that was after it");
    // It explains a decision that seems to lie before its acceptance.
    let clock = asked([told(json!({"accepted_at": "2024-10-02T02:00:00Z", "status": 9,
        "finished_at": "2024-10-01T20:00:00Z"}))]);
    assert_eq!(names(&clock), ["twelve-hour-clock"]);
}

#[test]
fn a_step_back_is_asked_about_and_a_way_round_is_not() {
    let found = asked(course(&[2, 4, 9, 4]));
    assert_eq!(names(&found), ["status-regression"]);
    assert_eq!(found[0].values["from"], "9 (Đã xử lý xong)");
    assert_eq!(found[0].positions, [2, 3].into());
    assert!(asked(course(&[2, 5, 2, 4, 6, 4, 8, 4, 9, 10])).is_empty());
    assert_eq!(names(&asked(course(&[4, 2]))), ["status-regression"]);
    // Of one day nobody knows the order.
    let day = [
        event(json!({"at": "2024-10-02T01:00:00Z", "status": 4})),
        event(json!({"at": "2024-10-02", "status": 2})),
    ];
    assert!(asked(day).is_empty());
}

#[test]
fn a_move_that_no_way_leads_to_is_asked_about() {
    assert_eq!(names(&asked(course(&[2, 3]))), ["unusual-move"]);
    assert_eq!(names(&asked(course(&[4, 7, 9]))), ["unusual-move"]);
    assert!(asked(course(&[1, 9, 10])).is_empty(), "a source need not tell the steps between");
    // What two sources tell is no move.
    let mut other = course(&[2, 4]);
    other.push(event(json!({"source": "b", "source_code": "2", "at": "2024-10-09",
        "status": 3})));
    assert!(asked(other).is_empty());
}

#[test]
fn a_promise_that_moves_by_itself_is_asked_about() {
    let first = told(json!({"due_at": "2024-10-09"}));
    let moved = told(json!({"source_version": "2", "due_at": "2024-10-12"}));
    let found = asked([first.clone(), moved.clone()]);
    assert_eq!(names(&found), ["due-date-moved"]);
    assert_eq!((&*found[0].values["from"], &*found[0].values["to"]), ("2024-10-09", "2024-10-12"));
    assert_eq!(found[0].positions, [0, 1].into());
    let asked_for = told(json!({"source_version": "2", "due_at": "2024-10-12",
        "supplements": [{"requested_at": "2024-10-05"}]}));
    assert!(asked([first, asked_for]).is_empty());
}

#[test]
fn words_that_mean_another_status_are_asked_about_however_they_are_typed() {
    let of =
        |text: &str| asked([event(json!({"at": "2024-10-02", "status": 9, "status_raw": text}))]);
    let found = of("Cán bộ TRA HO SO BO SUNG");
    assert_eq!(names(&found), ["status-text-differs"]);
    assert_eq!(found[0].values["meant"], "5 (Yêu cầu bổ sung giấy tờ)");
    assert!(of("Trả hồ sơ, không bổ sung").is_empty(), "other words between");
    assert!(of("Đã bổ sung").is_empty());
}

#[test]
fn codes_and_versions_that_disagree_are_asked_about() {
    let coded = |source: &str, procedure: Value| {
        let mut more = json!({"source": source, "code": "H56.14-240823-0001"});
        if !procedure.is_null() {
            more["procedure"] = procedure;
        }
        told(more)
    };
    let found = asked([coded("a", json!("1.001612")), coded("b", json!("1.001613"))]);
    assert_eq!(names(&found), ["code-procedure-differs"]);
    assert_eq!(found[0].subject.dossier.as_deref(), Some("a/1"));
    assert!(asked([coded("a", json!("1.001612")), coded("b", json!("1.001612"))]).is_empty());
    let unknown = asked([coded("a", json!("1.001612")), coded("b", Value::Null)]);
    assert_eq!(names(&unknown), ["code-procedure-unknown"]);
    let found = asked([told(json!({})), told(json!({"unit": "u"}))]);
    assert_eq!(names(&found), ["same-version-differs"]);
    let doubted = told(json!({"warnings": ["ngày sinh chỉ có năm"]}));
    assert!(asked([told(json!({})), doubted]).is_empty(), "a doubt of the mapping says nothing");
}

#[test]
fn nothing_is_asked_of_trial_or_of_what_is_withdrawn_or_without_a_rule() {
    let mut trial = told(json!({"accepted_at": "2024-10-02", "finished_at": "2024-10-01",
        "status": 9}));
    let gone = retraction("a", "1", "2026-01-01");
    assert!(asked([trial.clone(), gone]).is_empty());
    let later = FindingRule {
        valid_from: Some("2024-10-03".parse().unwrap()),
        ..rule(RuleName::FinishBeforeAcceptance)
    };
    assert!(asked_of(&heard([trial.clone()]), &book_of(vec![later])).is_empty());
    assert_eq!(asked([trial.clone()]).len(), 1);
    trial.counted = false;
    assert!(asked([trial]).is_empty());
}

fn stamp(position: u64) -> Stamp {
    Stamp { position, at: Timestamp::from_second(1_760_000_000).unwrap() }
}

#[test]
fn a_finding_is_opened_changed_closed_and_opened_again_under_another_id() {
    let book = book();
    let wrong = |finished: &str| {
        heard([told(json!({"accepted_at": "2024-10-03", "finished_at": finished, "status": 9}))])
    };
    let mut standing = Standing::default();
    let keys = ["a/1".to_owned()];
    let finishes = ["2024-10-01", "2024-10-01", "2024-10-02", "2024-10-03", "2024-10-01"];
    for (position, finished) in (10..).zip(finishes) {
        let heard = wrong(finished);
        let heard: Vec<&Heard> = heard.iter().collect();
        let judged = judge(&heard, (&reference(), &Settings::default()), Some(&book));
        let mut judged = judged;
        judged.asked.retain(|subject, _| subject.rule == RuleName::FinishBeforeAcceptance);
        standing.judged(stamp(position), &keys, &judged, Some(&book));
    }
    let turned: Vec<Finding> = standing.turned().collect();
    let told = |one: &Finding| (one.id(), one.changed, one.closed.map(|stamp| stamp.position));
    let told: Vec<_> = turned.iter().map(told).collect();
    assert_eq!(told, [("10-0".to_owned(), (13, 0), Some(13)), ("14-0".to_owned(), (14, 0), None)]);
    let text: Value = serde_json::from_str(&turned[0].text()).unwrap();
    assert_eq!(
        (&text["state"], &text["rule"]),
        (&json!("closed"), &json!("finish-before-acceptance"))
    );
    assert_eq!(text["vi"], "2024-10-03 2024-10-02", "as it was asked last");
    assert_eq!(text["evidence"]["positions"], json!([0]));
}

/// What tallies ask about some dossiers, one after the other, recorded on 9 October 2025.
fn looked(dossiers: &[Value]) -> BTreeMap<String, Finding> {
    let book = Arc::new(book());
    let (mut tallies, mut standing) = (Tallies::default(), Standing::default());
    let mut states: BTreeMap<String, crate::registry::DossierState> = BTreeMap::new();
    for (position, more) in (0..).zip(dossiers) {
        let one = heard([told(more.clone())]);
        let one: Vec<&Heard> = one.iter().collect();
        let is = judge(&one, (&reference(), &Settings::default()), None).states;
        let was: Vec<_> = is.keys().filter_map(|key| states.get(key).cloned()).collect();
        let entry = Looked::new(stamp(position), was.iter(), is.values(), Some(book.clone()));
        tallies.look(&entry, &mut standing);
        states.extend(is);
    }
    standing.turned().map(|one| (one.subject.of.clone(), one)).collect()
}

#[test]
fn numbers_that_no_dossier_bears_are_asked_about_once_their_day_is_over() {
    let coded = |dossier: u32, day: &str, number: u32| {
        let code = format!("H19.14-{day}-{number:04}");
        json!({"source_code": dossier.to_string(), "code": code})
    };
    let found = looked(&[coded(1, "251001", 1), coded(2, "251001", 4)]);
    let gap = &found["H19.14-251001"];
    let text: Value = serde_json::from_str(&gap.text()).unwrap();
    assert_eq!(text["evidence"]["values"]["numbers"], "0002–0003");
    assert_eq!((text.get("dossier"), &text["agency"]), (None, &json!("so-a")));
    // A code that was mistyped and mended, and the others that come.
    let mended = looked(&[coded(1, "251001", 1), coded(2, "251001", 4), coded(2, "251001", 2)]);
    assert!(mended["H19.14-251001"].closed.is_some());
    assert!(looked(&[coded(1, "251006", 4)]).is_empty(), "more may be on its way");
    let long = json!({"code": "H19.14-251001-0092637"});
    assert!(looked(&[long]).is_empty(), "a ministry's numbers do not begin anew");
}

#[test]
fn many_finished_just_before_a_cut_off_are_asked_about() {
    let done = |dossier: usize, day: &str| {
        json!({"source_code": dossier.to_string(), "status": 9, "accepted_at": "2024-09-01",
               "finished_at": day})
    };
    let all = |days: &[&str]| -> Vec<Value> {
        days.iter().enumerate().map(|(at, day)| done(at, day)).collect()
    };
    let bulk = ["2024-12-12", "2024-12-13", "2024-12-14", "2024-12-14", "2024-11-20"];
    let found = looked(&all(&bulk));
    let text: Value = serde_json::from_str(&found["2024-12-14"].text()).unwrap();
    assert_eq!(text["evidence"]["values"]["dossiers"], "4");
    assert_eq!(text["evidence"]["values"]["before"], "1");
    assert!(looked(&all(&bulk[1..])).is_empty(), "too few");
    let usual: Vec<&str> = bulk.into_iter().chain(["2024-12-01"; 30]).collect();
    assert!(looked(&all(&usual))["2024-12-14"].closed.is_some(), "as on all days before");
    let day_before = ["2024-12-11", "2024-12-13", "2024-12-14", "2024-12-14"];
    assert!(looked(&all(&day_before)).is_empty(), "one lies before the days looked at");
}

/// What is asked, without what speaks of the receipt.
fn of_the_set(history: &[Observation]) -> Vec<Question> {
    let mut asked = asked(history.iter().cloned());
    for one in &mut asked {
        one.positions.clear();
    }
    asked
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_order_and_any_duplicates_ask_the_same(
        history in a_history(),
        keys in prop::collection::vec(any::<u32>(), 24),
        copies in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut other = history.clone();
        other.extend(copies.iter().map(|at| history[at.index(history.len())].clone()));
        let mut order: Vec<usize> = (0..other.len()).collect();
        order.sort_by_key(|at| keys[*at]);
        let other: Vec<Observation> = order.into_iter().map(|at| other[at].clone()).collect();
        prop_assert_eq!(of_the_set(&history), of_the_set(&other));
    }

    /// However entries are cut into turns, the same findings are opened and closed by the same
    /// entries.
    #[test]
    fn turns_make_no_difference(history in a_history(), cut in any::<prop::sample::Index>()) {
        let book = book();
        let heard = heard(history);
        let cut = cut.index(heard.len());
        let keys: Vec<String> =
            ["a", "b", "c"].iter().flat_map(|a| ["1", "2"].map(|b| format!("{a}/{b}"))).collect();
        let run = |standing: &mut Standing, from: usize, to: usize| {
            for end in from..to {
                let until: Vec<&Heard> = heard[..=end].iter().collect();
                let by = (&reference(), &Settings::default());
                let judged = judge(&until, by, Some(&book));
                standing.judged(stamp(end as u64), &keys, &judged, Some(&book));
            }
        };
        let mut whole = Standing::default();
        run(&mut whole, 0, heard.len());
        let whole: Vec<Finding> = whole.turned().collect();
        let mut first = Standing::default();
        run(&mut first, 0, cut);
        let mut kept: BTreeMap<_, Finding> = BTreeMap::new();
        let mut second = Standing::default();
        for one in first.turned() {
            if one.closed.is_none() {
                second.insert(one.clone());
            }
            kept.insert((one.opened.position, one.number), one);
        }
        run(&mut second, cut, heard.len());
        kept.extend(second.turned().map(|one| ((one.opened.position, one.number), one)));
        prop_assert_eq!(whole, kept.into_values().collect::<Vec<_>>());
    }
}
