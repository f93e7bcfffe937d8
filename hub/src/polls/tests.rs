//! A client library that panics.

use std::{
    fs,
    sync::atomic::{AtomicU32, Ordering},
    time::Instant,
};

use adapters::{
    Arrival,
    reading::{Ended, Trouble, Turn},
};
use contracts::{Later, Receipt};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    lasting::Lasting,
    store::{pollers::PollerRow, sqlite::SqliteStore},
    telemetry::Telemetry,
};

/// Panics in its first turns, and then reads.
struct Faulty {
    panics: u32,
    turns: AtomicU32,
}

impl Reader for Faulty {
    fn turn(self: Arc<Self>, _: Turn) -> BoxFuture<'static, Result<Ended, Trouble>> {
        Box::pin(async move {
            let turn = self.turns.fetch_add(1, Ordering::Relaxed);
            assert!(turn >= self.panics, "a type nobody has heard of");
            Ok(Ended::default())
        })
    }
}

struct Nobody;

impl Inbox for Nobody {
    fn accept(&self, _: &str, _: Arrival) -> BoxFuture<'static, Result<Receipt, Later>> {
        Box::pin(async { Err(Later { reason: "nobody".to_owned(), retry_after_seconds: 1 }) })
    }
}

/// How a channel stands, once it does so.
async fn stands(store: &dyn Store, channel: &str, so: impl Fn(&PollerRow) -> bool) -> PollerRow {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        let rows = store.pollers().await.unwrap();
        if let Some(row) = rows.into_iter().find(|row| row.channel == channel && so(row)) {
            return row;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{channel} never stood so")
}

#[tokio::test]
async fn a_turn_that_panics_is_one_that_failed_and_reading_goes_on() {
    let folder = std::env::temp_dir().join(format!("lienthong-panics-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.join("hub.db")).unwrap());
    let (telemetry, stop) = (Telemetry::shared(), CancellationToken::new());
    let lasting = Lasting::new(telemetry.clone(), stop.clone());
    let poll = |channel: &str, panics| Poll {
        channel: channel.to_owned(),
        every: Duration::from_millis(100),
        keeper: Keeper::default(),
        reader: Arc::new(Faulty { panics, turns: AtomicU32::new(0) }),
    };
    let inbox: Arc<dyn Inbox> = Arc::new(Nobody);
    let (faulty, well) = (poll("so-y-te.ho-so", 2), poll("so-xay-dung.ho-so", 0));
    let reading = async {
        tokio::join!(
            faulty.run(store.clone(), inbox.clone(), &lasting),
            well.run(store.clone(), inbox.clone(), &lasting),
        )
    };
    let watching = async {
        let row = stands(&*store, "so-y-te.ho-so", |row| row.trouble.is_some()).await;
        assert_eq!(row.trouble.unwrap().code, "hub-fault");
        assert!(!row.under_way, "the turn is nobody's any more");
        let row = stands(&*store, "so-y-te.ho-so", |row| row.succeeded_at.is_some()).await;
        assert_eq!((row.failures, row.trouble), (0, None));
        let row = stands(&*store, "so-xay-dung.ho-so", |row| row.succeeded_at.is_some()).await;
        assert_eq!(row.failures, 0);
        stop.cancel();
    };
    tokio::join!(reading, watching);
    let told = telemetry.text();
    let line = "lienthong_faults_total{task=\"read\",channel=\"so-y-te.ho-so\"} 2";
    assert!(told.contains(line) && !told.contains("so-xay-dung"), "{told}");
    fs::remove_dir_all(&folder).unwrap();
}
