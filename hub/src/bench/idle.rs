//! `bench idle` (P12): what a hub with many channels costs while nothing comes, how soon it answers
//! after its start, and what memory it needs at work.

use std::{path::PathBuf, sync::Arc, thread, time::Duration};

use clap::Args;

use super::{
    BenchError, Table,
    bare::Bare,
    child::{Hub, Keys, Scratch},
    clock, ingest,
    load::{self, Load},
    note_others, seconds, stop,
    storage::Storage,
    surroundings::Surroundings,
    workload::Workload,
};

/// After its start a hub finishes what it put off: not measured.
const SETTLING: Duration = Duration::from_secs(2);
/// Between two looks whether to end.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Connections of the load.
const CONNECTIONS: u32 = 64;
/// Dossiers of the load.
const DOSSIERS: u64 = 10_000;

/// How many channels, and how long.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Channels beside those of the load: half of them drop folders, a quarter APIs that are read.
    /// Half as many lead to agencies.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub(crate) channels: u32,
    /// A catalogue's folder, such as the province's.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) catalogue: Option<PathBuf>,
    /// Starts measured.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) starts: u32,
    /// Seconds without work.
    #[arg(long, default_value_t = 20.0)]
    pub(crate) seconds: f64,
    /// Seconds of messages from 64 connections after them.
    #[arg(long, default_value_t = 10.0)]
    pub(crate) load_seconds: f64,
}

/// Measures.
pub(crate) fn run(seed: u64, options: &Options) -> Result<Table, BenchError> {
    let scratch = Scratch::new(None)?;
    let storage = Storage::File(scratch.folder.join("hub.db"));
    let keys = Keys::add(&storage)?;
    let (others, catalogue) = (options.channels.div_ceil(2), options.catalogue.clone());
    let api = Bare::start(page(seed)?)?;
    let surroundings =
        Surroundings { others, api: Some(api.address), catalogue, ..Surroundings::default() };
    let mut starts = Vec::new();
    let mut started = None;
    // The first makes what those after it find: their start is that of every day.
    for number in 0..=options.starts {
        drop(started.take());
        let hub = Hub::start_among(&surroundings, &scratch.folder, &storage, &keys)?;
        if number > 0 {
            starts.push(hub.start_seconds * 1e3);
        }
        started = Some(hub);
    }
    let Some(hub) = started else { return Err(BenchError::Stopped) };
    pause(SETTLING)?;
    let (begin, machine) = (clock::threads(hub.process()), clock::machine_cpu_seconds());
    let time = seconds(options.seconds);
    pause(time)?;
    let end = clock::threads(hub.process());
    let busy = clock::machine_cpu_seconds() - machine;
    let length = time.as_secs_f64().max(1e-9);
    let memory = clock::memory(hub.process());
    let load = Load {
        addresses: vec![hub.address],
        connections: CONNECTIONS,
        warm: Duration::ZERO,
        time: seconds(options.load_seconds),
        first: 0,
        end: None,
        script: ingest::script(Arc::new(Workload::new(seed)?), DOSSIERS, keys.agency.clone()),
    };
    let taken = load::run(load, &hub.watched(&storage), &mut |_| {})?;
    let told = if options.catalogue.is_some() { "a catalogue" } else { "no catalogue" };
    let mut table = Table::new(format!(
        "bench idle: {} channels beside the load's, half of them drop folders, a quarter read, and \
         {others} that lead to agencies, {told}, {:.0} s, seed {seed}",
        others * 2,
        options.seconds
    ));
    table.spread("start to first 200", &starts, "ms");
    let cpu = end.cpu_seconds - begin.cpu_seconds;
    table.line("idle, CPU of the hub", cpu / length * 100.0, "% of a core");
    table.line("idle, threads that fall asleep", (end.sleeps - begin.sleeps) / length, "/s");
    table.line("idle, memory of the hub", memory, "MB");
    table.line("at load, messages", taken.rate(), "msg/s");
    table.line("at load, memory of the hub", clock::memory(hub.process()), "MB");
    table.line("at load, memory of the hub, peak", clock::memory_peak(hub.process()), "MB");
    note_others(&mut table, (busy / length).max(taken.others));
    Ok(table)
}

/// What the APIs say, always: one dossier.
fn page(seed: u64) -> Result<Vec<u8>, BenchError> {
    let mut text = String::new();
    Workload::new(seed)?.message(0..1, 0, &mut text);
    Ok(text.into_bytes())
}

/// Waits, unless told to end.
fn pause(time: Duration) -> Result<(), BenchError> {
    let began = std::time::Instant::now();
    while began.elapsed() < time {
        stop::check()?;
        thread::sleep(LOOK_EVERY.min(time.saturating_sub(began.elapsed())));
    }
    Ok(())
}
