//! What a batch changes: rows, ready to be written.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use adapters::Advance;
use jiff::Timestamp;

use super::{
    Written,
    records::{Records, Replaced},
    refused::Refused,
    subjects::Subjects,
    tip::Tip,
};
use crate::{
    journal::entry::{EntryKind, Mode},
    registry::{Counted, Place, RecordRow, measure::day_number},
    store::{Personal, deliveries::Outgoing, effect::Membership},
};

/// One entry to write.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// Its position.
    pub position: u64,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The attempt it came by.
    pub message: Option<u64>,
    /// Number of its record in the payload.
    pub record: Option<u32>,
    /// Its kind.
    pub kind: EntryKind,
    /// Its channel's mode.
    pub mode: Mode,
    /// Its text: what the leaf hashes.
    pub text: String,
    /// The public text.
    pub public: String,
    /// The personal text with its salt.
    pub personal: Option<Personal>,
}

/// One change of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta {
    /// The position whose entry caused it.
    pub position: u64,
    /// Days since 1970-01-01.
    pub day: i32,
    /// Where it counts.
    pub place: Arc<Place>,
    /// What is counted, by its name in the store.
    pub measure: &'static str,
    /// How many more.
    pub n: i64,
}

/// One name of a dossier as a batch leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// The position at which it was first heard of: its number.
    pub member: u64,
    /// The name and where it belongs.
    pub membership: Membership,
    /// The number of its dossier's smallest name.
    pub dossier: u64,
}

/// One observation under its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// The number of the name.
    pub member: u64,
    /// The position of the entry.
    pub position: u64,
    /// Its short form, where it has one: see [`short`](crate::store::short).
    pub short: Option<Vec<u8>>,
}

/// One dossier as a batch leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DossierChange {
    /// The number of its smallest name.
    pub dossier: u64,
    /// Position that changed it last.
    pub position: u64,
    /// The public text of its state; `None` for a key that is no dossier's any more.
    pub public: Option<String>,
}

/// All that a batch changes.
#[derive(Debug)]
pub struct Changes {
    /// Attempts made or advanced, in the order of their numbers.
    pub attempts: Vec<Written>,
    /// Entries in the order of their positions.
    pub entries: Vec<NewEntry>,
    /// Names new or moved, by number.
    pub members: Vec<MemberRow>,
    /// What was heard under which name.
    pub observations: Vec<Heard>,
    /// Dossiers by key, as the batch leaves them.
    pub dossiers: BTreeMap<String, DossierChange>,
    /// Position and dossier of every change, in order.
    pub changed: Vec<(u64, u64)>,
    /// Numbers.
    pub deltas: Vec<Delta>,
    /// Tellings of records about no dossier that were or are current.
    pub records: Vec<RecordRow>,
    /// Stored ones that are current no more.
    pub replaced: Vec<Replaced>,
    /// Deliveries.
    pub outgoing: Vec<Outgoing>,
    /// Refusals that are open now, and those that are no more.
    pub refused: Refused,
    /// Channels that are read, and where reading goes on.
    pub moved: Vec<Moved>,
    /// Files that records named whose persons were kept out: they go, unless others name them.
    pub doubted: BTreeSet<String>,
    /// The journal's end.
    pub tip: Tip,
}

/// A channel whose cursor moves.
#[derive(Debug, Clone)]
pub struct Moved {
    /// The channel.
    pub channel: String,
    /// What to.
    pub advance: Arc<Advance>,
}

impl Changes {
    /// Nothing yet.
    pub(in crate::store) fn new(tip: Tip) -> Self {
        Self {
            attempts: Vec::new(),
            entries: Vec::new(),
            members: Vec::new(),
            observations: Vec::new(),
            dossiers: BTreeMap::new(),
            changed: Vec::new(),
            deltas: Vec::new(),
            records: Vec::new(),
            replaced: Vec::new(),
            outgoing: Vec::new(),
            refused: Refused::default(),
            moved: Vec::new(),
            doubted: BTreeSet::new(),
            tip,
        }
    }

    /// Takes over what the batch did to attempts, dossiers and other records.
    pub(super) fn collect(&mut self, attempts: Vec<Written>, subjects: Subjects, records: Records) {
        self.attempts = attempts;
        subjects.close(self);
        (self.records, self.replaced) = records.close();
        self.refused.close();
    }

    /// Notes changes of numbers at one place.
    pub(super) fn count(&mut self, position: u64, place: &Arc<Place>, counts: &[(Counted, i64)]) {
        self.deltas.extend(counts.iter().map(|(counted, n)| Delta {
            position,
            day: day_number(counted.day),
            place: place.clone(),
            measure: counted.name(),
            n: *n,
        }));
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.attempts.is_empty() && self.entries.is_empty() && self.moved.is_empty()
    }
}

impl Written {
    /// Whether the attempt is kept only as evidence of a conflict.
    pub fn is_conflict(&self) -> bool {
        self.attempt.outcome == Some(contracts::Outcome::Conflict)
    }
}
