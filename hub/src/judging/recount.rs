//! Judging everything anew, to show that what is kept is that.
//!
//! Findings are judged entry by entry once more, in memory. How a dossier stands by the hub's own
//! due date hangs on its last entry alone, so that is compared dossier by dossier, some at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Judging, Law, kept::Kept, law_at, told::Told};
use crate::{
    registry::{
        Identity, Timeliness,
        finding::{Rulebook, judge},
    },
    store::{Store, StoreError},
};

/// What a recount of what follows behind the journal shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recounted {
    /// The entry that is judged next: the recount is of those before.
    pub judged: u64,
    /// Findings that are open, and all there ever were.
    pub counts: (u64, u64),
    /// What is not as a recount has it.
    pub faults: Vec<String>,
}

/// Faults that are told; more would help nobody.
const FAULTS_MAX: usize = 100;

/// Dossiers that are compared at a time.
const DOSSIERS_AT_ONCE: u32 = 256;

/// Judges everything anew, and compares with what is kept.
///
/// # Errors
/// When the store cannot answer.
pub async fn recount(store: Arc<dyn Store>) -> Result<Recounted, StoreError> {
    let all = store.all_judged().await?;
    let (judged, kept) = (all.next, all.findings);
    let memory = Kept::Memory(Box::default());
    let mut judging = Judging { kept: memory, ..Judging::new(store.clone()) };
    while judging.turn(judged).await?.is_some() {}
    let open = kept.iter().filter(|one| one.closed.is_none()).count() as u64;
    let mut recounted = Recounted { judged, counts: (open, kept.len() as u64), faults: Vec::new() };
    let again = Kept::Store(store);
    let Kept::Memory(memory) = std::mem::replace(&mut judging.kept, again) else {
        return Ok(recounted);
    };
    recounted.faults.extend(Again { judging, judged }.timeliness().await?);
    let mut expected: BTreeMap<String, _> = memory.into_all().map(|one| (one.id(), one)).collect();
    for finding in &kept {
        let id = finding.id();
        match expected.remove(&id) {
            Some(one) if one == *finding => {}
            Some(_) => recounted.faults.push(format!("finding {id} differs from a recount")),
            None => recounted.faults.push(format!("finding {id} is in no recount")),
        }
    }
    recounted.faults.extend(expected.keys().map(|id| format!("finding {id} is not kept")));
    recounted.faults.truncate(FAULTS_MAX);
    Ok(recounted)
}

/// Dossiers judged again, one by one, by what decided at their last entry.
struct Again {
    judging: Judging,
    /// The entry that was judged next; the store may have gone on since.
    judged: u64,
}

impl Again {
    /// What of the hub's own due dates is kept otherwise than a recount has it.
    async fn timeliness(&mut self) -> Result<Vec<String>, StoreError> {
        let mut faults = self.kept().await?;
        faults.extend(self.missing().await?);
        if faults.is_empty() {
            // Dossiers that hold are what sums are compared with.
            faults = self.judging.store.timely_faults().await?;
        }
        Ok(faults)
    }

    /// What is kept of dossiers, in the order of their keys, against a recount of each.
    async fn kept(&mut self) -> Result<Vec<String>, StoreError> {
        let (mut faults, mut after) = (Vec::new(), String::new());
        while faults.len() < FAULTS_MAX {
            let (next, rows) = self.judging.store.timeliness_after(after, DOSSIERS_AT_ONCE).await?;
            let Some((last, _)) = rows.last() else { break };
            after = last.clone();
            let names = rows.iter().map(|(key, _)| Identity::of_key(key)).collect();
            let mut expected = self.stand(names, next).await?;
            for (key, text) in rows {
                if expected.remove(&key) != Some(text) {
                    faults.push(differs(&key));
                }
            }
        }
        Ok(faults)
    }

    /// Names of which nothing is kept, against a recount of each.
    async fn missing(&mut self) -> Result<Vec<String>, StoreError> {
        let (mut faults, mut from) = (Vec::new(), 0);
        while faults.len() < FAULTS_MAX {
            let named = self.judging.store.identities(from, DOSSIERS_AT_ONCE).await?;
            let Some((last, _)) = named.last() else { break };
            from = last + 1;
            let keys = named.iter().map(|(_, name)| name.key()).collect();
            let (next, rows) = self.judging.store.timeliness(keys).await?;
            let known: BTreeSet<String> = rows.into_iter().map(|(key, _)| key).collect();
            let names = named.into_iter().map(|(_, name)| name);
            let names: BTreeSet<Identity> =
                names.filter(|name| !known.contains(&name.key())).collect();
            let keys: Vec<String> = names.iter().map(Identity::key).collect();
            let expected = self.stand(names, next).await?;
            faults.extend(
                keys.iter().filter(|key| expected.contains_key(*key)).map(|key| differs(key)),
            );
        }
        Ok(faults)
    }

    /// How the dossiers that some names make stand before an entry, as text by key.
    async fn stand(
        &mut self,
        names: BTreeSet<Identity>,
        before: u64,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        let Judging { store, kept, .. } = &self.judging;
        let told = Told::about(names.clone(), &**store, kept, before).await?;
        let mut last = BTreeMap::new();
        for name in names {
            let Some(position) = told.last(&name) else { continue };
            let law =
                match law_at(&self.judging.decided, position).filter(|_| position < self.judged) {
                    Some(law) => law.clone(),
                    None => self.judging.law(position).await?,
                };
            last.insert(name, (position, law));
        }
        let judging =
            move || last.iter().filter_map(|(name, of)| stands(&told, name, of)).collect();
        let judged = tokio::task::spawn_blocking(judging).await;
        judged.map_err(|error| StoreError::fault(error.to_string()))
    }
}

fn differs(key: &str) -> String {
    format!("what is kept of {key} by the hub's due date differs from a recount")
}

/// How the dossier of a name stands as of its last entry.
fn stands(told: &Told, name: &Identity, (position, law): &(u64, Law)) -> Option<(String, String)> {
    let (_, heard) = told.component(name, *position);
    let (key, settings) = (name.key(), &law.rules.settings);
    let states = judge(&heard, (&law.rules.reference, settings), None).states;
    let decides = law.book.as_deref().map(Rulebook::decides);
    let stands = Timeliness::of(states.get(&key)?, settings, decides, *position)?;
    Some((key, stands.text()))
}
