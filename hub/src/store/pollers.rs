//! What a store keeps of channels that the hub reads itself (decision 27).
//!
//! Reading is done in turns. Whoever takes a channel's turn has a token for a time; what is read
//! is accepted only while the token is in force, and the accepting transaction moves the cursor. So
//! one process at a time reads a channel, and one that was stopped in the middle moves nothing when
//! it wakes.

use std::time::Duration;

use adapters::inbound::Mark;
use contracts::problem::Bilingual;
use serde::{Deserialize, Serialize};

use super::{Answer, StoreError};

/// How long a turn is somebody's who says nothing more of it.
pub const LEASE: Duration = Duration::from_secs(6);

/// A turn that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollTurn {
    /// Proves that the turn is in force; it only grows.
    pub token: u64,
    /// Where reading goes on; none before anything was read.
    pub cursor: Option<String>,
    /// Turns in a row that failed before this one, nothing having been read in between.
    pub failures: u32,
}

/// What whoever asks for a turn is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It has the turn.
    Turn(PollTurn),
    /// Nothing is to be done, or another is at it: it may ask again after so long.
    After(Duration),
}

/// Why a turn failed: a stable code, and words without data of agencies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PollTrouble {
    /// The code.
    pub code: String,
    /// What is wrong and what to do about it.
    #[schema(value_type = crate::described::Bilingual)]
    pub told: Bilingual,
}

/// A turn that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The channel.
    pub channel: String,
    /// The turn's token.
    pub token: u64,
    /// Whether reading is known to succeed, for turns that last.
    pub well: bool,
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollEnd {
    /// The channel.
    pub channel: String,
    /// The turn's token.
    pub token: u64,
    /// Whether the cursor was moved in it: where it failed, it is the first in a row.
    pub moved: bool,
    /// Why it failed, where it did.
    pub trouble: Option<PollTrouble>,
    /// How long until the next is due.
    pub pause: Duration,
}

/// How a channel that is read stands. Times are milliseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PollerRow {
    /// The channel.
    pub channel: String,
    /// Whether somebody is at it now.
    pub under_way: bool,
    /// Who was at it last.
    pub holder: String,
    /// When a turn ended well.
    pub succeeded_at: Option<i64>,
    /// When the cursor moved.
    pub moved_at: Option<i64>,
    /// When the next turn is due.
    pub due_at: i64,
    /// Turns in a row that failed, nothing having been read in between.
    pub failures: u32,
    /// Why the last one did.
    pub trouble: Option<PollTrouble>,
}

/// Pollers. One method = one transaction.
pub trait Pollers: Send + Sync {
    /// Takes the turn of a channel, if it is due and nobody's. One that did not fail is due after
    /// `every` at the latest, whatever was planned before.
    fn take_turn(&self, channel: String, every: Duration) -> Answer<'_, Result<Taken, StoreError>>;

    /// Ends the turns that a process before this one has left behind, where no other can be at work
    /// beside it: once, when a hub starts.
    fn begin_turns(&self) -> Answer<'_, Result<(), StoreError>>;

    /// Says of turns that they go on; gives the channels of those that are in force.
    fn keep_turns(&self, turns: Vec<Kept>) -> Answer<'_, Result<Vec<String>, StoreError>>;

    /// Moves the cursor of a turn; false where it is another's.
    fn move_cursor(
        &self,
        channel: String,
        token: u64,
        cursor: String,
    ) -> Answer<'_, Result<bool, StoreError>>;

    /// Ends a turn and notes how; false where it is another's: then nothing is noted.
    fn end_turn(&self, end: PollEnd) -> Answer<'_, Result<bool, StoreError>>;

    /// What was read last under some keys of a channel; nothing for those never read.
    fn polled(
        &self,
        channel: String,
        keys: Vec<Mark>,
    ) -> Answer<'_, Result<Vec<(Mark, Mark)>, StoreError>>;

    /// How every channel stands that was ever read, by channel.
    fn pollers(&self) -> Answer<'_, Result<Vec<PollerRow>, StoreError>>;
}

/// Milliseconds of a duration, as stores count them.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

/// How long until a time, at least a little.
pub(super) fn until(at: i64, now: i64) -> Duration {
    Duration::from_millis(u64::try_from(at.saturating_sub(now)).unwrap_or(0).max(50))
}

/// A mark that was stored.
///
/// # Errors
/// When it is damaged.
pub(super) fn mark(bytes: &[u8]) -> Result<Mark, StoreError> {
    bytes.try_into().map_err(|_| StoreError::fault("a stored mark is damaged"))
}

/// Trouble as it is stored.
pub(super) fn text(trouble: Option<&PollTrouble>) -> Option<String> {
    trouble.and_then(|trouble| serde_json::to_string(trouble).ok())
}

/// Trouble that was stored.
pub(super) fn trouble(text: Option<String>) -> Option<PollTrouble> {
    text.and_then(|text| serde_json::from_str(&text).ok())
}
