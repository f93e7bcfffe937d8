//! An API that commits late, repeats, reorders, fails and breaks off.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use super::{
    AGENCY, book,
    book::{Kept, agree},
    reading, standing, stands,
};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Hub, Random, seed},
};

/// Dossiers of the agency, and rows of a page.
const DOSSIERS: u64 = 150;
const PAGE: usize = 40;

on_each_store!(what_an_api_tells_is_taken_once_by_hubs_that_are_killed);

/// The agency's system.
#[derive(Default)]
struct Agency {
    kept: BTreeMap<String, Kept>,
    /// Whether it answers as it should, or as such systems do.
    moody: bool,
    asked: u64,
    /// Requests without the key.
    unsigned: u64,
    seed: u64,
}

/// The time of day in Viet Nam, as the system writes it.
fn now() -> String {
    let now = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(7);
    now.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

impl Agency {
    /// The answer to a request, whole or not.
    fn answer(&mut self, head: &str) -> Vec<u8> {
        self.asked += 1;
        let path = head.split(' ').nth(1).unwrap_or_default();
        let value = |name: &str| {
            let (_, query) = path.split_once('?')?;
            let told = query.split('&').find_map(|one| one.strip_prefix(name)?.strip_prefix('='));
            Some(told?.replace("%3A", ":"))
        };
        if !head.to_lowercase().contains("x-api-key:") {
            self.unsigned += 1;
            return whole("401 Unauthorized", "", "");
        }
        let mut random = Random::new(self.seed + self.asked);
        if self.moody {
            match random.between(0, 12) {
                0 => return whole("429 Too Many Requests", "retry-after: 1\r\n", ""),
                1 => return whole("500 Internal Server Error", "", "lỗi"),
                2 => return Vec::new(),
                _ => {}
            }
        }
        let since = value("tu").unwrap_or_default();
        let page: usize = value("trang").and_then(|at| at.parse().ok()).unwrap_or(1);
        let mut rows: Vec<(&String, &Kept)> =
            self.kept.iter().filter(|(_, one)| one.changed >= since).collect();
        rows.sort_by(|one, other| (&one.1.changed, one.0).cmp(&(&other.1.changed, other.0)));
        let rows = rows.chunks(PAGE).nth(page - 1).unwrap_or_default();
        let mut told: Vec<Value> = rows.iter().map(|(code, one)| one.told(code)).collect();
        if self.moody && !told.is_empty() {
            let at = random.between(0, told.len() as u64) as usize;
            told.rotate_left(at);
            told.push(told[0].clone());
        }
        let body = json!({ "duLieu": { "hoSo": told } }).to_string();
        let mut answer = whole("200 OK", "content-type: application/json\r\n", &body);
        if self.moody && random.between(0, 10) == 0 {
            answer.truncate(answer.len() - body.len() / 2);
        }
        answer
    }
}

fn whole(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

async fn serve(agency: Arc<Mutex<Agency>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(one(socket, agency.clone()));
        }
    });
    port
}

async fn one(mut socket: TcpStream, agency: Arc<Mutex<Agency>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if socket.read(&mut byte).await.unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    let answer = agency.lock().unwrap().answer(&String::from_utf8_lossy(&head));
    let _ = socket.write_all(&answer).await;
}

/// Changes dossiers for a while; what was changed is seen only some time later, as when a
/// transaction commits late.
async fn work(agency: Arc<Mutex<Agency>>, mut random: Random, rounds: u64) {
    let mut late: Vec<(String, Kept)> = Vec::new();
    for _ in 0..rounds {
        let code = format!("D-{}", random.between(0, DOSSIERS));
        if !late.iter().any(|(other, _)| *other == code) {
            let version = agency.lock().unwrap().kept.get(&code).map_or(0, |one| one.version);
            late.push((code, Kept { version: version + 1, changed: now() }));
        }
        while late.len() > 8 {
            let (code, kept) = late.swap_remove(random.between(0, late.len() as u64) as usize);
            agency.lock().unwrap().kept.insert(code, kept);
        }
        sleep(Duration::from_millis(random.between(5, 40))).await;
    }
    agency.lock().unwrap().kept.extend(late);
}

/// How often hubs are killed. One on a file goes on at once, one on a server after the lease of the
/// one that was killed.
fn kills(backend: Backend) -> (u64, u64) {
    match backend {
        Backend::Sqlite => (40, 400),
        Backend::Postgres => (5, 7_500),
    }
}

async fn what_an_api_tells_is_taken_once_by_hubs_that_are_killed(backend: Backend) {
    let seed = seed(20_261_126);
    let agency = Arc::new(Mutex::new(Agency { moody: true, seed, ..Agency::default() }));
    let port = serve(agency.clone()).await;
    let folder = reading(backend, "polls-api", &[("PORT", port.to_string())]);
    let key = folder.key(AGENCY);
    let mut random = Random::new(seed);
    let working = tokio::spawn(work(agency.clone(), Random::new(seed + 1), 1_200));
    let mut hub = Hub::start(&folder).await;
    let (kills, longest) = kills(backend);
    for _ in 0..kills {
        sleep(Duration::from_millis(random.between(30, longest))).await;
        hub.kill9();
        hub = Hub::start(&folder).await;
    }
    working.await.unwrap();
    let kept = agency.lock().unwrap().kept.clone();
    let sender = hub.sender(&key);
    agree(&sender, &kept).await;
    // Nothing is new any more: reading adds nothing.
    agency.lock().unwrap().moody = false;
    let entries = sender.feed("records", 1_000).await.len();
    let asked = agency.lock().unwrap().asked;
    while agency.lock().unwrap().asked < asked + 6 {
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(sender.feed("records", 1_000).await.len(), entries);
    let standing = standing(&sender).await;
    assert_eq!(standing["transport"], "poll");
    assert!(standing["cursor_age_seconds"].as_i64().is_some(), "{standing}");
    assert_eq!(agency.lock().unwrap().unsigned, 0);
    hub.stop();
    folder.verify();
}

/// What is wrong is told in both languages where officers look, and ends when it is mended.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_wrong_with_a_channel_is_told_and_ends_when_it_is_mended() {
    let agency = Arc::new(Mutex::new(Agency::default()));
    let first = Kept { version: 1, changed: now() };
    agency.lock().unwrap().kept.insert("D-1".to_owned(), first);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let folder = reading(Backend::Sqlite, "polls-told", &[("PORT", port.to_string())]);
    let (key, other) = (folder.key(AGENCY), folder.key("agency:so-khac"));
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    let told = stands(&sender, |one| one["failures"].as_u64() > Some(1)).await;
    assert_eq!(told["trouble"]["code"], "cannot-connect", "{told}");
    let page = reqwest::get(format!("{}/console", hub.url)).await.unwrap().text().await.unwrap();
    assert!(page.contains("Không kết nối được tới 127.0.0.1") && page.contains("so-doc.api"));
    // Who asks for another agency's channels finds none.
    assert_eq!(hub.sender(&other).found("/v1/pollers").await["pollers"], json!([]));
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let answering = agency.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(one(socket, answering.clone()));
        }
    });
    let told = stands(&sender, |one| one["failures"] == 0).await;
    assert!(told["trouble"].is_null() && told["succeeded_at"].is_string(), "{told}");
    let kept = agency.lock().unwrap().kept.clone();
    book::agree(&sender, &kept).await;
    assert!(!folder.log().contains("chìa khóa"), "a secret is in the log");
    hub.stop();
}

/// Two processes share a channel as they share the store; the one that stood still writes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hubs_one_reads_and_one_that_stood_still_doubles_nothing() {
    let agency = Arc::new(Mutex::new(Agency::default()));
    let port = serve(agency.clone()).await;
    let folder = reading(Backend::Postgres, "polls-two", &[("PORT", port.to_string())]);
    let key = folder.key(AGENCY);
    let one = Hub::start(&folder).await;
    let other = Hub::start(&folder).await;
    let working = tokio::spawn(work(agency.clone(), Random::new(7), 500));
    for _ in 0..2 {
        sleep(Duration::from_millis(700)).await;
        one.signal("STOP");
        sleep(Duration::from_millis(7_000)).await;
        one.signal("CONT");
    }
    working.await.unwrap();
    let kept = agency.lock().unwrap().kept.clone();
    agree(&other.sender(&key), &kept).await;
    one.stop();
    other.stop();
    folder.verify();
}
