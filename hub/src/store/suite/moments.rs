//! A moment that is held: what is read as of it stays, whatever is written meanwhile.

use super::{message, send, snapshot};
use crate::store::{
    Store,
    portable::{PARTS, Row, Snapshot},
};

/// All rows of a part, read page by page.
async fn rows(moment: &dyn Snapshot, name: &str) -> Vec<Row> {
    let part = PARTS.iter().find(|part| part.name == name).unwrap();
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = moment.export(part, after).await.unwrap();
        let Some(last) = page.last() else { return all };
        after = Some(part.key_of(last));
        all.extend(page);
    }
}

/// A moment is the same from its first reading to its last, in all of its parts.
pub(crate) async fn moments(store: &dyn Store) {
    send(store, message(store, "a", "1", vec![Ok(vec![snapshot("A-1", 1, 4)])])).await;
    let held = store.snapshot().await.unwrap();
    let (origin, counters) = (held.origin().await.unwrap(), held.counters().await.unwrap());
    let entries = rows(&*held, "entries").await;
    assert_eq!((origin.size, entries.len()), (1, 1));
    for number in 2..5 {
        let id = format!("m-{number}");
        send(store, message(store, &id, &id, vec![Ok(vec![snapshot("A-1", number, 9)])])).await;
    }
    assert_eq!(store.head().await.unwrap().tree.size, 4);
    assert!(held.origin().await.unwrap() == origin, "the journal's end is what it was");
    assert_eq!(held.counters().await.unwrap(), counters);
    assert_eq!(rows(&*held, "entries").await, entries);
    assert_eq!(rows(&*held, "messages").await.len(), 1, "read for the first time");
    let now = store.snapshot().await.unwrap();
    assert_eq!(rows(&*now, "messages").await.len(), 4);
    let audited = store.audit().await.unwrap();
    assert_eq!((audited.entries, audited.faults.len()), (4, 0), "beside whoever reads");
}
