//! The line to the broker is half open, slow, or ends in the midst of an answer. Messages are
//! accepted meanwhile, `/readyz` says what is wrong, the hub goes on by itself, and a subscriber
//! has each entry once by its id.

use std::{
    fs,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{accepts, bus, faults::has_all, settles, with_broker};
use crate::{
    backend::Backend,
    faults::proxy::{Line, Proxy},
    harness::{Folder, Hub, Random, Sender, seed},
    permutations::{AGENCY, Message, dossier},
    polls::foreign::Broker,
};

/// How long it may take until it is told: 5 s after the last confirmation, and a look.
const TOLD_MAX: Duration = Duration::from_secs(8);
/// How long a slow line, or one that ends, may keep what waits.
const GOES_ON_MAX: Duration = Duration::from_secs(30);
/// How often a line ends in the midst of answers.
const ENDS: u64 = 4;
/// Bytes of answers after which it does, at most: some confirmations.
const BYTES_MAX: u64 = 120;

/// A hub with a line to its broker that can fail.
struct Bed {
    broker: Broker,
    line: Proxy,
    folder: Folder,
    portal: String,
    hub: Hub,
    sender: Sender,
    seed: u64,
}

impl Bed {
    async fn new(name: &str) -> Self {
        let broker = Broker::start();
        let (line, by_way) = Proxy::before(&broker.address).await;
        let folder = with_broker(Backend::Sqlite, name, &broker);
        fs::write(folder.path().join("secrets.toml"), format!("truc = \"{by_way}\"\n")).unwrap();
        let (key, portal) = (folder.key(AGENCY), folder.key("portal"));
        let hub = Hub::start(&folder).await;
        let sender = hub.sender(&key);
        let bed = Self { broker, line, folder, portal, hub, sender, seed: seed(20_261_210) };
        bed.accepts(0).await;
        settles(&bed.sender).await;
        bed
    }

    /// Ten dossiers from a number on are accepted at once, however the line is.
    async fn accepts(&self, from: u64) {
        let all = (from..from + 10).flat_map(|one| dossier(self.seed, one));
        let began = Instant::now();
        accepts(&self.sender, &all.collect::<Vec<Message>>()).await;
        assert!(began.elapsed() < TOLD_MAX, "accepting took {:?}", began.elapsed());
    }

    /// What `/readyz` says to be wrong, once it does.
    async fn is_told(&self) -> String {
        let began = Instant::now();
        loop {
            let standing = bus(&self.sender).await;
            if let Some(code) = standing["trouble"]["code"].as_str() {
                assert!(standing["behind"].as_u64() > Some(0), "{standing}");
                return code.to_owned();
            }
            assert!(began.elapsed() < TOLD_MAX, "not told within {TOLD_MAX:?}: {standing}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// All is published by itself, once for who knows ids.
    async fn ends(self) {
        self.line.is(Line::Whole);
        settles(&self.sender).await;
        has_all(&self.folder, &self.broker, &self.hub.sender(&self.portal)).await;
        self.hub.stop();
        self.folder.verify();
    }
}

/// Something is silent without having ended: nobody is told by the system.
async fn is_silent(name: &str, line: Line) {
    let bed = Bed::new(name).await;
    bed.line.is(line);
    bed.accepts(10).await;
    let began = Instant::now();
    let code = bed.is_told().await;
    println!("{line:?}: `{code}` after {:?}", began.elapsed());
    assert!(["bus-blocked", "bus-silent", "connection-lost"].contains(&code.as_str()), "{code}");
    bed.accepts(20).await;
    bed.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_broker_that_is_not_reached_and_is_heard_keeps_nobody_waiting() {
    is_silent("bus-deaf", Line::Deaf).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_broker_that_is_reached_and_not_heard_keeps_nobody_waiting() {
    is_silent("bus-mute", Line::Mute).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_a_slow_line_and_one_that_loses_confirmations_all_is_published() {
    let bed = Bed::new("bus-slow").await;
    bed.line.is(Line::Slow);
    bed.accepts(10).await;
    let began = Instant::now();
    settles(&bed.sender).await;
    assert!(began.elapsed() < GOES_ON_MAX, "a slow line took {:?}", began.elapsed());
    let mut random = Random::new(bed.seed);
    let mut after = Vec::new();
    let mut next = 20;
    for _ in 0..ENDS {
        settles(&bed.sender).await;
        let (ended, bytes) = (bed.line.ended(), random.between(1, BYTES_MAX));
        bed.line.is(Line::EndsAfter(bytes));
        let began = Instant::now();
        while bed.line.ended() == ended {
            assert!(began.elapsed() < GOES_ON_MAX, "no connection ended after {bytes} bytes");
            bed.accepts(next).await;
            next += 10;
        }
        bed.line.is(Line::Whole);
        after.push(bytes);
    }
    println!("connections ended after {after:?} bytes");
    bed.ends().await;
}
