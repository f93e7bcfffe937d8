//! What a process and its files hold, second by second, and whether it grows.

use std::fs;

use crate::harness::Folder;

/// What is looked at: name, unit, and by how much the second half may be above the first.
const MEASURES: [(&str, &str, u64); 5] = [
    ("resident memory", "KiB", 16 * 1024),
    ("open descriptors", "", 16),
    ("threads", "", 8),
    // It begins anew at 64 MiB: where it is in that is chance.
    ("the WAL", "KiB", 32 * 1024),
    ("deliveries that wait", "", 50),
];

/// One look, in the order of [`MEASURES`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample([u64; MEASURES.len()]);

/// How long a file is; 0 where there is none.
pub(super) fn file_bytes(folder: &Folder, name: &str) -> u64 {
    fs::metadata(folder.path().join(name)).map_or(0, |told| told.len())
}

impl Sample {
    pub(super) fn of(folder: &Folder, process: u32, waiting: u64) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let told = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse().unwrap()
        };
        let descriptors = fs::read_dir(format!("/proc/{process}/fd")).unwrap().count() as u64;
        let wal = file_bytes(folder, "hub.db-wal") / 1024;
        Self([told("VmRSS:"), descriptors, told("Threads:"), wal, waiting])
    }
}

/// All looks, in order.
#[derive(Debug, Default)]
pub(super) struct Samples(Vec<Sample>);

impl Samples {
    pub(super) fn take(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    /// After a warm-up of a quarter, what is in the middle of the second half is not above that of
    /// the first by more than it may.
    pub(super) fn assert_level(&self) {
        let warm = &self.0[self.0.len() / 4..];
        let (first, second) = warm.split_at(warm.len() / 2);
        let mut grown = Vec::new();
        for (at, (name, unit, more_max)) in MEASURES.into_iter().enumerate() {
            let (first, second) = (middle(first, at), middle(second, at));
            let most = warm.iter().map(|one| one.0[at]).max().unwrap();
            println!(
                "{name}: {first} {unit} in the first half, {second} in the second, {most} at most"
            );
            if second > first + more_max {
                grown.push(format!("{name}: from {first} to {second} {unit}"));
            }
        }
        assert!(grown.is_empty(), "{grown:?}");
    }
}

/// The value in the middle of all.
fn middle(samples: &[Sample], at: usize) -> u64 {
    let mut values: Vec<u64> = samples.iter().map(|one| one.0[at]).collect();
    values.sort_unstable();
    values[values.len() / 2]
}
