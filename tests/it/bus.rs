//! The bus: what a hub accepts reaches who subscribes at a RabbitMQ, whatever breaks meanwhile.
//! The subscriber is the example of `docs/bus.md`, by a client of another make.

mod bench;
mod faults;
mod line;
mod outage;
mod proving;
mod trimmed;

use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::time::sleep;

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Random, Sender, seed},
    lienthong::{root, stderr, stdout},
    permutations::{AGENCY, CHANNEL, Message, dossier},
    polls::foreign::Broker,
};

/// How long the broker may take to have what a hub has accepted.
const PUBLISHED_MAX: Duration = Duration::from_secs(60);

on_each_store!(
    what_was_accepted_is_in_the_feed_once_for_who_knows_ids,
    a_broker_that_lost_its_data_is_filled_again,
);

/// The example of the docs, as a file beside the hub.
fn example(folder: &Folder) -> PathBuf {
    let text = fs::read_to_string(root().join("docs/bus.md")).unwrap();
    let (_, code) = text.split_once("```python\n").unwrap();
    let (code, _) = code.split_once("```").unwrap();
    let path = folder.path().join("subscriber.py");
    fs::write(&path, code).unwrap();
    path
}

/// A RabbitMQ 3.10 that is killed within some seconds forgets for good which quorum queues and
/// streams it had just made (docs/bus.md): that is another case than the one that is tried.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(12);

/// What a subscriber reads from a place in the feed to its end: offset and event of each that it
/// had not yet.
pub(crate) fn read(folder: &Folder, broker: &Broker, from: &str) -> Vec<(u64, Value)> {
    let mut command = Command::new("python3");
    command.arg(example(folder)).args([&broker.address, from]).stdin(Stdio::null());
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", stderr(&done));
    let line = |line: &str| {
        let (offset, event) = line.split_once(' ').unwrap();
        (offset.parse().unwrap(), serde_json::from_str(event).unwrap())
    };
    stdout(&done).lines().map(line).collect()
}

pub(crate) fn ids<'a>(events: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    events.into_iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

pub(crate) async fn bus(sender: &Sender) -> Value {
    sender.found("/readyz").await["bus"].clone()
}

/// Waits until all that was accepted is published.
pub(crate) async fn settles(sender: &Sender) {
    let began = Instant::now();
    loop {
        let standing = bus(sender).await;
        if standing["behind"] == 0 && standing["up"] == true {
            return;
        }
        assert!(began.elapsed() < PUBLISHED_MAX, "{standing}");
        sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until the broker is known to be away.
async fn found_away(sender: &Sender) -> Value {
    let began = Instant::now();
    loop {
        let standing = bus(sender).await;
        if standing["up"] == false && standing["trouble"].is_object() {
            return standing;
        }
        assert!(began.elapsed() < PUBLISHED_MAX, "{standing}");
        sleep(Duration::from_millis(100)).await;
    }
}

async fn accepts(sender: &Sender, messages: &[Message]) {
    for message in messages {
        let (status, body) = sender.push(CHANNEL, Some(&message.id), &message.bytes).await.unwrap();
        assert_eq!(status, 200, "{body}");
    }
}

fn with_broker(backend: Backend, name: &str, broker: &Broker) -> Folder {
    publishing(backend.folder(name), broker)
}

/// The same folder with a broker that its hub publishes to.
pub(crate) fn publishing(folder: Folder, broker: &Broker) -> Folder {
    use std::os::unix::fs::PermissionsExt;
    let secrets = folder.path().join("secrets.toml");
    fs::write(&secrets, format!("truc = \"{}\"\n", broker.address)).unwrap();
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o600)).unwrap();
    folder.with_lines("bus = \"secret:truc\"\nsecrets = \"secrets.toml\"\n")
}

#[track_caller]
pub(crate) fn verified(folder: &Folder, code: i32) -> String {
    let done = folder.run(&["bus", "verify"]);
    let told = stdout(&done);
    assert_eq!(done.status.code(), Some(code), "{told} {}", stderr(&done));
    told
}

async fn what_was_accepted_is_in_the_feed_once_for_who_knows_ids(backend: Backend) {
    let seed = seed(20_261_126);
    let mut random = Random::new(seed);
    let broker = Broker::start();
    let folder = with_broker(backend, "bus-breaks", &broker);
    let (agency, portal) = (folder.key(AGENCY), folder.key("portal"));
    let mut messages = (0..120).flat_map(|one| dossier(seed, one)).collect::<Vec<_>>();
    // The broker is away when the hub starts: it answers and accepts.
    broker.kill();
    let mut hub = Hub::start(&folder).await;
    let rest = messages.split_off(messages.len() / 4);
    accepts(&hub.sender(&agency), &messages).await;
    let away = found_away(&hub.sender(&agency)).await;
    assert!(away["behind"].as_u64() > Some(0), "{away}");
    assert!(away["trouble"]["vi"].is_string(), "{away}");
    let page = hub.sender(&agency).stream("/metrics", None).await.text().await.unwrap();
    assert!(page.contains("lienthong_bus_up{bus=\"amqp\"} 0"), "{page}");
    broker.resume();
    settles(&hub.sender(&agency)).await;
    sleep(REMEMBERED).await;
    // Hub and broker are ended in turns, and the queue's route is taken away once.
    for (number, part) in rest.chunks(rest.len().div_ceil(5)).enumerate() {
        let sender = hub.sender(&agency);
        accepts(&sender, part).await;
        sleep(Duration::from_millis(random.between(0, 200))).await;
        match number {
            0 | 2 => {
                hub.kill9();
                hub = Hub::start(&folder).await;
            }
            1 => {
                broker.kill();
                broker.resume();
            }
            3 => drop(broker.control(&["close_all_connections", "test"])),
            _ => {}
        }
    }
    settles(&hub.sender(&agency)).await;
    let told = ids(&hub.sender(&portal).feed("records", 1_000).await);
    assert!(told.len() > 200, "{}", told.len());
    let all = read(&folder, &broker, "first");
    assert_eq!(ids(all.iter().map(|(_, event)| event)), told, "seed {seed}");
    // From an offset in the middle: what follows it, and nothing is missing.
    let (middle, first) = &all[all.len() / 2];
    let rest = read(&folder, &broker, &middle.to_string());
    assert_eq!(&rest[0].1, first);
    let rest: BTreeSet<String> = ids(rest.iter().map(|(_, event)| event)).into_iter().collect();
    let expected = ids(all[all.len() / 2..].iter().map(|(_, event)| event));
    assert!(expected.iter().all(|id| rest.contains(id)));
    assert!(verified(&folder, 0).contains("the broker has every event"));
    hub.stop();
    folder.verify();
}

async fn a_broker_that_lost_its_data_is_filled_again(backend: Backend) {
    let seed = seed(20_261_127);
    let broker = Broker::start();
    let folder = with_broker(backend, "bus-wiped", &broker);
    let (agency, portal) = (folder.key(AGENCY), folder.key("portal"));
    let messages = (0..60).flat_map(|one| dossier(seed, one)).collect::<Vec<_>>();
    let (before, after) = messages.split_at(messages.len() / 2);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&agency);
    accepts(&sender, before).await;
    settles(&sender).await;
    let had = ids(&hub.sender(&portal).feed("records", 1_000).await).len();
    broker.wipe();
    accepts(&sender, after).await;
    settles(&sender).await;
    // What was before is lost there, and it is told so.
    let told = ids(&hub.sender(&portal).feed("records", 1_000).await);
    let found = read(&folder, &broker, "first");
    assert_eq!(ids(found.iter().map(|(_, event)| event)), told[had..], "seed {seed}");
    assert!(bus(&sender).await["since"].as_u64() > Some(0));
    assert!(verified(&folder, 2).contains("lienthong bus rebuild"));
    // While the hub runs and accepts, all is published again.
    let beyond = folder.run(&["bus", "rebuild", "--from", "999999999"]);
    assert_eq!(beyond.status.code(), Some(1), "{}", stderr(&beyond));
    let rebuilt = folder.run(&["bus", "rebuild"]);
    assert_eq!(rebuilt.status.code(), Some(0), "{}", stderr(&rebuilt));
    let more = (60..70).flat_map(|one| dossier(seed, one)).collect::<Vec<_>>();
    accepts(&sender, &more).await;
    settles(&sender).await;
    assert_eq!(bus(&sender).await["since"], 0);
    let told = ids(&hub.sender(&portal).feed("records", 1_000).await);
    let found = ids(read(&folder, &broker, "first").iter().map(|(_, event)| event));
    let (mut found, mut told) = (found, told);
    found.sort();
    told.sort();
    assert_eq!(found, told, "every event once for who knows ids, seed {seed}");
    assert!(verified(&folder, 0).contains("the broker has every event"));
    // A broker that is away is told before anything changes.
    broker.kill();
    let away = folder.run(&["bus", "rebuild"]);
    assert_eq!(away.status.code(), Some(3), "{}", stderr(&away));
    hub.stop();
}

/// Without a broker nothing is published, and the commands say so.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_embedded_bus_has_nothing_to_publish() {
    let folder = Backend::Sqlite.folder("bus-embedded").with_lines("bus = \"embedded:\"\n");
    let hub = Hub::start(&folder).await;
    let portal = hub.sender(&folder.key("portal"));
    assert_eq!(portal.get("/readyz").await.1, serde_json::json!({ "status": "ok" }));
    let refused = folder.run(&["bus", "rebuild"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("the bus is embedded"), "{}", stderr(&refused));
    hub.stop();
}
