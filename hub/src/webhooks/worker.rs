//! Sends what is behind the places of subscriptions, for as long as the hub runs.
//!
//! One process at a time has the turn. It looks what there is to send, and gives each subscription
//! a task, which goes on from its place event by event, one request at a time. Whoever is slow or
//! gone holds up nobody else: there are many tasks, and one that has failed waits in the store.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_lc_rs::rand;
use futures_util::future::join_all;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Going, Webhooks, decide, event, in_force, is_refolded, owner, send, signing};
use crate::{
    feeds::{Feed, Place},
    journal::log::Log,
    lasting::{Lasting, Work},
    operations::Operations,
    store::{
        StoreError,
        subscriptions::{
            ATTEMPTS_KEPT, Attempt, Failed, FeedPlace, SentOn, SubscriptionQuery, SubscriptionRow,
        },
    },
};

/// How often the turn is said to go on; it is somebody's for longer.
const KEEP_EVERY: Duration = Duration::from_secs(2);
/// How often whose turn it is is asked, and whether anybody has subscribed.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked whether a feed has grown.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often it is looked where none has: what is due by its time.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How often a place moves at most: each time is a transaction of the store.
const MOVE_EVERY: Duration = Duration::from_millis(250);
/// How often a place moves past what is not sent.
const PASS_EVERY: Duration = Duration::from_secs(5);
/// How long one go of a subscription lasts: then it is looked again whose it is.
const GO: Duration = Duration::from_secs(2);
/// Events read at once.
const PAGE: u32 = 100;
/// Subscriptions that are sent to at once.
const TASKS_MAX: usize = 256;
/// How long a request under way may go on when the hub ends.
const GRACE: Duration = Duration::from_secs(3);
/// The rest where the store does not answer, and where a task broke down.
const STORE_REST: Duration = Duration::from_secs(2);

/// Up to where a feed was read that holds nothing to send.
#[derive(Clone)]
struct Passed {
    version: u64,
    /// The place that is stored.
    stored: FeedPlace,
    /// Where reading goes on.
    reached: Place,
    moved_at: Instant,
}

/// Who sends.
#[derive(Clone)]
struct Sender {
    operations: Operations,
    webhooks: Webhooks,
    lasting: Lasting,
    passed: Arc<Mutex<HashMap<String, Passed>>>,
}

/// How a turn ended.
enum Ended {
    /// The hub ends, or nobody has subscribed.
    Over,
    /// It is another's.
    Lost,
}

/// Sends until told to stop.
pub(crate) async fn run(operations: Operations, lasting: Lasting, stop: CancellationToken) {
    let webhooks = operations.webhooks.clone();
    let sender = Sender { operations, webhooks, lasting, passed: Arc::default() };
    while !stop.is_cancelled() {
        let rest = match sender.turn(&stop).await {
            Ok(()) => ASK_EVERY,
            Err(error) => {
                tracing::warn!(%error, "webhooks wait for the store");
                STORE_REST
            }
        };
        stop.run_until_cancelled(sleep(rest)).await;
    }
}

/// A number from 0 to 1.
fn jitter() -> f64 {
    let mut bytes = [0; 4];
    // Without randomness all wait as long as they may.
    match rand::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    }
}

impl Sender {
    /// Takes the turn, where there is somebody to send to, and sends as long as it lasts.
    async fn turn(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        let store = &self.operations.store;
        if store.subscriptions(SubscriptionQuery::default()).await?.is_empty() {
            return Ok(());
        }
        let Some(token) = store.take_webhooks().await? else { return Ok(()) };
        let ended = self.send_all(token, stop).await;
        // It runs out by itself where this cannot be told.
        let _ = store.leave_webhooks(token).await;
        if let Ok(Ended::Lost) = ended {
            tracing::info!("another process sends webhooks from now on");
        }
        ended.map(drop)
    }

    async fn send_all(&self, token: u64, stop: &CancellationToken) -> Result<Ended, StoreError> {
        // Another process may have moved places since.
        self.passed.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let store = &self.operations.store;
        let (mut tasks, mut busy) = (JoinSet::new(), HashSet::new());
        let mut keep_at = Instant::now() + KEEP_EVERY;
        let (mut size, mut looked) = (u64::MAX, Instant::now());
        loop {
            let grown = store.head().await?.tree.size;
            if grown != size || looked.elapsed() >= LOOK_AGAIN {
                (size, looked) = (grown, Instant::now());
                let ready = self.ready(&busy).await?;
                let Some(ready) = ready else { return Ok(Ended::Over) };
                for id in ready.into_iter().take(TASKS_MAX.saturating_sub(busy.len())) {
                    busy.insert(id.clone());
                    tasks.spawn(self.clone().one(id, token, stop.clone()));
                }
            }
            let look_at = Instant::now() + LOOK_EVERY;
            loop {
                tokio::select! {
                    () = stop.cancelled() => {
                        let ending = async { while tasks.join_next().await.is_some() {} };
                        let _ = timeout(GRACE, ending).await;
                        return Ok(Ended::Over);
                    }
                    Some(joined) = tasks.join_next() => match joined {
                        Ok(id) => {
                            busy.remove(&id);
                            // There may be more for it.
                            size = u64::MAX;
                        }
                        Err(error) => tracing::error!(%error, "a webhook's task has broken down"),
                    },
                    () = sleep_until(keep_at) => {
                        if !store.keep_webhooks(token).await? {
                            return Ok(Ended::Lost);
                        }
                        keep_at = Instant::now() + KEEP_EVERY;
                    }
                    () = sleep_until(look_at) => break,
                }
            }
        }
    }

    /// Subscriptions that have something to be done for them; none at all where there are none.
    async fn ready(&self, busy: &HashSet<String>) -> Result<Option<Vec<String>>, StoreError> {
        let store = &self.operations.store;
        let (rows, keys) = (store.subscriptions(SubscriptionQuery::default()).await?, store.keys());
        if rows.is_empty() {
            return Ok(None);
        }
        let keys = keys.await?;
        let in_force = in_force(&keys);
        let head = store.head().await?;
        let ends = Feed::ALL.map(|feed| feed.end(&self.operations, head.tree.size));
        let ends: Vec<Place> = join_all(ends).await.into_iter().collect::<Result<_, _>>()?;
        let end = |name: &str| {
            let feed = Feed::ALL.iter().position(|feed| feed.name() == name);
            feed.and_then(|place| ends.get(place))
        };
        let Some(going) = self.webhooks.going() else { return Ok(Some(Vec::new())) };
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        passed.retain(|id, _| rows.iter().any(|row| row.id == *id));
        let ready = rows.iter().filter(|row| {
            let due = row.disabled.is_none() && decide::is_due(row, &going.settings);
            due && !busy.contains(&row.id)
                && in_force.contains(row.owner.as_str())
                && passed.get(&row.id).is_none_or(|known| {
                    let moved = (known.version, &known.stored) != (row.version, &row.place);
                    let behind = end(&row.feed).is_some_and(|end| *end > known.reached);
                    let unsaid = known.reached != (row.place.position, row.place.beside.clone());
                    moved || behind || unsaid && known.moved_at.elapsed() >= PASS_EVERY
                })
        });
        Ok(Some(ready.map(|row| row.id.clone()).collect()))
    }

    /// One go of one subscription; gives its name back. Whatever breaks down in it is told, and it
    /// goes on after a rest.
    async fn one(self, id: String, token: u64, stop: CancellationToken) -> String {
        let work = Work { task: "webhook", channel: "" };
        let rest = match self.lasting.caught(work, self.go(&id, token, &stop)).await {
            Some(Ok(())) => return id,
            Some(Err(error)) => {
                tracing::warn!(subscription = id, %error, "a webhook waits for the store");
                STORE_REST
            }
            None => STORE_REST,
        };
        stop.run_until_cancelled(sleep(rest)).await;
        id
    }

    async fn go(&self, id: &str, token: u64, stop: &CancellationToken) -> Result<(), StoreError> {
        let Some(going) = self.webhooks.going() else { return Ok(()) };
        let began = Instant::now();
        while !stop.is_cancelled() && began.elapsed() < GO {
            let found = self.operations.store.subscriptions(SubscriptionQuery::one(id)).await?;
            let Some(row) = found.into_iter().next() else { return Ok(()) };
            if row.disabled.is_some() || !decide::is_due(&row, &going.settings) {
                return Ok(());
            }
            let page = Page { sender: self, going: &going, row: &row, token };
            if !page.sent(stop).await? {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// One page of one subscription.
struct Page<'a> {
    sender: &'a Sender,
    going: &'a Arc<Going>,
    row: &'a SubscriptionRow,
    token: u64,
}

/// How far it is.
struct Progress {
    place: Place,
    tried: Vec<Attempt>,
    noted_at: Instant,
}

impl Page<'_> {
    /// Sends it; gives whether the subscription is to go on at once.
    async fn sent(&self, stop: &CancellationToken) -> Result<bool, StoreError> {
        let (operations, row) = (&self.sender.operations, self.row);
        let Some(feed) = Feed::from_name(&row.feed) else {
            return Err(StoreError::fault("the feed of a subscription is damaged"));
        };
        if is_refolded(&*operations.store, row, feed).await? {
            return Ok(false);
        }
        let who = owner(row)?;
        let head = operations.store.head().await?;
        // Asked before the page is read: all that lies before it is seen then.
        let end = feed.end(operations, head.tree.size).await?;
        let (from, moved_at) = self.from(&head.log)?;
        let (fed, next) = feed.page(operations, &head.log, &who, &from, PAGE).await?;
        let next = if next == from { end.max(from.clone()) } else { next };
        let wanted = event::Wanted::of(&*operations.store, row, &fed).await?;
        let signing = signing(&*operations.store, row)?;
        let mut progress = Progress { place: from, tried: Vec::new(), noted_at: Instant::now() };
        let mut any = false;
        for one in fed {
            if !wanted.takes(&one)? {
                continue;
            }
            if stop.is_cancelled() {
                return self.note(&head.log, &mut progress, None).await.map(|_| false);
            }
            any = true;
            let id = event::id(&one)?;
            let sending = send(self.going, (&row.url, &signing), (&id, &one.text));
            let Some(sent) = until_ended(stop, sending).await else {
                // Nobody knows whether it arrived: it comes again.
                return self.note(&head.log, &mut progress, None).await.map(|_| false);
            };
            let (ended, attempt) = sent?;
            self.count(&ended);
            progress.tried.push(attempt);
            if ended.told.is_some() {
                let failed = self.failed(&ended, progress.tried.len() > 1);
                self.note(&head.log, &mut progress, Some(failed)).await?;
                return Ok(false);
            }
            progress.place = one.after;
            if progress.noted_at.elapsed() >= MOVE_EVERY {
                // What somebody has changed meanwhile, such as its secrets, is read again.
                return self.note(&head.log, &mut progress, None).await;
            }
        }
        let goes_on = next > progress.place || any;
        progress.place = next;
        let passed = !any && moved_at.elapsed() < PASS_EVERY;
        if passed || progress.place == (row.place.position, row.place.beside.clone()) {
            self.pass(progress.place.clone(), moved_at, &row.place);
            return Ok(goes_on);
        }
        Ok(self.note(&head.log, &mut progress, None).await? && goes_on)
    }

    /// Where reading goes on: behind what is stored, where it was read on and nothing was found.
    fn from(&self, log: &Log) -> Result<(Place, Instant), StoreError> {
        let passed = self.sender.passed.lock().unwrap_or_else(PoisonError::into_inner);
        let known = passed
            .get(&self.row.id)
            .filter(|known| (known.version, &known.stored) == (self.row.version, &self.row.place));
        match known {
            Some(known) => Ok((known.reached.clone(), known.moved_at)),
            None => Ok((event::followed(log, &self.row.place)?, Instant::now())),
        }
    }

    fn pass(&self, reached: Place, moved_at: Instant, stored: &FeedPlace) {
        let (version, stored) = (self.row.version, stored.clone());
        let known = Passed { version, stored, reached, moved_at };
        let mut passed = self.sender.passed.lock().unwrap_or_else(PoisonError::into_inner);
        passed.insert(self.row.id.clone(), known);
    }

    /// Notes in the store how far it is; false where nothing was noted, for it is not ours to go on
    /// with, or has failed.
    async fn note(
        &self,
        log: &Log,
        progress: &mut Progress,
        failed: Option<Failed>,
    ) -> Result<bool, StoreError> {
        let place = event::stored(log, self.row.place.fold, progress.place.clone());
        let mut tried = std::mem::take(&mut progress.tried);
        if tried.is_empty() && place == self.row.place {
            return Ok(true);
        }
        tried.drain(..tried.len().saturating_sub(ATTEMPTS_KEPT));
        let disabled = failed.as_ref().and_then(|failed| failed.disabled.clone());
        let sent = SentOn {
            id: self.row.id.clone(),
            token: self.token,
            version: self.row.version,
            place: place.clone(),
            tried,
            failed,
        };
        if !self.sender.operations.store.sent_on(sent).await? {
            return Ok(false);
        }
        if let Some(reason) = disabled {
            tracing::warn!(subscription = self.row.id, reason, "a webhook is switched off");
        }
        progress.noted_at = Instant::now();
        self.pass(progress.place.clone(), progress.noted_at, &place);
        Ok(true)
    }

    fn count(&self, ended: &adapters::outbound::webhook::Ended) {
        let end = if ended.told.is_none() { "delivered" } else { "failed" };
        self.sender.lasting.telemetry().webhooks().attempted(&self.row.feed, end);
    }

    /// What follows from an attempt that failed, be it the first since another was taken.
    fn failed(&self, ended: &adapters::outbound::webhook::Ended, taken_before: bool) -> Failed {
        let row = self.row;
        let (attempts, since) = match taken_before {
            true => (0, None),
            false => (row.attempts, row.failing_since),
        };
        let failing = since.map_or(0, |since| row.now.saturating_sub(since));
        let failing = Duration::from_millis(u64::try_from(failing).unwrap_or(0));
        let settings = &self.going.settings;
        decide::after(ended, (attempts.saturating_add(1), failing), settings, jitter())
    }
}

/// Waits for work; gives it up where the hub ends and it does not soon.
async fn until_ended<T>(stop: &CancellationToken, work: impl Future<Output = T>) -> Option<T> {
    let ending = async {
        stop.cancelled().await;
        // Less than those who wait for it wait.
        sleep(GRACE / 2).await;
    };
    tokio::select! {
        biased;
        done = work => Some(done),
        () = ending => None,
    }
}
