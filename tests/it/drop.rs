//! Drop folders of a running hub: what a clerk puts in, and what a clerk finds.

mod declared;
mod killed;
mod outcomes;

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    backend::Backend,
    harness::{Folder, Hub},
};

const AGENCY: &str = "agency:so-tha-tep";

/// How long a folder may take to be empty.
const EMPTY_MAX: Duration = Duration::from_secs(180);

/// A hub's folder with the drop folders of one agency.
struct Office {
    folder: Folder,
}

/// One record, as a line.
fn record(code: &str, status: &str) -> String {
    let record = json!({
        "ma": code, "ngayNhan": "04/03/2024", "trangThai": status, "nguoiNop": "Lâm Thị Mẫu",
    });
    format!("{record}\n")
}

impl Office {
    fn new(backend: Backend, name: &str) -> Self {
        let office = Self { folder: backend.folder_of(name, &["tests/corpus/drop"]) };
        for channel in ["tep", "nhieu", "on-dinh", "danh-dau"] {
            fs::create_dir_all(office.path(channel, "")).unwrap();
        }
        office
    }

    fn path(&self, channel: &str, name: &str) -> PathBuf {
        self.folder.path().join("drops/so-tha-tep").join(channel).join(name)
    }

    /// Drops a file as a careful sender does.
    fn drops(&self, channel: &str, name: &str, text: &str) {
        let part = self.path(channel, &format!("{name}.part"));
        fs::write(&part, text).unwrap();
        fs::rename(part, self.path(channel, name)).unwrap();
    }

    /// Files in a folder of a channel, without the hub's lock.
    fn files(&self, channel: &str, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(channel, folder)) else { return Vec::new() };
        let plain = entries.flatten().filter(|entry| !entry.path().is_dir());
        let mut names: Vec<String> =
            plain.map(|entry| entry.file_name().to_string_lossy().into()).collect();
        names.retain(|name| name != ".lock");
        names.sort();
        names
    }

    /// Files not put away yet.
    fn waiting(&self, channel: &str) -> usize {
        self.files(channel, "").len() + self.files(channel, "claimed").len()
    }

    /// Waits until every file of a channel is put away.
    async fn empties(&self, channel: &str) {
        let began = Instant::now();
        while self.waiting(channel) > 0 {
            assert!(
                began.elapsed() < EMPTY_MAX,
                "{channel}: {:?} {:?}\n{}",
                self.files(channel, ""),
                self.files(channel, "claimed"),
                self.folder.log()
            );
            sleep(Duration::from_millis(20)).await;
        }
    }

    fn json(&self, channel: &str, name: &str) -> Value {
        let text = fs::read(self.path(channel, name)).unwrap();
        serde_json::from_slice(&text).unwrap()
    }
}

/// The console's page.
async fn console(hub: &Hub) -> String {
    reqwest::get(format!("{}/console", hub.url)).await.unwrap().text().await.unwrap()
}
