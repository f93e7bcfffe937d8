//! The server's disk is full: the one of its tables, and the one of the journal it writes ahead.

use std::{fs, io::Write as _, path::PathBuf};

use super::{BACK_MAX, Bed};
use crate::load::within;

/// What others leave on a disk: all that it still holds but so many kilobytes.
pub(crate) struct Ballast(PathBuf);

impl Ballast {
    pub(crate) fn in_folder(folder: PathBuf, spared_kib: usize) -> Self {
        let path = folder.join("ballast");
        let mut file = fs::File::create(&path).unwrap();
        let block = vec![7; 1024];
        let mut blocks: usize = 0;
        while file.write_all(&block).is_ok() {
            blocks += 1;
        }
        file.set_len(1024 * blocks.saturating_sub(spared_kib) as u64).unwrap();
        Self(path)
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_the_disk_of_the_tables_full_reading_goes_on() {
    let Some(bed) = Bed::new("data_full", &["data=160"]).await else { return };
    let load = bed.load();
    load.goes_on(20, BACK_MAX).await;
    let ballast = Ballast::in_folder(bed.server.path("data"), 64);
    load.is_turned_away(BACK_MAX).await;
    let before = load.turned_away();
    assert!(within(BACK_MAX, || load.turned_away() > before + 40).await);
    // The server lives, and so does reading.
    let reader = bed.hub.sender(&bed.key);
    for _ in 0..10 {
        reader.found("/v1/statistics?from=2024-01-01&by=agency").await;
        reader.found("/v1/feeds/records?limit=5").await;
        reader.found("/healthz").await;
    }
    drop(ballast);
    bed.ends(load, &["PostgreSQL 53100", "No space left on device"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_panics_over_its_own_full_journal_is_outlived() {
    let small = ["wal=48", "max_wal_size=8MB", "min_wal_size=4MB"];
    let Some(bed) = Bed::new("wal_full", &small).await else { return };
    let load = bed.load();
    load.goes_on(20, BACK_MAX).await;
    let ballast = Ballast::in_folder(bed.server.path("wal"), 64);
    let down = || bed.server.log().contains("PANIC");
    assert!(within(BACK_MAX * 3, down).await, "the server lives on: {}", bed.server.log());
    load.is_turned_away(BACK_MAX).await;
    // It may try to come back by itself and fail over and over: with room it must not.
    drop(ballast);
    bed.server.resume();
    bed.ends(load, &["PostgreSQL"]).await;
}
