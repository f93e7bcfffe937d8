//! After a mapping was mended, what is kept is translated again: whatever is killed meanwhile, it
//! is done once.

use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use super::{AT, event};
use crate::{
    backend::{Backend, on_each_store},
    harness::{Folder, Hub, Sender},
    lienthong::{binary, stderr, stdout},
    permutations::{AGENCY, CHANNEL},
};

on_each_store!(
    what_was_refused_is_stored_and_what_was_told_wrongly_is_superseded,
    killed_at_any_moment_it_goes_on_and_does_everything_once,
    what_would_be_lost_and_what_was_overtaken_stays_as_it_is,
);

/// Changes a text of the agency's folder.
fn mend(folder: &Folder, file: &str, from: &str, to: &str) {
    let path = folder.path().join("agencies/ubnd-bien-hoa").join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

fn retranslate(folder: &Folder, more: &[&str]) -> String {
    let output = folder.run(&[&["retranslate", CHANNEL], more].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output)
}

/// A form that opens a dossier.
fn form(code: &str, status: &str, at: &str) -> Vec<u8> {
    json!({
        "maHoSo": code, "suKien": "HOSO_MOI", "trangThai": status, "thoiDiem": at,
        "tenThuTuc": "Thay đổi, cải chính hộ tịch", "linhVuc": "Tư pháp - Hộ tịch",
        "nguoiNop": { "hoTen": "Nguyễn Thị Kiểm Thử", "cmnd": "270999071", "maXa": "26032",
                      "diaChi": "tổ 31, khu phố 5" },
        "ngayTiepNhan": AT, "ngayHenTra": "2024-03-20T08:00:00+07:00", "lePhi": 20_000,
    })
    .to_string()
    .into_bytes()
}

async fn status(sender: &Sender, code: &str) -> Value {
    sender.found(&format!("/v1/dossiers/{code}")).await["dossier"]["status"].clone()
}

async fn push(sender: &Sender, id: &str, bytes: &[u8]) -> u16 {
    sender.push(CHANNEL, Some(id), bytes).await.unwrap().0
}

/// How many dossiers stand in a status.
async fn counted(sender: &Sender, status: u8) -> Value {
    let told = sender.found("/v1/statistics?from=2024-01-01&by=agency").await;
    told["rows"][0]["measures"][format!("in-status-{status}")].clone()
}

async fn size(sender: &Sender) -> Value {
    sender.found("/healthz").await["size"].clone()
}

async fn what_was_refused_is_stored_and_what_was_told_wrongly_is_superseded(backend: Backend) {
    let folder = backend.folder("retold");
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    assert_eq!(push(&sender, "r-1", &form("BH.R.1", "TIEP_NHAN", AT)).await, 200);
    assert_eq!(push(&sender, "r-2", &event("BH.R.2", "MOI_THEM", AT)).await, 422);
    assert_eq!(push(&sender, "r-3", &event("BH.R.3", "THU_LY", AT)).await, 200);
    assert_eq!(push(&sender, "r-4", &event("BH.R.4", "VAN_SAI", AT)).await, 422);
    assert_eq!((counted(&sender, 2).await, counted(&sender, 1).await), (json!(1), Value::Null));
    hub.stop();
    mend(&folder, "tables/status.csv", "TIEP_NHAN,2", "TIEP_NHAN,1\nMOI_THEM,6");
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    let before = size(&sender).await;
    let dry = retranslate(&folder, &["--dry-run"]);
    assert!(dry.contains("r-1 record 1 (BH.R.1): status: 2 → 1"), "{dry}");
    assert!(dry.contains("4 messages translated again: 2 come out as before"), "{dry}");
    assert!(
        dry.contains(
            "2 would be taken again: 1 records would be stored that were not, 1 supersede"
        ),
        "{dry}"
    );
    for personal in ["Kiểm Thử", "270999071"] {
        assert!(!dry.contains(personal), "{dry}");
    }
    assert_eq!(size(&sender).await, before, "a dry run does nothing");
    let refused = retranslate(&folder, &["--refused"]);
    assert!(refused.contains("2 messages translated again: 1 come out as before"), "{refused}");
    assert_eq!(
        (status(&sender, "BH.R.2").await, status(&sender, "BH.R.1").await),
        (6.into(), 2.into())
    );
    let open = sender.found(&format!("/v1/channels/{CHANNEL}/refusals")).await;
    assert_eq!((&open["open"], &open["refusals"][0]["message"]), (&json!(1), &json!("r-4")));
    let all = retranslate(&folder, &[]);
    assert!(all.contains("1 are taken again: 0 records are stored"), "{all}");
    // An earlier status: without superseding, what was told before would stand.
    assert_eq!(status(&sender, "BH.R.1").await, 1);
    assert_eq!((counted(&sender, 2).await, counted(&sender, 1).await), (Value::Null, json!(1)));
    let feed = sender.found("/v1/messages/r-1").await;
    assert_eq!(feed["messages"].as_array().unwrap().len(), 2, "{feed}");
    let after = size(&sender).await;
    let again = retranslate(&folder, &[]);
    assert!(again.contains("0 are taken again"), "{again}");
    assert_eq!(size(&sender).await, after, "a second run changes nothing");
    // What is said later stands above what was translated again.
    let later = form("BH.R.1", "THU_LY", "2024-03-05T08:00:00+07:00");
    assert_eq!(push(&sender, "r-5", &later).await, 200);
    assert_eq!(status(&sender, "BH.R.1").await, 4);
    // It is what it is to its sender: the same message.
    assert_eq!(push(&sender, "r-1", &form("BH.R.1", "TIEP_NHAN", AT)).await, 200);
    assert_eq!(size(&sender).await, json!(after.as_u64().unwrap() + 1));
    hub.stop();
    let verified = folder.verify();
    assert_eq!(folder.run(&["rebuild"]).status.code(), Some(0));
    assert_eq!(folder.verify().fold_root, verified.fold_root);
}

async fn killed_at_any_moment_it_goes_on_and_does_everything_once(backend: Backend) {
    const MESSAGES: u32 = 150;
    let folder = backend.folder("retold_killed");
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    for number in 0..MESSAGES {
        let bytes = event(&format!("BH.K.{number}"), "MOI_THEM", AT);
        assert_eq!(push(&sender, &format!("k-{number}"), &bytes).await, 422);
    }
    mend(&folder, "tables/status.csv", "TIEP_NHAN,2", "TIEP_NHAN,2\nMOI_THEM,6");
    // While the hub serves, and takes more.
    for round in 0..6_u64 {
        let mut running = Command::new(binary())
            .args(["retranslate", CHANNEL, "--config"])
            .arg(folder.path().join("hub.toml"))
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let bytes = event(&format!("BH.L.{round}"), "THU_LY", AT);
        assert_eq!(push(&sender, &format!("l-{round}"), &bytes).await, 200);
        tokio::time::sleep(Duration::from_millis(150 + 90 * round)).await;
        running.kill().unwrap();
        running.wait().unwrap();
    }
    retranslate(&folder, &[]);
    let again = retranslate(&folder, &[]);
    assert!(again.contains("0 are taken again"), "{again}");
    for number in (0..MESSAGES).step_by(7) {
        let told = sender.found(&format!("/v1/dossiers/BH.K.{number}")).await;
        assert_eq!(told["history"].as_array().unwrap().len(), 1, "{told}");
        assert_eq!(told["dossier"]["status"], 6);
    }
    assert_eq!(sender.found(&format!("/v1/channels/{CHANNEL}/refusals")).await["open"], 0);
    hub.stop();
    assert_eq!(folder.verify().dossiers, u64::from(MESSAGES) + 6);
}

async fn what_would_be_lost_and_what_was_overtaken_stays_as_it_is(backend: Backend) {
    let folder = backend.folder("stays");
    // The agency tells no version: what comes later says what is.
    mend(&folder, "ho-so.toml", "source_version = \"thoiDiem | date rfc3339\"\n", "");
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    assert_eq!(push(&sender, "s-1", &form("BH.S.1", "TIEP_NHAN", AT)).await, 200);
    assert_eq!(push(&sender, "s-2", &form("BH.S.1", "THU_LY", AT)).await, 200);
    assert_eq!(push(&sender, "s-3", &event("BH.S.3", "HOAN_THANH", AT)).await, 200);
    mend(&folder, "tables/status.csv", "TIEP_NHAN,2", "TIEP_NHAN,5");
    mend(&folder, "tables/status.csv", "HOAN_THANH,9\n", "");
    let before = size(&sender).await;
    let told = retranslate(&folder, &[]);
    assert!(told.contains("1 records stay as they are: their source has spoken of them"), "{told}");
    assert!(told.contains("1 messages stay as they are: a record or its key"), "{told}");
    assert_eq!(size(&sender).await, before);
    assert_eq!(
        (status(&sender, "BH.S.1").await, status(&sender, "BH.S.3").await),
        (4.into(), 9.into())
    );
    hub.stop();
    folder.verify();
}
