//! What a store keeps of changes that hold channels (decision 41): begun with the turn that saw
//! them, in its transaction; ended by who accepts them; never deleted.

use mappings::profile::Change;

use super::{Answer, StoreError};

/// A change that holds its channel, or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRow {
    /// The channel.
    pub channel: String,
    /// Since when, in milliseconds since 1970.
    pub held_at: i64,
    /// Its place among those of that channel that began then.
    pub place: u32,
    /// The hash of the rules that read the field: it holds while they are the same.
    pub reading: String,
    /// The change.
    pub change: Change,
    /// When it was accepted, and by whom.
    pub accepted: Option<(i64, String)>,
}

/// Which of them are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HoldQuery {
    /// Of this channel alone.
    pub channel: Option<String>,
    /// Only those that nobody accepted.
    pub open: bool,
}

/// Changes that hold channels. One method = one transaction.
pub trait Holds: Send + Sync {
    /// Some, by channel and time.
    fn drift_holds(&self, query: HoldQuery) -> Answer<'_, Result<Vec<HoldRow>, StoreError>>;

    /// Accepts all of a channel that are open; gives them.
    fn accept_drift(
        &self,
        channel: String,
        at: i64,
        by: String,
    ) -> Answer<'_, Result<Vec<HoldRow>, StoreError>>;
}

/// A change as it is stored.
pub(super) fn text(change: &Change) -> Result<String, StoreError> {
    serde_json::to_string(change).map_err(|error| StoreError::fault(error.to_string()))
}

/// A change that was stored.
pub(super) fn change(channel: &str, text: &str) -> Result<Change, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::fault(format!("what holds {channel} is damaged: {error}")))
}
