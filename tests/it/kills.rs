//! The hub dies at any moment; what it has acknowledged is there, once (trust §7 tests 1 and 2).

use std::{
    collections::BTreeMap,
    env, fs,
    io::Write as _,
    path::PathBuf,
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinSet;

use crate::{
    harness::{Folder, Hub, Random, Sender, seed},
    permutations::{AGENCY, CHANNEL, Message, dossier},
    recount::recount,
};

const CLIENTS: u64 = 8;
const ROUNDS: u64 = 40;
/// After so many kills the store is verified before the hub starts again.
const VERIFY_EVERY: u64 = 10;
/// A client's rest between messages: agencies do not send without end.
const REST: Duration = Duration::from_millis(6);

/// What the clients share.
struct Shared {
    /// Where the hub listens now.
    url: RwLock<String>,
    seed: u64,
    over: AtomicBool,
    unanswered: AtomicU64,
    repeated: AtomicU64,
}

/// A client's own record of what was acknowledged, on the disk before the next message goes.
struct Ledger {
    file: fs::File,
    acknowledged: Vec<String>,
}

impl Ledger {
    fn new(folder: &Folder, client: u64) -> Self {
        let path: PathBuf = folder.path().join(format!("ledger-{client}"));
        Self { file: fs::File::create(path).unwrap(), acknowledged: Vec::new() }
    }

    fn note(&mut self, id: &str, outcome: &str) {
        writeln!(self.file, "{id} {outcome}").unwrap();
        self.file.sync_data().unwrap();
        self.acknowledged.push(id.to_owned());
    }
}

/// Sends one message until it is acknowledged: one without an answer goes again, as it was.
async fn deliver(shared: &Shared, sender: &mut Sender, message: &Message) -> String {
    for attempt in 0_u32.. {
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
                return outcome;
            }
            Ok((503, _)) | Err(_) => {
                shared.unanswered.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
            Ok((status, body)) => panic!("{}: {status} {body}", message.id),
        }
        assert!(attempt < 2_000, "{} is never answered", message.id);
    }
    unreachable!()
}

/// One agency's system: its own dossiers, the messages of each in any order.
async fn client(
    shared: Arc<Shared>,
    mut sender: Sender,
    number: u64,
    mut ledger: Ledger,
) -> Ledger {
    let mut random = Random::new(shared.seed ^ number);
    for turn in 0.. {
        if shared.over.load(Ordering::Relaxed) {
            break;
        }
        let mut messages = dossier(shared.seed, turn * CLIENTS + number);
        random.shuffle(&mut messages);
        for message in &messages {
            let outcome = deliver(&shared, &mut sender, message).await;
            ledger.note(&message.id, &outcome);
            tokio::time::sleep(REST).await;
        }
    }
    ledger
}

/// Every acknowledged message has one attempt, stored, with its one record.
async fn all_there_once(sender: &Sender, acknowledged: Vec<String>) {
    let acknowledged = Arc::new(acknowledged);
    let mut tasks = JoinSet::new();
    for first in 0..CLIENTS as usize {
        let (sender, ids) = (sender.clone(), acknowledged.clone());
        tasks.spawn(async move {
            for id in ids.iter().skip(first).step_by(CLIENTS as usize) {
                let found = sender.found(&format!("/v1/messages/{id}?channel={CHANNEL}")).await;
                let attempts = found["messages"].as_array().unwrap();
                assert_eq!(attempts.len(), 1, "{found}");
                assert_eq!(attempts[0]["outcome"], "stored", "{found}");
                assert_eq!(attempts[0]["records"], 1, "{found}");
                assert_eq!(attempts[0]["first_position"], attempts[0]["last_position"]);
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

/// Kills the hub so many times at moments that the seed chooses, and starts it anew.
async fn kill_often(shared: &Shared, folder: &Folder, mut hub: Hub, rounds: u64) -> Hub {
    let mut random = Random::new(shared.seed);
    for round in 1..=rounds {
        tokio::time::sleep(Duration::from_millis(random.between(50, 900))).await;
        hub.kill9();
        if round % VERIFY_EVERY == 0 {
            folder.verify();
        }
        hub = Hub::start(folder).await;
        shared.url.write().unwrap().clone_from(&hub.url);
    }
    hub
}

/// How often hubs are killed.
fn rounds() -> u64 {
    let given = env::var("LIENTHONG_KILL_ROUNDS").ok();
    given.map_or(ROUNDS, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_acknowledged_survives_kills_and_counts_once() {
    let folder = Folder::new("kills");
    survives(&folder, rounds()).await;
    recount(&folder).assert_equal();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_on_postgres() {
    survives(&Folder::on_postgres("kills_postgres"), rounds().div_ceil(4)).await;
}

/// A hub under load is killed again and again; what it has acknowledged is there, once.
async fn survives(folder: &Folder, rounds: u64) {
    let seed = seed(20_240_502);
    let key = folder.key(AGENCY);
    let hub = Hub::start(folder).await;
    let shared = Arc::new(Shared {
        url: RwLock::new(hub.url.clone()),
        seed,
        over: AtomicBool::new(false),
        unanswered: AtomicU64::new(0),
        repeated: AtomicU64::new(0),
    });
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let ledger = Ledger::new(folder, number);
        clients.spawn(client(shared.clone(), hub.sender(&key), number, ledger));
    }
    let hub = kill_often(&shared, folder, hub, rounds).await;
    shared.over.store(true, Ordering::Relaxed);
    let ledgers = clients.join_all().await;
    let ids: Vec<String> = ledgers.into_iter().flat_map(|ledger| ledger.acknowledged).collect();
    let unanswered = shared.unanswered.load(Ordering::Relaxed);
    let repeated = shared.repeated.load(Ordering::Relaxed);
    println!(
        "{rounds} kills, {} messages, {unanswered} attempts unanswered, of which {repeated} had \
         been stored",
        ids.len()
    );
    assert!(unanswered > 0, "no kill hit a message: the test tells nothing");
    let sender = hub.sender(&key);
    let mut fed: BTreeMap<String, u32> = BTreeMap::new();
    for event in sender.feed("records", 1_000).await {
        *fed.entry(event["sequence"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(fed.len(), ids.len(), "records in the feed against messages acknowledged");
    assert!(fed.values().all(|times| *times == 1));
    let count = ids.len() as u64;
    all_there_once(&sender, ids).await;
    hub.stop();
    // The first entry of the journal tells the rules.
    assert_eq!(folder.verify().entries, 1 + count);
}
