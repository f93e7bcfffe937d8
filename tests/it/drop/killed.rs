//! Hubs that die while they take files in.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{AGENCY, Office, record};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Hub, Random, seed},
};

/// Files in all; one in [`BAD_EACH`] cannot be read.
const FILES: u32 = 500;
const BAD_EACH: u32 = 25;

/// Kills at most, should every file survive so many.
const KILLS_MAX: u32 = 60;

on_each_store!(files_taken_in_by_hubs_that_are_killed_end_once_in_one_place);

/// Which channel a file goes to: half of them one by one, half many at once.
fn channel(number: u32) -> &'static str {
    if number.is_multiple_of(2) { "tep" } else { "nhieu" }
}

fn is_bad(number: u32) -> bool {
    number.is_multiple_of(BAD_EACH)
}

fn drop_all(office: &Office) {
    for number in 0..FILES {
        let text = match is_bad(number) {
            true => "{\n".to_owned(),
            false => record(&format!("K-{number}"), "MOI"),
        };
        office.drops(channel(number), &format!("{number:03}.jsonl"), &text);
    }
}

/// Each file lies in one place with its answer, and each record is there once.
async fn all_is_there_once(office: &Office, hub: &Hub, key: &str) {
    for number in 0..FILES {
        let (name, channel) = (format!("{number:03}.jsonl"), channel(number));
        let (folder, other, ending) = match is_bad(number) {
            true => ("refused", "done", "refused"),
            false => ("done", "refused", "receipt"),
        };
        assert!(office.path(channel, &format!("{folder}/{name}")).exists(), "{name}");
        assert!(!office.path(channel, &format!("{other}/{name}")).exists(), "{name} twice");
        let told = office.json(channel, &format!("{folder}/{name}.{ending}.json"));
        let receipt = told.get("receipt").unwrap_or(&told);
        let first = receipt.get("first").unwrap_or(&receipt["outcome"]);
        let expected = if is_bad(number) { "refused" } else { "stored" };
        assert_eq!(first, expected, "{told}");
    }
    for channel in ["tep", "nhieu"] {
        let bad = (0..FILES).filter(|number| self::channel(*number) == channel && is_bad(*number));
        assert_eq!(office.files(channel, "refused").len(), 2 * bad.count());
        let good = (0..FILES).filter(|n| self::channel(*n) == channel && !is_bad(*n)).count();
        assert_eq!(office.files(channel, "done").len(), 2 * good);
    }
    let sender = hub.sender(key);
    let numbers = sender.found("/v1/statistics?from=2024-03-01&to=2024-03-31").await;
    let good = (0..FILES).filter(|number| !is_bad(*number)).count();
    assert_eq!(numbers["rows"][0]["measures"]["accepted"], good, "{numbers}");
    let mut fed: BTreeMap<String, u32> = BTreeMap::new();
    for event in sender.feed("records", 1_000).await {
        *fed.entry(event["subject"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let good = (0..FILES).filter(|number| !is_bad(*number));
    let once: BTreeMap<String, u32> = good.map(|number| (format!("K-{number}"), 1)).collect();
    assert_eq!(fed, once);
}

async fn files_taken_in_by_hubs_that_are_killed_end_once_in_one_place(backend: Backend) {
    let office = Office::new(backend, "drop-killed");
    let key = office.folder.key(AGENCY);
    drop_all(&office);
    let mut random = Random::new(seed(20_251_125));
    let mut hub = Hub::start(&office.folder).await;
    let (mut kills, mut claimed) = (0, 0);
    while kills < KILLS_MAX && office.waiting("tep") + office.waiting("nhieu") > 20 {
        sleep(Duration::from_millis(random.between(10, 200))).await;
        hub.kill9();
        kills += 1;
        claimed += office.files("tep", "claimed").len() + office.files("nhieu", "claimed").len();
        hub = Hub::start(&office.folder).await;
    }
    office.empties("tep").await;
    office.empties("nhieu").await;
    println!("{kills} kills left {claimed} files claimed");
    assert!(kills > 2 && claimed > 0, "no kill hit a file: the test tells nothing");
    all_is_there_once(&office, &hub, &key).await;
    hub.stop();
    office.folder.verify();
}

/// Several processes share the folders as they share the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hubs_on_one_folder_each_file_is_taken_by_one_also_when_one_dies() {
    let office = Office::new(Backend::Postgres, "drop-two");
    let key = office.folder.key(AGENCY);
    drop_all(&office);
    let mut one = Hub::start(&office.folder).await;
    let other = Hub::start(&office.folder).await;
    while office.waiting("tep") + office.waiting("nhieu") > FILES as usize * 3 / 4 {
        sleep(Duration::from_millis(5)).await;
    }
    one.kill9();
    office.empties("tep").await;
    office.empties("nhieu").await;
    all_is_there_once(&office, &other, &key).await;
    let outcomes: Value = json!(office.json("tep", "done/002.jsonl.receipt.json")["outcome"]);
    assert!(["stored", "duplicate"].contains(&outcomes.as_str().unwrap()));
    other.stop();
    office.folder.verify();
}
