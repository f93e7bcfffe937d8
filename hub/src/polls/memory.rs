//! What was read, by the store's keyed hash.

use std::sync::Arc;

use adapters::{inbound::Mark, reading::Memory};
use contracts::Later;
use futures_util::future::BoxFuture;

use crate::store::Store;

/// The store as readers see it.
pub(super) struct Kept(pub(super) Arc<dyn Store>);

impl Memory for Kept {
    fn mark(&self, bytes: &[u8]) -> Mark {
        let mut mark = Mark::default();
        let hash = self.0.dedup(bytes);
        mark.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
        mark
    }

    fn message(&self, described: &[u8]) -> String {
        let hash = self.0.dedup(described);
        hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn polled(
        &self,
        channel: &str,
        keys: Vec<Mark>,
    ) -> BoxFuture<'static, Result<Vec<(Mark, Mark)>, Later>> {
        let (store, channel) = (self.0.clone(), channel.to_owned());
        Box::pin(async move {
            store.polled(channel, keys).await.map_err(|error| {
                tracing::warn!(%error, "what was read before is not known");
                error.later()
            })
        })
    }

    fn keep(
        &self,
        channel: &str,
        token: u64,
        cursor: String,
    ) -> BoxFuture<'static, Result<bool, Later>> {
        let (store, channel) = (self.0.clone(), channel.to_owned());
        Box::pin(async move {
            let moved = store.move_cursor(channel, token, cursor).await;
            moved.map_err(|error| {
                tracing::warn!(%error, "a cursor was not moved");
                error.later()
            })
        })
    }
}
