//! What a power cut leaves: texts that have no content, or half of it.

use std::{fs::File, io::Write, os::unix::fs::FileExt};

use contracts::Outcome;

use super::*;
use crate::suite::receipt;

/// A hub puts two files away, and dies without a word. Gives the folder and what it wrote.
async fn put_away(names: &[&str]) -> (PathBuf, Vec<Vec<u8>>) {
    let root = new_root();
    let rig = Rig::new(Scripted::new([]), settings(&root, Ready::Rename));
    for name in names {
        rig.drop_whole(name, name.as_bytes());
    }
    for name in names {
        rig.there(format!("done/{name}")).await;
    }
    rig.stopped().await;
    let told = names.iter().map(|name| fs::read(receipt_of(&rig, name)).unwrap()).collect();
    // What the next one finds is what this one leaves.
    let copy = new_root();
    fs::remove_dir(&copy).unwrap();
    fs::rename(&root, &copy).unwrap();
    (copy, told)
}

fn receipt_of(rig: &Rig, name: &str) -> PathBuf {
    rig.path(format!("done/{name}.receipt.json"))
}

#[tokio::test]
async fn receipts_that_a_power_cut_has_torn_are_whole_again_and_no_others_are_touched() {
    let names = ["empty.csv", "half.csv", "zeros.csv", "gone.csv", "mended.csv", "taken-away.csv"];
    let (root, told) = put_away(&names).await;
    let done = root.join("so-xay-dung/ho-so/done");
    let path = |name: &str| done.join(format!("{name}.receipt.json"));
    File::create(path("empty.csv")).unwrap();
    fs::write(path("half.csv"), &told[1][..told[1].len() / 2]).unwrap();
    fs::write(path("zeros.csv"), vec![0; told[2].len()]).unwrap();
    fs::remove_file(path("gone.csv")).unwrap();
    // Somebody's own, and a file that its clerk has taken away with its receipt.
    fs::write(path("mended.csv"), b"{\"theirs\": true}").unwrap();
    fs::remove_file(path("taken-away.csv")).unwrap();
    fs::remove_file(done.join("taken-away.csv")).unwrap();
    let rig = Rig::new(Scripted::new([]), settings(&root, Ready::Rename));
    rig.drop_whole("next.csv", b"next");
    rig.there("done/next.csv").await;
    for (at, name) in names.iter().enumerate().take(4) {
        let now = fs::read(receipt_of(&rig, name)).unwrap();
        assert_eq!(now, told[at], "{name}");
    }
    assert_eq!(fs::read(receipt_of(&rig, "mended.csv")).unwrap(), b"{\"theirs\": true}");
    assert!(!receipt_of(&rig, "taken-away.csv").exists());
    assert_eq!(rig.names("claimed"), Vec::<String>::new());
    rig.stopped().await;
}

#[tokio::test]
async fn a_torn_receipt_of_a_file_that_is_claimed_still_is_written_once_more() {
    let (root, told) = put_away(&["a.csv"]).await;
    let folder = root.join("so-xay-dung/ho-so");
    // The file's move was lost with the power, its receipt came half-way.
    fs::rename(folder.join("done/a.csv"), folder.join("claimed/a.csv")).unwrap();
    File::create(folder.join("done/a.csv.receipt.json")).unwrap();
    let again = receipt("a.csv", Outcome::Duplicate, Some(Outcome::Stored));
    let rig = Rig::new(Scripted::new([Ok(again)]), settings(&root, Ready::Rename));
    rig.there("done/a.csv").await;
    assert_eq!(rig.names("done"), ["a.csv", "a.csv.receipt.json"]);
    // It told the first outcome.
    assert_eq!(fs::read(receipt_of(&rig, "a.csv")).unwrap(), told[0]);
}

#[tokio::test]
async fn a_log_that_is_torn_or_forged_does_no_harm() {
    let (root, _) = put_away(&["a.csv"]).await;
    let folder = root.join("so-xay-dung/ho-so");
    let log = folder.join("claimed/.lock");
    let mut file = File::options().append(true).open(&log).unwrap();
    let name = |name: &str| name.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    for (place, ending) in [
        (name("../escaped"), ".receipt.json"),
        (name("a.csv"), "/../../escaped"),
        (name("a.csv"), ".anything"),
        ("zz".to_owned(), ".receipt.json"),
        ("\u{e1}".to_owned(), ".receipt.json"),
        (String::new(), ".receipt.json"),
    ] {
        let line = serde_json::json!({
            "into": "done", "place": place, "texts": [[ending, "{}"]],
        });
        writeln!(file, "{line}").unwrap();
    }
    file.write_all(b"\n\0\0\0{\"into\":\"do").unwrap();
    let rig = Rig::new(Scripted::new([]), settings(&root, Ready::Rename));
    rig.drop_whole("b.csv", b"b");
    rig.there("done/b.csv").await;
    let done = rig.names("done");
    assert_eq!(done, ["a.csv", "a.csv.receipt.json", "b.csv", "b.csv.receipt.json"]);
    assert_eq!(rig.names(""), ["claimed", "done", "known", "refused"]);
    assert_eq!(fs::read_dir(&root).unwrap().count(), 1);
    rig.stopped().await;
    // What was left is done with: the log has the one line since.
    let lines = fs::read_to_string(&log).unwrap();
    assert_eq!(lines.lines().count(), 1, "{lines}");
}

#[tokio::test]
async fn a_log_that_is_somebody_elses_file_too_is_not_written_to() {
    let root = new_root();
    settings(&root, Ready::Rename).prepare().unwrap();
    let secret = root.join("hub.db");
    fs::write(&secret, b"not theirs").unwrap();
    let log = root.join("so-xay-dung/ho-so/claimed/.lock");
    fs::remove_file(&log).unwrap();
    fs::hard_link(&secret, &log).unwrap();
    let rig = Rig::new(Scripted::new([]), settings(&root, Ready::Rename));
    rig.drop_whole("a.csv", b"a");
    Rig::some_looks().await;
    assert_eq!(fs::read(&secret).unwrap(), b"not theirs");
    let told = rig.standing.borrow().trouble.clone().unwrap().told();
    assert!(told.en.contains("claimed/.lock"), "{told:?}");
    fs::remove_file(&log).unwrap();
    rig.there("done/a.csv").await;
}

#[tokio::test]
async fn a_log_of_another_process_that_is_long_begins_anew() {
    let root = new_root();
    settings(&root, Ready::Rename).prepare().unwrap();
    let log = File::options().write(true).open(root.join("so-xay-dung/ho-so/claimed/.lock"));
    // It takes no room on the disk.
    log.as_ref().unwrap().set_len(32 << 20).unwrap();
    log.as_ref().unwrap().write_all_at(b"\n", 7).unwrap();
    let rig = Rig::new(Scripted::new([]), settings(&root, Ready::Rename));
    rig.drop_whole("a.csv", b"a");
    rig.there("done/a.csv").await;
    assert!(log.unwrap().metadata().unwrap().len() < 4096);
}
