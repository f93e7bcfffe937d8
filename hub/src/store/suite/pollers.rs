//! Turns of reading: one at a time, and the cursor moves with what is accepted.

use std::{sync::Arc, time::Duration};

use adapters::Advance;
use contracts::problem::Bilingual;

use super::{holds, message, send, snapshot};
use crate::store::{
    Store, Submission,
    pollers::{Kept, PollEnd, PollTrouble, PollTurn, Taken},
};

const CHANNEL: &str = "so-y-te.ho-so";
const EVERY: Duration = Duration::from_millis(200);

/// Takes the turn, waiting for it as its readers do.
async fn turn(store: &dyn Store) -> PollTurn {
    for _ in 0..200 {
        match store.take_turn(CHANNEL.to_owned(), EVERY).await.unwrap() {
            Taken::Turn(turn) => return turn,
            Taken::After(rest) => tokio::time::sleep(rest.min(EVERY)).await,
        }
    }
    panic!("the turn never came");
}

fn read(store: &dyn Store, (token, cursor): (u64, &str), id: &str, version: u32) -> Submission {
    let record = snapshot("P-1", version, 4);
    let polled = vec![([1; 16], [version as u8; 16])];
    let advance = Some(Arc::new(Advance { token, cursor: cursor.to_owned(), polled }));
    Submission { advance, ..message(store, id, id, vec![Ok(vec![record])]) }
}

fn end(token: u64, trouble: Option<&str>, pause: Duration) -> PollEnd {
    let told =
        Bilingual { vi: "Không kết nối được.".to_owned(), en: "No route.".to_owned() };
    let trouble = trouble.map(|code| PollTrouble { code: code.to_owned(), told });
    PollEnd { channel: CHANNEL.to_owned(), token, moved: false, trouble, pause }
}

/// One reader at a time; what a reader accepts moves the cursor, what it may not moves nothing.
pub(crate) async fn pollers(store: &dyn Store) {
    let first = turn(store).await;
    assert_eq!((first.cursor.as_deref(), first.failures), (None, 0));
    let other = store.take_turn(CHANNEL.to_owned(), EVERY).await.unwrap();
    assert!(matches!(other, Taken::After(_)), "{other:?}");
    send(store, read(store, (first.token, "a"), "m-1", 1)).await;
    assert_eq!(
        store.polled(CHANNEL.to_owned(), vec![[1; 16], [2; 16]]).await.unwrap(),
        [([1; 16], [1; 16])]
    );
    // What was known already moves it as well.
    let again = send(store, read(store, (first.token, "b"), "m-1", 1)).await;
    assert_eq!(again.outcome, contracts::Outcome::Duplicate);
    // A token of nobody accepts nothing, and its neighbours in a batch are taken.
    let stale = read(store, (first.token + 7, "z"), "m-2", 9);
    let beside = read(store, (first.token, "c"), "m-3", 2);
    let replies = store.commit(vec![stale, beside]).await.unwrap();
    assert!(replies[0].is_err() && replies[1].is_ok(), "{replies:?}");
    assert_eq!(store.messages(Some(CHANNEL.to_owned()), "m-2".to_owned()).await.unwrap(), []);
    assert!(store.end_turn(end(first.token, None, Duration::ZERO)).await.unwrap());
    let late = read(store, (first.token, "late"), "m-4", 3);
    assert!(store.commit(vec![late]).await.unwrap()[0].is_err(), "its turn had ended");
    stand(store).await;
    let second = turn(store).await;
    assert_eq!(second.cursor.as_deref(), Some("c"));
    assert!(second.token > first.token);
    let kept =
        |token, well| store.keep_turns(vec![Kept { channel: CHANNEL.to_owned(), token, well }]);
    assert_eq!(kept(first.token, true).await.unwrap(), [] as [String; 0]);
    assert_eq!(kept(second.token, true).await.unwrap(), [CHANNEL]);
    assert!(!store.end_turn(end(first.token, None, Duration::ZERO)).await.unwrap());
    let moved = |token| store.move_cursor(CHANNEL.to_owned(), token, "d".to_owned());
    assert!(!moved(first.token).await.unwrap() && moved(second.token).await.unwrap());
    assert!(store.end_turn(end(second.token, Some("refused"), EVERY)).await.unwrap());
    let row = &store.pollers().await.unwrap()[0];
    assert_eq!((row.failures, row.under_way), (1, false));
    assert_eq!(row.trouble.as_ref().map(|told| told.code.as_str()), Some("refused"));
    // A turn that failed is not repeated before it is due, one that did not soon enough.
    let third = turn(store).await;
    assert_eq!((third.cursor.as_deref(), third.failures), (Some("d"), 1));
    assert!(store.end_turn(end(third.token, Some("refused"), EVERY)).await.unwrap());
    let again = turn(store).await;
    assert_eq!(again.failures, 2);
    // One that read something before it failed is the first in a row.
    let moved = PollEnd { moved: true, ..end(again.token, Some("refused"), EVERY) };
    assert!(store.end_turn(moved).await.unwrap());
    let third = turn(store).await;
    assert_eq!(third.failures, 1);
    let hour = Duration::from_secs(3_600);
    assert!(store.end_turn(end(third.token, None, hour)).await.unwrap());
    let fourth = turn(store).await;
    assert!(store.end_turn(end(fourth.token, Some("refused"), hour)).await.unwrap());
    tokio::time::sleep(2 * EVERY).await;
    let early = store.take_turn(CHANNEL.to_owned(), EVERY).await.unwrap();
    assert_eq!(early, Taken::After(EVERY));
    holds(store).await;
}

async fn stand(store: &dyn Store) {
    let rows = store.pollers().await.unwrap();
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!((row.channel.as_str(), row.failures, row.under_way), (CHANNEL, 0, false));
    assert!(row.moved_at <= row.succeeded_at && row.moved_at.is_some() && row.trouble.is_none());
}
