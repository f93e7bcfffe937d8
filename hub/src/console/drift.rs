//! The page's section of what channels send.

use std::sync::Arc;

use mappings::profile::Change;

use crate::{
    operations::{Drift, Operations},
    store::StoreError,
};

/// Changes shown of one channel, and in all.
const CHANGES_OF_ONE: usize = 5;
const CHANGES_SHOWN: usize = 20;

/// What channels send, as the page shows it.
pub(super) struct Section(Arc<Drift>);

impl Section {
    /// Reads it.
    pub(super) async fn read(operations: &Operations) -> Result<Self, StoreError> {
        Ok(Self(operations.drift_lately().await?))
    }

    /// What was looked at of each channel.
    pub(super) fn channels(&self) -> &[crate::operations::ChannelDrift] {
        &self.0.channels
    }

    /// The newest changes of each channel.
    pub(super) fn changes(&self) -> impl Iterator<Item = (&str, &Change)> {
        let of =
            |channel: &crate::operations::ChannelDrift| channel.changes.len().min(CHANGES_OF_ONE);
        let each = self.0.channels.iter().flat_map(move |channel| {
            channel.changes.iter().take(of(channel)).map(|one| (channel.channel.as_str(), one))
        });
        each.take(CHANGES_SHOWN)
    }
}
