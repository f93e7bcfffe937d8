//! Watches: what they are told, of which dossier, and that they end.

use super::{coded, holds, message, prepared, send, snapshot};
use crate::{
    registry::Identity,
    store::{
        Prepared, Store,
        watches::{Added, Most, Noticed, WatchQuery, WatchRow},
    },
};

const MOST: Most = Most { of_owner: 3, of_dossier: 2 };

/// When the watches of this suite are made, and the end of most.
const NOW: i64 = 1_000;
const LATER: i64 = 2_000;

fn watch(id: &str, owner: &str, code: &str, since: u64) -> WatchRow {
    WatchRow {
        id: id.to_owned(),
        owner: owner.to_owned(),
        of: Identity { source: "so-y-te".to_owned(), source_code: code.to_owned() },
        since,
        made_at: NOW,
        ends_at: LATER,
    }
}

async fn tell(store: &dyn Store, id: &str, records: Vec<Prepared>) {
    send(store, message(store, id, id, vec![Ok(records)])).await;
}

async fn size(store: &dyn Store) -> u64 {
    store.head().await.unwrap().tree.size
}

/// What is told behind a place: watch, position, key.
async fn told(store: &dyn Store, from: (u64, &str), now: i64) -> Vec<(String, u64, String)> {
    let (size, from) = (size(store).await, (from.0, from.1.to_owned()));
    let all = store.notices(from.clone(), size, now, 100).await.unwrap();
    // The same one by one, each behind the one before.
    let (mut place, mut singly) = (from, Vec::new());
    while let Some(one) = store.notices(place, size, now, 1).await.unwrap().pop() {
        place = (one.dossier.position, one.watch.clone());
        singly.push(one);
    }
    assert_eq!(singly, all);
    let short = |one: Noticed| (one.watch, one.dossier.position, one.dossier.key);
    all.into_iter().map(short).collect()
}

fn ids(told: &[(String, u64, String)]) -> Vec<&str> {
    told.iter().map(|(watch, ..)| watch.as_str()).collect()
}

/// All of it.
pub(crate) async fn watches(store: &dyn Store) {
    tell(store, "m-1", vec![coded("A-1", 1, 2, 1), snapshot("A-2", 1, 2)]).await;
    let since = size(store).await;
    let add = async |row: WatchRow| store.add_watch(row, MOST).await.unwrap();
    assert_eq!(add(watch("a1", "portal", "A-1", since)).await, Added::Added);
    assert_eq!(add(watch("b1", "portal", "A-1", since)).await, Added::Added);
    assert_eq!(add(watch("c1", "portal", "A-1", since)).await, Added::DossierFull);
    assert_eq!(add(watch("c2", "portal", "A-2", since)).await, Added::Added);
    assert_eq!(add(watch("d2", "portal", "A-2", since)).await, Added::OwnerFull);
    assert_eq!(add(watch("d1", "operator", "A-1", since)).await, Added::Added);
    // Those that have ended make room before they are taken away.
    let late = WatchRow { made_at: LATER, ends_at: 3_000, ..watch("e2", "portal", "A-2", since) };
    assert_eq!(add(late).await, Added::Added);
    assert_eq!(told(store, (0, ""), NOW).await, [], "nothing has changed since");

    tell(store, "m-2", vec![coded("A-1", 2, 4, 1)]).await;
    let first = told(store, (0, ""), NOW).await;
    assert_eq!(ids(&first), ["a1", "b1", "d1"]);
    assert!(first.iter().all(|(_, position, key)| *position >= since && key == "so-y-te/A-1"));
    assert_eq!(ids(&told(store, (first[0].1, "a1"), NOW).await), ["b1", "d1"]);
    assert_eq!(told(store, (0, ""), LATER).await, [], "they have ended");
    joined(store, since, &first).await;
    ends(store).await;
    holds(store).await;
}

/// Where its dossier is joined with another, a watch is told of that.
async fn joined(store: &dyn Store, since: u64, first: &[(String, u64, String)]) {
    let body = serde_json::json!({
        "source": "mot-cua", "source_code": "Z-9", "source_version": "1",
        "code": "H19.14-240304-0001", "procedure": "1.001612", "agency": "so-y-te",
        "applicant": { "name": "Nguyễn An", "kind": "person" }, "channel": "counter",
        "accepted_at": "2024-03-04", "due_at": "2024-03-08", "status": 5, "status_raw": "5",
    });
    tell(store, "m-3", vec![prepared("dossier/1", "Z-9", body)]).await;
    let second = told(store, (first[2].1, "d1"), NOW).await;
    assert_eq!(ids(&second), ["a1", "b1", "d1"]);
    assert!(second.iter().all(|(_, _, key)| key == "mot-cua/Z-9"), "{second:?}");
    let query = WatchQuery { id: Some("a1".to_owned()), ..WatchQuery::default() };
    let one = store.watches(query).await.unwrap().remove(0);
    assert_eq!(one.watch, watch("a1", "portal", "A-1", since));
    assert_eq!(one.dossier.unwrap().key, "mot-cua/Z-9");
    // The present state once, at the last change.
    assert_eq!(told(store, (0, ""), NOW).await, second);
    store.rebuild().await.unwrap();
    assert_eq!(told(store, (0, ""), NOW).await, second, "a rebuild gives other numbers to names");
}

async fn ends(store: &dyn Store) {
    let all = async |after: &str| {
        let query = WatchQuery { id: None, after: after.to_owned() };
        let found = store.watches(query).await.unwrap();
        found.into_iter().map(|one| one.watch.id).collect::<Vec<_>>()
    };
    assert_eq!(all("").await, ["a1", "b1", "c2", "d1", "e2"]);
    assert_eq!(all("c2").await, ["d1", "e2"]);
    let ended = ["a1", "x", "e2"].map(ToOwned::to_owned).to_vec();
    assert_eq!(store.end_watches(ended).await.unwrap(), 2);
    assert_eq!(all("").await, ["b1", "c2", "d1"]);
    assert_eq!(ids(&told(store, (0, ""), NOW).await), ["b1", "d1"]);
    let gone = watch("f9", "portal", "A-9", 0);
    assert_eq!(store.add_watch(gone, MOST).await.unwrap(), Added::Added);
    let query = WatchQuery { id: Some("f9".to_owned()), ..WatchQuery::default() };
    assert_eq!(store.watches(query).await.unwrap()[0].dossier, None, "nobody told of it");
}
