//! Numbers under every grouping, kept summed or not.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{message, prepared, send};
use crate::{
    registry::{Dimension, Place},
    store::{CellQuery, CellRow, Cells, Prepared, Store, batch::Level},
};

/// A dossier that differs from the next in every dimension.
pub(super) fn dossier(number: u32, version: u32, status: u8) -> Prepared {
    let one = |of: &[&str]| of[number as usize % of.len()].to_owned();
    let code = format!("G-{number}");
    let agency = one(&["so-y-te", "so-xay-dung"]);
    let body = serde_json::json!({
        "source": agency, "source_code": code, "source_version": version.to_string(),
        "agency": agency, "applicant": { "name": "Nguyễn An", "kind": "person" },
        "procedure": one(&["1.001612", "1.001613", "1.001614"]), "field": one(&["y-te", "dat-dai"]),
        "commune": one(&["26041", "26056", "26068", "26071", "26074"]),
        "channel": one(&["counter", "online", "post"]),
        "accepted_at": format!("2024-03-{:02}", 1 + number % 9), "due_at": "2024-03-12",
        "status": status, "status_raw": status.to_string(),
        "status_at": format!("2024-03-{:02}", 9 + number % 9),
    });
    prepared("dossier/1", &code, body)
}

async fn ask(store: &dyn Store, query: &CellQuery) -> Cells {
    store.statistics(query.clone()).await.unwrap()
}

/// The finest numbers, summed to a grouping.
pub(super) fn summed(rows: &[CellRow], query: &CellQuery) -> Vec<CellRow> {
    let mut sums: BTreeMap<(&'static str, Arc<Place>, i32), i64> = BTreeMap::new();
    for row in rows {
        if query.only.iter().any(|(dimension, value)| dimension.of(&row.place) != value) {
            continue;
        }
        let mut place = Place::default();
        for dimension in Dimension::ALL {
            if query.by.contains(&dimension) || query.only.contains_key(&dimension) {
                dimension.set(&mut place, dimension.of(&row.place).to_owned());
            }
        }
        *sums.entry((row.measure, Arc::new(place), row.day)).or_default() += row.n;
    }
    let row = |((measure, place, day), n)| CellRow { measure, place, day, n };
    sums.into_iter().filter(|(_, n)| *n != 0).map(row).collect()
}

/// Every grouping, filtered or not, of any days and as of any position, is the same sum of the same
/// changes; those of the listed lattice come from what is kept summed.
pub(crate) async fn groupings(store: &dyn Store) {
    let all = |version, status: fn(u32) -> u8| -> Vec<_> {
        (0..30).map(|number| Ok(vec![dossier(number, version, status(number))])).collect()
    };
    send(store, message(store, "g-1", "first", all(1, |_| 4))).await;
    let early = store.head().await.unwrap().tree.size;
    // What the rollups hold ends here; what follows they lack.
    store.rebuild().await.unwrap();
    send(store, message(store, "g-2", "then", all(2, |number| [4, 5, 9][number as usize % 3])))
        .await;
    let (march, day) = ((19_783, 19_813), 19_792);
    let sets = (0..1_u8 << Dimension::ALL.len()).map(|bits| -> BTreeSet<Dimension> {
        let of = Dimension::ALL.into_iter().enumerate();
        of.filter(|(at, _)| bits >> at & 1 == 1).map(|(_, one)| one).collect()
    });
    for by in sets {
        for (by_day, (from, to), as_of) in [
            (false, march, None),
            (false, (day, day), Some(early)),
            (true, (day, march.1), None),
            (true, march, Some(early + 3)),
        ] {
            let query = CellQuery { by_day, from, to, as_of, ..CellQuery::default() };
            let finest = CellQuery { by: Dimension::ALL.into(), ..query.clone() };
            let finest = ask(store, &finest).await;
            assert!(finest.scanned && !finest.rows.is_empty());
            let only = BTreeMap::from([(Dimension::Agency, "so-xay-dung".to_owned())]);
            for only in [BTreeMap::new(), only] {
                let query = CellQuery { by: by.clone(), only, ..query.clone() };
                let told = ask(store, &query).await;
                let kept: BTreeSet<_> = by.iter().chain(query.only.keys()).copied().collect();
                assert_eq!(told.scanned, Level::keeping(&kept).is_none(), "{query:?}");
                assert_eq!(told.rows, summed(&finest.rows, &query), "{query:?}");
                assert_eq!(told.as_of, finest.as_of);
                let measures = BTreeSet::from(["open", "accepted"]);
                let asked = |row: &CellRow| measures.contains(row.measure);
                let expected: Vec<_> = told.rows.iter().filter(|row| asked(row)).cloned().collect();
                let query = CellQuery { measures: measures.clone(), ..query };
                assert_eq!(ask(store, &query).await.rows, expected, "{query:?}");
            }
        }
    }
    let accepted = CellQuery {
        by: BTreeSet::from([Dimension::Commune]),
        from: march.0,
        to: march.1,
        ..CellQuery::default()
    };
    let told = ask(store, &accepted).await.rows;
    let accepted: Vec<_> = told.iter().filter(|row| row.measure == "accepted").collect();
    assert_eq!(accepted.iter().map(|row| row.n).collect::<Vec<_>>(), [6; 5], "{accepted:?}");
    super::holds(store).await;
}
