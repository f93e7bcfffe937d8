//! One message from a hundred senders at once, before and after a restart, with its own content and
//! with another; and all messages of a day once more.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply},
    harness::{Hub, Sender},
    permutations::{self, AGENCY, Message, dossier, send_all},
    soak::{self, waiting},
};

on_each_store!(
    a_hundred_at_once_are_one_message_whoever_takes_them,
    a_day_sent_again_changes_nothing_and_delivers_nothing,
);

const SENDERS: usize = 100;
const CHANNEL: &str = "so-gui.ho-so";

fn line(status: &str) -> String {
    let record = json!({
        "ma": "R-1", "phienBan": "1", "ngayNhan": "04/03/2024", "trangThai": status,
        "nguoiNop": "Lâm Thị Mẫu",
    });
    format!("{record}\n")
}

async fn push(sender: &Sender, line: &str) -> (u16, Value) {
    sender.push(CHANNEL, Some("m-1"), line.as_bytes()).await.unwrap()
}

/// What all senders are told, by status and outcome.
async fn told(senders: &[Sender], line: &str) -> BTreeMap<(u16, String), usize> {
    let mut all = JoinSet::new();
    for number in 0..SENDERS {
        let sender = senders[number % senders.len()].clone();
        let line = line.to_owned();
        all.spawn(async move { push(&sender, &line).await });
    }
    let mut told = BTreeMap::new();
    while let Some(answer) = all.join_next().await {
        let (status, body) = answer.unwrap();
        let receipt = body.get("receipt").unwrap_or(&body);
        let outcome = receipt["outcome"].as_str().unwrap_or_default().to_owned();
        *told.entry((status, outcome)).or_default() += 1;
    }
    told
}

async fn a_hundred_at_once_are_one_message_whoever_takes_them(backend: Backend) {
    let folder = backend.folder_of("repeated", &["tests/corpus/delivery"]);
    let key = folder.key("agency:so-gui");
    let mut hubs = vec![Hub::start(&folder).await];
    if backend == Backend::Postgres {
        hubs.push(Hub::start(&folder).await);
    }
    let senders: Vec<Sender> = hubs.iter().map(|hub| hub.sender(&key)).collect();
    let first = told(&senders, &line("MOI")).await;
    let expected = BTreeMap::from([
        ((200, "duplicate".to_owned()), SENDERS - 1),
        ((200, "stored".to_owned()), 1),
    ]);
    assert_eq!(first, expected);
    for mut hub in hubs {
        hub.kill9();
    }
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    let (status, again) = push(&sender, &line("MOI")).await;
    assert_eq!((status, &again["outcome"]), (200, &json!("duplicate")), "{again}");
    // The same id for other content changes nothing, however many say so.
    let other = told(&[hub.sender(&key)], &line("XONG")).await;
    assert!(other.keys().all(|(status, _)| *status == 409), "{other:?}");
    let feed = sender.feed("records", 100).await;
    assert_eq!(feed.len(), 1, "{feed:?}");
    hub.stop();
    folder.verify();
}

/// All that readers are told.
async fn everything(portal: &Sender) -> Vec<Value> {
    let mut all = vec![json!(portal.feed("records", 1_000).await)];
    all.push(json!(portal.feed("dossiers", 1_000).await));
    for by in ["agency", "procedure", "status", "day"] {
        all.push(portal.found(&format!("/v1/statistics?from=2024-01-01&by={by}")).await);
    }
    all
}

async fn a_day_sent_again_changes_nothing_and_delivers_nothing(backend: Backend) {
    let receiver = Agency::new(|_, _| Reply::TAKEN).await;
    let folder = soak::folder(backend, "repeated-day", &receiver);
    let [key, portal, operator] = [AGENCY, "portal", "operator"].map(|who| folder.key(who));
    let hub = Hub::start(&folder).await;
    let (sender, portal) = (hub.sender(&key), hub.sender(&portal));
    let operator = hub.sender(&operator);
    let day: Vec<Message> = (0..25).flat_map(|one| dossier(41, one)).collect();
    send_all(&sender, day.clone(), 4).await;
    receiver.takes(1, Duration::from_secs(20)).await;
    while waiting(&operator).await > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (before, delivered) = (everything(&portal).await, receiver.seen().len());
    assert!(before[0].as_array().unwrap().len() == day.len() && delivered >= 25, "{delivered}");
    for _ in 0..2 {
        for message in &day {
            let id = Some(message.id.as_str());
            let answer = sender.push(permutations::CHANNEL, id, &message.bytes).await.unwrap();
            assert_eq!((answer.0, &answer.1["outcome"]), (200, &json!("duplicate")), "{answer:?}");
        }
    }
    assert!(everything(&portal).await == before, "what readers are told has changed");
    assert_eq!(waiting(&operator).await, 0);
    assert_eq!(receiver.seen().len(), delivered, "something was delivered again");
    hub.stop();
    assert_eq!(folder.verify().entries, 1 + day.len() as u64);
}
