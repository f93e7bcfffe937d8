//! `bench poison`: messages of one dossier each, one in so many of which cannot be read, in turn
//! with the same load without those.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use clap::Args;

use super::{
    BenchError, Table,
    child::{Hub, Keys, Scratch},
    ingest,
    load::{self, Load, Script, Taken},
    note_others, note_unseen, seconds,
    storage::Place,
    turns, wire,
    workload::{self, Workload},
};

/// How long, with how many, and how much of it is poison.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Connections, each with one message under way.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=900))]
    pub(crate) connections: u32,
    /// Rounds of four turns: with, without, without, with.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) rounds: u32,
    /// Seconds of each turn.
    #[arg(long, default_value_t = 2.0)]
    pub(crate) seconds: f64,
    /// One message in so many cannot be read.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(10..))]
    pub(crate) one_in: u64,
    /// On the server of postgres://ROLE:PASSWORD@… (@FILE holds such an address) instead of SQLite:
    /// in a database of its own, dropped at the end.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) store: Option<String>,
}

/// Dossiers; each message is the next version of the next one.
const DOSSIERS: u64 = 10_000;

/// What came of both loads.
#[derive(Default)]
struct Measured {
    without: Taken,
    with: Taken,
    /// Messages sent that cannot be read.
    poison: u64,
    /// Whether the processes of PostgreSQL are to be seen, where the store is there.
    server_seen: Option<bool>,
}

/// The same load, but for one message in so many, which breaks off before its end; each is counted.
fn poisoned(
    (load, key): (Arc<Workload>, Arc<str>),
    ordinary: Arc<Script>,
    (one_in, sent): (u64, Arc<AtomicU64>),
) -> Arc<Script> {
    Arc::new(move |number, request| {
        if number % one_in != one_in / 2 {
            return ordinary(number, request);
        }
        let (dossier, mut payload) = (number % DOSSIERS, String::new());
        load.message(dossier..dossier + 1, 0, &mut payload);
        payload.truncate(payload.rfind("</HoSo>").unwrap_or_default());
        let id = format!("bench-{}-poison-{number}", load.seed);
        wire::post(workload::CHANNEL, &key, &id, &payload, request);
        sent.fetch_add(1, Ordering::Relaxed);
    })
}

/// Measures.
pub(crate) fn run(seed: u64, options: &Options) -> Result<Table, BenchError> {
    let place = Place::that_ends(options.store.as_deref())?;
    let scratch = Scratch::new(None)?;
    let storage = place.storage(&scratch.folder)?;
    let hub = Hub::start(&scratch.folder, &storage, &Keys::add(&storage)?)?;
    let (load, key) = (Arc::new(Workload::new(seed)?), hub.keys.agency.clone());
    let sent = Arc::new(AtomicU64::new(0));
    let ordinary = ingest::script(load.clone(), DOSSIERS, key.clone());
    let mixed = poisoned((load, key), ordinary.clone(), (options.one_in, sent.clone()));
    let watched = hub.watched(&storage);
    let mut measured = Measured::default();
    let (mut next, time) = (0, seconds(options.seconds));
    for poison in turns(options.rounds) {
        let one = Load {
            addresses: vec![hub.address],
            connections: options.connections,
            warm: if next == 0 { time / 2 } else { Duration::ZERO },
            time,
            first: next,
            end: None,
            script: if poison { mixed.clone() } else { ordinary.clone() },
        };
        let taken = load::run(one, &watched, &mut |_| {})?;
        next = taken.next;
        let side = if poison { &mut measured.with } else { &mut measured.without };
        side.add(taken);
    }
    measured.poison = sent.load(Ordering::Relaxed);
    measured.server_seen = storage.database().map(|_| watched.server.is_some());
    let mut table = Table::new(format!(
        "bench poison: one in {} cannot be read, {} connections, {} turns of {:.1} s, {}, \
         seed {seed}",
        options.one_in,
        options.connections,
        turns(options.rounds).count(),
        options.seconds,
        place.kind()
    ));
    tell(&mut table, &measured);
    Ok(table)
}

fn tell(table: &mut Table, Measured { without, with, poison, server_seen }: &Measured) {
    let cpu = |taken: &Taken| taken.each(taken.hub.cpu_seconds * 1e6);
    let server = |taken: &Taken| taken.each(taken.server_cpu_seconds * 1e6);
    let p99 = |taken: &Taken| taken.quantile(0.99);
    let mut both = |what: &str, unit, figure: &dyn Fn(&Taken) -> f64| {
        let (floor, name) = (format!("without poison{what}"), format!("with poison{what}"));
        table.line(floor.clone(), figure(without), unit);
        table.against((&name, figure(with), unit), (&floor, figure(without)));
    };
    both("", "msg/s", &Taken::rate);
    both(", p99", "ms", &p99);
    both(", CPU of the hub", "µs/msg", &cpu);
    if *server_seen == Some(true) {
        both(", CPU of PostgreSQL", "µs/msg", &server);
    }
    let kept = with.rate() / without.rate().max(f64::MIN_POSITIVE);
    table.line("loss of throughput by poison", (1.0 - kept) * 100.0, "%");
    table.line("poison, sent and refused", with.refused as f64, "messages");
    if let Some(refusal) = &without.refusal {
        table.note(format!("without poison: {} refused: {refusal}", without.refused));
    }
    let as_poison = with.refusal.as_ref().is_none_or(|told| told.starts_with("422 "));
    if with.refused != *poison || !as_poison {
        let told = with.refusal.as_deref().unwrap_or("nothing");
        let refused = with.refused;
        table.note(format!("{poison} were poison, {refused} were refused; a refusal: {told}"));
    }
    if *server_seen == Some(false) {
        note_unseen(table);
    }
    note_others(table, without.others.max(with.others));
}
