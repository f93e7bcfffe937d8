//! `amqp`: messages of an agency's own queue, on its own broker; and messages sent to one
//! ([`AmqpPublish`]).
//!
//! A turn is a connection: it lasts until it breaks or the hub stops, and whatever breaks it, the
//! next turn connects anew, declares what is to be there, and consumes. The client library's own
//! recovery is not used: it gives up after some tries and says nothing.
//!
//! | Verdict | The message |
//! |---|---|
//! | stored, duplicate, partial, conflict, refused | acknowledged: what became of it is durable |
//! | later | kept unacknowledged and handed over again; nothing else is taken meanwhile |
//! | connection lost | the broker gives it again; what was accepted already is a duplicate |

mod broker;
mod publish;
mod take;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    net::IpAddr,
    panic::resume_unwind,
    str::FromStr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use contracts::Receipt;
use futures_util::{StreamExt, future::BoxFuture};
use lapin::{Connection, uri::AMQPUri};
use tokio::task::{JoinError, JoinSet};

use crate::{
    reach::Reach,
    reading::{Ended, Reader, Trouble, Turn},
    rest::body::Room,
};

pub use broker::{failed, name, soon};
pub use publish::{AmqpPublish, PublishSettings};

use broker::Consuming;
use take::Taking;

/// Bytes of a name of a queue, an exchange or a key.
pub const NAME_BYTES_MAX: usize = 255;

/// Bytes that unpacked messages of one channel hold at one time.
const UNPACKED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Where a broker is. It holds a password: it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(AMQPUri);

/// Why a text is no address of a broker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no amqp://… or amqps://… address")]
pub struct NoAddress;

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        text.parse().map(Self).map_err(|_| NoAddress)
    }
}

impl Address {
    /// Connects, within some seconds; gives the broker's name for people too.
    ///
    /// # Errors
    /// Where it cannot be reached, may not be, or refuses.
    pub async fn connect(&self, reach: &Reach) -> Result<(Connection, String), Trouble> {
        broker::connect(&self.0, reach).await
    }
}

impl Address {
    /// The port, where the address names this machine itself.
    #[must_use]
    pub fn local_port(&self) -> Option<u16> {
        let authority = &self.0.authority;
        let number = authority.host.parse::<IpAddr>();
        let local = number.map_or(authority.host == "localhost", |number| number.is_loopback());
        local.then_some(authority.port)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Address")
    }
}

/// An exchange from which messages come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The exchange; it must be there.
    pub exchange: String,
    /// The keys by which messages are wanted.
    pub keys: Vec<String>,
}

/// What is consumed, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The queue.
    pub queue: String,
    /// Whether the hub makes the queue where there is none, durable; else the agency does.
    pub declare: bool,
    /// The exchange to which the queue is bound, where the hub binds it.
    pub binding: Option<Binding>,
    /// Messages handed over at the same time; with one, strictly in the queue's order.
    pub at_once: usize,
    /// Messages that the broker sends ahead.
    pub prefetch: u16,
    /// How long a message rests at most before it is handed over again, whatever the hub asks for.
    pub retry_max: Duration,
}

/// One channel that is consumed.
pub struct AmqpConsume {
    settings: Settings,
    address: Address,
    reach: Arc<Reach>,
}

impl AmqpConsume {
    /// Puts settings to work.
    pub fn new(settings: Settings, address: Address, reach: Arc<Reach>) -> Arc<Self> {
        Arc::new(Self { settings, address, reach })
    }

    async fn consume(&self, turn: Turn) -> Result<Ended, Trouble> {
        let mut consuming = Consuming::open(&self.settings, &self.address.0, &self.reach).await?;
        turn.well.store(true, Ordering::Release);
        let mut ended = Ended::default();
        let mut under_way = JoinSet::new();
        let room = Room::new(UNPACKED_BYTES_MAX);
        let mut failure = None;
        while failure.is_none() {
            tokio::select! {
                biased;
                () = turn.stop.cancelled() => break,
                Some(done) = under_way.join_next(), if !under_way.is_empty() => {
                    failure = note(&mut ended, done);
                }
                next = consuming.consumer.next(), if under_way.len() < self.settings.at_once => {
                    match next {
                        Some(Ok(delivery)) => {
                            let taking = Taking {
                                channel: turn.channel.clone(),
                                inbox: turn.inbox.clone(),
                                stop: turn.stop.clone(),
                                well: turn.well.clone(),
                                retry_max: self.settings.retry_max,
                                host: consuming.host.clone(),
                                room: room.clone(),
                            };
                            under_way.spawn(taking.run(delivery));
                        }
                        Some(Err(error)) => failure = Some(broker::failed(&consuming.host, &error)),
                        None => failure = Some(broker::cancelled(&self.settings.queue)),
                    }
                }
            }
        }
        turn.well.store(false, Ordering::Release);
        // What is under way comes to its end: it may have been accepted already.
        while let Some(done) = under_way.join_next().await {
            failure = failure.or(note(&mut ended, done));
        }
        consuming.close().await;
        match failure {
            Some(trouble) if !turn.stop.is_cancelled() => Err(trouble),
            _ => Ok(ended),
        }
    }
}

/// Notes what became of a message; gives what ends the turn.
fn note(ended: &mut Ended, done: Result<Result<Receipt, Trouble>, JoinError>) -> Option<Trouble> {
    match done {
        Ok(Ok(receipt)) => {
            ended.taken += 1;
            ended.last = Some(receipt);
            None
        }
        Ok(Err(trouble)) => Some(trouble),
        Err(error) => match error.try_into_panic() {
            // It ends the turn like one of the turn's own, and is told like one.
            Ok(panic) => resume_unwind(panic),
            Err(error) => Some(Trouble::broke_off("the hub", &error.to_string())),
        },
    }
}

impl Reader for AmqpConsume {
    fn turn(self: Arc<Self>, turn: Turn) -> BoxFuture<'static, Result<Ended, Trouble>> {
        Box::pin(async move { self.consume(turn).await })
    }
}
