//! What the province publishes, as a store keeps it: content that a reference entry names by hash
//! (semantics §2), so that every process and both stores answer from the same.

use super::{Answer, StoreError};
use crate::journal::merkle::Digest;

/// A catalogue in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// The log that its entry stands in.
    pub log_id: String,
    /// The position of its entry.
    pub position: u64,
    /// The hash of its content, by which it is known again.
    pub hash: Digest,
    /// Its content.
    pub content: Vec<u8>,
}

/// What a store has in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// No catalogue.
    Nothing,
    /// The one that is known.
    Known,
    /// This one.
    Other(InForce),
}

/// Catalogues. One method = one transaction.
pub trait Catalogues: Send + Sync {
    /// Puts a catalogue in force: where its content is another than that of the one that is, a
    /// reference entry tells so. Gives whether it was another. No fold depends on it.
    fn publish(&self, content: Vec<u8>) -> Answer<'_, Result<bool, StoreError>>;

    /// The catalogue in force before a position, or now: its content too, unless it is the one
    /// `known`, of that position and hash.
    fn catalogue(
        &self,
        before: Option<u64>,
        known: Option<(u64, Digest)>,
    ) -> Answer<'_, Result<Held, StoreError>>;

    /// The position of the first entry, at a position or after it, that put a catalogue in force.
    fn next_catalogue(&self, from: u64) -> Answer<'_, Result<Option<u64>, StoreError>>;
}
