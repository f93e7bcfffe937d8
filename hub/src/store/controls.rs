//! What a store keeps of controls, and the keys that it has of a source.

use serde::Serialize;

use super::{Answer, StoreError, channels::instant};

/// What is compared in a control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ControlKind {
    /// Keys of dossiers.
    Keys,
    /// Numbers of dossiers by day.
    Totals,
}

impl ControlKind {
    /// Its name in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Totals => "totals",
        }
    }
}

/// What came of a control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ControlRow {
    /// The channel.
    pub channel: String,
    /// When it was made, in milliseconds since 1970; told as an instant.
    #[serde(serialize_with = "instant")]
    #[schema(value_type = String, format = DateTime)]
    pub at: i64,
    /// What was compared.
    pub kind: ControlKind,
    /// The source whose dossiers they are.
    pub source: String,
    /// How many keys, or numbers, were told.
    pub told: u64,
    /// Keys of those that the hub has not, or numbers of which it has fewer.
    pub missing: u64,
    /// Keys that it has beside those, or numbers of which it has more.
    pub extra: u64,
}

/// Which keys of a source are wanted, in the order of their bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// The source.
    pub source: String,
    /// Keys behind this one, or from it on.
    pub from: (String, bool),
    /// The last one.
    pub to: String,
    /// How many at most.
    pub limit: u32,
}

/// Controls. One method = one transaction.
pub trait Controls: Send + Sync {
    /// Keys of dossiers that a source has told and not withdrawn.
    fn keys_of(&self, range: KeyRange) -> Answer<'_, Result<Vec<String>, StoreError>>;

    /// Keeps what came of a control.
    fn keep_control(&self, row: ControlRow) -> Answer<'_, Result<(), StoreError>>;

    /// The latest control of keys, of one channel or of all.
    fn controls(&self, channel: Option<String>) -> Answer<'_, Result<Vec<ControlRow>, StoreError>>;
}
