//! A store full of dossiers, filled through the front door: large messages, as a first delivery of
//! an agency's whole history is.

use std::{
    io::{IsTerminal, Write, stderr},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    BenchError,
    child::{self, Hub, Keys, Scratch},
    load::{self, Load, Script},
    seed, stop,
    storage::{Place, Storage},
    surroundings::Surroundings,
    wire,
    workload::{self, Workload},
};

/// Versions of each dossier: a small history.
pub(super) const VERSIONS: u64 = 3;
/// Dossiers in a message.
pub(super) const DOSSIERS_PER_MESSAGE: u64 = 500;
/// Messages under way: one is translated while another is written.
const CONNECTIONS: u32 = 2;
/// Longer than any filling takes; then what is wrong must be seen.
const FILLING_MAX: Duration = Duration::from_secs(6 * 3_600);
/// Between two lines of progress where they are kept.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// A store with dossiers, and the folder of the hub that serves it.
pub(super) struct Filled {
    pub(super) dossiers: u64,
    /// Records sent through the door now; zero where the store had them already.
    pub(super) records: u64,
    /// Seconds that took.
    pub(super) seconds: f64,
    /// Seconds of CPU that the hub took for it.
    pub(super) cpu_seconds: f64,
    /// Cores that were busy with anything else meanwhile.
    pub(super) others: f64,
    /// Whether it was seeded: then most dossiers have no text.
    pub(super) seeded: bool,
    pub(super) hub: Hub,
    /// Goes after the hub that works with it.
    pub(super) storage: Storage,
    /// Goes last: the hub works in it.
    pub(super) scratch: Scratch,
}

/// Fills a store with so many dossiers, or takes one that was filled with them before; its hub has
/// these surroundings.
pub(super) fn fill(
    load: &Arc<Workload>,
    dossiers: u64,
    place: &Place,
    surroundings: &Surroundings,
) -> Result<Filled, BenchError> {
    let scratch = Scratch::new(None)?;
    let storage = place.storage(&scratch.folder)?;
    let per_version = dossiers.div_ceil(DOSSIERS_PER_MESSAGE);
    let messages = per_version * VERSIONS;
    let id = move |load: &Workload, number: u64| format!("bench-{}-{dossiers}-{number}", load.seed);
    let seeded = seeded(&storage, load.seed, dossiers)?;
    let known = seeded || known(&storage, &id(load, 0), &id(load, messages - 1))?;
    let keys = Keys::add(&storage)?;
    let hub = Hub::start_among(surroundings, &scratch.folder, &storage, &keys)?;
    let (cpu_seconds, others) = (0.0, 0.0);
    let (records, seconds) = (0, 0.0);
    let mut filled =
        Filled { dossiers, records, seconds, cpu_seconds, others, seeded, hub, storage, scratch };
    if known {
        return Ok(filled);
    }
    let (workload, key) = (load.clone(), filled.hub.keys.agency.clone());
    let script: Arc<Script> = Arc::new(move |number, request| {
        let (version, part) = (number / per_version, number % per_version);
        let first = part * DOSSIERS_PER_MESSAGE;
        let end = (first + DOSSIERS_PER_MESSAGE).min(dossiers);
        let mut payload = String::new();
        workload.message(first..end, version, &mut payload);
        wire::post(workload::CHANNEL, &key, &id(&workload, number), &payload, request);
    });
    let sent = Load {
        addresses: vec![filled.hub.address],
        connections: CONNECTIONS,
        warm: Duration::ZERO,
        time: FILLING_MAX,
        first: 0,
        end: Some(messages),
        script,
    };
    let mut progress = Progress::new("filling", dossiers, messages);
    let watched = filled.hub.watched(&filled.storage);
    let taken = load::run(sent, &watched, &mut |done| progress.tell(done))?;
    progress.end();
    if let Some(refusal) = taken.refusal {
        return Err(BenchError::Refused(refusal));
    }
    filled.records = dossiers * VERSIONS;
    (filled.seconds, filled.others) = (taken.seconds, taken.others);
    filled.cpu_seconds = taken.hub.cpu_seconds;
    Ok(filled)
}

/// Whether a store was seeded with so many dossiers.
fn seeded(storage: &Storage, seed: u64, dossiers: u64) -> Result<bool, BenchError> {
    let Storage::File(file) = storage else { return Ok(false) };
    if !file.exists() {
        return Ok(false);
    }
    let id = |number| seed::id(seed, dossiers, number);
    child::at_store(storage, async |store| {
        let told = async |number| {
            let channel = Some(workload::CHANNEL.to_owned());
            Ok::<_, BenchError>(!store.messages(channel, id(number)).await?.is_empty())
        };
        let (begun, whole) = (told(0).await?, told(seed::messages(dossiers) - 1).await?);
        match begun && !whole {
            true => Err(BenchError::Input(format!("{} is seeded in part", file.display()))),
            false => Ok(whole),
        }
    })
}

/// Whether a store has these messages already. One that has others is not ours to write into.
fn known(storage: &Storage, first: &str, last: &str) -> Result<bool, BenchError> {
    // A database is always new.
    let Storage::File(file) = storage else { return Ok(false) };
    if !file.exists() {
        return Ok(false);
    }
    child::at_store(storage, async |store| {
        let stored = async |id: &str| {
            store.messages(Some(workload::CHANNEL.to_owned()), id.to_owned()).await
        };
        let (first, last) = (stored(first).await?, stored(last).await?);
        if first.is_empty() && store.head().await?.tree.size > 0 {
            return Err(BenchError::Input(format!(
                "{} holds something else: name a new file, or give the seed and the number of \
                 dossiers that it was filled with",
                file.display()
            )));
        }
        Ok(!last.is_empty())
    })
}

/// A line that moves on a terminal, plain lines elsewhere; nothing of it is a figure.
pub(super) struct Progress {
    what: &'static str,
    dossiers: u64,
    parts: u64,
    moves: bool,
    began: Instant,
    told: Instant,
}

impl Progress {
    /// Of work that is called `what`, in so many parts.
    pub(super) fn new(what: &'static str, dossiers: u64, parts: u64) -> Self {
        let now = Instant::now();
        Self { what, dossiers, parts, moves: stderr().is_terminal(), began: now, told: now }
    }

    /// Tells how many parts are done.
    pub(super) fn tell(&mut self, done: u64) {
        if !self.moves && self.told.elapsed() < LINE_EVERY {
            return;
        }
        self.told = Instant::now();
        let percent = done * 100 / self.parts.max(1);
        let (what, dossiers, seconds) = (self.what, self.dossiers, self.began.elapsed().as_secs());
        let line = format!("{what} with {dossiers} dossiers: {percent} % after {seconds} s");
        let mut err = stderr().lock();
        // Progress that cannot be told stops nothing.
        let _ = if self.moves { write!(err, "\r{line}") } else { writeln!(err, "{line}") };
        let _ = err.flush();
    }

    /// Leaves the line.
    pub(super) fn end(&self) {
        if self.moves && !stop::told() {
            let _ = write!(stderr().lock(), "\r{:60}\r", "");
        }
    }
}
