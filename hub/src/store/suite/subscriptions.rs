//! Subscriptions: what is kept of them, whose turn it is to send, and that a place moves under the
//! turn alone.

use std::time::Duration;

use super::holds;
use crate::{
    store::{
        Store,
        subscriptions::{
            ATTEMPTS_KEPT, Attempt, Change, Failed, FeedPlace, REFOLDED, SentOn, SubscriptionQuery,
            SubscriptionRow,
        },
    },
    webhooks::secrets::{self, Signing},
    webhooks::{SECRETS_MAX, Scheme, TooMany},
};

fn row(id: &str, owner: &str) -> SubscriptionRow {
    SubscriptionRow {
        id: id.to_owned(),
        owner: owner.to_owned(),
        feed: "records".to_owned(),
        dossier: Some("H19.01-240304-0001".to_owned()),
        url: "https://a.example/mat-khau".to_owned(),
        signature: "v1".to_owned(),
        secrets: "[]".to_owned(),
        place: FeedPlace { log_id: "log".to_owned(), position: 3, beside: String::new(), fold: 0 },
        made_at: 7,
        ..SubscriptionRow::default()
    }
}

fn attempt(number: usize) -> Attempt {
    let told = number.is_multiple_of(2).then(|| "HTTP 500".to_owned());
    let event = format!("log/{number}");
    Attempt { at: 1, event, status: Some(500), took: 2, told }
}

async fn one(store: &dyn Store, id: &str) -> SubscriptionRow {
    store.subscriptions(SubscriptionQuery::one(id)).await.unwrap().remove(0)
}

async fn turn(store: &dyn Store) -> u64 {
    for _ in 0..100 {
        if let Some(token) = store.take_webhooks().await.unwrap() {
            return token;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the turn never came");
}

fn sent(token: u64, version: u64, position: u64) -> SentOn {
    SentOn {
        id: "b".to_owned(),
        token,
        version,
        place: FeedPlace { log_id: "log".to_owned(), position, beside: "k".to_owned(), fold: 0 },
        tried: (0..ATTEMPTS_KEPT).map(attempt).collect(),
        failed: None,
    }
}

/// All of it.
pub(crate) async fn subscriptions(store: &dyn Store) {
    let who = "agency:so-y-te";
    assert!(store.add_subscription(row("a", who), 2).await.unwrap());
    assert!(store.add_subscription(row("b", who), 2).await.unwrap());
    assert!(!store.add_subscription(row("c", who), 2).await.unwrap(), "it has as many as it may");
    assert!(store.add_subscription(row("c", "portal"), 2).await.unwrap());
    let own = SubscriptionQuery { owner: Some(who.to_owned()), ..Default::default() };
    let ids = |rows: Vec<SubscriptionRow>| rows.into_iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!(ids(store.subscriptions(own).await.unwrap()), ["a", "b"]);
    let all = store.subscriptions(SubscriptionQuery::default()).await.unwrap();
    assert_eq!(ids(all), ["a", "b", "c"]);
    assert!(store.remove_subscription("c".to_owned()).await.unwrap());
    assert!(!store.remove_subscription("c".to_owned()).await.unwrap());
    let read = one(store, "b").await;
    assert!(!format!("{read:?}").contains("mat-khau"), "{read:?}");
    assert_eq!(SubscriptionRow { now: 0, ..read }, row("b", who));
    moves_under_the_turn(store).await;
    is_refolded(store).await;
    changes(store).await;
    holds(store).await;
}

async fn moves_under_the_turn(store: &dyn Store) {
    let first = turn(store).await;
    assert_eq!(store.take_webhooks().await.unwrap(), None, "it is somebody's");
    assert!(store.keep_webhooks(first).await.unwrap());
    let failed = |attempts, disabled: Option<&str>| {
        let (wait, disabled) = (Duration::from_secs(60), disabled.map(ToOwned::to_owned));
        SentOn { failed: Some(Failed { attempts, wait, disabled }), ..sent(first, 0, 5) }
    };
    assert!(store.sent_on(failed(1, None)).await.unwrap());
    let read = one(store, "b").await;
    let since = read.failing_since.unwrap();
    assert_eq!((read.attempts, read.place.position, &*read.place.beside), (1, 5, "k"));
    assert!((50_000..=60_000).contains(&(read.due_at - read.now)), "{}", read.due_at - read.now);
    assert_eq!(read.tried.len(), ATTEMPTS_KEPT);
    assert!(store.sent_on(failed(2, Some("failing"))).await.unwrap());
    let read = one(store, "b").await;
    assert_eq!((read.failing_since, read.disabled.as_deref()), (Some(since), Some("failing")));
    assert_eq!(read.tried.len(), ATTEMPTS_KEPT, "the last ones");
    assert!(store.change_subscription("b".to_owned(), Change::On).await.unwrap());
    let read = one(store, "b").await;
    assert_eq!((read.disabled, read.failing_since, read.due_at, read.attempts), (None, None, 0, 0));
    // Set back meanwhile: what is noted of the place before it changes nothing.
    let place = FeedPlace { log_id: "log".to_owned(), position: 1, beside: String::new(), fold: 2 };
    let back = Change::Place(place.clone());
    assert!(store.change_subscription("b".to_owned(), back).await.unwrap());
    assert!(!store.sent_on(sent(first, 0, 9)).await.unwrap());
    let read = one(store, "b").await;
    assert_eq!((read.place, read.version), (place, 1));
    assert!(store.sent_on(sent(first, 1, 9)).await.unwrap());
    store.leave_webhooks(first).await.unwrap();
    assert!(!store.sent_on(sent(first, 1, 10)).await.unwrap(), "a turn that was given up");
    let second = turn(store).await;
    assert!(second > first && !store.keep_webhooks(first).await.unwrap());
    // Of one who has lost it nothing ends another's turn.
    store.leave_webhooks(first).await.unwrap();
    assert!(store.sent_on(sent(second, 1, 10)).await.unwrap());
    assert!(!store.sent_on(SentOn { id: "x".to_owned(), ..sent(second, 1, 10) }).await.unwrap());
}

/// What is of another version of a fold is off until its place is set; never after that.
async fn is_refolded(store: &dyn Store) {
    let off = |fold| store.change_subscription("b".to_owned(), Change::Refolded(fold));
    let FeedPlace { fold, .. } = one(store, "b").await.place;
    assert!(!off(fold + 1).await.unwrap(), "its place is of another by now");
    assert_eq!(one(store, "b").await.disabled, None);
    assert!(off(fold).await.unwrap());
    assert_eq!(one(store, "b").await.disabled.as_deref(), Some(REFOLDED));
    let place = FeedPlace { log_id: "log".to_owned(), fold: fold + 1, ..FeedPlace::default() };
    let set = || store.change_subscription("b".to_owned(), Change::Place(place.clone()));
    assert!(set().await.unwrap());
    let read = one(store, "b").await;
    assert_eq!((read.place, read.disabled), (place.clone(), None));
    let known = Change::Off("gone".to_owned());
    assert!(store.change_subscription("b".to_owned(), known).await.unwrap());
    assert!(set().await.unwrap());
    assert_eq!(
        one(store, "b").await.disabled.as_deref(),
        Some("gone"),
        "that is no reason to go on"
    );
}

async fn changes(store: &dyn Store) {
    let known = |reason: &str| Change::Off(reason.to_owned());
    assert!(!store.change_subscription("x".to_owned(), known("gone")).await.unwrap());
    assert!(store.change_subscription("a".to_owned(), known("gone")).await.unwrap());
    assert!(store.change_subscription("a".to_owned(), known("switched-off")).await.unwrap());
    assert_eq!(one(store, "a").await.disabled.as_deref(), Some("gone"), "the first reason");
    store.note_attempts("a".to_owned(), vec![attempt(1)]).await.unwrap();
    store.note_attempts("x".to_owned(), vec![attempt(1)]).await.unwrap();
    assert_eq!(one(store, "a").await.tried, [attempt(1)]);
    let first = secrets::first(store, "a", Scheme::V1).unwrap();
    let change =
        |was: &str, now: &str| Change::Secrets { was: was.to_owned(), now: now.to_owned() };
    let set = change("[]", &first.stored);
    assert!(store.change_subscription("a".to_owned(), set.clone()).await.unwrap());
    assert!(!store.change_subscription("a".to_owned(), set).await.unwrap(), "they are others now");
    let stored = one(store, "a").await.secrets;
    let shown = first.shown.strip_prefix("whsec_").unwrap();
    assert!(stored == first.stored && !stored.contains(shown), "{stored}");
    let header = |stored: &str, now| {
        let signing = Signing::of(store, ("a", Scheme::V1), stored).unwrap();
        signing.header("id", now, b"{}").unwrap()
    };
    let of = (store, "a", Scheme::V1);
    let mut now = stored.clone();
    for number in 2..=SECRETS_MAX {
        now = secrets::rotated(of, &now, (1_000, 5_000)).unwrap().ok().unwrap().stored;
        assert_eq!(header(&now, 1_000).split(' ').count(), number);
    }
    assert!(matches!(secrets::rotated(of, &now, (1_000, 5_000)).unwrap(), Err(TooMany)));
    assert!(header(&now, 1_000).ends_with(&header(&stored, 1_000)), "the oldest comes last");
    assert_eq!(header(&now, 6_000).split(' ').count(), 1, "the others have ended");
    // Sealed for one subscription it opens no other's.
    assert!(Signing::of(store, ("b", Scheme::V1), &stored).is_err());
}
