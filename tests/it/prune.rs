//! Raw bytes are dropped for their age, and nothing else: all holds, all is known, room comes back.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use crate::{
    backend::Backend,
    cluster::{self, psql},
    harness::{Folder, Hub, Sender},
    lienthong::{run, stderr, stdout},
    permutations::{AGENCY, CHANNEL, Message, dossier},
};

/// Messages in each hub.
const MESSAGES: u64 = 140;
/// The first message of the second partition.
const BOUND: u64 = 100;

/// Messages of some size: what pads them is a free text of the applicant's.
fn messages(seed: u64) -> Vec<Message> {
    let padded = |number: u64| {
        let mut message = dossier(seed, number).remove(0);
        let mut body: serde_json::Value = serde_json::from_slice(&message.bytes).unwrap();
        body["ghiChu"] = format!("{number} {}", "ghi chú ".repeat(8_000)).into();
        message.bytes = body.to_string().into_bytes();
        message
    };
    (0..MESSAGES).map(padded).collect()
}

async fn send(sender: &Sender, messages: &[Message], outcome: &str) {
    for message in messages {
        let (status, body) = sender.push(CHANNEL, Some(&message.id), &message.bytes).await.unwrap();
        assert_eq!((status, &body["outcome"]), (200, &outcome.into()), "{body}");
    }
}

#[track_caller]
fn told(folder: &Folder, arguments: &[&str], code: i32) -> String {
    let output = folder.run(arguments);
    assert_eq!(output.status.code(), Some(code), "{}{}", stdout(&output), stderr(&output));
    if code == 0 { stdout(&output) } else { stderr(&output) }
}

/// A hub that runs while its raw bytes are dropped; what is there afterwards.
async fn pruned(folder: &Folder) {
    let key = folder.key(AGENCY);
    let hub = Hub::start(folder).await;
    let sender = hub.sender(&key);
    let messages = messages(17);
    send(&sender, &messages, "stored").await;
    let before = folder.verify();
    let path = "/v1/dossiers/BH.HT.24.000003";
    let dossier = sender.found(path).await;
    let young = told(folder, &["prune", "--older-than", "1d"], 0);
    assert!(young.starts_with("dropped: the raw bytes of 0 messages, 0 MiB"), "{young}");
    let dry = told(folder, &["prune", "--older-than", "0d", "--dry-run"], 0);
    assert!(dry.starts_with("to drop: the raw bytes of 140 messages"), "{dry}");
    assert!(!told(folder, &["verify"], 0).contains("pruned"), "a dry run drops nothing");
    let done = told(folder, &["prune", "--older-than", "0d"], 0);
    assert_eq!(done, dry.replace("to drop", "dropped"));
    let verified = told(folder, &["verify"], 0);
    assert!(verified.contains("pruned     the raw bytes of 140 messages"), "{verified}");
    assert_eq!(folder.verify(), before, "entries, dossiers and fold root");
    // The hub has gone on, knows every message, and takes new ones.
    send(&sender, &messages, "duplicate").await;
    assert_eq!(sender.found(path).await, dossier);
    let other: Vec<Message> = crate::permutations::dossier(18, 5_000);
    send(&sender, &other[..1], "stored").await;
    hub.stop();
    let verified = told(folder, &["verify"], 0);
    assert!(verified.contains("pruned     the raw bytes of 140 messages"), "{verified}");
}

/// Somebody who copies the WAL back just then, as a thread of the hub's own does: SQLite lets one
/// at it, by a lock on the byte 121 of the file that its processes share, and waits for no other.
const COPIES: &str = "
import fcntl, sqlite3, sys, time
store = sqlite3.connect(sys.argv[1])
store.execute('SELECT size FROM head').fetchone()
shared = open(sys.argv[1] + '-shm', 'r+b')
fcntl.lockf(shared, fcntl.LOCK_EX, 1, 121)
print('copies', flush=True)
time.sleep(2)
";

fn copies_back(folder: &Folder) -> Child {
    let mut command = Command::new("python3");
    command.args(["-c", COPIES]).arg(folder.path().join("hub.db"));
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "copies\n");
    child
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_the_file_gets_smaller_and_all_holds() {
    let folder = Folder::new("prune");
    pruned(&folder).await;
    let size = || {
        let wal = fs::metadata(folder.path().join("hub.db-wal")).map_or(0, |wal| wal.len());
        fs::metadata(folder.path().join("hub.db")).unwrap().len() + wal
    };
    let before = size();
    let mut copier = copies_back(&folder);
    told(&folder, &["prune", "--older-than", "30d", "--compact"], 0);
    copier.wait().unwrap();
    let after = size();
    assert!(after + 8 * 1024 * 1024 < before, "{before} bytes before, {after} after");
    folder.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_the_disk_is_given_back_and_all_holds() {
    let folder = Backend::Postgres.folder("prune_server");
    assert_eq!(folder.run(&["migrate"]).status.code(), Some(0));
    // Partitions as a store of a long time has them: the first of them is full.
    let sql = format!(
        "ALTER TABLE lienthong.payloads DETACH PARTITION lienthong.payloads_000000;
         CREATE TABLE lienthong.payloads_old PARTITION OF lienthong.payloads
             FOR VALUES FROM (MINVALUE) TO ({BOUND});
         ALTER TABLE lienthong.payloads ATTACH PARTITION lienthong.payloads_000000
             FOR VALUES FROM ({BOUND}) TO (65536)"
    );
    psql(folder.address(), &sql);
    // What cannot be made smaller.
    let filler = "INSERT INTO lienthong.payloads SELECT 1, n, NULL, decode((SELECT string_agg(
                      md5(n || '-' || i), '') FROM generate_series(1, 2000) i), 'hex')
                  FROM generate_series(100, 140) n";
    let size = || -> i64 {
        let sql = "SELECT pg_total_relation_size('lienthong.payloads_old')";
        psql(folder.address(), sql).parse().unwrap()
    };
    let empty = size();
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    send(&hub.sender(&key), &messages(16)[..1], "stored").await;
    hub.stop();
    psql(folder.address(), filler);
    assert!(size() > empty + 200_000, "{} after {empty}", size());
    told(&folder, &["prune", "--older-than", "0d"], 0);
    // Message 1 lies in a partition that still takes messages: it is empty, but not given back.
    let left = psql(folder.address(), "SELECT count(*) FROM lienthong.payloads");
    assert_eq!(left, "0");
    let folder = &folder;
    later(folder, &key, &size, empty).await;
}

/// Fills the first partition and more, and prunes: its room is given back.
async fn later(folder: &Folder, key: &str, size: &dyn Fn() -> i64, empty: i64) {
    let hub = Hub::start(folder).await;
    send(&hub.sender(key), &messages(19)[1..], "stored").await;
    let full = size();
    let reader = "BEGIN; SELECT count(*) FROM lienthong.payloads_old; SELECT pg_sleep(3); COMMIT";
    let mut read = Command::new("psql")
        .args(["-qAt", "-d", folder.address(), "-c", reader])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let done = folder.run(&["prune", "--older-than", "0d"]);
    // Whoever reads the partition is waited for a moment; then the operator is told to come again.
    if done.status.code() != Some(0) {
        assert_eq!(done.status.code(), Some(3), "{}", stderr(&done));
    }
    read.wait().unwrap();
    told(folder, &["prune", "--older-than", "0d"], 0);
    assert!(size() <= empty && full > empty, "{empty} empty, {full} full, {} after", size());
    hub.stop();
    let verified = told(folder, &["verify"], 0);
    assert!(verified.contains("pruned     the raw bytes of 140 messages"), "{verified}");
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_bytes_that_are_gone_without_having_been_pruned_are_found() {
    let folder = Backend::Postgres.folder("prune_lost");
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    send(&hub.sender(&key), &messages(18)[..3], "stored").await;
    hub.stop();
    psql(folder.address(), "DELETE FROM lienthong.payloads WHERE message = 2");
    let found = told(&folder, &["verify"], 1);
    assert!(found.contains("the raw bytes of message 2 are gone, and were not pruned"), "{found}");
}

#[test]
fn an_age_that_is_none_and_a_store_in_a_move_are_refused() {
    let folder = Folder::new("prune-refused");
    for age in ["180", "d", "-1d", "six months"] {
        let output = folder.run(&["prune", "--older-than", age]);
        assert_ne!(output.status.code(), Some(0), "{age}");
        assert!(stderr(&output).contains("older-than"), "{}", stderr(&output));
    }
    folder.key(AGENCY);
    let (from, to) =
        (format!("sqlite:{}", folder.path().join("hub.db").display()), cluster::database("prune"));
    let output = run(&["move", "--from", &from, "--to", &to]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let refused = told(&folder, &["prune", "--older-than", "0d"], 1);
    assert!(refused.contains("this store was moved to"), "{refused}");
}
