//! What an agency has, and what a hub made of it: every dossier as it stands, every version at most
//! once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::READ_MAX;
use crate::harness::Sender;

/// The statuses of an agency, in the order in which dossiers pass through them.
pub(super) const STATUSES: [(&str, u64); 4] =
    [("MOI", 2), ("DANG_XU_LY", 4), ("XONG", 9), ("DA_TRA", 10)];

/// One dossier of an agency.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    pub(super) version: u32,
    /// When it was changed, as the agency's system writes it.
    pub(super) changed: String,
}

impl Kept {
    pub(super) fn status(&self) -> (&'static str, u64) {
        STATUSES[(self.version as usize).saturating_sub(1) % STATUSES.len()]
    }

    /// The dossier as the API tells it.
    pub(super) fn told(&self, code: &str) -> Value {
        json!({
            "ma": code, "phienBan": self.version.to_string(), "ngayNhan": "04/03/2024",
            "trangThai": self.status().0, "nguoiNop": "Lâm Thị Mẫu", "capNhat": self.changed,
        })
    }
}

/// The latest version of each dossier that the hub has, by its feed.
async fn fed(sender: &Sender) -> BTreeMap<String, BTreeSet<u32>> {
    let mut fed: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for event in sender.feed("records", 1_000).await {
        let code = event["subject"].as_str().unwrap().to_owned();
        let version = event["data"]["source_version"].as_str().unwrap().parse().unwrap();
        let fresh = fed.entry(code.clone()).or_default().insert(version);
        assert!(fresh, "version {version} of {code} was taken twice");
    }
    fed
}

/// Waits until the hub has all that an agency has, as it stands; nothing was lost or doubled.
pub(super) async fn agree(sender: &Sender, kept: &BTreeMap<String, Kept>) {
    let began = Instant::now();
    loop {
        let fed = fed(sender).await;
        let missing: Vec<&String> = kept
            .iter()
            .filter(|(code, one)| fed.get(*code).and_then(|told| told.last()) != Some(&one.version))
            .map(|(code, _)| code)
            .collect();
        if missing.is_empty() {
            assert_eq!(fed.len(), kept.len());
            break;
        }
        let standing = sender.found("/v1/pollers").await;
        assert!(
            began.elapsed() < READ_MAX,
            "{} are missing: {missing:?}\n{standing}",
            missing.len()
        );
        sleep(Duration::from_millis(200)).await;
    }
    let numbers = sender.found("/v1/statistics?from=2024-03-01&to=2024-03-31").await;
    assert_eq!(numbers["rows"][0]["measures"]["accepted"], kept.len(), "{numbers}");
    for (code, one) in kept.iter().step_by(17) {
        let dossier = sender.found(&format!("/v1/dossiers/{code}")).await;
        assert_eq!(dossier["dossier"]["status"], one.status().1, "{code}: {dossier}");
    }
}
