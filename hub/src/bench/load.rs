//! A closed loop: so many connections, each with one request under way, all on one thread.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{task::JoinSet, time::sleep};

use super::{
    BenchError, clock, stop,
    wire::{Answer, Connection},
};

/// How often the loop looks whether it was told to end, and tells how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Looks for an answer of each connection after the time is over.
const LOOKS_MAX: u32 = 480;
/// Answers other than 200 after which the loop ends if they are more than half of all: it measures
/// nothing then.
const REFUSED_MAX: u64 = 100;

/// Writes the request of a number.
pub(super) type Script = dyn Fn(u64, &mut Vec<u8>) + Send + Sync;

/// What is sent where.
#[derive(Clone)]
pub(super) struct Load {
    /// Where hubs listen; connections are spread over them.
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) connections: u32,
    /// Time before what is measured.
    pub(super) warm: Duration,
    /// Time measured, at most.
    pub(super) time: Duration,
    /// Number of the first request.
    pub(super) first: u64,
    /// Numbers below which requests are made, where there is an end.
    pub(super) end: Option<u64>,
    pub(super) script: Arc<Script>,
}

/// What came of it. Everything but `next` and `refused` is of the measured time alone: an answer
/// counts when it comes within it.
#[derive(Debug, Clone, Default)]
pub(super) struct Taken {
    /// Answers 200.
    pub(super) answers: u64,
    /// Seconds measured.
    pub(super) seconds: f64,
    /// Microseconds of each answer 200, in order of size.
    pub(super) latencies: Vec<u32>,
    /// Answers that say `duplicate`.
    pub(super) duplicates: u64,
    /// The number after the last request.
    pub(super) next: u64,
    /// Answers other than 200, in all the time.
    pub(super) refused: u64,
    /// One of those.
    pub(super) refusal: Option<String>,
    /// Seconds of CPU of the thread that sends.
    pub(super) own_cpu_seconds: f64,
    /// What the processes that answer have used.
    pub(super) hub: clock::Usage,
    /// Seconds of CPU of PostgreSQL, where it is watched.
    pub(super) server_cpu_seconds: f64,
    /// Seconds of CPU of the broker, where it is watched.
    pub(super) broker_cpu_seconds: f64,
    /// Cores that were busy with none of them.
    pub(super) others: f64,
}

impl Taken {
    pub(super) fn rate(&self) -> f64 {
        if self.seconds > 0.0 { self.answers as f64 / self.seconds } else { 0.0 }
    }

    /// Milliseconds within which a share of the answers came.
    pub(super) fn quantile(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let at = (share * self.latencies.len() as f64).ceil() as usize;
        let latency = self.latencies.get(at.saturating_sub(1).min(last));
        latency.map_or(0.0, |micros| f64::from(*micros) / 1_000.0)
    }

    /// Something per answer; zero where there was none.
    pub(super) fn each(&self, sum: f64) -> f64 {
        if self.answers > 0 { sum / self.answers as f64 } else { 0.0 }
    }

    /// Two measurements of the same as one.
    pub(super) fn add(&mut self, other: Self) {
        let time = self.seconds + other.seconds;
        if time > 0.0 {
            let busy = self.others * self.seconds + other.others * other.seconds;
            self.others = busy / time;
        }
        self.answers += other.answers;
        self.seconds = time;
        self.latencies.extend(other.latencies);
        self.latencies.sort_unstable();
        self.duplicates += other.duplicates;
        self.next = self.next.max(other.next);
        self.refused += other.refused;
        self.refusal = self.refusal.take().or(other.refusal);
        self.own_cpu_seconds += other.own_cpu_seconds;
        self.hub.cpu_seconds += other.hub.cpu_seconds;
        self.hub.written_bytes += other.hub.written_bytes;
        self.server_cpu_seconds += other.server_cpu_seconds;
        self.broker_cpu_seconds += other.broker_cpu_seconds;
    }
}

const WARMING: u8 = 0;
const MEASURING: u8 = 1;
const OVER: u8 = 2;

struct Shared {
    load: Load,
    phase: AtomicU8,
    next: AtomicU64,
    done: AtomicU64,
    measured: AtomicU64,
    refused: AtomicU64,
}

/// Whose CPU is measured beside the load's own.
#[derive(Debug, Clone, Default)]
pub(super) struct Watched {
    /// The processes of the hub.
    pub(super) hubs: Vec<u32>,
    /// The process that has started all others of PostgreSQL.
    pub(super) server: Option<u32>,
    /// The process of RabbitMQ.
    pub(super) broker: Option<u32>,
}

/// The counters of all sides at one moment.
pub(super) struct Reading {
    at: Instant,
    own: f64,
    whole: f64,
    hub: clock::Usage,
    server: f64,
    broker: f64,
    machine: f64,
}

impl Reading {
    pub(super) fn take(watched: &Watched) -> Self {
        let mut hub = clock::Usage::default();
        for used in watched.hubs.iter().map(|process| clock::usage(*process)) {
            hub.cpu_seconds += used.cpu_seconds;
            hub.written_bytes += used.written_bytes;
        }
        Self {
            at: Instant::now(),
            own: clock::thread_nanos().unwrap_or(0) as f64 / 1e9,
            whole: clock::usage(std::process::id()).cpu_seconds,
            hub,
            server: watched.server.map_or(0.0, clock::family_cpu_seconds),
            broker: watched.broker.map_or(0.0, clock::family_cpu_seconds),
            machine: clock::machine_cpu_seconds(),
        }
    }

    /// What was used from this moment to another.
    pub(super) fn until(&self, end: &Self, taken: &mut Taken) {
        taken.seconds = end.at.duration_since(self.at).as_secs_f64();
        taken.own_cpu_seconds = end.own - self.own;
        taken.hub.cpu_seconds = end.hub.cpu_seconds - self.hub.cpu_seconds;
        taken.hub.written_bytes = end.hub.written_bytes - self.hub.written_bytes;
        taken.server_cpu_seconds = end.server - self.server;
        taken.broker_cpu_seconds = end.broker - self.broker;
        let servers = taken.server_cpu_seconds + taken.broker_cpu_seconds;
        let ours = (end.whole - self.whole) + taken.hub.cpu_seconds + servers;
        let others = (end.machine - self.machine - ours) / taken.seconds.max(1e-9);
        taken.others = others.max(0.0);
    }
}

/// Runs a load to its end. `progress` hears how many answers have come, a few times a second.
pub(super) fn run(
    load: Load,
    watched: &Watched,
    progress: &mut dyn FnMut(u64),
) -> Result<Taken, BenchError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let taken = runtime.block_on(drive(load, watched, progress))?;
    stop::check()?;
    if taken.answers == 0 && taken.refused > 0 {
        return Err(BenchError::Refused(taken.refusal.unwrap_or_default()));
    }
    Ok(taken)
}

async fn drive(
    load: Load,
    watched: &Watched,
    progress: &mut dyn FnMut(u64),
) -> Result<Taken, BenchError> {
    let (warm, time, connections) = (load.warm, load.time, load.connections);
    let next = AtomicU64::new(load.first);
    let shared = Arc::new(Shared {
        load,
        phase: AtomicU8::new(if warm.is_zero() { MEASURING } else { WARMING }),
        next,
        done: AtomicU64::new(0),
        measured: AtomicU64::new(0),
        refused: AtomicU64::new(0),
    });
    let mut tasks = JoinSet::new();
    let mut begin = Reading::take(watched);
    for address in shared.load.addresses.iter().cycle().take(connections as usize) {
        tasks.spawn(converse(shared.clone(), *address));
    }
    let mut ended = Vec::new();
    if !warm.is_zero() {
        ended = enough(&shared, (warm, &shared.done), &mut tasks, progress).await;
        begin = Reading::take(watched);
        shared.phase.store(MEASURING, Ordering::Relaxed);
    }
    ended.extend(enough(&shared, (time, &shared.measured), &mut tasks, progress).await);
    let end = Reading::take(watched);
    shared.phase.store(OVER, Ordering::Relaxed);
    while let Some(one) = tasks.join_next().await {
        ended.push(one);
    }
    let mut sum = Taken::default();
    for one in ended {
        let one = one.map_err(|error| io::Error::other(error.to_string()))??;
        sum.answers += one.latencies.len() as u64;
        sum.duplicates += one.duplicates;
        sum.latencies.extend(one.latencies);
        sum.refusal = sum.refusal.or(one.refusal);
    }
    sum.latencies.sort_unstable();
    sum.next = shared.next.load(Ordering::Relaxed);
    sum.refused = shared.refused.load(Ordering::Relaxed);
    begin.until(&end, &mut sum);
    Ok(sum)
}

type Ended = Result<io::Result<Taken>, tokio::task::JoinError>;

/// Waits for a time, and beyond it until there is an answer for each connection: where one takes
/// longer than the whole time, what is counted would not be what was worked on.
async fn enough(
    shared: &Shared,
    (time, answers): (Duration, &AtomicU64),
    tasks: &mut JoinSet<io::Result<Taken>>,
    progress: &mut dyn FnMut(u64),
) -> Vec<Ended> {
    let mut ended = wait(shared, time, tasks, progress).await;
    for _ in 0..LOOKS_MAX {
        let few = answers.load(Ordering::Relaxed) < u64::from(shared.load.connections);
        if !few || tasks.is_empty() || stop::told() {
            break;
        }
        ended.extend(wait(shared, LOOK_EVERY, tasks, progress).await);
    }
    ended
}

/// Waits for a time, or until all connections have ended; gives those that have.
async fn wait(
    shared: &Shared,
    time: Duration,
    tasks: &mut JoinSet<io::Result<Taken>>,
    progress: &mut dyn FnMut(u64),
) -> Vec<Ended> {
    let (began, mut ended) = (Instant::now(), Vec::new());
    while !stop::told() && !tasks.is_empty() {
        let left = time.saturating_sub(began.elapsed());
        if left.is_zero() {
            break;
        }
        tokio::select! {
            Some(one) = tasks.join_next() => ended.push(one),
            () = sleep(left.min(LOOK_EVERY)) => progress(shared.done.load(Ordering::Relaxed)),
        }
    }
    ended
}

/// All requests of one connection.
async fn converse(shared: Arc<Shared>, address: SocketAddr) -> io::Result<Taken> {
    let load = &shared.load;
    let mut connection = Connection::open(address).await?;
    let (mut taken, mut request) = (Taken::default(), Vec::new());
    while shared.phase.load(Ordering::Relaxed) != OVER {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        if load.end.is_some_and(|end| number >= end) {
            break;
        }
        request.clear();
        (load.script)(number, &mut request);
        let began = Instant::now();
        let Answer { status, body, .. } = match connection.ask(&request).await {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                shared.refused.fetch_add(1, Ordering::Relaxed);
                taken.refusal.get_or_insert_with(|| "nothing in time".to_owned());
                break;
            }
            answer => answer?,
        };
        let done = shared.done.fetch_add(1, Ordering::Relaxed);
        if status != 200 {
            let told = String::from_utf8_lossy(body.get(..body.len().min(400)).unwrap_or(body));
            taken.refusal.get_or_insert_with(|| format!("{status} {told}"));
            let refused = shared.refused.fetch_add(1, Ordering::Relaxed);
            if refused >= REFUSED_MAX && refused > done / 2 {
                break;
            }
        } else if shared.phase.load(Ordering::Relaxed) == MEASURING {
            shared.measured.fetch_add(1, Ordering::Relaxed);
            let micros = u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX);
            taken.latencies.push(micros);
            let start = body.get(..body.len().min(200)).unwrap_or(body);
            taken.duplicates += u64::from(start.windows(11).any(|text| text == b"\"duplicate\""));
        }
    }
    Ok(taken)
}
