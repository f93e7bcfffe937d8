//! What becomes of a message that is translated again: compared with what was told of it. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use contracts::{Problem, Refusal};
use serde::Deserialize;
use serde_json::Value;

use super::Difference;
use crate::store::{Item, PersonalText, Prepared, StoreError, retranslation::ToldEntry};

/// Letters of a value that are shown.
const SHOWN_MAX: usize = 60;

/// What was told of a record under a contract.
#[derive(Debug)]
struct Told {
    position: u64,
    key: String,
    withdraws: bool,
    public: Vec<u8>,
}

/// What was told of a message so far, by all attempts at it.
#[derive(Debug, Default)]
pub(super) struct Before {
    told: HashMap<(u32, String), Told>,
    refused: HashMap<Option<u32>, Vec<Problem>>,
    personal: HashMap<u64, Vec<u8>>,
    /// The last position of it.
    pub(super) last: u64,
    attempts: u32,
}

#[derive(Deserialize)]
struct Named {
    contract: Option<String>,
    key: Option<String>,
}

impl Before {
    /// Adds what an attempt told, the latest first.
    pub(super) fn add(&mut self, entries: &[ToldEntry]) -> Result<(), StoreError> {
        let damaged = |position: u64| {
            move |error: serde_json::Error| {
                StoreError::fault(format!("the entry at position {position} is damaged: {error}"))
            }
        };
        for entry in entries {
            let position = entry.position;
            self.last = self.last.max(position);
            if entry.kind == "refusal" {
                let told: Vec<Refusal> =
                    serde_json::from_slice(&entry.public).map_err(damaged(position))?;
                // Only what the last attempt has refused is refused.
                if self.attempts == 0 {
                    self.refused.extend(told.into_iter().map(|one| (one.record, one.problems)));
                }
                continue;
            }
            let named: Named = serde_json::from_slice(&entry.text).map_err(damaged(position))?;
            let (Some(record), Some(contract)) = (entry.record, named.contract) else { continue };
            self.told.entry((record, contract)).or_insert_with(|| Told {
                position,
                key: named.key.unwrap_or_default(),
                withdraws: entry.kind == "retraction",
                public: entry.public.clone(),
            });
        }
        self.attempts += 1;
        Ok(())
    }

    /// The positions of what stands.
    pub(super) fn positions(&self) -> Vec<u64> {
        self.told.values().map(|told| told.position).collect()
    }

    /// Adds the personal texts of what stands.
    pub(super) fn personal(&mut self, texts: Vec<PersonalText>) {
        self.personal = texts.into_iter().collect();
    }
}

/// What is to be taken of a message.
#[derive(Debug)]
pub(super) struct Plan {
    /// Its records: of those that come out as before, nothing.
    pub(super) items: Vec<Item>,
    /// Records that come out otherwise.
    pub(super) differences: Vec<Difference>,
    /// Whether a record is refused otherwise than before.
    refused_otherwise: bool,
    pub(super) stored: u64,
    pub(super) superseding: u64,
    pub(super) refused: u64,
}

impl Plan {
    /// Compares; `None` where something that stands would be lost.
    pub(super) fn new(message: &str, items: Vec<Item>, before: &Before) -> Option<Self> {
        let mut plan = Self {
            items: Vec::with_capacity(items.len()),
            differences: Vec::new(),
            refused_otherwise: false,
            stored: 0,
            superseding: 0,
            refused: 0,
        };
        let mut made: HashSet<(u32, String)> = HashSet::new();
        for Item { record, key, outcome } in items {
            let outcome = match outcome {
                Err(problems) => {
                    plan.refused_otherwise |= before.refused.get(&record) != Some(&problems);
                    Err(problems)
                }
                Ok(prepared) => {
                    let mut kept = Vec::new();
                    for one in prepared {
                        let name = (record.unwrap_or(0), one.contract.to_string());
                        let told = before.told.get(&name);
                        made.insert(name);
                        kept.extend(plan.compared((message, record), one, told, before)?);
                    }
                    Ok(kept)
                }
            };
            plan.items.push(Item { record, key, outcome });
        }
        before.told.keys().all(|name| made.contains(name)).then_some(plan)
    }

    /// What is to be taken of a record: nothing where it is as before; `None` where what stands
    /// would be lost.
    fn compared(
        &mut self,
        (message, record): (&str, Option<u32>),
        one: Prepared,
        told: Option<&Told>,
        before: &Before,
    ) -> Option<Option<Prepared>> {
        let Some(told) = told else { return Some(Some(one)) };
        if told.key != one.key || told.withdraws != one.withdraws() {
            return None;
        }
        let own = before.personal.get(&told.position).map(Vec::as_slice);
        let new = one.personal.as_ref().map(|text| text.text.as_bytes());
        if told.public == one.public.as_bytes() && own == new {
            return Some(None);
        }
        // What is about no dossier is superseded by a later version alone.
        one.content.as_ref()?;
        let mut members = members(&told.public, one.public.as_bytes());
        if own != new {
            members.push("(personal)".to_owned());
        }
        let (message, key) = (message.to_owned(), one.key.clone());
        self.differences.push(Difference { message, record, key, members });
        Some(Some(Prepared { supersedes: Some(told.position), ..one }))
    }

    /// Counts what is to be taken.
    pub(super) fn count(&mut self) {
        for item in &self.items {
            match &item.outcome {
                Err(_) => self.refused += 1,
                Ok(prepared) => {
                    let superseding = prepared.iter().filter(|one| one.supersedes.is_some());
                    let superseding = superseding.count() as u64;
                    self.superseding += superseding;
                    self.stored += prepared.len() as u64 - superseding;
                }
            }
        }
    }

    /// Whether everything is as before.
    pub(super) fn is_nothing(&self) -> bool {
        self.stored == 0 && self.superseding == 0 && !self.refused_otherwise
    }
}

/// The members that differ between two public texts.
fn members(before: &[u8], after: &[u8]) -> Vec<String> {
    let read = |text: &[u8]| -> BTreeMap<String, Value> {
        serde_json::from_slice(text).unwrap_or_default()
    };
    let shown = |value: Option<&Value>| -> String {
        value.map_or("–".to_owned(), |value| value.to_string().chars().take(SHOWN_MAX).collect())
    };
    let (before, after) = (read(before), read(after));
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    names
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| format!("{name}: {} → {}", shown(before.get(name)), shown(after.get(name))))
        .collect()
}
