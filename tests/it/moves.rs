//! From one store to another and back, ended at any moment: what a hub answers stays the same.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::{
    backend::Backend,
    cluster::{self, psql},
    harness::{Folder, Hub, Random, Sender, seed},
    lienthong::{binary, run, stderr, stdout},
    permutations::{AGENCY, CHANNEL, Message, disturbed, dossier, send_all},
    recount::recount,
};

const DOSSIERS: u64 = 120;
/// How often each move is killed.
const KILLS: u32 = 10;

/// The address of a folder's SQLite file.
fn file(folder: &Folder) -> String {
    format!("sqlite:{}", folder.path().join("hub.db").display())
}

fn moved(from: &str, to: &str) -> Output {
    run(&["move", "--from", from, "--to", to])
}

/// Moves, and gives what was proved: both sides hold so many entries under this root.
#[track_caller]
fn proved(from: &str, to: &str) -> String {
    let output = moved(from, to);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let told = stdout(&output);
    assert!(told.contains("fold root") && told.contains("all is at"), "{told}");
    told.lines().take_while(|line| !line.contains("all is at")).collect::<Vec<_>>().join("\n")
}

/// The command must refuse and say this.
#[track_caller]
fn refused(output: &Output, says: &str) {
    assert_eq!(output.status.code(), Some(1), "{}{}", stdout(output), stderr(output));
    assert!(stderr(output).contains(says), "{}", stderr(output));
    assert!(!stderr(output).contains("password"), "{}", stderr(output));
}

/// What readers see: numbers, a dossier with its personal members, feeds with their cursors, and
/// what became of messages of every outcome.
async fn answers(agency: &Sender, portal: &Sender) -> Vec<Value> {
    let mut told = Vec::new();
    for by in ["agency", "procedure", "status", "day"] {
        let path = format!("/v1/statistics?from=2024-01-01&to=2024-12-31&by={by}");
        told.push(portal.found(&path).await);
        told.push(portal.found(&format!("{path}&as_of=100")).await);
    }
    for code in ["BH.HT.24.000000", "BH.HT.24.000077"] {
        told.push(agency.found(&format!("/v1/dossiers/{code}?purpose=handling")).await);
        told.push(portal.found(&format!("/v1/dossiers/{code}?as_of=300")).await);
    }
    for id in ["m-7-0", "other", "broken", "m-7-0-again"] {
        told.push(agency.get(&format!("/v1/messages/{id}?channel={CHANNEL}")).await.1);
    }
    told.extend(portal.feed("records", 100).await);
    told.extend(portal.feed("dossiers", 100).await);
    told
}

/// Histories in any order, a refusal, a conflict.
async fn play(sender: &Sender, messages: &[Message]) {
    send_all(sender, messages.to_vec(), 8).await;
    let first = &messages[0];
    for (id, bytes, status) in [
        ("broken", b"{\"maHoSo\": \"BH.HT.24.000001\"}".as_slice(), 422),
        (first.id.as_str(), b"{}".as_slice(), 409),
        ("other", b"[1, 2".as_slice(), 422),
    ] {
        let (found, body) = sender.push(CHANNEL, Some(id), bytes).await.unwrap();
        assert_eq!(found, status, "{id}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_and_back_all_answers_stay_and_a_message_sent_again_is_a_duplicate() {
    let seed = seed(20_240_901);
    let messages: Vec<Message> = (0..DOSSIERS).flat_map(|one| dossier(seed, one)).collect();
    let old = Folder::new("move-old");
    let keys = [AGENCY, "portal"].map(|principal| old.key(principal));
    let hub = Hub::start(&old).await;
    play(&hub.sender(&keys[0]), &disturbed(&mut Random::new(seed), &messages)).await;
    let before = answers(&hub.sender(&keys[0]), &hub.sender(&keys[1])).await;
    hub.stop();
    let verified = old.verify();
    let middle = cluster::database("move_middle");
    let proof = proved(&file(&old), &middle);
    assert!(proof.contains(&verified.fold_root), "{proof}");
    // The same configuration, but for its one line.
    let server = Folder::new("move-middle").with_store(middle.clone());
    let there = same_answers(&server, &keys, &before, &messages).await;
    assert_eq!(there.entries, verified.entries + 1, "one message more was taken there");
    let new = Folder::new("move-new");
    proved(&middle, &file(&new));
    assert_eq!(new.verify(), there);
    recount(&new).assert_equal();
    let hub = Hub::start(&new).await;
    send_again(&hub.sender(&keys[0]), &messages).await;
    hub.stop();
    for (left, gone) in [(&old, "postgres://"), (&server, "sqlite:")] {
        refused(&left.run(&["serve"]), &format!("this store was moved to {gone}"));
        refused(&left.run(&["key", "new", AGENCY]), "this store was moved to");
    }
}

async fn send_again(sender: &Sender, messages: &[Message]) {
    for message in messages {
        let sent = sender.push(CHANNEL, Some(&message.id), &message.bytes).await.unwrap();
        assert_eq!((sent.0, &sent.1["outcome"]), (200, &"duplicate".into()), "{}", sent.1);
    }
}

/// A hub on a folder answers as before, with the same keys, knows every message, and takes a new
/// one.
async fn same_answers(
    folder: &Folder,
    keys: &[String; 2],
    before: &[Value],
    messages: &[Message],
) -> crate::harness::Verified {
    let hub = Hub::start(folder).await;
    let (agency, portal) = (hub.sender(&keys[0]), hub.sender(&keys[1]));
    let after = answers(&agency, &portal).await;
    assert_eq!(after.len(), before.len());
    for (after, before) in after.iter().zip(before) {
        assert_eq!(after, before);
    }
    send_again(&agency, messages).await;
    let new = &dossier(1, 999_999)[0];
    let sent = agency.push(CHANNEL, Some("new-after-the-move"), &new.bytes).await.unwrap();
    assert_eq!((sent.0, &sent.1["outcome"]), (200, &"stored".into()), "{}", sent.1);
    hub.stop();
    folder.verify()
}

/// Begins a move and ends it, as a power cut would, so long after a line of what it tells: after
/// the first one that `is_it` says, or at once when both stores are compared.
fn killed_at(from: &str, to: &str, rest: Duration, mut is_it: impl FnMut(&str) -> bool) {
    let mut command = Command::new(binary());
    command.args(["move", "--from", from, "--to", to]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut seen = false;
    for line in BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap) {
        let last = line.starts_with("verifying and comparing");
        if last || is_it(&line) {
            std::thread::sleep(if last { Duration::ZERO } else { rest });
            seen = true;
            break;
        }
    }
    assert!(seen && child.try_wait().unwrap().is_none(), "it was over before it was killed");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Moves, killed again and again before it ends; gives what was proved at last.
fn killed_often(random: &mut Random, from: &str, to: &str, target: &Folder) -> String {
    let mut filling = 0;
    for kill in 0..KILLS {
        // Soon after rows have begun to come, so that most kills hit a copy; the last ones hit the
        // comparison.
        let rest = Duration::from_millis(random.between(0, 60));
        let copies = kill + 2 < KILLS;
        killed_at(from, to, rest, |line| {
            copies && (line.starts_with("copying") || line.starts_with("making"))
        });
        let output = target.run(&["verify"]);
        if stderr(&output).contains("a move into this store is not finished") {
            assert_eq!(output.status.code(), Some(1));
            filling += 1;
        }
    }
    assert!(filling > 0, "no kill hit a copy: the test tells nothing");
    println!("{KILLS} kills, {filling} while the target was being filled");
    refused(&target.run(&["serve"]), "run `lienthong move` again");
    let proof = proved(from, to);
    let again = moved(from, to);
    assert!(stdout(&again).contains("finished before"), "{}", stdout(&again));
    proof
}

/// A SQLite file with a log of some thousands of entries.
fn filled(folder: &Folder) {
    let store = folder.path().join("hub.db");
    let place = store.to_str().unwrap();
    let output = run(&["bench", "rebuild", "--seed", "5", "--dossiers", "1500", "--store", place]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn killed_at_any_moment_a_move_goes_on_and_proves_the_same() {
    let mut random = Random::new(seed(20_240_902));
    let (old, new) = (Folder::new("move-killed"), Folder::new("move-killed-back"));
    filled(&old);
    let verified = old.verify();
    let middle = cluster::database("move_killed");
    let server = Folder::new("move-killed-server").with_store(middle.clone());
    let there = killed_often(&mut random, &file(&old), &middle, &server);
    let back = killed_often(&mut random, &middle, &file(&new), &new);
    assert_eq!(there, back, "log, root, fold root and rows of every table");
    // Ended between its last two steps: the target is a hub's, the old store does not know it yet.
    let undone = "UPDATE lienthong.head SET leaving = replace(leaving, ':true', ':false')";
    psql(&middle, undone);
    refused(&server.run(&["serve"]), "is being moved to");
    let again = moved(&middle, &file(&new));
    assert!(stdout(&again).contains("finished before"), "{}", stdout(&again));
    refused(&server.run(&["serve"]), "was moved to");
    assert_eq!(new.verify(), verified);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_hub_adds_nothing_from_the_moment_its_store_is_left() {
    for (from, name) in
        [(Folder::new("fence"), "fence"), (Backend::Postgres.folder("fence_old"), "fence_server")]
    {
        let key = from.key(AGENCY);
        let hub = Hub::start(&from).await;
        let sender = hub.sender(&key);
        send_all(&sender, dossier(3, 1), 1).await;
        let address = cluster::database(name);
        let source = match name {
            "fence" => file(&from),
            _ => from.address().to_owned(),
        };
        let proof = proved(&source, &address);
        let message = &dossier(3, 2)[0];
        let (status, body) = sender.push(CHANNEL, Some("late"), &message.bytes).await.unwrap();
        assert_eq!((status, &body["code"]), (503, &"later".into()), "{body}");
        let code = "/v1/dossiers/BH.HT.24.000001";
        assert!(sender.found(code).await.is_object(), "it goes on reading");
        hub.stop();
        let to = Folder::new(&format!("{name}-new")).with_store(address);
        let hub = Hub::start(&to).await;
        let sender = hub.sender(&key);
        let (status, body) = sender.push(CHANNEL, Some("late"), &message.bytes).await.unwrap();
        assert_eq!((status, &body["outcome"]), (200, &"stored".into()), "{body}");
        hub.stop();
        assert!(proof.contains(&format!("entries    {}", to.verify().entries - 1)), "{proof}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_in_use_and_a_source_that_is_none_are_refused_by_name() {
    let old = Folder::new("move-refused");
    let key = old.key(AGENCY);
    let hub = Hub::start(&old).await;
    send_all(&hub.sender(&key), dossier(3, 1), 1).await;
    hub.stop();
    let used = [Folder::new("move-used"), Backend::Postgres.folder("move_used")];
    for target in &used {
        Hub::start(target).await.stop();
        let address = if target.path().join("hub.db").exists() {
            file(target)
        } else {
            target.address().into()
        };
        refused(&moved(&file(&old), &address), "holds something else");
        target.verify();
    }
    let nowhere = format!("sqlite:{}", old.path().join("none.db").display());
    let unused = cluster::database("move_unused");
    refused(&moved(&nowhere, &unused), "there is no file");
    refused(&moved(&file(&old), &file(&old)), "the same store");
    refused(&moved("mysql://a", &unused), "--from: there is no store `mysql:`");
    // The address of an empty store is one, but there is nothing to move.
    refused(&moved(&cluster::database("move_none"), &unused), "holds nothing to move");
    // Nobody listens on port 1.
    let (server, database) = unused.rsplit_once('/').unwrap();
    let away = format!("{}:1/{database}", server.rsplit_once(':').unwrap().0);
    let output = moved(&file(&old), &away);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    // Nothing was shut: the hub goes on.
    old.verify();
    Hub::start(&old).await.stop();
}

/// Kills a move once the old store is shut and not all is there.
fn left_half_way(from: &str, to: &str, old: &Folder) {
    killed_at(from, to, Duration::ZERO, |line| line.starts_with("copying entries"));
    refused(&old.run(&["verify"]), "is being moved to");
}

/// Alters one byte of the last entry, behind everyone's back.
fn alter(folder: &Folder) {
    let program = "import sqlite3, sys\n\
        store = sqlite3.connect(sys.argv[1])\n\
        store.execute('DROP TRIGGER entries_stay')\n\
        at, text = store.execute('SELECT position, public FROM entries ORDER BY position DESC')\
            .fetchone()\n\
        at_byte = text.index(b'\"source_code\":\"') + 15\n\
        text = text[:at_byte] + bytes([text[at_byte] ^ 1]) + text[at_byte + 1:]\n\
        store.execute('UPDATE entries SET public = ? WHERE position = ?', (text, at))\n\
        store.commit()";
    let mut python = Command::new("python3");
    let done = python.args(["-c", program]).arg(folder.path().join("hub.db")).output().unwrap();
    assert!(done.status.success(), "{}", stderr(&done));
}

#[test]
fn one_altered_byte_is_found_before_the_move_and_in_the_middle_of_it() {
    let old = Folder::new("move-altered");
    filled(&old);
    let middle = cluster::database("move_altered");
    left_half_way(&file(&old), &middle, &old);
    alter(&old);
    refused(&moved(&file(&old), &middle), "does not hold, and is taken nowhere");
    let server = Folder::new("move-altered-server").with_store(middle);
    refused(&server.run(&["verify"]), "a move into this store is not finished");
    let other = Folder::new("move-altered-first");
    filled(&other);
    alter(&other);
    let unused = cluster::database("move_altered_unused");
    let output = moved(&file(&other), &unused);
    refused(&output, "the public text is not the one the entry names");
    assert!(stderr(&output).contains("position 4500"), "{}", stderr(&output));
    let told = stderr(&other.run(&["verify"]));
    assert!(told.contains("position 4500") && !told.contains("moved"), "nothing was shut: {told}");
}

#[test]
fn a_move_that_is_abandoned_leaves_the_old_store_as_it_was() {
    let old = Folder::new("move-abandoned");
    filled(&old);
    let verified = old.verify();
    let target = cluster::database("move_abandoned");
    left_half_way(&file(&old), &target, &old);
    let other = cluster::database("move_abandoned_other");
    refused(&moved(&file(&old), &other), "not to");
    let (from, to) = (file(&old), target.clone());
    let abandon = || run(&["move", "--from", &from, "--to", &to, "--abandon"]);
    let output = abandon();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(old.verify(), verified);
    refused(&abandon(), "is not being moved to");
    let half = Folder::new("move-abandoned-half").with_store(target.clone());
    refused(&half.run(&["verify"]), "a move into this store is not finished");
    refused(&moved(&from, &to), "part of another move");
    proved(&from, &other);
    let output = run(&["move", "--from", &from, "--to", &other, "--abandon"]);
    refused(&output, "the move is finished");
}
