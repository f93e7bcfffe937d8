//! To a folder on an agency's own SSH server, which denies, is away, and comes back.

use std::{collections::BTreeSet, fs};

use serde_json::json;

use super::{kept, line, office, posted, send, stands, started};
use crate::{
    backend::{Backend, on_each_store},
    lienthong::{stderr, stdout},
    polls::foreign::Files,
};

const ROUTE: &str = "[[route]]\ncontract = \"dossier/1\"\nto = \"so-nhan.tep\"\npersonal = true\n";

/// Dossiers sent before and after the server was away.
const COUNT: u32 = 40;

on_each_store!(files_lie_on_a_server_each_once_and_whole);

/// The settings of an endpoint on a server.
fn settings(server: &Files, host_key: &str) -> String {
    format!(
        "host = \"127.0.0.1\"\nport = {}\nuser = \"{}\"\nsecret = \"may-chu\"\n\
         host_keys = [\"{}\"]\nfolder = \"{}\"\nprivate = [\"127.0.0.1\"]",
        server.told("port"),
        server.told("user"),
        server.told(host_key),
        server.path("den").display(),
    )
}

/// The secret, as a line of its file.
fn secret(server: &Files, name: &str) -> String {
    format!("may-chu = \"{}\"\n", server.told(name).replace('\n', "\\n"))
}

fn dossiers(from: u32) -> String {
    (from..from + COUNT).map(|number| line(&format!("S-{number}"), 1, "XONG")).collect()
}

async fn files_lie_on_a_server_each_once_and_whole(backend: Backend) {
    let server = Files::start();
    fs::create_dir(server.path("den")).unwrap();
    let settings = settings(&server, "host_key.pub");
    let endpoints = [("so-nhan.tep", &*settings)];
    let folder = office(backend, "delivery-server", ROUTE, &endpoints);
    kept(&folder, &secret(&server, "other_key"));
    let (hub, sender, operator) = started(&folder).await;
    send(&sender, "m-1", &dossiers(0)).await;
    // A key that the server does not let in: nothing is lost, and it is told once.
    let one = stands(&operator, "so-nhan.tep", |one| one["decided"]["state"] == "paused").await;
    assert!(one["decided"]["reason"].as_str().unwrap().contains("credentials"), "{one}");
    assert_eq!((&one["waiting"], &one["dead"]), (&json!(COUNT), &json!(0)));
    kept(&folder, &secret(&server, "user_key"));
    let (status, _) = posted(&operator, "/v1/outbox/so-nhan.tep/resume", "{}").await;
    assert_eq!(status, 200);
    stands(&operator, "so-nhan.tep", |one| one["waiting"] == 0).await;
    server.kill();
    send(&sender, "m-2", &dossiers(COUNT)).await;
    stands(&operator, "so-nhan.tep", |one| one["failing"] != 0).await;
    server.resume();
    let one = stands(&operator, "so-nhan.tep", |one| one["waiting"] == 0).await;
    assert_eq!(one["dead"], 0, "{one}");
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(server.path("den")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("</HoSo>") && text.contains("Lâm Thị Mẫu"), "{path:?}: {text}");
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        names.insert(name.split_once('-').unwrap().1.to_owned());
    }
    let expected = (0..2 * COUNT).map(|number| format!("S-{number}"));
    assert_eq!(names, expected.collect::<BTreeSet<_>>(), "no draft is left either");
    hub.stop();
    let log = folder.log();
    assert_eq!(log.matches("the channel is paused").count(), 1, "{log}");
    assert!(!log.contains("Lâm") && !log.contains("PRIVATE KEY"), "{log}");
    folder.verify();
}

#[test]
fn a_server_is_an_endpoint_whose_faults_have_their_places() {
    let check = |settings: &str| {
        let endpoints = [("so-nhan.tep", settings)];
        let folder = office(Backend::Sqlite, "delivery-server-faults", ROUTE, &endpoints);
        kept(&folder, "may-chu = \"b1mat\"\n");
        let told = folder.run(&["check"]);
        (told.status.code(), format!("{}{}", stdout(&told), stderr(&told)))
    };
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    let sound = format!(
        "host = \"sftp.example.vn\"\nuser = \"lienthong\"\nsecret = \"may-chu\"\n\
         host_keys = [\"{key}\"]\nfolder = \"den\""
    );
    let (code, told) = check(&sound);
    assert_eq!(code, Some(0), "{told}");
    let keys = format!("host_keys = [\"{key}\"]");
    for (part, instead, word) in [
        ("host = \"sftp.example.vn\"", "host = \"sftp://a\"", "no name of a server"),
        ("host = \"sftp.example.vn\"", "port = 22", "a server with a folder alone"),
        ("user = \"lienthong\"", "", "wants `user`"),
        ("secret = \"may-chu\"", "", "wants `secret`"),
        ("secret = \"may-chu\"", "secret = \"khac\"", "there is no secret `khac`"),
        (&*keys, "", "wants `host_keys`"),
        (&*keys, "host_keys = []", "could be anybody"),
        (&*keys, "host_keys = [\"ssh-rsa AAAA\"]", "no line such as `ssh-ed25519"),
        ("folder = \"den\"", "", "wants `folder`"),
        ("folder = \"den\"", "folder = \"/\"", "no folder for the hub alone"),
        ("folder = \"den\"", "folder = \"den\"\nauth = \"basic\"", "of urls alone"),
        ("folder = \"den\"", "folder = \"den\"\nport = 70000", "hub.toml"),
    ] {
        assert!(sound.contains(part));
        let (code, told) = check(&sound.replacen(part, instead, 1));
        assert_eq!(code, Some(1), "{instead}: {told}");
        assert!(told.contains(word) && !told.contains("b1mat"), "{word}:\n{told}");
    }
    let (code, told) = check("url = \"https://a.example/\"");
    assert!(code == Some(1) && told.contains("wants a folder, be it on a host"), "{told}");
}
