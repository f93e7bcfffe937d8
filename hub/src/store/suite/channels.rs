//! How channels stand: their days, alerts, controls.

use contracts::problem::Bilingual;

use super::{holds, message, refused, send, snapshot};
use crate::store::{
    Store,
    channels::Alert,
    controls::{ControlKind, ControlRow, KeyRange},
};

const CHANNEL: &str = "so-y-te.ho-so";

fn alert(kind: &str, opened_at: i64) -> Alert {
    let told = Bilingual { vi: "Im lặng".to_owned(), en: "Silent".to_owned() };
    let (channel, kind) = (CHANNEL.to_owned(), kind.to_owned());
    Alert { channel, kind, told, opened_at, closed_at: None }
}

/// What came to an outcome is counted on its day, once; alerts open and close once; the latest
/// control is told, and keys are those that stand.
pub(crate) async fn channels(store: &dyn Store) {
    let days = async || {
        let channels = vec!["so-y-te.khac".to_owned(), CHANNEL.to_owned()];
        let mut days = store.channel_days(channels, 9).await.unwrap();
        assert!(days[0].is_empty());
        days.remove(1)
    };
    assert!(days().await.is_empty());
    let mixed = || vec![Ok(vec![snapshot("D-1", 1, 4), snapshot("D-2", 1, 4)]), Err(refused())];
    send(store, message(store, "d-1", "one", mixed())).await;
    send(store, message(store, "d-1", "one", mixed())).await;
    send(store, message(store, "d-2", "two", vec![Err(refused())])).await;
    let found = days().await;
    assert_eq!(found.len(), 1);
    let counts = found[0].counts;
    assert_eq!((counts.messages, counts.refused), (2, 1), "what is sent again counts once");
    assert_eq!((counts.records, counts.refused_records), (2, 2));
    assert!(counts.first_at <= counts.last_at && counts.pause == counts.last_at - counts.first_at);
    let today = found[0].day;
    for day in [today, today, today + 1] {
        store.add_repeats(day, vec![(CHANNEL.to_owned(), 2)]).await.unwrap();
    }
    let found = days().await;
    let told: Vec<_> = found.iter().map(|one| (one.counts.messages, one.repeats)).collect();
    assert_eq!(told, [(0, 2), (2, 4)], "the latest day first");

    let kinds = || vec!["silent", "paused"];
    let stand = async |standing: Vec<Alert>, now| {
        let changed = store.stand(kinds(), standing, now).await.unwrap();
        changed.into_iter().map(|one| (one.kind, one.closed_at)).collect::<Vec<_>>()
    };
    let both = vec![alert("paused", 5), alert("silent", 5)];
    assert_eq!(stand(both.clone(), 5).await.len(), 2);
    assert!(stand(vec![alert("paused", 9), alert("silent", 9)], 9).await.is_empty());
    assert_eq!(store.alerts().await.unwrap(), both, "since it was opened");
    assert_eq!(stand(vec![alert("paused", 12)], 12).await, [("silent".to_owned(), Some(12))]);
    assert_eq!(stand(both.clone(), 14).await, [], "at a moment at which it was open already");
    assert_eq!(stand(vec![alert("silent", 15)], 15).await.len(), 2);
    assert_eq!(store.alerts().await.unwrap(), [alert("silent", 15)]);

    let keys = async |from: (&str, bool), to: &str, limit| {
        let (source, from) = ("so-y-te".to_owned(), (from.0.to_owned(), from.1));
        store.keys_of(KeyRange { source, from, to: to.to_owned(), limit }).await.unwrap()
    };
    send(store, message(store, "d-3", "three", vec![Ok(vec![snapshot("D-10", 1, 4)])])).await;
    assert_eq!(keys(("D-1", true), "D-2", 9).await, ["D-1", "D-10", "D-2"]);
    assert_eq!(keys(("D-1", false), "D-19", 9).await, ["D-10"]);
    assert_eq!(keys(("", true), "E", 2).await, ["D-1", "D-10"]);
    let row = |at, missing| ControlRow {
        channel: CHANNEL.to_owned(),
        at,
        kind: ControlKind::Keys,
        source: "so-y-te".to_owned(),
        told: 3,
        missing,
        extra: 0,
    };
    for (at, missing) in [(7, 1), (9, 2), (8, 3)] {
        store.keep_control(row(at, missing)).await.unwrap();
    }
    store.keep_control(ControlRow { kind: ControlKind::Totals, ..row(10, 0) }).await.unwrap();
    assert_eq!(store.controls(None).await.unwrap(), [row(9, 2)]);
    assert_eq!(store.controls(Some("so-y-te.khac".to_owned())).await.unwrap(), []);
    holds(store).await;
}
