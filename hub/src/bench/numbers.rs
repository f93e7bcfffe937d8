//! `bench numbers`: what of the ingest of a store is spent on statistics.
//!
//! The hub is filled and told its CPU for it; then the deltas that it has written are written once
//! more, alone, by the same code. So both are of the same records, and nothing in the hub knows of
//! it.

use std::sync::Arc;

use clap::Args;

use super::{
    BenchError, DOSSIERS, Table, child, clock,
    fill::{self, VERSIONS},
    note_others,
    storage::{Place, Storage},
    surroundings::Surroundings,
    workload::Workload,
};
use crate::{
    registry::{DossierState, Settings, changes},
    store::sqlite::alone::Numbers,
};

/// Dossiers whose deltas are told for `deciding`, at most.
const DECIDED_MAX: u32 = 4_000;

/// How much.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Dossiers in the store.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(DOSSIERS))]
    pub(crate) dossiers: u64,
}

/// Measures.
pub(crate) fn run(seed: u64, options: &Options) -> Result<Table, BenchError> {
    let load = Arc::new(Workload::new(seed)?);
    let place = Place::told(None)?;
    let filled = fill::fill(&load, options.dossiers, &place, &Surroundings::default())?;
    let fill::Filled { dossiers, records, cpu_seconds, others, hub, storage, scratch, .. } = filled;
    drop(hub);
    let deciding = deciding(&storage)?;
    let Storage::File(file) = &storage else {
        return Err(BenchError::Input("numbers are measured on SQLite".to_owned()));
    };
    let mut numbers = Numbers::between(file, &scratch.folder.join("numbers.db"))?;
    let mut nanos = 0;
    while let Some(group) = numbers.read()? {
        let began = clock::thread_nanos();
        numbers.write(&group)?;
        nanos += clock::thread_nanos().zip(began).map_or(0, |(end, began)| end - began);
    }
    let of = |seconds: f64| seconds * 1e6 / records.max(1) as f64;
    let writing = nanos as f64 / 1e9;
    let mut table = Table::new(format!(
        "bench numbers: {dossiers} dossiers of {VERSIONS} versions, SQLite, {records} records, \
         seed {seed}"
    ));
    let whole = of(cpu_seconds);
    table.line("ingest, CPU of the hub", whole, "µs/record");
    table.line("deltas", numbers.count() as f64 / records.max(1) as f64, "/record");
    let against = ("ingest", whole);
    table.against(("deltas and rollups, CPU", of(writing), "µs/record"), against);
    table.against(("deciding, CPU", deciding * 1e6, "µs/record"), against);
    let both = of(writing) + deciding * 1e6;
    table.against(("statistics, CPU", both, "µs/record"), against);
    note_others(&mut table, others);
    Ok(table)
}

/// Seconds of CPU to tell the deltas of one change of a dossier.
fn deciding(storage: &Storage) -> Result<f64, BenchError> {
    let listed = child::at_store(storage, async |store| Ok(store.listed(0, DECIDED_MAX).await?))?;
    let states: Vec<DossierState> = listed
        .iter()
        .filter_map(|one| serde_json::from_slice(one.row.public.as_deref()?).ok())
        .collect();
    let settings = Settings::default();
    let began = clock::thread_nanos();
    let told: usize = states.iter().map(|state| changes(None, Some(state), &settings).len()).sum();
    let nanos = clock::thread_nanos().zip(began).map_or(0, |(end, began)| end - began);
    // Nothing is told twice over; before and after a change are one dossier each.
    let each = nanos as f64 / 1e9 / states.len().max(1) as f64;
    Ok(if told == 0 { 0.0 } else { each * 2.0 })
}
