//! The way of one message: handed over until it is durable, then acknowledged.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use contracts::Receipt;
use lapin::{message::Delivery, options::BasicAckOptions};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::broker;
use crate::{
    inbound::{Arrival, Inbox},
    reading::Trouble,
};

/// How long telling the broker may take: on a connection that it blocks it would never end.
const ACK_MAX: Duration = Duration::from_secs(30);

/// One message's way, and what it needs.
pub(super) struct Taking {
    pub(super) channel: String,
    pub(super) inbox: Arc<dyn Inbox>,
    pub(super) stop: CancellationToken,
    pub(super) well: Arc<AtomicBool>,
    pub(super) retry_max: Duration,
    pub(super) host: String,
}

/// The message's own id is its id; where it has none, equal bytes are the same message.
fn arrival(delivery: &mut Delivery) -> Arrival {
    let id = delivery.properties.message_id().as_ref().map(|id| id.as_str().to_owned());
    let kind = delivery.properties.content_type().as_ref().map(|kind| kind.as_str().to_owned());
    let headers = [
        ("exchange", delivery.exchange.as_str().to_owned()),
        ("routing-key", delivery.routing_key.as_str().to_owned()),
        ("redelivered", delivery.redelivered.to_string()),
    ];
    Arrival {
        payload: Bytes::from(std::mem::take(&mut delivery.data)),
        content_type: kind,
        headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
        key: id.filter(|id| !id.is_empty()),
        cursor: None,
    }
}

impl Taking {
    /// Takes the message.
    pub(super) async fn run(self, mut delivery: Delivery) -> Result<Receipt, Trouble> {
        let arrival = arrival(&mut delivery);
        let receipt = loop {
            match self.inbox.accept(&self.channel, arrival.clone()).await {
                Ok(receipt) => break receipt,
                Err(later) => {
                    self.well.store(false, Ordering::Release);
                    let rest = Duration::from_secs(later.retry_after_seconds.into());
                    let rest = sleep(rest.min(self.retry_max));
                    if self.stop.run_until_cancelled(rest).await.is_none() {
                        // The broker gives it to whoever comes next.
                        return Err(Trouble::hub(&later));
                    }
                }
            }
        };
        let told = timeout(ACK_MAX, delivery.acker.ack(BasicAckOptions::default())).await;
        match told {
            Ok(Ok(_)) => {
                self.well.store(true, Ordering::Release);
                Ok(receipt)
            }
            Ok(Err(error)) => Err(broker::failed(&self.host, &error)),
            Err(_) => Err(Trouble::broke_off(&self.host, "timeout")),
        }
    }
}
