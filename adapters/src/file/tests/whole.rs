//! What is whole is taken, once; what is being written is left alone.

use std::{
    fs::{self, File},
    io::Write,
    time::SystemTime,
};

use contracts::{Later, Outcome};

use super::*;
use crate::suite::receipt;

#[tokio::test]
async fn a_file_that_grows_is_left_alone_until_it_has_not_for_two_looks() {
    let rig = Rig::start(Ready::Stable);
    let mut file = File::create(rig.path("HOSO.csv")).unwrap();
    for _ in 0..12 {
        file.write_all(b"row\n").unwrap();
        sleep(LOOK / 2).await;
        assert!(rig.inbox.arrivals().is_empty(), "taken while it was written");
    }
    drop(file);
    rig.there("done/HOSO.csv").await;
    assert_eq!(rig.inbox.arrivals()[0].1.payload, "row\n".repeat(12));
    assert_eq!(rig.names("claimed"), Vec::<String>::new());
}

#[tokio::test]
async fn a_copy_that_keeps_size_and_time_of_its_original_is_seen_to_go_on() {
    let rig = Rig::start(Ready::Stable);
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_383_553_530);
    let mut file = File::create(rig.path("HOSO.csv")).unwrap();
    file.set_len(40).unwrap();
    for row in 0..10 {
        file.write_all(format!("r{row}.\n").as_bytes()).unwrap();
        file.set_modified(long_ago).unwrap();
        sleep(LOOK / 2).await;
        assert!(rig.inbox.arrivals().is_empty(), "taken while it was written");
    }
    drop(file);
    rig.there("done/HOSO.csv").await;
    assert!(rig.inbox.arrivals()[0].1.payload.ends_with(b"r9.\n"));
}

#[tokio::test]
async fn a_file_with_a_marker_is_taken_at_once_and_without_it_never() {
    let rig = Rig::start(Ready::Marker);
    for (name, payload) in [("a.csv", "a"), ("b.csv", "b"), ("c.csv", "c")] {
        rig.write(name, payload.as_bytes());
    }
    // A marker that is older than the file was for another one.
    let file = File::create(rig.path("c.csv.ok")).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    Rig::some_looks().await;
    assert!(rig.inbox.arrivals().is_empty());
    rig.write("b.csv.done", b"checksum");
    rig.there("done/b.csv").await;
    assert_eq!(rig.names("done"), ["b.csv", "b.csv.done", "b.csv.receipt.json"]);
    assert_eq!(fs::read(rig.path("done/b.csv.done")).unwrap(), b"checksum");
    rig.write("a.csv.ok", b"");
    rig.write("c.csv.ok", b"");
    rig.there("done/a.csv").await;
    rig.there("done/c.csv").await;
    assert_eq!(rig.inbox.arrivals().len(), 3);
    let files: Vec<String> = rig.names("");
    assert_eq!(files, ["claimed", "done", "known", "refused"]);
}

#[tokio::test]
async fn unfinished_names_wait_for_their_renaming() {
    let rig = Rig::start(Ready::Rename);
    for name in ["a.csv.part", "b.tmp", ".hidden", "~$c.xlsx", "d.csv.refused.json"] {
        rig.write(name, b"x");
    }
    Rig::some_looks().await;
    assert!(rig.inbox.arrivals().is_empty());
    fs::rename(rig.path("a.csv.part"), rig.path("a.csv")).unwrap();
    rig.there("done/a.csv").await;
    assert_eq!(rig.ids(), ["a.csv"]);
}

#[tokio::test]
async fn the_same_file_twice_is_one_message_and_a_replaced_file_a_new_one() {
    let rig = Rig::start(Ready::Rename);
    // One that goes on, is sent again, changes, and returns to what it was.
    for payload in ["4", "4", "5", "4", "4"] {
        rig.drop_whole("BH-1.json", payload.as_bytes());
        let arrived = rig.inbox.arrivals().len();
        rig.inbox.has(arrived + 1).await;
        while !rig.names("claimed").is_empty() || rig.path("BH-1.json").exists() {
            sleep(Duration::from_millis(5)).await;
        }
    }
    let first = "BH-1.json".to_owned();
    let second = format!("BH-1.json<{first}");
    let third = format!("BH-1.json<{second}");
    assert_eq!(rig.ids(), [first.clone(), first, second, third.clone(), third]);
    // Five files came, five lie there, each with its receipt.
    let done = rig.names("done");
    let receipts = done.iter().filter(|name| name.ends_with(".receipt.json")).count();
    assert_eq!((done.len(), receipts), (10, 5), "{done:?}");
    rig.stopped().await;
}

#[tokio::test]
async fn what_a_crash_left_claimed_is_taken_up_and_keeps_its_first_receipt() {
    let root = new_root();
    let settings = settings(&root, Ready::Rename);
    settings.prepare().unwrap();
    let folder = root.join("so-xay-dung/ho-so");
    // Killed after the claim; after its receipt was put away; while one was written.
    for name in ["a.csv", "b.csv"] {
        fs::write(folder.join("claimed").join(name), name).unwrap();
    }
    fs::write(folder.join("claimed/.draft-1-1"), b"{\"half").unwrap();
    let told = serde_json::to_vec(&receipt("b.csv", Outcome::Stored, None)).unwrap();
    fs::write(folder.join("done/b.csv.receipt.json"), &told).unwrap();
    fs::write(folder.join("done/a.csv.receipt.json"), b"of another a.csv, taken away").unwrap();
    let again = receipt("b.csv", Outcome::Duplicate, Some(Outcome::Stored));
    let inbox = Scripted::new([Ok(receipt("a.csv", Outcome::Stored, None)), Ok(again)]);
    let rig = Rig::new(inbox, settings);
    rig.there("done/b.csv").await;
    while !rig.names("claimed").is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(fs::read(rig.path("done/b.csv.receipt.json")).unwrap(), told);
    let kept = fs::read(rig.path("done/a.csv.receipt.json")).unwrap();
    assert_eq!(kept, b"of another a.csv, taken away");
    let a = rig.names("done").into_iter().find(|name| name.starts_with("a~")).unwrap();
    assert_eq!(fs::read(rig.path("done").join(a)).unwrap(), b"a.csv");
}

#[tokio::test]
async fn files_behind_one_that_is_put_off_wait_and_then_pass_it() {
    let later = || Err(Later { reason: "the store is away".to_owned(), retry_after_seconds: 1 });
    let inbox = Scripted::new([later(), later(), later(), later()]);
    let root = new_root();
    let rig = Rig::new(inbox, settings(&root, Ready::Stable));
    for (age, name) in [(3, "a"), (2, "b"), (1, "c")] {
        let file = File::create(rig.path(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    }
    for name in ["a", "b", "c"] {
        rig.there(format!("done/{name}")).await;
    }
    // Three times in order; then it might be the file's own fault, and the next one goes on.
    assert_eq!(rig.ids(), ["a", "a", "a", "a", "b", "c", "a"]);
    assert_eq!(rig.names("claimed"), Vec::<String>::new());
    while rig.standing.borrow().trouble.is_some() {
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn of_two_processes_one_takes_a_folder_and_the_other_follows_it() {
    let root = new_root();
    let inbox = Scripted::new([]);
    let one = Rig::new(inbox.clone(), settings(&root, Ready::Rename));
    one.inbox.hold();
    one.drop_whole("a", b"a");
    one.inbox.has(1).await;
    let other = Rig::new(Scripted::new([]), settings(&root, Ready::Rename));
    one.drop_whole("b", b"b");
    Rig::some_looks().await;
    assert!(other.inbox.arrivals().is_empty(), "two took one folder");
    assert!(other.standing.borrow().elsewhere);
    one.inbox.release();
    one.there("done/b").await;
    one.stopped().await;
    one.drop_whole("c", b"c");
    other.there("done/c").await;
    // Whoever looks first takes what is dropped, and nobody else.
    assert_eq!(other.ids().last().unwrap(), "c");
    let mut all = [one.ids(), other.ids()].concat();
    all.sort();
    assert_eq!(all, ["a", "b", "c"]);
}
