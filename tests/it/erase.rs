//! A person is erased on request: gone from wherever the store had them, kept out when they come
//! again, and nothing else moves.

mod applications;
mod at_rest;
mod attachments;
mod feedback;
mod requests;
mod traces;

use std::fs;

use serde_json::{Value, json};

use crate::{
    backend::{Backend, on_each_store},
    delivery::{
        agency::{Agency, Reply},
        at, office, settled,
    },
    harness::{Folder, Hub, Sender, Verified},
    lienthong::{run, stderr, stdout},
    people::altered,
};
use traces::is_there;

on_each_store!(
    a_person_goes_from_everywhere_and_nothing_else_moves,
    who_was_erased_stays_so_wherever_the_store_goes,
    what_is_gone_or_there_against_the_journal_is_found,
);

const CHANNEL: &str = "so-gui.ho-so";
const ROUTE: &str = "[[route]]\ncontract = \"dossier/1\"\nto = \"so-nhan.nhan\"\npersonal = true\n";

/// Who is erased, by a name that nobody else has a part of, and who is not.
const NAME: &str = "Bùi Zyxwvq Xoá";
const OTHER: &str = "Lâm Thị Mẫu";
/// What of them is looked for.
const MARK: &str = "Zyxwvq";

const READ: &str = "/v1/dossiers/X-1";
const ERASE: [&str; 4] = ["erase", "X-1", "--reason", "văn bản số 12"];

fn line(code: &str, version: u32, status: &str, name: &str) -> String {
    let record = json!({ "ma": code, "phienBan": version.to_string(), "ngayNhan": "04/03/2024",
                         "trangThai": status, "nguoiNop": name });
    format!("{record}\n")
}

/// Sends one message; gives its receipt.
async fn send(sender: &Sender, id: &str, lines: &str, outcome: &str) -> Value {
    let (_, receipt) = sender.push(CHANNEL, Some(id), lines.as_bytes()).await.unwrap();
    let told = receipt.get("outcome").or(receipt.pointer("/receipt/outcome"));
    assert_eq!(told, Some(&json!(outcome)), "{id}: {receipt}");
    receipt
}

#[track_caller]
fn well(folder: &Folder, arguments: &[&str]) -> String {
    let output = folder.run(arguments);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    stdout(&output)
}

fn erase(folder: &Folder) -> String {
    erase_dossier(folder, "X-1")
}

fn erase_dossier(folder: &Folder, code: &str) -> String {
    well(folder, &["erase", code, "--reason", "văn bản số 12", "--yes"])
}

/// All that brings the person into a hub: told twice, once beside somebody else; told otherwise
/// under an id that has stored something; refused; and in a message of more records than one
/// commit takes.
async fn told(sender: &Sender) {
    let both = line("X-1", 1, "MOI", NAME) + &line("Y-1", 1, "MOI", OTHER);
    send(sender, "m-1", &both, "stored").await;
    send(sender, "m-2", &line("X-1", 2, "DANG_XU_LY", NAME), "stored").await;
    send(sender, "m-2", &line("X-1", 7, "XONG", NAME), "conflict").await;
    send(sender, "m-3", &line("X-1", 3, "LA", NAME), "refused").await;
    send(sender, "m-4", &many("Z", NAME), "stored").await;
}

/// A message of many chunks with the person in the last.
fn many(others: &str, name: &str) -> String {
    let all = (0..1_100).map(|number| line(&format!("{others}-{number}"), 1, "MOI", OTHER));
    all.collect::<String>() + &line("X-1", 4, "DANG_XU_LY", name)
}

/// A receiver that refuses what is of the person, and names them when it does.
async fn receiver() -> Agency {
    Agency::new(|seen, _| match seen.subject() {
        "X-1" => Reply::Says(422, "", "không nhận ông Zyxwvq"),
        _ => Reply::TAKEN,
    })
    .await
}

/// Has a dead letter sent once more with an operator's own text, which names the person; then lets
/// the next delivery wait.
async fn letters(folder: &Folder, sender: &Sender, operator: &Sender) {
    settled(operator, "so-nhan.nhan").await;
    let dead = operator.found("/v1/dead").await["dead"].clone();
    let file = folder.path().join("sua.json");
    fs::write(&file, json!({ "ten": NAME }).to_string()).unwrap();
    let id = dead[0]["id"].as_str().unwrap();
    well(folder, &["dead", "replay", id, "--body", file.to_str().unwrap()]);
    fs::remove_file(&file).unwrap();
    settled(operator, "so-nhan.nhan").await;
    well(folder, &["pause", "so-nhan.nhan"]);
    send(sender, "m-5", &line("X-1", 5, "DANG_XU_LY", NAME), "stored").await;
}

async fn a_person_goes_from_everywhere_and_nothing_else_moves(backend: Backend) {
    let agency = receiver().await;
    let folder = office(backend, "erase", ROUTE, &[("so-nhan.nhan", &at(&agency.url))]);
    let keys = ["agency:so-gui", "operator", "portal"].map(|who| folder.key(who));
    let hub = Hub::start(&folder).await;
    let [sender, operator, portal] = keys.map(|key| hub.sender(&key));
    told(&sender).await;
    letters(&folder, &sender, &operator).await;
    let stated = format!("{READ}?purpose=handling");
    let whole = sender.found(&stated).await;
    assert_eq!(whole["dossier"]["applicant"]["name"], NAME);
    let public = sender.found(READ).await;
    let before = folder.verify();
    assert!(is_there(backend, &folder, MARK), "where it is looked for it is found");

    // First it is only told what would go.
    let would = well(&folder, &ERASE);
    assert!(would.contains("so-gui, channel ho-so: 4 personal texts"), "{would}");
    assert!(would.contains("1101 records of others") && would.contains("--yes"), "{would}");
    assert_eq!(folder.verify(), before);
    assert_eq!(sender.found(&stated).await["personal"], "included");

    let done = erase(&folder);
    assert!(done.contains("erased     so-gui") && done.contains("the journal tells"), "{done}");
    assert!(!is_there(backend, &folder, MARK), "{done}");
    let after = Verified { entries: before.entries + 1, ..before.clone() };
    assert_eq!(folder.verify(), after, "dossiers and fold root");
    let entry = erased_is_told(&sender, &stated, &public).await;
    others_stay(&sender, &portal).await;
    assert!(well(&folder, &["erase", "--list"]).contains("so-gui/X-1: asked by the person"));
    // Once more changes nothing.
    let again = erase(&folder);
    assert!(again.contains(&format!("erased before, by entry {entry}")), "{again}");
    assert_eq!(folder.verify(), after);

    comes_again(backend, &folder, &sender).await;
    delivered_without(&folder, &agency, &operator).await;
    retranslated(&folder);
    hub.stop();
    assert_eq!(folder.run(&["rebuild"]).status.code(), Some(0));
    assert!(!is_there(backend, &folder, MARK));
    folder.verify();
}

/// What is told of the dossier and its records, with a purpose and without; gives the position of
/// the erasure.
async fn erased_is_told(sender: &Sender, stated: &str, public: &Value) -> u64 {
    let told = sender.found(READ).await;
    assert_eq!((&told["dossier"], &told["history"]), (&public["dossier"], &public["history"]));
    for path in [READ, stated] {
        let told = sender.found(path).await;
        assert_eq!(told["personal"], "erased", "{told}");
        assert!(told["erased"]["at"].as_str().unwrap().ends_with('Z'), "{told}");
    }
    let position = told["history"][0]["position"].as_u64().unwrap();
    for purpose in ["", "?purpose=handling"] {
        let record = sender.found(&format!("/v1/records/{position}{purpose}")).await;
        assert_eq!(record["personal"], "erased", "{record}");
        assert_eq!(record["erased"], told["erased"], "{record}");
    }
    // Who was given them before stands in the log of accesses.
    let accesses = sender.found("/v1/access-log?dossier=X-1").await["accesses"].clone();
    assert_eq!(accesses.as_array().unwrap().len(), 2, "one before, one of the dry run: {accesses}");
    told["erased"]["position"].as_u64().unwrap()
}

async fn others_stay(sender: &Sender, portal: &Sender) {
    for code in ["Y-1", "Z-7"] {
        let told = sender.found(&format!("/v1/dossiers/{code}?purpose=handling")).await;
        assert_eq!((&told["personal"], &told["erased"]), (&json!("included"), &Value::Null));
        assert_eq!(told["dossier"]["applicant"]["name"], OTHER);
    }
    assert_eq!(portal.found(READ).await["personal"], "withheld", "that is not the portal's");
}

/// The next messages bring the person back, by every way: nothing of them is kept.
async fn comes_again(backend: Backend, folder: &Folder, sender: &Sender) {
    let both = line("X-1", 1, "MOI", NAME) + &line("Y-1", 1, "MOI", OTHER);
    send(sender, "m-1", &both, "duplicate").await;
    let receipt = send(sender, "m-6", &(line("X-1", 8, "XONG", NAME)), "stored").await;
    assert_eq!(receipt["erased"]["records"], 1, "{receipt}");
    assert!(receipt["erased"]["vi"].as_str().unwrap().contains("đã xóa"), "{receipt}");
    assert!(receipt["erased"]["en"].as_str().unwrap().contains("erased"), "{receipt}");
    let again = send(sender, "m-6", &(line("X-1", 8, "XONG", NAME)), "duplicate").await;
    assert_eq!(again["erased"], receipt["erased"], "{again}");
    send(sender, "m-6", &(line("X-1", 9, "XONG", NAME)), "conflict").await;
    send(sender, "m-7", &line("X-1", 9, "LA", NAME), "refused").await;
    let large = send(sender, "m-8", &many("W", NAME), "stored").await;
    assert_eq!((&large["records"], &large["erased"]["records"]), (&json!(1_101), &json!(1)));
    let whole = sender.found(&format!("{READ}?purpose=handling")).await;
    assert_eq!((&whole["dossier"]["status"], &whole["personal"]), (&json!(9), &json!("erased")));
    let other = sender.found("/v1/dossiers/W-7?purpose=handling").await;
    assert_eq!(other["dossier"]["applicant"]["name"], OTHER, "others of that message are kept");
    let trace = sender.found("/v1/messages/m-6").await["messages"][1].clone();
    assert_eq!((&trace["dropped"], trace["erased"].is_u64()), (&json!(1), true), "{trace}");
    // What was written and overwritten lies in the WAL until that is emptied.
    erase(folder);
    assert!(!is_there(backend, folder, MARK));
    folder.verify();
}

/// What waited goes without persons, and what was given up says nothing of them.
async fn delivered_without(folder: &Folder, agency: &Agency, operator: &Sender) {
    let dead = operator.found("/v1/dead").await["dead"].clone();
    let id = dead.as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
    let whole = operator.found(&format!("/v1/dead/{id}?purpose=handling")).await;
    assert!(whole["told"].as_str().unwrap().contains("đã xóa"), "{whole}");
    assert!(!whole.to_string().contains(MARK), "{whole}");
    agency.does(|_, _| Reply::TAKEN);
    let before = agency.seen().len();
    well(folder, &["resume", "so-nhan.nhan"]);
    settled(operator, "so-nhan.nhan").await;
    well(folder, &["dead", "replay", &id]);
    settled(operator, "so-nhan.nhan").await;
    let seen = agency.seen().split_off(before);
    let own: Vec<_> = seen.iter().filter(|one| one.subject() == "X-1").collect();
    assert!(own.len() >= 2, "{own:?}");
    assert!(own.iter().all(|one| !one.body.contains(MARK)), "{own:?}");
    let other = seen.iter().find(|one| one.subject() == "W-7").unwrap();
    assert!(other.body.contains(OTHER), "{other:?}");
}

/// Under a mended mapping, what is gone is told for what it is.
fn retranslated(folder: &Folder) {
    let mapping = folder.path().join("agencies/so-gui/ho-so.toml");
    let text = fs::read_to_string(&mapping).unwrap().replace("Cấp giấy phép", "Cấp phép");
    fs::write(&mapping, text).unwrap();
    let told = well(folder, &["retranslate", CHANNEL, "--dry-run"]);
    assert!(told.contains("messages have no raw bytes any more: a person in them"), "{told}");
}

/// A hub with the person erased, and ended.
async fn without(backend: Backend, name: &str) -> (Folder, String) {
    let folder = backend.folder_of(name, &["tests/corpus/delivery"]);
    let key = folder.key("agency:so-gui");
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    let both = line("X-1", 1, "MOI", NAME) + &line("Y-1", 1, "MOI", OTHER);
    send(&sender, "m-1", &both, "stored").await;
    send(&sender, "m-2", &line("Y-1", 2, "XONG", OTHER), "stored").await;
    hub.stop();
    erase(&folder);
    (folder, key)
}

async fn who_was_erased_stays_so_wherever_the_store_goes(backend: Backend) {
    let (folder, key) = without(backend, "erase_goes").await;
    well(&folder, &["prune", "--older-than", "0d"]);
    let before = folder.verify();
    let kept = folder.path().join("backup");
    well(&folder, &["backup", kept.to_str().unwrap()]);
    let sources = ["tests/corpus/delivery"];
    let restored = backend.folder_of("erase_restored", &sources);
    well(&restored, &["restore", kept.to_str().unwrap()]);
    let other = match backend {
        Backend::Sqlite => Backend::Postgres,
        Backend::Postgres => Backend::Sqlite,
    };
    let moved = other.folder_of("erase_moved", &sources);
    let (from, to) = (folder.store_address(), moved.store_address());
    let output = run(&["move", "--from", &from, "--to", &to]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    for (folder, backend) in [(&restored, backend), (&moved, other)] {
        assert_eq!(folder.verify().fold_root, before.fold_root);
        let hub = Hub::start(folder).await;
        let sender = hub.sender(&key);
        assert_eq!(sender.found(READ).await["personal"], "erased");
        let receipt = send(&sender, "m-3", &line("X-1", 2, "XONG", NAME), "stored").await;
        assert_eq!(receipt["erased"]["records"], 1, "{receipt}");
        hub.stop();
        folder.verify();
        assert!(!is_there(backend, folder, MARK));
    }
    let taken = folder.run(&[&ERASE[..], &["--yes"]].concat());
    assert!(stderr(&taken).contains("moved to"), "{}", stderr(&taken));
}

async fn what_is_gone_or_there_against_the_journal_is_found(backend: Backend) {
    let (folder, _) = without(backend, "erase_found").await;
    let unknown = folder.run(&["erase", "KHONG-CO", "--reason", "x", "--yes"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("no dossier"), "{}", stderr(&unknown));
    for more in [["--reason", ""], ["--reason", "a\nb"], ["--asked-by", "Bùi Thị Xoá"]] {
        let output = folder.run(&[&["erase", "Y-1"][..], &more].concat());
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    }
    let lienthong = if backend == Backend::Postgres { "lienthong." } else { "" };
    let found = |sql: &str, back: &str, says: &str| {
        altered(backend, &folder, &sql.replace('@', lienthong));
        let told = folder.run(&["verify"]);
        assert!(stderr(&told).contains(says), "{says}: {}{}", stdout(&told), stderr(&told));
        assert_eq!(told.status.code(), Some(1));
        altered(backend, &folder, &back.replace('@', lienthong));
        folder.verify();
    };
    found(
        "CREATE TABLE @away AS SELECT * FROM @personal;
         DELETE FROM @personal WHERE position = (SELECT max(position) FROM @away)",
        "DELETE FROM @personal; INSERT INTO @personal SELECT * FROM @away; DROP TABLE @away",
        "is gone, and was not erased",
    );
    found(
        "UPDATE @erased SET name = 'so-gui/Y-1'",
        "UPDATE @erased SET name = 'so-gui/X-1'",
        "that `so-gui/X-1` was erased is not stored",
    );
    found(
        "INSERT INTO @payloads (message, piece, salt, bytes)
             SELECT 1, 1, salt, bytes FROM @payloads WHERE message = 2",
        "DELETE FROM @payloads WHERE message = 1",
        "the raw bytes of message 1 were erased, but are there",
    );
    found(
        "UPDATE @messages SET erased = 1 WHERE message = 1",
        "UPDATE @messages SET erased = (SELECT position FROM @erased) WHERE message = 1",
        "message 1 is marked erased by what is no erasure",
    );
}
