//! `bench ingest` (P2, P4, P6): messages of one dossier each into a hub, durable before 200.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use rusqlite::Connection;

use super::{
    BenchError, Table,
    bare::Bare,
    child::{Hub, Keys, Scratch},
    clock,
    floors::Floors,
    load::{self, Load, Script, Taken, Watched},
    note_others, processes, seconds,
    storage::{Place, Storage},
    wire,
    workload::{self, Workload},
};

/// How long, with how many, and where.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Connections, each with one message under way.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=900))]
    pub(crate) connections: u32,
    /// Seconds measured.
    #[arg(long, default_value_t = 10.0)]
    pub(crate) seconds: f64,
    /// Seconds of the same load before them.
    #[arg(long, default_value_t = 2.0)]
    pub(crate) warm: f64,
    /// Dossiers; each message is the next version of the next one.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) dossiers: u64,
    /// Work in this folder and leave it behind; it must be new or empty.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) keep: Option<PathBuf>,
    /// On the server of postgres://ROLE:PASSWORD@… (@FILE holds such an address) instead of SQLite:
    /// in databases of its own, dropped at the end.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) store: Option<String>,
    /// Processes of the hub; several numbers are measured in turn. More than one needs --store.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', default_value = "1",
          value_parser = clap::value_parser!(u32).range(1..=16))]
    pub(crate) processes: Vec<u32>,
    /// A broker, amqp://USER:PASSWORD@HOST/…, without a feed of a hub's: what is accepted is
    /// published to it meanwhile. Needs --store.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) amqp: Option<String>,
}

/// All that was measured.
struct Measured {
    floors: Floors,
    bare: Taken,
    first: Taken,
    again: Taken,
    start_seconds: f64,
    memory_peak: f64,
    rows: f64,
}

/// Measures.
pub(crate) fn run(seed: u64, options: &Options) -> Result<Table, BenchError> {
    match Place::told(options.store.as_deref())? {
        Place::Server(server) => processes::run(seed, options, &server),
        Place::Scratch if options.amqp.is_some() => Err(BenchError::Input(
            "--amqp: name a server too, with --store postgres://ROLE:PASSWORD@HOST:PORT/DATABASE"
                .to_owned(),
        )),
        Place::Scratch if options.processes == [1] => embedded(seed, options),
        Place::Scratch => Err(BenchError::Input(
            "--processes: a SQLite file has one process; for more, name a server with --store \
             postgres://ROLE:PASSWORD@HOST:PORT/DATABASE"
                .to_owned(),
        )),
        Place::File(_) => Err(BenchError::Input(
            "--store: messages go into a new store; name a server as \
             postgres://ROLE:PASSWORD@HOST:PORT/DATABASE, or for SQLite a folder with --keep"
                .to_owned(),
        )),
    }
}

/// Measures a hub on SQLite.
fn embedded(seed: u64, options: &Options) -> Result<Table, BenchError> {
    let load = Arc::new(Workload::new(seed)?);
    let scratch = Scratch::new(options.keep.as_deref())?;
    let folder = &scratch.folder;
    let (time, warm) = (seconds(options.seconds), seconds(options.warm));
    // Half of every floor is measured before the hub and half after it.
    let floor_time = (time / 8).min(Duration::from_secs(1));
    let mut floors = Floors::default();
    floors.measure(folder, floor_time)?;
    let store = folder.join("hub.db");
    let storage = Storage::File(store.clone());
    let hub = Hub::start(folder, &storage, &Keys::add(&storage)?)?;
    let script = script(load, options.dossiers, hub.keys.agency.clone());
    let server = Bare::start(receipt(hub.address, &script)?)?;
    let bare = Load {
        addresses: vec![server.address],
        connections: options.connections,
        warm: warm / 4,
        time: time / 8,
        first: 1,
        end: None,
        script: script.clone(),
    };
    let nothing = &mut |_| {};
    let nobody = Watched::default();
    let mut bare_taken = load::run(bare.clone(), &nobody, nothing)?;
    let sent = Load { addresses: vec![hub.address], warm, time, ..bare.clone() };
    let watched = hub.watched(&storage);
    let first = load::run(sent.clone(), &watched, nothing)?;
    let again = again(&sent, first.next, time / 2);
    let again = load::run(again, &watched, nothing)?;
    let memory_peak = clock::memory_peak(hub.process());
    let start_seconds = hub.start_seconds;
    drop(hub);
    bare_taken.add(load::run(bare, &nobody, nothing)?);
    drop(server);
    floors.measure(folder, floor_time)?;
    let rows = rows(&store)? / (first.next.max(1) as f64);
    let bare = bare_taken;
    let measured = Measured { floors, bare, first, again, start_seconds, memory_peak, rows };
    Ok(tell(seed, options, &measured))
}

/// The message of a number: the dossiers in an order that is not that of their codes, each at its
/// next version when all have had their turn.
pub(super) fn script(load: Arc<Workload>, dossiers: u64, key: Arc<str>) -> Arc<Script> {
    let step = stride(dossiers);
    Arc::new(move |number, request| {
        let (dossier, version) = (number % dossiers * step % dossiers, number / dossiers);
        let mut payload = String::with_capacity(3_072);
        load.message(dossier..dossier + 1, version, &mut payload);
        let id = format!("bench-{}-{dossier}-{version}", load.seed);
        wire::post(workload::CHANNEL, &key, &id, &payload, request);
    })
}

/// What a hub answers to the first message.
pub(super) fn receipt(address: SocketAddr, script: &Arc<Script>) -> Result<Vec<u8>, BenchError> {
    let mut request = Vec::new();
    script(0, &mut request);
    let (status, _, receipt) = wire::once(address, &request, wire::ANSWER_MAX)?;
    if status != 200 {
        let told = String::from_utf8_lossy(&receipt).into_owned();
        return Err(BenchError::Refused(format!("{status} {told}")));
    }
    Ok(receipt)
}

/// A step that visits every number below `count` once before it comes back: near the golden
/// section, so that neighbours in time are far apart in the order of keys.
fn stride(count: u64) -> u64 {
    let divisor = |mut one: u64, mut other: u64| {
        while other != 0 {
            (one, other) = (other, one % other);
        }
        one
    };
    let begin = (count as f64 * 0.618) as u64;
    (begin..=count).find(|step| divisor(*step, count) == 1).unwrap_or(1)
}

/// The messages below `sent` once more, from the first on, and again.
fn again(load: &Load, sent: u64, time: Duration) -> Load {
    let script = load.script.clone();
    Load {
        warm: Duration::ZERO,
        time,
        first: 0,
        script: Arc::new(move |number, request| script(number % sent.max(1), request)),
        ..load.clone()
    }
}

/// Rows of all tables of a store.
pub(super) fn rows(store: &std::path::Path) -> Result<f64, BenchError> {
    let connection = Connection::open(store)?;
    let query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut names = connection.prepare(query)?;
    let names = names.query_map([], |row| row.get::<_, String>(0))?;
    let mut rows = 0.0;
    for name in names {
        let count = format!("SELECT count(*) FROM \"{}\"", name?.replace('"', "\"\""));
        rows += connection.query_row(&count, [], |row| row.get::<_, i64>(0))? as f64;
    }
    Ok(rows)
}

fn tell(seed: u64, options: &Options, measured: &Measured) -> Table {
    let Measured { floors, bare, first, again, .. } = measured;
    let mut table = Table::new(format!(
        "bench ingest: {} connections, {:.1} s, {} dossiers, SQLite, durable before 200, \
         seed {seed}",
        options.connections, first.seconds, options.dossiers
    ));
    let (one, group) = (floors.row.each_second(), floors.group.each_second());
    table.line("fdatasync of 1 KB", floors.sync.each_second(), "/s");
    table.line("SQLite WAL FULL, 1 row of 1 KB", one, "rows/s");
    table.line("SQLite WAL FULL, 256 rows of 1 KB", group, "rows/s");
    table.line("bare axum", bare.rate(), "msg/s");
    table.line("bare axum, p99", bare.quantile(0.99), "ms");
    table.line("generator CPU, bare axum", bare.each(bare.own_cpu_seconds * 1e6), "µs/msg");
    table.against(("ingest", first.rate(), "msg/s"), ("SQLite, 256 rows", group));
    table.against(("ingest", first.rate(), "msg/s"), ("SQLite, 1 row", one));
    table.against(("ingest", first.rate(), "msg/s"), ("bare axum", bare.rate()));
    table.line("ingest, p50", first.quantile(0.5), "ms");
    let p99 = first.quantile(0.99);
    table.against(("ingest, p99", p99, "ms"), ("bare axum, p99", bare.quantile(0.99)));
    table.against(("ingest, p99.9", first.quantile(0.999), "ms"), ("ingest, p99", p99));
    table.line("ingest, longest", first.quantile(1.0), "ms");
    let cpu = first.each(first.hub.cpu_seconds * 1e6);
    table.line("ingest, CPU of the hub", cpu, "µs/msg");
    table.line("ingest, CPU of the generator", first.each(first.own_cpu_seconds * 1e6), "µs/msg");
    table.line("ingest, written to the disk", first.each(first.hub.written_bytes / 1e3), "KB/msg");
    table.line("rows kept in all tables", measured.rows, "/msg");
    table.against(("duplicates", again.rate(), "msg/s"), ("ingest", first.rate()));
    table.line("duplicates, p99", again.quantile(0.99), "ms");
    let again_cpu = again.each(again.hub.cpu_seconds * 1e6);
    table.against(("duplicates, CPU of the hub", again_cpu, "µs/msg"), ("ingest", cpu));
    table.line("memory of the hub, peak", measured.memory_peak, "MB");
    table.line("start of the hub to its first 200", measured.start_seconds * 1e3, "ms");
    let unknown = again.answers.saturating_sub(again.duplicates);
    if unknown > 0 {
        table.note(format!("{unknown} of the repeated messages were not known as duplicates"));
    }
    for (name, taken) in [("ingest", first), ("duplicates", again)] {
        if let Some(refusal) = &taken.refusal {
            table.note(format!("{name}: {} answers other than 200: {refusal}", taken.refused));
        }
    }
    note_others(&mut table, first.others);
    table
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_dossier_has_its_turn_before_any_has_another() {
        for count in [1, 2, 3, 10, 97, 1_000, 10_000] {
            let step = stride(count);
            let seen: BTreeSet<u64> = (0..count).map(|number| number * step % count).collect();
            assert_eq!(seen.len() as u64, count, "{count}");
        }
    }
}
