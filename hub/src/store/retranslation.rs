//! What a store gives to whoever translates messages again that it keeps.

use super::{Answer, StoreError};
use crate::journal::{commitment::DedupHash, merkle::Digest};

/// Which messages are to be translated again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptQuery {
    /// Of this channel.
    pub channel: String,
    /// Those that were translated by another mapping than this one.
    pub mapping: Digest,
    /// Numbered after this.
    pub after: u64,
    /// Recorded at this time or later, as the store writes it.
    pub since: Option<String>,
    /// Only those of which something was refused.
    pub refused: bool,
    /// How many at most.
    pub limit: u32,
}

/// A message that decides for its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptMessage {
    /// The attempt.
    pub message: u64,
    /// Its id.
    pub id: String,
    /// Keyed hash of its raw bytes.
    pub dedup: DedupHash,
    /// Its media type, as sent.
    pub content_type: Option<String>,
    /// The mode it was taken in.
    pub mode: String,
    /// The attempt whose telling stands: itself, or the one before it where it is not finished.
    pub told_by: u64,
    /// Whether its raw bytes went with an erasure, or were not kept for one.
    pub erased: bool,
}

/// An entry of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldEntry {
    /// Its position.
    pub position: u64,
    /// The number of its record.
    pub record: Option<u32>,
    /// Its kind.
    pub kind: String,
    /// Its text.
    pub text: Vec<u8>,
    /// Its public text.
    pub public: Vec<u8>,
}

/// What an attempt has told, and the attempt before it under the same id.
pub type ToldBy = (Vec<ToldEntry>, Option<u64>);

/// Messages that are kept. One method = one transaction.
pub trait Retranslation: Send + Sync {
    /// Some of them, in the order of their numbers; and those whose translating again was broken
    /// off.
    fn kept_messages(&self, query: KeptQuery) -> Answer<'_, Result<Vec<KeptMessage>, StoreError>>;

    /// What an attempt has told, in the order of the journal.
    fn told_by(&self, message: u64) -> Answer<'_, Result<ToldBy, StoreError>>;
}
