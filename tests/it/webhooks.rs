//! Webhooks of a running hub: what somebody who subscribed to a feed is sent, whatever they do
//! themselves, and whatever becomes of the hub meanwhile.

mod addresses;
mod corrected;
mod documented;
mod dossiers;
mod failing;
mod findings;
mod kept;
mod order;
mod owners;
mod processes;
mod refolded;
mod rotated;

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    backend::Backend,
    delivery::agency::{Agency, Seen},
    harness::{Folder, Hub, Sender},
    lienthong::{root, stderr, stdout},
};

/// How long anything that is to arrive may take.
const WITHIN: Duration = Duration::from_secs(60);

const PATH: &str = "/v1/subscriptions";

/// Short waits, as a test wants them, and receivers on this machine.
const LINES: &str = "private_networks = [\"127.0.0.1\"]\n[webhooks]\nwaits_seconds = [1]\n\
                     give_up_seconds = 4\nanswer_seconds = 2\n";

/// A hub's folder, with two agencies that send.
fn office(backend: Backend, name: &str) -> Folder {
    let folder = backend.folder_of(name, &["tests/corpus/delivery"]);
    let agencies = folder.path().join("agencies");
    for file in ["ho-so.toml", "tables/status.csv"] {
        let text = fs::read_to_string(agencies.join("so-gui").join(file)).unwrap();
        let path = agencies.join("so-khac").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text.replace("so-gui", "so-khac")).unwrap();
    }
    let text = "id = \"so-khac\"\nname = \"Sở Khác\"\nname_en = \"Another Department\"\n\n\
                [channels.ho-so]\nmapping = \"ho-so.toml\"\n";
    fs::write(agencies.join("so-khac/agency.toml"), text).unwrap();
    folder.with_lines(LINES)
}

/// A hub with the keys of an agency and of who runs it.
async fn started(folder: &Folder) -> (Hub, Sender, Sender) {
    let (agency, operator) = (folder.key("agency:so-gui"), folder.key("operator"));
    let hub = Hub::start(folder).await;
    let (agency, operator) = (hub.sender(&agency), hub.sender(&operator));
    (hub, agency, operator)
}

fn line(code: &str) -> String {
    let record = json!({
        "ma": code, "phienBan": "1", "ngayNhan": "04/03/2024", "trangThai": "MOI",
        "nguoiNop": "Lâm Thị Mẫu",
    });
    format!("{record}\n")
}

/// Sends records of one agency, by numbers, in one message.
async fn tell(sender: &Sender, agency: &str, numbers: std::ops::Range<u32>) {
    let id = format!("{numbers:?}");
    let lines: String = numbers.map(|number| line(&format!("W-{number}"))).collect();
    let channel = format!("{agency}.ho-so");
    let (status, receipt) = sender.push(&channel, Some(&id), lines.as_bytes()).await.unwrap();
    assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
}

/// Calls with a JSON body.
async fn post(sender: &Sender, path: &str, body: &Value) -> (u16, Value) {
    let request = sender.client.post(format!("{}{path}", sender.url)).bearer_auth(&sender.key);
    let answer = request.body(body.to_string()).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// What is done with a subscription, which must succeed.
async fn act(sender: &Sender, id: &str, action: &str, body: Value) -> Value {
    let (status, told) = post(sender, &format!("{PATH}/{id}/{action}"), &body).await;
    assert_eq!(status, 200, "{action}: {told}");
    told
}

/// Subscribes to a feed; gives the name of the subscription and its secret.
pub(crate) async fn subscribe(sender: &Sender, url: &str, more: Value) -> (String, String) {
    let mut body = json!({ "url": url, "feed": "records" });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let (status, told) = post(sender, PATH, &body).await;
    assert_eq!(status, 201, "{told}");
    let text = |name: &str| told[name].as_str().unwrap().to_owned();
    (text("id"), text("secret"))
}

/// How a subscription stands.
async fn standing(sender: &Sender, id: &str) -> Value {
    sender.found(&format!("{PATH}/{id}")).await
}

/// Waits until one stands as wanted.
pub(crate) async fn stands(sender: &Sender, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let one = standing(sender, id).await;
        if wanted(&one) {
            return one;
        }
        assert!(began.elapsed() < WITHIN, "{one}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// The ids of events as they were taken, in order.
fn taken(agency: &Agency) -> Vec<String> {
    agency.taken().iter().map(|one| one.header("webhook-id").to_owned()).collect()
}

/// Waits until somebody has taken so many.
pub(crate) async fn takes(agency: &Agency, count: usize) {
    let began = Instant::now();
    while agency.taken().len() < count {
        let (has, seen) = (agency.taken().len(), agency.seen().len());
        assert!(began.elapsed() < WITHIN, "{has} of {count} were taken, {seen} came");
        sleep(Duration::from_millis(10)).await;
    }
}

/// The ids of what somebody reads of a feed, in order.
async fn ids(sender: &Sender, feed: &str) -> Vec<String> {
    let all = sender.feed(feed, 100).await;
    all.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

/// Runs Python with the libraries of receivers on lines of JSON; gives what it says of each.
fn python(program: &str, lines: &[Value]) -> Vec<String> {
    let mut command = Command::new(root().join("tests/clients/run"));
    command.arg(program).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", stderr(&done));
    stdout(&done).lines().map(ToOwned::to_owned).collect()
}

/// What the library of Standard Webhooks says of requests, by a secret.
fn checked(secret: &str, all: &[Seen]) -> Vec<String> {
    let line = |one: &Seen| json!({ "secret": secret, "headers": one.headers, "body": one.body });
    python("webhooks.py", &all.iter().map(line).collect::<Vec<_>>())
}

/// What of a store's folder is no longer to be read by anybody: secrets are in no file in clear.
fn tells_no_secret(folder: &Folder, secret: &str) {
    let bare = secret.split_once('_').map_or(secret, |(_, bare)| bare);
    let files = fs::read_dir(folder.path()).unwrap().flatten().filter(|one| one.path().is_file());
    for file in files.map(|one| one.path()) {
        assert!(!holds(&file, bare), "{} holds a secret", file.display());
    }
}

fn holds(file: &Path, text: &str) -> bool {
    let bytes = fs::read(file).unwrap_or_default();
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}
