//! A hub under a constant load of every kind, for as long as one likes: what it holds must not
//! grow. Messages are pushed, files dropped, records delivered, the feed followed, dossiers looked
//! up and statistics asked for; raw bytes are pruned once. Each second it is looked at what the
//! process and its files hold. After a warm-up the second half is held against the first. What is
//! asserted is growth, not speed.
//!
//! `LIENTHONG_SOAK_SECONDS` says how long.

mod samples;

use std::{
    env, fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{task::JoinHandle, time::sleep};

use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply},
    harness::{Folder, Hub, Sender, seed},
    lienthong::{stderr, stdout},
    load::{Load, Process, within},
    permutations::AGENCY,
};

use samples::{Sample, Samples};

/// Seconds where `LIENTHONG_SOAK_SECONDS` says nothing.
const SECONDS: u64 = 10;
const SENDERS: u64 = 2;
/// A rest between files, and between looks at the feed's end.
const BETWEEN_FILES: Duration = Duration::from_millis(500);
const LOOKS: Duration = Duration::from_millis(250);
/// How long what is under way may take to come to its end.
const DRAINS_WITHIN: Duration = Duration::from_secs(60);

on_each_store!(what_a_hub_holds_does_not_grow_under_a_constant_load);

fn soak() -> Duration {
    let given = env::var("LIENTHONG_SOAK_SECONDS").ok();
    Duration::from_secs(given.map_or(SECONDS, |text| text.parse().unwrap()))
}

/// A hub that is sent, dropped and asked everything, and that delivers to one other.
pub(crate) fn folder(backend: Backend, name: &str, receiver: &Agency) -> Folder {
    let sources = ["mappings/agencies", "tests/corpus/delivery", "tests/corpus/drop"];
    let mut folder = backend.folder_of(name, &sources);
    let routes = "[[route]]\ncontract = \"dossier/1\"\nto = \"so-nhan.nhan\"\n";
    fs::write(folder.path().join("routes.toml"), routes).unwrap();
    for channel in ["tep", "nhieu", "on-dinh", "danh-dau"] {
        fs::create_dir_all(folder.path().join("drops/so-tha-tep").join(channel)).unwrap();
    }
    let endpoint = format!("url = \"{}/ho-so\"\nprivate = [\"127.0.0.1\"]\n", receiver.url);
    folder.configured_with(format!(
        "routes = \"routes.toml\"\n[endpoints.\"so-nhan.nhan\"]\n{endpoint}"
    ));
    folder
}

/// Drops one file after the other; gives how many.
async fn drops(folder: std::path::PathBuf, over: Arc<AtomicBool>) -> u64 {
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        let record = json!({
            "ma": format!("S-{number}"), "ngayNhan": "04/03/2024", "trangThai": "MOI",
            "nguoiNop": "Lâm Thị Mẫu",
        });
        let part = folder.join(format!("{number}.jsonl.part"));
        fs::write(&part, format!("{record}\n")).unwrap();
        fs::rename(&part, folder.join(format!("{number}.jsonl"))).unwrap();
        number += 1;
        sleep(BETWEEN_FILES).await;
    }
    number
}

/// A portal that follows the feed to its end: how many records it has seen, each after the last.
async fn follows(portal: Sender, over: Arc<AtomicBool>) -> u64 {
    let (mut path, mut seen) = ("/v1/feeds/records?limit=1000".to_owned(), 0);
    loop {
        let last = over.load(Ordering::Relaxed);
        let (status, body, next) = portal.page(&path).await;
        assert_eq!(status, 200, "{path}: {body}");
        seen += body.as_array().unwrap().len() as u64;
        let next = next.unwrap();
        let ended = next == path;
        path = next;
        if ended && last {
            return seen;
        }
        if ended {
            sleep(LOOKS).await;
        }
    }
}

/// Deliveries that wait, by the word of the operator's page.
pub(crate) async fn waiting(operator: &Sender) -> u64 {
    let page = operator.found("/v1/outbox").await;
    let channels = page["channels"].as_array().into_iter().flatten();
    channels.filter_map(|one| one["waiting"].as_u64()).sum()
}

/// Looks each second, and has raw bytes pruned when half of the time is over.
async fn looked_at(folder: &Folder, hub: &Hub, operator: &Sender) -> Samples {
    let (began, soak) = (Instant::now(), soak());
    let (mut samples, mut pruned) = (Samples::default(), false);
    while began.elapsed() < soak {
        samples.take(Sample::of(folder, hub.pid(), waiting(operator).await));
        if !pruned && began.elapsed() > soak / 2 {
            pruned = true;
            let done = tokio::task::block_in_place(|| folder.run(&["prune", "--older-than", "0d"]));
            assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
            println!("{}", stdout(&done).trim());
        }
        sleep(Duration::from_secs(1)).await;
    }
    samples
}

/// What others do all the while.
struct Others {
    over: Arc<AtomicBool>,
    files: JoinHandle<u64>,
    portal: JoinHandle<u64>,
}

impl Others {
    fn begin(folder: &Folder, portal: Sender) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let place = folder.path().join("drops/so-tha-tep/tep");
        let files = tokio::spawn(drops(place, over.clone()));
        let portal = tokio::spawn(follows(portal, over.clone()));
        Self { over, files, portal }
    }
}

async fn what_a_hub_holds_does_not_grow_under_a_constant_load(backend: Backend) {
    let receiver = Agency::new(|_, _| Reply::TAKEN).await;
    let folder = folder(backend, "soak", &receiver);
    let [key, portal, operator] = [AGENCY, "portal", "operator"].map(|who| folder.key(who));
    let hub = Hub::start(&folder).await;
    let operator = hub.sender(&operator);
    let load = Load::start(&folder, &hub, &key, (SENDERS, seed(20_261_211), Process::Stays));
    let others = Others::begin(&folder, hub.sender(&portal));
    let samples = looked_at(&folder, &hub, &operator).await;
    let met = load.stop().await;
    let acknowledged = met.told.acknowledged.len() as u64;
    others.over.store(true, Ordering::Relaxed);
    let files = others.files.await.unwrap();
    let done = folder.path().join("drops/so-tha-tep/tep/done").join(format!("{}.jsonl", files - 1));
    assert!(within(DRAINS_WITHIN, || done.exists()).await, "the last file is not taken");
    let began = Instant::now();
    while waiting(&operator).await > 0 {
        assert!(began.elapsed() < DRAINS_WITHIN, "what waits is not delivered");
        sleep(LOOKS).await;
    }
    println!("{acknowledged} messages, {files} files, {} delivered", receiver.count());
    let seen = others.portal.await.unwrap();
    // The last file may have come after the follower's last look.
    assert!((acknowledged..=acknowledged + files).contains(&seen), "{seen} records were seen");
    let events: Vec<Value> = hub.sender(&portal).feed("records", 1_000).await;
    assert_eq!(events.len() as u64, acknowledged + files);
    assert_eq!(met.turned_away, 0, "nothing was wrong, and somebody was turned away");
    samples.assert_level();
    hub.stop();
    folder.verify();
    if backend == Backend::Sqlite {
        given_back(&folder);
    }
}

/// The room of what is pruned is free, and a file that is written anew gives it back.
fn given_back(folder: &Folder) {
    let pruned = folder.run(&["prune", "--older-than", "0d"]);
    assert_eq!(pruned.status.code(), Some(0), "{}", stderr(&pruned));
    let before = samples::file_bytes(folder, "hub.db") + samples::file_bytes(folder, "hub.db-wal");
    let compacted = folder.run(&["prune", "--older-than", "0d", "--compact"]);
    assert_eq!(compacted.status.code(), Some(0), "{}", stderr(&compacted));
    let after = samples::file_bytes(folder, "hub.db") + samples::file_bytes(folder, "hub.db-wal");
    println!("{before} bytes before, {after} after");
    assert!(after < before, "{before} bytes before, {after} after");
    folder.verify();
}
