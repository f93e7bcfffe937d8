//! What a store keeps of refusals that are open: [`batch::refused`](super::batch::refused) says
//! when one is.

use contracts::Refusal;
use serde::Serialize;

use super::{Answer, StoreError};

/// The code under which all refusals of a channel stand.
pub const ANY_CODE: &str = "";

/// Names a refusal within its channel: the entry that tells it, and its place there.
pub type RefusalPlace = (u64, u32);

/// Which open refusals are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalQuery {
    /// Of this channel.
    pub channel: String,
    /// With a problem of this code; with any where it is [`ANY_CODE`].
    pub code: String,
    /// Those told before this one.
    pub before: Option<RefusalPlace>,
    /// How many at most.
    pub limit: u32,
}

/// A refusal that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RefusalRow {
    /// The entry that tells it.
    pub position: u64,
    /// Its place among those of that entry.
    #[serde(skip)]
    pub place: u32,
    /// The message's id.
    pub message: String,
    /// When the message was recorded.
    pub recorded_at: String,
    /// The key that its record bears, where that could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The record, and what is wrong with it.
    #[serde(flatten)]
    #[schema(value_type = crate::described::Refusal)]
    pub refusal: Refusal,
}

/// How many refusals of a channel are open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalCount {
    /// The channel.
    pub channel: String,
    /// A code of problems, or [`ANY_CODE`].
    pub code: String,
    /// How many have one of it.
    pub refusals: u64,
}

/// Open refusals. One method = one transaction.
pub trait Refusals: Send + Sync {
    /// Some of a channel, the latest first.
    fn open_refusals(&self, query: RefusalQuery)
    -> Answer<'_, Result<Vec<RefusalRow>, StoreError>>;

    /// How many there are, by channel and code, of one channel or of all.
    fn refusal_counts(
        &self,
        channel: Option<String>,
    ) -> Answer<'_, Result<Vec<RefusalCount>, StoreError>>;

    /// Settles all of a message by hand; gives how many there were.
    fn settle_refusals(&self, channel: String, id: String) -> Answer<'_, Result<u64, StoreError>>;
}

/// The refusal at a place of an entry.
pub(super) fn at(position: u64, told: &[Refusal], place: u32) -> Result<Refusal, StoreError> {
    let refusal = usize::try_from(place).ok().and_then(|place| told.get(place));
    refusal.cloned().ok_or_else(|| {
        StoreError::fault(format!("the entry {position} tells no refusal at place {place}"))
    })
}

/// The refusals that an entry tells.
pub(super) fn told(position: u64, public: &[u8]) -> Result<Vec<Refusal>, StoreError> {
    serde_json::from_slice(public)
        .map_err(|error| StoreError::fault(format!("the refusals of entry {position}: {error}")))
}
