//! Visits what links lead to, for as long as the hub runs.
//!
//! One process at a time has the turn. It looks which addresses are due, and gives each host a
//! task, which visits one address after another with a rest between: no office's server is asked
//! twice at once, and one that hangs holds up no other.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use adapters::outbound::visit::Address;
use aws_lc_rs::rand;
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{interval, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{Going, decide};
use crate::{
    api::today,
    catalogue::Directory,
    operations::Operations,
    store::{Store, StoreError, visits::Visit},
};

/// How often it is looked whether there is something to do; this asks no store.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often the turn is said to go on; it is somebody's for longer.
const KEEP_EVERY: Duration = Duration::from_secs(2);
/// Hosts that are visited at once.
const HOSTS_MAX: usize = 8;
/// How often the store is asked what is due, at least and at most, and where another looks.
const ASK_LEAST: Duration = Duration::from_millis(500);
const ASK_MOST: Duration = Duration::from_secs(60);
const ASK_OTHER: Duration = Duration::from_secs(10);
/// The rest where the store does not answer.
const STORE_REST: Duration = Duration::from_secs(5);

/// What was looked at last, and when it is looked again.
struct Looked {
    going: Arc<Going>,
    directory: Arc<Directory>,
    again_at: Instant,
}

/// Visits until told to stop.
pub(crate) async fn run(operations: Operations, stop: CancellationToken) {
    let mut looked: Option<Looked> = None;
    while stop.run_until_cancelled(sleep(LOOK_EVERY)).await.is_some() {
        let (Some(going), Some(directory)) = (operations.links.going(), operations.published.get())
        else {
            continue;
        };
        let same = looked.as_ref().is_some_and(|looked| {
            Arc::ptr_eq(&looked.going, &going)
                && Arc::ptr_eq(&looked.directory, &directory)
                && Instant::now() < looked.again_at
        });
        if same {
            continue;
        }
        let turn = Turn { store: &operations.store, going: &going, directory: &directory };
        let rest = match turn.taken(&stop).await {
            Ok(rest) => rest,
            Err(error) => {
                tracing::warn!(%error, "links wait for the store");
                STORE_REST
            }
        };
        looked = Some(Looked { going, directory, again_at: Instant::now() + rest });
    }
}

/// A number from 0 to 1.
fn chance() -> f64 {
    let mut bytes = [0; 4];
    match rand::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}

/// One turn.
struct Turn<'a> {
    store: &'a Arc<dyn Store>,
    going: &'a Arc<Going>,
    directory: &'a Directory,
}

impl Turn<'_> {
    /// Takes the turn, and visits what is due; gives how long to rest.
    async fn taken(&self, stop: &CancellationToken) -> Result<Duration, StoreError> {
        let wanted = self.directory.addresses(today());
        if wanted.is_empty() {
            return Ok(ASK_MOST);
        }
        let Some(token) = self.store.take_visits().await? else { return Ok(ASK_OTHER) };
        let done = self.visit_all(token, &wanted, stop).await;
        // It runs out by itself where this cannot be told.
        let _ = self.store.leave_visits(token).await;
        done
    }

    async fn visit_all(
        &self,
        token: u64,
        wanted: &BTreeMap<&str, usize>,
        stop: &CancellationToken,
    ) -> Result<Duration, StoreError> {
        let rows = self.store.visits().await?;
        let due = decide::due(wanted, &rows, self.going.settings.every);
        if !due.gone.is_empty() && !self.store.forget_visits(token, due.gone).await? {
            return Ok(ASK_OTHER);
        }
        let mut hosts: BTreeMap<String, Vec<(String, u32)>> = BTreeMap::new();
        for (url, failures) in due.now {
            let host = Address::parse(&url).map_or_else(|_| url.clone(), |address| address.host);
            hosts.entry(host).or_default().push((url, failures));
        }
        if hosts.is_empty() {
            let next = due.next.and_then(|millis| u64::try_from(millis).ok());
            let next = next.map_or(ASK_MOST, Duration::from_millis);
            return Ok(next.clamp(ASK_LEAST, ASK_MOST));
        }
        let (mut tasks, room) = (JoinSet::new(), Arc::new(Semaphore::new(HOSTS_MAX)));
        for urls in hosts.into_values() {
            let host = Host { store: self.store.clone(), going: self.going.clone(), token };
            let room = room.clone();
            tasks.spawn(async move {
                let _room = room.acquire_owned().await;
                host.visit(urls).await
            });
        }
        let mut keep = interval(KEEP_EVERY);
        loop {
            // Tasks end with the set: what was not noted is visited again.
            tokio::select! {
                () = stop.cancelled() => return Ok(ASK_OTHER),
                _ = keep.tick() => {
                    if !self.store.keep_visits(token).await? {
                        tracing::info!("another process visits links from now on");
                        return Ok(ASK_OTHER);
                    }
                }
                ended = tasks.join_next() => match ended {
                    None => return Ok(ASK_LEAST),
                    Some(Ok(Ok(true))) => {}
                    Some(Ok(Ok(false))) => return Ok(ASK_OTHER),
                    Some(Ok(Err(error))) => return Err(error),
                    Some(Err(error)) => {
                        tracing::error!(%error, "visiting a host has broken down");
                        return Ok(STORE_REST);
                    }
                }
            }
        }
    }
}

/// What is done at one host.
struct Host {
    store: Arc<dyn Store>,
    going: Arc<Going>,
    token: u64,
}

impl Host {
    /// Visits its addresses one after the other; false where the turn is lost.
    async fn visit(&self, urls: Vec<(String, u32)>) -> Result<bool, StoreError> {
        for (at, (url, failures)) in urls.into_iter().enumerate() {
            if at > 0 {
                sleep(self.going.rest()).await;
            }
            let found = self.going.visitor.visit(&url).await;
            let failed = found.nowhere.is_some();
            let failures = if failed { failures.saturating_add(1) } else { 0 };
            if failures == decide::DEAD_AFTER {
                let reason = found.nowhere.map_or("", |why| why.name());
                tracing::warn!(url, reason, "a link is dead");
            }
            let visit = Visit {
                url,
                status: found.status,
                reason: found.nowhere.map(|why| why.name().to_owned()),
                leads_to: found.leads_to,
                wait: decide::wait(self.going.settings.every, failures, chance()),
            };
            if !self.store.visited(self.token, visit).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
