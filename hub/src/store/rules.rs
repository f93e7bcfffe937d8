//! The folds' rules: reference data that a journal entry names by hash (semantics §2).

use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::{
    journal::merkle::Digest,
    registry::{Reference, Settings, UnitVersions},
};

/// What folds depend on beside observations. Its text is content-addressed: equal rules have
/// equal texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Ranks and ownership of sources.
    pub reference: Reference,
    /// How numbers are counted.
    pub settings: Settings,
}

/// What a reference entry is a version of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceName {
    /// What folds depend on: [`Rules`].
    Rules,
    /// What the province publishes: agencies, fields, procedures, units. No fold depends on it:
    /// what folds take from it stands in the rules.
    Catalogue,
}

/// The public text of a reference entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceText {
    /// What it is a version of.
    pub name: ReferenceName,
    /// Hash of the content.
    pub content: Digest,
}

impl ReferenceText {
    /// The text of an entry that tells of a version.
    pub fn of(name: ReferenceName, content: Digest) -> String {
        // A name and a hash: nothing can fail.
        serde_json::to_string(&Self { name, content }).unwrap_or_default()
    }

    /// What the text of a reference entry tells.
    ///
    /// # Errors
    /// When it is none that the hub writes.
    pub fn read(public: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(public)
            .map_err(|error| StoreError::fault(format!("a reference is damaged: {error}")))
    }
}

impl Rules {
    /// Their text: members in fixed order, maps by key.
    pub fn content(&self) -> Vec<u8> {
        // Maps with text keys, numbers and words: nothing can fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The hash of their text.
    pub fn hash(&self) -> Digest {
        Digest::of(&self.content())
    }

    /// The rules of a text.
    ///
    /// # Errors
    /// When the text is not what [`Self::content`] writes.
    pub fn from_content(content: &[u8]) -> Result<Self, StoreError> {
        serde_json::from_slice(content)
            .map_err(|error| StoreError::fault(format!("the rules are damaged: {error}")))
    }
}

/// The rules that held from each position on, oldest first.
#[derive(Debug, Clone, Default)]
pub struct RulesHistory(pub Vec<(u64, Rules)>);

impl RulesHistory {
    /// Whether rules come into force at a position.
    pub fn begin_at(&self, position: u64) -> bool {
        self.0.binary_search_by_key(&position, |(at, _)| *at).is_ok()
    }

    /// The rules at the end.
    pub fn now(&self) -> Rules {
        self.0.last().map(|(_, rules)| rules.clone()).unwrap_or_default()
    }

    /// Those that came after a position and no later than another.
    pub fn between(&self, after: u64, until: u64) -> impl Iterator<Item = &(u64, Rules)> {
        self.0.iter().filter(move |(at, _)| *at > after && *at <= until)
    }

    /// How was counted until rules came at a position.
    pub fn settings_before(&self, position: u64) -> &Settings {
        static NONE: Settings = Settings { stopped_is_paused: false, units: UnitVersions::NONE };
        let before = position.checked_sub(1).and_then(|before| self.at(before));
        before.map_or(&NONE, |rules| &rules.settings)
    }

    /// The rules at a position.
    pub fn at(&self, position: u64) -> Option<&Rules> {
        self.0.iter().rev().find(|(at, _)| *at <= position).map(|(_, rules)| rules)
    }
}
