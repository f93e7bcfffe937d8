//! Files put on a server.

use super::*;
use crate::{
    outbound::{Class, Failure, Message, Outbound, Secret},
    sftp::SftpSend,
};

/// A way to a folder of a server, and the folder.
struct Sent {
    way: Arc<SftpSend>,
    folder: PathBuf,
}

impl Sent {
    fn of(address: Address, folder: &str, secret: &str) -> Self {
        let value = secret.to_owned();
        let secret = Secret::new("a", move || Ok(value.clone()));
        let reach = Reach { private: vec!["127.0.0.1".parse().unwrap()] };
        let way = Arc::new(SftpSend::new(address, folder.to_owned(), secret, reach));
        Self { way, folder: folder.into() }
    }

    fn on(server: &Server) -> Self {
        let folder = server.settings(Ready::Rename).folder;
        Self::of(server.address(), &folder, &server.told("user_key"))
    }

    async fn send(&self, name: &str, payload: &str) -> Result<(), Failure> {
        let (name, payload) = (name.to_owned(), payload.to_owned().into());
        let message = Message { name, payload, ..Message::default() };
        self.way.clone().send(message).await.map(drop)
    }

    /// What lies in the folder, whatever its name.
    fn files(&self) -> Vec<(String, String)> {
        let mut files: Vec<_> = fs::read_dir(&self.folder)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, fs::read_to_string(path).unwrap())
            })
            .collect();
        files.sort();
        files
    }
}

fn file(name: &str, content: &str) -> (String, String) {
    (name.to_owned(), content.to_owned())
}

fn class(sent: Result<(), Failure>) -> Class {
    sent.unwrap_err().class
}

/// How often somebody was let in.
fn logins(server: &Server) -> usize {
    server.told("log").matches("Accepted publickey").count()
}

#[tokio::test]
async fn a_file_has_its_name_once_it_is_whole_and_the_same_message_is_the_same_file() {
    let server = Server::start();
    let sent = Sent::on(&server);
    // Half of it, of an attempt that was given up; and one that its name was given to before.
    fs::write(sent.folder.join(".7-A.json.part"), "{\"half\":").unwrap();
    let long = format!("\"{}\"", "Đ".repeat(100_000));
    for _ in 0..2 {
        sent.send("7-A.json", &long).await.unwrap();
        sent.send("8-B/../B.json", "{}").await.unwrap();
    }
    fs::write(sent.folder.join("9-C.json"), "another's").unwrap();
    sent.send("9-C.json", "{}").await.unwrap();
    let expected = [file("7-A.json", &long), file("8-B-..-B.json", "{}"), file("9-C.json", "{}")];
    assert!(sent.files() == expected, "{:?}", sent.files().len());
    assert_eq!(logins(&server), 1, "one connection is kept");
    server.run("stop");
}

#[tokio::test]
async fn several_at_once_have_a_connection_each_and_these_are_kept() {
    let server = Server::start();
    let sent = Sent::on(&server);
    for _ in 0..3 {
        let (one, two) = tokio::join!(sent.send("1.json", "1"), sent.send("2.json", "2"));
        one.and(two).unwrap();
    }
    assert_eq!(sent.files(), [file("1.json", "1"), file("2.json", "2")]);
    assert_eq!(logins(&server), 2);
    server.run("stop");
}

#[tokio::test]
async fn a_server_that_was_away_is_connected_to_anew() {
    let server = Server::start();
    let sent = Sent::on(&server);
    sent.send("1.json", "1").await.unwrap();
    server.run("end");
    server.run("resume");
    // The line that was kept is dead, and nobody but the hub notices.
    sent.send("2.json", "2").await.unwrap();
    server.run("end");
    assert_eq!(class(sent.send("3.json", "3").await), Class::Unavailable);
    assert_eq!(class(sent.send("3.json", "3").await), Class::Unavailable);
    server.run("resume");
    sent.send("3.json", "3").await.unwrap();
    assert_eq!(sent.files().len(), 3);
    server.run("stop");
}

#[tokio::test]
async fn killed_in_the_middle_leaves_a_whole_file_or_none() {
    let server = Server::start();
    let sent = Sent::on(&server);
    let long = "x".repeat(24 << 20);
    let killing = async {
        // Until the first bytes of it are there.
        let part = sent.folder.join(".1.json.part");
        for _ in 0..2_000 {
            if fs::metadata(&part).is_ok_and(|about| about.len() > 1 << 20) {
                break;
            }
            sleep(Duration::from_millis(2)).await;
        }
        server.run("end");
    };
    let (failed, ()) = tokio::join!(sent.send("1.json", &long), killing);
    assert!(matches!(class(failed), Class::Unavailable | Class::Unknown));
    assert!(!sent.folder.join("1.json").exists(), "half a file has no name");
    server.run("resume");
    sent.send("1.json", &long).await.unwrap();
    assert!(sent.files() == [file("1.json", &long)]);
    server.run("stop");
}

/// As servers without OpenSSH's extensions have it.
#[tokio::test]
async fn a_server_that_replaces_nothing_gets_each_file_once_and_nothing_of_anothers() {
    let server = Server::start();
    let config = server.told("config");
    server.run("end");
    let bare = config.replace("sftp-server", "sftp-server -P posix-rename,fsync");
    fs::write(server.0.join("config"), bare + "\n").unwrap();
    server.run("resume");
    let sent = Sent::on(&server);
    sent.send("1.json", "{}").await.unwrap();
    // Sent again after its answer was lost.
    sent.send("1.json", "{}").await.unwrap();
    fs::write(sent.folder.join("2.json"), "another's").unwrap();
    let refused = sent.send("2.json", "{}").await.unwrap_err();
    assert_eq!(refused.class, Class::Refused, "{refused:?}");
    assert_eq!(sent.files(), [file("1.json", "{}"), file("2.json", "another's")]);
    server.run("stop");
}

#[tokio::test]
async fn what_somebody_must_set_right_first_denies_and_tells_no_secret() {
    let server = Server::shared();
    let (address, key) = (server.address(), server.told("user_key"));
    let folder = server.settings(Ready::Rename).folder;
    let stranger = Address {
        host_keys: vec![server.told("other_key.pub").parse().unwrap()],
        ..address.clone()
    };
    let elsewhere = Address { host: "127.0.0.2".to_owned(), ..address.clone() };
    let gone = format!("{folder}/gone");
    let other = server.told("other_key");
    for (address, folder, secret, told) in [
        (stranger, &*folder, &*key, "another key than the one declared"),
        (address.clone(), &folder, "mật khẩu", "refuses the hub's credentials"),
        (address.clone(), &folder, &other, "refuses the hub's credentials"),
        (address.clone(), &folder, "-----BEGIN x", "is none"),
        (elsewhere, &folder, &key, "does not allow"),
        (address.clone(), &gone, &key, "no such folder"),
        // Nobody may make files there, not root either.
        (address, "/sys", &key, "no right"),
    ] {
        let failure = Sent::of(address, folder, secret).send("1.json", "{}").await.unwrap_err();
        assert_eq!(failure.class, Class::Denied, "{told}: {failure:?}");
        assert!(failure.told.contains(told), "{failure:?}");
        assert!(!failure.told.contains(secret), "{failure:?}");
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[tokio::test]
async fn one_that_says_nothing_and_one_that_is_full_are_tried_again() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::shared();
    let address = server.address();
    let port = silent.local_addr().unwrap().port();
    let answer_max = Duration::from_millis(300);
    let dumb = Address { port, answer_max, ..address.clone() };
    let sent = Sent::of(dumb, "den", &server.told("user_key"));
    assert_eq!(class(sent.send("1.json", "{}").await), Class::Unavailable);
    drop(silent);
    assert_eq!(class(sent.send("1.json", "{}").await), Class::Unavailable);
    // Mounting wants root; whoever has not got it tries no disk that is full.
    let folder = server.settings(Ready::Rename).folder;
    let mounted = |args: &[&str]| {
        Command::new("mount").args(args).arg(&folder).status().is_ok_and(|ended| ended.success())
    };
    if mounted(&["-t", "tmpfs", "-o", "size=64k", "none"]) {
        let sent = Sent::of(address, &folder, &server.told("user_key"));
        let full = sent.send("1.json", &"x".repeat(1 << 20)).await;
        let small = sent.send("2.json", "{}").await;
        let files = sent.files();
        assert!(Command::new("umount").arg(&folder).status().unwrap().success());
        assert_eq!(class(full), Class::Unavailable);
        assert_eq!(small, Ok(()), "half a file takes no room");
        assert_eq!(files, [file("2.json", "{}")]);
    }
}
