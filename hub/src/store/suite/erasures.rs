//! A person is erased under all names of a dossier, and kept out under each that comes to it.

use std::sync::Arc;

use contracts::Outcome;

use super::{coded, event, message, send, snapshot};
use crate::{
    registry::AskedBy,
    store::{
        Item, Reply, Store, Submission,
        erasures::{Erased, Erasing},
    },
};

fn erasing(key: &str) -> Erasing {
    let reason = "văn bản số 12".to_owned();
    Erasing { key: key.to_owned(), asked_by: AskedBy::Authority, reason }
}

/// Positions of a dossier whose personal texts are there.
async fn persons(store: &dyn Store, code: &str) -> Vec<u64> {
    let found = store.find(code.to_owned(), None).await.unwrap().dossiers.remove(0);
    let said = store.observations(found.key, None).await.unwrap();
    let texts = store.personal(said.iter().map(|one| one.position).collect()).await.unwrap();
    texts.into_iter().map(|(position, _)| position).collect()
}

/// The bytes that are there of the attempts at a message, newest first.
async fn raw(store: &dyn Store, id: &str) -> Vec<bool> {
    let mut there = Vec::new();
    for one in store.messages(None, id.to_owned()).await.unwrap() {
        there.push(store.beginning(one.message, 100).await.unwrap().is_some());
    }
    there
}

/// Two names of one dossier, one erasure, and a third name that comes to it later.
pub(crate) async fn erasures(store: &dyn Store) {
    assert_eq!(store.erase(erasing("so-y-te/E-1")).await.unwrap(), Erased::Unknown);
    let both = vec![Ok(vec![coded("E-1", 1, 4, 7)]), Ok(vec![snapshot("F-1", 1, 4)])];
    send(store, message(store, "e-1", "one", both)).await;
    send(store, message(store, "e-2", "two", vec![Ok(vec![coded("E-2", 1, 4, 7)])])).await;
    let bad = || Item { record: Some(1), key: Some("E-2".into()), outcome: Err(super::refused()) };
    let refused = |id: &str| {
        let items = Arc::new(vec![bad()]);
        Submission { items, ..message(store, id, id, Vec::new()) }
    };
    send(store, refused("e-3")).await;
    assert_eq!(persons(store, "E-1").await.len(), 2);

    let found = store.erasable("so-y-te/E-2".to_owned()).await.unwrap();
    assert_eq!(found.names, ["so-y-te/E-1", "so-y-te/E-2"]);
    let share = &found.shares["so-y-te.ho-so"];
    assert_eq!((share.texts, share.messages, share.others), (2, 3, 1));
    let done = store.erase(erasing("so-y-te/E-2")).await.unwrap();
    let Erased::Now(_, erasure) = done else { panic!("{done:?}") };
    assert_eq!(erasure.text.asked_by, AskedBy::Authority);
    assert_eq!(store.erasures(None, 10).await.unwrap(), vec![erasure.clone()]);
    assert_eq!(store.erasures(Some(erasure.position), 10).await.unwrap(), []);
    let Erased::Before(_) = store.erase(erasing("so-y-te/E-1")).await.unwrap() else {
        panic!("nothing is left to erase")
    };
    assert!(persons(store, "E-1").await.is_empty());
    assert_eq!(persons(store, "F-1").await.len(), 1, "who came in the same message stays");
    for id in ["e-1", "e-2", "e-3"] {
        assert_eq!(raw(store, id).await, [false], "{id}");
    }
    let since = store.erased(vec!["so-y-te/F-1".to_owned()]).await.unwrap();
    assert_eq!(since, None);
    later(store, erasure.position).await;
    send(store, refused("e-9")).await;
    assert_eq!(raw(store, "e-9").await, [false]);
    let verdict = store.verify().await.unwrap();
    assert_eq!(verdict.faults, Vec::<String>::new());
    store.rebuild().await.unwrap();
    assert_eq!(store.verify().await.unwrap().faults, Vec::<String>::new());
}

/// What comes later, under names that were erased, by a name that is new, and in a late chunk.
async fn later(store: &dyn Store, erasure: u64) {
    let since = store.erased(vec!["so-y-te/E-2".to_owned()]).await.unwrap().unwrap();
    assert_eq!(since.position, erasure);
    // A new name by the code that the dossier bears; what it tells without the code from then on.
    let named = send(store, message(store, "e-4", "four", vec![Ok(vec![coded("E-3", 1, 4, 7)])]));
    let named = named.await;
    assert_eq!(named.erased.map(|erased| erased.records), Some(1));
    let told = vec![Ok(vec![snapshot("E-2", 2, 5)]), Ok(vec![snapshot("F-1", 2, 5)])];
    let receipt = send(store, message(store, "e-5", "five", told)).await;
    assert_eq!((receipt.outcome, receipt.records), (Outcome::Stored, 2));
    assert_eq!(receipt.erased.map(|erased| erased.records), Some(1));
    let event = vec![Ok(vec![event("E-1", "2024-03-06T01:00:00Z", 5)])];
    assert_eq!(send(store, message(store, "e-6", "six", event)).await.erased, None);
    assert_eq!(raw(store, "e-6").await, [false], "whoever it is about");
    let other = message(store, "e-5", "other", vec![Ok(vec![snapshot("E-2", 3, 5)])]);
    assert_eq!(send(store, other).await.outcome, Outcome::Conflict);
    assert_eq!(raw(store, "e-5").await, [false, false]);
    let part = |chunk, last, record| Submission {
        chunk,
        last,
        ..message(store, "e-7", "seven", vec![Ok(vec![record])])
    };
    let replies = store.commit(vec![part(0, false, snapshot("G-1", 1, 4))]).await.unwrap();
    assert_eq!(replies, [Ok(Reply::Next(1))]);
    assert_eq!(raw(store, "e-7").await, [true], "nobody is known to be in it yet");
    let last = send(store, part(1, true, snapshot("E-1", 3, 5))).await;
    assert_eq!((last.records, last.erased.map(|erased| erased.records)), (2, Some(1)));
    assert_eq!(raw(store, "e-7").await, [false]);
    assert_eq!(persons(store, "G-1").await.len(), 1);
    for code in ["E-1", "E-2", "E-3"] {
        assert!(persons(store, code).await.is_empty(), "{code}");
    }
    send(store, message(store, "e-8", "eight", vec![Ok(vec![snapshot("F-1", 3, 9)])])).await;
    assert_eq!(raw(store, "e-8").await, [true], "others' bytes are kept");
}
