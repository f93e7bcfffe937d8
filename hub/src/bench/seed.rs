//! `bench seed` (P8): a store of very many dossiers, for its indexes and its numbers.
//!
//! Its rows are those that a hub decides: messages of the load are translated, and run through
//! `store::batch` as ever, on all cores. Then raw bytes, and all texts but those of a few dossiers,
//! are left out: ten million dossiers would fill a disk with them, and no index and no number has
//! any part in them.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
    time::Instant,
};

use bytes::Bytes;
use clap::Args;
use contracts::Contracts;
use jiff::Timestamp;
use mappings::Gazetteer;
use rayon::prelude::*;

use super::{
    BenchError, DOSSIERS, Table,
    child::{self, Hub, Keys, Scratch},
    clock,
    fill::{DOSSIERS_PER_MESSAGE, Progress, VERSIONS},
    stop,
    storage::Storage,
    surroundings::Surroundings,
    workload::{self, Workload},
};
use crate::{
    catalog::{self, Channel},
    journal::{
        commitment::{DedupHash, Salt, commit},
        merkle::{Digest, Frontier},
    },
    journey::{hashes, translate::translate},
    store::{
        ContractHashes, Item, Payload, Reply, Rules, StoreError, Submission,
        batch::{self, Changes, Known, Tip},
        sqlite::seeding::Seeding,
    },
    striding,
};

/// Of so many dossiers one keeps its texts, so that it can be looked up.
pub(super) const KEPT_EVERY: u64 = 256;
/// Blocks that are decided at once, and as many wait to be written: bounds what is held.
const BLOCKS_AT_ONCE: u64 = 8;

/// How much, and where.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Dossiers in the store.
    #[arg(long, default_value_t = 10_000_000,
          value_parser = clap::value_parser!(u64).range(DOSSIERS))]
    pub(crate) dossiers: u64,
    /// A new file, which stays: `bench read --store` measures over it.
    #[arg(long, value_name = "FILE")]
    pub(crate) store: PathBuf,
    /// The catalogue's folder that it will be measured with: rules hold from the first entry on.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) catalogue: Option<PathBuf>,
}

/// The id of a message of a seeded store.
pub(super) fn id(seed: u64, dossiers: u64, number: u64) -> String {
    format!("seed-{seed}-{dossiers}-{number}")
}

/// How many messages a seeded store has.
pub(super) fn messages(dossiers: u64) -> u64 {
    dossiers.div_ceil(DOSSIERS_PER_MESSAGE) * VERSIONS
}

/// Seeds.
pub(crate) fn run(seed: u64, options: &Options) -> Result<Table, BenchError> {
    let (dossiers, file) = (options.dossiers, &options.store);
    if file.exists() {
        return Err(BenchError::Input(format!("{} is there already", file.display())));
    }
    let began = Instant::now();
    prepared(file, options.catalogue.clone())?;
    let (seeding, rules) = Seeding::of(file)?;
    let first = seeding.tip().clone();
    let deciding = Deciding::new(seed, dossiers, (first, rules))?;
    let entries = write(&deciding, seeding)?;
    let seeded = began.elapsed().as_secs_f64();
    let storage = Storage::File(file.clone());
    child::at_store(&storage, async |store| Ok(striding::catch_up(store).await?))?;
    let whole = began.elapsed().as_secs_f64();
    let bytes = fs::metadata(file)?.len() as f64;
    let mut table = Table::new(format!(
        "bench seed: {dossiers} dossiers of {VERSIONS} versions, SQLite, {entries} entries, \
         seed {seed}"
    ));
    table.line("seeding", entries as f64 / seeded.max(1e-9), "entries/s");
    table.line("seeding, strides included", whole, "s");
    table.line("store, bytes of the file", bytes / entries as f64, "/entry");
    table.line("store, the file", bytes / 1e9, "GB");
    table.line("memory, peak", clock::memory_peak(std::process::id()), "MB");
    note_seeded(&mut table);
    Ok(table)
}

/// What any table says that is of a seeded store.
pub(super) fn note_seeded(table: &mut Table) {
    table.note(format!(
        "a seeded store has no raw bytes, texts of every {KEPT_EVERY}th dossier only, and nothing \
         judged or profiled: its indexes and its numbers are those of a filled one, verify does \
         not hold"
    ));
}

/// Has a hub put in force what holds from the first entry on.
fn prepared(file: &Path, catalogue: Option<PathBuf>) -> Result<(), BenchError> {
    let scratch = Scratch::new(None)?;
    let storage = Storage::File(file.to_owned());
    let keys = Keys::add(&storage)?;
    let surroundings = Surroundings { catalogue, ..Surroundings::default() };
    Hub::start_among(&surroundings, &scratch.folder, &storage, &keys)?;
    Ok(())
}

/// Decides on all cores, writes on this one; gives the number of entries.
fn write(deciding: &Deciding, mut seeding: Seeding) -> Result<u64, BenchError> {
    let blocks = deciding.blocks();
    let mut progress = Progress::new("seeding", deciding.dossiers, blocks);
    thread::scope(|scope| {
        let (send, decided) = mpsc::sync_channel(1);
        scope.spawn(move || {
            let mut next = 0;
            while next < blocks && !stop::told() {
                let end = (next + BLOCKS_AT_ONCE).min(blocks);
                let some: Vec<_> =
                    (next..end).into_par_iter().map(|block| deciding.block(block)).collect();
                next = end;
                if send.send(some).is_err() {
                    return;
                }
            }
        });
        let mut done = 0;
        for changes in decided.into_iter().flatten() {
            seeding.write(&changes?)?;
            done += 1;
            progress.tell(done);
        }
        progress.end();
        stop::check()?;
        let entries = seeding.tip().next();
        seeding.close()?;
        Ok(entries)
    })
}

/// What decides blocks: all versions of some dossiers, which no other block tells of.
struct Deciding {
    load: Workload,
    dossiers: u64,
    contracts: Contracts,
    hashes: Arc<ContractHashes>,
    gazetteer: Gazetteer,
    channel: Channel,
    rules: Rules,
    /// The journal's end before the first block.
    first: Tip,
    clock: Timestamp,
}

impl Deciding {
    fn new(seed: u64, dossiers: u64, (first, rules): (Tip, Rules)) -> Result<Self, BenchError> {
        let contracts = Contracts::builtin();
        let contracts = contracts.map_err(|error| BenchError::Damaged(error.to_string()))?;
        Ok(Self {
            load: Workload::new(seed)?,
            dossiers,
            hashes: Arc::new(hashes(&contracts)),
            gazetteer: catalog::gazetteer().map_err(BenchError::Damaged)?,
            channel: workload::channel(&contracts)?,
            contracts,
            rules,
            first,
            clock: Timestamp::now(),
        })
    }

    fn blocks(&self) -> u64 {
        self.dossiers.div_ceil(DOSSIERS_PER_MESSAGE)
    }

    /// What the messages of a block change, and no more than is kept of it.
    fn block(&self, block: u64) -> Result<Changes, BenchError> {
        let first = block * DOSSIERS_PER_MESSAGE;
        let numbers = first..(first + DOSSIERS_PER_MESSAGE).min(self.dossiers);
        // All blocks before are whole.
        let start = self.first.next() + first * VERSIONS;
        let tip = Tip {
            frontier: unhashed(start)?,
            messages: self.first.messages + block * VERSIONS,
            ..self.first.clone()
        };
        let told: Vec<Submission> = (0..VERSIONS)
            .map(|version| self.message(numbers.clone(), version, block * VERSIONS + version))
            .collect::<Result<_, _>>()?;
        let (mut changes, replies) = batch::run(Known::at(tip), &told, &self.rules, self.clock);
        for reply in replies {
            match reply {
                Ok(Reply::Done(receipt)) if receipt.refused == 0 => {}
                other => return Err(BenchError::Refused(format!("{other:?}"))),
            }
        }
        let count = numbers.end - first;
        thin(&mut changes, &|position| {
            (first + (position - start) % count).is_multiple_of(KEPT_EVERY)
        });
        Ok(changes)
    }

    fn message(
        &self,
        numbers: Range<u64>,
        version: u64,
        number: u64,
    ) -> Result<Submission, BenchError> {
        let mut text = String::new();
        self.load.message(numbers, version, &mut text);
        let mut items: Vec<Item> = Vec::new();
        let Self { channel, contracts, gazetteer, clock, .. } = self;
        translate(channel, contracts, gazetteer, text.as_bytes(), *clock, &mut |item| {
            items.push(item);
            true
        });
        let salt = Salt::random().map_err(|_| StoreError::fault("no randomness"))?;
        let id = id(self.load.seed, self.dossiers, number);
        Ok(Submission {
            channel: channel.id.clone(),
            dedup: DedupHash::from_bytes(*Digest::of(id.as_bytes()).as_bytes()),
            id,
            id_given: true,
            mode: channel.mode(),
            raw: commit(&salt, b""),
            mapping: channel.hash,
            contracts: self.hashes.clone(),
            payload: Arc::new(Payload { salt, bytes: Bytes::new(), content_type: None }),
            chunk: 0,
            last: true,
            items: Arc::new(items),
            advance: None,
            again: false,
        })
    }
}

/// A tree of so many leaves that nobody has hashed: without texts there is nothing to prove.
fn unhashed(size: u64) -> Result<Frontier, BenchError> {
    let peaks = vec![Digest::of(b""); size.count_ones() as usize];
    Frontier::from_parts(size, peaks).map_err(|error| BenchError::Damaged(error.to_string()))
}

/// Leaves the texts out of all dossiers but some. A dossier's number is the position of its first
/// entry, as that of its name is.
fn thin(changes: &mut Changes, keeps: &dyn Fn(u64) -> bool) {
    changes.entries.retain(|entry| keeps(entry.position));
    for one in changes.observations.iter_mut().filter(|one| !keeps(one.member)) {
        one.short = None;
    }
    for one in changes.dossiers.values_mut().filter(|one| !keeps(one.dossier)) {
        one.public = None;
    }
}
