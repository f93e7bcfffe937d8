//! `bench ingest --store postgres://…` (P3, P4, P6): a hub of one or more processes on PostgreSQL,
//! each message durable before 200, beside what the server does with inserts alone; with `--amqp`
//! published to a broker meanwhile.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    BenchError, Table,
    bare::Bare,
    broker::Broker,
    child::{Hub, Keys, Scratch},
    clock,
    ingest::{self, Options},
    load::{self, Load, Script, Taken, Watched},
    note_others, note_unseen, seconds,
    server::Server,
    statements::Inserts,
    stop,
    storage::Storage,
    surroundings::Surroundings,
    workload::Workload,
};

/// Turns of each number of processes: the second ones go backwards, so that what changes on the
/// machine meanwhile is shared by all.
const TURNS: u32 = 2;

/// How long the broker may take for what was accepted meanwhile.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(300);
/// Between two looks how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A hub of so many processes.
#[derive(Default)]
struct Size {
    processes: u32,
    taken: Taken,
    /// The most memory that one of its processes has had, in megabytes.
    memory_peak: f64,
    /// Events that the broker did not have when the measured time was over.
    behind: f64,
    /// Seconds until it had them.
    behind_seconds: f64,
}

/// All that was measured.
#[derive(Default)]
struct Measured {
    inserts: Inserts,
    bare: Taken,
    sizes: Vec<Size>,
    /// Whether the processes of PostgreSQL could be watched.
    server_seen: bool,
    /// Whether there is a broker, and whether its process could be watched.
    broker_seen: Option<bool>,
}

/// A hub at work on a database of its own. The processes end before it does.
struct Together {
    hubs: Vec<Hub>,
    storage: Storage,
}

impl Together {
    fn start(
        scratch: &Scratch,
        (server, broker): (&Arc<Server>, Option<&Broker>),
        processes: u32,
    ) -> Result<Self, BenchError> {
        let storage = Storage::Database(server.database()?);
        let keys = Keys::add(&storage)?;
        let lines = broker.map(Broker::line).unwrap_or_default();
        let surroundings = Surroundings { lines, ..Surroundings::default() };
        let start = |number| {
            let folder = scratch.folder.join(format!("{number}"));
            Hub::start_among(&surroundings, &folder, &storage, &keys)
        };
        let hubs = (1..=processes).map(start).collect::<Result<_, _>>()?;
        Ok(Self { hubs, storage })
    }

    fn watched(&self, broker: Option<&Broker>) -> Watched {
        let hubs = self.hubs.iter().map(Hub::process).collect();
        let broker = broker.and_then(|broker| broker.process);
        Watched { hubs, server: self.storage.server_process(), broker }
    }

    /// Waits until the broker has everything; how many events it did not have at first, and for how
    /// many seconds.
    fn published(&self) -> Result<(f64, f64), BenchError> {
        let Some(hub) = self.hubs.first() else { return Ok((0.0, 0.0)) };
        let (asked, mut first) = (Instant::now(), None);
        while asked.elapsed() < PUBLISHED_WITHIN {
            stop::check()?;
            let (_, _, body) = hub.get("/readyz")?;
            let told: Value = serde_json::from_slice(&body).unwrap_or_default();
            if let Some(behind) = told["bus"]["behind"].as_f64() {
                let first = *first.get_or_insert(behind);
                if behind == 0.0 {
                    return Ok((first, asked.elapsed().as_secs_f64()));
                }
            }
            thread::sleep(LOOK_EVERY);
        }
        Err(BenchError::Unreachable("not all was published".to_owned()))
    }
}

/// Measures.
pub(super) fn run(seed: u64, options: &Options, server: &Arc<Server>) -> Result<Table, BenchError> {
    let load = Arc::new(Workload::new(seed)?);
    let scratch = Scratch::new(options.keep.as_deref())?;
    let (time, warm) = (seconds(options.seconds), seconds(options.warm));
    let floor_time = (time / 8).min(Duration::from_secs(1));
    let size = |processes: &u32| Size { processes: *processes, ..Size::default() };
    let sizes = options.processes.iter().map(size).collect();
    let broker = options.amqp.as_deref().map(Broker::told).transpose()?;
    let broker_seen = broker.as_ref().map(|broker| broker.process.is_some());
    let mut measured = Measured { sizes, broker_seen, ..Measured::default() };
    let mut bare = None;
    let nothing = &mut |_| {};
    for turn in 0..TURNS {
        measured.inserts.measure(server, floor_time)?;
        let mut order: Vec<&mut Size> = measured.sizes.iter_mut().collect();
        if turn % 2 == 1 {
            order.reverse();
        }
        for size in order {
            // Each turn begins with nothing stored, so that all do the same work.
            let together = Together::start(&scratch, (server, broker.as_ref()), size.processes)?;
            let Some(first) = together.hubs.first() else { continue };
            let script = ingest::script(load.clone(), options.dossiers, first.keys.agency.clone());
            let receipt = ingest::receipt(first.address, &script)?;
            let sent = Load {
                addresses: together.hubs.iter().map(|hub| hub.address).collect(),
                connections: options.connections,
                warm,
                time: time / TURNS,
                first: 1,
                end: None,
                script: script.clone(),
            };
            let watched = together.watched(broker.as_ref());
            measured.server_seen = watched.server.is_some();
            size.taken.add(load::run(sent, &watched, nothing)?);
            if broker.is_some() {
                let (behind, seconds) = together.published()?;
                (size.behind, size.behind_seconds) =
                    (size.behind + behind, size.behind_seconds + seconds);
            }
            let peaks = watched.hubs.iter().map(|process| clock::memory_peak(*process));
            size.memory_peak = peaks.fold(size.memory_peak, f64::max);
            bare.get_or_insert((receipt, script));
            drop(together);
            broker.as_ref().map(Broker::clear).transpose()?;
        }
        if let Some((receipt, script)) = &bare {
            let taken = alone(options, receipt, script, (warm / 4, time / 8))?;
            measured.bare.add(taken);
        }
    }
    measured.inserts.measure(server, floor_time)?;
    Ok(tell(seed, options, &measured))
}

/// The same requests to a bare server that gives the same answer.
fn alone(
    options: &Options,
    receipt: &[u8],
    script: &Arc<Script>,
    (warm, time): (Duration, Duration),
) -> Result<Taken, BenchError> {
    let server = Bare::start(receipt.to_vec())?;
    let load = Load {
        addresses: vec![server.address],
        connections: options.connections,
        warm,
        time,
        first: 1,
        end: None,
        script: script.clone(),
    };
    load::run(load, &Watched::default(), &mut |_| {})
}

fn tell(seed: u64, options: &Options, measured: &Measured) -> Table {
    let Measured { inserts, bare, sizes, .. } = measured;
    let broker = if measured.broker_seen.is_some() { " and RabbitMQ" } else { "" };
    let mut table = Table::new(format!(
        "bench ingest: {} connections, {:.1} s, {} dossiers, PostgreSQL{broker}, durable before \
         200, seed {seed}",
        options.connections, options.seconds, options.dossiers
    ));
    let (many, groups) = (inserts.many.each_second(), inserts.groups.each_second());
    table.line("UNNEST, 1 × 1 row of 1 KB", inserts.alone.each_second(), "rows/s");
    table.line("UNNEST, 32 × 1 row of 1 KB", many, "rows/s");
    table.line("UNNEST, 4 × 64 rows of 1 KB", groups, "rows/s");
    table.line("bare axum", bare.rate(), "msg/s");
    table.line("bare axum, p99", bare.quantile(0.99), "ms");
    table.line("generator CPU, bare axum", bare.each(bare.own_cpu_seconds * 1e6), "µs/msg");
    let mut first: Option<(String, f64)> = None;
    for size in sizes {
        let name = tell_size(&mut table, measured, size, first.as_ref());
        first.get_or_insert((name, size.taken.rate()));
    }
    if !measured.server_seen {
        note_unseen(&mut table);
    }
    if measured.broker_seen == Some(false) {
        table.note("CPU of RabbitMQ: its process is not on this machine, or not to be seen");
    }
    note_others(&mut table, sizes.iter().map(|size| size.taken.others).fold(0.0, f64::max));
    table
}

/// One number of processes, against the floors and against the first number; its name.
fn tell_size(
    table: &mut Table,
    measured: &Measured,
    size: &Size,
    first: Option<&(String, f64)>,
) -> String {
    let Measured { inserts, bare, server_seen, broker_seen, .. } = measured;
    let (many, groups) = (inserts.many.each_second(), inserts.groups.each_second());
    let floors = [("UNNEST, 4 × 64", groups), ("UNNEST, 32 × 1", many), ("bare axum", bare.rate())];
    let Size { processes, taken, memory_peak, behind, behind_seconds } = size;
    let plural = if *processes == 1 { "process" } else { "processes" };
    let name = format!("ingest, {processes} {plural}");
    for floor in floors {
        table.against((&name, taken.rate(), "msg/s"), floor);
    }
    if let Some((of, rate)) = first {
        table.against((&name, taken.rate(), "msg/s"), (of, *rate));
    }
    let p99 = taken.quantile(0.99);
    let p99_name = format!("{name}, p99");
    table.line(format!("{name}, p50"), taken.quantile(0.5), "ms");
    table.against((&p99_name, p99, "ms"), ("bare axum, p99", bare.quantile(0.99)));
    let p999_name = format!("{name}, p99.9");
    table.against((&p999_name, taken.quantile(0.999), "ms"), (&p99_name, p99));
    let mut cpu = vec![("the hub", taken.hub.cpu_seconds)];
    if *server_seen {
        cpu.push(("PostgreSQL", taken.server_cpu_seconds));
    }
    if *broker_seen == Some(true) {
        cpu.push(("RabbitMQ", taken.broker_cpu_seconds));
    }
    cpu.push(("the generator", taken.own_cpu_seconds));
    for (whose, seconds) in cpu {
        let line = format!("{name}, CPU of {whose}");
        table.line(line, taken.each(seconds * 1e6), "µs/msg");
    }
    if broker_seen.is_some() {
        let whole = taken.answers as f64 / (taken.seconds + behind_seconds).max(1e-9);
        table.line(format!("{name}, accepted and published"), whole, "msg/s");
        table.line(format!("{name}, not yet published at the end"), *behind, "events");
    }
    table.line(format!("{name}, memory of each, peak"), *memory_peak, "MB");
    if let Some(refusal) = &taken.refusal {
        table.note(format!("{name}: {} answers other than 200: {refusal}", taken.refused));
    }
    name
}
