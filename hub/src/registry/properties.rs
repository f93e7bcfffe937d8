//! The fold root is one under permutation, duplication and splitting of the same messages.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::json;

use super::rules::{event, reference, retraction, snapshot};
use super::*;

const SOURCES: [&str; 3] = ["a", "b", "c"];
const CODES: [&str; 2] = ["H56.14-240823-0001", "H56.14-240823-0002"];

fn a_snapshot() -> impl Strategy<Value = Observation> {
    let version = prop_oneof![
        (1..4_u8).prop_map(|number| Some(number.to_string())),
        (1..9_u8).prop_map(|day| Some(format!("2024-10-0{day}"))),
        (1..9_u8).prop_map(|hour| Some(format!("2024-10-04T0{hour}:00:00Z"))),
        select(vec!["v1", "1z"]).prop_map(|text| Some(text.to_owned())),
        Just(None),
    ];
    let where_ = (select(&SOURCES[..]), select(vec!["1", "2"]), 0..6_i64);
    let told = (1..=10_u8, select(&CODES[..]), select(vec!["1.001612", "1.001613"]), any::<bool>());
    let day = || proptest::option::of(1..9_u8);
    let channel = select(vec!["online", "counter", "post"]);
    let dates = (channel, day(), day(), day());
    (where_, version, told, dates).prop_map(
        |(place, version, told, (channel, taken, due, done))| {
            let mut body = json!({"source": place.0, "source_code": place.1, "status": told.0,
            "channel": channel, "accepted_at": null});
            if let Some(version) = version {
                body["source_version"] = json!(version);
            }
            if told.3 {
                body["code"] = json!(told.1);
                body["procedure"] = json!(told.2);
            }
            for (name, day) in [("accepted_at", taken), ("due_at", due), ("finished_at", done)] {
                if let Some(day) = day {
                    body[name] = json!(format!("2024-10-0{day}"));
                }
            }
            snapshot(body, 1_728_000_000 + place.2 * 40_000)
        },
    )
}

fn an_observation() -> impl Strategy<Value = Observation> {
    let event = (select(&SOURCES[..]), select(vec!["1", "2"]), 1..9_u8, 1..=10_u8, any::<bool>())
        .prop_map(|(source, code, day, status, extends)| {
            let mut body = json!({"source": source, "source_code": code, "status": status,
                "at": format!("2024-10-0{day}"), "attributes": {status.to_string(): day}});
            if extends {
                body["kind"] = json!("extension");
                body["due_at"] = json!(format!("2024-11-0{day}"));
            }
            event(body)
        });
    let gone = (select(&SOURCES[..]), select(vec!["1", "2"]), 1..9_u8)
        .prop_map(|(source, code, day)| retraction(source, code, &format!("2024-10-0{day}")));
    let one = prop_oneof![6 => a_snapshot(), 3 => event, 1 => gone];
    (one, prop::bool::weighted(0.9)).prop_map(|(mut one, counted)| {
        one.counted = counted;
        one
    })
}

/// A history in which some observations supersede others of their source.
pub(crate) fn a_history() -> impl Strategy<Value = Vec<Observation>> {
    let all = prop::collection::vec(an_observation(), 1..12);
    (all, prop::collection::vec((any::<Index>(), any::<Index>()), 0..3)).prop_map(
        |(mut all, pairs)| {
            for (one, other) in pairs {
                let (one, other) = (one.index(all.len()), other.index(all.len()));
                if all[one].source() == all[other].source() {
                    all[one].supersedes = Some(all[other].id());
                }
            }
            all
        },
    )
}

pub(super) fn states(
    observations: &[Observation],
    links: &[Link],
) -> BTreeMap<String, DossierState> {
    let groups = group(observations, links);
    let folded = groups.dossiers.into_iter().filter_map(|(key, places)| {
        let own: Vec<_> = places.into_iter().map(|at| &observations[at]).collect();
        let (state, _) = fold(&own, &reference())?;
        assert_eq!(state.key, key.key());
        Some((state.key.clone(), state))
    });
    folded.collect()
}

type Cell = (Place, Counted);

/// What changes from one state to another, by place and what is counted.
pub(super) fn delta(
    before: Option<&DossierState>,
    after: Option<&DossierState>,
    settings: &Settings,
) -> Vec<(Cell, i64)> {
    let mut all = Vec::new();
    for (place, counts) in changes(before, after, settings) {
        all.extend(counts.into_iter().map(|(counted, n)| (((*place).clone(), counted), n)));
    }
    all.sort();
    all
}

type Total = BTreeMap<Cell, i64>;

fn root_of(states: &BTreeMap<String, DossierState>, total: &Total) -> [u8; 32] {
    let text = |state| serde_json::to_string(state).unwrap();
    let cells = total.iter().filter(|(_, n)| **n != 0);
    let leaf = |place| Leaves::at(place).unwrap();
    let cells = cells.map(|((place, counted), n)| leaf(place).leaf(*counted, *n).unwrap());
    fold_root(states.values().map(|state| dossier_leaf(&text(state))), cells)
}

fn move_to(
    total: &mut Total,
    old: &BTreeMap<String, DossierState>,
    new: &BTreeMap<String, DossierState>,
) {
    let keys: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
    for key in keys {
        for (cell, count) in delta(old.get(key), new.get(key), &Settings::default()) {
            assert_ne!(count, 0);
            *total.entry(cell).or_default() += count;
        }
    }
}

/// How a history is told again: in another order, some of it twice, so many at a time.
#[derive(Debug, Clone)]
struct Retelling {
    keys: Vec<u32>,
    copies: Vec<Index>,
    chunk: usize,
}

fn a_retelling() -> impl Strategy<Value = Retelling> {
    let keys = prop::collection::vec(any::<u32>(), 24);
    let copies = prop::collection::vec(any::<Index>(), 0..12);
    (keys, copies, 1..5_usize).prop_map(|(keys, copies, chunk)| Retelling { keys, copies, chunk })
}

/// The dossiers and numbers that a history comes to, told again.
fn retold(
    history: &[Observation],
    links: &[Link],
    Retelling { keys, copies, chunk }: &Retelling,
) -> (BTreeMap<String, DossierState>, Total) {
    let mut other = history.to_vec();
    other.extend(copies.iter().map(|at| history[at.index(history.len())].clone()));
    let mut order: Vec<usize> = (0..other.len()).collect();
    order.sort_by_key(|at| keys[*at]);
    let mut other: Vec<_> = order.into_iter().map(|at| other[at].clone()).collect();
    for (position, one) in (0..).zip(&mut other) {
        one.position = position;
    }
    let (mut before, mut total) = (BTreeMap::new(), Total::new());
    for end in (*chunk..other.len() + chunk).step_by(*chunk) {
        let after = states(&other[..end.min(other.len())], links);
        move_to(&mut total, &before, &after);
        before = after;
    }
    (before, total)
}

/// Whether places differ at most by which agency finished.
fn accepts_alike(one: &Place, other: &Place) -> bool {
    let all = Dimension::ALL.into_iter().filter(|it| *it != Dimension::FinishingAgency);
    all.into_iter().all(|it| it.of(one) == it.of(other))
}

/// The numbers of one place, whoever finished: flows of some days, gauges at the end of one.
struct Numbers<'a>(&'a Total, &'a Place);

impl Numbers<'_> {
    fn sum(&self, wanted: &[Measure], holds: impl Fn(Date) -> bool) -> i64 {
        let cells = self.0.iter().filter(|((place, counted), _)| {
            accepts_alike(place, self.1) && wanted.contains(&counted.measure) && holds(counted.day)
        });
        cells.map(|(_, n)| n).sum()
    }

    fn gauge(&self, measure: Measure, on: Date) -> i64 {
        self.sum(&[measure], |day| day <= on)
    }

    /// Every identity that reports rest on, of the days from one to another.
    fn agree(&self, from: Date, to: Date) -> Result<(), TestCaseError> {
        use Measure as M;
        let within = |wanted: &[Measure]| self.sum(wanted, |day| from <= day && day <= to);
        let carried = self.gauge(M::Open, from.yesterday().unwrap());
        let open = self.gauge(M::Open, to);
        let finished =
            within(&[M::FinishedEarly, M::FinishedOnTime, M::FinishedLate, M::Withdrawn]);
        prop_assert_eq!(carried + within(&[M::Accepted]), finished + open);
        let [paused, overdue, both] =
            [M::Paused, M::Overdue, M::PausedOverdue].map(|one| self.gauge(one, to));
        prop_assert!(0 <= overdue && 0 <= both && both <= paused && overdue + paused <= open);
        prop_assert!(within(&[M::AcceptedOnline, M::AcceptedPost]) <= within(&[M::Accepted]));
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn carried_and_accepted_is_finished_and_open(
        history in a_history(), told in a_retelling(), from in 0..30_i32, days in 0..30_i32,
        stopped_is_paused in any::<bool>(),
    ) {
        let settings = Settings { stopped_is_paused, ..Settings::default() };
        let (states, mut total) = retold(&history, &[], &told);
        if stopped_is_paused {
            total.clear();
            for (cell, n) in states.values().flat_map(|one| delta(None, Some(one), &settings)) {
                *total.entry(cell).or_default() += n;
            }
        }
        let first = date(2024, 9, 25).saturating_add(jiff::Span::new().days(from));
        let last = first.saturating_add(jiff::Span::new().days(days));
        let places: BTreeSet<&Place> = total.keys().map(|(place, _)| place).collect();
        for place in places {
            Numbers(&total, place).agree(first, last)?;
        }
    }

    #[test]
    fn one_root_under_permutation_duplication_and_splitting(
        history in a_history(), told in a_retelling(), linked in any::<bool>(),
    ) {
        let link = Link { one: Identity::new("c", "2"), other: Identity::new("a", "1") };
        let links: Vec<Link> = linked.then_some(link).into_iter().collect();
        let whole = states(&history, &links);
        let mut total = Total::new();
        move_to(&mut total, &BTreeMap::new(), &whole);
        let root = root_of(&whole, &total);
        let (before, total) = retold(&history, &links, &told);
        prop_assert_eq!(&whole, &before);
        prop_assert_eq!(root, root_of(&before, &total));
    }

    #[test]
    fn what_is_received_when_matters_to_no_declared_version(
        history in a_history(), shift in 1..1_000_000_i64,
    ) {
        let mut declared = history;
        declared.retain(|one| one.id().assumed.is_none());
        let mut later = declared.clone();
        for one in &mut later {
            one.recorded_at = jiff::Timestamp::from_second(shift).unwrap();
        }
        prop_assert_eq!(states(&declared, &[]), states(&later, &[]));
    }
}
