//! How far the journal was published to a broker, and whose turn that is (decision 42).
//!
//! Publishing is done in turns. Whoever has the turn holds a token for a time; the position moves
//! only while the token is in force. So one process at a time publishes, and one that was stopped
//! in the middle moves nothing when it wakes: what it has published is published again under the
//! same ids.

use std::time::Duration;

use super::{Answer, StoreError};

/// How long a turn is somebody's who says nothing more of it.
pub const LEASE: Duration = Duration::from_secs(6);

/// A turn that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publishing {
    /// Proves that the turn is in force; it only grows.
    pub token: u64,
    /// The entry that is published next.
    pub position: u64,
}

/// How far publishing is. Times are milliseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublishedRow {
    /// The entry that is published next: the broker has confirmed all before it.
    pub position: u64,
    /// The first entry that the broker has; more than 0 where it lost what was before it.
    pub since: u64,
    /// Whether somebody is at it now.
    pub under_way: bool,
    /// Who was at it last.
    pub holder: String,
    /// When the position moved.
    pub moved_at: Option<i64>,
}

/// Publishing. One method = one transaction.
pub trait Published: Send + Sync {
    /// Takes the turn; none where it is another's, or where the store takes part in a move.
    fn take_publishing(&self) -> Answer<'_, Result<Option<Publishing>, StoreError>>;

    /// Says of a turn that it goes on; false where it is another's.
    fn keep_publishing(&self, token: u64) -> Answer<'_, Result<bool, StoreError>>;

    /// Moves the position of a turn; false where it is another's: then nothing moves.
    fn move_published(&self, token: u64, to: u64) -> Answer<'_, Result<bool, StoreError>>;

    /// Notes that the broker has nothing before the position of a turn any more; false where it is
    /// another's.
    fn lose_published(&self, token: u64) -> Answer<'_, Result<bool, StoreError>>;

    /// Gives a turn up, so that another process need not wait for its end.
    fn leave_publishing(&self, token: u64) -> Answer<'_, Result<(), StoreError>>;

    /// Has everything from a position on published again, and ends the turn of whoever is at it.
    fn publish_again(&self, from: u64) -> Answer<'_, Result<(), StoreError>>;

    /// How far publishing is.
    fn published(&self) -> Answer<'_, Result<PublishedRow, StoreError>>;
}
