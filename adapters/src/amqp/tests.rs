//! A queue of a real broker: each of these tests has its own.

use std::{
    collections::BTreeSet,
    path::Path,
    process::Command,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use contracts::{Later, Receipt};
use futures_util::future::BoxFuture;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::FieldTable,
};
use tokio::{
    sync::{Mutex, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{AmqpConsume, Settings};
use crate::{
    inbound::{Arrival, Inbox},
    reach::Reach,
    reading::{Ended, Reader, Trouble, Turn, fixture::Notebook},
    suite::{CHANNEL, PATIENCE, Scripted, Sender, Told, conforms},
};

/// The broker of these tests, which ends with them.
fn broker() -> &'static str {
    static BROKER: OnceLock<String> = OnceLock::new();
    BROKER.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/broker");
        let id = std::process::id().to_string();
        let started = Command::new(script).args(["start", &id]).output().unwrap();
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        String::from_utf8(started.stdout).unwrap().trim().to_owned()
    })
}

fn settings() -> Settings {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    Settings {
        queue: format!("ho-so-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        declare: true,
        binding: None,
        at_once: 1,
        prefetch: 4,
        retry_max: Duration::from_millis(50),
    }
}

/// An inbox that lets a test see its verdicts.
struct Seen {
    inbox: Arc<Scripted>,
    verdicts: watch::Sender<Vec<Result<Receipt, Later>>>,
}

impl Inbox for Seen {
    fn accept(
        &self,
        channel: &str,
        arrival: Arrival,
    ) -> BoxFuture<'static, Result<Receipt, Later>> {
        let (accepted, verdicts) = (self.inbox.accept(channel, arrival), self.verdicts.clone());
        Box::pin(async move {
            let verdict = accepted.await;
            verdicts.send_modify(|all| all.push(verdict.clone()));
            verdict
        })
    }
}

/// One consumer with its queue.
struct Line {
    settings: Settings,
    inbox: Arc<Seen>,
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<Result<Ended, Trouble>>>>,
    publisher: (Connection, Channel),
    /// Whether the last message is still to be taken.
    pending: AtomicBool,
    well: Arc<AtomicBool>,
}

async fn publisher(address: &str) -> (Connection, Channel) {
    let connected = Connection::connect(address, ConnectionProperties::default()).await.unwrap();
    let channel = connected.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    (connected, channel)
}

fn turn(line: &Line) -> Turn {
    Turn {
        channel: CHANNEL.to_owned(),
        token: 1,
        cursor: None,
        inbox: line.inbox.clone(),
        memory: Arc::new(Notebook::default()),
        stop: line.stop.clone(),
        well: line.well.clone(),
        moved: Arc::default(),
    }
}

impl Line {
    async fn new(settings: Settings, inbox: Arc<Scripted>) -> Self {
        let address = tokio::task::spawn_blocking(broker).await.unwrap();
        let inbox = Arc::new(Seen { inbox, verdicts: watch::Sender::default() });
        let publisher = publisher(address).await;
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let queue = settings.queue.as_str().into();
        publisher.1.queue_declare(queue, options, FieldTable::default()).await.unwrap();
        let (stop, pending, well) = Default::default();
        Self { settings, inbox, stop, task: Mutex::default(), publisher, pending, well }
    }

    fn consumer(&self) -> Arc<AmqpConsume> {
        let reach = Reach { private: vec!["127.0.0.1".parse().unwrap()] };
        AmqpConsume::new(self.settings.clone(), broker().parse().unwrap(), Arc::new(reach))
    }

    async fn consume(&self) {
        let task = tokio::spawn(self.consumer().turn(turn(self)));
        *self.task.lock().await = Some(task);
    }

    async fn publish(&self, id: Option<&str>, payload: &[u8]) {
        let properties = BasicProperties::default().with_delivery_mode(2);
        let properties = match id {
            Some(id) => properties.with_message_id(id.into()),
            None => properties,
        };
        let (queue, options) = (self.settings.queue.as_str(), BasicPublishOptions::default());
        let channel = &self.publisher.1;
        let sent = channel.basic_publish("".into(), queue.into(), options, payload, properties);
        sent.await.unwrap().await.unwrap();
    }

    /// Messages that nobody has, once nobody consumes.
    async fn left(&self) -> u32 {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = self.settings.queue.as_str().into();
        let asked = self.publisher.1.queue_declare(queue, options, FieldTable::default());
        asked.await.unwrap().message_count()
    }

    async fn ended(&self) -> Result<Ended, Trouble> {
        let task = self.task.lock().await.take().unwrap();
        timeout(PATIENCE, task).await.unwrap().unwrap()
    }

    async fn verdicts(&self, count: usize) -> Vec<Result<Receipt, Later>> {
        let mut seen = self.inbox.verdicts.subscribe();
        let reached = seen.wait_for(|all| all.len() >= count);
        timeout(PATIENCE, reached).await.unwrap().unwrap().clone()
    }
}

impl Sender for Line {
    async fn start(inbox: Arc<Scripted>) -> Self {
        let line = Self::new(settings(), inbox).await;
        line.consume().await;
        line
    }

    async fn send(&self, key: &str, payload: &[u8]) -> Told {
        let before = self.inbox.verdicts.borrow().len();
        // What the hub keeps for later is not sent again.
        if !self.pending.swap(true, Ordering::AcqRel) {
            self.publish(Some(key), payload).await;
        }
        if self.stop.is_cancelled() {
            sleep(Duration::from_millis(300)).await;
            return Told::Nothing;
        }
        let verdict = self.verdicts(before + 1).await.pop().unwrap();
        match verdict {
            Err(later) => Told::Later(later.retry_after_seconds),
            Ok(receipt) => {
                self.pending.store(false, Ordering::Release);
                match receipt.first_outcome() {
                    contracts::Outcome::Conflict => Told::Conflict(receipt),
                    contracts::Outcome::Refused => Told::Refused(receipt),
                    _ => Told::Taken(receipt),
                }
            }
        }
    }

    async fn stop(&self) {
        self.stop.cancel();
        let task = self.task.lock().await.take();
        if let Some(task) = task {
            timeout(PATIENCE, task).await.unwrap().unwrap().unwrap();
        }
    }
}

conforms!(Line);

#[tokio::test]
async fn what_is_durable_is_acknowledged_and_what_is_not_stays() {
    let later = Later { reason: "the store is full".to_owned(), retry_after_seconds: 1 };
    let refused = crate::suite::receipt("m-1", contracts::Outcome::Refused, None);
    let script = [Ok(refused)].into_iter().chain(vec![Err(later); 1_000]);
    let line = Line::new(settings(), Scripted::new(script)).await;
    for id in ["m-1", "m-2", "m-3"] {
        line.publish(Some(id), id.as_bytes()).await;
    }
    line.consume().await;
    line.verdicts(4).await;
    let keys: Vec<_> =
        line.inbox.inbox.arrivals().into_iter().map(|(_, one)| one.key.unwrap()).collect();
    assert_eq!(keys[..3], ["m-1", "m-2", "m-2"], "nothing else is taken meanwhile");
    assert!(!line.well.load(Ordering::Acquire));
    line.stop().await;
    assert_eq!(line.left().await, 2, "the poison is gone, the others are there");
}

#[tokio::test]
async fn a_message_without_an_id_and_one_with_the_longest_are_taken() {
    let line = Line::new(settings(), Scripted::new([])).await;
    let longest = "ạ".repeat(85);
    line.publish(None, b"a").await;
    line.publish(Some(&longest), b"b").await;
    line.consume().await;
    line.verdicts(2).await;
    let keys: Vec<_> = line.inbox.inbox.arrivals().into_iter().map(|(_, one)| one.key).collect();
    assert_eq!(keys, [None, Some(longest)]);
    line.stop().await;
    assert_eq!(line.left().await, 0);
}

#[tokio::test]
async fn a_packed_message_is_unpacked_and_one_that_is_not_goes_on_as_it_came() {
    use std::io::Write;
    let line = Line::new(settings(), Scripted::new([])).await;
    let packed = |bytes: &[u8]| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    };
    let sound = packed("Hồ sơ ".repeat(900).as_bytes());
    let (cut, bomb) = (sound[..sound.len() - 9].to_vec(), packed(&vec![0; 8 << 20]));
    for payload in [&sound, &cut, &bomb] {
        let properties = BasicProperties::default().with_content_encoding("gzip".into());
        let (options, queue) = (BasicPublishOptions::default(), line.settings.queue.as_str());
        let published =
            line.publisher.1.basic_publish("".into(), queue.into(), options, payload, properties);
        published.await.unwrap().await.unwrap();
    }
    line.consume().await;
    line.verdicts(3).await;
    // Several are at work at once: which of them arrives first is not said.
    let arrivals = line.inbox.inbox.arrivals().into_iter();
    let of = |one: &Arrival| one.fault.as_ref().map(|fault| fault.rule.clone());
    let told: BTreeSet<(Vec<u8>, Option<String>)> =
        arrivals.map(|(_, one)| (one.payload.to_vec(), of(&one))).collect();
    let said = |rule: &str| Some(rule.to_owned());
    assert!(
        told == BTreeSet::from([
            ("Hồ sơ ".repeat(900).into_bytes(), None),
            (cut, said("Content-Encoding: gzip")),
            (bomb, said("inflation_max = 200")),
        ])
    );
    line.stop().await;
    assert_eq!(line.left().await, 0, "none is given again");
}

#[tokio::test]
async fn a_queue_that_is_deleted_or_missing_or_differs_is_told_and_made_again() {
    let line = Line::new(settings(), Scripted::new([])).await;
    line.consume().await;
    line.publish(Some("m-1"), b"1").await;
    line.verdicts(1).await;
    let queue = || line.settings.queue.as_str().into();
    line.publisher.1.queue_delete(queue(), QueueDeleteOptions::default()).await.unwrap();
    assert_eq!(line.ended().await.unwrap_err().code, "queue-gone");
    let mut absent =
        Line { settings: Settings { declare: false, ..line.settings.clone() }, ..line };
    absent.consume().await;
    assert_eq!(absent.ended().await.unwrap_err().code, "queue-missing");
    absent.settings.declare = true;
    absent.consume().await;
    // It is there when the consumer has made it.
    let there = async {
        while !absent.well.load(Ordering::Acquire) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, there).await.unwrap();
    absent.publish(Some("m-2"), b"2").await;
    absent.verdicts(2).await;
    absent.stop().await;
    let mut other = settings();
    other.queue.push_str("-khac");
    let line = Line::new(settings(), Scripted::new([])).await;
    let options = QueueDeclareOptions::default();
    let name = other.queue.as_str().into();
    line.publisher.1.queue_declare(name, options, FieldTable::default()).await.unwrap();
    let differs = Line { settings: other, ..line };
    differs.consume().await;
    assert_eq!(differs.ended().await.unwrap_err().code, "queue-differs");
}

#[tokio::test]
async fn wrong_credentials_and_places_are_told() {
    let line = Line::new(settings(), Scripted::new([])).await;
    let (_, at) = broker().split_once('@').unwrap();
    let reach = Arc::new(Reach { private: vec!["127.0.0.1".parse().unwrap()] });
    let told = async |address: String, reach: &Arc<Reach>| {
        let consumer =
            AmqpConsume::new(line.settings.clone(), address.parse().unwrap(), reach.clone());
        consumer.turn(turn(&line)).await.unwrap_err().code
    };
    let open = Arc::new(Reach::default());
    assert_eq!(told(format!("amqp://lienthong:sai@{at}"), &reach).await, "credentials-refused");
    assert_eq!(told(broker().to_owned(), &open).await, "address-not-allowed");
    assert_eq!(told("amqp://a:b@127.0.0.1:1/%2f".to_owned(), &reach).await, "cannot-connect");
    let address: super::Address = broker().parse().unwrap();
    assert_eq!(format!("{address:?}"), "Address");
    assert!("http://x".parse::<super::Address>().is_err());
}
