//! The suite on a real RabbitMQ, and what only a broker can do to us.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use adapters::outbound::Secret;
use lapin::{Channel, ConnectionProperties, options::ExchangeDeclareOptions, types::FieldTable};
use tokio::time::{Instant, sleep, timeout};

use super::{FEED, RECORDS, RabbitMq, is_absent};
use crate::{
    bus::{
        Bus, Line, Standing, Start, State,
        suite::{Journal, PATIENCE, conforms, follows, settles},
    },
    feeds::Outgoing,
};

/// A broker of a test's own.
struct Broker {
    address: String,
    folder: PathBuf,
}

fn script(arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/broker");
    let done = Command::new(script).args(arguments).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{out} {err}");
    out.trim().to_owned()
}

impl Broker {
    fn start() -> Self {
        let address = script(&["start", &std::process::id().to_string()]);
        let folder = script(&["folder", &address]).into();
        Self { address, folder }
    }

    fn control(&self, arguments: &[&str]) -> String {
        script(&[&["control", self.folder.to_str().unwrap()], arguments].concat())
    }

    fn signal(&self, name: &str) {
        let pid = std::fs::read_to_string(self.folder.join("pid")).unwrap();
        let sent = Command::new("kill").args([name, pid.trim()]).status().unwrap();
        assert!(sent.success());
    }

    fn bus(&self, standing: &Standing) -> Arc<dyn Bus> {
        let address = self.address.clone();
        let secret = Secret::new("bus", move || Ok(address.clone()));
        Arc::new(RabbitMq::new(secret, standing.clone()))
    }

    /// A line that has proved itself.
    async fn line(&self, standing: &Standing) -> Box<dyn Line> {
        let mut line = self.bus(standing).open().await.unwrap().unwrap();
        line.prepare().await.unwrap();
        line
    }

    /// Somebody else's channel.
    async fn channel(&self) -> (lapin::Connection, Channel) {
        let properties = ConnectionProperties::default();
        let connection = lapin::Connection::connect(&self.address, properties).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        (connection, channel)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        script(&["stop", self.folder.to_str().unwrap()]);
    }
}

fn events(numbers: std::ops::Range<u64>) -> Vec<Outgoing> {
    let event = |position: u64| Outgoing {
        position,
        id: format!("log/{position}"),
        key: "dossier-1.so-y-te.-".to_owned(),
        text: format!("{{\"id\":\"log/{position}\"}}").into_bytes(),
    };
    numbers.map(event).collect()
}

async fn stands(standing: &Standing, wanted: State) {
    let began = Instant::now();
    while standing.get().0 != wanted {
        assert!(began.elapsed() < PATIENCE, "{:?}", standing.get());
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_on_rabbitmq() {
    let (broker, journal) = (Broker::start(), Journal::new("rabbitmq"));
    conforms(broker.bus(&Standing::default()), &journal).await;
}

/// M4, M5: what the broker has no queue for, or no name can carry, is a failure and no panic.
#[tokio::test(flavor = "multi_thread")]
async fn what_no_queue_takes_is_not_sent() {
    let (broker, standing) = (Broker::start(), Standing::default());
    let mut line = broker.line(&standing).await;
    let (_connection, other) = broker.channel().await;
    let unbound = FieldTable::default();
    other.queue_unbind(FEED.into(), RECORDS.into(), "*.*.*".into(), unbound).await.unwrap();
    let sent = line.publish(&events(0..3)).await;
    let trouble = sent.trouble.map(|trouble| trouble.code);
    assert_eq!((sent.kept, trouble), (0, Some("bus-unroutable")));
    line.close().await;
    // Whoever opens the next has it bound again.
    let mut line = broker.line(&standing).await;
    let mut long = events(0..3);
    long[2].id = "a".repeat(300);
    let sent = line.publish(&long).await;
    assert!(sent.kept <= 2 && sent.trouble.is_some(), "{sent:?}");
}

/// The stream is deleted while nothing is published: the line is broken at once, and the next one
/// begins anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_feed_is_noticed() {
    let (broker, standing, journal) = (Broker::start(), Standing::default(), Journal::new("gone"));
    let bus = broker.bus(&standing);
    journal.grows(0..3).await;
    settles(&bus, &journal.store).await;
    let mut line = broker.line(&standing).await;
    assert!(!line.begins_anew());
    broker.control(&["delete_queue", FEED]);
    let trouble = timeout(PATIENCE, line.broken()).await.unwrap();
    assert_eq!(trouble.code, "bus-feed-deleted");
    let size = journal.store.head().await.unwrap().tree.size;
    journal.grows(3..4).await;
    settles(&bus, &journal.store).await;
    assert_eq!(journal.store.published().await.unwrap().since, size, "what was before is lost");
    assert_eq!(follows(&bus, Start::First, 4).await.len(), 4);
}

/// M2, M3: under an alarm publishing waits, is told so, and goes on: nothing is there twice.
#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_holds_publishing_up_and_no_more() {
    let (broker, standing) = (Broker::start(), Standing::default());
    let mut line = broker.line(&standing).await;
    broker.control(&["set_vm_memory_high_watermark", "0.000001"]);
    let all = events(0..50);
    let alarm = async {
        stands(&standing, State::Waiting).await;
        assert!(
            standing.get().1.unwrap().words.en.contains("memory or disk"),
            "{:?}",
            standing.get()
        );
        broker.control(&["set_vm_memory_high_watermark", "0.6"]);
    };
    let (sent, ()) =
        timeout(PATIENCE, async { tokio::join!(line.publish(&all), alarm) }).await.unwrap();
    assert!(sent.trouble.is_none() && sent.kept == 50, "{sent:?}");
    assert_eq!(standing.get().0, State::Publishing);
    let found = follows(&broker.bus(&standing), Start::First, 50).await;
    assert!(found.iter().zip(&all).all(|(found, sent)| found.id == sent.id));
}

/// M12: a broker that is frozen is given up before two heartbeats have passed.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_broker_is_given_up() {
    let (broker, standing) = (Broker::start(), Standing::default());
    let mut line = broker.line(&standing).await;
    broker.signal("-STOP");
    let began = Instant::now();
    let sent = line.publish(&events(0..10)).await;
    let took = began.elapsed();
    broker.signal("-CONT");
    assert!(sent.kept < 10 && sent.trouble.is_some(), "{sent:?}");
    assert!(took < Duration::from_secs(20), "{took:?}");
}

/// M8, M9: a broker whose way for dead letters is made otherwise is told, and published nothing to.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_whose_dead_letters_go_another_way_is_not_used() {
    let (broker, standing) = (Broker::start(), Standing::default());
    broker.line(&standing).await.close().await;
    // The exchange of dead letters is of another kind.
    let (_connection, other) = broker.channel().await;
    other.exchange_delete("lienthong.dead".into(), Default::default()).await.unwrap();
    let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
    let kind = lapin::ExchangeKind::Headers;
    let table = FieldTable::default();
    other.exchange_declare("lienthong.dead".into(), kind, options, table).await.unwrap();
    let mut line = broker.bus(&standing).open().await.unwrap().unwrap();
    assert_eq!(line.prepare().await.unwrap_err().code, "bus-differs");
    other.exchange_delete("lienthong.dead".into(), Default::default()).await.unwrap();
    broker.line(&standing).await.close().await;
}

#[test]
fn a_queue_that_is_starting_is_not_one_that_is_gone() {
    assert!(is_absent("NOT_FOUND - no queue 'lienthong.feed' in vhost '/'"));
    assert!(is_absent("NOT_FOUND - no exchange 'lienthong.records' in vhost '/'"));
    let starting = "NOT_FOUND - home node 'rabbit@a' of durable queue 'lienthong.feed' in vhost \
                    '/' is down or inaccessible";
    assert!(!is_absent(starting));
}
