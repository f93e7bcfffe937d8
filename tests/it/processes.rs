//! Several processes of a hub on one database: together they are one hub.

mod bus;
mod ending;
mod equal;
mod restart;
mod stopped;
mod traffic;

use std::{
    collections::BTreeSet,
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::task::JoinSet;

use crate::{
    cluster::{database, psql as ask},
    harness::{Folder, Hub, Random, Sender, Verified},
    permutations::{AGENCY, CHANNEL, Message, dossier},
    polls::foreign::Broker,
};

/// What anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// A sender's rest before it tries the next process.
const REST: Duration = Duration::from_millis(25);

/// A hub of several processes.
struct Together {
    database: String,
    folders: Vec<Folder>,
    key: String,
}

impl Together {
    fn new(name: &str, processes: usize) -> Self {
        let database = database(name);
        let folder = |number| Folder::new(&format!("{name}-{number}")).with_store(database.clone());
        let folders: Vec<Folder> = (0..processes).map(folder).collect();
        let key = folders[0].key(AGENCY);
        Self { database, folders, key }
    }

    /// The same with a broker that they publish to.
    fn publishing(mut self, broker: &Broker) -> Self {
        let folders = self.folders.into_iter();
        self.folders = folders.map(|folder| crate::bus::publishing(folder, broker)).collect();
        self
    }

    /// Starts all processes at the same time.
    async fn start(&mut self) -> Vec<Hub> {
        let mut starting = JoinSet::new();
        for (number, folder) in self.folders.drain(..).enumerate() {
            starting.spawn(async move {
                let hub = Hub::start(&folder).await;
                (number, folder, hub)
            });
        }
        let mut started = starting.join_all().await;
        started.sort_by_key(|(number, ..)| *number);
        let mut hubs = Vec::new();
        for (_, folder, hub) in started {
            self.folders.push(folder);
            hubs.push(hub);
        }
        hubs
    }

    fn number(&self, sql: &str) -> u64 {
        ask(&self.database, sql).parse().unwrap()
    }

    /// Where the journal ends, and where the rollups do.
    fn ends(&self) -> (u64, u64) {
        let sql = "SELECT size || ' ' || position FROM lienthong.head, lienthong.rolled";
        let told = ask(&self.database, sql);
        let (size, rolled) = told.split_once(' ').unwrap();
        (size.parse().unwrap(), rolled.parse().unwrap())
    }

    /// The process that rolls up, and the token of its lease.
    fn roller(&self) -> (u32, u64) {
        let sql = "SELECT split_part(holder, ' ', 2) || ' ' || token FROM lienthong.leases
                   WHERE name = 'rollups'";
        let told = ask(&self.database, sql);
        let (process, token) = told.split_once(' ').unwrap();
        (process.parse().unwrap(), token.parse().unwrap())
    }

    /// All processes having ended: every message that was acknowledged is there once, each with
    /// its one record, positions have no gap, and every fold holds.
    #[track_caller]
    fn all_there_once(&self, acknowledged: &[String]) -> Verified {
        let ids: BTreeSet<&String> = acknowledged.iter().collect();
        let stored = ask(&self.database, "SELECT id FROM lienthong.messages ORDER BY id");
        let stored: Vec<&str> = stored.lines().collect();
        assert_eq!(stored, Vec::from_iter(ids.iter().map(|id| id.as_str())), "messages");
        let outcomes = "SELECT count(*) FROM lienthong.messages
                        WHERE outcome = 'stored' AND records = 1
                          AND first_position = last_position";
        assert_eq!(self.number(outcomes), ids.len() as u64, "stored with their one record");
        let gaps = "SELECT count(*) FROM lienthong.entries e
                    FULL JOIN generate_series(0, (SELECT size - 1 FROM lienthong.head)) p (position)
                      ON p.position = e.position
                    WHERE e.position IS NULL OR p.position IS NULL";
        assert_eq!(self.number(gaps), 0, "positions missing or beyond the end");
        // The first entry of the journal tells the rules.
        let verified = self.folders[0].verify();
        assert_eq!(verified.entries, 1 + ids.len() as u64);
        verified
    }
}

/// Waits until something holds.
#[track_caller]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Where the processes listen now: a sender goes to the next one when one does not take it.
#[derive(Clone)]
struct Doors(Arc<RwLock<Vec<String>>>);

impl Doors {
    fn of(hubs: &[Hub]) -> Self {
        Self(Arc::new(RwLock::new(hubs.iter().map(|hub| hub.url.clone()).collect())))
    }

    fn open(&self, number: usize, url: &str) {
        self.0.write().unwrap()[number] = url.to_owned();
    }

    fn url(&self, number: usize) -> String {
        let urls = self.0.read().unwrap();
        urls[number % urls.len()].clone()
    }
}

/// How a message came to be acknowledged.
#[derive(Debug, Default)]
struct Delivered {
    outcome: String,
    /// Answers "come again", each with the time to do so.
    put_off: u32,
    /// Attempts that no answer came to.
    unanswered: u32,
}

impl Delivered {
    fn turned_away(&self) -> u32 {
        self.put_off + self.unanswered
    }

    /// A duplicate is an honest answer only where an earlier attempt may have been kept.
    #[track_caller]
    fn assert_honest(&self) {
        assert!(self.outcome == "stored" || self.turned_away() > 0, "{self:?}");
    }
}

/// Sends one message until it is acknowledged. Nothing else may be answered meanwhile than that
/// it is to come again, and when.
async fn deliver(
    sender: &mut Sender,
    message: &Message,
    mut url: impl FnMut(u32) -> String,
) -> Delivered {
    let mut told = Delivered::default();
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        sender.url = url(told.turned_away());
        let id = Some(message.id.as_str());
        let Ok(answer) = sender.post(CHANNEL, id, &message.bytes).await else {
            told.unanswered += 1;
            tokio::time::sleep(REST).await;
            continue;
        };
        let status = answer.status().as_u16();
        let again = answer.headers().get("retry-after").cloned();
        let Ok(body) = answer.json::<Value>().await else {
            told.unanswered += 1;
            continue;
        };
        if status == 200 {
            told.outcome = body["outcome"].as_str().unwrap().to_owned();
            assert!(matches!(told.outcome.as_str(), "stored" | "duplicate"), "{body}");
            return told;
        }
        assert_eq!((status, &body["code"]), (503, &"later".into()), "{body}");
        let seconds: u32 = again.unwrap().to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "come again after {seconds} s");
        told.put_off += 1;
        tokio::time::sleep(REST).await;
    }
    panic!("{} is not acknowledged within {PATIENCE:?}: {told:?}", message.id);
}

/// An agency's system behind a balancer: one of several with dossiers of their own.
struct Client {
    number: u64,
    of: u64,
    seed: u64,
    /// Between two messages.
    rest: Duration,
}

impl Client {
    /// Sends until it is over, in any order and to any process; where one does not take a message,
    /// the next one is asked. What was acknowledged, and how many attempts were turned away.
    async fn sends(
        self,
        doors: Doors,
        mut sender: Sender,
        over: Arc<AtomicBool>,
    ) -> (Vec<String>, u32) {
        let mut random = Random::new(self.seed ^ self.number);
        let (mut acknowledged, mut turned_away) = (Vec::new(), 0);
        for turn in 0.. {
            if over.load(Ordering::Relaxed) {
                break;
            }
            let mut messages = dossier(self.seed, turn * self.of + self.number);
            random.shuffle(&mut messages);
            for message in messages {
                let first = random.next() as u32 % 3;
                let url = |tried: u32| doors.url((first + tried) as usize);
                let told = deliver(&mut sender, &message, url).await;
                told.assert_honest();
                turned_away += told.turned_away();
                acknowledged.push(message.id);
                tokio::time::sleep(self.rest).await;
            }
        }
        (acknowledged, turned_away)
    }
}
