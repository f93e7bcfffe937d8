//! The wall clock of a hub jumps, ahead and back, by an hour and by more than a year. What is
//! accepted stays in order and is delivered; folders are read; nothing waits for a time that was
//! never there. Waiting is by the monotonic clock, which nobody sets.

use std::{fs, time::Duration};

use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply},
    harness::{Folder, Hub, Sender},
    lienthong::{stderr, stdout},
    preload::Preload,
    recount::store,
};

/// How long anything may take, wherever the clock stands.
const WITHIN: Duration = Duration::from_secs(45);
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// Where the clock is set, against that of this machine, one after the other.
const JUMPS: [i64; 6] = [HOUR, 0, -HOUR, 0, 400 * DAY, 0];

on_each_store!(the_wall_clock_jumps_and_all_goes_on);

fn folder(backend: Backend, receiver: &Agency) -> Folder {
    let mut folder = backend.folder_of("clock", &["tests/corpus/delivery", "tests/corpus/drop"]);
    let routes = "[[route]]\ncontract = \"dossier/1\"\nto = \"so-nhan.nhan\"\n";
    fs::write(folder.path().join("routes.toml"), routes).unwrap();
    for channel in ["tep", "nhieu", "on-dinh", "danh-dau"] {
        fs::create_dir_all(folder.path().join("drops/so-tha-tep").join(channel)).unwrap();
    }
    let endpoint = format!("url = \"{}/ho-so\"\nprivate = [\"127.0.0.1\"]\n", receiver.url);
    let more = format!("routes = \"routes.toml\"\n[endpoints.\"so-nhan.nhan\"]\n{endpoint}");
    folder.configured_with(more);
    folder
}

fn record(code: &str, accepted: &str) -> String {
    let record = json!({
        "ma": code, "phienBan": "1", "ngayNhan": accepted, "trangThai": "MOI",
        "nguoiNop": "Lâm Thị Mẫu",
    });
    format!("{record}\n")
}

/// The day that it is in Việt Nam so many seconds from now, as the agencies write it.
fn day(ahead: i64) -> String {
    let there = Timestamp::now() + jiff::SignedDuration::from_secs(ahead + 7 * HOUR);
    there.strftime("%d/%m/%Y").to_string()
}

/// A key that lasts longer than the clock jumps: keys end by the clock that there is.
fn lasting(folder: &Folder, principal: &str) -> String {
    let output = folder.run(&["key", "new", principal, "--days", "3650"]);
    stdout(&output).trim().to_owned()
}

async fn sent(sender: &Sender, id: &str, text: &str) -> (u16, Value) {
    sender.push("so-gui.ho-so", Some(id), text.as_bytes()).await.unwrap()
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < WITHIN, "{what}: not within {WITHIN:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Messages are taken, a file is dropped, and deliveries have failed once when the clock jumps to
/// where it is to stand next; all comes to its end there.
async fn turn(
    (folder, hub, preload): (&Folder, &Hub, &Preload),
    key: &str,
    receiver: &Agency,
    (number, next): (usize, i64),
) {
    let sender = hub.sender(key);
    let (had, seen) = (receiver.count(), receiver.seen().len());
    for part in 0..5 {
        let id = format!("c-{number}-{part}");
        let (status, receipt) = sent(&sender, &id, &record(&id, "04/03/2024")).await;
        assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
        let (_, receipt) = sent(&sender, &id, &record(&id, "04/03/2024")).await;
        assert_eq!(receipt["outcome"], "duplicate", "{receipt}");
    }
    until(&format!("turn {number}: some has failed"), || receiver.seen().len() > seen).await;
    sleep(Duration::from_millis(300)).await;
    preload.sets_clock(next);
    let drops = folder.path().join("drops/so-tha-tep/tep");
    let name = format!("{number}.jsonl");
    fs::write(drops.join("part"), record(&format!("F-{number}"), "04/03/2024")).unwrap();
    fs::rename(drops.join("part"), drops.join(&name)).unwrap();
    let receipt = drops.join("done").join(format!("{name}.receipt.json"));
    until(&format!("turn {number}: the file is taken"), || receipt.exists()).await;
    // Five messages and the file's record; each was refused once before it was taken.
    until(&format!("turn {number}: all is delivered"), || receiver.count() == had + 6).await;
}

async fn the_wall_clock_jumps_and_all_goes_on(backend: Backend) {
    // Each message fails once: what is to come again waits while the clock jumps.
    let moody = |_: &_, before| match before {
        0 => Reply::Says(503, "", ""),
        _ => Reply::TAKEN,
    };
    let receiver = Agency::new(moody).await;
    let folder = folder(backend, &receiver);
    let preload = Preload::new(&folder);
    let (key, portal) = (lasting(&folder, "agency:so-gui"), lasting(&folder, "portal"));
    let hub = preload.start(&folder).await;
    for (number, next) in JUMPS.into_iter().enumerate() {
        turn((&folder, &hub, &preload), &key, &receiver, (number, next)).await;
    }
    in_order(&hub.sender(&portal)).await;
    // What lies ahead of any clock that there was is refused, and what is of today never.
    let sender = hub.sender(&key);
    let (status, receipt) = sent(&sender, "ahead", &record("A-1", &day(900 * DAY))).await;
    assert_eq!(status, 422, "{receipt}");
    assert!(receipt.to_string().contains("time-in-future"), "{receipt}");
    // While the hub's clock is far behind it says what it takes for now; then all is as before.
    preload.sets_clock(-400 * DAY);
    let (status, receipt) = sent(&sender, "today", &record("T-1", &day(0))).await;
    assert_eq!(status, 422, "{receipt}");
    let rule = format!("accepted_at ≤ {}", &(Timestamp::now() - 400 * 24.hours()).to_string()[..7]);
    assert!(receipt.to_string().contains(&rule), "{receipt}");
    preload.sets_clock(0);
    let (status, receipt) = sent(&sender, "today-too", &record("T-2", &day(0))).await;
    assert_eq!((status, &receipt["outcome"]), (200, &json!("stored")), "{receipt}");
    hub.stop();
    if matches!(backend, Backend::Postgres) {
        // Nobody opens a journal there that is ahead of the clock: it is told by name.
        let output = folder.run(&["verify"]);
        let told = stderr(&output);
        assert!(!output.status.success() && told.contains("the journal's last entry"), "{told}");
        return;
    }
    let verified = folder.verify();
    let sql =
        "SELECT count(*) AS n, min(position) AS first, max(position) + 1 AS size FROM entries";
    let entries = verified.entries;
    assert_eq!(store(&folder, sql).trim(), format!("[{entries}, 0, {entries}]"));
    // It starts again, the journal being ahead of its clock.
    let hub = Hub::start(&folder).await;
    in_order(&hub.sender(&portal)).await;
    hub.stop();
}

/// Times of recording never go back, and they reach what the clock was furthest ahead.
async fn in_order(portal: &Sender) {
    let events = portal.feed("records", 100).await;
    let time = |event: &Value| event["recordedtime"].as_str().unwrap().parse().unwrap();
    let times: Vec<Timestamp> = events.iter().map(time).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert!(times.last().unwrap().as_second() > Timestamp::now().as_second() + 399 * DAY);
}
