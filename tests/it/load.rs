//! Agencies that go on sending whatever happens to their hub, and readers that go on asking.

use std::{
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::{JoinHandle, JoinSet};

use crate::{
    harness::{Folder, Hub, Random, Sender},
    ledger::{Ledger, Told},
    permutations::{CHANNEL, Message, dossier},
};

/// A sender's rest between messages: agencies do not send without end.
const REST: Duration = Duration::from_millis(6);
/// Its rest before a message goes again.
const AGAIN: Duration = Duration::from_millis(25);
/// Of a hundred attempts that come to nothing, so many are the message's last.
const GIVES_UP_PERCENT: u64 = 2;

/// What a reader asks in turn.
const QUESTIONS: &[&str] = &[
    "/healthz",
    "/v1/dossiers/BH.HT.24.000000",
    "/v1/messages/m-0-0",
    "/v1/statistics?from=2024-01-01&to=2024-12-31&by=agency",
    "/v1/feeds/records?limit=5",
    "/v1/feeds/dossiers?limit=5",
];

/// Whether the hub's process may end under its senders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Process {
    /// It may: no answer is an answer then.
    Dies,
    /// It must not: every request is answered.
    Stays,
}

/// What senders share.
struct Shared {
    /// Where the hub listens now.
    url: RwLock<String>,
    process: Process,
    seed: u64,
    senders: u64,
    over: AtomicBool,
    acknowledged: AtomicU64,
    turned_away: AtomicU64,
    repeated: AtomicU64,
}

impl Shared {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

/// What became of the questions of a reader.
#[derive(Debug, Default, Clone)]
pub(crate) struct Asked {
    pub(crate) answered: u64,
    pub(crate) turned_away: u64,
    pub(crate) slowest: Duration,
}

/// Senders and readers at work.
pub(crate) struct Load {
    shared: Arc<Shared>,
    senders: JoinSet<Ledger>,
    reader: Option<JoinHandle<Asked>>,
}

/// What senders met with.
#[derive(Debug)]
pub(crate) struct Met {
    pub(crate) told: Told,
    /// Attempts that were answered 503, or not at all.
    pub(crate) turned_away: u64,
    /// Messages of which an unanswered attempt had been stored.
    pub(crate) repeated: u64,
    pub(crate) asked: Asked,
}

impl Load {
    /// Sets so many senders to work; where the hub's process stays, a reader too.
    pub(crate) fn start(
        folder: &Folder,
        hub: &Hub,
        key: &str,
        (senders, seed, process): (u64, u64, Process),
    ) -> Self {
        let shared = Arc::new(Shared {
            url: RwLock::new(hub.url.clone()),
            process,
            seed,
            senders,
            over: AtomicBool::new(false),
            acknowledged: AtomicU64::new(0),
            turned_away: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
        });
        let mut tasks = JoinSet::new();
        for number in 0..senders {
            let ledger = Ledger::new(folder, number);
            tasks.spawn(send(shared.clone(), hub.sender(key), number, ledger));
        }
        let reader =
            (process == Process::Stays).then(|| tokio::spawn(ask(shared.clone(), hub.sender(key))));
        Self { shared, senders: tasks, reader }
    }

    /// Tells the senders where the hub listens now.
    pub(crate) fn moved_to(&self, url: &str) {
        url.clone_into(&mut self.shared.url.write().unwrap());
    }

    /// How many messages were acknowledged until now.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// How many attempts came to nothing until now.
    pub(crate) fn turned_away(&self) -> u64 {
        self.shared.turned_away.load(Ordering::Relaxed)
    }

    /// Waits until so many more messages are acknowledged.
    pub(crate) async fn goes_on(&self, more: u64, limit: Duration) {
        let wanted = self.acknowledged() + more;
        let done = || self.acknowledged() >= wanted;
        assert!(within(limit, done).await, "nothing is acknowledged within {limit:?}");
    }

    /// Waits until another attempt is turned away.
    pub(crate) async fn is_turned_away(&self, limit: Duration) {
        let before = self.turned_away();
        let done = || self.turned_away() > before;
        assert!(within(limit, done).await, "nothing is turned away within {limit:?}");
    }

    /// Ends when each sender has brought its message under way to an end.
    pub(crate) async fn stop(self) -> Met {
        self.shared.over.store(true, Ordering::Relaxed);
        let ledgers = self.senders.join_all().await;
        let asked = match self.reader {
            Some(reader) => reader.await.unwrap(),
            None => Asked::default(),
        };
        Met {
            told: Told::of(ledgers),
            turned_away: self.shared.turned_away.load(Ordering::Relaxed),
            repeated: self.shared.repeated.load(Ordering::Relaxed),
            asked,
        }
    }
}

/// Whether something comes to be in time.
pub(crate) async fn within(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while !done() {
        if began.elapsed() > limit {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    true
}

/// One agency's system: its own dossiers, the messages of each in any order.
async fn send(shared: Arc<Shared>, mut sender: Sender, number: u64, mut ledger: Ledger) -> Ledger {
    let mut random = Random::new(shared.seed ^ number);
    for turn in 0.. {
        if shared.is_over() {
            break;
        }
        let mut messages = dossier(shared.seed, turn * shared.senders + number);
        random.shuffle(&mut messages);
        for message in &messages {
            match deliver(&shared, &mut sender, message, &mut random).await {
                Some(outcome) => {
                    ledger.acknowledged(&message.id, &outcome);
                    shared.acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                None => ledger.given_up(&message.id),
            }
            tokio::time::sleep(REST).await;
        }
    }
    ledger
}

/// Sends one message until it is acknowledged: one without an answer goes again, as it was. Now
/// and then it is given up instead, and never sent again.
async fn deliver(
    shared: &Shared,
    sender: &mut Sender,
    message: &Message,
    random: &mut Random,
) -> Option<String> {
    for attempt in 0_u32..4_000 {
        sender.url.clone_from(&shared.url.read().unwrap());
        match sender.push(CHANNEL, Some(&message.id), &message.bytes).await {
            Ok((200, receipt)) => {
                let outcome = receipt["outcome"].as_str().unwrap().to_owned();
                // A duplicate is an honest answer only where an earlier attempt went unanswered.
                assert!(outcome == "stored" || (outcome == "duplicate" && attempt > 0));
                assert_eq!(receipt["records"], 1, "{receipt}");
                if outcome == "duplicate" {
                    shared.repeated.fetch_add(1, Ordering::Relaxed);
                }
                return Some(outcome);
            }
            Ok((503, problem)) => assert_eq!(problem["code"], "later", "{problem}"),
            Err(error) => assert_eq!(shared.process, Process::Dies, "{}: {error}", message.id),
            Ok((status, body)) => panic!("{}: {status} {body}", message.id),
        }
        shared.turned_away.fetch_add(1, Ordering::Relaxed);
        if random.percent(GIVES_UP_PERCENT) {
            return None;
        }
        tokio::time::sleep(AGAIN).await;
    }
    panic!("{} is never answered", message.id);
}

/// A portal that looks things up all the time: it is told, or told to come again; it never waits
/// in vain, and never meets with a fault of the hub.
async fn ask(shared: Arc<Shared>, sender: Sender) -> Asked {
    let mut asked = Asked::default();
    for question in QUESTIONS.iter().cycle() {
        if shared.is_over() {
            break;
        }
        let began = Instant::now();
        match sender.get(question).await {
            (200 | 404, _) => asked.answered += 1,
            (503, problem) => {
                assert_eq!(problem["code"], "unavailable", "{question}: {problem}");
                asked.turned_away += 1;
            }
            (status, body) => panic!("{question}: {status} {body}"),
        }
        asked.slowest = asked.slowest.max(began.elapsed());
        let page = sender.status("/console").await;
        assert!(matches!(page, 200 | 503), "/console: {page}");
        assert_eq!(sender.status("/metrics").await, 200, "what is counted is always told");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    asked
}
