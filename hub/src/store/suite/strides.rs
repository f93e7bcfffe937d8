//! Numbers as of any position, from strides and from deltas.

use std::collections::{BTreeMap, BTreeSet};

use super::{groupings::dossier, groupings::summed, holds, message, send};
use crate::{
    registry::Dimension,
    store::{
        CellQuery, CellRow, Store,
        batch::lattice::LEVELS,
        strides::{ENTRIES, Way, way},
    },
    striding,
};

/// As of every position, numbers are those that a walk over all deltas gives, whether strides are
/// made or not, and wherever the rollups end.
pub(crate) async fn strides(store: &dyn Store) {
    for turn in 0..3_u32 {
        let status = [4, 5, 9][turn as usize];
        let all = (0..16).map(|number| Ok(vec![dossier(number, turn + 1, status)]));
        let id = format!("st-{turn}");
        send(store, message(store, &id, &id, all.collect())).await;
    }
    let size = store.head().await.unwrap().tree.size;
    assert_eq!(size, 48);
    let told = of_every_position(store, size).await;
    // What is made anew rolls everything up, and has no strides.
    store.rebuild().await.unwrap();
    assert_eq!(store.strides().await.unwrap(), 0);
    assert_eq!(of_every_position(store, size).await, told);
    assert!(store.make_stride().await.unwrap());
    striding::catch_up(store).await.unwrap();
    assert_eq!(store.strides().await.unwrap(), size / ENTRIES);
    let asked: Vec<Way> = (0..=size).map(|as_of| way(as_of, size, size / ENTRIES)).collect();
    assert!(asked.iter().filter(|way| way.strides.is_some()).count() > 40);
    assert_eq!(of_every_position(store, size).await, told);
    holds(store).await;
    // What comes later leaves what is made as it is; the rollups go on, and so do strides.
    let more = (0..16).map(|number| Ok(vec![dossier(number, 4, 10)]));
    send(store, message(store, "st-4", "st-4", more.collect())).await;
    let later = of_every_position(store, size + 16).await;
    assert_eq!(later[..told.len() - 1], told[..told.len() - 1]);
    holds(store).await;
}

/// The numbers as of each position: compared on every level, and the whole of them given.
async fn of_every_position(store: &dyn Store, size: u64) -> Vec<Vec<CellRow>> {
    let mut told = Vec::new();
    let (march, day) = ((19_783, 19_813), 19_792);
    let agency = BTreeMap::from([(Dimension::Agency, "so-xay-dung".to_owned())]);
    let commune = BTreeMap::from([(Dimension::Commune, "26056".to_owned())]);
    for as_of in 0..=size {
        // The whole of every position, and every level of some.
        let levels = if as_of % 9 == 0 { &LEVELS[..] } else { &LEVELS[..1] };
        for (by_day, (from, to), only) in [
            (false, march, BTreeMap::new()),
            (true, (day, march.1), BTreeMap::new()),
            (false, (day, day), agency.clone()),
            (true, (day, march.1), commune.clone()),
        ] {
            let query = CellQuery { by_day, from, to, as_of: Some(as_of), ..CellQuery::default() };
            let finest = CellQuery { by: Dimension::ALL.into(), ..query.clone() };
            let finest = store.statistics(finest).await.unwrap();
            assert!(finest.scanned);
            for level in levels {
                let by: BTreeSet<Dimension> = level.outer.into_iter().chain(level.inner).collect();
                if only.keys().any(|one| !by.contains(one)) {
                    continue;
                }
                let query = CellQuery { by, only: only.clone(), ..query.clone() };
                let found = store.statistics(query.clone()).await.unwrap();
                assert!(!found.scanned);
                assert_eq!(found.rows, summed(&finest.rows, &query), "{query:?}");
                assert_eq!(found.as_of, as_of);
            }
        }
        let whole =
            CellQuery { from: march.0, to: march.1, as_of: Some(as_of), ..Default::default() };
        told.push(store.statistics(whole).await.unwrap().rows);
    }
    told
}
