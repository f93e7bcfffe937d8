//! The province's own plan, played.

use contracts::{Contracts, agency::Agency, milestone::Milestone, procedure::Procedure};
use jiff::civil::{Date, date};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Facts, Plan, Roadmap, State, roadmap};
use crate::registry::Catalogue;

const PILOT: &str = "so-xay-dung";

/// The plan of the example, over a small catalogue: four procedures of one pilot, two of communes.
fn catalogue() -> Catalogue {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/dong-nai");
    let mut catalogue = crate::catalogue::load(&folder, &Contracts::builtin().unwrap()).unwrap();
    catalogue.procedures.retain(|_| false);
    let named = |agency: &str, level: &str, number: u32| -> Procedure {
        read(json!({ "code": format!("1.{number:06}"), "agency": agency, "name": "Thủ tục",
                     "level": level }))
    };
    catalogue.procedures.extend((1..=4).map(|number| named(PILOT, "province", number)));
    catalogue.procedures.push(named("ubnd-cap-huyen", "district", 11));
    catalogue.procedures.extend((21..=22).map(|number| named("ubnd-cap-xa", "commune", number)));
    catalogue
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn plan(catalogue: &Catalogue) -> &Plan {
    catalogue.roadmap.as_ref().unwrap()
}

/// A procedure of the pilot as it tells it: online from a day on.
fn online(number: u32, scheme: &str, level: &str, from: &str) -> Procedure {
    read(json!({ "code": format!("1.{number:06}"), "agency": PILOT, "name": "Thủ tục",
                 "level": "province", "reviewed_at": "2013-06-01",
                 "online_levels": [{ "scheme": scheme, "level": level, "valid_from": from }] }))
}

fn told(catalogue: &Catalogue, procedures: &[Procedure], on: Date) -> Roadmap {
    let mut facts = Facts::new(plan(catalogue), catalogue);
    procedures.iter().for_each(|one| facts.procedure(one));
    roadmap(plan(catalogue), &facts, None, on)
}

fn of<'a>(roadmap: &'a Roadmap, agency: &str) -> &'a super::AgencyStanding {
    roadmap.agencies.iter().find(|one| one.agency == agency).unwrap()
}

#[test]
fn completion_slip_and_forecast_are_by_the_line_of_the_wave() {
    let catalogue = catalogue();
    // 184 days from 1 July to 31 December; after 92 of them half is to be there.
    let half = date(2013, 9, 30);
    let one = told(&catalogue, &[online(1, "nd43", "3", "2013-08-01")], half);
    let wave = &of(&one, PILOT).waves[0];
    assert_eq!((wave.procedures, wave.reached, wave.permille), (4, 1, Some(250)));
    assert_eq!((wave.planned_permille, wave.slip_days), (Some(500), Some(92 - 46)));
    // One in 92 days: three more take 276.
    assert_eq!(wave.forecast, Some(date(2014, 7, 3)));
    let none = told(&catalogue, &[], half);
    let wave = &of(&none, PILOT).waves[0];
    assert_eq!((wave.slip_days, wave.forecast), (Some(92), None), "no pace, no forecast");
    // Partly online, as NĐ 42/2022 says it, is level 3; information alone is not.
    let levels = ["partial", "information", "full", "partial"];
    let all: Vec<Procedure> =
        (1..).zip(levels).map(|(at, level)| online(at, "nd42", level, "2014-01-20")).collect();
    let late = told(&catalogue, &all, date(2014, 2, 1));
    assert_eq!(of(&late, PILOT).waves[0].reached, 3);
    assert_eq!(of(&late, PILOT).waves[1].reached, 1, "of level 4");
    let all: Vec<Procedure> = (1..=4).map(|at| online(at, "nd43", "3", "2014-01-20")).collect();
    let wave = &of(&told(&catalogue, &all, date(2014, 2, 1)), PILOT).waves[0].clone();
    assert_eq!((wave.completed_on, wave.slip_days), (Some(date(2014, 1, 20)), Some(20)));
    let before = told(&catalogue, &all, date(2014, 1, 19));
    assert_eq!(of(&before, PILOT).waves[0].reached, 0, "not yet online on that day");
}

#[test]
fn districts_share_what_is_published_for_their_kind_but_tell_for_themselves() {
    let catalogue = catalogue();
    let own: Procedure = read(json!({ "code": "1.000011", "agency": "ubnd-bien-hoa",
        "name": "Thủ tục", "level": "district",
        "online_levels": [{ "scheme": "nd43", "level": "3", "valid_from": "2014-05-01" }] }));
    let told = told(&catalogue, &[own], date(2014, 6, 1));
    assert_eq!(of(&told, "ubnd-bien-hoa").waves[0].reached, 1);
    let other = &of(&told, "ubnd-tan-phu").waves[0];
    assert_eq!((other.procedures, other.reached), (1, 0));
    assert_eq!(of(&told, "so-y-te").waves[0].permille, None, "it has no procedure");
}

#[test]
fn equal_points_have_equal_places() {
    let catalogue = catalogue();
    let mut facts = Facts::new(plan(&catalogue), &catalogue);
    facts.procedure(&online(1, "nd43", "3", "2013-08-01"));
    let officers = json!([{ "id": "1", "role": "one_stop", "valid_to": "2014-03-31" },
                          { "id": "2", "role": "it" }]);
    let agency: Agency = read(json!({ "id": PILOT, "name_vi": "Sở Xây dựng", "name_en": "C",
                                      "kind": "department", "officers": officers }));
    facts.agency(&agency);
    let at = |on| roadmap(plan(&catalogue), &facts, None, on);
    let told = at(date(2013, 9, 30));
    assert_eq!(told.agencies[0].agency, PILOT);
    assert_eq!((told.agencies[0].score.rank, told.agencies[0].one_stop_officers), (1, Some(1)));
    let points = told.agencies[0].score.clone();
    // 60 × 1/4, 20 × (365 − 46)/365, 10 of 10; no report was due yet: of 90.
    let tenths = [points.completion, points.schedule, Some(points.officer)];
    assert_eq!(tenths.map(|part| part.unwrap().tenths), [150, 174, 100]);
    assert_eq!((points.reports, points.tenths), (None, 424 * 1_000 / 900));
    let rest: Vec<u32> = told.agencies[1..].iter().map(|one| one.score.rank).collect();
    assert!(rest.iter().all(|rank| *rank == 2), "{rest:?}");
    assert_eq!(of(&at(date(2014, 4, 1)), PILOT).one_stop_officers, Some(0), "the last has gone");
    assert_eq!(of(&told, "so-y-te").one_stop_officers, None, "nobody told");
    // A year after the review.
    assert_eq!(of(&at(date(2014, 6, 1)), PILOT).not_reviewed, 0);
    let later = at(date(2014, 6, 2));
    assert_eq!((of(&later, PILOT).not_reviewed, of(&later, PILOT).review_unknown), (1, 3));
}

fn milestone(id: &str, more: Value) -> Milestone {
    let mut body = json!({ "id": id, "agency": PILOT, "kind": "report",
        "milestone": "agency-yearly", "period": "2013",
        "recipients": [{ "agency": "so-noi-vu" }, { "agency": "so-thong-tin-truyen-thong" }],
        "at": "2013-12-30" });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    read(body)
}

#[test]
fn a_report_is_sent_when_all_who_want_it_have_it() {
    let catalogue = catalogue();
    let report = |milestones: Vec<Milestone>, on| {
        let mut facts = Facts::new(plan(&catalogue), &catalogue);
        facts.milestones = milestones;
        let told = roadmap(plan(&catalogue), &facts, Some(PILOT), on);
        assert_eq!(told.reports.len(), 1);
        told.reports[0].clone()
    };
    let end = date(2013, 12, 31);
    let in_time = report(vec![milestone("a", json!({}))], end);
    assert_eq!((in_time.state, in_time.due), (State::OnTime, date(2013, 12, 30)));
    let day_of = report(vec![milestone("a", json!({ "at": "2013-12-31" }))], end);
    assert_eq!((day_of.state, day_of.days_late), (State::Late, Some(1)), "before 31 December");
    let half = milestone("a", json!({ "recipients": [{ "agency": "so-noi-vu" }] }));
    let missing = report(vec![half.clone()], end);
    assert_eq!((missing.state, missing.days_late), (State::Overdue, Some(1)));
    assert_eq!(missing.missing_recipients, ["so-thong-tin-truyen-thong"]);
    let rest = milestone(
        "b",
        json!({ "recipients": [{ "agency": "so-thong-tin-truyen-thong" }],
                                      "at": "2013-12-31" }),
    );
    let both = report(vec![rest, half], end);
    assert_eq!((both.state, both.done_on), (State::Late, Some(end)));
    assert_eq!(report(Vec::new(), date(2013, 12, 30)).state, State::Ahead);
    let other = milestone("a", json!({ "period": "2012" }));
    assert_eq!(report(vec![other], end).state, State::Overdue);
}

#[test]
fn the_plans_own_figures_are_compared_and_left_as_they_are() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/dong-nai");
    let catalogue = crate::catalogue::load(&folder, &Contracts::builtin().unwrap()).unwrap();
    let facts = Facts::new(plan(&catalogue), &catalogue);
    let told = roadmap(plan(&catalogue), &facts, None, date(2015, 6, 30));
    let note = |code: &str| {
        let found = told.notes.iter().find(|note| note.code == code);
        found.map(|note| (note.agrees, note.words.vi.clone())).unwrap()
    };
    assert_eq!(
        note("procedures-by-level"),
        (true, "876 + 257 + 121 = 1254; kế hoạch ghi 1254.".into())
    );
    assert!(note("budget-by-year").0 && note("budget-by-price").0);
    assert!(note("budget-by-year").1.starts_with("600.000.000 + 2.000.000.000 + 400.000.000"));
    let (agrees, words) = note("price-by-year");
    assert!(!agrees && words.contains("866 thủ tục"), "{words}");
    assert!(!note("procedures-of-the-aim").0 && note("procedures-of-the-aim").1.contains("1133"));
    assert!(!note("wave-ends-twice").0 && !note("all-procedures-by").0);
    for counted in ["departments", "districts", "communes"] {
        assert!(note(counted).0, "{counted}: {}", note(counted).1);
    }
    assert!(!note("commune-procedures").0, "the example has not the list of 2013");
    let money: Vec<u64> = told.money.iter().map(|year| year.planned).collect();
    assert_eq!(money[..3], [600_000_000, 2_000_000_000, 400_000_000]);
    assert_eq!(told.agencies.len(), 32, "6 + 25, and the communes as one");
}

proptest! {
    #[test]
    fn the_order_in_which_facts_come_changes_nothing(
        order in Just((1_u32..=4).collect::<Vec<_>>()).prop_shuffle(),
        day in 0_i32..800,
    ) {
        let catalogue = catalogue();
        let on = date(2013, 7, 1).checked_add(jiff::Span::new().days(day)).unwrap();
        let one = |at: u32| online(at, "nd43", "3", &format!("2013-0{}-15", at + 5));
        let all: Vec<Procedure> = (1..=4).map(one).collect();
        let other: Vec<Procedure> = order.into_iter().map(one).collect();
        let (told, again) = (told(&catalogue, &all, on), told(&catalogue, &other, on));
        for wave in told.agencies.iter().flat_map(|agency| &agency.waves) {
            prop_assert!(wave.reached <= wave.procedures);
            prop_assert!(wave.forecast.is_none_or(|forecast| forecast >= on));
        }
        prop_assert_eq!(told, again);
    }
}
