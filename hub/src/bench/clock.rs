//! Time that this thread, a process and the machine have spent.

use std::{fs, path::Path, thread, time::Duration};

/// Ticks a second in which Linux shows CPU time to programs, whatever its own clock.
const TICKS_PER_SECOND: f64 = 100.0;

/// Nanoseconds of CPU that this thread has used; `None` where the system does not tell.
pub(super) fn thread_nanos() -> Option<u64> {
    // The kernel adds up a thread's time when it leaves the core, so it has to leave it.
    thread::sleep(Duration::from_nanos(1));
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split_whitespace().next()?.parse().ok()
}

/// What a process has used.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Usage {
    /// Seconds of CPU, in user mode and in the kernel.
    pub(super) cpu_seconds: f64,
    /// Bytes it caused to be written to the disk.
    pub(super) written_bytes: f64,
}

/// What a process has used until now; zeros where the system does not tell.
pub(super) fn usage(process: u32) -> Usage {
    let folder = format!("/proc/{process}");
    let stat = fs::read_to_string(Path::new(&folder).join("stat")).unwrap_or_default();
    // The name in brackets may hold spaces; what follows it does not.
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks =
        after.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<f64>().ok());
    let cpu_seconds = ticks.sum::<f64>() / TICKS_PER_SECOND;
    let io = fs::read_to_string(Path::new(&folder).join("io")).unwrap_or_default();
    let written_bytes = number_after(&io, "write_bytes:");
    Usage { cpu_seconds, written_bytes }
}

/// The most memory that a process has had, in megabytes.
pub(super) fn memory_peak(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    number_after(&status, "VmHWM:") / 1024.0
}

/// Seconds of CPU that the whole machine has spent on work.
pub(super) fn machine_cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<f64> =
        line.split_whitespace().skip(1).map(|text| text.parse().unwrap_or(0.0)).collect();
    // user, nice, system, (idle, iowait,) irq, softirq, steal.
    [0, 1, 2, 5, 6, 7].iter().filter_map(|at| ticks.get(*at)).sum::<f64>() / TICKS_PER_SECOND
}

fn number_after(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or(0.0)
}
