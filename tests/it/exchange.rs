//! What agencies ask one another and the portal hands to their systems, through the front door:
//! agencies that answer, are away, and answer too late.

pub(crate) mod application;
pub(crate) mod attachment;
mod killed;
mod moved;
mod request;
mod shown;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    backend::Backend,
    delivery::agency::Agency,
    harness::{Folder, Hub, Sender},
};

/// How long anything that is to come may take.
const WITHIN: Duration = Duration::from_secs(60);

/// The agencies of the tests: one asks, one is asked over HTTP, one reads what it is asked.
pub(crate) const ASKS: &str = "so-tu-phap";
pub(crate) const ASKED: &str = "so-xay-dung";
pub(crate) const READS: &str = "so-noi-vu";

/// An endpoint on this machine.
fn endpoint(channel: &str, url: &str) -> String {
    format!("[endpoints.\"{channel}\"]\nurl = \"{url}/nhan\"\nprivate = [\"127.0.0.1\"]\n")
}

/// A hub's folder whose agencies' systems are these: who asks, and who is asked.
fn office(backend: Backend, name: &str, asks: &Agency, asked: &Agency) -> Folder {
    office_beside(backend, (name, &[]), asks, asked)
}

/// The same beside other agencies.
pub(crate) fn office_beside(
    backend: Backend,
    (name, others): (&str, &[&str]),
    asks: &Agency,
    asked: &Agency,
) -> Folder {
    let mut folder = backend.folder_of(name, &[&["tests/corpus/exchange"], others].concat());
    let channels = [
        ("so-tu-phap.tra-loi", &asks.url),
        ("so-xay-dung.yeu-cau", &asked.url),
        ("so-xay-dung.ho-so", &asked.url),
    ];
    let more: String = channels.iter().map(|(channel, url)| endpoint(channel, url)).collect();
    // Whoever subscribes is on this machine too.
    folder.configured_with(format!("private_networks = [\"127.0.0.1\"]\n{more}"));
    folder
}

/// The keys of those who take part.
struct Keys {
    asks: String,
    asked: String,
    reads: String,
    portal: String,
    operator: String,
}

impl Keys {
    fn of(folder: &Folder) -> Self {
        let agency = |id: &str| folder.key(&format!("agency:{id}"));
        Self {
            asks: agency(ASKS),
            asked: agency(ASKED),
            reads: agency(READS),
            portal: folder.key("portal"),
            operator: folder.key("operator"),
        }
    }
}

/// What is posted, and what is answered.
pub(crate) async fn post(
    sender: &Sender,
    path: &str,
    key: Option<&str>,
    body: &Value,
) -> (u16, Value) {
    let url = format!("{}{path}", sender.url);
    let mut request = sender.client.post(url).bearer_auth(&sender.key).body(body.to_string());
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

/// A request that is due in some seconds.
pub(crate) fn asked(to: Value, due_in: i64) -> Value {
    let due = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(due_in);
    json!({ "to": to, "due_at": due.to_string(), "dossier": "H19.08-261120-0001",
            "subject": "Xác minh nguồn gốc đất", "text": "Đề nghị xác minh thửa 12.",
            "data": [{ "name": "thua", "value": "12" }, { "name": "to", "value": "7" }] })
}

/// The first problem of a refusal: its code and the member it is about.
fn problem(refused: &Value) -> (String, String) {
    let one = &refused["receipt"]["refusals"][0]["problems"][0];
    let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
    (text("code"), text("pointer"))
}

/// Waits until an address answers as wanted.
pub(crate) async fn becomes(sender: &Sender, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let told = sender.found(path).await;
        if wanted(&told) {
            return told;
        }
        assert!(began.elapsed() < WITHIN, "{told:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How a request stands at an agency.
pub(crate) fn part<'a>(told: &'a Value, agency: &str) -> &'a Value {
    let parts = told["parts"].as_array().unwrap();
    parts.iter().find(|one| one["agency"] == agency).unwrap_or(&Value::Null)
}

/// A hub, and who takes part as they call it.
pub(crate) async fn started(folder: &Folder) -> (Hub, [Sender; 5]) {
    let keys = Keys::of(folder);
    let hub = Hub::start(folder).await;
    let all = [&keys.asks, &keys.asked, &keys.reads, &keys.portal, &keys.operator];
    let senders = all.map(|key| hub.sender(key));
    (hub, senders)
}
