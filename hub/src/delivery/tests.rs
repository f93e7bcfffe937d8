//! A client library that panics.

use std::{
    fs,
    sync::atomic::{AtomicU32, Ordering},
};

use adapters::{
    Arrival,
    outbound::{Answer, Failure, Message},
};
use contracts::{Later, Receipt};
use futures_util::future::BoxFuture;

use super::*;
use crate::{
    catalog::{Sending, gazetteer},
    store::{
        Prepared,
        deliveries::Destination,
        sqlite::SqliteStore,
        suite::{message, send, snapshot},
    },
    telemetry::Telemetry,
};

const TO: &str = "so-noi-vu.nhan-ho-so";

/// Panics the first times that it is asked for one message, and takes all others.
struct Faulty {
    panics: AtomicU32,
    taken: AtomicU32,
}

impl Outbound for Faulty {
    fn send(self: Arc<Self>, message: Message) -> BoxFuture<'static, Result<Answer, Failure>> {
        Box::pin(async move {
            let faulty = message.attributes.contains(&("subject", "A-1".to_owned()));
            let left = |left: u32| left.checked_sub(1);
            let panics = faulty
                && self.panics.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_ok();
            assert!(!panics, "a type nobody has heard of");
            self.taken.fetch_add(1, Ordering::Relaxed);
            Ok(Answer::default())
        })
    }
}

struct Nobody;

impl Inbox for Nobody {
    fn accept(&self, _: &str, _: Arrival) -> BoxFuture<'static, Result<Receipt, Later>> {
        Box::pin(async { Err(Later { reason: "nobody".to_owned(), retry_after_seconds: 1 }) })
    }
}

fn line(way: Arc<dyn Outbound>) -> Line {
    let channel = OutboundChannel {
        id: TO.into(),
        folder: Default::default(),
        sending: Sending::Rest,
        rendering: None,
        at_once: 1,
        per_second: None,
        timeout: Duration::from_secs(30),
        give_up: Duration::from_secs(3_600),
        accepted_when: None,
        later_when: None,
        takes: Vec::new(),
        answered_by: None,
    };
    Line { channel: Arc::new(channel), way, awake: Arc::default() }
}

#[tokio::test]
async fn an_attempt_that_panics_is_one_that_failed_and_others_are_delivered() {
    let folder = std::env::temp_dir().join(format!("lienthong-attempts-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.join("hub.db")).unwrap());
    let routed = |code: &str| {
        let to = Destination { channel: TO.into(), personal: false };
        Ok(vec![Prepared { destinations: vec![to], ..snapshot(code, 1, 4) }])
    };
    let items = vec![routed("A-1"), routed("A-2"), routed("A-3")];
    send(&*store, message(&*store, "m", "m", items)).await;
    let way = Arc::new(Faulty { panics: AtomicU32::new(2), taken: AtomicU32::new(0) });
    let deliveries = Deliveries { lines: vec![line(way.clone())] };
    let (telemetry, stop) = (Telemetry::shared(), CancellationToken::new());
    let lasting = Lasting::new(telemetry.clone(), stop.clone());
    let named = Arc::new(gazetteer().unwrap());
    let delivering = deliveries.run(store.clone(), Arc::new(Nobody), named, lasting);
    let watching = async {
        let began = Instant::now();
        loop {
            let waiting = store.waiting().await.unwrap();
            let Some(one) = waiting.first().filter(|one| one.waiting > 0) else { break };
            assert!(began.elapsed() < Duration::from_secs(30), "{one:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stop.cancel();
    };
    tokio::join!(delivering, watching);
    assert_eq!(way.taken.load(Ordering::Relaxed), 3);
    // Each was told as an attempt of which nobody knows how it ended, and as a fault.
    let line = format!("lienthong_delivery_attempts_total{{channel=\"{TO}\",end=\"unknown\"}} 2");
    let fault = format!("lienthong_faults_total{{task=\"deliver\",channel=\"{TO}\"}} 2");
    for line in [line, fault] {
        assert!(telemetry.text().contains(&line), "{line} is not in {}", telemetry.text());
    }
    fs::remove_dir_all(&folder).unwrap();
}
