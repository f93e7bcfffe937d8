//! How dossiers stand by the hub's own due date: kept by dossier and summed, whatever turns they
//! are judged in.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Value, json};

use super::{groupings::summed, message, prepared, send};
use crate::{
    judging,
    registry::{
        Dimension, Measure, Place, Timeliness, calendar::tests::DONG_NAI, measure::day_number,
    },
    store::{
        CellQuery, CellRow, Prepared, Store,
        batch::{YearSums, lattice::LEVELS},
        findings::Turn,
        timeliness::{Judged, Kept, Year, YearKey},
    },
};

/// A dossier of a procedure of fifteen days: accepted on 1 June 2026, it is due on the 16th.
fn dossier(code: &str, version: u32, more: &Value) -> Prepared {
    let mut body = json!({
        "source": "so-xay-dung", "source_code": code, "source_version": version.to_string(),
        "agency": "so-xay-dung", "procedure": "1.012903", "field": "kinh-doanh-bat-dong-san",
        "applicant": { "name": "Nguyễn An", "kind": "person" }, "channel": "counter",
        "accepted_at": "2026-06-01", "status": 4, "status_raw": "đang xử lý",
    });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    prepared("dossier/1", code, body)
}

fn finished(day: &str, more: &Value) -> Value {
    let mut body = json!({ "status": 9, "finished_at": day });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn say(store: &dyn Store, id: &str, records: Vec<Prepared>) {
    let items = records.into_iter().map(|one| Ok(vec![one])).collect();
    send(store, message(store, id, id, items)).await;
}

/// The numbers by the hub's due date of June and July 2026, over everything.
async fn told(store: &dyn Store) -> BTreeMap<String, i64> {
    let query = CellQuery { from: day("2026-06-01"), to: day("2026-07-31"), ..Default::default() };
    let cells = store.timely_cells(query).await.unwrap();
    assert_eq!(cells.as_of, store.judged().await.unwrap());
    cells.rows.into_iter().map(|row| (row.measure.to_owned(), row.n)).collect()
}

fn day(text: &str) -> i32 {
    day_number(text.parse().unwrap())
}

fn counts(told: &[(&str, i64)]) -> BTreeMap<String, i64> {
    told.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect()
}

/// The hub's verdict stands beside the agency's, marked where no agency promised a day; it follows
/// corrections, and comes out the same when it is judged anew.
pub(crate) async fn timeliness(store: Arc<dyn Store>) {
    // Position 0: finished when there was no calendar yet.
    say(&*store, "t-0", vec![dossier("T-0", 1, &finished("2026-06-10", &json!({})))]).await;
    judging::catch_up(store.clone()).await.unwrap();
    assert_eq!(told(&*store).await, counts(&[("hub-undated", 1)]));
    assert!(store.publish(DONG_NAI.content()).await.unwrap());
    let promised = json!({ "due_at": "2026-06-30" });
    say(
        &*store,
        "t-1",
        vec![
            dossier("T-1", 1, &finished("2026-06-20", &promised)),
            dossier("T-2", 1, &finished("2026-06-12", &json!({ "agency": "so-y-te" }))),
            dossier("T-3", 1, &json!({ "commune": "26041" })),
            dossier(
                "T-4",
                1,
                &json!({ "due_at": "2026-06-30", "status": 5,
                "status_at": "2026-07-06", "agency": "so-y-te" }),
            ),
            dossier("T-5", 1, &finished("2026-06-20", &json!({}))),
        ],
    )
    .await;
    judging::catch_up(store.clone()).await.unwrap();
    let all = [
        // T-2, and T-1 and T-5, of which one was promised another day.
        ("hub-early", 1),
        ("hub-late", 2),
        ("hub-undated", 1),
        ("unpromised-early", 1),
        ("unpromised-late", 1),
        // T-3, and T-4, which waits after it was due.
        ("hub-overdue", 1),
        ("hub-paused-overdue", 1),
        ("unpromised-overdue", 1),
    ];
    assert_eq!(told(&*store).await, counts(&all));
    of_each_grouping(&*store).await;
    holds(&store).await;
    corrected(&store).await;
}

/// What is told otherwise later, and what was told before there was a calendar.
async fn corrected(store: &Arc<dyn Store>) {
    // A correction: it was finished in time, at another agency. And one that was never accepted.
    let corrected = finished("2026-06-16", &json!({ "due_at": "2026-06-30", "agency": "so-y-te" }));
    let never = json!({ "status": 3, "status_at": "2026-06-04", "accepted_at": null });
    say(&**store, "t-2", vec![dossier("T-1", 2, &corrected), dossier("T-5", 2, &never)]).await;
    // Two names that come to be one dossier, and what was judged before the catalogue was there.
    let code = |one: &str| json!({ "code": one, "commune": "26041" });
    let same = "H19.14-260601-0001";
    say(&**store, "t-3", vec![dossier("T-3", 2, &code(same)), dossier("T-6", 1, &code(same))])
        .await;
    say(&**store, "t-4", vec![dossier("T-0", 2, &finished("2026-06-10", &json!({})))]).await;
    judging::catch_up(store.clone()).await.unwrap();
    let all = [
        ("hub-early", 2),
        ("hub-on-time", 1),
        ("unpromised-early", 2),
        ("hub-overdue", 1),
        ("hub-paused-overdue", 1),
        ("unpromised-overdue", 1),
    ];
    assert_eq!(told(&**store).await, counts(&all));
    of_each_grouping(&**store).await;
    holds(store).await;
    let findings = store.all_judged().await.unwrap();
    let all = kept(&**store).await;
    let keys: Vec<&str> = all.iter().map(|(key, _)| key.as_str()).collect();
    let expected = ["T-0", "T-1", "T-2", "T-3", "T-4"].map(|one| format!("so-xay-dung/{one}"));
    assert_eq!(keys, expected);
    let (_, one) = store.timeliness(vec![expected[1].clone(), "a/b".to_owned()]).await.unwrap();
    let one = Timeliness::from_text(&one[0].1).unwrap();
    assert_eq!((one.edition, one.position), (Some(1), 7));
    assert_eq!(one.due_at, Some("2026-06-16".parse().unwrap()));
    store.rebuild().await.unwrap();
    judging::catch_up(store.clone()).await.unwrap();
    assert_eq!(kept(&**store).await, all, "judged anew it is the same");
    assert_eq!(store.all_judged().await.unwrap(), findings);
    holds(store).await;
    damaged(store).await;
}

/// Every grouping that sums are kept for, filtered or not, of any days, is what is kept of
/// dossiers.
async fn of_each_grouping(store: &dyn Store) {
    let read = kept(store).await;
    let read = read.iter().map(|(_, text)| Timeliness::from_text(text).unwrap());
    let all: Vec<CellRow> = read.flat_map(|one| cells(&one)).collect();
    let agency = BTreeMap::from([(Dimension::Agency, "so-y-te".to_owned())]);
    let ranges =
        [("2026-06-01", "2026-07-31"), ("2026-06-17", "2026-06-20"), ("2025-01-01", "2026-12-31")];
    for level in &LEVELS {
        let by: BTreeSet<Dimension> = level.outer.into_iter().chain(level.inner).collect();
        for (from, to) in ranges.map(|(from, to)| (day(from), day(to))) {
            for (by_day, only) in
                [(false, BTreeMap::new()), (true, BTreeMap::new()), (false, agency.clone())]
            {
                if !only.is_empty() && !by.contains(&Dimension::Agency) {
                    continue;
                }
                let query =
                    CellQuery { by: by.clone(), by_day, only, from, to, ..CellQuery::default() };
                let rows: Vec<CellRow> = all.iter().filter_map(|row| shown(row, &query)).collect();
                let found = store.timely_cells(query.clone()).await.unwrap();
                assert_eq!(found.rows, summed(&rows, &query), "{query:?}");
            }
        }
    }
}

fn cells(one: &Timeliness) -> Vec<CellRow> {
    let row = |place: &Place, measure: Measure, day, n| CellRow {
        measure: measure.name(),
        place: place.clone().into(),
        day: day_number(day),
        n,
    };
    let placed = one.counts.iter().flat_map(|(place, counts)| {
        counts.iter().map(move |(counted, n)| row(place, counted.measure, counted.day, *n))
    });
    placed.collect()
}

/// A number under the day that it is shown under, where it is asked for.
fn shown(row: &CellRow, query: &CellQuery) -> Option<CellRow> {
    let gauge = row.measure.ends_with("overdue");
    let asked = row.day <= query.to && (gauge || row.day >= query.from);
    let day = if query.by_day { row.day.max(query.from - 1) } else { query.to };
    asked.then(|| CellRow { day, ..row.clone() })
}

async fn holds(store: &Arc<dyn Store>) {
    let recounted = judging::recount(store.clone()).await.unwrap();
    assert_eq!(recounted.faults, Vec::<String>::new());
}

/// All that is kept of dossiers, read two at a time.
async fn kept(store: &dyn Store) -> Vec<Kept> {
    let mut all: Vec<Kept> = Vec::new();
    loop {
        let after = all.last().map(|(key, _)| key.clone()).unwrap_or_default();
        let (next, rows) = store.timeliness_after(after, 2).await.unwrap();
        assert_eq!(next, store.judged().await.unwrap());
        if rows.is_empty() {
            return all;
        }
        all.extend(rows);
    }
}

/// What is kept otherwise than a recount has it is named.
async fn damaged(store: &Arc<dyn Store>) {
    let next = store.judged().await.unwrap();
    let all = kept(&**store).await;
    let settle = async |timeliness: Vec<Judged>, years: Vec<Year>| {
        let turn = Turn { from: next, to: next, timeliness, years, ..Turn::default() };
        assert!(store.settle_findings(turn).await.unwrap());
        judging::recount(store.clone()).await.unwrap().faults
    };
    let differs = |key: &str| {
        vec![format!("what is kept of {key} by the hub's due date differs from a recount")]
    };
    let (key, text) = all[2].clone();
    let altered = text.replace("hub-early", "hub-on-time");
    assert_eq!(settle(vec![(key.clone(), Some(altered))], vec![]).await, differs(&key));
    assert_eq!(settle(vec![(key.clone(), None)], vec![]).await, differs(&key), "it is missing");
    let restored = (key, Some(text.clone()));
    let other = ("so-xay-dung/T-9".to_owned(), Some(text));
    assert_eq!(settle(vec![restored, other.clone()], vec![]).await, differs("so-xay-dung/T-9"));
    let sum = |day_count| {
        let (measure, empty) = ("hub-early".to_owned(), String::new());
        let key = YearKey { level: 0, measure, outer: empty.clone(), year: 2026, inner: empty };
        vec![(key, YearSums::new(vec![(day("2026-06-12"), day_count)]))]
    };
    let gone = vec![(other.0, None)];
    let faults = settle(gone, sum(1)).await;
    let told = "hub-early of level 0 `` `` in 2026 differs from what is kept of dossiers";
    assert_eq!(faults, [told]);
    assert_eq!(settle(vec![], sum(-1)).await, Vec::<String>::new());
}
