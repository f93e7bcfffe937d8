//! One message from a hundred senders at once, before and after a restart, with its own content and
//! with another.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    backend::{Backend, on_each_store},
    harness::{Hub, Sender},
};

on_each_store!(a_hundred_at_once_are_one_message_whoever_takes_them);

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
