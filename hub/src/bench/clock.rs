//! Time that this thread, a process and the machine have spent.

use std::{fs, ops::Range, thread, time::Duration};

use rustix::time::{ClockId, clock_gettime};

/// Ticks a second in which Linux shows CPU time to programs, whatever its own clock.
const TICKS_PER_SECOND: f64 = 100.0;

/// Nanoseconds of CPU that this thread has used; `None` where the system does not tell.
pub(super) fn thread_nanos() -> Option<u64> {
    // The kernel adds up a thread's time when it leaves the core, so it has to leave it.
    thread::sleep(Duration::from_nanos(1));
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split_whitespace().next()?.parse().ok()
}

/// Seconds of CPU that this process has used on all its threads, to the nanosecond: what takes less
/// than a tick is told too.
pub(super) fn own_cpu_seconds() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
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
    let io = fs::read_to_string(format!("/proc/{process}/io")).unwrap_or_default();
    let written_bytes = number_after(&io, "write_bytes:");
    Usage { cpu_seconds: cpu_seconds(&stat(process), CPU_OWN), written_bytes }
}

/// The process that started this one; `None` where the system does not tell.
pub(super) fn parent(process: u32) -> Option<u32> {
    stat(process).get(1)?.parse().ok()
}

/// Seconds of CPU of a process and all that it has started, those that have ended too.
pub(super) fn family_cpu_seconds(process: u32) -> f64 {
    let number = process.to_string();
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let others = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).map(stat);
    let children = others.filter(|told| told.get(1) == Some(&number));
    children.map(|told| cpu_seconds(&told, CPU_OWN)).sum::<f64>()
        + cpu_seconds(&stat(process), CPU_OWN_AND_ENDED)
}

/// The process that listens at a port of this machine; `None` where the system does not tell.
pub(super) fn listener(port: u16) -> Option<u32> {
    /// The state of a socket that listens, as the kernel writes it.
    const LISTENS: &str = "0A";
    let end = format!(":{port:04X}");
    let sockets = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    let sockets = sockets.into_iter().flatten().collect::<Vec<_>>().join("\n");
    let mut lines = sockets.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    // Number, local address, other address, state, …, the number of the socket.
    let found = lines.find(|words| {
        words.get(1).is_some_and(|local| local.ends_with(&end)) && words.get(3) == Some(&LISTENS)
    })?;
    let socket = format!("socket:[{}]", found.get(9)?);
    let has = |process: &u32| {
        let open = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
        open.filter_map(|one| fs::read_link(one.path()).ok()).any(|to| to.as_os_str() == &*socket)
    };
    let all = fs::read_dir("/proc").ok()?.flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find(has)
}

/// Where the numbers of `/proc/PROCESS/stat` say what CPU a process itself has used, in user mode
/// and in the kernel.
const CPU_OWN: Range<usize> = 11..13;
/// The same with that of its children that have ended.
const CPU_OWN_AND_ENDED: Range<usize> = 11..15;

/// What `/proc/PROCESS/stat` says of a process, from its state on: one word each.
fn stat(process: u32) -> Vec<String> {
    let told = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name in brackets may hold spaces; what follows it does not.
    let after = told.rsplit_once(')').map_or("", |(_, rest)| rest);
    after.split_whitespace().map(str::to_owned).collect()
}

fn cpu_seconds(told: &[String], which: Range<usize>) -> f64 {
    let ticks = told.get(which).unwrap_or_default().iter();
    ticks.filter_map(|text| text.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

/// The most memory that a process has had, in megabytes.
pub(super) fn memory_peak(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    number_after(&status, "VmHWM:") / 1024.0
}

/// The memory that a process has now, in megabytes.
pub(super) fn memory(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    number_after(&status, "VmRSS:") / 1024.0
}

/// What the threads of a process have done until now.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Threads {
    /// Seconds of CPU of those that are there, to the nanosecond.
    pub(super) cpu_seconds: f64,
    /// How often one of them slept.
    pub(super) sleeps: f64,
}

/// What the threads of a process have done until now; zeros where the system does not tell.
pub(super) fn threads(process: u32) -> Threads {
    let mut sum = Threads::default();
    for thread in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
        let told = |name| fs::read_to_string(thread.path().join(name)).unwrap_or_default();
        let nanos = told("schedstat");
        let nanos: f64 = nanos.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0.0);
        sum.cpu_seconds += nanos / 1e9;
        sum.sleeps += number_after(&told("status"), "voluntary_ctxt_switches:");
    }
    sum
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_at_a_port_is_found() {
        let listening = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listening.local_addr().unwrap().port();
        assert_eq!(listener(port), Some(std::process::id()));
        drop(listening);
        assert_eq!(listener(port), None);
    }

    #[test]
    fn a_family_has_used_at_least_what_each_of_it_has() {
        let own = std::process::id();
        let began = std::time::Instant::now();
        while usage(own).cpu_seconds < 0.05 {
            assert!(began.elapsed() < Duration::from_secs(20), "no CPU is told");
        }
        let parent = parent(own).unwrap();
        assert_ne!(parent, own);
        let least = usage(own).cpu_seconds;
        assert!(family_cpu_seconds(parent) >= least);
        assert!(family_cpu_seconds(own) >= least);
    }
}
