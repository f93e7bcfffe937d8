//! A RabbitMQ that no hub publishes to: what a benchmark makes there is invented, and deleted at
//! its end.

use adapters::{
    amqp::{Address, name},
    reach::Reach,
    reading::Trouble,
};
use lapin::{
    Connection,
    options::{ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::FieldTable,
};

use super::{BenchError, child::wait, clock};
use crate::bus;

/// What was asked of a broker in vain.
pub(super) fn broken(trouble: &Trouble) -> BenchError {
    BenchError::Unreachable(trouble.told.en.clone())
}

/// What the client library says of it.
pub(super) fn at_broker(error: lapin::Error) -> BenchError {
    BenchError::Unreachable(format!("the broker: {error}"))
}

/// The broker of `--amqp`.
pub(super) struct Broker {
    /// Where it is.
    pub(super) address: Address,
    /// Its process, where it runs on this machine and shows itself.
    pub(super) process: Option<u32>,
    text: String,
}

impl Broker {
    /// The broker of an address, once it was reached and has no feed.
    pub(super) fn told(text: &str) -> Result<Self, BenchError> {
        let address: Address =
            text.parse().map_err(|error| BenchError::Input(format!("--amqp: {error}")))?;
        wait(is_free(&address))??;
        let process = address.local_port().and_then(clock::listener);
        Ok(Self { address, process, text: text.to_owned() })
    }

    /// Its line in a hub's configuration.
    pub(super) fn line(&self) -> String {
        format!("bus = {:?}\n", self.text)
    }

    /// Opens a connection to it.
    pub(super) async fn connection(&self) -> Result<Connection, BenchError> {
        connection(&self.address).await
    }

    /// Deletes what hubs have made there.
    pub(super) fn clear(&self) -> Result<(), BenchError> {
        wait(cleared(&self.address))?
    }
}

async fn connection(address: &Address) -> Result<Connection, BenchError> {
    let private = ["0.0.0.0/0", "::/0"].map(str::parse).into_iter().flatten().collect();
    let (connection, _) =
        address.connect(&Reach { private }).await.map_err(|trouble| broken(&trouble))?;
    Ok(connection)
}

/// A broker with a feed is a hub's: nothing invented is to come into it.
async fn is_free(address: &Address) -> Result<(), BenchError> {
    let connection = connection(address).await?;
    let channel = connection.create_channel().await.map_err(at_broker)?;
    let feed = name(bus::FEED).map_err(|told| broken(&told))?;
    let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    match channel.queue_declare(feed, options, FieldTable::default()).await {
        Err(_) => Ok(()),
        Ok(_) => Err(BenchError::Input(format!(
            "--amqp: the broker has a stream {} already; name a broker, or a virtual host, that no \
             hub publishes to",
            bus::FEED
        ))),
    }
}

async fn cleared(address: &Address) -> Result<(), BenchError> {
    let connection = connection(address).await?;
    let channel = connection.create_channel().await.map_err(at_broker)?;
    let short = |text: &str| name(text).map_err(|told| broken(&told));
    for queue in [bus::FEED, "lienthong.canary", "lienthong.canary.dead"] {
        let deleting = channel.queue_delete(short(queue)?, QueueDeleteOptions::default());
        deleting.await.map_err(at_broker)?;
    }
    for exchange in [bus::RECORDS, "lienthong.dead"] {
        let deleting = channel.exchange_delete(short(exchange)?, ExchangeDeleteOptions::default());
        deleting.await.map_err(at_broker)?;
    }
    Ok(())
}
