//! `lienthong bench`: honest figures of this machine, each beside what bounds it.
//!
//! Rates of one machine say nothing about another; what carries over are ratios to floors that
//! were measured in the same run, in turn with the hub. `docs/benchmarks.md` says what each means.

mod applicants;
mod bare;
mod broker;
pub(crate) mod bulk;
pub(crate) mod bus;
mod child;
mod clock;
pub(crate) mod deadline;
pub(crate) mod deliver;
pub(crate) mod export;
mod fill;
mod floors;
pub(crate) mod follow;
pub(crate) mod idle;
pub(crate) mod ingest;
mod load;
mod naive;
pub(crate) mod numbers;
pub(crate) mod poison;
mod processes;
pub(crate) mod read;
pub(crate) mod rebuild;
pub(crate) mod search;
pub(crate) mod seed;
mod server;
pub(crate) mod sleeper;
mod statements;
mod stop;
mod storage;
mod surroundings;
mod table;
pub(crate) mod translate;
pub(crate) mod transports;
mod wire;
mod workload;

use std::{io, time::Duration};

pub(crate) use table::Table;

use crate::{hub::HubError, store::StoreError};

/// Why a benchmark gives no figures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// What is compiled in cannot be used: a fault of the program.
    #[error("{0}")]
    Damaged(String),
    /// An option cannot be followed.
    #[error("{0}")]
    Input(String),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Hub(#[from] HubError),
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The hub does not start, or the server does not answer.
    #[error("{0}")]
    Unreachable(String),
    /// The hub takes nothing of the load.
    #[error("the hub answers {0}")]
    Refused(String),
    /// Told to end.
    #[error("stopped")]
    Stopped,
}

impl From<tokio_postgres::Error> for BenchError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Hears of Ctrl-C, so that folders and processes are gone after it too.
pub(crate) fn begin() {
    stop::listen();
}

/// How many dossiers a store may be filled with.
const DOSSIERS: std::ops::RangeInclusive<u64> = 1..=100_000_000;

/// A time given in seconds; less than nothing is nothing.
fn seconds(given: f64) -> Duration {
    Duration::try_from_secs_f64(given.max(0.0)).unwrap_or(Duration::from_secs(3_600))
}

/// Turns with (true) and without what is measured: what grows or wanes from turn to turn falls to
/// both alike.
fn turns(rounds: u32) -> impl Iterator<Item = bool> {
    (0..rounds).flat_map(|_| [true, false, false, true])
}

/// What a table says where PostgreSQL runs on another machine, or does not show itself.
fn note_unseen(table: &mut Table) {
    table.note("CPU of PostgreSQL: its processes are not on this machine, or not to be seen");
}

/// What any table of a load ends with.
fn note_others(table: &mut Table, others: f64) {
    table.note(format!(
        "cores busy with other work meanwhile: {others:.2}; above 0.2, read CPU and ratios, \
         not rates"
    ));
}
