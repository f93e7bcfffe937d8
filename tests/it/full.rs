//! The disk of the embedded store is full. Who sends is told to come again, who reads is answered,
//! files wait in their folder; nothing acknowledged is lost, and with room all goes on by itself.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::json;

use crate::{
    faults::disks::Ballast,
    harness::{Folder, Hub, seed},
    lienthong::stderr,
    load::{Load, Process, within},
    permutations::AGENCY,
};

const SENDERS: u64 = 4;
/// How long the hub may take to notice, and to go on once there is room.
const WITHIN: Duration = Duration::from_secs(60);

/// A small disk under a folder; it goes with the test.
struct Disk(PathBuf);

impl Disk {
    /// None, and why in words, where this machine cannot give one.
    fn under(folder: &Path) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=96m,mode=0700", "lienthong"]).arg(folder);
        let mounted = mount.output().unwrap();
        if !mounted.status.success() {
            println!("SKIPPED, as a small disk is made by root alone: {}", stderr(&mounted));
            return None;
        }
        Some(Self(folder.to_owned()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_the_disk_of_the_embedded_store_full_it_reads_on_and_with_room_it_goes_on() {
    let folder = Folder::of("full", &["mappings/agencies", "tests/corpus/drop"]);
    let folder = folder.with_store("sqlite:dia/hub.db".to_owned());
    let small = folder.path().join("dia");
    let Some(_disk) = Disk::under(&small) else { return };
    let drops = folder.path().join("drops/so-tha-tep");
    for channel in ["tep", "nhieu", "on-dinh", "danh-dau"] {
        fs::create_dir_all(drops.join(channel)).unwrap();
    }
    let (key, clerk) = (folder.key(AGENCY), folder.key("agency:so-tha-tep"));
    let hub = Hub::start(&folder).await;
    let load = Load::start(&folder, &hub, &key, (SENDERS, seed(20_241_126), Process::Stays));
    load.goes_on(20, WITHIN).await;
    for turn in 0..2 {
        let ballast = Ballast::in_folder(small.clone(), 0);
        load.is_turned_away(WITHIN).await;
        let (before, kept) = (load.turned_away(), load.acknowledged());
        // A file that nobody can keep now waits for its turn.
        let name = format!("{turn}.jsonl");
        let record = json!({
            "ma": format!("F-{turn}"), "ngayNhan": "04/03/2024", "trangThai": "MOI",
            "nguoiNop": "Lâm Thị Mẫu",
        });
        fs::write(drops.join("tep").join(format!("{name}.part")), format!("{record}\n")).unwrap();
        fs::rename(drops.join("tep").join(format!("{name}.part")), drops.join("tep").join(&name))
            .unwrap();
        assert!(within(WITHIN, || load.turned_away() > before + 40).await);
        println!("{} acknowledged while the disk was full", load.acknowledged() - kept);
        let receipt = drops.join("tep/done").join(format!("{name}.receipt.json"));
        assert!(!receipt.exists(), "a receipt for what cannot be kept");
        drop(ballast);
        load.goes_on(40, WITHIN).await;
        assert!(within(WITHIN, || receipt.exists()).await, "{name}: {}", folder.log());
        let sender = hub.sender(&clerk);
        assert_eq!(sender.found(&format!("/v1/dossiers/F-{turn}")).await["dossier"]["status"], 2);
    }
    let met = load.stop().await;
    println!("{} attempts turned away, {:?}", met.turned_away, met.asked);
    assert!(met.asked.slowest < Duration::from_secs(10), "{:?}", met.asked);
    let log = folder.log();
    assert!(log.contains("disk is full"), "{log}");
    assert!(!log.contains("panicked"), "{log}");
    let acknowledged = met.told.acknowledged.len();
    assert!(acknowledged > 100, "{acknowledged}");
    let (sender, reader) = (hub.sender(&key), hub.sender(&clerk));
    for id in &met.told.acknowledged {
        let found = sender.found(&format!("/v1/messages/{id}")).await;
        let attempts = found["messages"].as_array().unwrap();
        assert_eq!((attempts.len(), &attempts[0]["outcome"]), (1, &json!("stored")), "{found}");
    }
    assert_eq!(reader.feed("records", 100).await.len(), 2);
    hub.stop();
    folder.verify();
}
