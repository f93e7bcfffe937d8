//! The broker fails under load, in every way we know: it is killed, stands still, runs out of
//! memory and of disk, and what the hub made there is deleted. Messages are accepted meanwhile, the
//! hub's memory stays bounded, and what waited is published by itself; a subscriber has it once by
//! id.

use std::{
    env,
    process::{Command, Stdio},
    time::Duration,
};

use tokio::time::sleep;

use super::{
    REMEMBERED, accepts, bus, found_away, ids, on_each_store, read, settles, verified, with_broker,
};
use crate::{
    backend::Backend,
    harness::{Folder, Hub, Random, Sender, seed},
    lienthong::stderr,
    load::{Load, Process},
    permutations::{AGENCY, Message, dossier},
    polls::foreign::Broker,
};

const SENDERS: u64 = 2;
/// How long the hub may take to accept so many messages.
const GOES_ON_MAX: Duration = Duration::from_secs(60);
/// The most memory that the hub may ever have held.
const PEAK_KIB_MAX: u64 = 256 * 1024;

on_each_store!(broker_and_hub_are_killed_and_stopped_in_any_order);

/// How often the broker is killed, and how often it stands still.
fn kills() -> u64 {
    let given = env::var("LIENTHONG_BROKER_KILLS").ok();
    given.map_or(2, |text| text.parse().unwrap())
}

/// A subscriber has exactly what the feed has, by id.
pub(super) async fn has_all(folder: &Folder, broker: &Broker, portal: &Sender) {
    let mut told = ids(&portal.feed("records", 1_000).await);
    let mut found = ids(read(folder, broker, "first").iter().map(|(_, event)| event));
    told.sort();
    found.sort();
    assert!(told == found, "{} in the feed, {} at the broker", told.len(), found.len());
    assert!(verified(folder, 0).contains("the broker has every event"));
}

async fn broker_and_hub_are_killed_and_stopped_in_any_order(backend: Backend) {
    let (seed, kills) = (seed(20_261_129), kills());
    let mut random = Random::new(seed);
    let broker = Broker::start();
    let folder = with_broker(backend, "bus-killed", &broker);
    let (key, portal) = (folder.key(AGENCY), folder.key("portal"));
    let mut hub = Hub::start(&folder).await;
    settles(&hub.sender(&key)).await;
    sleep(REMEMBERED).await;
    let load = Load::start(&folder, &hub, &key, (SENDERS, seed, Process::Dies));
    for round in 0..2 * kills {
        load.goes_on(random.between(1, 40), GOES_ON_MAX).await;
        // It dies, or it stands still and answers nothing.
        let dies = round % 2 == 0;
        if dies {
            broker.kill()
        } else {
            broker.signal("STOP")
        }
        if random.percent(50) {
            sleep(Duration::from_millis(random.between(0, 200))).await;
            hub.kill9();
            hub = Hub::start(&folder).await;
            load.moved_to(&hub.url);
        }
        // It accepts while there is no broker.
        load.goes_on(random.between(20, 60), GOES_ON_MAX).await;
        if dies {
            broker.resume()
        } else {
            broker.signal("CONT")
        }
        load.goes_on(random.between(1, 40), GOES_ON_MAX).await;
    }
    let met = load.stop().await;
    let sender = hub.sender(&key);
    settles(&sender).await;
    assert!(hub.peak_kib() < PEAK_KIB_MAX, "{} KiB", hub.peak_kib());
    has_all(&folder, &broker, &hub.sender(&portal)).await;
    println!("{kills} kills of the broker, {kills} times it stood still");
    met.told.holds(&folder, hub, &key).await;
}

/// Something is deleted by another client, as somebody's clean-up would.
fn deletes(broker: &Broker, call: &str) {
    let code = format!(
        "import sys, pika\n\
         pika.BlockingConnection(pika.URLParameters(sys.argv[1])).channel().{call}\n"
    );
    let mut command = Command::new("python3");
    command.args(["-c", &code, &broker.address]).stdin(Stdio::null());
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", stderr(&done));
}

/// All messages of some dossiers.
fn some(seed: u64, from: u64) -> Vec<Message> {
    (from..from + 30).flat_map(|one| dossier(seed, one)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_broker_without_memory_or_disk_keeps_nobody_waiting() {
    let seed = seed(20_261_130);
    let broker = Broker::start();
    let folder = with_broker(Backend::Sqlite, "bus-alarms", &broker);
    let (key, portal) = (folder.key(AGENCY), folder.key("portal"));
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    settles(&sender).await;
    let memory = "set_vm_memory_high_watermark";
    let alarms: [(&[&str], &[&str]); 2] = [
        (&[memory, "absolute", "1MB"], &[memory, "absolute", "512MB"]),
        (&["set_disk_free_limit", "900000GB"], &["set_disk_free_limit", "10MB"]),
    ];
    for (number, (begins, ends)) in (0..).zip(alarms) {
        broker.control(begins);
        accepts(&sender, &some(seed, 30 * number)).await;
        let away = found_away(&sender).await;
        let told = away["trouble"]["en"].as_str().unwrap();
        assert!(told.contains("takes nothing while its memory or disk runs out"), "{away}");
        accepts(&sender, &some(seed, 100 + 30 * number)).await;
        assert!(bus(&sender).await["behind"].as_u64() > Some(0));
        broker.control(ends);
        settles(&sender).await;
    }
    assert!(hub.peak_kib() < PEAK_KIB_MAX, "{} KiB", hub.peak_kib());
    has_all(&folder, &broker, &hub.sender(&portal)).await;
    hub.stop();
    folder.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_deleted_at_a_broker_is_made_again() {
    let seed = seed(20_261_131);
    let broker = Broker::start();
    let folder = with_broker(Backend::Sqlite, "bus-deleted", &broker);
    let (key, portal) = (folder.key(AGENCY), folder.key("portal"));
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    accepts(&sender, &some(seed, 0)).await;
    settles(&sender).await;
    deletes(&broker, "exchange_delete('lienthong.records')");
    accepts(&sender, &some(seed, 30)).await;
    settles(&sender).await;
    has_all(&folder, &broker, &hub.sender(&portal)).await;
    deletes(&broker, "queue_unbind('lienthong.feed', 'lienthong.records', '*.*.*')");
    accepts(&sender, &some(seed, 60)).await;
    settles(&sender).await;
    has_all(&folder, &broker, &hub.sender(&portal)).await;
    // With the stream goes what it held: that comes back when its operator says so.
    deletes(&broker, "queue_delete('lienthong.feed')");
    accepts(&sender, &some(seed, 90)).await;
    settles(&sender).await;
    verified(&folder, 2);
    let rebuilt = folder.run(&["bus", "rebuild"]);
    assert_eq!(rebuilt.status.code(), Some(0), "{}", stderr(&rebuilt));
    settles(&sender).await;
    has_all(&folder, &broker, &hub.sender(&portal)).await;
    hub.stop();
    folder.verify();
}
