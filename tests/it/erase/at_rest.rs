//! What holds persons is sealed at rest: nobody finds them in the store's files without the keys,
//! and with the keys all goes on; a missing or wrong key is told, and never garbage.

mod files;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use super::*;
use crate::lienthong::binary;

on_each_store!(what_holds_persons_is_sealed_and_all_goes_on, sealed_it_goes_elsewhere_unread);

const STATED: &str = "/v1/dossiers/X-1?purpose=handling";

/// The folder's `hub.toml`, with a file of keys or without.
fn configure(folder: &mut Folder, url: &str, keys: Option<&str>) {
    let keys = keys.map(|file| format!("at_rest = \"{file}\"\n")).unwrap_or_default();
    let endpoint = at(url);
    folder.configured_with(format!(
        "{keys}routes = \"routes.toml\"\nsecrets = \"secrets.toml\"\n\
         [endpoints.\"so-nhan.nhan\"]\n{endpoint}\n"
    ));
}

/// The commands that a store without its keys refuses, and what they say.
fn refused(folder: &Folder, arguments: &[&str], says: &str) {
    let output = folder.run(arguments);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{}{told}", stdout(&output));
    assert!(told.contains(says), "{says}: {told}");
}

fn new_key(folder: &Folder, file: &str, name: &str) {
    well(folder, &["at-rest", "new", file, "--name", name]);
    let mode = fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Applies keys, killed again and again before that.
fn applied(folder: &Folder) -> String {
    for millis in [20, 60, 120] {
        let mut command = Command::new(binary());
        command.args(["at-rest", "apply", "--config", "hub.toml"]).current_dir(folder.path());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(millis));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    well(folder, &["at-rest", "apply", "--compact"])
}

/// Nothing of the person is found, but for what PostgreSQL's own dump shows of rows that are there.
fn is_sealed(backend: Backend, folder: &Folder) -> bool {
    !is_there(backend, folder, MARK) && !is_there(backend, folder, "Lâm Thị Mẫu")
}

async fn what_holds_persons_is_sealed_and_all_goes_on(backend: Backend) {
    let agency = receiver().await;
    let url = agency.url.clone();
    let mut folder = office(backend, "at_rest", ROUTE, &[("so-nhan.nhan", &at(&url))]);
    let keys = ["agency:so-gui", "operator"].map(|who| folder.key(who));
    let hub = Hub::start(&folder).await;
    let [sender, operator] = keys.each_ref().map(|key| hub.sender(key));
    told(&sender).await;
    letters(&folder, &sender, &operator).await;
    let before = sender.found(STATED).await;
    assert_eq!(sender.found("/healthz").await["at_rest"], "plain");
    assert!(is_there(backend, &folder, MARK), "where it is looked for it is found");
    hub.stop();

    // A key: what comes is sealed at once, what was there by a command in turns.
    new_key(&folder, "khoa", "k1");
    configure(&mut folder, &url, Some("khoa"));
    sealed(backend, &folder, (&agency, &before), &keys).await;
    let verified = folder.verify();
    turned(&folder, &keys[0], &verified).await;
    told_without(&mut folder, &url);
}

/// What comes is sealed at once, what was there by the command; and all goes on.
async fn sealed(
    backend: Backend,
    folder: &Folder,
    (agency, before): (&Agency, &Value),
    keys: &[String; 2],
) {
    let hub = Hub::start(folder).await;
    let [sender, operator] = keys.each_ref().map(|key| hub.sender(key));
    assert_eq!(sender.found("/healthz").await["at_rest"], "sealed");
    send(&sender, "m-9", &line("N-1", 1, "MOI", "Kpqrst Vwxyz"), "stored").await;
    assert!(!is_there(backend, folder, "Kpqrst"), "new texts are sealed at once");
    let done = applied(folder);
    assert!(done.contains("all is sealed by the key k1"), "{done}");
    assert!(is_sealed(backend, folder), "{done}");
    assert_eq!(sender.found(STATED).await["dossier"], before["dossier"], "as it was");
    let whole = sender.found("/v1/dossiers/N-1?purpose=handling").await;
    assert_eq!(whole["dossier"]["applicant"]["name"], "Kpqrst Vwxyz");
    let dead = operator.found("/v1/dead").await["dead"][0]["id"].as_str().unwrap().to_owned();
    let letter = operator.found(&format!("/v1/dead/{dead}?purpose=handling")).await;
    assert!(letter.to_string().contains(MARK), "{letter}");
    // Deliveries have persons, sending again is known, and what is refused is translated again.
    agency.does(|_, _| Reply::TAKEN);
    well(folder, &["resume", "so-nhan.nhan"]);
    settled(&operator, "so-nhan.nhan").await;
    let seen = agency.seen();
    assert!(seen.iter().any(|one| one.subject() == "N-1" && one.body.contains("Kpqrst")));
    send(&sender, "m-9", &line("N-1", 1, "MOI", "Kpqrst Vwxyz"), "duplicate").await;
    send(&sender, "m-3", &line("X-1", 3, "DANG_XU_LY", NAME), "stored").await;
    hub.stop();
}

/// Writes the file of keys, which nobody else may read.
fn write(folder: &Folder, text: &str) {
    let file = folder.path().join("khoa");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Another key: what is sealed stays, its keys are wrapped anew, and the old key may go. Erased
/// through the seal.
async fn turned(folder: &Folder, key: &str, verified: &Verified) {
    new_key(folder, "khoa", "k2");
    let hub = Hub::start(folder).await;
    let sender = hub.sender(key);
    assert_eq!(sender.found(STATED).await["dossier"]["applicant"]["name"], NAME);
    let done = applied(folder);
    assert!(done.contains("all is sealed by the key k2"), "{done}");
    hub.stop();
    let both = fs::read_to_string(folder.path().join("khoa")).unwrap();
    let (second, first) = both.split_once('\n').unwrap();
    write(folder, second);
    assert_eq!(folder.verify(), *verified);
    well(folder, &["rebuild"]);
    let status = well(folder, &["at-rest", "status"]);
    assert!(status.contains("by k2") && !status.contains("by k1"), "{status}");
    assert!(!status.contains("not sealed"), "{status}");
    let erased = erase(folder);
    assert!(erased.contains("the journal tells"), "{erased}");
    let hub = Hub::start(folder).await;
    let sender = hub.sender(key);
    assert_eq!(sender.found(STATED).await["personal"], "erased");
    hub.stop();
    write(folder, "# k1\n");
    refused(folder, &["rebuild"], "there is no key in it");
    write(folder, first);
    refused(folder, &["rebuild"], "sealed by the key `k2`");
    let digits = second.split_once(' ').unwrap().1;
    write(folder, &second.replace(digits, &"0e".repeat(32)));
    refused(folder, &["rebuild"], "`k2` is another than the one");
    refused(folder, &["serve"], "`k2` is another than the one");
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(folder.path().join("khoa"), open).unwrap();
    refused(folder, &["check"], "chmod 600");
}

/// Without a file of keys it is told which are missing.
fn told_without(folder: &mut Folder, url: &str) {
    configure(folder, url, None);
    refused(folder, &["rebuild"], "at_rest");
}

/// Restores a backup elsewhere, and moves it from there to the other kind of store: without a key.
fn goes(backend: Backend, folder: &Folder, kept: &Path) -> [Folder; 2] {
    let sources = ["tests/corpus/delivery"];
    let told = well(folder, &["backup", kept.to_str().unwrap()]);
    assert!(told.contains("its journal holds"), "{told}");
    let restored = backend.folder_of("at_rest_restored", &sources);
    well(&restored, &["restore", kept.to_str().unwrap()]);
    let other = match backend {
        Backend::Sqlite => Backend::Postgres,
        Backend::Postgres => Backend::Sqlite,
    };
    let moved = other.folder_of("at_rest_moved", &sources);
    let (from, to) = (folder.store_address(), moved.store_address());
    let output = run(&["move", "--from", &from, "--to", &to]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("not compared: their keys are not here"));
    assert!(is_sealed(other, &moved) && is_sealed(backend, &restored));
    [restored, moved]
}

async fn sealed_it_goes_elsewhere_unread(backend: Backend) {
    let folder = backend.folder_of("at_rest_goes", &["tests/corpus/delivery"]);
    new_key(&folder, "khoa", "k1");
    let folder = folder.with_lines("at_rest = \"khoa\"\n");
    let key = folder.key("agency:so-gui");
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    send(&sender, "m-1", &line("X-1", 1, "MOI", NAME), "stored").await;
    hub.stop();
    let file = folder.path().join("khoa");
    let before = folder.verify();
    // Who has no keys may back up, move and verify, and reads nothing.
    let mut folder = folder;
    folder.configured_with(String::new());
    let unread = well(&folder, &["verify"]);
    assert!(unread.contains("sealed     2 texts, not compared"), "{unread}");
    assert!(unread.contains(&before.fold_root), "{unread}");
    refused(&folder, &["erase", "X-1", "--reason", "x"], "sealed by the key `k1`");
    let kept = folder.path().join("backup");
    for mut other in goes(backend, &folder, &kept) {
        refused(&other, &["rebuild"], "sealed by the key `k1`");
        other.configured_with(format!("at_rest = \"{}\"\n", file.display()));
        assert_eq!(other.verify().fold_root, before.fold_root);
        let hub = Hub::start(&other).await;
        let whole = hub.sender(&key).found(STATED).await;
        assert_eq!(whole["dossier"]["applicant"]["name"], NAME);
        hub.stop();
        // What was altered in the store is found.
        let is_file = other.store_address().starts_with("sqlite:");
        let (here, of) = match is_file {
            true => (Backend::Sqlite, ""),
            false => (Backend::Postgres, "lienthong."),
        };
        let sql =
            format!("UPDATE {of}personal SET wrapped_key = (SELECT wrapped_key FROM {of}payloads)");
        altered(here, &other, &sql);
        refused(&other, &["verify"], "personal text is not the one the entry commits to");
    }
}
