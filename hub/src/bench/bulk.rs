//! `bench bulk` (P5): a large file, accepted in chunks, beside what SQLite does with one row for
//! each record.

use std::{sync::Arc, time::Duration};

use clap::Args;

use super::{
    BenchError, Table,
    child::{Hub, Keys, Scratch},
    clock,
    floors::Floors,
    ingest,
    load::{self, Load, Taken},
    note_others,
    storage::Storage,
    wire,
    workload::{Shape, Workload},
};

/// Dossiers of XML in one message: what a push takes holds no more.
const XML_PER_MESSAGE: u64 = 20_000;
/// Rows in one message.
const ROWS_PER_MESSAGE: u64 = 100_000;
/// Longer than any file takes; then what is wrong must be seen.
const TIME_MAX: Duration = Duration::from_secs(3_600);

/// How much, and how often.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Records of each kind of file.
    #[arg(long, default_value_t = 100_000,
          value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(crate) records: u64,
    /// Rounds, each with the floor and a new store for each kind of file.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// Seconds of the floor, before and after each round.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) floor_seconds: f64,
}

/// One kind of file.
struct Kind {
    name: &'static str,
    shape: Shape,
    per_message: u64,
    /// Of each round.
    taken: Vec<Sent>,
}

/// What came of one round.
struct Sent {
    /// Records a second, from the first byte sent to the last receipt.
    rate: f64,
    /// That rate to the floor's of the same round: without checkpoints, and with those that SQLite
    /// makes by itself.
    ratios: [f64; 2],
    rows: f64,
    cpu_micros: f64,
    written_kilobytes: f64,
    memory_peak: f64,
    bytes: f64,
}

/// Measures.
pub(crate) fn run(seed: u64, options: &Options) -> Result<Table, BenchError> {
    let load = Arc::new(Workload::new(seed)?);
    let kind = |name, shape, per_message| Kind { name, shape, per_message, taken: Vec::new() };
    let mut kinds =
        [kind("CSV", Shape::Rows, ROWS_PER_MESSAGE), kind("XML", Shape::Xml, XML_PER_MESSAGE)];
    let (mut floors, mut kept_up, mut others) = (Vec::new(), Vec::new(), 0.0_f64);
    for _ in 0..options.rounds {
        let scratch = Scratch::new(None)?;
        let time = super::seconds(options.floor_seconds);
        let mut round = Vec::new();
        let mut floor = Floors::default();
        floor.groups(&scratch.folder, time)?;
        floor.kept_up(&scratch.folder, time)?;
        for kind in &kinds {
            round.push(send(&load, options.records, kind)?);
        }
        floor.groups(&scratch.folder, time)?;
        floor.kept_up(&scratch.folder, time)?;
        let rates = [floor.group.each_second(), floor.kept_up.each_second()];
        floors.push(rates[0]);
        kept_up.push(rates[1]);
        for (kind, (mut sent, taken)) in kinds.iter_mut().zip(round) {
            sent.ratios = rates.map(|floor| if floor > 0.0 { sent.rate / floor } else { 0.0 });
            kind.taken.push(sent);
            others = others.max(taken.others);
        }
    }
    let mut table = Table::new(format!(
        "bench bulk: {} records of each kind, {} rounds, SQLite, seed {seed}",
        options.records, options.rounds
    ));
    table.spread("SQLite WAL FULL, 256 rows of 1 KB", &floors, "rows/s");
    table.spread("the same, with SQLite's own checkpoints", &kept_up, "rows/s");
    for kind in &kinds {
        tell(&mut table, kind);
    }
    note_others(&mut table, others);
    Ok(table)
}

/// Sends the files of one kind to a new hub, one after the other.
fn send(load: &Arc<Workload>, records: u64, kind: &Kind) -> Result<(Sent, Taken), BenchError> {
    let scratch = Scratch::new(None)?;
    let file = scratch.folder.join("hub.db");
    let storage = Storage::File(file.clone());
    let hub = Hub::start(&scratch.folder, &storage, &Keys::add(&storage)?)?;
    let (shape, per_message) = (kind.shape, kind.per_message);
    let (workload, key) = (load.clone(), hub.keys.agency.clone());
    let sent = Load {
        addresses: vec![hub.address],
        connections: 1,
        warm: Duration::ZERO,
        time: TIME_MAX,
        first: 0,
        end: Some(records.div_ceil(per_message)),
        script: Arc::new(move |number, request| {
            let first = number * per_message;
            let mut payload = String::new();
            workload.shaped(shape, first..(first + per_message).min(records), 0, &mut payload);
            let id = format!("bench-{}-{number}", workload.seed);
            wire::post(shape.channel(), &key, &id, &payload, request);
        }),
    };
    let taken = load::run(sent, &hub.watched(&storage), &mut |_| {})?;
    if let Some(refusal) = taken.refusal {
        return Err(BenchError::Refused(refusal));
    }
    let memory_peak = clock::memory_peak(hub.process());
    drop(hub);
    // While a message is made, nobody works: only what lies between it and its receipt counts.
    let waited: f64 = taken.latencies.iter().map(|micros| f64::from(*micros) / 1e6).sum();
    let count = records as f64;
    let mut one = String::new();
    load.shaped(shape, 0..records.min(1_000), 0, &mut one);
    let sent = Sent {
        rate: count / waited.max(1e-9),
        ratios: [0.0; 2],
        rows: ingest::rows(&file)? / count,
        cpu_micros: taken.hub.cpu_seconds * 1e6 / count,
        written_kilobytes: taken.hub.written_bytes / 1e3 / count,
        memory_peak,
        bytes: one.len() as f64 / records.min(1_000) as f64,
    };
    Ok((sent, taken))
}

fn tell(table: &mut Table, kind: &Kind) {
    let name = kind.name;
    let of = |value: fn(&Sent) -> f64| kind.taken.iter().map(value).collect::<Vec<f64>>();
    table.spread(&format!("{name}, bytes of a record"), &of(|sent| sent.bytes), "B");
    table.spread(name, &of(|sent| sent.rate), "records/s");
    let checkpointed = of(|sent| sent.ratios[1]);
    table.spread(&format!("{name}, of one row each"), &of(|sent| sent.ratios[0]), "ratio");
    table.spread(&format!("{name}, of one row each, checkpointed"), &checkpointed, "ratio");
    let rows = of(|sent| sent.rows);
    table.spread(&format!("{name}, rows kept in all tables"), &rows, "/record");
    let cpu = of(|sent| sent.cpu_micros);
    table.spread(&format!("{name}, CPU of the hub"), &cpu, "µs/record");
    let written = of(|sent| sent.written_kilobytes);
    table.spread(&format!("{name}, written to the disk"), &written, "KB/record");
    table.spread(&format!("{name}, memory of the hub, peak"), &of(|sent| sent.memory_peak), "MB");
}
