//! The page's section of what channels send.

use std::{collections::BTreeSet, sync::Arc};

use mappings::profile::Change;

use crate::{
    operations::{Drift, Operations},
    store::StoreError,
};

/// Changes shown of one channel, and in all.
const CHANGES_OF_ONE: usize = 5;
const CHANGES_SHOWN: usize = 20;

/// What channels send, as the page shows it.
pub(super) struct Section {
    drift: Arc<Drift>,
    /// The channels that are held now.
    held: BTreeSet<String>,
}

impl Section {
    /// Reads it.
    pub(super) async fn read(operations: &Operations) -> Result<Self, StoreError> {
        let held = operations.held().await?.into_iter().map(|(channel, _)| channel);
        Ok(Self { drift: operations.drift_lately().await?, held: held.collect() })
    }

    /// What was looked at of each channel.
    pub(super) fn channels(&self) -> &[crate::operations::ChannelDrift] {
        &self.drift.channels
    }

    /// Whether a channel is held because of them.
    pub(super) fn is_held(&self, channel: &str) -> bool {
        self.held.contains(channel)
    }

    /// The newest changes of each channel.
    pub(super) fn changes(&self) -> impl Iterator<Item = (&str, &Change)> {
        let of =
            |channel: &crate::operations::ChannelDrift| channel.changes.len().min(CHANGES_OF_ONE);
        let each = self.drift.channels.iter().flat_map(move |channel| {
            channel.changes.iter().take(of(channel)).map(|one| (channel.channel.as_str(), one))
        });
        each.take(CHANGES_SHOWN)
    }
}
