//! To an agency's own broker: each message is published, persistent and mandatory, and there when
//! the broker has confirmed it.
//!
//! One connection is shared by all messages of a channel and made anew after it broke. What was
//! published on it and not confirmed is not known to be there: it is sent again under its id.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, Error, ErrorKind,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    types::{AMQPValue, FieldTable, LongString, ShortString},
};
use tokio::sync::Mutex;

use super::{Address, broker};
use crate::{
    outbound::{Answer, Class, Failure, Message, Outbound, Secret},
    reach::Reach,
};

/// The delivery mode of what outlives the broker's restart.
const PERSISTENT: u8 = 2;

/// Before the names of an envelope's attributes, by CloudEvents' binding to AMQP.
const ATTRIBUTE: &str = "cloudEvents:";

/// Where messages of a channel go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PublishSettings {
    /// The exchange; empty for the one by which queues are named.
    pub exchange: String,
    /// The routing key; of the empty exchange, the queue's name.
    pub key: String,
}

/// A connection with a channel on which the broker confirms.
struct Link {
    connection: Connection,
    channel: Channel,
    host: String,
}

/// The way to a broker.
pub struct AmqpPublish {
    settings: PublishSettings,
    address: Secret,
    reach: Reach,
    link: Mutex<Option<Arc<Link>>>,
}

impl AmqpPublish {
    /// Puts settings to work; connects to nothing. The secret is the broker's address.
    pub fn new(settings: PublishSettings, address: Secret, reach: Reach) -> Self {
        Self { settings, address, reach, link: Mutex::default() }
    }

    /// The connection that stands, or a new one; others wait for who makes it.
    async fn link(&self) -> Result<Arc<Link>, Failure> {
        let mut link = self.link.lock().await;
        if let Some(link) = link.as_ref().filter(|link| link.stands()) {
            return Ok(link.clone());
        }
        let address: Address = self.address.read()?.parse().map_err(|_| {
            Failure::new(Class::Denied, "the secret is no amqp://… or amqps://… address")
        })?;
        let (connection, host) = broker::connect(&address.0, &self.reach).await?;
        let channel = broker::soon(&host, connection.create_channel()).await?;
        broker::soon(&host, channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(link.insert(Arc::new(Link { connection, channel, host })).clone())
    }

    async fn publish(&self, message: &Message) -> Result<Answer, Failure> {
        let (exchange, key) = (name(&self.settings.exchange)?, name(&self.settings.key)?);
        let properties = properties(message)?;
        let link = self.link().await?;
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let published =
            link.channel.basic_publish(exchange, key, options, &message.payload, properties);
        let confirmed = async { published.await?.await };
        match confirmed.await {
            Ok(Confirmation::Ack(None)) => Ok(Answer::default()),
            Ok(Confirmation::Ack(Some(_))) => {
                Err(Failure::new(Class::Unavailable, "the broker has no queue for it"))
            }
            Ok(Confirmation::Nack(_)) => {
                Err(Failure::new(Class::Unavailable, "the broker could not keep it"))
            }
            Ok(Confirmation::NotRequested) => {
                Err(Failure::new(Class::Unknown, "the broker confirms nothing"))
            }
            Err(error) => Err(failed(&link.host, &error)),
        }
    }
}

impl Link {
    fn stands(&self) -> bool {
        self.connection.status().connected() && self.channel.status().connected()
    }
}

fn name(text: &str) -> Result<ShortString, Failure> {
    Ok(broker::name(text)?)
}

/// The message's id, its kind and the attributes of its envelope.
fn properties(message: &Message) -> Result<BasicProperties, Failure> {
    let mut headers = FieldTable::default();
    for (attribute, value) in &message.attributes {
        let value = AMQPValue::LongString(LongString::from(value.as_bytes().to_vec()));
        headers.insert(name(&format!("{ATTRIBUTE}{attribute}"))?, value);
    }
    Ok(BasicProperties::default()
        .with_message_id(name(&message.id)?)
        .with_content_type(name(&message.content_type)?)
        .with_delivery_mode(PERSISTENT)
        .with_headers(headers))
}

/// What ended before a confirmation. The broker's own refusals are about rights and names, and
/// somebody must set them right; of everything else nobody knows whether it was kept.
fn failed(host: &str, error: &Error) -> Failure {
    match error.kind() {
        ErrorKind::ProtocolError(told) if matches!(told.get_id(), 403..=406 | 530) => {
            broker::failed(host, error).into()
        }
        _ => Failure::new(Class::Unknown, broker::failed(host, error).told.en),
    }
}

impl Outbound for AmqpPublish {
    fn send(self: Arc<Self>, message: Message) -> BoxFuture<'static, Result<Answer, Failure>> {
        Box::pin(async move { self.publish(&message).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_persistent_and_carries_its_id_and_envelope() {
        let mut message = Message { id: "log/7".to_owned(), ..Message::default() };
        message.content_type = "application/json".to_owned();
        message.attributes = vec![("subject", "Hồ sơ 1".to_owned())];
        let properties = properties(&message).unwrap();
        assert_eq!(properties.delivery_mode(), &Some(PERSISTENT));
        assert_eq!(properties.message_id().as_ref().unwrap().as_str(), "log/7");
        let headers = properties.headers().as_ref().unwrap();
        let subject = headers.inner().get("cloudEvents:subject");
        assert!(matches!(subject, Some(AMQPValue::LongString(text))
            if text.as_bytes() == "Hồ sơ 1".as_bytes()));
        message.id = "a".repeat(300);
        assert!(super::properties(&message).is_err(), "what the protocol cannot carry is told");
    }
}
