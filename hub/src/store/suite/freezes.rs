//! Freezes: once frozen, the same bytes for ever.

use jiff::civil::date;

use super::{holds, message, open, send, snapshot};
use crate::{
    journal::merkle::Digest,
    registry::{Settings, report::Frozen},
    store::{Rules, Store, freezes::Freezing},
};

fn freezing(agency: &str, as_of: u64, report: &str) -> Freezing {
    Freezing {
        of: Frozen {
            form: "II.06a".to_owned(),
            period: "2024-H1".to_owned(),
            calendar: "nd09".to_owned(),
            agency: agency.to_owned(),
        },
        from: date(2023, 12, 15),
        to: date(2024, 6, 14),
        as_of,
        report: report.as_bytes().to_vec(),
    }
}

/// A report is frozen once, whoever asks and how often, and is the same bytes ever after; each
/// report stands alone.
pub(crate) async fn freezes(store: &dyn Store) {
    send(store, message(store, "f-1", "1", vec![Ok(vec![snapshot("F-1", 1, 4)])])).await;
    let all = || freezing("", 1, "figures of all");
    assert_eq!(store.frozen(all().of).await.unwrap(), None);
    let (first, is_new) = store.freeze(all()).await.unwrap();
    assert!(is_new && first.text.as_of <= first.position);
    assert_eq!((first.position, first.text.figures), (1, Digest::of(b"figures of all")));
    assert_eq!((&first.text.of, first.text.to), (&all().of, date(2024, 6, 14)));
    let again = freezing("", 2, "other figures");
    assert_eq!(store.freeze(again).await.unwrap(), (first.clone(), false), "it is frozen once");
    send(store, message(store, "f-2", "2", vec![Ok(vec![snapshot("F-1", 2, 9)])])).await;
    let (own, is_new) = store.freeze(freezing("so-y-te", 3, "figures of all")).await.unwrap();
    assert!(is_new && own.position == 3, "another agency's, with equal figures");
    let too_far = store.freeze(freezing("so-xay-dung", 99, "figures")).await.unwrap_err();
    assert!(too_far.reason.contains("not there"), "{too_far}");
    assert!(
        store
            .adopt(Rules {
                settings: Settings { stopped_is_paused: true, ..Settings::default() },
                ..Rules::default()
            })
            .await
            .unwrap()
    );
    for _ in 0..2 {
        let (found, report) = store.frozen(all().of).await.unwrap().unwrap();
        assert_eq!((&found, report.as_slice()), (&first, &b"figures of all"[..]));
        let listed = async |after, limit| store.freezes(after, limit).await.unwrap();
        assert_eq!(listed(None, 10).await, [first.clone(), own.clone()]);
        assert_eq!(listed(None, 1).await[..], std::slice::from_ref(&first)[..]);
        assert_eq!(listed(Some(1), 10).await[..], std::slice::from_ref(&own)[..]);
        assert_eq!(listed(Some(3), 10).await, []);
        assert_eq!(open(store, None).await, 0, "no number moves with a freeze");
        holds(store).await;
        store.rebuild().await.unwrap();
    }
}

/// Many that freeze one report at once: one freeze stands, and all are told of it. The stores may
/// be one.
pub(crate) async fn freezers(stores: [std::sync::Arc<dyn Store>; 2]) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let store = stores[number % 2].clone();
        let report = format!("figures {number}");
        tasks.spawn(async move { store.freeze(freezing("", 0, &report)).await.unwrap() });
    }
    let told = tasks.join_all().await;
    assert_eq!(told.iter().filter(|(_, is_new)| *is_new).count(), 1);
    assert!(told.iter().all(|(freeze, _)| *freeze == told[0].0));
    assert_eq!(stores[0].freezes(None, 10).await.unwrap().len(), 1);
    holds(&*stores[1]).await;
}
