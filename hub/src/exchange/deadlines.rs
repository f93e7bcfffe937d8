//! Deadlines of requests: a request that was not answered in time is answered by the hub.
//!
//! Each request has a delivery to the channel [`DEADLINES`], which nobody is sent: it is put off
//! until the request is due, like one that failed. So a deadline is kept as deliveries are, over
//! kills and among several processes. The answer is a message like every other, its id is the
//! request's: it is told once, and not at all where the agency answered first.

use std::{sync::Arc, time::Duration};

use adapters::{Arrival, Inbox};
use contracts::exchange::Request;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    registry::exchange::{DEADLINES, REPLY},
    store::{
        Store, StoreError,
        deliveries::{Concluded, Delivery, End},
    },
};

/// How long it takes at most until what has become due is noticed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long it takes at least from one look to the next.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// Deadlines looked at together.
const TOGETHER: u32 = 128;

/// Of them told at the same time, at most.
const SIDE_BY_SIDE: usize = 16;

/// How long those are this process's to look at.
const LEASE: Duration = Duration::from_secs(30);

/// How long one is put off that could not be told.
const AGAIN: Duration = Duration::from_secs(2);

/// What keeps deadlines.
#[derive(Clone)]
pub struct Deadlines {
    /// Where they wait.
    pub store: Arc<dyn Store>,
    /// Where answers go in.
    pub inbox: Arc<dyn Inbox>,
}

impl Deadlines {
    /// Keeps them until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let pause = self.look().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "deadlines of requests wait for the store");
                LOOK_EVERY
            });
            stop.run_until_cancelled(tokio::time::sleep(pause)).await;
        }
    }

    /// Looks at what has become due; gives when to look again.
    async fn look(&self) -> Result<Duration, StoreError> {
        let due = self.store.due(vec![DEADLINES.into()]).await?;
        match due.first().and_then(|due| due.within) {
            Some(Duration::ZERO) => {}
            Some(within) => return Ok(within.clamp(LOOK_PAUSE, LOOK_EVERY)),
            None => return Ok(LOOK_EVERY),
        }
        let due = self.store.announce(DEADLINES.into(), TOGETHER, LEASE).await?;
        // Where it is paused, nothing is announced.
        let pause = if due.is_empty() { LOOK_EVERY } else { LOOK_PAUSE };
        // Those that are told side by side are committed together.
        let ended = stream::iter(due).map(|delivery| self.ended(delivery));
        let ended: Vec<Concluded> = ended.buffer_unordered(SIDE_BY_SIDE).collect().await;
        if !ended.is_empty() {
            self.store.conclude(DEADLINES.into(), ended).await?;
        }
        Ok(pause)
    }

    async fn ended(&self, delivery: Delivery) -> Concluded {
        let end = self.one(&delivery).await.unwrap_or_else(|error| {
            tracing::warn!(%error, position = delivery.position, "a deadline waits for the store");
            End::Postponed { wait: AGAIN, told: error.reason, counts: false }
        });
        let Delivery { key, position, token, .. } = delivery;
        Concluded { key, position, token, end }
    }

    async fn one(&self, delivery: &Delivery) -> Result<End, StoreError> {
        let Ok(request) = serde_json::from_slice::<Request>(&delivery.public) else {
            let told = format!("entry {} is damaged", delivery.position);
            return Ok(End::Buried { cause: "refused", told });
        };
        let Request { id, agency, due_at, .. } = request;
        if !self.store.named(REPLY, vec![(agency.clone(), id.clone())], None).await?.is_empty() {
            return Ok(End::Settled);
        }
        let left = due_at.latest().duration_since(Timestamp::now());
        if let Ok(wait) = Duration::try_from(left)
            && !wait.is_zero()
        {
            let told = format!("chờ đến hạn trả lời {due_at}; it is due then");
            return Ok(End::Postponed { wait, told, counts: false });
        }
        let payload = json!({ "request": id, "agency": agency }).to_string().into();
        let key = Some(format!("{id}/{agency}"));
        let arrival = Arrival { payload, key, ..Arrival::default() };
        Ok(match self.inbox.accept(DEADLINES, arrival).await {
            Ok(_) => End::Settled,
            Err(later) => End::Postponed { wait: AGAIN, told: later.reason, counts: false },
        })
    }
}
