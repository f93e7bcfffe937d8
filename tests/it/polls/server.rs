//! Files on an agency's own SSH server, while it and the hub end again and again.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::time::sleep;

use super::{AGENCY, READ_MAX, foreign::Files, private, reading_of, stands};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Random, Sender, seed},
    lienthong::{stderr, stdout},
};

/// Files of an agency; one of them is no list of dossiers.
const FILES: u32 = 120;
const POISON: u32 = 37;

on_each_store!(what_a_server_holds_is_taken_once_whatever_breaks);

/// A hub that reads the files of a server.
fn reads(backend: Backend, name: &str, server: &Files) -> Folder {
    fs::create_dir(server.path("ho-so")).unwrap();
    let filled = [
        ("port = 22", format!("port = {}", server.told("port"))),
        ("USER", server.told("user")),
        ("HOST_KEY", server.told("host_key.pub")),
        ("FOLDER", server.path("ho-so").to_str().unwrap().to_owned()),
    ];
    // In a file of TOML a key is a line, its ends of lines written.
    let key = server.told("user_key").replace('\n', "\\n");
    reading_of(backend, name, "tep", &filled, &[("so-doc-tep", key)])
}

fn put(server: &Files, number: u32) {
    let list = format!(
        "[{{\"ma\":\"S-{number}\",\"phienBan\":\"1\",\"ngayNhan\":\"04/03/2024\",\
         \"trangThai\":\"MOI\",\"nguoiNop\":\"Lâm Thị Mẫu\"}}]"
    );
    let text = if number == POISON { "[{".to_owned() } else { list };
    // As programs do that write and then rename.
    let (part, whole) = (format!("ho-so/{number:03}.json.part"), format!("ho-so/{number:03}.json"));
    fs::write(server.path(&part), text).unwrap();
    fs::rename(server.path(&part), server.path(&whole)).unwrap();
}

/// The files that lie in a folder of the server's.
fn lying(server: &Files, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(server.path(folder)).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    files.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

async fn all_are_put_away(server: &Files, count: usize) {
    let began = Instant::now();
    loop {
        let (done, refused) = (lying(server, "ho-so/done"), lying(server, "ho-so/refused"));
        let answers = done.len() + refused.len();
        if answers == 2 * count && lying(server, "ho-so").is_empty() {
            return;
        }
        assert!(began.elapsed() < READ_MAX, "{answers} of {}", 2 * count);
        sleep(Duration::from_millis(50)).await;
    }
}

/// Each dossier was taken once, and each file lies in one place with its answer.
async fn all_is_there_once(server: &Files, sender: &Sender) {
    let mut fed: BTreeMap<String, u32> = BTreeMap::new();
    for event in sender.feed("records", 1_000).await {
        *fed.entry(event["subject"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let good = (0..FILES).filter(|number| *number != POISON);
    let once: BTreeMap<String, u32> = good.clone().map(|n| (format!("S-{n}"), 1)).collect();
    assert_eq!(fed, once);
    for number in good {
        let name = format!("ho-so/done/{number:03}.json");
        assert!(server.path(&name).is_file(), "{name}");
        let text = fs::read(server.path(&format!("{name}.receipt.json"))).unwrap();
        let told: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(told.get("first").unwrap_or(&told["outcome"]), "stored", "{told}");
    }
    let why = fs::read(server.path(&format!("ho-so/refused/{POISON:03}.json.refused.json")));
    let why: Value = serde_json::from_slice(&why.unwrap()).unwrap();
    assert_eq!(why["code"], "refused", "{why}");
}

async fn what_a_server_holds_is_taken_once_whatever_breaks(backend: Backend) {
    let server = Files::start();
    let folder = reads(backend, "polls-server", &server);
    let key = folder.key(AGENCY);
    let mut random = Random::new(seed(20_261_126));
    let mut hub = Hub::start(&folder).await;
    for number in 0..FILES {
        put(&server, number);
        if number % 20 == 10 {
            sleep(Duration::from_millis(random.between(50, 900))).await;
            hub.kill9();
            hub = Hub::start(&folder).await;
        }
        if number % 40 == 30 {
            sleep(Duration::from_millis(random.between(50, 900))).await;
            server.kill();
            sleep(Duration::from_millis(200)).await;
            server.resume();
        }
    }
    all_are_put_away(&server, FILES as usize).await;
    let sender = hub.sender(&key);
    all_is_there_once(&server, &sender).await;
    let standing = stands(&sender, |one| one["succeeded_at"].is_string()).await;
    assert_eq!(standing["transport"], "sftp");
    hub.stop();
    folder.verify();
}

#[test]
fn a_server_is_declared_with_its_key_and_its_faults_are_told() {
    let server = Files::start();
    let folder = reads(Backend::Sqlite, "polls-server-declared", &server);
    folder.key("portal");
    let output = folder.run(&["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let file = folder.path().join("agencies/so-doc/agency.toml");
    let declared = fs::read_to_string(&file).unwrap();
    let keys = format!("host_keys = [\"{}\"]", server.told("host_key.pub"));
    for (line, instead, expected) in [
        (keys.as_str(), "host_keys = []", "a server without a key could be anybody"),
        (keys.as_str(), "host_keys = [\"SHA256:x\"]", "it is no line such as `ssh-ed25519"),
        (keys.as_str(), "# ", "missing field `host_keys`"),
        ("host = \"127.0.0.1\"", "host = \"sftp://a/b\"", "is no name of a server"),
        ("ready = \"rename\"", "ready = \"soon\"", "write stable, marker or rename"),
        ("transport = \"file\"", "transport = \"rest\"", "write transport = \"file\""),
        ("transport = \"file\"", "transport = \"file\"\nfolder = \"a\"", "drop folders alone"),
        ("secret = \"so-doc-tep\"", "secret = \"khac\"", "there is no secret `khac`"),
    ] {
        assert!(declared.contains(line), "{line}\n{declared}");
        fs::write(&file, declared.replacen(line, instead, 1)).unwrap();
        let output = folder.run(&["check"]);
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{instead}: {}", stdout(&output));
        assert!(told.contains(expected), "{instead}: {told}");
    }
    fs::write(&file, declared).unwrap();
    let secrets = folder.path().join("secrets.toml");
    fs::write(&secrets, "so-doc-tep = \"-----BEGIN OPENSSH PRIVATE KEY-----\"\n").unwrap();
    private(&secrets);
    let told = stderr(&folder.run(&["check"]));
    assert!(told.contains("ed25519 or ecdsa, no passphrase"), "{told}");
}
