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
    rest::{
        body::{Room, Share, Unread, unpacked},
        intake::{Limits, fault},
    },
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
    /// Bytes that unpacked messages hold.
    pub(super) room: Arc<Room>,
}

/// How long to wait for room, where other messages hold it.
const ROOM_WAIT: Duration = Duration::from_millis(200);

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
        ..Arrival::default()
    }
}

/// Whether a message says that it is packed.
fn is_packed(delivery: &Delivery) -> bool {
    let told = delivery.properties.content_encoding().as_ref().map(|told| told.as_str());
    matches!(told, Some("gzip" | "x-gzip"))
}

impl Taking {
    /// Unpacks a payload. One that is not what it says, or too large when unpacked, goes on as it
    /// came, with its fault: so it is refused, and kept.
    async fn unpack(&self, arrival: &mut Arrival) -> Option<Share> {
        loop {
            let (packed, room) = (arrival.payload.clone(), self.room.clone());
            let work =
                tokio::task::spawn_blocking(move || unpacked(&packed, &Limits::default(), &room));
            match work.await.unwrap_or(Err(Unread::Crowded)) {
                Ok((bytes, share)) => {
                    arrival.payload = bytes;
                    return Some(share);
                }
                Err(Unread::Crowded) => {
                    self.stop.run_until_cancelled(sleep(ROOM_WAIT)).await?;
                }
                Err(why) => {
                    arrival.fault = fault(why, &Limits::default()).map(Box::new);
                    return None;
                }
            }
        }
    }

    /// Takes the message.
    pub(super) async fn run(self, mut delivery: Delivery) -> Result<Receipt, Trouble> {
        let packed = is_packed(&delivery);
        let mut arrival = arrival(&mut delivery);
        let _share = match packed {
            true => self.unpack(&mut arrival).await,
            false => None,
        };
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
