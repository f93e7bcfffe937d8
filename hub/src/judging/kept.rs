//! What was judged so far: as a store keeps it, or in memory, for a recount.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use jiff::civil::Date;

use crate::{
    registry::{
        Identity,
        finding::{Finding, Of, TallyKey},
    },
    store::{
        Store, StoreError,
        findings::{CodeTold, TallyText, Turn},
    },
};

/// Where what was judged is kept.
pub(super) enum Kept {
    Store(Arc<dyn Store>),
    Memory(Box<Memory>),
}

/// What was asked, in memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    next: u64,
    codes: HashMap<String, BTreeSet<Identity>>,
    tallies: BTreeMap<TallyKey, String>,
    days: BTreeMap<Date, BTreeSet<TallyKey>>,
    open: HashMap<String, BTreeSet<(u64, u32)>>,
    all: BTreeMap<(u64, u32), Finding>,
}

impl Memory {
    fn settle(&mut self, turn: Turn) {
        self.next = turn.to;
        for (code, name) in turn.codes {
            self.codes.entry(code).or_default().insert(name);
        }
        for (key, tally) in turn.tallies {
            self.days.entry(key.day).or_default().insert(key.clone());
            self.tallies.insert(key, tally);
        }
        for finding in turn.findings {
            let id = (finding.opened.position, finding.number);
            let open = self.open.entry(finding.subject.about()).or_default();
            if finding.closed.is_none() {
                open.insert(id);
            } else {
                open.remove(&id);
            }
            self.all.insert(id, finding);
        }
    }

    fn between(&self, of: Of, (first, last): (Date, Date)) -> Vec<TallyText> {
        let days = (first <= last).then(|| self.days.range(first..=last)).into_iter().flatten();
        let keys = days.flat_map(|(_, keys)| keys).filter(|key| key.of() == of);
        keys.filter_map(|key| Some((key.clone(), self.tallies.get(key)?.clone()))).collect()
    }

    fn open(&self, about: &str) -> impl Iterator<Item = Finding> {
        let ids = self.open.get(about).into_iter().flatten();
        ids.filter_map(|id| self.all.get(id).cloned())
    }

    /// All findings that there ever were.
    pub(super) fn into_all(self) -> impl Iterator<Item = Finding> {
        self.all.into_values()
    }
}

impl Kept {
    /// The entry that is judged next.
    pub(super) async fn next(&self) -> Result<u64, StoreError> {
        match self {
            Self::Store(store) => store.judged().await,
            Self::Memory(memory) => Ok(memory.next),
        }
    }

    /// The names that told some codes.
    pub(super) async fn names(&self, codes: Vec<String>) -> Result<Vec<CodeTold>, StoreError> {
        match self {
            Self::Store(store) => store.names(codes).await,
            Self::Memory(memory) => {
                let of = |code: String| {
                    let names = memory.codes.get(&code).into_iter().flatten().cloned();
                    names.map(move |name| (code.clone(), name)).collect::<Vec<_>>()
                };
                Ok(codes.into_iter().flat_map(of).collect())
            }
        }
    }

    /// What is kept of dossiers by the hub's own due date: in memory nothing, for a recount
    /// compares that dossier by dossier.
    pub(super) async fn timeliness(
        &self,
        dossiers: Vec<String>,
    ) -> Result<Vec<(String, String)>, StoreError> {
        match self {
            _ if dossiers.is_empty() => Ok(Vec::new()),
            Self::Store(store) => store.timeliness(dossiers).await.map(|(_, told)| told),
            Self::Memory(_) => Ok(Vec::new()),
        }
    }

    /// Open findings about these.
    pub(super) async fn open(&self, about: Vec<String>) -> Result<Vec<Finding>, StoreError> {
        match self {
            _ if about.is_empty() => Ok(Vec::new()),
            Self::Store(store) => store.open(about).await,
            Self::Memory(memory) => Ok(about.iter().flat_map(|one| memory.open(one)).collect()),
        }
    }

    /// Tallies, as far as there are such.
    pub(super) async fn tallies(&self, keys: Vec<TallyKey>) -> Result<Vec<TallyText>, StoreError> {
        match self {
            _ if keys.is_empty() => Ok(Vec::new()),
            Self::Store(store) => store.tallies(keys).await,
            Self::Memory(memory) => {
                let of = |key: TallyKey| memory.tallies.get(&key).cloned().map(|text| (key, text));
                Ok(keys.into_iter().filter_map(of).collect())
            }
        }
    }

    /// Tallies of days from one to another, numbers or what was finished.
    pub(super) async fn tallies_between(
        &self,
        of: Of,
        days: (Date, Date),
    ) -> Result<Vec<TallyText>, StoreError> {
        match self {
            Self::Store(store) => store.tallies_between(of, days).await,
            Self::Memory(memory) => Ok(memory.between(of, days)),
        }
    }

    /// Keeps a turn; false where another was kept since it began.
    pub(super) async fn settle(&mut self, turn: Turn) -> Result<bool, StoreError> {
        match self {
            Self::Store(store) => store.settle_findings(turn).await,
            Self::Memory(memory) => {
                memory.settle(turn);
                Ok(true)
            }
        }
    }
}
