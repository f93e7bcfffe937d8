//! Moments that are held.

use std::time::Duration;

use super::Database;
use crate::store::{Store, portable::Portable, pruning::Pruning, suite};

#[tokio::test]
async fn a_moment_that_is_held_stays_what_it_was() {
    let database = Database::new("moments").await;
    suite::moments::moments(&database.open().await).await;
    database.drop().await;
}

#[tokio::test]
async fn raw_bytes_are_not_pruned_as_long_as_a_moment_is_held() {
    let database = Database::new("moments_pruned").await;
    let store = database.open().await;
    suite::damage::three_told(&store).await;
    let held = store.snapshot().await.unwrap();
    let refused = store.prune(2).await.unwrap_err().reason;
    assert!(refused.contains("a backup is being made"), "{refused}");
    drop(held);
    // Its session ends a moment later.
    let mut pruned = store.prune(2).await;
    for _ in 0..200 {
        if pruned.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        pruned = store.prune(2).await;
    }
    assert_eq!(pruned.unwrap().map(|raw| raw.messages), Some(1));
    drop(store);
    database.drop().await;
}

#[tokio::test]
async fn a_store_is_opened_while_another_process_writes() {
    let database = Database::new("opened").await;
    let store = database.open().await;
    let writes = async {
        for number in 0..400 {
            let id = format!("o-{number}");
            let record = suite::snapshot(&id, 1, 4);
            let message = suite::message(&store, &id, &id, vec![Ok(vec![record])]);
            store.commit(vec![message]).await.unwrap();
        }
    };
    let opens = async {
        for _ in 0..40 {
            drop(database.open().await);
        }
    };
    tokio::join!(writes, opens);
    drop(store);
    database.drop().await;
}
