//! What a course came to, as everybody around the hub sees it. One that was cut short at a step
//! must have come to what the one that was not came to.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::course::{CHANNEL, DOSSIERS, Heard, IDS, Told, receipt};
use crate::{
    delivery::agency::Agency,
    exchange::attachment::fetch,
    harness::{Folder, Hub, Sender},
    preload::KINDS,
    recount::{recount, store},
};

/// Members that tell when something was received: they differ from run to run.
const OF_RECEIPT: &[&str] = &["recorded_at", "recordedtime", "time"];

/// How long what was undone may take to come again.
const WITHIN: Duration = Duration::from_secs(30);

/// What a course came to.
#[derive(Debug)]
pub(super) struct End {
    /// What is compared, by name.
    pub(super) seen: BTreeMap<&'static str, Value>,
    pub(super) told: Vec<Told>,
    /// Ids in the feed: the journal's log, and positions.
    pub(super) fed: Vec<String>,
    /// Deliveries that came more than once.
    pub(super) again: usize,
    /// Steps, by kind.
    pub(super) steps: [u64; KINDS.len()],
    /// The kind of step at which the hub was ended.
    pub(super) ended: Option<&'static str>,
    /// Changes of contents and of names that went with the power.
    pub(super) lost: (u64, u64),
}

/// The same without members of receipt, and with what names this journal alone taken out of texts.
fn timeless(value: &Value, log: &str) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, _)| !OF_RECEIPT.contains(&name.as_str()));
            kept.map(|(name, value)| (name.clone(), timeless(value, log))).collect()
        }
        Value::Array(items) => items.iter().map(|one| timeless(one, log)).collect(),
        Value::String(text) => json!(text.replace(log, "LOG")),
        other => other.clone(),
    }
}

/// Every delivery as it was taken: by id, all of the same bytes.
fn delivered(receiver: &Agency, log: &str) -> (Value, usize) {
    let mut bodies: BTreeMap<String, Value> = BTreeMap::new();
    let taken = receiver.taken();
    for one in &taken {
        let body: Value = serde_json::from_str(&one.body).unwrap();
        let known = bodies.entry(one.id().replace(log, "LOG")).or_insert_with(|| body.clone());
        assert_eq!(*known, body, "{}: the same id has the same bytes", one.id());
    }
    let again = taken.len() - bodies.len();
    (timeless(&json!(bodies), log), again)
}

/// The places at which two values differ.
fn places(at: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(left), Value::Object(right)) if left.keys().eq(right.keys()) => {
            for (name, value) in left {
                places(&format!("{at}/{name}"), value, &right[name], found);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (number, (value, other)) in left.iter().zip(right).enumerate() {
                places(&format!("{at}/{number}"), value, other, found);
            }
        }
        _ if one == other => {}
        _ => found.push(format!("{at}: {one} and {other}")),
    }
}

impl End {
    /// Looks at all of it through a hub without anything in between, and past it.
    pub(super) async fn of(
        folder: &Folder,
        receiver: &Agency,
        [agency, portal, operator]: &[String; 3],
        heard: Heard,
    ) -> Self {
        let hub = Hub::start(folder).await;
        let (agency, portal) = (hub.sender(agency), hub.sender(portal));
        let operator = hub.sender(operator);
        let events = portal.feed("records", 100).await;
        let fed: Vec<String> =
            events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
        let log = fed[0].split('/').next().unwrap().to_owned();
        for (id, event) in &heard.shown {
            assert!(events.contains(event), "{id} was shown, and is no more: {event}");
        }
        let (status, bytes) = fetch(&agency, &heard.attached).await;
        assert!(status == 200 && bytes.is_some(), "the attachment was taken, and is no more");
        let mut seen = BTreeMap::from([("records", Value::Array(events))]);
        seen.insert("dossiers fed", json!(portal.feed("dossiers", 100).await));
        seen.insert("messages", messages(&agency).await);
        seen.insert("dossiers", dossiers(&portal).await);
        seen.insert("figures", figures(&portal).await);
        seen.insert("dead", operator.found("/v1/dead").await);
        let (deliveries, again) = delivered(receiver, &log);
        seen.insert("deliveries", deliveries);
        seen.insert("receipt", told_of_file(folder).await);
        hub.stop();
        let verified = folder.verify();
        // No message was applied twice, and none is left without an outcome.
        let recounted = recount(folder);
        assert_eq!(recounted.code, Some(0), "{}", recounted.text);
        seen.insert("verified", json!([verified.entries, verified.dossiers, verified.fold_root]));
        let sql = "SELECT count(*) AS n, count(DISTINCT position) AS positions, \
                   min(position) AS first, max(position) + 1 AS size FROM entries";
        seen.insert("positions", json!(store(folder, sql)));
        let seen = seen.into_iter().map(|(name, value)| (name, timeless(&value, &log))).collect();
        let (steps, ended, lost) = ([0; KINDS.len()], None, (0, 0));
        Self { seen, told: heard.told, fed, again, steps, ended, lost }
    }

    /// What differs from another course's end: names and both sides.
    pub(super) fn differs(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, value) in &self.seen {
            places(name, value, &other.seen[name], &mut found);
        }
        if self.told != other.told {
            found.push(format!("told: {:?} and {:?}", self.told, other.told));
        }
        found
    }
}

/// What the receipt beside the dropped file says, it having come once or again.
async fn told_of_file(folder: &Folder) -> Value {
    let began = Instant::now();
    loop {
        if let Some(told) = receipt(folder) {
            let first = told.get("first").unwrap_or(&told["outcome"]);
            return json!([first, told["records"], told["refused"]]);
        }
        assert!(began.elapsed() < WITHIN, "the file is not put away:\n{}", folder.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn messages(agency: &Sender) -> Value {
    let mut all = Vec::new();
    for id in IDS {
        all.push(agency.found(&format!("/v1/messages/{id}?channel={CHANNEL}")).await);
    }
    json!(all)
}

async fn dossiers(portal: &Sender) -> Value {
    let mut all = Vec::new();
    for code in DOSSIERS {
        all.push(portal.found(&format!("/v1/dossiers/{code}")).await);
    }
    json!(all)
}

async fn figures(portal: &Sender) -> Value {
    let mut told = Vec::new();
    for by in ["agency", "procedure", "status", "day"] {
        told.push(portal.found(&format!("/v1/statistics?from=2024-01-01&by={by}")).await);
    }
    json!(told)
}
