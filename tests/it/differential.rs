//! The same to a hub on each store, side by side: whatever is sent, both say the same of it, word
//! for word, and hold the same: states, numbers of any position, histories, fold root.
//!
//! Time is told to both. What a journal records is never before its last entry, so an end that
//! lies a little ahead is the time of all that comes until then.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    backend::Backend,
    corpus,
    harness::{Folder, Hub, Random, Sender, seed},
    recount::{recount, store},
};

mod day;

/// How far ahead the time that is told lies: a hub refuses a journal that ends a minute ahead.
const AHEAD: SignedDuration = SignedDuration::from_secs(50);
/// Differences shown.
const SHOWN_MAX: usize = 20;

/// One message on its way.
#[derive(Debug, Clone)]
struct Parcel {
    channel: String,
    id: Option<String>,
    bytes: Vec<u8>,
}

fn agency(channel: &str) -> &str {
    channel.split('.').next().unwrap()
}

/// A hub on each store.
struct Pair {
    folders: [Folder; 2],
    /// Who speaks, with the key for either hub.
    keys: BTreeMap<String, [String; 2]>,
    different: Vec<String>,
    told: u64,
    times: BTreeSet<Timestamp>,
}

/// Both hubs at work.
struct Running {
    hubs: [Hub; 2],
    senders: BTreeMap<String, [Sender; 2]>,
    log_ids: [String; 2],
}

impl Pair {
    fn new(name: &str, sources: &[&str], agencies: &BTreeSet<String>) -> Self {
        let folders = Backend::ALL.map(|backend| backend.folder_of(name, sources));
        let portal = ("portal".to_owned(), "portal".to_owned());
        let names = agencies.iter().map(|one| (one.clone(), format!("agency:{one}")));
        let keys = names
            .chain([portal])
            .map(|(name, principal)| (name, folders.each_ref().map(|one| one.key(&principal))))
            .collect();
        Self { folders, keys, different: Vec::new(), told: 0, times: BTreeSet::new() }
    }

    /// Starts both at a time of its own.
    async fn start(&mut self) -> Running {
        let now = Timestamp::from_second((Timestamp::now() + AHEAD).as_second()).unwrap();
        self.times.insert(now);
        for folder in &self.folders {
            store(folder, &format!("UPDATE head SET recorded_at = '{now}'"));
        }
        let hubs = [Hub::start(&self.folders[0]).await, Hub::start(&self.folders[1]).await];
        let mut senders = BTreeMap::new();
        for (name, [one, other]) in &self.keys {
            senders.insert(name.clone(), [hubs[0].sender(one), hubs[1].sender(other)]);
        }
        let mut log_ids = [const { String::new() }; 2];
        for (log_id, sender) in log_ids.iter_mut().zip(&senders["portal"]) {
            let health = sender.found("/healthz").await;
            health["log_id"].as_str().unwrap().clone_into(log_id);
        }
        Running { hubs, senders, log_ids }
    }

    /// Notes where two answers differ in more than what names a log, or its configuration.
    fn compare(&mut self, hubs: &Running, what: &str, answers: [(u16, Value); 2]) {
        let mut log_ids = hubs.log_ids.iter();
        let [one, other] = answers.map(|(status, mut body)| {
            without_clock(&mut body);
            // It is told by a hash under the log's own key, and since when this process has it.
            if let Some(Value::Object(told)) = body.get_mut("configuration") {
                told.values_mut().for_each(|value| *value = Value::Null);
            }
            (status, body.to_string().replace(log_ids.next().unwrap(), "(log)"))
        });
        self.told += 1;
        if one != other {
            self.different
                .push(format!("{what}\n  {} {}\n  {} {}", one.0, one.1, other.0, other.1));
        }
    }

    /// Sends one message to both.
    async fn send(&mut self, hubs: &Running, parcel: &Parcel) {
        let [one, other] = &hubs.senders[agency(&parcel.channel)];
        let (id, bytes) = (parcel.id.as_deref(), &parcel.bytes);
        let answers = tokio::join!(
            one.push(&parcel.channel, id, bytes),
            other.push(&parcel.channel, id, bytes)
        );
        let answers = [answers.0, answers.1].map(|answer| {
            let (status, mut receipt) = answer.unwrap();
            // Without an id of its sender's, a message is known by a hash under the log's own key.
            if id.is_none() {
                receipt.as_object_mut().unwrap().remove("id").unwrap();
            }
            (status, receipt)
        });
        let what = format!("{} {}", parcel.channel, id.unwrap_or("(no id)"));
        self.compare(hubs, &what, answers);
    }

    /// Asks both the same.
    async fn ask(&mut self, hubs: &Running, who: &str, path: &str) -> Value {
        let [one, other] = &hubs.senders[who];
        let (one, other) = tokio::join!(one.get(path), other.get(path));
        let told = one.1.clone();
        self.compare(hubs, &format!("{who} asks {path}"), [one, other]);
        told
    }

    /// Reads a feed of both to its end.
    async fn feed(&mut self, hubs: &Running, who: &str, name: &str) -> Vec<Value> {
        let [one, other] = &hubs.senders[who];
        let (one, other) = tokio::join!(one.feed(name, 500), other.feed(name, 500));
        assert_eq!(one.len(), other.len(), "the feed {name}");
        for (one, other) in one.iter().zip(other) {
            self.compare(hubs, &format!("the feed {name}"), [(200, one.clone()), (200, other)]);
        }
        one
    }

    /// Asks both everything there is to ask.
    async fn everything(&mut self, hubs: &Running, parcels: &[Parcel]) {
        let size = self.ask(hubs, "portal", "/healthz").await["size"].as_u64().unwrap();
        for by in ["agency", "procedure", "status", "day", "agency,status"] {
            let path = format!("/v1/statistics?from=2010-01-01&to=2024-12-31&by={by}");
            let path = if by == "day" { path.replace("2010", "2022") } else { path };
            for as_of in (1..=4).map(|part| size * part / 4) {
                self.ask(hubs, "portal", &format!("{path}&as_of={as_of}")).await;
            }
            self.ask(hubs, "portal", &path).await;
        }
        self.feed(hubs, "portal", "records").await;
        let states = self.feed(hubs, "portal", "dossiers").await;
        assert!(!states.is_empty());
        for state in &states {
            let Some(names) = state["data"]["identities"].as_array() else { continue };
            for name in names {
                let (source, code) = (&name["source"], name["source_code"].as_str().unwrap());
                let source = source.as_str().unwrap();
                let path =
                    format!("/v1/dossiers/{}?source={source}&purpose=handling", escaped(code));
                self.ask(hubs, agency(source), &path).await;
                let then = size / 2;
                self.ask(hubs, "portal", &format!("{path}&as_of={then}")).await;
            }
        }
        let sent: BTreeSet<(&str, &str)> = parcels
            .iter()
            .filter_map(|one| Some((agency(&one.channel), one.id.as_deref()?)))
            .collect();
        for (agency, id) in sent {
            self.ask(hubs, agency, &format!("/v1/messages/{}", escaped(id))).await;
        }
    }

    /// Ends both; what they hold must be the same, and nothing may have differed.
    fn holds(self, hubs: Running) -> [Folder; 2] {
        hubs.hubs.into_iter().for_each(Hub::stop);
        let [one, other] = self.folders.each_ref().map(Folder::verify);
        let count = self.different.len();
        let shown = self.different.into_iter().take(SHOWN_MAX).collect::<Vec<_>>().join("\n");
        assert_eq!(count, 0, "of {} answers so many differ:\n{shown}", self.told);
        assert_eq!(one, other);
        println!("{} answers, {} entries, fold root {}", self.told, one.entries, one.fold_root);
        for folder in &self.folders {
            let times = store(folder, "SELECT DISTINCT recorded_at FROM messages ORDER BY 1");
            let told: Vec<String> = self.times.iter().map(|at| format!("[\"{at}\"]")).collect();
            let slow = "this machine is too slow for the time that was told";
            assert_eq!(times.lines().collect::<Vec<_>>(), told, "{slow}");
        }
        self.folders
    }
}

/// Leaves out until when a time that was refused might have been: that is the hub's own clock.
fn without_clock(told: &mut Value) {
    if told.get("code").is_some_and(|code| code == "time-in-future") {
        let rule = told["rule"].as_str().unwrap().split('≤').next().unwrap().to_owned();
        told["rule"] = rule.into();
    }
    match told {
        Value::Array(all) => all.iter_mut().for_each(without_clock),
        Value::Object(members) => members.values_mut().for_each(without_clock),
        _ => {}
    }
}

/// A path segment.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// Plays parcels in parts, each at a time of its own, and compares all that is told.
async fn played(name: &str, sources: &[&str], parts: Vec<Vec<Parcel>>) -> [Folder; 2] {
    let all: Vec<Parcel> = parts.iter().flatten().cloned().collect();
    let agencies = all.iter().map(|one| agency(&one.channel).to_owned()).collect();
    let mut pair = Pair::new(name, sources, &agencies);
    let mut hubs = pair.start().await;
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            hubs.hubs.into_iter().for_each(Hub::stop);
            hubs = pair.start().await;
        }
        for parcel in part {
            pair.send(&hubs, parcel).await;
        }
    }
    pair.everything(&hubs, &all).await;
    pair.holds(hubs)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn both_stores_say_the_same_of_everything_hostile() {
    let cases = corpus::cases();
    let parcel = |case: &corpus::Case| Parcel {
        channel: case.channel.clone(),
        id: Some(case.name.clone()),
        bytes: case.payload.clone(),
    };
    let parts = cases.chunks(40).map(|part| part.iter().map(parcel).collect()).collect();
    played("hostile-pair", corpus::AGENCIES, parts).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn both_stores_say_the_same_of_a_day_of_traffic() {
    let mut random = Random::new(seed(20_240_930));
    let sources = ["mappings/agencies", "tests/corpus/agencies", "tests/corpus/sources"];
    for folder in played("day-pair", &sources, day::of(&mut random)).await {
        recount(&folder).assert_equal();
    }
}
