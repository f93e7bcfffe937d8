//! `bench rebuild` (P11): reading a whole journal again, to compare everything and to make every
//! fold anew.

use std::{path::Path, sync::Arc, time::Instant};

use clap::Args;
use rusqlite::{Connection, types::ValueRef};

use super::{
    BenchError, DOSSIERS, Table, child, clock,
    fill::{self, VERSIONS},
    statements, stop,
    storage::{Place, Storage},
    surroundings::Surroundings,
    workload::Workload,
};

/// How much.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Dossiers in the store.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(DOSSIERS))]
    pub(crate) dossiers: u64,
    /// Fill this file and leave it, or use it where it was filled so before. Or the server of
    /// postgres://ROLE:PASSWORD@… (@FILE holds such an address): in a database of its own, dropped
    /// at the end.
    #[arg(long, value_name = "FILE|ADDRESS")]
    pub(crate) store: Option<String>,
}

/// Measures.
pub(crate) fn run(seed: u64, options: &Options) -> Result<Table, BenchError> {
    let load = Arc::new(Workload::new(seed)?);
    let place = Place::told(options.store.as_deref())?;
    let filled = fill::fill(&load, options.dossiers, &place, &Surroundings::default())?;
    let fill::Filled { dossiers, records, seconds, hub, storage, scratch: _scratch, .. } = filled;
    // One process at a time has the store to itself.
    drop(hub);
    let (rows, bytes, scan_seconds) = match &storage {
        Storage::File(file) => scan(file)?,
        Storage::Database(database) => statements::scan(database)?,
    };
    stop::check()?;
    let (verdict, verify) = child::at_store(&storage, async |store| {
        let began = Began::now();
        Ok((store.verify().await?, began.spent()))
    })?;
    if let Some(fault) = verdict.faults.first() {
        return Err(BenchError::Damaged(format!("the store does not hold: {fault}")));
    }
    stop::check()?;
    let recount = child::at_store(&storage, async |store| {
        let began = Began::now();
        let recounted = store.recount().await?;
        match recounted.faults.first() {
            Some(fault) => Err(BenchError::Damaged(format!("the statistics do not hold: {fault}"))),
            None => Ok(began.spent()),
        }
    })?;
    stop::check()?;
    let (rebuilt, rebuild) = child::at_store(&storage, async |store| {
        let began = Began::now();
        Ok((store.rebuild().await?, began.spent()))
    })?;
    let entries = verdict.entries as f64;
    let mut table = Table::new(format!(
        "bench rebuild: {dossiers} dossiers of {VERSIONS} versions, {}, {} entries, seed {seed}",
        place.kind(),
        verdict.entries
    ));
    if seconds > 0.0 {
        let rate = records as f64 / seconds;
        table.line("filling, POST of 500 dossiers", rate, "records/s");
    }
    let scan = entries / scan_seconds.max(1e-9);
    table.line("store, rows of all tables", rows as f64 / entries.max(1.0), "/entry");
    table.line("store, bytes of all values", bytes as f64 / entries.max(1.0), "/entry");
    table.line("every value of every row read", scan, "entries/s");
    let works = [
        ("verify", entries, verify),
        ("verify --statistics", entries, recount),
        ("rebuild", rebuilt as f64, rebuild),
    ];
    for (what, entries, spent) in works {
        let rate = entries / spent.seconds.max(1e-9);
        table.against((what, rate, "entries/s"), ("every value read", scan));
        table.line(format!("{what}, CPU"), spent.cpu_seconds * 1e6 / entries.max(1.0), "us/entry");
    }
    Ok(table)
}

/// When a work began, and what this process had used by then.
struct Began {
    at: Instant,
    cpu_seconds: f64,
}

/// What a work took.
#[derive(Clone, Copy)]
struct Spent {
    seconds: f64,
    cpu_seconds: f64,
}

impl Began {
    fn now() -> Self {
        Self { at: Instant::now(), cpu_seconds: clock::own_cpu_seconds() }
    }

    fn spent(&self) -> Spent {
        let seconds = self.at.elapsed().as_secs_f64();
        Spent { seconds, cpu_seconds: clock::own_cpu_seconds() - self.cpu_seconds }
    }
}

/// Reads every value of every row: rows, bytes and seconds. What was still in the journal of
/// SQLite is copied into the file first, or it would be read from two places.
fn scan(store: &Path) -> Result<(u64, u64, f64), BenchError> {
    let connection = Connection::open(store)?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    let query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut names = connection.prepare(query)?;
    let names = names.query_map([], |row| row.get::<_, String>(0))?;
    let began = Instant::now();
    let (mut rows, mut bytes) = (0, 0);
    for name in names {
        let all = format!("SELECT * FROM \"{}\"", name?.replace('"', "\"\""));
        let mut statement = connection.prepare(&all)?;
        let columns = statement.column_count();
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            rows += 1;
            for column in 0..columns {
                bytes += match row.get_ref(column)? {
                    ValueRef::Null => 0,
                    ValueRef::Integer(_) | ValueRef::Real(_) => 8,
                    ValueRef::Text(text) | ValueRef::Blob(text) => text.len() as u64,
                };
            }
        }
    }
    Ok((rows, bytes, began.elapsed().as_secs_f64()))
}
