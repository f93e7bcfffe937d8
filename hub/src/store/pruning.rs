//! What `lienthong prune` asks of a store: dropping raw bytes for their age, nothing else.
//!
//! Messages are numbered in the order of their times, so what is older than a time is what comes
//! before a number. The number stands in the head: raw bytes that are missing behind it are a
//! fault that `verify` tells.

use jiff::Timestamp;

use super::{Answer, StoreError};

/// Raw bytes of one batch: more are dropped in several transactions.
pub(super) const BATCH_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Pieces of one batch.
pub(super) const BATCH_PIECES_MAX: usize = 1_024;

/// Raw bytes that are dropped, or would be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Raw {
    /// Messages.
    pub messages: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What is older than a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Old {
    /// The first message that is not.
    pub first_kept: u64,
    /// The raw bytes that are there of those before it.
    pub raw: Raw,
}

/// Pruning. One method = one transaction.
pub trait Pruning: Send + Sync {
    /// What was recorded before a time.
    fn older(&self, than: Timestamp) -> Answer<'_, Result<Old, StoreError>>;

    /// Notes in the head that raw bytes before a message are dropped; done before any is.
    fn mark_pruned(&self, first_kept: u64) -> Answer<'_, Result<(), StoreError>>;

    /// Drops some of them; nothing once none is left.
    fn prune(&self, first_kept: u64) -> Answer<'_, Result<Option<Raw>, StoreError>>;

    /// Gives room that became free back to the disk, where that does not happen by itself. Nobody
    /// else may use the store meanwhile.
    fn compact(&self) -> Answer<'_, Result<(), StoreError>>;
}

/// A store that is one end of a move keeps what it has until the move is over.
pub(super) fn moving() -> StoreError {
    StoreError::fault("this store takes part in a move: nothing is dropped from it meanwhile")
}

/// What a backup reads is there until it is made.
pub(super) fn held() -> StoreError {
    StoreError::fault("a backup is being made: run prune again when it is done")
}

/// The first number from 1 on whose message is not older, there being so many: by halves, for
/// times never go back.
pub(super) fn middle((low, high): (u64, u64)) -> Option<u64> {
    (low < high).then(|| low + (high - low) / 2)
}

/// What `verify` tells of raw bytes that are not there.
pub(super) fn tell(verdict: &mut super::Verdict, pruned: u64, lost: &[u64]) {
    verdict.pruned = pruned;
    for message in lost {
        verdict.add(format!("the raw bytes of message {message} are gone, and were not pruned"));
    }
}
