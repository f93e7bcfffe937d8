//! On a real server: OpenSSH's own, with keys of its own.

use std::{
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use contracts::{Later, Outcome};
use serde_json::Value;
use tokio::{net::TcpListener, time::sleep};

use super::{Server as Address, Settings, SftpFolder};
use crate::{
    file::{Limits, Ready, Room},
    reach::Reach,
    reading::{Pace, fixture::Desk},
    suite::{Scripted, Sender, Told, conforms, receipt},
};

mod sent;
mod strange;

/// A server that ends with these tests.
struct Server(PathBuf);

impl Server {
    fn start() -> Self {
        let id = std::process::id().to_string();
        let folder = script(&["start", &id]);
        Self(PathBuf::from(folder.trim()))
    }

    /// The one that tests share which do not end it.
    fn shared() -> &'static Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(Self::start)
    }

    fn told(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap().trim().to_owned()
    }

    fn run(&self, what: &str) {
        script(&[what, self.0.to_str().unwrap()]);
    }

    /// Where it is, and by what it is known.
    fn address(&self) -> Address {
        Address {
            host: "127.0.0.1".to_owned(),
            port: self.told("port").parse().unwrap(),
            user: self.told("user"),
            host_keys: vec![self.told("host_key.pub").parse().unwrap()],
            answer_max: Duration::from_secs(10),
        }
    }

    /// A folder of its own for a test, and how it is read.
    fn settings(&self, ready: Ready) -> Settings {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let folder = self.0.join("files").join(NEXT.fetch_add(1, Ordering::Relaxed).to_string());
        fs::create_dir(&folder).unwrap();
        Settings {
            server: self.address(),
            folder: folder.to_str().unwrap().to_owned(),
            ready,
            unchanged_for: Duration::from_millis(300),
            limits: Limits { payload_bytes_max: 1 << 20, ..Limits::default() },
        }
    }
}

fn script(arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/sftp");
    let ran = Command::new(script).args(arguments).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

fn reach() -> Arc<Reach> {
    Arc::new(Reach { private: vec!["127.0.0.1".parse().unwrap()] })
}

/// A folder on a server, and the channel that reads it.
struct Line {
    folder: PathBuf,
    desk: Desk,
}

impl Line {
    fn of(settings: Settings, secret: &str, inbox: Arc<Scripted>) -> Self {
        let folder = PathBuf::from(&settings.folder);
        let credential = secret.parse().unwrap();
        let reader = SftpFolder::new(settings, credential, reach(), Room::new(8 << 20));
        Self { folder, desk: Desk::new(reader, inbox) }
    }

    fn on(server: &Server, ready: Ready, inbox: Arc<Scripted>) -> Self {
        Self::of(server.settings(ready), &server.told("user_key"), inbox)
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.folder.join(name), content).unwrap();
    }

    /// What lies there, from the folder on, without folders.
    fn files(&self) -> Vec<String> {
        let (mut found, mut folders) = (Vec::new(), vec![self.folder.clone()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&self.folder).unwrap();
                    found.push(String::from_utf8_lossy(name.as_os_str().as_bytes()).into_owned());
                }
            }
        }
        found.sort();
        found
    }

    fn text(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.folder.join(name)).unwrap()).unwrap()
    }

    fn ids(&self) -> Vec<String> {
        let arrivals = self.desk.inbox.arrivals();
        arrivals.into_iter().map(|(_, arrival)| arrival.key.unwrap()).collect()
    }
}

impl Sender for Line {
    async fn start(inbox: Arc<Scripted>) -> Self {
        Self::on(Server::shared(), Ready::Rename, inbox)
    }

    async fn send(&self, key: &str, payload: &[u8]) -> Told {
        // What was put off lies there still.
        if !self.files().iter().any(|name| name == &format!("claimed/1/{key}")) {
            self.put(key, payload);
        }
        let told = self.desk.told(key).await;
        if let Told::Taken(receipt) | Told::Conflict(receipt) | Told::Refused(receipt) = &told {
            let (place, ending) = match told {
                Told::Taken(_) => ("done", "receipt"),
                _ => ("refused", "refused"),
            };
            let beside = self.text(&format!("{place}/{key}.{ending}.json"));
            let beside = beside.get("receipt").unwrap_or(&beside);
            // The suite sends under one name: the first receipt is under that very name.
            assert!(beside["id"] == receipt.id, "{beside}");
        }
        told
    }

    async fn stop(&self) {
        self.desk.stopped().await;
    }
}

conforms!(Line);

#[tokio::test]
async fn a_file_is_taken_once_it_is_whole_and_put_away_with_its_answer() {
    let refused = receipt("?", Outcome::Refused, None);
    let inbox = Scripted::new([Ok(receipt("a", Outcome::Partial, None)), Ok(refused)]);
    let line = Line::on(Server::shared(), Ready::Stable, inbox);
    line.put("a.csv", "1");
    // Written by a program that is not through, or nobody's message at all.
    for name in ["b.csv.part", ".c", "~$d.xlsx", "Thumbs.db"] {
        line.put(name, "-");
    }
    assert_eq!(line.desk.turn().await.unwrap().taken, 0);
    sleep(Duration::from_millis(400)).await;
    line.put("a.csv", "1, 2");
    assert_eq!(line.desk.turn().await.unwrap().taken, 0, "it has grown");
    sleep(Duration::from_millis(400)).await;
    assert_eq!(line.desk.turn().await.unwrap().taken, 1);
    line.put("e.csv", "?");
    line.desk.turn().await.unwrap();
    sleep(Duration::from_millis(400)).await;
    line.desk.turn().await.unwrap();
    let lying = [
        ".c",
        "Thumbs.db",
        "b.csv.part",
        "done/a.csv",
        "done/a.csv.receipt.json",
        "done/a.csv.refused.json",
        "refused/e.csv",
        "refused/e.csv.refused.json",
        "~$d.xlsx",
    ];
    assert_eq!(line.files(), lying);
    assert!(!line.folder.join("claimed/1").exists(), "nothing is left of a turn");
    assert_eq!(line.desk.inbox.arrivals()[0].1.payload, "1, 2");
    assert_eq!(line.text("refused/e.csv.refused.json")["code"], "refused");
}

#[tokio::test]
async fn a_marker_says_that_its_file_is_whole() {
    let line = Line::on(Server::shared(), Ready::Marker, Scripted::new([]));
    line.put("a.csv", "1");
    line.put("lonely.ok", "");
    assert_eq!(line.desk.turn().await.unwrap().taken, 0);
    line.put("a.csv.done", "");
    assert_eq!(line.desk.turn().await.unwrap().taken, 1);
    let lying = ["done/a.csv", "done/a.csv.done", "done/a.csv.receipt.json", "lonely.ok"];
    assert_eq!(line.files(), lying);
}

#[tokio::test]
async fn the_same_file_is_the_same_message_and_what_comes_back_is_another() {
    let line = Line::on(Server::shared(), Ready::Rename, Scripted::new([]));
    for content in ["4", "5", "5", "4", "5"] {
        line.put("a.csv", content);
        assert_eq!(line.desk.turn().await.unwrap().taken, 1);
    }
    let ids = line.ids();
    assert_eq!(ids[1], ids[2], "sent again");
    let mut others = vec![&ids[0], &ids[1], &ids[3], &ids[4]];
    others.sort();
    others.dedup();
    assert_eq!(others.len(), 4, "{ids:?}");
    // Nothing that lies there was written over.
    assert_eq!(line.files().iter().filter(|name| name.ends_with(".csv")).count(), 5);
    assert_eq!(fs::read(line.folder.join("done/a.csv")).unwrap(), b"4");
}

#[tokio::test]
async fn only_the_server_whose_key_was_declared_is_spoken_to() {
    let server = Server::shared();
    let mut settings = server.settings(Ready::Rename);
    settings.server.host_keys = vec![server.told("other_key.pub").parse().unwrap()];
    let line = Line::of(settings, &server.told("user_key"), Scripted::new([]));
    line.put("a.csv", "1");
    let trouble = line.desk.turn().await.unwrap_err();
    assert_eq!((trouble.code, trouble.pace), ("host-key-differs", Pace::Mended));
    assert!(trouble.told.en.contains("ssh-ed25519 SHA256:"), "{trouble:?}");
    assert_eq!(line.files(), ["a.csv"]);
    // A key of the hub's that the server does not let in; and one that is a password.
    for secret in [server.told("other_key"), "chìa khóa của Sở".to_owned()] {
        let line = Line::of(server.settings(Ready::Rename), &secret, Scripted::new([]));
        let trouble = line.desk.turn().await.unwrap_err();
        assert_eq!((trouble.code, trouble.pace), ("credentials-refused", Pace::Mended));
        assert!(!trouble.told.en.contains(&secret) && !trouble.told.vi.contains(&secret));
    }
}

#[tokio::test]
async fn private_addresses_are_connected_to_where_they_are_named() {
    let settings = Server::shared().settings(Ready::Rename);
    for (host, named) in [("127.0.0.1", "10.0.0.0/8"), ("localhost", "10.0.0.0/8")] {
        let mut settings = settings.clone();
        settings.server.host = host.to_owned();
        let reach = Arc::new(Reach { private: vec![named.parse().unwrap()] });
        let reader = SftpFolder::new(settings, "x".parse().unwrap(), reach, Room::new(1 << 20));
        let trouble = Desk::new(reader, Scripted::new([])).turn().await.unwrap_err();
        assert_eq!(trouble.code, "address-not-allowed");
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = Server::shared().settings(Ready::Rename);
    settings.server.port = silent.local_addr().unwrap().port();
    settings.server.answer_max = Duration::from_millis(300);
    let line = Line::of(settings.clone(), "x", Scripted::new([]));
    let trouble = line.desk.turn().await.unwrap_err();
    assert_eq!((trouble.code, trouble.pace), ("connection-lost", Pace::Soon));
    drop(silent);
    let trouble = line.desk.turn().await.unwrap_err();
    assert_eq!((trouble.code, trouble.pace), ("cannot-connect", Pace::Soon));
}

#[tokio::test]
async fn a_line_that_breaks_loses_nothing_and_takes_nothing_twice() {
    let server = Server::start();
    let inbox = Scripted::new([]);
    let line = Arc::new(Line::on(&server, Ready::Rename, inbox.clone()));
    line.put("a.csv", "1");
    inbox.hold();
    let turn = tokio::spawn({
        let line = line.clone();
        async move { line.desk.turn().await }
    });
    inbox.has(1).await;
    // It is accepted, and cannot be put away any more.
    server.run("end");
    inbox.release();
    let trouble = turn.await.unwrap().unwrap_err();
    assert_eq!(trouble.code, "connection-lost", "{trouble:?}");
    assert_eq!(line.files(), ["claimed/1/a.csv"]);
    server.run("resume");
    assert_eq!(line.desk.turn().await.unwrap().taken, 1);
    assert_eq!(line.files(), ["done/a.csv", "done/a.csv.receipt.json"]);
    let ids = line.ids();
    assert_eq!((ids.len(), &ids[0]), (2, &ids[1]), "the same message");
    server.run("stop");
}

#[tokio::test]
async fn a_turn_that_wakes_late_moves_nothing_that_another_has_taken_over() {
    let inbox = Scripted::new([]);
    let line = Arc::new(Line::on(Server::shared(), Ready::Rename, inbox.clone()));
    // What a turn before has left behind.
    fs::create_dir_all(line.folder.join("claimed/0")).unwrap();
    line.put("claimed/0/a.csv", "1");
    line.put("claimed/0/.draft-7", "half a rece");
    inbox.hold();
    let turn = tokio::spawn({
        let line = line.clone();
        async move { line.desk.turn().await }
    });
    inbox.has(1).await;
    assert_eq!(line.files(), ["claimed/1/a.csv"]);
    // The next turn takes it over, and one of its name is dropped and claimed.
    fs::rename(line.folder.join("claimed/1"), line.folder.join("claimed/2")).unwrap();
    inbox.release();
    let ended = turn.await.unwrap();
    assert!(ended.is_err() || ended.unwrap().taken == 0);
    assert_eq!(line.files(), ["claimed/2/a.csv"]);
}

#[tokio::test]
async fn later_lets_nothing_overtake_until_it_was_told_too_often() {
    let later = || Err(Later { reason: "full".to_owned(), retry_after_seconds: 1 });
    let line = Line::on(Server::shared(), Ready::Rename, Scripted::new((0..4).map(|_| later())));
    line.put("a.csv", "1");
    sleep(Duration::from_millis(1_100)).await;
    line.put("b.csv", "2");
    for turn in 1..=4 {
        let trouble = line.desk.turn().await.unwrap_err();
        assert_eq!(trouble.code, "hub-later");
        let taken = line.files().contains(&"done/b.csv".to_owned());
        assert_eq!(taken, turn == 4, "{turn}: {:?}", line.files());
    }
    assert_eq!(line.desk.turn().await.unwrap().taken, 1);
}

#[test]
fn keys_that_cannot_be_used_are_told_so() {
    use super::{Credential, HostKey};
    let rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7";
    for text in ["", "SHA256:abc", "ssh-ed25519 AAAA", rsa] {
        assert!(text.parse::<HostKey>().is_err(), "{text}");
    }
    let broken = "-----BEGIN OPENSSH PRIVATE KEY-----\nxxxx\n-----END OPENSSH PRIVATE KEY-----";
    assert!(broken.parse::<Credential>().is_err());
    let password: Credential = "bí mật".parse().unwrap();
    assert_eq!(format!("{password:?}"), "Credential");
}

/// Links lead out of the folder, folders are nobody's message.
#[tokio::test]
async fn what_is_no_file_or_too_large_is_refused_unopened() {
    let line = Line::on(Server::shared(), Ready::Rename, Scripted::new([]));
    symlink("/etc/hostname", line.folder.join("link.csv")).unwrap();
    line.put("large.csv", vec![b'x'; (1 << 20) + 1]);
    fs::create_dir(line.folder.join("inner")).unwrap();
    line.put("inner/deep.csv", "1");
    // TCVN3 and VNI names are no UTF-8: they are kept as they are.
    let legacy = std::ffi::OsStr::from_bytes(b"h\xe5 s\xac.csv");
    fs::write(line.folder.join(legacy), "1").unwrap();
    assert_eq!(line.desk.turn().await.unwrap().taken, 3);
    let told = |name: &str| line.text(&format!("refused/{name}.refused.json"))["code"].clone();
    assert_eq!(told("link.csv"), "not-a-file");
    assert_eq!(told("large.csv"), "payload-too-large");
    assert!(line.folder.join("refused/link.csv").is_symlink());
    assert!(line.folder.join("done").join(legacy).is_file());
    assert!(line.folder.join("inner/deep.csv").is_file());
    assert_eq!(line.desk.inbox.arrivals().len(), 1);
}
