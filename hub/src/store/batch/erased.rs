//! Names whose persons were erased, as a batch meets them: what is told of such a dossier later
//! loses its personal members, and the raw bytes that bring it are not kept.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use super::{Prepared, Subjects, Submission, Work, code_of};
use crate::{
    registry::Identity,
    store::{attachments::named_in, erasures::related},
};

/// Erased names that a batch may touch, each with the position of its erasure.
#[derive(Debug, Clone, Default)]
pub struct Erased(BTreeMap<String, u64>);

/// Sources' own codes by which erased names are asked for: those of a batch's records, whatever
/// became of them, and of all names that were found to belong to one.
pub fn erasable_codes(batch: &[Submission], subjects: &Subjects) -> Vec<String> {
    let mut codes: BTreeSet<String> = BTreeSet::new();
    for item in batch.iter().flat_map(|chunk| chunk.items.iter()) {
        codes.extend(item.key.clone());
        let told = item.outcome.iter().flatten().filter_map(|one| one.content.as_ref());
        codes.extend(told.map(|content| content.identity().source_code));
        let told = item.outcome.iter().flatten().filter_map(|one| one.telling.as_ref());
        let names = told.flat_map(|telling| related::names_of(&telling.name));
        codes.extend(names.map(|name| Identity::of_key(&name).source_code));
    }
    codes.extend(subjects.memberships().map(|one| one.identity.source_code.clone()));
    codes.into_iter().collect()
}

impl Erased {
    /// Adds a name and the position of its erasure.
    pub fn add(&mut self, name: String, position: u64) {
        self.0.insert(name, position);
    }

    /// Adds what was read of other names.
    pub(super) fn absorb(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn of(&self, name: &str) -> Option<u64> {
        self.0.get(name).copied()
    }

    /// The erasure of what an agency calls so, for a record of which no more is known.
    fn of_key(&self, channel: &str, key: &str) -> Option<u64> {
        let agency = channel.split('.').next();
        let is_it = |name: Identity| Some(name.agency()) == agency && name.source_code == key;
        let found = self.0.iter().find(|(name, _)| is_it(Identity::of_key(name)));
        found.map(|(_, position)| *position)
    }
}

impl Work<'_> {
    /// The erasure that holds for a record: of its dossier, under whichever name, or of the
    /// feedback, application or request that it is or answers.
    fn erasure_of(&self, one: &Prepared) -> Option<u64> {
        if let Some(telling) = &one.telling {
            let names = related::names_of(&telling.name);
            return names.iter().find_map(|name| self.erased.of(name));
        }
        let content = one.content.as_ref()?;
        let identity = content.identity();
        self.erased.of(&identity.key()).or_else(|| {
            let kin = self.subjects.kin(&identity, code_of(content).as_deref());
            kin.iter().find_map(|name| self.erased.of(name))
        })
    }

    /// Records of an attempt without the personal members that were erased; where there were such
    /// persons, its raw bytes are not kept.
    pub(super) fn spared<'b>(&mut self, at: usize, all: &'b [Prepared]) -> Cow<'b, [Prepared]> {
        if self.erased.0.is_empty() {
            return Cow::Borrowed(all);
        }
        let erasures: Vec<Option<u64>> = all.iter().map(|one| self.erasure_of(one)).collect();
        let Some(first) = erasures.iter().flatten().min() else { return Cow::Borrowed(all) };
        let mut spared = all.to_vec();
        let mut dropped = false;
        for (one, erasure) in spared.iter_mut().zip(&erasures) {
            if let Some(personal) = erasure.and_then(|_| one.personal.take()) {
                self.changes.doubted.extend(named_in(personal.text.as_bytes()));
                dropped = true;
            }
        }
        self.attempts.withhold(at, *first, u64::from(dropped));
        Cow::Owned(spared)
    }

    /// The same of a record that was refused, by the key that it bears.
    pub(super) fn refused_of(&mut self, (at, channel): (usize, &str), key: Option<&str>) {
        if let Some(erasure) = key.and_then(|key| self.erased.of_key(channel, key)) {
            self.attempts.withhold(at, erasure, 0);
        }
    }

    /// Keeps no raw bytes of a message that conflicts with another, where that has none any more
    /// or one of its own records is of an erased name.
    pub(super) fn conflicting(&mut self, chunk: &Submission, (at, known): (usize, usize)) {
        if let Some(erasure) = self.attempts.at(known).erased {
            self.attempts.withhold(at, erasure, 0);
        }
        if self.erased.0.is_empty() {
            return;
        }
        for item in chunk.items.iter() {
            let told = item.outcome.iter().flatten();
            if let Some(erasure) = told.filter_map(|one| self.erasure_of(one)).min() {
                self.attempts.withhold(at, erasure, 0);
            }
            self.refused_of((at, &chunk.channel), item.key.as_deref());
        }
    }
}
