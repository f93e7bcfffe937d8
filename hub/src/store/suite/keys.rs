//! Keys: kept, rotated, used, and revoked once; and what is noted of their bearers.

use jiff::{SignedDuration, Timestamp};

use crate::{
    journal::merkle::Digest,
    store::{ApiKey, Store},
};

fn key(id: &str) -> ApiKey {
    ApiKey::new(id.to_owned(), Digest::of(id.as_bytes()), "portal".to_owned())
}

async fn all(store: &dyn Store) -> Vec<ApiKey> {
    store.keys().await.unwrap()
}

/// Keys are kept, revoked once, and listed.
pub(crate) async fn kept(store: &dyn Store) {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let after = |hours: i64| now + SignedDuration::from_hours(hours);
    let told = ApiKey {
        name: Some("cổng".to_owned()),
        scopes: Some("feeds:read statistics:read".to_owned()),
        expires_at: Some(after(100)),
        certificate: Some("a0".repeat(32)),
        ..key("k1")
    };
    store.add_key(told.clone()).await.unwrap();
    assert!(store.add_key(told.clone()).await.is_err(), "an id is used once");
    assert_eq!(all(store).await, std::slice::from_ref(&told));

    // Another takes its place, and it ends in between; an end that is earlier stays.
    assert!(store.rotate_key("k1".to_owned(), key("k2"), after(10)).await.unwrap());
    let borne = ApiKey { certificate: Some("b1".repeat(32)), ..key("k3") };
    assert!(store.rotate_key("k1".to_owned(), borne.clone(), after(20)).await.unwrap());
    assert_eq!(all(store).await[2], borne);
    let ends: Vec<_> = all(store).await.into_iter().map(|one| (one.id, one.expires_at)).collect();
    let named = |id: &str, end| (id.to_owned(), end);
    assert_eq!(ends, [named("k1", Some(after(10))), named("k2", None), named("k3", None)]);
    let taken = store.rotate_key("k1".to_owned(), key("k2"), after(5)).await;
    assert!(taken.is_err() && all(store).await[0].expires_at == Some(after(10)), "whole or not");

    let uses = |at| vec![("k1".to_owned(), at), ("k2".to_owned(), at)];
    store.note_key_uses(uses(after(2))).await.unwrap();
    store.note_key_uses(uses(after(1))).await.unwrap();
    store.note_key_uses(Vec::new()).await.unwrap();
    let used: Vec<_> = all(store).await.into_iter().map(|one| one.used_at).collect();
    assert_eq!(used, [Some(after(2)), Some(after(2)), None]);

    assert!(store.revoke_key("k1".to_owned(), now).await.unwrap());
    assert!(!store.revoke_key("k9".to_owned(), now).await.unwrap());
    assert!(!store.rotate_key("k1".to_owned(), key("k4"), now).await.unwrap(), "it is revoked");
    assert!(!store.rotate_key("k9".to_owned(), key("k4"), now).await.unwrap(), "there is none");
    let told = all(store).await;
    assert_eq!((told.len(), told[0].revoked_at.is_some()), (3, true));
    assert!(!told[0].in_force(now) && told[1].in_force(now));
    super::accesses::kept(store).await;
}
