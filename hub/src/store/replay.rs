//! The folds from nothing: which entries belong together, and the whole story of each. Pure.
//!
//! Entries are read twice: once in order, to learn which names and codes meet; then dossier by
//! dossier, so that memory holds some dossiers at a time and each is written once.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use foldhash::fast::RandomState;
use memchr::memmem;
use serde::Deserialize;

use super::{
    StoreError,
    batch::{Changes, Delta, Records, Rollups, Subjects, Tip, code_of_text},
    decode::{self, Read, Stored},
    effect::{self, Turned},
    rules::{Rules, RulesHistory},
};
use crate::{
    journal::merkle::Digest,
    registry::{Observation, PlacedCounts, RecordRow, dossier_leaf},
};

/// A name or a code, short: 128 bits of a hash, which no two of them share.
type Mark = u128;

/// What of an observation decides with which others it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    position: u64,
    identity: Mark,
    code: Option<Mark>,
}

#[derive(Deserialize)]
struct Name<'a> {
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow)]
    source_code: Cow<'a, str>,
    #[serde(borrow, default)]
    code: Option<Cow<'a, str>>,
}

fn mark(kind: u8, parts: [&str; 2]) -> Mark {
    let mut bytes = vec![kind];
    for part in parts {
        bytes.extend_from_slice(part.as_bytes());
        bytes.push(0);
    }
    let hash = Digest::of(&bytes);
    let half = hash.as_bytes().first_chunk::<16>().copied().unwrap_or_default();
    Mark::from_be_bytes(half)
}

fn damaged(stored: &Stored<'_>) -> impl Fn(serde_json::Error) -> StoreError {
    let position = stored.position;
    move |error| StoreError::fault(format!("the entry at position {position} is damaged: {error}"))
}

/// What folds take from a first reading of the journal.
#[derive(Debug, Default)]
pub struct FirstReading {
    /// Which entries belong together.
    pub components: Components,
    /// The records that are about no dossier.
    pub records: Records,
    /// The rules there were.
    pub rules: RulesHistory,
    /// Their hashes, by the position that put them in force.
    pub versions: Vec<(u64, Digest)>,
    /// How many entries were read.
    pub entries: u64,
}

impl FirstReading {
    /// Takes what an entry tells of.
    pub fn take(&mut self, about: About) {
        self.entries += 1;
        match about {
            About::Dossier(told) => self.components.add(told),
            About::Record(row) => self.records.apply(*row),
            About::Nothing => {}
        }
    }

    /// Takes rules that were put in force.
    pub fn refer(&mut self, position: u64, hash: Digest, rules: Rules) {
        self.versions.push((position, hash));
        self.rules.0.push((position, rules));
    }
}

/// What an entry tells of.
#[derive(Debug)]
pub enum About {
    /// A dossier.
    Dossier(Told),
    /// A record that is about none.
    Record(Box<RecordRow>),
    /// Neither.
    Nothing,
}

/// What an entry tells of.
///
/// # Errors
/// When a stored text is not what the hub writes: names the position.
pub fn told(stored: &Stored<'_>) -> Result<About, StoreError> {
    if !matches!(stored.kind, "observation" | "retraction") {
        return Ok(About::Nothing);
    }
    told_under(contract_of(stored.text), stored)
}

/// The contract in the text of an entry. Such a text is exact ([`crate::journal::entry::Entry`]):
/// no other member looks like it, and it need not be read to its end.
fn contract_of(text: &[u8]) -> Option<&str> {
    const BEFORE: &[u8] = br#","contract":""#;
    let behind = text.get(memmem::find(text, BEFORE)? + BEFORE.len()..)?;
    str::from_utf8(behind.get(..memchr::memchr(b'"', behind)?)?).ok()
}

/// The same of an entry whose contract is known.
///
/// # Errors
/// When its public text is not what the hub writes: names the position.
pub fn told_under(contract: Option<&str>, stored: &Stored<'_>) -> Result<About, StoreError> {
    if !matches!(stored.kind, "observation" | "retraction") {
        return Ok(About::Nothing);
    }
    if !matches!(contract, Some("dossier/1" | "progress/1")) {
        let told = decode::record(stored)?;
        return Ok(told.map_or(About::Nothing, |row| About::Record(Box::new(row))));
    }
    let name: Name<'_> = decode::read(stored.public).map_err(damaged(stored))?;
    let code = name.code.as_deref().and_then(code_of_text);
    Ok(About::Dossier(Told {
        position: stored.position,
        identity: mark(0, [&name.source, &name.source_code]),
        code: code.map(|code| mark(1, [&code, ""])),
    }))
}

/// Which observations belong together, whatever the order in which they are added.
#[derive(Debug, Default)]
pub struct Components {
    nodes: HashMap<Mark, u32, RandomState>,
    up: Vec<u32>,
    told: Vec<(u32, u64)>,
}

impl Components {
    fn node(&mut self, mark: Mark) -> u32 {
        *self.nodes.entry(mark).or_insert_with(|| {
            let node = u32::try_from(self.up.len()).unwrap_or(u32::MAX);
            self.up.push(node);
            node
        })
    }

    fn root(&mut self, mut node: u32) -> u32 {
        while self.up[node as usize] != node {
            // Halve the path on the way.
            let above = self.up[self.up[node as usize] as usize];
            self.up[node as usize] = above;
            node = above;
        }
        node
    }

    /// Adds one observation.
    pub fn add(&mut self, told: Told) {
        let node = self.node(told.identity);
        if let Some(code) = told.code {
            let code = self.node(code);
            let (a, b) = (self.root(node), self.root(code));
            self.up[a.max(b) as usize] = a.min(b);
        }
        self.told.push((node, told.position));
    }

    /// Positions by component, in the order of the components' first positions.
    pub fn groups(mut self) -> Vec<Vec<u64>> {
        let told = std::mem::take(&mut self.told);
        let mut place: HashMap<u32, usize, RandomState> = HashMap::default();
        let mut groups: Vec<Vec<u64>> = Vec::new();
        for (node, position) in told {
            let root = self.root(node);
            let at = *place.entry(root).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[at].push(position);
        }
        groups
    }
}

/// Reads the observations of one component.
///
/// # Errors
/// When a stored text is not what the hub writes.
pub fn observations(stored: &[Stored<'_>]) -> Result<Vec<Observation>, StoreError> {
    let mut read: Vec<Read> = Vec::with_capacity(stored.len());
    for one in stored {
        read.extend(decode::observation(one)?);
    }
    Ok(decode::resolve(read))
}

/// All that happened to one component, as if its entries came in now, one after the other.
pub fn story(observations: Vec<Observation>, rules: &RulesHistory) -> Changes {
    let mut changes = Changes::new(Tip::empty(String::new()));
    let mut subjects = Subjects::default();
    let none = Rules::default();
    let mut before = None;
    for one in observations {
        let position = one.position;
        if let Some(before) = before {
            for (at, now) in rules.between(before, position) {
                subjects.refold(*at, (rules.settings_before(*at), now), &mut changes);
            }
        }
        subjects.apply(one, rules.at(position).unwrap_or(&none), &mut changes);
        before = Some(position);
    }
    for (at, now) in rules.between(before.unwrap_or(u64::MAX), u64::MAX) {
        subjects.refold(*at, (rules.settings_before(*at), now), &mut changes);
    }
    subjects.close(&mut changes);
    changes
}

/// Changes of numbers that rules make at the positions where they come into force. Many dossiers
/// have a part in them, so they are added up before they are written.
#[derive(Debug, Default)]
pub struct Turns(BTreeMap<u64, Rollups>);

impl Turns {
    /// Takes a story's part.
    pub fn take(&mut self, story: &mut Changes, rules: &RulesHistory) {
        let turns = |delta: &Delta| rules.begin_at(delta.position);
        if !story.deltas.iter().any(turns) {
            return;
        }
        let (turning, own) = std::mem::take(&mut story.deltas).into_iter().partition(turns);
        story.deltas = own;
        let turning: Vec<Delta> = turning;
        for delta in &turning {
            self.0.entry(delta.position).or_default().add(delta);
        }
    }

    /// All of them, added up.
    pub fn close(self) -> Changes {
        let mut changes = Changes::new(Tip::empty(String::new()));
        for (position, sums) in &self.0 {
            changes.deltas.extend(sums.rows().map(|(place, measure, day, n)| Delta {
                position: *position,
                day,
                place: place.clone(),
                measure,
                n,
            }));
        }
        changes
    }
}

/// One dossier as its fold gives it.
#[derive(Debug)]
pub struct Folded {
    /// Its key.
    pub key: String,
    /// The public text of its state.
    pub public: String,
    /// Its leaf under the fold root.
    pub leaf: [u8; 32],
}

/// What a component comes to, folded once and whole: dossiers that count, and their numbers.
pub fn outcome(observations: &[Observation], rules: &Rules) -> (Vec<Folded>, Vec<PlacedCounts>) {
    let effect = effect::effect(observations, &BTreeMap::new(), &rules.settings, rules);
    let counted = |Turned { key, state, .. }: Turned| {
        let public = effect::public_text(&state.filter(|state| state.counted)?);
        let leaf = dossier_leaf(&public);
        Some(Folded { key, public, leaf })
    };
    (effect.dossiers.into_iter().filter_map(counted).collect(), effect.counts)
}
