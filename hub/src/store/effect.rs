//! What one more observation changes: dossiers, their members, and numbers. Pure.

use std::{
    borrow::Borrow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::Rules;
use crate::registry::{
    Counted, DossierState, Groups, Identity, Observation, Place, PlacedCounts, Settings, changes,
    fold_standing, group,
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

/// All that one more observation changes.
#[derive(Debug, Default)]
pub struct Effect {
    /// Where every name of the component belongs.
    pub members: Vec<Membership>,
    /// Dossiers with their new states; `None` for a key that is no dossier's any more.
    pub dossiers: Vec<(String, Option<DossierState>)>,
    /// Changes of numbers by place, without zeros.
    pub counts: Vec<PlacedCounts>,
}

/// Folds a component (all observations of all names that may be joined) and compares it with the
/// states before, which were counted by the settings before.
pub fn effect<O: Borrow<Observation>>(
    observations: &[O],
    before: &BTreeMap<String, &DossierState>,
    was: &Settings,
    rules: &Rules,
) -> Effect {
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
        if *was == rules.settings {
            effect.counts.extend(changes(old, new.as_ref(), was));
        } else {
            // A state that stays the same may count otherwise.
            effect.counts.extend(changes(old, None, was));
            effect.counts.extend(changes(None, new.as_ref(), &rules.settings));
        }
        effect.dossiers.push((key, new));
    }
    if effect.counts.len() > 1 {
        effect.counts = merged(std::mem::take(&mut effect.counts));
    }
    effect
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
