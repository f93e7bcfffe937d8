//! What every bus does: what is in the journal is followed, from any place on, in order, and what
//! comes again is known by its id.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Bus, Embedded, Followed, Publisher, Standing, Start, verify};
use crate::{
    feeds::outgoing,
    store::{Store, sqlite::SqliteStore, suite},
};

/// How long anything may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A store of its own, in a folder that goes with it.
pub(super) struct Journal {
    folder: std::path::PathBuf,
    pub(super) store: Arc<dyn Store>,
}

impl Journal {
    pub(super) fn new(name: &str) -> Self {
        let name = format!("lienthong-{}-bus-{name}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let store = Arc::new(SqliteStore::open(folder.join("hub.db")).unwrap());
        Self { folder, store }
    }

    /// Appends records, a few to each message; every tenth message is refused.
    pub(super) async fn grows(&self, messages: std::ops::Range<u32>) {
        for number in messages {
            let id = format!("m-{number}");
            let records = (0..4).map(|one| suite::snapshot(&format!("P-{number}-{one}"), 1, 4));
            let items = match number % 10 {
                9 => vec![Err(suite::refused())],
                _ => vec![Ok(records.collect())],
            };
            suite::send(&*self.store, suite::message(&*self.store, &id, &id, items)).await;
        }
    }

    /// The ids of all that is to be followed, in order.
    pub(super) async fn ids(&self) -> Vec<String> {
        let (mut ids, mut at) = (Vec::new(), 0);
        loop {
            let (events, next) = outgoing(&*self.store, at, 500).await.unwrap();
            if next == at {
                return ids;
            }
            ids.extend(events.into_iter().map(|event| event.id));
            at = next;
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Publishes until all is, where anything is to be published.
pub(super) async fn settles(bus: &Arc<dyn Bus>, store: &Arc<dyn Store>) {
    let Some(line) = bus.open().await.unwrap() else { return };
    line.close().await;
    let (standing, stop) = (Standing::default(), CancellationToken::new());
    let publisher = Publisher::new(bus.clone(), store.clone(), standing.clone());
    let size = store.head().await.unwrap().tree.size;
    let watching = async {
        while store.published().await.unwrap().position < size {
            sleep(Duration::from_millis(20)).await;
        }
        stop.cancel();
    };
    let both = async { tokio::join!(publisher.run(stop.clone()), watching) };
    timeout(PATIENCE, both).await.unwrap_or_else(|_| panic!("{:?}", standing.get()));
}

/// Follows so many events.
pub(super) async fn follows(bus: &Arc<dyn Bus>, from: Start, count: usize) -> Vec<Followed> {
    let mut follower = bus.follow(from).await.unwrap();
    let mut all = Vec::new();
    while all.len() < count {
        let next = timeout(PATIENCE, follower.next()).await;
        all.push(next.unwrap_or_else(|_| panic!("{} of {count}", all.len())).unwrap());
    }
    all
}

fn ids(all: &[Followed]) -> Vec<String> {
    all.iter().map(|one| one.id.clone()).collect()
}

/// The suite.
pub(super) async fn conforms(bus: Arc<dyn Bus>, journal: &Journal) {
    let store = &journal.store;
    journal.grows(0..200).await;
    settles(&bus, store).await;
    let told = journal.ids().await;
    assert_eq!(told.len(), 720);
    let all = follows(&bus, Start::First, told.len()).await;
    assert_eq!(ids(&all), told, "every event once, in the journal's order");
    assert!(all.is_sorted_by(|one, next| one.offset < next.offset));
    let event: serde_json::Value = serde_json::from_slice(&all[0].text).unwrap();
    assert_eq!((&event["specversion"], &event["id"]), (&"1.0".into(), &all[0].id.as_str().into()));
    // From any place on.
    for at in [1, 333, 719] {
        let rest = follows(&bus, Start::At(all[at].offset), told.len() - at).await;
        assert_eq!(rest, all[at..], "from {at}");
    }
    // Who follows is told what comes.
    let mut follower = bus.follow(Start::At(all[719].offset)).await.unwrap();
    assert_eq!(follower.next().await.unwrap(), all[719]);
    let growing = async {
        journal.grows(200..203).await;
        settles(&bus, store).await;
    };
    let (next, ()) = tokio::join!(timeout(PATIENCE, follower.next()), growing);
    let told = journal.ids().await;
    assert_eq!(next.unwrap().unwrap().id, told[720]);
    // What is published again comes under the same ids, and changes nothing for who knows them.
    store.publish_again(100).await.unwrap();
    settles(&bus, store).await;
    let size = store.head().await.unwrap().tree.size;
    let verdict = verify(&*bus, store, 0, size).await.unwrap();
    let counts = (verdict.events, verdict.found, verdict.lacking, verdict.strange);
    assert_eq!(counts, (732, 732, 0, 0), "{verdict:?}");
    let all = follows(&bus, Start::First, told.len()).await;
    assert_eq!(ids(&all).iter().collect::<BTreeSet<_>>(), told.iter().collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn embedded() {
    let journal = Journal::new("embedded");
    conforms(Arc::new(Embedded::new(journal.store.clone())), &journal).await;
}
