//! Messages that are kept go the same way once more, after their channel's mapping was mended.

use std::sync::Arc;

use contracts::{Later, Receipt};

use super::Journey;
use crate::{
    journal::{
        commitment::{DedupHash, Salt, commit},
        entry::Mode,
        merkle::Digest,
    },
    store::{Item, Payload, Submission},
};

/// A message as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    /// The channel.
    pub(crate) channel: String,
    /// Its id.
    pub(crate) id: String,
    /// Keyed hash of its bytes.
    pub(crate) dedup: DedupHash,
    /// The mode it was taken in.
    pub(crate) mode: Mode,
    /// Its bytes.
    pub(crate) bytes: bytes::Bytes,
    /// Their media type, as sent.
    pub(crate) content_type: Option<String>,
}

impl Journey {
    /// What the channel's mapping makes of bytes now. Takes as long as they are large.
    pub(crate) fn translated(&self, channel: &str, bytes: &[u8]) -> Vec<Item> {
        let mut items = Vec::new();
        if let Some(found) = self.catalog.channel(channel) {
            self.translate((found, channel), bytes, &mut |item| {
                items.push(item);
                true
            });
        }
        items
    }

    /// Takes a message again that is kept, with what was made of it; an attempt that has begun is
    /// finished, and one that was made by this mapping stays.
    pub(crate) async fn again(&self, kept: Kept, items: Vec<Item>) -> Result<Receipt, Later> {
        let later = |reason: &str| Later { reason: reason.to_owned(), retry_after_seconds: 5 };
        let channel = self.catalog.channel(&kept.channel);
        let mapping = channel.ok_or_else(|| later("the channel is not configured"))?.hash;
        let salt = Salt::random().map_err(|_| later("no randomness"))?;
        let Kept { channel, id, dedup, mode, bytes, content_type } = kept;
        let raw = commit(&salt, &bytes);
        let first = Submission {
            // One that was derived from the bytes is in no entry.
            id_given: id != Digest::from_bytes(*dedup.as_bytes()).to_string(),
            channel,
            id,
            mode,
            dedup,
            raw,
            mapping,
            contracts: self.hashes.clone(),
            payload: Arc::new(Payload { salt, bytes, content_type }),
            chunk: 0,
            last: false,
            items: Arc::default(),
            advance: None,
            again: true,
        };
        self.all(first, items).await
    }
}
