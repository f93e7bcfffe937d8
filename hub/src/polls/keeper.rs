//! Says in the store, of all turns under way together, that they go on.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::store::{Store, pollers::Kept};

/// How often: a turn is somebody's for longer.
const KEEP_EVERY: Duration = Duration::from_secs(2);

/// One turn under way.
struct Held {
    token: u64,
    /// Ends it when it is lost: what is handed over from then on would not be taken.
    stop: CancellationToken,
    well: Arc<AtomicBool>,
}

/// The turns under way in this process.
#[derive(Clone, Default)]
pub(super) struct Keeper(Arc<Mutex<HashMap<String, Held>>>);

impl Keeper {
    /// Notes a turn that begins.
    pub(super) fn begins(
        &self,
        channel: &str,
        token: u64,
        (stop, well): (CancellationToken, Arc<AtomicBool>),
    ) {
        if let Ok(mut held) = self.0.lock() {
            held.insert(channel.to_owned(), Held { token, stop, well });
        }
    }

    /// Forgets a turn that has ended.
    pub(super) fn ends(&self, channel: &str) {
        if let Ok(mut held) = self.0.lock() {
            held.remove(channel);
        }
    }

    fn all(&self) -> Vec<Kept> {
        let Ok(held) = self.0.lock() else { return Vec::new() };
        let kept = held.iter().map(|(channel, held)| Kept {
            channel: channel.clone(),
            token: held.token,
            well: held.well.load(Ordering::Acquire),
        });
        kept.collect()
    }

    fn lost(&self, asked: &[Kept], kept: &[String]) {
        let Ok(held) = self.0.lock() else { return };
        for one in asked.iter().filter(|one| !kept.contains(&one.channel)) {
            if let Some(held) = held.get(&one.channel).filter(|held| held.token == one.token) {
                held.stop.cancel();
            }
        }
    }

    /// Keeps turns until told that none is under way any more.
    pub(super) async fn run(self, store: Arc<dyn Store>, over: CancellationToken) {
        while over.run_until_cancelled(sleep(KEEP_EVERY)).await.is_some() {
            let asked = self.all();
            if asked.is_empty() {
                continue;
            }
            match store.keep_turns(asked.clone()).await {
                Ok(kept) => self.lost(&asked, &kept),
                // They may well be in force still: whoever accepts proves it.
                Err(error) => tracing::warn!(%error, "turns of reading could not be kept"),
            }
        }
    }
}
