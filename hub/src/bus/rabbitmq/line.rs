//! One line to a broker: publishes, many at once and in order, until it breaks.

use std::{collections::VecDeque, time::Duration};

use adapters::{
    amqp::name,
    reading::{Pace, Trouble},
};
use futures_util::{FutureExt, StreamExt, future::BoxFuture};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, Consumer, Error, PublisherConfirm,
    options::{BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions},
    types::{AMQPValue, FieldTable, LongString, ShortString},
};
use tokio::time::{Instant, sleep, timeout};

use super::{
    FEED, RECORDS, failed,
    topology::{self, PERSISTENT, silent, soon},
    trouble,
};
use crate::{
    bus::{Line, Sent, Standing, State},
    feeds::Outgoing,
};

/// Events that are published and not confirmed, at most.
const WINDOW: usize = 256;

/// After so long without a confirmation it is told that the broker takes nothing.
const TOLD_AFTER: Duration = Duration::from_secs(5);

/// After so long it is given up, and what is under way is unknown: sooner than a frozen network is
/// noticed by heartbeats.
const CONFIRM_MAX: Duration = Duration::from_secs(15);

/// The same where the broker says that it takes nothing for the moment: what it has in its buffers
/// it will still take, and a new connection would be told the same.
const BLOCKED_MAX: Duration = Duration::from_secs(600);

/// How often it is asked whether the connections stand.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long leaving may take.
const CLOSE_MAX: Duration = Duration::from_secs(2);

/// The media type of a structured CloudEvent.
pub(crate) const STRUCTURED: &str = "application/cloudevents+json; charset=utf-8";

/// A line to a broker.
pub(super) struct RabbitLine {
    publishing: Connection,
    channel: Channel,
    /// Publishes nothing: it is not held up by alarms.
    watching: Connection,
    /// Ends when the stream is deleted.
    watched: Option<Consumer>,
    host: String,
    anew: bool,
    standing: Standing,
}

impl RabbitLine {
    pub(super) async fn open(
        (publishing, watching): (Connection, Connection),
        host: String,
        standing: Standing,
    ) -> Result<Self, Trouble> {
        let anew = !topology::has_feed(&watching, &host).await?;
        let channel = soon(&host, publishing.create_channel()).await?;
        soon(&host, channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(Self { publishing, channel, watching, watched: None, host, anew, standing })
    }

    async fn have_all(&mut self) -> Result<(), Trouble> {
        let host = self.host.as_str();
        let channel = soon(host, self.watching.create_channel()).await?;
        topology::declare(&channel, host).await?;
        topology::canary((&self.publishing, &self.watching), host).await?;
        // One event is sent and never acknowledged, then no more: what counts is how it ends.
        soon(host, channel.basic_qos(1, BasicQosOptions::default())).await?;
        let mut arguments = FieldTable::default();
        let next = AMQPValue::LongString(LongString::from(b"next".to_vec()));
        arguments.insert(name("x-stream-offset")?, next);
        let (queue, tag) = (name(FEED)?, name("lienthong-watch")?);
        let options = BasicConsumeOptions::default();
        let watched = soon(host, channel.basic_consume(queue, tag, options, arguments)).await?;
        self.watched = Some(watched);
        Ok(())
    }

    /// Waits for a step of publishing. While the broker takes nothing, that is told.
    async fn step<T>(&self, step: impl Future<Output = Result<T, Error>>) -> Result<T, Trouble> {
        let began = Instant::now();
        let mut told = false;
        tokio::pin!(step);
        loop {
            if let Ok(done) = timeout(TOLD_AFTER, &mut step).await {
                if told && done.is_ok() {
                    self.standing.tell(State::Publishing, None);
                }
                return done.map_err(|error| failed(&self.host, &error));
            }
            let (status, waited) = (self.publishing.status(), began.elapsed());
            let blocked = status.blocked() && status.connected();
            let trouble = if blocked { blocks(&self.host) } else { silent(&self.host, waited) };
            if waited >= if blocked { BLOCKED_MAX } else { CONFIRM_MAX } {
                return Err(trouble);
            }
            self.standing.tell(State::Waiting, Some(&trouble));
            told = true;
        }
    }

    async fn send(&self, event: &Outgoing) -> Result<PublisherConfirm, Trouble> {
        let properties = BasicProperties::default()
            .with_message_id(name(&event.id)?)
            .with_content_type(name(STRUCTURED)?)
            .with_delivery_mode(PERSISTENT);
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let (exchange, key) = (name(RECORDS)?, name(&event.key)?);
        self.step(self.channel.basic_publish(exchange, key, options, &event.text, properties)).await
    }

    /// Waits until an event is kept: a broker confirms as well what it had no queue for.
    async fn confirmed(&self, sent: PublisherConfirm) -> Result<(), Trouble> {
        match self.step(sent).await? {
            Confirmation::Ack(None) => Ok(()),
            Confirmation::Ack(Some(_)) => Err(unroutable(&self.host)),
            Confirmation::Nack(_) => Err(refused(&self.host)),
            Confirmation::NotRequested => Err(silent(&self.host, Duration::ZERO)),
        }
    }

    async fn send_all(&mut self, events: &[Outgoing], kept: &mut usize) -> Result<(), Trouble> {
        if let Some(trouble) = self.ended() {
            return Err(trouble);
        }
        let mut under_way = VecDeque::with_capacity(WINDOW);
        for event in events {
            if under_way.len() >= WINDOW
                && let Some(first) = under_way.pop_front()
            {
                self.confirmed(first).await?;
                *kept += 1;
            }
            under_way.push_back(self.send(event).await?);
        }
        for one in under_way {
            self.confirmed(one).await?;
            *kept += 1;
        }
        Ok(())
    }

    /// Whether the line is broken, as far as is known at once.
    fn ended(&mut self) -> Option<Trouble> {
        let stand = self.publishing.status().connected() && self.watching.status().connected();
        if !stand {
            return Some(silent(&self.host, Duration::ZERO));
        }
        let watched = self.watched.as_mut()?.next().now_or_never()?;
        match watched {
            Some(Ok(_)) => None,
            Some(Err(error)) => Some(failed(&self.host, &error)),
            None => Some(deleted(&self.host)),
        }
    }
}

impl Line for RabbitLine {
    fn begins_anew(&self) -> bool {
        self.anew
    }

    fn prepare(&mut self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(self.have_all())
    }

    fn publish<'a>(&'a mut self, events: &'a [Outgoing]) -> BoxFuture<'a, Sent> {
        Box::pin(async move {
            let mut kept = 0;
            let trouble = self.send_all(events, &mut kept).await.err();
            Sent { kept, trouble }
        })
    }

    fn broken(&mut self) -> BoxFuture<'_, Trouble> {
        Box::pin(async move {
            loop {
                if let Some(trouble) = self.ended() {
                    return trouble;
                }
                sleep(LOOK_EVERY).await;
            }
        })
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            for connection in [self.watching, self.publishing] {
                // What is broken, or blocked, is left all the same.
                let closed = connection.close(200, ShortString::default());
                drop(timeout(CLOSE_MAX, closed).await);
            }
        })
    }
}

fn blocks(host: &str) -> Trouble {
    trouble(
        "bus-blocked",
        Pace::Soon,
        format!(
            "{host} tạm ngừng nhận vì sắp hết bộ nhớ hoặc đĩa. Giải phóng ở đó; hệ thống tự phát \
             tiếp."
        ),
        format!(
            "{host} takes nothing while its memory or disk runs out. Free some there; the hub \
             goes on by itself."
        ),
    )
}

fn unroutable(host: &str) -> Trouble {
    trouble(
        "bus-unroutable",
        Pace::Soon,
        format!(
            "{host} không có hàng đợi cho sự kiện: `{FEED}` đã bị gỡ khỏi `{RECORDS}`; hệ thống \
             gắn lại."
        ),
        format!(
            "{host} has no queue for an event: `{FEED}` was unbound from `{RECORDS}`; the hub \
             binds it again."
        ),
    )
}

fn refused(host: &str) -> Trouble {
    trouble(
        "bus-refused",
        Pace::Soon,
        format!(
            "Một hàng đợi ở {host} không nhận thêm (đầy với reject-publish?). Nới giới hạn hoặc \
             gỡ hàng \
             đợi đó khỏi `{RECORDS}`; hệ thống tự phát lại."
        ),
        format!(
            "A queue at {host} takes no more (full, with reject-publish?). Raise its limit, or \
             unbind it \
             from `{RECORDS}`; the hub publishes again by itself."
        ),
    )
}

fn deleted(host: &str) -> Trouble {
    trouble(
        "bus-feed-deleted",
        Pace::Soon,
        format!(
            "Luồng `{FEED}` ở {host} đã bị xóa; hệ thống tạo lại. Sau đó chạy `lienthong bus \
             rebuild`."
        ),
        format!(
            "The stream `{FEED}` at {host} was deleted; the hub makes it again. Run `lienthong \
             bus rebuild` then."
        ),
    )
}
