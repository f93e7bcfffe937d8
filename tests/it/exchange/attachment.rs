//! Attachments: sent once, named by their claim checks, fetched by who sent them and whom they were
//! sent to, and by nobody else; what is cut short leaves nothing, what is damaged is told.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{ASKED, Keys, asked, becomes, office, part, post, problem, started};
use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply},
    harness::{Folder, Hub, Sender},
    lienthong::stderr,
    sender::Answer,
};

on_each_store!(
    a_file_is_had_by_who_sent_it_and_whom_it_was_sent_to,
    what_is_cut_short_too_large_or_too_much_leaves_nothing,
);

pub(crate) fn pdf(bytes: usize) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n".to_vec();
    file.extend((0..bytes).map(|at| (at % 251) as u8));
    file
}

pub(crate) async fn send(sender: &Sender, media_type: &str, bytes: Vec<u8>) -> (u16, Value) {
    try_send(sender, media_type, bytes).await.unwrap()
}

/// The same where the hub may be gone.
pub(crate) async fn try_send(sender: &Sender, media_type: &str, bytes: Vec<u8>) -> Answer {
    let url = format!("{}/v1/attachments?name=Tr%C3%ADch%20l%E1%BB%A5c.pdf", sender.url);
    let request = sender.client.post(url).bearer_auth(&sender.key);
    let answer = request.header("content-type", media_type).body(bytes).send().await?;
    Ok((answer.status().as_u16(), answer.json().await.unwrap_or_default()))
}

pub(crate) async fn fetch(sender: &Sender, digest: &str) -> (u16, Option<Vec<u8>>) {
    let url = format!("{}/v1/attachments/{digest}?purpose=handling", sender.url);
    let answer = sender.client.get(url).bearer_auth(&sender.key).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.bytes().await.ok().map(|bytes| bytes.to_vec()))
}

/// The same hub with a folder of attachments.
pub(crate) fn keeping(mut folder: Folder, more: &str) -> Folder {
    let text = fs::read_to_string(folder.path().join("hub.toml")).unwrap();
    let endpoints = text.find("[endpoints").map(|at| text[at..].to_owned()).unwrap();
    folder.configured_with(format!("{endpoints}[attachments]\nfolder = \"tep\"\n{more}"));
    folder
}

/// All files below the folder of attachments.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for one in fs::read_dir(folder).into_iter().flatten().flatten() {
        match one.path() {
            path if path.is_dir() => found.extend(files(&path)),
            path => found.push(path),
        }
    }
    found
}

async fn a_file_is_had_by_who_sent_it_and_whom_it_was_sent_to(backend: Backend) {
    let asks_system = Agency::new(|_, _| Reply::TAKEN).await;
    let asked_system = Agency::new(|_, _| Reply::TAKEN).await;
    let folder = keeping(office(backend, "attachment", &asks_system, &asked_system), "");
    let (hub, [asks, answers, reads, portal, operator]) = started(&folder).await;
    let bytes = pdf(3 << 20);
    let (status, claim) = send(&asks, "application/pdf", bytes.clone()).await;
    assert_eq!((status, &claim["size"]), (201, &json!(bytes.len())), "{claim}");
    assert_eq!(claim["name"], "Trích lục.pdf");
    assert_eq!(send(&asks, "application/pdf", bytes.clone()).await.1, claim, "the same again");
    let digest = claim["digest"].as_str().unwrap();
    assert_eq!(fetch(&asks, digest).await, (200, Some(bytes.clone())));
    for other in [&answers, &reads, &portal, &operator] {
        assert_eq!(fetch(other, digest).await.0, 404);
    }
    // Nobody names a file that it does not have, or otherwise than it is.
    let mut body = asked(json!(ASKED), 600);
    body["attachments"] = json!([claim]);
    let (status, refused) = post(&reads, "/v1/requests", Some("t-0"), &body).await;
    assert_eq!((status, problem(&refused).0.as_str()), (422, "unknown-attachment"), "{refused}");
    assert_eq!(fetch(&answers, digest).await.0, 404, "what was refused shares nothing");
    body["attachments"][0]["size"] = json!(7);
    let (status, refused) = post(&asks, "/v1/requests", Some("t-1"), &body).await;
    assert_eq!((status, problem(&refused).1.as_str()), (422, "/attachments/0/size"), "{refused}");
    body["attachments"] = json!([claim]);
    assert_eq!(post(&asks, "/v1/requests", Some("t-2"), &body).await.0, 200);
    asked_system.takes(1, super::WITHIN).await;
    let sent: Value = serde_json::from_str(&asked_system.taken()[0].body).unwrap();
    assert_eq!(sent["attachments"], json!([claim]), "a claim check, no bytes");
    assert_eq!(fetch(&answers, digest).await, (200, Some(bytes.clone())));
    assert_eq!(fetch(&reads, digest).await.0, 404);
    // The reply names one of its own, and the one it was sent.
    let (_, own) = send(&answers, "image/png", b"\x89PNG\r\n\x1a\n....".to_vec()).await;
    let reply = json!({ "text": "Có.", "attachments": [own, claim] });
    let path = "/v1/requests/so-tu-phap:t-2/replies";
    assert_eq!(post(&answers, path, None, &reply).await.0, 200);
    let path = "/v1/requests/so-tu-phap:t-2?purpose=handling";
    let told = becomes(&asks, path, |told| told["complete"] == true).await;
    assert_eq!(part(&told, ASKED)["answer"]["attachments"][0], own);
    assert_eq!(fetch(&asks, own["digest"].as_str().unwrap()).await.0, 200);
    let peak = hub.peak_kib();
    hub.stop();
    folder.verify();
    println!("at most {peak} KiB");
    // What is damaged is told by verify, and passed to nobody.
    let name = digest.strip_prefix("sha256:").unwrap();
    let file = folder.path().join("tep").join(&name[..2]).join(name);
    let mut damaged = bytes.clone();
    damaged[1 << 20] ^= 1;
    fs::write(&file, damaged).unwrap();
    let output = folder.run(&["verify"]);
    assert!(stderr(&output).contains(&format!("{digest} is damaged")), "{}", stderr(&output));
    let hub = Hub::start(&folder).await;
    let (status, read) = fetch(&asks.at(&hub.url), digest).await;
    assert!(status == 200 && read.is_none(), "the line breaks before its end");
    hub.stop();
    fs::remove_file(&file).unwrap();
    let output = folder.run(&["verify"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&format!("{digest} is missing")), "{}", stderr(&output));
}

/// Begins to send a file and stops half-way; gives what was answered, if anything.
async fn half(url: &str, key: &str) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut line = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/attachments HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
         content-type: application/pdf\r\ncontent-length: 500000\r\n\r\n"
    );
    line.write_all(head.as_bytes()).await.unwrap();
    line.write_all(&pdf(200_000)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    line.shutdown().await.unwrap();
    let mut told = String::new();
    let _ = line.read_to_string(&mut told).await;
    told
}

async fn what_is_cut_short_too_large_or_too_much_leaves_nothing(backend: Backend) {
    let system = Agency::new(|_, _| Reply::TAKEN).await;
    let other = Agency::new(|_, _| Reply::TAKEN).await;
    let limits =
        "file_megabytes_max = 1\nsender_gigabytes_max = 1\ntypes = [\"application/pdf\"]\n";
    let folder = keeping(office(backend, "attachment-not", &system, &other), limits);
    let keys = Keys::of(&folder);
    let mut hub = Hub::start(&folder).await;
    let asks = hub.sender(&keys.asks);
    let place = folder.path().join("tep");
    for (media_type, bytes, status, code) in [
        ("application/pdf", pdf(1 << 20), 413, "attachment-too-large"),
        ("image/png", b"\x89PNG\r\n\x1a\n".to_vec(), 415, "attachment-type-not-taken"),
        ("application/pdf", b"MZ no pdf".to_vec(), 415, "attachment-not-of-its-type"),
        ("application/pdf", Vec::new(), 415, "attachment-not-of-its-type"),
    ] {
        let (told, problem) = send(&asks, media_type, bytes).await;
        assert_eq!((told, &problem["code"]), (status, &json!(code)), "{problem}");
    }
    let (status, told) = send(&hub.sender(&keys.operator), "application/pdf", pdf(9)).await;
    assert_eq!((status, &told["code"]), (403, &json!("not-a-sender")));
    half(&hub.url, &keys.asks).await;
    assert_eq!(files(&place), [] as [PathBuf; 0]);
    // A kill half-way leaves a file that nobody is told of, and no hub keeps.
    let (url, key) = (hub.url.clone(), keys.asks.clone());
    let sending = tokio::spawn(async move { half(&url, &key).await });
    tokio::time::sleep(Duration::from_millis(150)).await;
    hub.kill9();
    let _ = sending.await;
    let left = files(&place);
    assert!(left.iter().all(|file| file.starts_with(place.join("incoming"))), "{left:?}");
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(7_200);
    for file in &left {
        fs::File::options().write(true).open(file).unwrap().set_modified(long_ago).unwrap();
    }
    folder.verify();
    let hub = Hub::start(&folder).await;
    assert_eq!(files(&place), [] as [PathBuf; 0]);
    let (status, claim) = send(&asks.at(&hub.url), "application/pdf", pdf(1_000)).await;
    assert_eq!(status, 201, "{claim}");
    assert_eq!(files(&place).len(), 1);
    hub.stop();
    folder.verify();
}
