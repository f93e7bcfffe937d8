//! What is stored against what it should be, once it has been read. Pure: every store reads for
//! itself.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    StoreError, Verdict,
    batch::{Delta, RollupKey, Rollups, rollups::Span},
    decode::Stored,
    replay::{self, Folded, Told},
    rules::ReferenceText,
};
use crate::{
    journal::{
        commitment::{Commitment, Salt, commit},
        entry::{Entry, EntryKind},
        merkle::{Digest, leaf_hash},
    },
    registry::{Cell, Place, fold_root, measure::stored_name},
};

/// Faults listed; more would help nobody.
pub(super) const FAULTS_MAX: usize = 100;

/// What a commitment commits to, with its salt.
pub(super) type Salted = Option<([u8; 32], Vec<u8>)>;

/// One entry, owned: other threads work at it.
pub(super) struct EntryCopy {
    pub(super) position: u64,
    pub(super) kind: String,
    pub(super) text: Vec<u8>,
    pub(super) public: Vec<u8>,
    pub(super) personal: Salted,
    /// The raw bytes of its message, at the message's first entry.
    pub(super) raw: Salted,
}

impl EntryCopy {
    /// What folds read of it.
    pub(super) fn stored(&self) -> Stored<'_> {
        Stored { position: self.position, kind: &self.kind, text: &self.text, public: &self.public }
    }

    /// The hash of the rules that it puts in force, where it does.
    pub(super) fn rules(&self) -> Result<Option<Digest>, StoreError> {
        if self.kind != EntryKind::Reference.as_str() {
            return Ok(None);
        }
        let text: ReferenceText = serde_json::from_slice(&self.public)
            .map_err(|error| StoreError::fault(error.to_string()))?;
        Ok(Some(text.content))
    }
}

/// What one entry shows, read alone.
pub(super) struct Checked {
    pub(super) position: u64,
    pub(super) leaf: Digest,
    pub(super) told: Option<Told>,
    pub(super) rules: Option<Digest>,
    pub(super) faults: Vec<String>,
}

/// Checks one entry: its text, its texts' hashes, its leaf.
pub(super) fn check(row: &EntryCopy) -> Checked {
    let mut checked = Checked {
        position: row.position,
        leaf: leaf_hash(&row.text),
        told: None,
        rules: None,
        faults: Vec::new(),
    };
    let position = row.position;
    match agrees(row) {
        Ok(rules) => checked.rules = rules,
        Err(fault) => checked.faults.push(format!("position {position}: {fault}")),
    }
    match replay::told(&row.stored()) {
        Ok(told) => checked.told = told,
        Err(error) => checked.faults.push(error.reason),
    }
    checked
}

/// Whether an entry's text is one, and everything it names is what it names; gives the hash of
/// the rules it puts in force, where it does.
fn agrees(row: &EntryCopy) -> Result<Option<Digest>, String> {
    let text = str::from_utf8(&row.text).map_err(|_| "the entry's text is not UTF-8".to_owned())?;
    let entry = Entry::parse(text).map_err(|error| error.to_string())?;
    if entry.position != row.position {
        return Err(format!("the entry's text says position {}", entry.position));
    }
    if entry.kind.as_str() != row.kind {
        return Err(format!("the entry's text says {}", entry.kind.as_str()));
    }
    if entry.public != Digest::of(&row.public) {
        return Err("the public text is not the one the entry names".to_owned());
    }
    if !holds(entry.personal, &row.personal) {
        return Err("the personal text is not the one the entry commits to".to_owned());
    }
    if !holds(entry.raw, &row.raw) {
        return Err("the raw bytes are not those the entry commits to".to_owned());
    }
    row.rules().map_err(|error| error.reason)
}

/// What was erased or pruned leaves its commitment behind.
fn holds(said: Option<Commitment>, found: &Salted) -> bool {
    found.as_ref().is_none_or(|(salt, bytes)| said == Some(commit(&Salt::from_bytes(*salt), bytes)))
}

impl Verdict {
    /// Adds a fault, unless there are enough.
    pub(super) fn add(&mut self, fault: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        }
    }
}

/// What everything comes to, folded from nothing.
#[derive(Default)]
pub(super) struct Recount {
    leaves: BTreeMap<String, [u8; 32]>,
    sums: BTreeMap<Cell, i64>,
}

/// Measure, day and place of a number.
pub(super) type Number = (&'static str, i32, Place);

impl Recount {
    /// Adds a dossier, and compares it with its stored text.
    pub(super) fn dossier(&mut self, folded: Folded, stored: Option<&[u8]>, verdict: &mut Verdict) {
        let key = &folded.key;
        match stored {
            Some(text) if text == folded.public.as_bytes() => {}
            Some(_) => verdict.add(format!("dossier `{key}` differs from its fold")),
            None => verdict.add(format!("dossier `{key}` is not stored")),
        }
        self.leaves.insert(folded.key, folded.leaf);
    }

    /// Adds a component's numbers.
    pub(super) fn count(&mut self, cells: BTreeMap<Cell, i64>) {
        for (cell, n) in cells {
            *self.sums.entry(cell).or_default() += n;
        }
    }

    /// Whether a dossier that is stored was told of.
    pub(super) fn knows(&self, key: &str) -> bool {
        self.leaves.contains_key(key)
    }

    /// The fold root and the number of dossiers, for the verdict.
    pub(super) fn close(&mut self, verdict: &mut Verdict) -> Result<(), StoreError> {
        verdict.dossiers = self.leaves.len() as u64;
        self.sums.retain(|_, n| *n != 0);
        let leaves = std::mem::take(&mut self.leaves);
        let root = fold_root(leaves.into_values(), &self.sums)
            .map_err(|error| StoreError::fault(error.to_string()))?;
        verdict.fold_root = Digest::from_bytes(root).to_string();
        Ok(())
    }

    /// Compares the numbers with those stored: deltas, and rollups with what they lack.
    pub(super) fn numbers(
        &self,
        deltas: &BTreeMap<Number, i64>,
        rolled: &BTreeMap<Rolled, i64>,
        verdict: &mut Verdict,
    ) {
        let mut wanted: BTreeMap<Number, i64> = BTreeMap::new();
        let mut lattice = Rollups::default();
        for (cell, n) in &self.sums {
            let delta = Delta::of_cell(cell, *n);
            lattice.add(&delta);
            *wanted.entry((delta.measure, delta.day, (*delta.place).clone())).or_default() += n;
        }
        compare(&wanted, deltas, "the deltas", verdict);
        let lattice =
            lattice.lattice().into_iter().map(|(key, n)| (Rolled::from(key), n)).collect();
        compare(&lattice, rolled, "the rollups", verdict);
    }
}

fn compare<K: Ord + std::fmt::Debug>(
    recount: &BTreeMap<K, i64>,
    stored: &BTreeMap<K, i64>,
    what: &str,
    verdict: &mut Verdict,
) {
    let keys: BTreeSet<&K> = recount.keys().chain(stored.keys()).collect();
    for key in keys {
        let (want, have) = (recount.get(key).unwrap_or(&0), stored.get(key).unwrap_or(&0));
        if want != have {
            verdict.add(format!("{what} say {have} for {key:?}, a recount {want}"));
        }
    }
}

/// A measure's name as the store may have it.
pub(super) fn measure(name: &str) -> Result<&'static str, StoreError> {
    stored_name(name).ok_or_else(|| StoreError::fault(format!("`{name}` is no measure")))
}

/// A rolled-up cell that owns its names.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rolled {
    pub(super) level: u8,
    pub(super) span: Span,
    pub(super) measure: &'static str,
    pub(super) outer: String,
    pub(super) day: i32,
    pub(super) inner: String,
}

impl From<RollupKey<'_>> for Rolled {
    fn from(key: RollupKey<'_>) -> Self {
        let RollupKey { level, span, measure, outer, day, inner } = key;
        Self { level, span, measure, outer: outer.to_owned(), day, inner: inner.to_owned() }
    }
}
