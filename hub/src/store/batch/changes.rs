//! What a batch changes: rows, ready to be written.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::{Attempt, Written, subjects::Subjects, tip::Tip};
use crate::{
    journal::{
        entry::{EntryKind, Mode},
        merkle::Digest,
    },
    registry::{Cell, statistics::day_number},
    store::{Personal, effect::Membership},
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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Delta {
    /// The position whose entry caused it.
    pub position: u64,
    /// Days since 1970-01-01.
    pub day: i32,
    /// Where it counts.
    pub place: Place,
    /// What is counted.
    pub measure: String,
    /// How many more.
    pub n: i64,
}

/// The dimensions of a number that are no time and no measure; empty where a dossier has none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Accepting agency.
    pub agency: String,
    /// National procedure.
    pub procedure: String,
    /// Field.
    pub field: String,
    /// `online`, `counter` or `post`.
    pub channel: String,
    /// Commune.
    pub commune: String,
}

/// A rolled-up cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RollupKey {
    /// 0 all, 1 by agency, 2 by procedure, 3 by both.
    pub level: u8,
    /// What is counted.
    pub measure: String,
    /// Agency; empty where summed over.
    pub agency: String,
    /// Procedure; empty where summed over.
    pub procedure: String,
    /// Days since 1970-01-01.
    pub day: i32,
}

/// Sums over the listed lattice: all, agency, procedure, both; by day.
#[derive(Debug, Default)]
pub struct Rollups(pub HashMap<RollupKey, i64>);

/// One name of a dossier as a batch leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// The position at which it was first heard of: its number.
    pub member: u64,
    /// The name and where it belongs.
    pub membership: Membership,
}

/// One dossier as a batch leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DossierChange {
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
    /// Member and position.
    pub observations: Vec<(u64, u64)>,
    /// Dossiers by key.
    pub dossiers: BTreeMap<String, DossierChange>,
    /// Numbers.
    pub deltas: Vec<Delta>,
    /// Their sums.
    pub rollups: Rollups,
    /// Versions of the rules: position, hash.
    pub rules: Vec<(u64, Digest)>,
    /// The journal's end.
    pub tip: Tip,
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
            deltas: Vec::new(),
            rollups: Rollups::default(),
            rules: Vec::new(),
            tip,
        }
    }

    /// Takes over what the batch did to attempts and dossiers.
    pub(super) fn collect(&mut self, attempts: Vec<Written>, subjects: Subjects) {
        self.attempts = attempts;
        self.members = subjects.changed();
    }

    /// Notes one change of a number.
    pub(super) fn count(&mut self, position: u64, cell: &Cell, n: i64) {
        let delta = Delta::of(position, cell, n);
        self.rollups.add(&delta);
        self.deltas.push(delta);
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.attempts.is_empty() && self.entries.is_empty()
    }
}

impl Written {
    /// Whether the attempt is kept only as evidence of a conflict.
    pub fn is_conflict(&self) -> bool {
        self.attempt.outcome == Some(contracts::Outcome::Conflict)
    }

    /// The attempt.
    pub fn attempt(&self) -> &Attempt {
        &self.attempt
    }
}

/// The measure's name in the store; refusals and stays in a status tell which status.
fn measure_name(cell: &Cell) -> String {
    match cell.status {
        Some(status) => format!("{}-{}", cell.measure.name(), status.code()),
        None => cell.measure.name().to_owned(),
    }
}

impl Delta {
    /// One change of a cell.
    pub fn of(position: u64, cell: &Cell, n: i64) -> Self {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        Self {
            position,
            day: day_number(cell.day),
            place: Place {
                agency: cell.agency.clone(),
                procedure: text(&cell.procedure),
                field: text(&cell.field),
                channel: text(&cell.channel),
                commune: text(&cell.commune),
            },
            measure: measure_name(cell),
            n,
        }
    }
}

impl Rollups {
    /// Adds a change to each level of the lattice.
    pub fn add(&mut self, delta: &Delta) {
        let Place { agency, procedure, .. } = &delta.place;
        let levels = [("", ""), (agency, ""), ("", procedure), (agency, procedure)];
        for (level, (agency, procedure)) in (0..).zip(levels) {
            let key = RollupKey {
                level,
                measure: delta.measure.clone(),
                agency: agency.to_owned(),
                procedure: procedure.to_owned(),
                day: delta.day,
            };
            *self.0.entry(key).or_default() += delta.n;
        }
    }

    /// Sums that are not zero, in the order of their key: rows are written in the order of locks.
    pub fn sorted(&self) -> Vec<(&RollupKey, i64)> {
        let mut rows: Vec<_> =
            self.0.iter().filter(|(_, n)| **n != 0).map(|(key, n)| (key, *n)).collect();
        rows.sort();
        rows
    }
}
