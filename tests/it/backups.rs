//! A backup made while the hub writes, and what is restored of it: all that was there then, under
//! the names that it had, and a new log from there on.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Random, Sender, seed},
    lienthong::{binary, run, stderr, stdout},
    permutations::{AGENCY, CHANNEL, Message, disturbed, dossier, send_all},
    recount::recount,
};

const DOSSIERS: u64 = 80;
/// How often a restoration is killed.
const KILLS: u32 = 6;

on_each_store!(
    what_was_there_is_restored_and_the_rest_comes_again,
    who_reads_a_feed_goes_on_or_is_told_what_is_lost,
);

/// A folder that is not there yet, which goes with another one.
fn beside(folder: &Folder, name: &str) -> PathBuf {
    folder.path().join(name)
}

#[track_caller]
fn well(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(output), stderr(output));
    stdout(output)
}

#[track_caller]
fn refused(output: &Output, says: &str) {
    assert_eq!(output.status.code(), Some(1), "{}{}", stdout(output), stderr(output));
    assert!(stderr(output).contains(says), "{}", stderr(output));
    assert!(!stderr(output).contains("password"), "{}", stderr(output));
}

fn backed_up(folder: &Folder, to: &Path) -> String {
    well(&folder.run(&["backup", to.to_str().unwrap()]))
}

fn restore(folder: &Folder, from: &Path) -> Output {
    folder.run(&["restore", from.to_str().unwrap()])
}

/// The value of a line of what a command told.
#[track_caller]
fn told<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no `{name}` in {text}")).trim()
}

/// A folder on the other kind of store than this one.
fn elsewhere(backend: Backend, name: &str) -> Folder {
    match backend {
        Backend::Sqlite => Backend::Postgres.folder(name),
        Backend::Postgres => Backend::Sqlite.folder(name),
    }
}

/// What became of each message when it is sent again.
async fn outcomes(sender: &Sender, messages: &[Message]) -> Vec<String> {
    let mut outcomes = Vec::new();
    for message in messages {
        let sent = sender.push(CHANNEL, Some(&message.id), &message.bytes).await.unwrap();
        assert_eq!(sent.0, 200, "{}", sent.1);
        outcomes.push(sent.1["outcome"].as_str().unwrap().to_owned());
    }
    outcomes
}

async fn what_was_there_is_restored_and_the_rest_comes_again(backend: Backend) {
    let seed = seed(20_261_127);
    let messages: Vec<Message> = (0..DOSSIERS).flat_map(|one| dossier(seed, one)).collect();
    let messages = disturbed(&mut Random::new(seed), &messages);
    let (before, meanwhile) = messages.split_at(messages.len() / 2);
    let old = backend.folder("backup_old");
    let key = old.key(AGENCY);
    let hub = Hub::start(&old).await;
    let sender = hub.sender(&key);
    send_all(&sender, before.to_vec(), 8).await;
    // The rest comes while the backup is made.
    let kept = beside(&old, "backup");
    let sending = send_all(&sender, meanwhile.to_vec(), 8);
    let making = async { tokio::task::block_in_place(|| backed_up(&old, &kept)) };
    let (text, ()) = tokio::join!(making, sending);
    hub.stop();
    let whole = old.verify();
    let taken: u64 = told(&text, "entries").parse().unwrap();
    assert!(taken <= whole.entries, "{taken} of {}", whole.entries);
    let files: Vec<_> = fs::read_dir(&kept).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(files, ["store.db"], "one file, without a WAL beside it");
    // To a new store of the same kind, and to one of the other kind: the same.
    let again = backend.folder("backup_again");
    for folder in [&again, &elsewhere(backend, "backup_elsewhere")] {
        let restored = well(&restore(folder, &kept));
        assert_eq!(told(&restored, "entries"), taken.to_string());
        assert_eq!(told(&restored, "root"), told(&text, "root"));
        assert!(told(&restored, "before it").starts_with(told(&text, "log")), "{restored}");
        assert_eq!(folder.verify().entries, taken + 1, "the first entry of the new log");
        recount(folder).assert_equal();
        let verified = well(&folder.run(&["verify"]));
        assert!(verified.contains("which it goes on from at entry"), "{verified}");
        // The key holds. What was there is known; what was not is taken.
        let hub = Hub::start(folder).await;
        let sender = hub.sender(&key);
        let found = outcomes(&sender, before).await;
        assert!(found.iter().all(|one| one == "duplicate"), "{found:?}");
        outcomes(&sender, meanwhile).await;
        hub.stop();
        assert_eq!(folder.verify().fold_root, whole.fold_root, "all of it is as it was");
        refused(&restore(folder, &kept), "was restored to");
    }
    // A store that was restored has backups too.
    let second = beside(&old, "second");
    backed_up(&again, &second);
    let twice = backend.folder("backup_twice");
    well(&restore(&twice, &second));
    let verified = well(&twice.run(&["verify"]));
    assert_eq!(verified.matches("before it").count(), 2, "{verified}");
    assert_eq!(twice.verify().fold_root, whole.fold_root);
}

/// The feed's page behind a cursor, and the cursor after it.
async fn page(sender: &Sender, after: &str) -> (u16, Value, String) {
    let (status, body, next) = sender.page(&format!("/v1/feeds/records?after={after}")).await;
    let next = next.unwrap_or_default();
    let cursor = next.split_once("after=").map_or("", |(_, rest)| rest);
    (status, body, cursor.split('&').next().unwrap_or_default().to_owned())
}

fn ids(events: &Value) -> Vec<String> {
    let events = events.as_array().unwrap();
    events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

async fn who_reads_a_feed_goes_on_or_is_told_what_is_lost(backend: Backend) {
    let old = backend.folder("backup_feed");
    let (agency, portal) = (old.key(AGENCY), old.key("portal"));
    let hub = Hub::start(&old).await;
    let (sender, reader) = (hub.sender(&agency), hub.sender(&portal));
    send_all(&sender, dossier(1, 1), 1).await;
    let (_, first, early) = page(&reader, "").await;
    let kept = beside(&old, "backup");
    send_all(&sender, dossier(1, 2), 1).await;
    let text = backed_up(&old, &kept);
    let (_, second, _) = page(&reader, &early).await;
    send_all(&sender, dossier(1, 3), 1).await;
    let (_, third, late) = page(&reader, &early).await;
    hub.stop();
    let folder = backend.folder("backup_feed_new");
    well(&restore(&folder, &kept));
    let hub = Hub::start(&folder).await;
    let (sender, reader) = (hub.sender(&agency), hub.sender(&portal));
    // Who had less than the backup reads on: the same events under the same ids.
    let (status, again, _) = page(&reader, &early).await;
    assert_eq!((status, ids(&again)), (200, ids(&second)));
    // Who had more is told so, and where to go on.
    let (status, problem, _) = page(&reader, &late).await;
    assert_eq!((status, &problem["code"]), (410, &"log-restored".into()), "{problem}");
    assert_eq!(problem["log_id"], told(&text, "log"));
    assert_eq!(problem["size"].to_string(), told(&text, "entries"));
    let status = reader.stream("/v1/feeds/records/stream", Some(&late)).await.status();
    assert_eq!(status.as_u16(), 410);
    // What comes again has other names than what was lost.
    send_all(&sender, dossier(1, 3), 1).await;
    let (status, new, _) = page(&reader, problem["after"].as_str().unwrap()).await;
    assert_eq!(status, 200, "{new}");
    let (new, lost) = (ids(&new), &ids(&third)[ids(&second).len()..]);
    assert_eq!(new.len(), lost.len());
    assert!(new.iter().all(|id| !lost.contains(id)), "{new:?} {lost:?}");
    assert!(ids(&first).iter().all(|id| id.starts_with(told(&text, "log"))));
    let feeds = reader.found("/v1/feeds").await;
    assert_eq!(feeds["ended_logs"][0]["log_id"], told(&text, "log"));
    assert!(new.iter().all(|id| id.starts_with(feeds["log_id"].as_str().unwrap())));
    hub.stop();
}

/// A SQLite file with a log of some thousands of entries.
fn filled(folder: &Folder) {
    let store = folder.path().join("hub.db");
    let place = store.to_str().unwrap();
    let output = run(&["bench", "rebuild", "--seed", "5", "--dossiers", "1500", "--store", place]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

/// Begins to restore and ends it as a power cut would, so long after it tells that rows come, or
/// that all are there.
fn killed_at(folder: &Folder, from: &Path, rest: Duration) {
    let mut command = Command::new(binary());
    command.args(["restore", from.to_str().unwrap(), "--config", "hub.toml"]);
    command.current_dir(folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut told = Vec::new();
    for line in lines {
        told.push(line);
        let begun = |line: &String| line.starts_with("copying") || line.starts_with("making");
        if told.last().is_some_and(begun) {
            break;
        }
    }
    std::thread::sleep(rest);
    assert!(child.try_wait().unwrap().is_none(), "over before it was killed: {told:?}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn killed_at_any_moment_a_restoration_goes_on_and_a_backup_is_never_half_of_one() {
    let mut random = Random::new(seed(20_261_128));
    let old = Folder::new("backup-killed");
    filled(&old);
    let verified = old.verify();
    let kept = beside(&old, "backup");
    backed_up(&old, &kept);
    for (name, folder) in [
        ("sqlite", Folder::new("backup-killed-new")),
        ("postgres", Backend::Postgres.folder("backup_killed_new")),
    ] {
        for _ in 0..KILLS {
            killed_at(&folder, &kept, Duration::from_millis(random.between(0, 40)));
        }
        refused(&folder.run(&["serve"]), "is not wholly restored: run `lienthong restore");
        let restored = well(&restore(&folder, &kept));
        assert_eq!(told(&restored, "fold root"), verified.fold_root, "{name}");
        assert_eq!(folder.verify().entries, verified.entries + 1);
    }
    // The backup itself is nobody's store, and was not written to.
    let address = format!("sqlite:{}", kept.join("store.db").display());
    let backup = Folder::new("backup-itself").with_store(address);
    for command in ["serve", "verify", "rebuild"] {
        refused(&backup.run(&[command]), "this is a backup of sqlite:");
    }
    refused(&old.run(&["backup", kept.to_str().unwrap()]), "holds something");
    refused(&restore(&old, &kept), "holds something else");
    refused(&restore(&Folder::new("backup-none"), &beside(&old, "none")), "there is no file");
}

#[test]
fn a_backup_that_was_altered_is_not_restored_and_the_entry_is_named() {
    let old = Folder::new("backup-altered");
    filled(&old);
    let kept = beside(&old, "backup");
    backed_up(&old, &kept);
    let program = "import sqlite3, sys\n\
        store = sqlite3.connect(sys.argv[1])\n\
        store.execute('DROP TRIGGER entries_stay')\n\
        text = store.execute('SELECT public FROM entries WHERE position = 700').fetchone()[0]\n\
        text = bytes(text).replace(b'4', b'5', 1)\n\
        store.execute('UPDATE entries SET public = ? WHERE position = 700', (text,))\n\
        store.commit()\n";
    let store = kept.join("store.db");
    let altered = Command::new("python3").args(["-c", program]).arg(&store).output().unwrap();
    assert!(altered.status.success(), "{}", stderr(&altered));
    let folder = Folder::new("backup-altered-new");
    let output = restore(&folder, &kept);
    refused(&output, "position 700");
    refused(&folder.run(&["serve"]), "is not wholly restored");
}
