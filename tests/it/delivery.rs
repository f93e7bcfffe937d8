//! Deliveries of a running hub: what an agency that is sent records sees of it, whatever it does
//! itself.

pub(crate) mod agency;
pub(crate) mod certificates;
mod dead;
mod declared;
mod ending;
mod failing;
mod killed;
mod moved;
mod portal;
mod processes;
mod retranslated;
mod server;
mod systems;
mod unanswered;
mod ways;

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use serde_json::{Value, json};

use crate::{
    backend::Backend,
    harness::{Folder, Hub, Sender},
};

/// How long anything that is to arrive may take.
const WITHIN: Duration = Duration::from_secs(60);

/// Every dossier to one channel.
pub(crate) const ROUTE: &str = "[[route]]\ncontract = \"dossier/1\"\nto = \"so-nhan.nhan\"\n";

/// A hub's folder with routes, and endpoints of some channels.
pub(crate) fn office(
    backend: Backend,
    name: &str,
    routes: &str,
    endpoints: &[(&str, &str)],
) -> Folder {
    let mut folder = backend.folder_of(name, &["tests/corpus/delivery"]);
    fs::write(folder.path().join("routes.toml"), routes).unwrap();
    kept(&folder, "");
    let mut more = "routes = \"routes.toml\"\nsecrets = \"secrets.toml\"\n".to_owned();
    for (channel, settings) in endpoints {
        more.push_str(&format!("[endpoints.\"{channel}\"]\n{settings}\n"));
    }
    folder.configured_with(more);
    folder
}

/// What stands in the folder's file of secrets.
pub(crate) fn kept(folder: &Folder, lines: &str) {
    let file = folder.path().join("secrets.toml");
    fs::write(&file, lines).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
}

/// The settings of an endpoint on this machine.
pub(crate) fn at(url: &str) -> String {
    format!("url = \"{url}/ho-so\"\nprivate = [\"127.0.0.1\"]")
}

fn line(code: &str, version: u32, status: &str) -> String {
    let record = json!({
        "ma": code, "phienBan": version.to_string(), "ngayNhan": "04/03/2024",
        "trangThai": status, "nguoiNop": "Lâm Thị Mẫu",
    });
    format!("{record}\n")
}

/// Sends one message that must be stored.
async fn send(sender: &Sender, id: &str, lines: &str) {
    let (status, receipt) = sender.push("so-gui.ho-so", Some(id), lines.as_bytes()).await.unwrap();
    assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
}

/// How an outbound channel stands, by its operator's key.
async fn standing(operator: &Sender, channel: &str) -> Value {
    let all = operator.found("/v1/outbox").await;
    let all = all["channels"].as_array().unwrap();
    all.iter().find(|one| one["channel"] == channel).unwrap().clone()
}

/// Waits until a channel stands as wanted.
async fn stands(operator: &Sender, channel: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let began = std::time::Instant::now();
    loop {
        let one = standing(operator, channel).await;
        if wanted(&one) {
            return one;
        }
        assert!(began.elapsed() < WITHIN, "{one}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until nothing waits for a channel.
pub(crate) async fn settled(operator: &Sender, channel: &str) {
    stands(operator, channel, |one| one["waiting"] == 0).await;
}

/// What an operator does by `POST`.
async fn posted(operator: &Sender, path: &str, body: &str) -> (u16, Value) {
    let request = operator.client.post(format!("{}{path}", operator.url));
    let answer = request.bearer_auth(&operator.key).body(body.to_owned()).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// A hub with the keys of who sends and who runs it.
pub(crate) async fn started(folder: &Folder) -> (Hub, Sender, Sender) {
    let (agency, operator) = (folder.key("agency:so-gui"), folder.key("operator"));
    let hub = Hub::start(folder).await;
    let (sender, operator) = (hub.sender(&agency), hub.sender(&operator));
    (hub, sender, operator)
}
