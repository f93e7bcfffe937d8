//! Webhooks: feeds sent to whoever subscribed, as Standard Webhooks ([`docs/webhooks.md`],
//! decision 45).
//!
//! The journal is what is sent from, and a subscription is a place in it: nothing waits in a queue.
//! [`worker`] goes on from there, event by event, under the turn that the store keeps; `decide.rs`
//! (pure) says what follows from a failure, `secrets.rs` by what events are signed, `event.rs`
//! which of a feed's are sent.
//!
//! [`docs/webhooks.md`]: ../../../docs/webhooks.md

mod decide;
pub(crate) mod event;
pub(crate) mod secrets;
mod worker;

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError, RwLock},
    time::Instant,
};

use adapters::{
    outbound::webhook::{Ended, Signed, Webhooks as Way},
    reach::Network,
};
use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    auth::Principal,
    config::WebhookSettings,
    feeds::Feed,
    store::{
        ApiKey, Store, StoreError,
        subscriptions::{Attempt, Change, SubscriptionRow},
    },
};

pub use decide::{FAILING, GONE, SWITCHED_OFF};
pub use secrets::{SECRETS_MAX, Scheme, TooMany};
pub(crate) use worker::run;

/// The media type of what is sent: one CloudEvent, in structured mode.
pub const MEDIA_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// Requests sent at once in one process because somebody asks for them now.
const ASKED_MAX: usize = 32;

/// How webhooks are sent by the configuration in force.
pub(crate) struct Going {
    /// The way to receivers.
    pub(crate) way: Way,
    /// How long is waited.
    pub(crate) settings: WebhookSettings,
}

impl Going {
    /// Makes ready; connects to nothing.
    ///
    /// # Errors
    /// When TLS is not to be had.
    pub(crate) fn new(
        private: Vec<Network>,
        settings: WebhookSettings,
    ) -> Result<Self, StoreError> {
        let way = Way::new(private, settings.answer);
        let way = way.map_err(|error| StoreError::fault(format!("there is no client: {error}")))?;
        Ok(Self { way, settings })
    }
}

/// Webhooks in one process; shared. How they are sent changes with the configuration, and where no
/// hub runs none are.
#[derive(Clone)]
pub struct Webhooks {
    going: Arc<RwLock<Option<Arc<Going>>>>,
    asked: Arc<Semaphore>,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self { going: Arc::default(), asked: Arc::new(Semaphore::new(ASKED_MAX)) }
    }
}

impl Webhooks {
    /// Goes by another configuration from now on.
    pub(crate) fn change(&self, to: Going) {
        *self.going.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(to));
    }

    /// How they are sent now.
    pub(crate) fn going(&self) -> Option<Arc<Going>> {
        self.going.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Room for one request that somebody asks for; none where there are many.
    pub(crate) fn room(&self) -> Option<OwnedSemaphorePermit> {
        self.asked.clone().try_acquire_owned().ok()
    }
}

/// Principals that have a key in force: to all others nothing is sent.
pub(crate) fn in_force(keys: &[ApiKey]) -> BTreeSet<&str> {
    let now = Timestamp::now();
    let live = keys.iter().filter(|key| key.in_force(now));
    live.map(|key| key.principal.as_str()).collect()
}

/// The owner of a subscription.
///
/// # Errors
/// When its row is damaged.
pub(crate) fn owner(row: &SubscriptionRow) -> Result<Principal, StoreError> {
    row.owner.parse().map_err(|_| StoreError::fault("the owner of a subscription is damaged"))
}

/// Whether the place of a subscription is of another version of its feed's fold: nothing is sent
/// from there, and it is switched off.
///
/// # Errors
/// When the store cannot answer.
pub(crate) async fn is_refolded(
    store: &dyn Store,
    row: &SubscriptionRow,
    feed: Feed,
) -> Result<bool, StoreError> {
    let was = row.place.fold;
    if was == feed.fold() {
        return Ok(false);
    }
    if store.change_subscription(row.id.clone(), Change::Refolded(was)).await? {
        tracing::warn!(subscription = row.id, feed = row.feed, "a webhook's feed is refolded");
    }
    Ok(true)
}

/// What signs the events of a subscription now.
///
/// # Errors
/// When its secrets are damaged.
pub(crate) fn signing(
    store: &dyn Store,
    row: &SubscriptionRow,
) -> Result<secrets::Signing, StoreError> {
    let scheme = Scheme::from_name(&row.signature).unwrap_or(Scheme::V1);
    secrets::Signing::of(store, (&row.id, scheme), &row.secrets)
}

/// Sends one event, and tells what came of it.
///
/// # Errors
/// When it cannot be signed.
pub(crate) async fn send(
    going: &Going,
    (url, signing): (&str, &secrets::Signing),
    (id, text): (&str, &[u8]),
) -> Result<(Ended, Attempt), StoreError> {
    let (header_id, now) = (event::header_id(id), Timestamp::now().as_millisecond());
    let signed = Signed {
        signature: signing.header(&header_id, now, text)?,
        timestamp: now.div_euclid(1_000),
        id: header_id,
        content_type: MEDIA_TYPE,
        body: Bytes::copy_from_slice(text),
    };
    let began = Instant::now();
    let ended = going.way.send(url, signed).await;
    let attempt = Attempt {
        at: now,
        event: id.to_owned(),
        status: ended.status,
        took: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        told: ended.told.clone(),
    };
    Ok((ended, attempt))
}
