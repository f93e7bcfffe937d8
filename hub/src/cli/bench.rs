//! `lienthong bench`.

use std::io::{self, Write};

use clap::{Args, Subcommand};

use super::{Exit, journal::exit_of};
use crate::bench::{
    self, BenchError, Table, bulk, bus, deadline, deliver, export, follow, idle, ingest, numbers,
    poison, read, rebuild, search, seed, sleeper, translate, transports,
};

/// What to measure; without a name a short run of everything.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Seed of all that is invented.
    #[arg(long, global = true, default_value_t = 20_250_701)]
    seed: u64,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// One core: bytes of a dossier to its sealed record, beside naive programs.
    Translate(translate::Options),
    /// Due dates over a calendar of thirty years, beside a walk from day to day.
    Deadline(deadline::Options),
    /// Messages into a hub over HTTP, beside the disk, the database alone and a bare server.
    Ingest(ingest::Options),
    /// Messages a few of which cannot be read, beside the same without those.
    Poison(poison::Options),
    /// Large files, beside one row of SQLite for each record.
    Bulk(bulk::Options),
    /// Look-ups (also the public's), statistics, feed pages, beside a bare server with those bytes.
    Read(read::Options),
    /// A whole feed as one file in every format, beside reading it page by page.
    Export(export::Options),
    /// Very many who follow a feed, beside a bare server that writes the same bytes to as many.
    Follow(follow::Options),
    /// Procedures by words, over two sizes of a catalogue, beside a bare server.
    Search(search::Options),
    /// A whole journal compared and folded anew, beside reading it.
    Rebuild(rebuild::Options),
    /// A store of very many dossiers, its indexes and its numbers alone: for `bench read`.
    Seed(seed::Options),
    /// What of the ingest of a store is spent on statistics.
    Numbers(numbers::Options),
    /// From the outbox to a receiver, beside a loop that only sends.
    Deliver(deliver::Options),
    /// Agencies that answer at once, beside one that answers after a while.
    Sleeper(sleeper::Options),
    /// From the journal to a broker, beside a loop that only publishes.
    Bus(bus::Options),
    /// The same messages by every transport, beside pushes.
    Transports(transports::Options),
    /// A hub with many channels and nothing to do; its start; its memory at work.
    Idle(idle::Options),
}

/// Everything, in about a minute.
fn short() -> [What; 15] {
    let ingest = ingest::Options {
        connections: 64,
        seconds: 5.0,
        warm: 1.0,
        dossiers: 5_000,
        keep: None,
        store: None,
        processes: vec![1],
        amqp: None,
    };
    let poison =
        poison::Options { connections: 64, rounds: 1, seconds: 1.0, one_in: 1_000, store: None };
    let sleeper = sleeper::Options {
        others: 3,
        per_second: 100,
        rounds: 1,
        seconds: 1.0,
        sleep_seconds: 30.0,
        store: None,
    };
    let read = read::Options {
        dossiers: 2_000,
        connections: 64,
        seconds: 1.5,
        store: None,
        compare: Vec::new(),
        catalogue: None,
    };
    let follow = follow::Options { subscribers: 200, events: 20, per_second: 20, store: None };
    let idle = idle::Options {
        channels: 200,
        catalogue: None,
        starts: 3,
        seconds: 3.0,
        load_seconds: 2.0,
    };
    [
        What::Translate(translate::Options { rounds: 9, messages: 1_024 }),
        What::Deadline(deadline::Options { rounds: 5 }),
        What::Ingest(ingest),
        What::Poison(poison),
        What::Read(read),
        What::Export(export::Options { dossiers: 2_000, store: None }),
        What::Follow(follow),
        What::Search(search::Options {
            procedures: vec![2_000],
            catalogue: None,
            times: Vec::new(),
            connections: 4,
            seconds: 0.5,
        }),
        What::Rebuild(rebuild::Options { dossiers: 2_000, store: None }),
        What::Bulk(bulk::Options { records: 5_000, rounds: 1, floor_seconds: 0.5 }),
        What::Numbers(numbers::Options { dossiers: 2_000 }),
        What::Deliver(deliver::Options { deliveries: 4_000, at_once: 16, store: None }),
        What::Sleeper(sleeper),
        What::Transports(transports::Options { messages: 400, amqp: None, database: None }),
        What::Idle(idle),
    ]
}

fn measure(seed: u64, what: &What) -> Result<Table, BenchError> {
    match what {
        What::Translate(options) => translate::run(seed, options),
        What::Deadline(options) => deadline::run(seed, options),
        What::Ingest(options) => ingest::run(seed, options),
        What::Poison(options) => poison::run(seed, options),
        What::Read(options) => read::run(seed, options),
        What::Export(options) => export::run(seed, options),
        What::Follow(options) => follow::run(seed, options),
        What::Search(options) => search::run(seed, options),
        What::Rebuild(options) => rebuild::run(seed, options),
        What::Bulk(options) => bulk::run(seed, options),
        What::Seed(options) => seed::run(seed, options),
        What::Numbers(options) => numbers::run(seed, options),
        What::Deliver(options) => deliver::run(seed, options),
        What::Sleeper(options) => sleeper::run(seed, options),
        What::Bus(options) => bus::run(seed, options),
        What::Transports(options) => transports::run(seed, options),
        What::Idle(options) => idle::run(seed, options),
    }
}

pub(super) fn run(
    options: &Options,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    bench::begin();
    let short = short();
    let chosen = options.what.as_ref().map_or(short.as_slice(), std::slice::from_ref);
    for what in chosen {
        match measure(options.seed, what) {
            Ok(table) => {
                table.write(out)?;
                out.flush()?;
            }
            Err(error) => {
                writeln!(err, "{error}")?;
                return Ok(match error {
                    BenchError::Unreachable(_) => Exit::Unreachable,
                    BenchError::Store(error) => exit_of(&error),
                    _ => Exit::Faulty,
                });
            }
        }
    }
    Ok(Exit::Done)
}
