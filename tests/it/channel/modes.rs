//! A channel is tried, and promoted.

use std::fs;

use serde_json::{Value, json};

use super::{AT, event};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
    permutations::{AGENCY, CHANNEL},
};

on_each_store!(what_was_sent_in_trial_counts_when_it_is_sent_again_after_promotion);

fn mode(folder: &Folder, from: &str, to: &str) {
    let path = folder.path().join("agencies/ubnd-bien-hoa/agency.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

/// How many dossiers are counted, in whatever status.
async fn counted(sender: &Sender) -> i64 {
    let told = sender.found("/v1/statistics?from=2024-01-01&by=agency").await;
    let measures = told["rows"][0]["measures"].as_object().cloned().unwrap_or_default();
    let all = measures.iter().filter(|(name, _)| name.starts_with("in-status-"));
    all.map(|(_, n)| n.as_i64().unwrap()).sum()
}

async fn what_was_sent_in_trial_counts_when_it_is_sent_again_after_promotion(backend: Backend) {
    let folder = backend.folder("promoted");
    let plain = "mapping = \"ho-so.toml\"\n";
    let trial = "mapping = \"ho-so.toml\"\nmode = \"trial\"\n";
    mode(&folder, plain, trial);
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    let outcome = async |sender: &Sender, id: &str, bytes: Vec<u8>| -> Value {
        sender.push(CHANNEL, Some(id), &bytes).await.unwrap().1["outcome"].clone()
    };
    let thing = |number: u32, status: &str| event(&format!("BH.T.{number}"), status, AT);
    assert_eq!(outcome(&sender, "t-1", thing(1, "THU_LY")).await, "stored");
    assert_eq!(outcome(&sender, "t-2", thing(2, "THU_LY")).await, "stored");
    assert_eq!(outcome(&sender, "t-3", thing(3, "KHONG_CO")).await, "refused");
    assert_eq!(counted(&sender).await, 0);
    let path = format!("/v1/channels/{CHANNEL}/conformance");
    let told = sender.found(&path).await;
    assert_eq!((&told["mode"], &told["open_refusals"]), (&json!("trial"), &json!(1)));
    hub.stop();
    mode(&folder, trial, plain);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    // The same under its id; and other content under an id that was used for trying.
    assert_eq!(outcome(&sender, "t-1", thing(1, "THU_LY")).await, "stored");
    assert_eq!(outcome(&sender, "t-2", thing(22, "THU_LY")).await, "stored");
    assert_eq!(counted(&sender).await, 2);
    // From here on they are what ids are.
    assert_eq!(outcome(&sender, "t-1", thing(1, "THU_LY")).await, "duplicate");
    assert_eq!(outcome(&sender, "t-2", thing(2, "THU_LY")).await, "conflict");
    assert_eq!(counted(&sender).await, 2);
    hub.stop();
    folder.verify();
}
