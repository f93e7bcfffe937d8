//! What is stored against what it should be, once it has been read. Pure: every store reads for
//! itself.

mod entry;

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use super::{
    StoreError, Verdict,
    attachments::NamedSum,
    batch::{Records, RollupKey, Rollups, Tip, YearSums},
    erasures,
    replay::{About, Components, Folded},
    rules::{Rules, RulesHistory},
};
use crate::{
    journal::{
        log::{Decision, EndedLog},
        merkle::{Digest, Frontier},
    },
    registry::{
        Counted, Leaves, Observation, PlacedCounts, fold_root,
        measure::{counted_by, day_of, stored_name},
    },
};

pub(super) use entry::{Checked, EntryCopy, EntryRow, Refers, Salted, Unread, check, rules};

/// Faults listed; more would help nobody.
pub(super) const FAULTS_MAX: usize = 100;

/// The journal, while it is read in order.
#[derive(Default)]
pub(super) struct Journal {
    frontier: Frontier,
    /// Which entries belong together.
    pub(super) components: Components,
    /// The rules there were.
    pub(super) rules: RulesHistory,
    /// The records about no dossier.
    pub(super) records: Records,
    /// The logs that it tells were gone on from.
    ended: Vec<EndedLog>,
    /// What was erased.
    pub(super) erased: erasures::Told,
    /// Which records name which files.
    pub(super) named: NamedSum,
}

impl Journal {
    /// Whether an entry is the next one.
    pub(super) fn goes_on(&self, one: &Checked, verdict: &mut Verdict) -> bool {
        let (expected, follows) = (self.frontier.size(), one.position);
        if follows != expected {
            verdict.add(format!("position {expected} is missing, {follows} follows"));
        }
        follows == expected
    }

    /// Takes the next entry.
    pub(super) fn take(&mut self, one: Checked, verdict: &mut Verdict) {
        if let Some(Decision::Restoration { log_id, size, root, .. }) = one.decided {
            if (size, root) != (self.frontier.size(), self.frontier.root()) {
                let position = one.position;
                let fault = "names another end of the log before it than there is";
                verdict.add(format!("position {position}: {fault}"));
            }
            self.ended.push(EndedLog { log_id, size, root });
        }
        if one.lacks_persons {
            self.erased.gone(one.position);
        }
        if let Some(text) = one.erases {
            self.erased.take(one.position, text, verdict);
        }
        one.files.iter().for_each(|digest| self.named.add(digest, one.position));
        self.frontier.append(one.leaf);
        verdict.entries += 1;
        verdict.unread += one.unread;
        one.faults.into_iter().for_each(|fault| verdict.add(fault));
        match one.told {
            About::Dossier(told) => self.components.add(told),
            About::Record(row) => self.records.apply(*row),
            About::Nothing => {}
        }
    }

    /// Takes the content that an entry refers to, as it was found.
    pub(super) fn refer(
        &mut self,
        (position, refers): (u64, Refers),
        found: Option<&[u8]>,
        verdict: &mut Verdict,
    ) {
        let content = refers.content();
        let found = found.filter(|found| Digest::of(found) == content);
        match (refers, found) {
            (Refers::Catalogue(_) | Refers::Report(_), Some(_)) => {}
            (Refers::Catalogue(_), None) => {
                verdict.add(format!("the catalogue {content} is not what it was"));
            }
            (Refers::Report(_), None) => {
                verdict.add(format!("the report frozen at position {position} is not what it was"));
            }
            (Refers::Rules(_), found) => {
                match found.and_then(|found| Rules::from_content(found).ok()) {
                    Some(rules) => self.rules.0.push((position, rules)),
                    None => verdict.add(format!("the rules {content} are not what they were")),
                }
            }
        }
    }

    /// Compares the journal's end with what its head says.
    pub(super) fn close(&self, tip: &Tip, verdict: &mut Verdict) {
        let (says, have) = (tip.next(), self.frontier.size());
        if says != have {
            verdict.add(format!("the head says {says} entries, but there are {have}"));
        } else if tip.frontier.root() != self.frontier.root() {
            verdict.add("the root over all entries differs from the head's".to_owned());
        }
        if tip.log.ended != self.ended {
            verdict.add("the head names other logs before this one than the journal".to_owned());
        }
        if tip.rules != self.rules.0.last().map(|(_, rules)| rules.hash()) {
            verdict.add("the head names other rules than the journal".to_owned());
        }
    }
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
    sums: Rollups,
    /// How many observations it was folded from.
    heard: u64,
}

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

    /// Adds that so many observations were read.
    pub(super) fn hear(&mut self, observations: usize) {
        self.heard += observations as u64;
    }

    /// Compares how many observations there are with how many are stored under names. Those that
    /// are missing are told one by one.
    pub(super) fn names(&self, stored: u64, verdict: &mut Verdict) {
        if stored > self.heard {
            let heard = self.heard;
            verdict.add(format!("{stored} observations are under names, but entries tell {heard}"));
        }
    }

    /// Adds a component's numbers.
    pub(super) fn count(&mut self, counts: &[PlacedCounts]) {
        counts.iter().for_each(|(place, counts)| self.sums.count(place, counts));
    }

    /// Adds what was counted elsewhere.
    pub(super) fn merge(&mut self, mut other: Self) {
        if self.sums.is_empty() {
            std::mem::swap(self, &mut other);
        }
        self.leaves.append(&mut other.leaves);
        self.sums.merge(&other.sums, 1);
        self.heard += other.heard;
    }

    /// Whether a dossier that is stored was told of.
    pub(super) fn knows(&self, key: &str) -> bool {
        self.leaves.contains_key(key)
    }

    /// The fold root and the number of dossiers, for the verdict.
    pub(super) fn close(&self, verdict: &mut Verdict) -> Result<(), StoreError> {
        verdict.dossiers = self.leaves.len() as u64;
        let places = self.sums.places();
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_unstable_by_key(|at| &places[*at]);
        let mut ranks = vec![0; places.len()];
        order.iter().enumerate().for_each(|(rank, at)| ranks[*at] = rank);
        let names = self.sums.measures().iter();
        let measures: Vec<_> = names
            .map(|name| counted_by(name).ok_or_else(|| no_measure(name)))
            .collect::<Result<_, _>>()?;
        let numbers = self.sums.by_number().filter(|(.., n)| *n != 0);
        // By place, measure, day and status; a place by its rank: names cost more to compare.
        let mut cells: Vec<_> = numbers
            .map(|(place, measure, day, n)| {
                let (measure, status) = measures[usize::from(measure)];
                (ranks[place as usize], measure, day, status, n)
            })
            .collect();
        cells.par_sort_unstable();
        let leaves: Vec<Vec<[u8; 32]>> = cells
            .par_chunk_by(|(one, ..), (next, ..)| one == next)
            .map(|at_one| {
                let leaves = Leaves::at(&places[order[at_one[0].0]])?;
                let leaf = |(_, measure, day, status, n): &(_, _, _, _, _)| {
                    let (measure, status) = (*measure, *status);
                    leaves.leaf(Counted { measure, day: day_of(*day), status }, *n)
                };
                at_one.iter().map(leaf).collect()
            })
            .collect::<Result<_, serde_json::Error>>()
            .map_err(|error| StoreError::fault(error.to_string()))?;
        let leaves = leaves.into_iter().flatten();
        let root = fold_root(self.leaves.values().copied(), leaves);
        verdict.fold_root = Digest::from_bytes(root).to_string();
        Ok(())
    }

    /// Compares the numbers with the sums of the stored deltas.
    pub(super) fn deltas(&self, mut stored: Rollups, verdict: &mut Verdict) {
        stored.merge(&self.sums, -1);
        let off = stored;
        for (place, measure, day, n) in off.rows() {
            let day = day_of(day);
            verdict.add(format!(
                "the deltas say {n:+} against a recount of {measure} on {day} at {place:?}"
            ));
        }
    }

    /// The sums that the rollups should hold: without the deltas that they lack yet.
    pub(super) fn rolled(&self, behind: &Rollups) -> Rollups {
        let mut rolled = self.sums.clone();
        rolled.merge(behind, -1);
        rolled
    }
}

/// Observations of a component, each with the number of its name: that of the first of them.
pub(super) fn named(observations: &[Observation]) -> impl Iterator<Item = (u64, &Observation)> {
    let mut members: HashMap<(&str, &str), u64> = HashMap::new();
    observations
        .iter()
        .map(move |one| (*members.entry(one.content.name()).or_insert(one.position), one))
}

/// Compares what is stored of an observation under its name with its short form. An observation
/// from before there were any has none.
pub(super) fn short(
    position: u64,
    stored: Option<Option<&[u8]>>,
    expected: impl FnOnce() -> Option<Vec<u8>>,
    verdict: &mut Verdict,
) {
    match stored {
        None => verdict.add(format!("the entry at position {position} is under no name")),
        Some(Some(text)) if expected().as_deref() != Some(text) => {
            verdict.add(format!("the entry at position {position} differs from its short form"));
        }
        Some(_) => {}
    }
}

fn no_measure(name: &str) -> StoreError {
    StoreError::fault(format!("`{name}` is no measure"))
}

/// A measure's name as the store may have it.
pub(super) fn measure(name: &str) -> Result<&'static str, StoreError> {
    stored_name(name).ok_or_else(|| no_measure(name))
}

/// The rollups that should be stored; those that are, are crossed off.
pub(super) struct Expected<'a> {
    rows: Vec<(RollupKey<'a>, YearSums)>,
    found: Vec<bool>,
    /// Where the next row lies, if it comes in the order of keys.
    next: usize,
}

impl<'a> Expected<'a> {
    /// Of the sums that the rollups should hold.
    pub(super) fn new(rolled: &'a Rollups) -> Self {
        let rows = rolled.lattice();
        let found = vec![false; rows.len()];
        Self { rows, found, next: 0 }
    }

    /// Compares one stored row: its total, and its days where they are not damaged.
    pub(super) fn stored(
        &mut self,
        key: &RollupKey<'_>,
        (total, days): (i64, Option<&YearSums>),
        verdict: &mut Verdict,
    ) {
        let next = self.next;
        let here = self.rows.get(next).is_some_and(|(expected, _)| expected == key);
        let at = if here {
            Ok(next)
        } else {
            self.rows.binary_search_by(|(expected, _)| expected.cmp(key))
        };
        let nothing = YearSums::default();
        let want = at.map_or(&nothing, |at| &self.rows[at].1);
        if want.total() != total {
            let want = want.total();
            verdict.add(format!("the rollups say {total} for {key:?}, a recount {want}"));
        } else if days != Some(want) {
            let told = days
                .map_or_else(|| "are damaged".to_owned(), |days| format!("say {:?}", days.days()));
            let want = want.days();
            verdict.add(format!("the days of the rollup {key:?} {told}, a recount {want:?}"));
        }
        if let Ok(at) = at {
            self.found[at] = true;
            self.next = at + 1;
        }
    }

    /// What is not stored.
    pub(super) fn missing(self, verdict: &mut Verdict) {
        for ((key, want), _) in self.rows.iter().zip(&self.found).filter(|(_, found)| !**found) {
            let want = want.days();
            verdict.add(format!("the rollups have nothing for {key:?}, a recount {want:?}"));
        }
    }
}
