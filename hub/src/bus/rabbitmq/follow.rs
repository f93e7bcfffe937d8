//! Follows the stream.

use adapters::{amqp::name, reading::Trouble};
use futures_util::{StreamExt, future::BoxFuture};
use lapin::{
    Channel, Connection, Consumer,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::{AMQPValue, FieldTable, LongString},
};

use super::{
    FEED, failed,
    topology::{silent, soon},
};
use crate::bus::{Followed, Follower, Start};

/// Events that the broker sends ahead.
const PREFETCH: u16 = 500;

/// The offset, as the protocol has it: as text it is refused.
const OFFSET: &str = "x-stream-offset";

/// Who follows the stream.
pub(super) struct Following {
    /// They end with their value.
    _connection: Connection,
    _channel: Channel,
    consumer: Consumer,
    host: String,
}

impl Following {
    pub(super) async fn open(
        connection: Connection,
        host: String,
        from: Start,
    ) -> Result<Self, Trouble> {
        let channel = soon(&host, connection.create_channel()).await?;
        soon(&host, channel.basic_qos(PREFETCH, BasicQosOptions::default())).await?;
        let offset = match from {
            Start::First => AMQPValue::LongString(LongString::from(b"first".to_vec())),
            Start::At(offset) => AMQPValue::LongLongInt(i64::try_from(offset).unwrap_or(i64::MAX)),
        };
        let mut arguments = FieldTable::default();
        arguments.insert(name(OFFSET)?, offset);
        let (queue, tag) = (name(FEED)?, name("lienthong-follow")?);
        let options = BasicConsumeOptions::default();
        let consuming = channel.basic_consume(queue, tag, options, arguments);
        let consumer = soon(&host, consuming).await?;
        Ok(Self { _connection: connection, _channel: channel, consumer, host })
    }

    async fn read(&mut self) -> Result<Followed, Trouble> {
        let next = self.consumer.next().await;
        let next = next.ok_or_else(|| silent(&self.host, std::time::Duration::ZERO))?;
        let mut delivery = next.map_err(|error| failed(&self.host, &error))?;
        soon(&self.host, delivery.acker.ack(BasicAckOptions::default())).await?;
        let id = delivery.properties.message_id().as_ref().map(|id| id.as_str().to_owned());
        let offset = offset(&delivery);
        Ok(Followed {
            offset,
            id: id.unwrap_or_default(),
            text: std::mem::take(&mut delivery.data),
        })
    }
}

fn offset(delivery: &Delivery) -> u64 {
    let headers = delivery.properties.headers().as_ref();
    match headers.and_then(|headers| headers.inner().get(OFFSET)) {
        Some(AMQPValue::LongLongInt(offset)) => u64::try_from(*offset).unwrap_or_default(),
        _ => 0,
    }
}

impl Follower for Following {
    fn next(&mut self) -> BoxFuture<'_, Result<Followed, Trouble>> {
        Box::pin(self.read())
    }
}
