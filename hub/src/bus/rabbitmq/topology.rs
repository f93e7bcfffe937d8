//! What is to be at the broker, and the proof that it does what it is there for.
//!
//! A broker takes arguments that it does not know, or that have no effect together, without a word.
//! So a message is sent on the way that must not fail: into a quorum queue, rejected there, and
//! dead-lettered into another. Only when it has come out is anything published.

use std::time::Duration;

use adapters::{
    amqp::name,
    reading::{Pace, Trouble},
};
use futures_util::StreamExt;
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, Consumer, Error, ErrorKind, ExchangeKind,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
        BasicRejectOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
        QueueDeclareOptions,
    },
    types::{AMQPValue, FieldTable, LongString},
};
use tokio::time::{Instant, timeout, timeout_at};

use super::{FEED, RECORDS, failed, is_absent, trouble};

/// How long one step may take.
pub(super) const STEP_MAX: Duration = Duration::from_secs(15);

/// How long the canary may take to come out.
const CANARY_MAX: Duration = Duration::from_secs(20);

/// The queue in which canaries are rejected, the exchange to which it dead-letters, and the queue
/// in which they come out.
const CANARY: &str = "lienthong.canary";
const DEAD: &str = "lienthong.dead";
const CANARY_DEAD: &str = "lienthong.canary.dead";

/// Which events go into the stream: all, for every key has three words.
pub(crate) const EVERY_KEY: &str = "*.*.*";

/// The delivery mode of what outlives the broker's restart.
pub(super) const PERSISTENT: u8 = 2;

/// Waits for a step, no longer than some seconds.
pub(super) async fn soon<T>(
    host: &str,
    step: impl Future<Output = Result<T, Error>>,
) -> Result<T, Trouble> {
    match timeout(STEP_MAX, step).await {
        Ok(done) => done.map_err(|error| failed(host, &error)),
        Err(_) => Err(silent(host, STEP_MAX)),
    }
}

/// The broker says nothing.
pub(super) fn silent(host: &str, after: Duration) -> Trouble {
    let seconds = after.as_secs();
    trouble(
        "bus-silent",
        Pace::Soon,
        format!("{host} không trả lời trong {seconds} giây; hệ thống nối lại và phát lại."),
        format!("{host} has not answered for {seconds} s; the hub connects and publishes anew."),
    )
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value.as_bytes().to_vec()))
}

fn table(all: &[(&str, &str)]) -> Result<FieldTable, Trouble> {
    let mut table = FieldTable::default();
    for (argument, value) in all {
        table.insert(name(argument)?, text(value));
    }
    Ok(table)
}

/// Whether the stream is there; the channel it is asked on may end by that.
pub(super) async fn has_feed(connection: &Connection, host: &str) -> Result<bool, Trouble> {
    let channel = soon(host, connection.create_channel()).await?;
    let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let asked = channel.queue_declare(name(FEED)?, options, FieldTable::default());
    match timeout(STEP_MAX, asked).await {
        Err(_) => Err(silent(host, STEP_MAX)),
        Ok(Ok(_)) => Ok(true),
        Ok(Err(error)) => match error.kind() {
            ErrorKind::ProtocolError(told)
                if told.get_id() == 404 && is_absent(told.get_message().as_str()) =>
            {
                Ok(false)
            }
            _ => Err(failed(host, &error)),
        },
    }
}

/// Has all there that is to be. What is there already stays as it is, or is told to differ.
pub(super) async fn declare(channel: &Channel, host: &str) -> Result<(), Trouble> {
    let quorum = [("x-queue-type", "quorum"), ("x-overflow", "reject-publish")];
    let dead_letters = [
        ("x-dead-letter-exchange", DEAD),
        ("x-dead-letter-routing-key", CANARY),
        ("x-dead-letter-strategy", "at-least-once"),
    ];
    exchange(channel, host, RECORDS, ExchangeKind::Topic).await?;
    exchange(channel, host, DEAD, ExchangeKind::Direct).await?;
    queue(channel, host, FEED, &[("x-queue-type", "stream")]).await?;
    queue(channel, host, CANARY_DEAD, &quorum).await?;
    queue(channel, host, CANARY, &[&quorum[..], &dead_letters].concat()).await?;
    for (queue, exchange, key) in [(FEED, RECORDS, EVERY_KEY), (CANARY_DEAD, DEAD, CANARY)] {
        let (queue, exchange, key) = (name(queue)?, name(exchange)?, name(key)?);
        let options = QueueBindOptions::default();
        let binding = channel.queue_bind(queue, exchange, key, options, FieldTable::default());
        soon(host, binding).await?;
    }
    Ok(())
}

async fn exchange(
    channel: &Channel,
    host: &str,
    exchange: &str,
    kind: ExchangeKind,
) -> Result<(), Trouble> {
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let name = name(exchange)?;
    soon(host, channel.exchange_declare(name, kind, options, FieldTable::default())).await
}

async fn queue(
    channel: &Channel,
    host: &str,
    queue: &str,
    arguments: &[(&str, &str)],
) -> Result<(), Trouble> {
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let declared = channel.queue_declare(name(queue)?, options, table(arguments)?);
    soon(host, declared).await.map(drop)
}

/// The canary did not come out.
fn lost(host: &str, where_vi: &str, where_en: &str) -> Trouble {
    trouble(
        "bus-canary",
        Pace::Mended,
        format!(
            "Thông điệp thử của hệ thống ở {host} {where_vi}. Chưa phát gì cho đến khi thử được: \
             kiểm \
             tra xem ai khác đang đọc `{CANARY}` hay `{CANARY_DEAD}`, chính sách (policy) và phiên \
             bản (từ 3.10) của máy chủ."
        ),
        format!(
            "The hub's canary at {host} {where_en}. Nothing is published until one comes out: \
             check \
             who else consumes `{CANARY}` or `{CANARY_DEAD}`, the broker's policies, and that it \
             is 3.10 or later."
        ),
    )
}

async fn consumed(channel: &Channel, host: &str, queue: &str) -> Result<Consumer, Trouble> {
    let options = BasicConsumeOptions::default();
    let (queue, tag) = (name(queue)?, name(queue)?);
    soon(host, channel.basic_consume(queue, tag, options, FieldTable::default())).await
}

/// Proves that a message which is rejected is dead-lettered. Whatever canary is met, of an earlier
/// attempt, goes the same way.
pub(super) async fn canary(
    (publishing, watching): (&Connection, &Connection),
    host: &str,
) -> Result<(), Trouble> {
    let sender = soon(host, publishing.create_channel()).await?;
    soon(host, sender.confirm_select(ConfirmSelectOptions::default())).await?;
    let channel = soon(host, watching.create_channel()).await?;
    soon(host, channel.basic_qos(16, BasicQosOptions::default())).await?;
    let mut alive = consumed(&channel, host, CANARY).await?;
    let mut dead = consumed(&channel, host, CANARY_DEAD).await?;
    let now = jiff::Timestamp::now().as_nanosecond();
    let id = format!("{}-{now}", std::process::id());
    let properties =
        BasicProperties::default().with_message_id(name(&id)?).with_delivery_mode(PERSISTENT);
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let (default, key) = (name("")?, name(CANARY)?);
    let published = sender.basic_publish(default, key, options, b"canary", properties);
    match soon(host, async { published.await?.await }).await? {
        Confirmation::Ack(None) => {}
        Confirmation::Ack(Some(_)) => return Err(lost(host, "không tới hàng đợi", "has no route")),
        _ => return Err(lost(host, "bị từ chối", "was refused")),
    }
    let until = Instant::now() + CANARY_MAX;
    loop {
        let met = async {
            tokio::select! {
                one = alive.next() => (one, false),
                one = dead.next() => (one, true),
            }
        };
        let Ok((met, is_dead)) = timeout_at(until, met).await else {
            return Err(lost(host, "không quay lại", "did not come out"));
        };
        let met = met.ok_or_else(|| silent(host, Duration::ZERO))?;
        let delivery = met.map_err(|error| failed(host, &error))?;
        if !is_dead {
            let options = BasicRejectOptions { requeue: false };
            soon(host, delivery.acker.reject(options)).await?;
            continue;
        }
        soon(host, delivery.acker.ack(BasicAckOptions::default())).await?;
        if delivery.properties.message_id().as_ref().is_some_and(|one| one.as_str() == id) {
            break;
        }
    }
    let closed = channel.close(200, name("")?);
    soon(host, closed).await?;
    soon(host, sender.close(200, name("")?)).await
}
