//! What was seen of what channels send.

use contracts::problem::Bilingual;
use mappings::profile::{Change, ChangeKind};

use super::{holds, message, refused, send};
use crate::store::{
    Store,
    holds::{HoldQuery, HoldRow},
    profiles::{Beginning, ProfileRow, Turn},
};

/// Messages are looked at once, whoever looks; what is kept is what the last one saw.
pub(crate) async fn profiles(store: &dyn Store) {
    let none = store.unprofiled(10).await.unwrap();
    assert_eq!((none.next, none.messages, none.received.len()), (1, 0, 0));
    for (id, payload) in [("p-1", "one"), ("p-2", ""), ("p-3", "three")] {
        send(store, message(store, id, payload, vec![Err(refused())])).await;
    }
    let found = store.unprofiled(2).await.unwrap();
    let numbers: Vec<u64> = found.received.iter().map(|one| one.message).collect();
    assert_eq!((found.next, found.messages, numbers), (1, 3, vec![1, 2]));
    assert_eq!(found.received[0].channel, "so-y-te.ho-so");
    assert!(found.received[0].recorded_at.parse::<jiff::Timestamp>().is_ok());
    let beginning = async |message, bytes| store.beginning(message, bytes).await.unwrap();
    let told = |bytes: &[u8], whole| Some(Beginning { bytes: bytes.to_vec(), whole });
    assert_eq!(beginning(3, 5).await, told(b"three", true));
    assert_eq!(beginning(3, 2).await, told(b"th", false));
    assert_eq!(beginning(2, 2).await, told(b"", true));
    assert_eq!(beginning(4, 2).await, None);
    let row = |period: &str, profile: &str| ProfileRow {
        channel: "so-y-te.ho-so".to_owned(),
        period: period.to_owned(),
        profile: profile.to_owned(),
    };
    let first = vec![row("2026-11", "{}"), row("2026-11-25", "{\"messages\":1}")];
    let turn = Turn { from: 1, to: 3, kept: first.clone(), ..Turn::default() };
    let (one, other) = (store.keep(turn.clone()), store.keep(turn));
    let (one, other) = tokio::join!(one, other);
    assert!(one.unwrap() ^ other.unwrap(), "a turn is kept once");
    assert_eq!(store.profiles(None).await.unwrap(), first);
    let kept = vec![row("2026-11-26", "{\"messages\":2}")];
    let dropped = vec![("so-y-te.ho-so".to_owned(), "2026-11-25".to_owned())];
    let stale = Turn { from: 1, to: 4, kept: kept.clone(), dropped: dropped.clone(), held: held() };
    assert!(!store.keep(stale).await.unwrap());
    assert_eq!(store.profiles(None).await.unwrap(), first, "what was not kept leaves nothing");
    let turn = Turn { from: 3, to: 4, kept: kept.clone(), dropped, held: held() };
    assert!(store.keep(turn).await.unwrap());
    let after = vec![first[0].clone(), kept[0].clone()];
    assert_eq!(store.profiles(Some(vec!["so-y-te.ho-so".to_owned()])).await.unwrap(), after);
    assert_eq!(store.profiles(Some(vec!["so-y-te.khac".to_owned()])).await.unwrap(), []);
    assert_eq!(store.unprofiled(9).await.unwrap().next, 4);
    let began = held();
    let some = async |channel: Option<&str>, open| {
        let channel = channel.map(ToOwned::to_owned);
        store.drift_holds(HoldQuery { channel, open }).await.unwrap()
    };
    assert_eq!(some(None, true).await, began, "begun once, with the turn that was kept");
    assert_eq!(some(Some("so-y-te.khac"), false).await, []);
    let accept = async |by: &str| {
        store.accept_drift("so-y-te.ho-so".to_owned(), 9, by.to_owned()).await.unwrap()
    };
    let accepted = |one: HoldRow| HoldRow { accepted: Some((9, "Lan".to_owned())), ..one };
    let all: Vec<HoldRow> = began.into_iter().map(accepted).collect();
    assert_eq!(accept("Lan").await, all);
    assert_eq!(accept("Minh").await, [], "once");
    assert_eq!(some(None, true).await, []);
    store.rebuild().await.unwrap();
    assert_eq!(store.profiles(None).await.unwrap(), after, "a rebuild leaves them");
    assert_eq!(some(Some("so-y-te.ho-so"), false).await, all);
    holds(store).await;
}

/// Two changes that hold a channel.
fn held() -> Vec<HoldRow> {
    let words = |vi: &str| Bilingual { vi: vi.to_owned(), en: "…".to_owned() };
    let row = |place| HoldRow {
        channel: "so-y-te.ho-so".to_owned(),
        held_at: 7,
        place,
        reading: "rules".to_owned(),
        change: Change {
            kind: ChangeKind::NewForm,
            records: "dossier/1".to_owned(),
            path: format!("ngay-{place}"),
            read: true,
            since: "2026-11-26".to_owned(),
            until: "2026-11-26".to_owned(),
            before: "dd/MM/yyyy 100 %".to_owned(),
            after: "MM/dd/yyyy 9 %".to_owned(),
            fresh: vec!["MM/dd/yyyy".to_owned()],
            detail: words("Cách ghi đã khác"),
            advice: words("Hỏi cơ quan gửi"),
        },
        accepted: None,
    };
    vec![row(0), row(1)]
}
