//! Reloads under load: every acknowledged message is there once, made by one mapping, and nobody
//! is turned away or kept waiting for a reload.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{task::JoinSet, time::sleep};

use super::{CHANNEL, NAMES, WITHIN, counted, joins, named, standing, stores};
use crate::{
    backend::{Backend, on_each_store},
    delivery::{
        ROUTE,
        agency::{Agency, Reply},
        at, office, settled, started,
    },
    harness::{Folder, Hub, Random, Sender, seed},
};

on_each_store!(reloads_under_load_lose_nothing_and_keep_nobody_waiting);

const SENDERS: u64 = 4;

/// How often the configuration is changed, unless told.
const RELOADS: u64 = 24;

/// The longest that one request may take, on a machine that does much else: no reload takes so long
/// that it could hide here, for what is read again ends within eight seconds.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// What a reader asks in turn.
const QUESTIONS: [&str; 6] = [
    "/healthz",
    "/readyz",
    "/v1/channels",
    "/v1/outbox",
    "/v1/feeds/records?limit=5",
    "/v1/statistics?from=2024-01-01&to=2024-12-31&by=agency",
];

fn rounds() -> u64 {
    env::var("LIENTHONG_RELOADS").map_or(RELOADS, |told| told.parse().unwrap())
}

/// What senders and readers share.
#[derive(Default)]
struct Shared {
    over: AtomicBool,
    slowest: AtomicU64,
    answers: AtomicU64,
}

impl Shared {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn answered(&self, began: Instant) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        self.slowest.fetch_max(began.elapsed().as_millis() as u64, Ordering::Relaxed);
    }
}

/// Sends as long as it lasts; gives the ids that were acknowledged.
async fn sends(shared: Arc<Shared>, sender: Sender, number: u64) -> Vec<String> {
    let mut ids = Vec::new();
    for turn in 0_u64.. {
        if shared.is_over() {
            break;
        }
        let (id, began) = (format!("L-{number}-{turn}"), Instant::now());
        stores(&sender, CHANNEL, &id).await;
        shared.answered(began);
        ids.push(id);
        sleep(Duration::from_millis(4)).await;
    }
    ids
}

async fn asks(shared: Arc<Shared>, operator: Sender) -> Vec<String> {
    for question in QUESTIONS.iter().cycle() {
        if shared.is_over() {
            break;
        }
        let began = Instant::now();
        operator.found(question).await;
        shared.answered(began);
        sleep(Duration::from_millis(10)).await;
    }
    Vec::new()
}

/// Changes one thing in the configuration; says whether it is sound then.
fn change(folder: &Folder, round: u64) -> bool {
    let broken = |text: &str| {
        let mapping = fs::read_to_string(super::file(folder, "so-gui/ho-so.toml")).unwrap();
        super::written(folder, "so-gui/ho-so.toml", &mapping.replace("| code", text));
    };
    let routes = |text: &str| {
        let beside = folder.path().join("routes.new");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, folder.path().join("routes.toml")).unwrap();
    };
    match round % 8 {
        0 => named(folder, 1),
        1 => joins(folder, "so-moi", ""),
        2 => broken("| khong_co"),
        3 => {
            let mapping = fs::read_to_string(super::file(folder, "so-gui/ho-so.toml")).unwrap();
            let mended = mapping.replace("| khong_co", "| code");
            super::written(folder, "so-gui/ho-so.toml", &mended);
        }
        4 => routes(""),
        5 => named(folder, 0),
        6 => fs::remove_dir_all(super::file(folder, "so-moi")).unwrap(),
        _ => routes(ROUTE),
    }
    round % 8 != 2
}

async fn reloads_under_load_lose_nothing_and_keep_nobody_waiting(backend: Backend) {
    let mut random = Random::new(seed(20_261_127));
    let agency = Agency::new(|_, _| Reply::After(Duration::from_millis(3))).await;
    let folder = office(backend, "reload-load", ROUTE, &[("so-nhan.nhan", &at(&agency.url))]);
    let (hub, sender, operator) = started(&folder).await;
    let shared = Arc::<Shared>::default();
    let mut tasks = JoinSet::new();
    for number in 0..SENDERS {
        tasks.spawn(sends(shared.clone(), sender.clone(), number));
    }
    tasks.spawn(asks(shared.clone(), operator.clone()));
    let rounds = rounds();
    for round in 0..rounds {
        let sound = change(&folder, round);
        hub.signal("HUP");
        if sound {
            sleep(Duration::from_millis(random.between(200, 500))).await;
        } else {
            // It is told before it is mended, or there was no fault to tell.
            ends(&operator, |told| !told["refused"].is_null()).await;
        }
    }
    // What the files say at the end is in force at the end.
    named(&folder, 1);
    fs::write(folder.path().join("routes.toml"), ROUTE).unwrap();
    hub.signal("HUP");
    let unchanged = counted(&operator, "unchanged").await;
    let began = Instant::now();
    loop {
        // Those that came before this one may be read still.
        hub.signal("HUP");
        sleep(Duration::from_millis(100)).await;
        if counted(&operator, "unchanged").await > unchanged + 1 {
            break;
        }
        assert!(began.elapsed() < WITHIN, "{}", standing(&operator).await);
    }
    stores(&sender, CHANNEL, "L-end").await;
    shared.over.store(true, Ordering::Relaxed);
    let mut acknowledged: Vec<String> = tasks.join_all().await.into_iter().flatten().collect();
    acknowledged.push("L-end".to_owned());
    let slowest = Duration::from_millis(shared.slowest.load(Ordering::Relaxed));
    let [changed, refused] = [counted(&operator, "changed"), counted(&operator, "refused")];
    let (changed, refused) = (changed.await, refused.await);
    println!(
        "{changed} changed, {refused} refused, {} acknowledged, {} answers, slowest {slowest:?}",
        acknowledged.len(),
        shared.answers.load(Ordering::Relaxed)
    );
    assert!(slowest < ANSWER_MAX, "somebody waited {slowest:?}");
    assert!(changed >= rounds / 2 && refused >= rounds / 8, "{changed} {refused} of {rounds}");
    settled(&operator, "so-nhan.nhan").await;
    holds(&folder, hub, &sender, &acknowledged, &agency).await;
}

/// Waits until the configuration stands as wanted.
async fn ends(sender: &Sender, wanted: impl Fn(&Value) -> bool) {
    let began = Instant::now();
    loop {
        let told = standing(sender).await;
        if wanted(&told) {
            return;
        }
        assert!(began.elapsed() < WITHIN, "{told}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Holds the hub to what senders were told.
async fn holds(
    folder: &Folder,
    hub: Hub,
    sender: &Sender,
    acknowledged: &[String],
    agency: &Agency,
) {
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut there: BTreeMap<String, String> = BTreeMap::new();
    for event in sender.feed("records", 1_000).await {
        let code = event["data"]["source_code"].as_str().unwrap().to_owned();
        let name = event["data"]["procedure_name"].as_str().unwrap().to_owned();
        *names.entry(name.clone()).or_default() += 1;
        assert_eq!(there.insert(code.clone(), name), None, "{code} is there twice");
    }
    let ids: BTreeSet<&String> = acknowledged.iter().collect();
    assert_eq!(ids, there.keys().collect(), "messages acknowledged, and records that are there");
    let known: BTreeSet<&str> = names.keys().map(String::as_str).collect();
    assert_eq!(known, BTreeSet::from(NAMES), "either mapping has made some, and no other has");
    println!("{names:?}");
    // Once by its id, whichever generation delivered it.
    let taken = agency.taken();
    assert_eq!(taken.len(), agency.count(), "a delivery came twice");
    let mut delivered = BTreeSet::new();
    for one in &taken {
        let body: Value = serde_json::from_str(&one.body).unwrap();
        let code = body["source_code"].as_str().unwrap();
        assert_eq!(body["procedure_name"].as_str(), there.get(code).map(String::as_str), "{code}");
        assert!(delivered.insert(code.to_owned()), "{code} was delivered under two ids");
    }
    assert!(delivered.contains("L-end") && delivered.len() < there.len());
    hub.stop();
    let verified = folder.verify();
    assert_eq!(verified.entries, 1 + there.len() as u64, "the rules, and what was acknowledged");
    let log = folder.log();
    for word in ["broken off", "a fault of the hub", "panicked"] {
        assert!(!log.contains(word), "{word} in {log}");
    }
}
