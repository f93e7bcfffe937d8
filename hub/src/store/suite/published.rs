//! Turns of publishing: one at a time, and the position moves under the turn alone.

use std::time::Duration;

use super::holds;
use crate::store::{Store, published::Publishing};

async fn turn(store: &dyn Store) -> Publishing {
    for _ in 0..100 {
        if let Some(turn) = store.take_publishing().await.unwrap() {
            return turn;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the turn never came");
}

/// Who has the turn moves the position; who has lost it moves nothing, whatever it has published.
pub(crate) async fn published(store: &dyn Store) {
    assert_eq!(store.published().await.unwrap(), Default::default());
    let first = turn(store).await;
    assert_eq!(first.position, 0);
    assert_eq!(store.take_publishing().await.unwrap(), None, "it is somebody's");
    assert!(store.move_published(first.token, 5).await.unwrap());
    assert!(store.keep_publishing(first.token).await.unwrap());
    let row = store.published().await.unwrap();
    assert_eq!((row.position, row.since, row.under_way), (5, 0, true));
    assert!(row.moved_at.is_some() && row.holder.starts_with("process "), "{row:?}");
    store.leave_publishing(first.token).await.unwrap();
    assert!(!store.move_published(first.token, 6).await.unwrap(), "a turn that was given up");
    let second = turn(store).await;
    assert!(second.token > first.token && second.position == 5, "{second:?}");
    assert!(!store.keep_publishing(first.token).await.unwrap());
    assert!(!store.lose_published(first.token).await.unwrap());
    // Of one who has lost it nothing ends another's turn.
    store.leave_publishing(first.token).await.unwrap();
    assert!(store.lose_published(second.token).await.unwrap(), "the broker lost what was before");
    assert_eq!(store.published().await.unwrap().since, 5);
    assert!(store.move_published(second.token, 8).await.unwrap());
    // Publishing again ends the turn of whoever is at it.
    store.publish_again(2).await.unwrap();
    assert!(!store.move_published(second.token, 9).await.unwrap());
    let row = store.published().await.unwrap();
    assert_eq!((row.position, row.since, row.under_way), (2, 2, false));
    assert_eq!(turn(store).await.position, 2);
    holds(store).await;
}
