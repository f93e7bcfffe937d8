//! Attached files are sealed as they come, and those that came before by a command: no byte of them
//! is on the disk, who has them reads them as they were, and what was altered is given to nobody.

use std::path::PathBuf;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::exchange::attachment::{fetch, files, send};

on_each_store!(
    attached_files_are_sealed_and_read_as_they_were,
    a_sealed_file_that_was_altered_is_given_to_nobody,
    sealed_files_go_elsewhere_unread,
);

/// Bytes of a piece, and by how many more it lies on the disk.
const PIECE: usize = 65_536;
const MORE: usize = 16;

/// A file with the person in every piece of it.
fn paper(number: usize, bytes: usize) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n".to_vec();
    for line in 0.. {
        if file.len() >= bytes {
            break;
        }
        file.extend(format!("{number} {line} {NAME}\n").as_bytes());
    }
    file.truncate(bytes);
    file
}

/// A hub with a folder of files; with the file of keys or without.
fn keep(folder: &mut Folder, keys: bool) {
    let keys = if keys { "at_rest = \"khoa\"\n" } else { "" };
    folder.configured_with(format!("{keys}[attachments]\nfolder = \"tep\"\n"));
}

fn holder(backend: Backend, name: &str, keys: bool) -> (Folder, String) {
    let mut folder = backend.folder_of(name, &["tests/corpus/delivery"]);
    if keys {
        new_key(&folder, "khoa", "k1");
    }
    keep(&mut folder, keys);
    let key = folder.key("agency:so-gui");
    (folder, key)
}

/// Whether the person is in any file of a folder.
fn is_in(folder: &Path) -> bool {
    let holds = |file: &PathBuf| {
        let bytes = fs::read(file).unwrap_or_default();
        bytes.windows(MARK.len()).any(|part| part == MARK.as_bytes())
    };
    files(folder).iter().any(holds)
}

/// Sends a file; gives its digest.
async fn upload(sender: &Sender, file: &[u8]) -> String {
    let (status, claim) = send(sender, "application/pdf", file.to_vec()).await;
    assert_eq!((status, &claim["size"]), (201, &json!(file.len())), "{claim}");
    claim["digest"].as_str().unwrap().to_owned()
}

async fn reads(sender: &Sender, digest: &str, file: &[u8]) {
    let (status, read) = fetch(sender, digest).await;
    assert!(status == 200 && read.as_deref() == Some(file), "{status} {digest}");
}

fn place(folder: &Folder, digest: &str) -> PathBuf {
    let name = digest.strip_prefix("sha256:").unwrap();
    folder.path().join("tep").join(&name[..2]).join(name)
}

/// Has keys applied, which does not come to an end; what it says.
fn unapplied(folder: &Folder) -> String {
    let output = folder.run(&["at-rest", "apply"]);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    stderr(&output)
}

/// Looks at what lies on the disk while a file is on its way, which then breaks off.
async fn half(folder: &Folder, sender: &Sender) {
    let address = sender.url.strip_prefix("http://").unwrap();
    let mut line = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/attachments HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
         content-type: application/pdf\r\ncontent-length: 500000\r\n\r\n",
        sender.key
    );
    line.write_all(head.as_bytes()).await.unwrap();
    line.write_all(&paper(9, 200_000)).await.unwrap();
    let incoming = folder.path().join("tep/incoming");
    let written = || files(&incoming).iter().any(|one| one.metadata().unwrap().len() > 130_000);
    for turn in 0.. {
        assert!(turn < 1_000, "nothing is written: {}", folder.log());
        if written() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(!is_in(&incoming), "what is on its way is sealed too");
    line.shutdown().await.unwrap();
    let mut told = String::new();
    let _ = line.read_to_string(&mut told).await;
    assert_eq!(files(&incoming), [] as [PathBuf; 0], "what broke off left nothing");
}

async fn attached_files_are_sealed_and_read_as_they_were(backend: Backend) {
    let (mut folder, key) = holder(backend, "sealed_files", false);
    let tep = folder.path().join("tep");
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    let before: Vec<Vec<u8>> = (1..=4).map(|number| paper(number, 100_000)).collect();
    let mut all = Vec::new();
    for file in &before {
        all.push((upload(&sender, file).await, file.clone()));
    }
    assert!(is_in(&tep), "where it is looked for it is found");
    // Nobody has what is not sealed taken for what is.
    let imitation = [b"\x89LTSEAL\n\x02k1".to_vec(), vec![b'x'; 200]].concat();
    let (status, told) = send(&sender, "text/plain", imitation.clone()).await;
    assert_eq!((status, &told["code"]), (415, &json!("attachment-not-of-its-type")));
    hub.stop();

    // A key: what comes is sealed while it comes, what was there is read on.
    new_key(&folder, "khoa", "k1");
    keep(&mut folder, true);
    let hub = Hub::start(&folder).await;
    let sender = sender.at(&hub.url);
    for (digest, file) in &all {
        reads(&sender, digest, file).await;
        fs::remove_file(place(&folder, digest)).unwrap();
    }
    assert!(unapplied(&folder).contains("is missing"));
    half(&folder, &sender).await;
    for size in [9, PIECE, PIECE + 1, 3 * PIECE + 500] {
        let file = paper(9, size);
        let (one, two) = tokio::join!(upload(&sender, &file), upload(&sender, &file));
        assert_eq!(one, two, "the same twice at once");
        reads(&sender, &one, &file).await;
        all.push((one, file));
    }
    let (status, claim) = send(&sender, "text/plain", imitation.clone()).await;
    assert_eq!(status, 201, "{claim}");
    all.push((claim["digest"].as_str().unwrap().to_owned(), imitation));
    assert!(!is_in(&tep));
    for (digest, file) in &all[..4] {
        fs::write(place(&folder, digest), file).unwrap();
    }
    let status = well(&folder, &["at-rest", "status"]);
    assert!(status.contains("4 not sealed") && status.contains("5 by k1"), "{status}");
    let done = applied(&folder);
    assert!(done.contains("all is sealed by the key k1"), "{done}");
    assert!(!is_in(&tep), "{done}");
    for (digest, file) in &all {
        reads(&sender, digest, file).await;
    }
    hub.stop();
    folder.verify();
    turned_files(&folder, &key, &all).await;
}

/// Another key: it opens the files, and the old one goes when it seals none, and not before.
async fn turned_files(folder: &Folder, key: &str, all: &[(String, Vec<u8>)]) {
    new_key(folder, "khoa", "k2");
    let both = fs::read_to_string(folder.path().join("khoa")).unwrap();
    let (second, _) = both.split_once('\n').unwrap();
    let refuses = || {
        write(folder, second);
        refused(folder, &["rebuild"], "sealed by the key `k1`");
        write(folder, &both);
    };
    // Files that are elsewhere, and one that cannot be opened, keep their key; all others get it.
    let (tep, away) = (folder.path().join("tep"), folder.path().join("noi-khac"));
    fs::rename(&tep, &away).unwrap();
    let told = unapplied(folder);
    assert!(told.contains("is missing"), "{told}");
    let _ = fs::remove_dir_all(&tep);
    fs::rename(&away, &tep).unwrap();
    refuses();
    let one = place(folder, &all[0].0);
    let whole = fs::read(&one).unwrap();
    let mut damaged = whole.clone();
    damaged[20] ^= 1;
    fs::write(&one, &damaged).unwrap();
    let told = unapplied(folder);
    assert!(told.contains(&format!("the attachment {} stays as it is", all[0].0)), "{told}");
    refuses();
    fs::write(&one, whole).unwrap();
    let hub = Hub::start(folder).await;
    let done = well(folder, &["at-rest", "apply"]);
    assert!(done.contains("1 keys wrapped anew"), "{done}");
    assert!(done.contains("nothing is sealed by the key k1 any more"), "{done}");
    hub.stop();
    write(folder, second);
    let status = well(folder, &["at-rest", "status"]);
    assert!(status.contains("9 by k2") && !status.contains("k1"), "{status}");
    let hub = Hub::start(folder).await;
    let sender = hub.sender(key);
    for (digest, file) in all {
        reads(&sender, digest, file).await;
    }
    hub.stop();
    folder.verify();
}

/// What comes of a file until it ends or breaks off, and whether it ended.
async fn broken(sender: &Sender, digest: &str) -> (u16, Vec<u8>, bool) {
    let url = format!("{}/v1/attachments/{digest}?purpose=handling", sender.url);
    // The line may break before the answer's head has left.
    let answer = sender.client.get(url).bearer_auth(&sender.key).send().await;
    let Ok(mut answer) = answer else { return (200, Vec::new(), false) };
    let (status, mut bytes) = (answer.status().as_u16(), Vec::new());
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            ended => return (status, bytes, ended.is_ok()),
        }
    }
}

/// What may become of a file on the disk, and how many of its pieces are given before it breaks
/// off.
fn alterations(sealed: &[u8], file: &[u8], other: &[u8]) -> [(&'static str, Vec<u8>, usize); 12] {
    let head = sealed.len() - file.len() - 4 * MORE;
    let piece = |number: usize| head + number * (PIECE + MORE);
    let flipped = |at: usize| {
        let mut bytes = sealed.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    let swapped = [
        &sealed[..piece(1)],
        &sealed[piece(2)..piece(3)],
        &sealed[piece(1)..piece(2)],
        &sealed[piece(3)..],
    ];
    let foreign = [&sealed[..piece(1)], &other[piece(1)..piece(2)], &sealed[piece(2)..]];
    [
        ("the name of its key", flipped(9), 0),
        ("its wrapped key", flipped(head - 1), 0),
        ("its first piece", flipped(piece(0) + 100), 0),
        ("its second piece", flipped(piece(1) + 100), 1),
        ("its last byte", flipped(sealed.len() - 1), 3),
        ("cut between pieces", sealed[..piece(3)].to_vec(), 2),
        ("cut within a piece", sealed[..piece(3) + 90].to_vec(), 3),
        ("cut within its head", sealed[..head - 1].to_vec(), 0),
        ("longer", [sealed, b"x"].concat(), 3),
        ("two pieces swapped", swapped.concat(), 1),
        ("a piece of another", foreign.concat(), 1),
        ("another file in its place", other.to_vec(), 0),
    ]
}

async fn a_sealed_file_that_was_altered_is_given_to_nobody(backend: Backend) {
    let (folder, key) = holder(backend, "sealed_altered", true);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    let other = paper(99, 3 * PIECE + 500);
    let whole = upload(&sender, &other).await;
    let others = fs::read(place(&folder, &whole)).unwrap();
    let mut all = Vec::new();
    for number in 0..12 {
        let file = paper(number, 3 * PIECE + 500);
        let digest = upload(&sender, &file).await;
        let at = place(&folder, &digest);
        let sealed = fs::read(&at).unwrap();
        let (what, bytes, given) = alterations(&sealed, &file, &others)[number].clone();
        fs::write(&at, bytes).unwrap();
        let (status, read, is_whole) = broken(&sender, &digest).await;
        match status {
            200 => {
                assert!(!is_whole && read.len() <= given * PIECE, "{what}: {}", read.len());
                assert_eq!(read, file[..read.len()], "{what}");
            }
            _ => assert_eq!((status, given), (503, 0), "{what}"),
        }
        let log = folder.log();
        let named = log.lines().any(|line| line.contains("ERROR") && line.contains(&digest));
        assert!(named, "{what}: {log}");
        all.push((what, digest, file, sealed));
    }
    let output = folder.run(&["verify"]);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("12 faults"), "{told}");
    for (what, digest, file, sealed) in all {
        assert!(told.contains(&digest), "{what}: {told}");
        fs::write(place(&folder, &digest), sealed).unwrap();
        reads(&sender, &digest, &file).await;
    }
    reads(&sender, &whole, &other).await;
    hub.stop();
    folder.verify();
}

async fn sealed_files_go_elsewhere_unread(backend: Backend) {
    let (mut folder, key) = holder(backend, "sealed_goes", true);
    let hub = Hub::start(&folder).await;
    let file = paper(1, 2 * PIECE);
    let digest = upload(&hub.sender(&key), &file).await;
    hub.stop();
    let keys = folder.path().join("khoa");
    keep(&mut folder, false);
    refused(&folder, &["serve"], "sealed by the key `k1`");
    let unread = "sealed     1 attachments, not compared";
    let told = well(&folder, &["verify"]);
    assert!(told.contains(unread), "{told}");
    let kept = folder.path().join("backup");
    let told = well(&folder, &["backup", kept.to_str().unwrap()]);
    assert!(told.contains("files      1 attachments") && told.contains(unread), "{told}");
    assert!(!is_in(&kept));
    // Without keys what was cut short is found.
    let at = place(&folder, &digest);
    let sealed = fs::read(&at).unwrap();
    fs::write(&at, &sealed[..sealed.len() - 1]).unwrap();
    refused(&folder, &["verify"], &format!("the attachment {digest} has"));
    let mut restored = backend.folder_of("sealed_restored", &["tests/corpus/delivery"]);
    keep(&mut restored, false);
    let told = well(&restored, &["restore", kept.to_str().unwrap()]);
    assert!(told.contains(unread), "{told}");
    fs::copy(keys, restored.path().join("khoa")).unwrap();
    keep(&mut restored, true);
    restored.verify();
    let hub = Hub::start(&restored).await;
    reads(&hub.sender(&key), &digest, &file).await;
    hub.stop();
}
