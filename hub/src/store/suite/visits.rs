//! Visits: one turn at a time, and what is noted under it alone.

use std::time::Duration;

use super::holds;
use crate::store::{
    Store,
    visits::{Visit, VisitRow},
};

async fn turn(store: &dyn Store) -> u64 {
    for _ in 0..100 {
        if let Some(turn) = store.take_visits().await.unwrap() {
            return turn;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the turn never came");
}

fn visit(url: &str, reason: Option<&str>, status: Option<u16>) -> Visit {
    let reason = reason.map(ToOwned::to_owned);
    let wait = Duration::from_secs(60);
    Visit { url: url.to_owned(), reason, status, wait, ..Visit::default() }
}

async fn one(store: &dyn Store, url: &str) -> VisitRow {
    let all = store.visits().await.unwrap();
    all.into_iter().find(|row| row.url == url).unwrap()
}

/// Who has the turn notes; what fails is counted from the first time on, what is mended is not.
pub(crate) async fn visits(store: &dyn Store) {
    assert_eq!(store.visits().await.unwrap(), []);
    let first = turn(store).await;
    assert_eq!(store.take_visits().await.unwrap(), None, "it is somebody's");
    assert!(store.visited(first, visit("https://a.vn/", None, Some(200))).await.unwrap());
    let row = one(store, "https://a.vn/").await;
    assert_eq!((row.failures, row.failing_since, row.status), (0, None, Some(200)));
    assert!((59_000..=60_000).contains(&(row.due_at - row.visited_at)), "{row:?}");
    assert!(row.now >= row.visited_at, "{row:?}");
    let gone = visit("https://a.vn/", Some("status"), Some(404));
    assert!(store.visited(first, gone.clone()).await.unwrap());
    let since = one(store, "https://a.vn/").await.failing_since;
    assert!(since.is_some());
    assert!(store.visited(first, gone.clone()).await.unwrap());
    let row = one(store, "https://a.vn/").await;
    assert_eq!((row.failures, row.failing_since), (2, since), "since the first of them");
    assert_eq!((row.reason.as_deref(), row.status), (Some("status"), Some(404)));
    let unreached = visit("https://b.vn/", Some("unreachable"), None);
    assert!(store.visited(first, unreached).await.unwrap());
    assert_eq!(one(store, "https://b.vn/").await.failures, 1);

    store.leave_visits(first).await.unwrap();
    assert!(!store.visited(first, gone.clone()).await.unwrap(), "a turn that was given up");
    assert!(!store.forget_visits(first, vec!["https://a.vn/".to_owned()]).await.unwrap());
    assert_eq!(one(store, "https://a.vn/").await.failures, 2, "nothing is noted");
    let second = turn(store).await;
    assert!(second > first);
    assert!(!store.keep_visits(first).await.unwrap());
    // Of one who has lost it nothing ends another's turn.
    store.leave_visits(first).await.unwrap();
    assert!(store.keep_visits(second).await.unwrap());
    let moved =
        Visit { leads_to: Some("https://c.vn/".to_owned()), ..visit("https://a.vn/", None, None) };
    assert!(store.visited(second, moved).await.unwrap());
    let row = one(store, "https://a.vn/").await;
    assert_eq!((row.failures, row.failing_since, row.reason), (0, None, None), "mended");
    assert_eq!(row.leads_to.as_deref(), Some("https://c.vn/"));
    assert!(store.forget_visits(second, vec!["https://b.vn/".to_owned()]).await.unwrap());
    assert_eq!(store.visits().await.unwrap().len(), 1);
    holds(store).await;
}
