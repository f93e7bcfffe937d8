//! The bus: how what happens in the hub reaches who subscribes ([`docs/bus.md`], decision 42).
//!
//! The journal is the truth, and the bus may lose everything. Embedded, the journal itself is what
//! is followed; with RabbitMQ, [`Publisher`] publishes it there and keeps in the store how far that
//! is. Whichever it is, a follower reads every event from any place on, in the journal's order, and
//! knows what it has already by its id.
//!
//! [`docs/bus.md`]: ../../../docs/bus.md

mod embedded;
mod publisher;
pub(crate) mod rabbitmq;
mod standing;
#[cfg(test)]
mod suite;
mod verify;

use std::sync::Arc;

use adapters::reading::Trouble;
use futures_util::future::BoxFuture;

use crate::{
    config::{BusAddress, Config},
    feeds::Outgoing,
    lasting::Lasting,
    operations::Operations,
    store::Store,
};

pub use embedded::Embedded;
pub use publisher::Publisher;
pub use rabbitmq::{FEED, RECORDS, RabbitMq};
pub use standing::{Standing, State, Told};
pub use verify::{Verdict, verify};

/// Where following begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the first event that is kept.
    First,
    /// At an offset that a [`Followed`] had.
    At(u64),
}

/// One event that was followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// Its place on the bus. It only grows, and says nothing of the journal.
    pub offset: u64,
    /// The event's id: log and position.
    pub id: String,
    /// A structured CloudEvent, as JSON.
    pub text: Vec<u8>,
}

/// What became of events that were published, in their order.
#[derive(Debug)]
pub struct Sent {
    /// So many, from the first on, are kept.
    pub kept: usize,
    /// Why the others may not be: of those nobody knows. They are published again, under their ids.
    pub trouble: Option<Trouble>,
}

/// What carries events.
pub trait Bus: Send + Sync {
    /// A way to publish; none where nothing need be published for it to be followed.
    fn open(&self) -> BoxFuture<'_, Result<Option<Box<dyn Line>>, Trouble>>;

    /// Follows the events from a place on. It lasts until it is dropped, or breaks.
    fn follow(&self, from: Start) -> BoxFuture<'_, Result<Box<dyn Follower>, Trouble>>;
}

/// A way to publish. Broken once, it stays so: another one is opened.
pub trait Line: Send {
    /// Whether what is to keep the events is not there: whatever was published before is lost.
    fn begins_anew(&self) -> bool;

    /// Has all there that is to be, and proves that it does what it is there for.
    fn prepare(&mut self) -> BoxFuture<'_, Result<(), Trouble>>;

    /// Publishes events in their order, and waits until they are kept.
    fn publish<'a>(&'a mut self, events: &'a [Outgoing]) -> BoxFuture<'a, Sent>;

    /// Waits until it is broken.
    fn broken(&mut self) -> BoxFuture<'_, Trouble>;

    /// Leaves, within some seconds.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// Who follows events.
pub trait Follower: Send {
    /// Waits for the next event.
    fn next(&mut self) -> BoxFuture<'_, Result<Followed, Trouble>>;
}

/// The bus of a configuration.
pub fn of(config: &Config, store: &Arc<dyn Store>, standing: &Standing) -> Arc<dyn Bus> {
    match &config.bus {
        BusAddress::Embedded => Arc::new(Embedded::new(store.clone())),
        BusAddress::Amqp(address) => Arc::new(RabbitMq::new(address.clone(), standing.clone())),
    }
}

/// Publishes until told to stop, where the configuration names a broker.
pub(crate) fn run(
    config: &Config,
    operations: &Operations,
    lasting: &Lasting,
) -> BoxFuture<'static, ()> {
    if config.bus == BusAddress::Embedded {
        return Box::pin(async {});
    }
    let (store, standing) = (operations.store.clone(), operations.bus.clone());
    standing.tell(State::Connecting, None);
    let bus = of(config, &store, &standing);
    Box::pin(lasting.clone().keep("publish", move |stop| {
        Publisher::new(bus.clone(), store.clone(), standing.clone()).run(stop)
    }))
}
