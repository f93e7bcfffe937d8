//! The configuration of a running hub is changed: a good one is gone by from the next request on,
//! a bad one is refused and says why, and nothing is lost, stalled or done twice.

mod beside;
mod channels;
mod load;
mod refused;
mod slow;
mod together;

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::harness::{Folder, Hub, Sender};

/// How long it may take until a configuration is in force, or refused.
const WITHIN: Duration = Duration::from_secs(30);

/// The agency whose mapping is changed, and its channel.
const CHANNEL: &str = "so-gui.ho-so";

/// What its mapping calls the procedure, and what the other one does.
const NAMES: [&str; 2] = ["Cấp giấy phép", "Cấp giấy phép (mẫu mới)"];

/// An agency's file in a hub's folder.
fn file(folder: &Folder, name: &str) -> std::path::PathBuf {
    folder.path().join("agencies").join(name)
}

/// Writes a file as a careful operator does: whole, under another name before.
fn written(folder: &Folder, name: &str, text: &str) {
    let path = file(folder, name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let beside = path.with_extension("new");
    fs::write(&beside, text).unwrap();
    fs::rename(beside, path).unwrap();
}

/// A file with one thing in it put in place of another.
#[track_caller]
fn changed(folder: &Folder, name: &str, from: &str, to: &str) {
    let text = fs::read_to_string(file(folder, name)).unwrap();
    assert!(text.contains(from), "`{from}` in {text}");
    written(folder, name, &text.replace(from, to));
}

/// Has the mapping call the procedure by one of its names.
fn named(folder: &Folder, name: usize) {
    let text = fs::read_to_string(file(folder, "so-gui/ho-so.toml")).unwrap();
    let (from, to) = (format!("'{}'", NAMES[1 - name]), format!("'{}'", NAMES[name]));
    written(folder, "so-gui/ho-so.toml", &text.replace(&from, &to));
}

/// An agency that is new to the hub.
fn joins(folder: &Folder, id: &str, more: &str) {
    for name in ["ho-so.toml", "tables/status.csv"] {
        let text = fs::read_to_string(file(folder, &format!("so-gui/{name}"))).unwrap();
        written(folder, &format!("{id}/{name}"), &text.replace("so-gui", id));
    }
    let text = format!(
        "id = \"{id}\"\nname = \"Sở Mới\"\nname_en = \"New Department\"\n\n\
         [channels.ho-so]\nmapping = \"ho-so.toml\"\n{more}"
    );
    written(folder, &format!("{id}/agency.toml"), &text);
}

/// One record, as a line.
fn record(code: &str) -> Vec<u8> {
    let record = json!({
        "ma": code, "phienBan": "1", "ngayNhan": "04/03/2024", "trangThai": "MOI",
        "nguoiNop": "Lâm Thị Mẫu",
    });
    format!("{record}\n").into_bytes()
}

/// How the hub's configuration stands.
async fn standing(sender: &Sender) -> Value {
    sender.found("/healthz").await["configuration"].clone()
}

/// Has the hub read its configuration again, and waits until it stands as wanted.
async fn reloaded(hub: &Hub, sender: &Sender, wanted: impl Fn(&Value) -> bool) -> Value {
    hub.signal("HUP");
    let began = Instant::now();
    loop {
        let told = standing(sender).await;
        if wanted(&told) {
            return told;
        }
        assert!(began.elapsed() < WITHIN, "it stays at {told}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Has the hub go by what is another configuration.
async fn changes(hub: &Hub, sender: &Sender) -> Value {
    let before = standing(sender).await;
    let other = |told: &Value| told["hash"] != before["hash"] && told["refused"].is_null();
    reloaded(hub, sender, other).await
}

/// Has the hub refuse what is faulty; gives how it stands then. The one before stays.
async fn refuses(hub: &Hub, sender: &Sender) -> Value {
    let before = standing(sender).await;
    let at = before["refused"]["at"].clone();
    let told =
        reloaded(hub, sender, |told| !told["refused"].is_null() && told["refused"]["at"] != at);
    let told = told.await;
    assert_eq!((&told["hash"], &told["since"]), (&before["hash"], &before["since"]));
    told["refused"].clone()
}

/// How often the hub has read its configuration, by what came of it.
async fn counted(sender: &Sender, end: &str) -> u64 {
    let answer = sender.client.get(format!("{}/metrics", sender.url)).send().await.unwrap();
    let text = answer.text().await.unwrap();
    let name = format!("lienthong_reloads_total{{end=\"{end}\"}} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name));
    line.map_or(0, |number| number.parse().unwrap())
}

/// Sends a message that must be stored.
async fn stores(sender: &Sender, channel: &str, id: &str) {
    let (status, receipt) = sender.push(channel, Some(id), &record(id)).await.unwrap();
    assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
}

/// What the record of a message calls its procedure.
async fn procedure(sender: &Sender, id: &str) -> String {
    let found = sender.found(&format!("/v1/dossiers/{id}?source=so-gui")).await;
    found["dossier"]["procedure_name"].as_str().unwrap().to_owned()
}
