//! A clock that was ahead and was set back: no turn waits for a time that never was.

use std::time::Duration;

use crate::store::{
    Store,
    pollers::{PollEnd, PollTrouble, PollTurn, Taken},
};

const CHANNEL: &str = "so-y-te.ho-so";
const HOUR: Duration = Duration::from_secs(3_600);

async fn taken(store: &dyn Store) -> Option<PollTurn> {
    match store.take_turn(CHANNEL.to_owned(), HOUR).await.unwrap() {
        Taken::Turn(turn) => Some(turn),
        Taken::After(_) => None,
    }
}

async fn ended(store: &dyn Store, turn: &PollTurn) -> bool {
    let told = contracts::problem::Bilingual { vi: "x".to_owned(), en: "x".to_owned() };
    let trouble = Some(PollTrouble { code: "refused".to_owned(), told });
    let (channel, token, pause) = (CHANNEL.to_owned(), turn.token, HOUR);
    store.end_turn(PollEnd { channel, token, moved: false, trouble, pause }).await.unwrap()
}

/// What was written of turns while the clock was 400 days ahead holds nobody up once it is set
/// back, and who had a turn then has it no more. `alter` changes rows behind the store's back.
pub(crate) async fn turns(store: &dyn Store, alter: impl AsyncFn(&str)) {
    let ahead = "UPDATE pollers SET ends_at = ends_at + 34560000000,
                     due_at = due_at + 34560000000, ended_at = ended_at + 34560000000";
    // The first time there may be no row yet.
    let first = match taken(store).await {
        Some(turn) => turn,
        None => taken(store).await.unwrap(),
    };
    assert!(taken(store).await.is_none(), "it is somebody's");
    assert!(ended(store, &first).await);
    assert!(taken(store).await.is_none(), "it failed, and is not due for an hour");
    alter(ahead).await;
    let second = taken(store).await.unwrap();
    assert_eq!(second.failures, 1);
    alter(ahead).await;
    let third = taken(store).await.unwrap();
    assert!(!ended(store, &second).await && ended(store, &third).await);
    let first = match store.take_publishing().await.unwrap() {
        Some(turn) => turn,
        None => store.take_publishing().await.unwrap().unwrap(),
    };
    assert_eq!(store.take_publishing().await.unwrap().map(|turn| turn.token), None);
    alter("UPDATE published SET ends_at = ends_at + 34560000000").await;
    let second = store.take_publishing().await.unwrap().unwrap();
    assert!(!store.move_published(first.token, 0).await.unwrap());
    assert!(store.move_published(second.token, 0).await.unwrap());
}
