//! Refusals that are open.

use std::sync::Arc;

use contracts::{Problem, problem};

use super::{holds, message, send, snapshot};
use crate::{
    journal::merkle::Digest,
    store::{
        Item, Store, Submission,
        refusals::{RefusalQuery, RefusalRow},
    },
};

const CHANNEL: &str = "so-y-te.ho-so";

/// A date that is none.
pub(crate) fn refused() -> Vec<Problem> {
    vec![Problem::new(&problem::BAD_DATE).with_value("31/02/2013", false)]
}

fn bad(key: &str) -> Item {
    let missing = Problem::new(&problem::MISSING_MEMBER).at("/status");
    let problems = [refused(), vec![missing]].concat();
    Item { record: Some(1), key: Some(key.to_owned()), outcome: Err(problems) }
}

fn good(key: &str) -> Item {
    Item { record: Some(1), key: None, outcome: Ok(vec![snapshot(key, 1, 4)]) }
}

fn of(store: &dyn Store, id: &str, payload: &str, items: Vec<Item>) -> Submission {
    Submission { items: Arc::new(items), ..message(store, id, payload, Vec::new()) }
}

/// Codes and how many refusals have each, as `code=n`.
async fn counts(store: &dyn Store) -> Vec<String> {
    let counts = store.refusal_counts(Some(CHANNEL.to_owned())).await.unwrap();
    counts.iter().map(|one| format!("{}={}", one.code, one.refusals)).collect()
}

async fn page(
    store: &dyn Store,
    code: &str,
    before: Option<(u64, u32)>,
    limit: u32,
) -> Vec<RefusalRow> {
    let (channel, code) = (CHANNEL.to_owned(), code.to_owned());
    store.open_refusals(RefusalQuery { channel, code, before, limit }).await.unwrap()
}

/// A refusal is open until its message or its record is told again, or it is settled by hand; and
/// the counts are those of what is open.
pub(crate) async fn refusals(store: &dyn Store) {
    assert!(counts(store).await.is_empty() && page(store, "", None, 9).await.is_empty());
    // One message: the second record of K-2 has no key to be known by.
    let nameless = Item { key: None, ..bad("") };
    let first = vec![good("K-0"), bad("K-1"), bad("K-2"), nameless];
    send(store, of(store, "m-1", "one", first)).await;
    assert_eq!(counts(store).await, ["=3", "bad-date=3", "missing-member=3"]);
    let all = page(store, "", None, 9).await;
    let keys: Vec<_> = all.iter().map(|row| row.key.as_deref()).collect();
    assert_eq!(keys, [None, Some("K-2"), Some("K-1")], "the latest first");
    assert_eq!((all[0].message.as_str(), all[0].refusal.problems.len()), ("m-1", 2));
    let two = page(store, "bad-date", None, 2).await;
    assert_eq!(two, all[..2]);
    let place = (two[1].position, two[1].place);
    assert_eq!(page(store, "bad-date", Some(place), 2).await, all[2..]);
    assert!(page(store, "bad-code", None, 9).await.is_empty());
    // What is sent again as it was changes nothing; a later message that stores the record does.
    send(store, of(store, "m-1", "one", vec![])).await;
    assert_eq!(counts(store).await[0], "=3");
    send(store, of(store, "m-2", "two", vec![good("K-1")])).await;
    assert_eq!(counts(store).await, ["=2", "bad-date=2", "missing-member=2"]);
    // Refused again: still one, the later.
    send(store, of(store, "m-3", "three", vec![bad("K-2")])).await;
    assert_eq!(counts(store).await[0], "=2");
    assert_eq!(page(store, "", None, 9).await[0].message, "m-3");
    // The same id, refused whole before: the attempt takes its place, in one batch as well.
    let mended = of(store, "m-3", "mended", vec![bad("K-9")]);
    let whole = of(store, "m-4", "four", vec![bad("K-4")]);
    let again = Submission { mapping: Digest::of(b"mended"), ..of(store, "m-4", "four", vec![]) };
    let again = Submission { items: Arc::new(vec![good("K-4")]), ..again };
    for reply in store.commit(vec![mended, whole, again]).await.unwrap() {
        reply.unwrap();
    }
    let left: Vec<_> = page(store, "", None, 9).await.into_iter().map(|row| row.key).collect();
    assert_eq!(left, [Some("K-9".to_owned()), None]);
    // Other content under an id that stored something: open until it is settled.
    send(store, of(store, "m-2", "other", vec![good("K-5")])).await;
    assert_eq!(counts(store).await, ["=3", "bad-date=2", "id-reused=1", "missing-member=2"]);
    let settle =
        async |id: &str| store.settle_refusals(CHANNEL.to_owned(), id.to_owned()).await.unwrap();
    assert_eq!((settle("m-2").await, settle("m-2").await, settle("none").await), (1, 0, 0));
    assert_eq!(settle("m-1").await, 1);
    assert_eq!(counts(store).await, ["=1", "bad-date=1", "missing-member=1"]);
    let other = store.refusal_counts(Some("so-y-te.khac".to_owned())).await.unwrap();
    assert!(other.is_empty());
    store.rebuild().await.unwrap();
    assert_eq!(counts(store).await[0], "=1", "a rebuild leaves them");
    holds(store).await;
}
