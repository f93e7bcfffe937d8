//! Attached files go with the dossier whose records name them, at all who have them, unless
//! somebody else's record names them too; sent again of who was erased, they are removed again.

use std::{fs, path::PathBuf, time::Duration};

use serde_json::{Value, json};

use super::{MARK, NAME, OTHER, erase_dossier, is_there, line, send, well};
use crate::{
    backend::{Backend, on_each_store},
    delivery::agency::{Agency, Reply},
    exchange::{
        ASKED, asked,
        attachment::{self, fetch, files, keeping},
        office_beside, post, started,
    },
    harness::{Folder, Hub, Sender, Verified},
    lienthong::{root, stderr},
    people::altered,
};

on_each_store!(
    attached_files_go_with_their_dossier_and_stay_away,
    what_an_erasure_has_left_is_removed_by_the_next_hub,
);

/// Who is erased has this code; who is not, the other.
const CODE: &str = "H19.08-261126-0007";
const STAYS: &str = "H19.08-261126-0008";

/// Of so-gui's channel: files beside the record.
const FILES: &str = "
[record.map.\"attachments[]\"]
each = \"tep\"
digest = \"digest\"
size = \"size | integer 1000\"
media_type = \"media_type\"
name = [\"name\", \"'không tên'\"]
";

/// A hub whose channel takes claim checks.
async fn office(backend: Backend, name: &str) -> (Folder, String) {
    let (asking, system) =
        (Agency::new(|_, _| Reply::TAKEN).await, Agency::new(|_, _| Reply::TAKEN).await);
    let beside = (name, &["tests/corpus/delivery"][..]);
    let folder = keeping(office_beside(backend, beside, &asking, &system), "");
    let mapping = folder.path().join("agencies/so-gui/ho-so.toml");
    fs::write(&mapping, fs::read_to_string(&mapping).unwrap() + FILES).unwrap();
    let key = folder.key("agency:so-gui");
    (folder, key)
}

/// Sends a file; gives its claim check.
async fn upload(sender: &Sender, text: &str) -> Value {
    let bytes = format!("%PDF-1.7\n{text}").into_bytes();
    let (status, claim) = attachment::send(sender, "application/pdf", bytes).await;
    assert_eq!(status, 201, "{claim}");
    claim
}

fn digest(claim: &Value) -> &str {
    claim["digest"].as_str().unwrap()
}

/// Where a file lies.
fn place(folder: &Folder, claim: &Value) -> PathBuf {
    let name = digest(claim).strip_prefix("sha256:").unwrap();
    folder.path().join("tep").join(&name[..2]).join(name)
}

/// A record that names files.
fn naming(code: &str, version: u32, name: &str, claims: &[&Value]) -> String {
    let mut record: Value = serde_json::from_str(&line(code, version, "MOI", name)).unwrap();
    record["tep"] = json!(claims);
    format!("{record}\n")
}

/// Waits until a file lies there no more.
async fn gone(folder: &Folder, claim: &Value) {
    for _ in 0..600 {
        if !place(folder, claim).exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{claim} is there still: {}", folder.log());
}

async fn attached_files_go_with_their_dossier_and_stay_away(backend: Backend) {
    let (folder, key) = office(backend, "erase-files").await;
    let (hub, [asks, answers, ..]) = started(&folder).await;
    let agency = hub.sender(&key);
    let (own, both) = (upload(&agency, "Căn cước").await, upload(&agency, "Trích lục").await);
    let map = upload(&asks, "Bản đồ").await;
    send(&agency, "m-1", &naming(CODE, 1, NAME, &[&own, &both]), "stored").await;
    send(&agency, "m-2", &naming(STAYS, 1, OTHER, &[&both]), "stored").await;
    // What was refused names one that no record does.
    let extract = upload(&agency, "Sổ hộ khẩu").await;
    let refused = naming(CODE, 2, NAME, &[&extract, &both]).replace("MOI", "LA");
    send(&agency, "m-0", &refused, "refused").await;
    let mut request = asked(json!(ASKED), 3_600);
    request["dossier"] = json!(CODE);
    request["attachments"] = json!([map]);
    let (status, told) = post(&asks, "/v1/requests", Some("cv-1"), &request).await;
    assert_eq!(status, 200, "{told}");
    assert_eq!(fetch(&answers, digest(&map)).await.0, 200);
    let before = folder.verify();
    assert_eq!(files(&folder.path().join("tep")).len(), 4);

    let would = well(&folder, &["erase", CODE, "--reason", "văn bản số 12"]);
    assert!(would.contains("would go   3 attached files ("), "{would}");
    assert!(would.contains("1 attached files are named by others too and stay"), "{would}");
    assert_eq!(files(&folder.path().join("tep")).len(), 4);
    let done = erase_dossier(&folder, CODE);
    assert!(done.contains("erased     3 attached files ("), "{done}");
    assert_eq!(files(&folder.path().join("tep")), [place(&folder, &both)]);
    for (who, claim) in [(&agency, &own), (&asks, &map), (&answers, &map)] {
        assert_eq!(fetch(who, digest(claim)).await.0, 404);
    }
    assert_eq!(fetch(&agency, digest(&both)).await.0, 200);
    assert!(!is_there(backend, &folder, digest(&own)), "nor is its digest");
    let after = Verified { entries: before.entries + 1, ..before };
    assert_eq!(folder.verify(), after, "dossiers and fold root");
    let listed = agency.found("/v1/erasures").await;
    assert_eq!(listed["erasures"][0]["files"], 3, "{listed}");

    // It comes again: as a claim check that is no file's any more, and with its file.
    let receipt = send(&agency, "m-3", &naming(CODE, 2, NAME, &[&own, &both]), "stored").await;
    assert_eq!(receipt["erased"]["records"], 1, "{receipt}");
    assert_eq!(upload(&agency, "Căn cước").await["digest"], own["digest"]);
    send(&agency, "m-4", &naming(CODE, 3, MARK, &[&own, &both]), "stored").await;
    gone(&folder, &own).await;
    assert_eq!(fetch(&agency, digest(&own)).await.0, 404);
    assert_eq!(fetch(&agency, digest(&both)).await.0, 200);
    // Of somebody else it is taken; who names it without having it is told so.
    let lacking = naming(STAYS, 2, OTHER, &[&own, &both]);
    send(&agency, "m-5", &lacking, "refused").await;
    upload(&agency, "Căn cước").await;
    send(&agency, "m-6", &lacking, "stored").await;
    send(&agency, "m-7", &naming(CODE, 4, NAME, &[&own]), "stored").await;
    unnamed(&folder, &agency, [&own, &both]).await;
    hub.stop();
    erase_dossier(&folder, STAYS);
    assert!(files(&folder.path().join("tep")).is_empty());
    let kept = folder.verify();
    well(&folder, &["rebuild"]);
    assert_eq!(folder.verify(), kept);
}

/// What was sent and no record names goes for its age alone.
async fn unnamed(folder: &Folder, agency: &Sender, named: [&Value; 2]) {
    let prune = |more: &[&str]| well(folder, &[&["prune"], more].concat());
    let lonely = upload(agency, "Giấy ủy quyền").await;
    let kept = prune(&["--unnamed-files-older-than", "1d"]);
    assert_eq!(kept, "dropped: 0 attached files that no record names, 0 MiB\n");
    let would = prune(&["--unnamed-files-older-than", "0d", "--dry-run"]);
    assert_eq!(would, "to drop: 1 attached files that no record names, 1 MiB\n");
    assert_eq!(fetch(agency, digest(&lonely)).await.0, 200);
    let done = prune(&["--unnamed-files-older-than", "0d"]);
    assert_eq!(done, would.replace("to drop", "dropped"));
    assert_eq!(fetch(agency, digest(&lonely)).await.0, 404);
    let mut left = files(&folder.path().join("tep"));
    left.sort_unstable();
    let mut places = named.map(|claim| place(folder, claim));
    places.sort_unstable();
    assert_eq!(left, places);
}

async fn what_an_erasure_has_left_is_removed_by_the_next_hub(backend: Backend) {
    let (folder, key) = office(backend, "erase-left").await;
    let hub = Hub::start(&folder).await;
    let agency = hub.sender(&key);
    let (own, both) = (upload(&agency, "Căn cước").await, upload(&agency, "Trích lục").await);
    send(&agency, "m-1", &naming(CODE, 1, NAME, &[&own, &both]), "stored").await;
    send(&agency, "m-2", &naming(STAYS, 1, OTHER, &[&both]), "stored").await;
    hub.stop();
    // What it is known by is compared with what records say.
    let lienthong = if backend == Backend::Postgres { "lienthong." } else { "" };
    let names = format!("{lienthong}named_files");
    altered(backend, &folder, &format!("UPDATE {names} SET position = position + 100"));
    let told = folder.run(&["verify"]);
    assert!(stderr(&told).contains("which record names which file"), "{}", stderr(&told));
    // A store that has such records when it is migrated knows the same of them.
    altered(backend, &folder, &format!("DELETE FROM {names}; {}", migrated(backend)));
    folder.verify();
    // As where texts were sealed before there was any of it.
    altered(
        backend,
        &folder,
        &format!(
            "DELETE FROM {names};
             INSERT INTO {names} (digest, position) SELECT '', position FROM {lienthong}personal"
        ),
    );
    folder.verify();

    // A file that cannot be removed is told, and stays known until it is.
    let (there, aside) = (place(&folder, &own), folder.path().join("aside"));
    fs::rename(&there, &aside).unwrap();
    fs::create_dir_all(there.join("x")).unwrap();
    let output = folder.run(&["erase", CODE, "--reason", "văn bản số 12", "--yes"]);
    assert_ne!(output.status.code(), Some(0));
    let told = stderr(&output);
    assert!(told.contains("the persons are erased, but not all files"), "{told}");
    fs::remove_dir_all(&there).unwrap();
    fs::rename(&aside, &there).unwrap();
    assert!(!is_there(backend, &folder, MARK));
    let hub = Hub::start(&folder).await;
    gone(&folder, &own).await;
    let agency = agency.at(&hub.url);
    assert_eq!(fetch(&agency, digest(&own)).await.0, 404);
    assert_eq!(fetch(&agency, digest(&both)).await.0, 200);
    hub.stop();
    let kept = folder.path().join("backup");
    well(&folder, &["backup", kept.to_str().unwrap()]);
    assert_eq!(files(&kept.join("attachments")).len(), 1);
    let restored = keeping_restored(backend);
    well(&restored, &["restore", kept.to_str().unwrap()]);
    assert_eq!(restored.verify().fold_root, folder.verify().fold_root);
    assert!(erase_dossier(&restored, STAYS).contains("erased     1 attached files"));
    assert!(files(&restored.path().join("tep")).is_empty());
}

/// What a migration reads of records that are there.
fn migrated(backend: Backend) -> String {
    let (file, before) = match backend {
        Backend::Sqlite => ("sqlite/0035_named_files.sql", ""),
        Backend::Postgres => ("postgres/0037_named_files.sql", "SET search_path = lienthong;\n"),
    };
    let sql = fs::read_to_string(root().join("hub/migrations").join(file)).unwrap();
    let (_, sql) = sql.split_once("INSERT INTO named_files").unwrap();
    let (sql, _) = sql.split_once("ALTER TABLE").unwrap();
    format!("{before}INSERT INTO named_files{sql}")
}

/// A hub's folder that is empty still.
fn keeping_restored(backend: Backend) -> Folder {
    let mut folder = backend.folder_of("erase-left-restored", &["tests/corpus/delivery"]);
    folder.configured_with("[attachments]\nfolder = \"tep\"\n".to_owned());
    folder
}
