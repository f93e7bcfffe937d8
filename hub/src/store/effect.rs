//! What one more observation changes: dossiers, their members, and numbers. Pure.

use std::{
    borrow::{Borrow, Cow},
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::Rules;
use crate::registry::{
    Counted, DossierState, Groups, Identity, Observation, Place, PlacedCounts, Settings, between,
    code_of, counted, fold_standing, group, only_name, standing,
};

/// One name and where it belongs now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The name.
    pub identity: Identity,
    /// The national code that its latest snapshot carries.
    pub code: Option<String>,
    /// The key of its dossier.
    pub dossier: String,
}

/// What a dossier was before, and what it counted, where that is at hand: by the settings of then.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// Its state.
    pub state: &'a DossierState,
    /// Its numbers.
    pub numbers: Option<&'a [PlacedCounts]>,
}

/// What a dossier turns into.
#[derive(Debug, Clone, PartialEq)]
pub struct Turned {
    /// Its key.
    pub key: String,
    /// Its new state; `None` for a key that is no dossier's any more.
    pub state: Option<DossierState>,
    /// What it counts now, by place.
    pub numbers: Vec<PlacedCounts>,
}

/// All that one more observation changes.
#[derive(Debug, Default)]
pub struct Effect {
    /// Where every name of the component belongs.
    pub members: Vec<Membership>,
    /// The dossiers.
    pub dossiers: Vec<Turned>,
    /// Changes of numbers by place, without zeros.
    pub counts: Vec<PlacedCounts>,
}

/// Folds a component (all observations of all names that may be joined) and compares it with the
/// states before, which were counted by the settings before.
pub fn effect<O: Borrow<Observation>>(
    observations: &[O],
    before: &BTreeMap<String, Before<'_>>,
    was: &Settings,
    rules: &Rules,
) -> Effect {
    if let Some((source, code)) = only_name(observations) {
        let identity = Identity::new(source, code);
        let key = identity.key();
        if before.keys().all(|known| *known == key) {
            let before = before.get(&key).copied();
            return of_one(observations, (identity, key), before, (was, rules));
        }
    }
    let mut effect = Effect::default();
    let mut after = BTreeMap::new();
    let mut dossier_of: BTreeMap<(&str, &str), String> = BTreeMap::new();
    let Groups { dossiers, mut codes, .. } = group(observations, &[]);
    for (key, places) in &dossiers {
        let own: Vec<&Observation> = places
            .iter()
            .filter_map(|place| observations.get(*place))
            .map(Borrow::borrow)
            .collect();
        for one in &own {
            dossier_of.entry(one.content.name()).or_insert_with(|| key.key());
        }
        if let Some((mut state, _)) = fold_standing(&own, &rules.reference) {
            state.drop_personal();
            after.insert(key.key(), state);
        }
    }
    let names: BTreeSet<(&str, &str)> =
        observations.iter().map(|one| one.borrow().content.name()).collect();
    for name in names {
        let identity = Identity::new(name.0, name.1);
        // A name whose every observation is superseded is still known by its own key.
        let dossier = dossier_of.remove(&name).unwrap_or_else(|| identity.key());
        let code = codes.remove(&identity).flatten();
        effect.members.push(Membership { identity, code, dossier });
    }
    let keys: BTreeSet<String> = before.keys().chain(after.keys()).cloned().collect();
    for key in keys {
        let (old, new) = (before.get(&key).copied(), after.remove(&key));
        effect.becomes(key, (old, new), (was, rules));
    }
    effect.close()
}

/// The same of what bears one name, and was no other dossier's before: most do.
fn of_one<O: Borrow<Observation>>(
    observations: &[O],
    (identity, key): (Identity, String),
    before: Option<Before<'_>>,
    by: (&Settings, &Rules),
) -> Effect {
    let standing = standing(observations);
    let own: Vec<&Observation> = standing.iter().map(|at| observations[*at].borrow()).collect();
    let mut state = fold_standing(&own, &by.1.reference).map(|(state, _)| state);
    state.iter_mut().for_each(DossierState::drop_personal);
    let mut effect = Effect::default();
    let dossier = key.clone();
    effect.members.push(Membership { identity, code: code_of(&own), dossier });
    if before.is_some() || state.is_some() {
        effect.becomes(key, (before, state), by);
    }
    effect.close()
}

impl Effect {
    /// Takes what a dossier becomes, of what it was, and which numbers that changes: by the
    /// settings it was counted by, and the rules that it is counted by now.
    fn becomes(
        &mut self,
        key: String,
        (old, state): (Option<Before<'_>>, Option<DossierState>),
        (was, rules): (&Settings, &Rules),
    ) {
        let before = match old {
            None => Cow::default(),
            Some(Before { numbers: Some(numbers), .. }) => Cow::Borrowed(numbers),
            Some(Before { state, .. }) => Cow::Owned(counted(state, was)),
        };
        // A state that stays the same may count otherwise: by other settings.
        let numbers = state.as_ref().map(|state| counted(state, &rules.settings));
        let numbers = numbers.unwrap_or_default();
        self.counts.extend(between(&before, &numbers));
        self.dossiers.push(Turned { key, state, numbers });
    }

    fn close(mut self) -> Self {
        if self.counts.len() > 1 {
            self.counts = merged(std::mem::take(&mut self.counts));
        }
        self
    }
}

/// Adds up changes of equal places: a merge takes from one dossier what it gives to another.
fn merged(counts: Vec<PlacedCounts>) -> Vec<PlacedCounts> {
    let mut sums: BTreeMap<Arc<Place>, BTreeMap<Counted, i64>> = BTreeMap::new();
    for (place, counts) in counts {
        let sums = sums.entry(place).or_default();
        for (counted, n) in counts {
            *sums.entry(counted).or_default() += n;
        }
    }
    let left = |counts: BTreeMap<Counted, i64>| -> Vec<_> {
        counts.into_iter().filter(|(_, n)| *n != 0).collect()
    };
    sums.into_iter().map(|(place, counts)| (place, left(counts))).collect()
}

/// The text of a state as stored and served.
pub fn public_text(state: &DossierState) -> String {
    // Every member is text, number, list or map with text keys: nothing can fail.
    serde_json::to_string(state).unwrap_or_default()
}
