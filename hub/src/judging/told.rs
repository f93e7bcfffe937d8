//! What was told of the dossiers that some entries may touch.

use std::collections::{BTreeMap, BTreeSet};

use super::kept::Kept;
use crate::{
    registry::{
        Identity,
        finding::{Claim, Heard, Stamp},
    },
    store::{
        Store, StoreError,
        batch::code_of,
        decode,
        findings::{CodeTold, Text},
    },
};

/// Names with all that was told of them, up to a position, and the codes that they told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The entries that are to be judged: position and name.
    pub(super) entries: Vec<(u64, Identity)>,
    /// What agencies claim in them.
    pub(super) claims: Vec<Claim>,
    /// By name, in journal order.
    heard: BTreeMap<Identity, Vec<Heard>>,
    /// By code: the names that told it, and since when.
    codes: BTreeMap<String, BTreeMap<Identity, u64>>,
}

impl Told {
    /// Reads what bears on some entries: what was told of their names, and of every name that ever
    /// told a code that one of them told.
    pub(super) async fn of(
        entries: &[Text],
        store: &dyn Store,
        kept: &Kept,
        before: u64,
    ) -> Result<Self, StoreError> {
        let mut told = Self::default();
        let mut open: BTreeSet<Identity> = BTreeSet::new();
        for entry in entries {
            if let Some(read) = decode::observation(&entry.stored())? {
                let name = read.observation.identity();
                told.entries.push((entry.position, name.clone()));
                open.insert(name);
            } else if let Some((at, claimed)) = decode::claim(&entry.stored())? {
                told.claims.extend(Claim::new(Stamp { position: entry.position, at }, claimed));
            }
        }
        told.hear(open, store, kept, before).await?;
        Ok(told)
    }

    /// Reads what was told of some names before a position, and of every name that ever told a code
    /// that one of them told.
    pub(super) async fn about(
        names: BTreeSet<Identity>,
        store: &dyn Store,
        kept: &Kept,
        before: u64,
    ) -> Result<Self, StoreError> {
        let mut told = Self::default();
        told.hear(names, store, kept, before).await?;
        Ok(told)
    }

    async fn hear(
        &mut self,
        mut open: BTreeSet<Identity>,
        store: &dyn Store,
        kept: &Kept,
        before: u64,
    ) -> Result<(), StoreError> {
        let mut asked: BTreeSet<String> = BTreeSet::new();
        while !open.is_empty() {
            let texts = store.told(open.iter().cloned().collect(), before).await?;
            // A name of which nothing was told yet is known all the same.
            for name in std::mem::take(&mut open) {
                self.heard.entry(name).or_default();
            }
            self.read(&texts)?;
            let codes: Vec<String> =
                self.codes.keys().filter(|code| !asked.contains(*code)).cloned().collect();
            asked.extend(codes.iter().cloned());
            if codes.is_empty() {
                break;
            }
            for (_, name) in kept.names(codes).await? {
                if !self.heard.contains_key(&name) {
                    open.insert(name);
                }
            }
        }
        Ok(())
    }

    fn read(&mut self, texts: &[Text]) -> Result<(), StoreError> {
        let mut by_name: BTreeMap<Identity, Vec<decode::Read>> = BTreeMap::new();
        for text in texts {
            if let Some(read) = decode::observation(&text.stored())? {
                by_name.entry(read.observation.identity()).or_default().push(read);
            }
        }
        for (name, mut read) in by_name {
            read.sort_by_key(|one| one.observation.position);
            let modes: Vec<_> = read.iter().map(|one| one.mode).collect();
            let observations = decode::resolve(read).into_iter().zip(modes);
            let heard: Vec<Heard> =
                observations.map(|(observation, mode)| Heard { observation, mode }).collect();
            for one in &heard {
                if let Some(code) = code_of(&one.observation.content) {
                    let since = self.codes.entry(code).or_default();
                    since.entry(name.clone()).or_insert(one.observation.position);
                }
            }
            self.heard.insert(name, heard);
        }
        Ok(())
    }

    /// The keys that dossiers of these names may have.
    pub(super) fn keys(&self) -> impl Iterator<Item = String> {
        self.heard.keys().map(Identity::key)
    }

    /// The codes told from a position on.
    pub(super) fn codes_since(&self, from: u64) -> Vec<CodeTold> {
        let names = |(code, names): (&String, &BTreeMap<Identity, u64>)| {
            let new = names.iter().filter(move |(_, since)| **since >= from);
            let code = code.clone();
            new.map(move |(name, _)| (code.clone(), name.clone())).collect::<Vec<_>>()
        };
        self.codes.iter().flat_map(names).collect()
    }

    /// The last entry that tells of a name, or of one that may belong together with it.
    pub(super) fn last(&self, name: &Identity) -> Option<u64> {
        let (_, heard) = self.component(name, u64::MAX);
        heard.last().map(|one| one.observation.position)
    }

    /// The names that may have belonged together with one up to an entry, and what was told of
    /// them up to there.
    pub(super) fn component(&self, name: &Identity, until: u64) -> (Vec<String>, Vec<&Heard>) {
        let (mut names, mut open) = (BTreeSet::new(), vec![name]);
        let mut heard: Vec<&Heard> = Vec::new();
        while let Some(name) = open.pop() {
            if !names.insert(name) {
                continue;
            }
            let own = self.heard.get(name).into_iter().flatten();
            for one in own.take_while(|one| one.observation.position <= until) {
                heard.push(one);
                let code = code_of(&one.observation.content);
                let others = code.and_then(|code| self.codes.get(&code)).into_iter().flatten();
                open.extend(others.filter(|(_, since)| **since <= until).map(|(name, _)| name));
            }
        }
        heard.sort_by_key(|one| one.observation.position);
        (names.into_iter().map(Identity::key).collect(), heard)
    }
}
