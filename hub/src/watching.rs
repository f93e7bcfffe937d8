//! What an operator is to look at is looked for behind the work: alerts are opened and closed, and
//! each time that is logged once, whichever process finds it. And how often messages are sent
//! again is kept, which no transaction of theirs does, for they write nothing. Modes of channels
//! that were declared anew are put in force.

use std::{
    collections::{BTreeSet, HashMap},
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{Timestamp, tz};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    catalog::{ModeChange, SeenFiles},
    operations::{ALERT_KINDS, Operations},
    registry::measure::day_number,
    store::{StoreError, channels::Alert},
    telemetry::Telemetry,
};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(10);

/// How many looks lie between two for watches of dossiers that have ended by themselves.
const WATCHES_EVERY: u32 = 360;

/// Messages sent again since they were last kept, by channel. What a process has not kept when it
/// is killed is lost: nothing but conformance is told by it.
#[derive(Clone, Default)]
pub(crate) struct Repeats(Arc<Mutex<HashMap<String, u64>>>);

impl Repeats {
    /// Notes one.
    pub(crate) fn note(&self, channel: &str) {
        let Ok(mut all) = self.0.lock() else { return };
        match all.get_mut(channel) {
            Some(number) => *number += 1,
            None => drop(all.insert(channel.to_owned(), 1)),
        }
    }

    fn take(&self) -> HashMap<String, u64> {
        self.0.lock().map(|mut all| mem::take(&mut *all)).unwrap_or_default()
    }

    fn give_back(&self, taken: HashMap<String, u64>) {
        let Ok(mut all) = self.0.lock() else { return };
        for (channel, number) in taken {
            *all.entry(channel).or_default() += number;
        }
    }
}

/// Looks.
#[derive(Clone)]
pub(crate) struct Watching {
    operations: Operations,
    /// What was last seen of the files in which modes of channels are declared.
    seen: Arc<Mutex<SeenFiles>>,
    telemetry: Arc<Telemetry>,
    /// Messages sent again: who takes messages notes them here.
    repeats: Repeats,
}

impl Watching {
    pub(crate) fn new(operations: Operations, telemetry: Arc<Telemetry>, repeats: Repeats) -> Self {
        Self { operations, seen: Arc::default(), telemetry, repeats }
    }

    /// Looks until told to stop, and keeps then what is not kept yet.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut looks = 0_u32;
        loop {
            if looks.is_multiple_of(WATCHES_EVERY) {
                self.end_watches().await;
            }
            looks = looks.wrapping_add(1);
            self.reread_modes().await;
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "how channels stand is not known; it is looked again");
            }
            if stop.run_until_cancelled(sleep(EVERY)).await.is_none() {
                break;
            }
        }
        if let Err(error) = self.keep_repeats().await {
            tracing::warn!(%error, "how often messages were sent again is not kept");
        }
    }

    /// Puts modes in force that were declared anew: a channel is promoted while the hub runs.
    async fn reread_modes(&self) {
        let (catalog, seen) = (self.operations.catalog.clone(), self.seen.clone());
        let read = move || {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            catalog.reread_modes(&mut seen)
        };
        let Ok((changes, faults)) = tokio::task::spawn_blocking(read).await else { return };
        for ModeChange { channel, from, to } in changes {
            let (from, to) = (from.as_str(), to.as_str());
            tracing::info!(channel.id = channel, from, to, "a channel's mode has changed");
        }
        for fault in faults {
            tracing::error!(fault, "modes of channels stay as they are");
        }
    }

    /// Takes watches away that have ended by themselves: nothing is told by them, but they count.
    async fn end_watches(&self) {
        match self.operations.end_watches(Timestamp::now()).await {
            Ok(0) => {}
            Ok(ended) => tracing::info!(ended, "watches of dossiers have ended"),
            Err(error) => tracing::warn!(%error, "which watches have ended is not known"),
        }
    }

    async fn keep_repeats(&self) -> Result<(), StoreError> {
        let taken = self.repeats.take();
        if taken.is_empty() {
            return Ok(());
        }
        let day = day_number(tz::offset(7).to_datetime(Timestamp::now()).date());
        let rows = taken.iter().map(|(channel, number)| (channel.clone(), *number)).collect();
        let kept = self.operations.store.add_repeats(day, rows).await;
        if kept.is_err() {
            self.repeats.give_back(taken);
        }
        kept
    }

    async fn look(&self) -> Result<(), StoreError> {
        self.keep_repeats().await?;
        let now = Timestamp::now();
        let standing = self.operations.standing_alerts(now).await?;
        let open = self.operations.store.alerts().await?;
        let names = |alerts: &[Alert]| -> BTreeSet<(String, String)> {
            alerts.iter().map(|one| (one.channel.clone(), one.kind.clone())).collect()
        };
        // Most of the time nothing has changed, and nothing is written.
        if names(&standing) != names(&open) {
            let (kinds, millis) = (ALERT_KINDS.to_vec(), now.as_millisecond());
            for one in self.operations.store.stand(kinds, standing.clone(), millis).await? {
                let (channel, kind, told) = (&one.channel, &one.kind, &one.told.en);
                match one.closed_at {
                    None => tracing::warn!(channel.id = channel, kind, told, "an alert is open"),
                    Some(_) => tracing::info!(channel.id = channel, kind, "an alert is closed"),
                }
            }
        }
        self.telemetry.alerts(standing.iter().map(|one| (&*one.channel, &*one.kind)));
        Ok(())
    }
}
