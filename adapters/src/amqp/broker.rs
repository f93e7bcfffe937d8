//! Connecting to a broker, what is to be there, and what it says when it does not do it.

use std::{net::IpAddr, time::Duration};

use lapin::{
    Channel, Connection, ConnectionProperties, Consumer, Error, ErrorKind,
    options::{BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions},
    types::{FieldTable, ShortString},
    uri::{AMQPScheme, AMQPUri},
};
use tokio::time::timeout;

use super::Settings;
use crate::{
    reach::{Reach, Unreached},
    reading::{Pace, Trouble},
};

/// How long connecting, and each step of it, may take.
const STEP_MAX: Duration = Duration::from_secs(15);
/// How long leaving may take.
const CLOSE_MAX: Duration = Duration::from_secs(5);
/// Seconds without a sign of life after which a connection is given up, roughly.
const HEARTBEAT_SECONDS: u16 = 10;

/// A queue that is being consumed.
pub(super) struct Consuming {
    connection: Connection,
    /// It ends with its value.
    _channel: Channel,
    pub(super) consumer: Consumer,
    /// The broker, for people.
    pub(super) host: String,
}

/// Waits for one step at a broker, no longer than some seconds.
///
/// # Errors
/// What the broker says, or that it says nothing.
pub async fn soon<T>(
    host: &str,
    step: impl Future<Output = Result<T, Error>>,
) -> Result<T, Trouble> {
    match timeout(STEP_MAX, step).await {
        Ok(done) => done.map_err(|error| failed(host, &error)),
        Err(_) => Err(Trouble::broke_off(host, "timeout")),
    }
}

/// A name that fits the protocol: longer ones the library cannot write.
///
/// # Errors
/// Names of more than 255 bytes.
pub fn name(text: &str) -> Result<ShortString, Trouble> {
    ShortString::try_new(text).map_err(|_| {
        Trouble::not_understood(
            format!("Tên `{text}` dài hơn 255 byte."),
            format!("The name `{text}` has more than 255 bytes."),
        )
    })
}

/// Connects to a broker at what was judged of its address; gives its name for people too.
pub(super) async fn connect(
    address: &AMQPUri,
    reach: &Reach,
) -> Result<(Connection, String), Trouble> {
    let mut address = address.clone();
    let (name, port) = (address.authority.host.clone(), address.authority.port);
    let host = format!("{name}:{port}");
    let found = reach.addresses(&name, port).await.map_err(|why| match why {
        Unreached::NotAllowed(_) => Trouble::not_allowed(&host),
        Unreached::NoAddress(why) => Trouble::unreachable(&host, &why),
    })?;
    // What was judged is connected to; with TLS the certificate must be the name's.
    if let (AMQPScheme::AMQP, Some(one)) = (&address.scheme, found.first()) {
        address.authority.host = match one.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
    }
    address.query.heartbeat = Some(HEARTBEAT_SECONDS);
    let properties = ConnectionProperties::default().with_connection_name("lienthong".into());
    let connecting = timeout(STEP_MAX, Connection::connect_uri(address, properties)).await;
    let connection = match connecting {
        Err(_) => return Err(Trouble::unreachable(&host, "timeout")),
        Ok(Err(error)) if error.is_io_error() => {
            return Err(Trouble::unreachable(&host, &error.to_string()));
        }
        Ok(connected) => connected.map_err(|error| failed(&host, &error))?,
    };
    Ok((connection, host))
}

impl Consuming {
    pub(super) async fn open(
        settings: &Settings,
        address: &AMQPUri,
        reach: &Reach,
    ) -> Result<Self, Trouble> {
        let (connection, host) = connect(address, reach).await?;
        let channel = soon(&host, connection.create_channel()).await?;
        soon(&host, channel.basic_qos(settings.prefetch, BasicQosOptions::default())).await?;
        topology(settings, &channel, &host).await?;
        let (queue, tag) = (self::name(&settings.queue)?, self::name("lienthong")?);
        let options = BasicConsumeOptions::default();
        let consuming = channel.basic_consume(queue, tag, options, FieldTable::default());
        let consumer = soon(&host, consuming).await?;
        Ok(Self { connection, _channel: channel, consumer, host })
    }

    /// Leaves; messages that were not acknowledged are given to whoever comes next.
    pub(super) async fn close(self) {
        let reason = ShortString::default();
        // A connection that is broken is left all the same.
        drop(timeout(CLOSE_MAX, self.connection.close(200, reason)).await);
    }
}

/// What is to be there. A queue of the hub's is durable, and a broker never judges by itself how
/// often a message may be given: of that sort of queue it does not.
async fn topology(settings: &Settings, channel: &Channel, host: &str) -> Result<(), Trouble> {
    if settings.declare {
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let queue = name(&settings.queue)?;
        soon(host, channel.queue_declare(queue, options, FieldTable::default())).await?;
    }
    let Some(binding) = &settings.binding else { return Ok(()) };
    for key in &binding.keys {
        let (queue, exchange) = (name(&settings.queue)?, name(&binding.exchange)?);
        let options = QueueBindOptions::default();
        let key = name(key)?;
        soon(host, channel.queue_bind(queue, exchange, key, options, FieldTable::default()))
            .await?;
    }
    Ok(())
}

/// The broker has ended the consumer: the queue was deleted, or its node left.
pub(super) fn cancelled(queue: &str) -> Trouble {
    Trouble::new(
        "queue-gone",
        Pace::Soon,
        format!(
            "Máy chủ đã ngừng giao thông điệp của hàng đợi `{queue}` (hàng đợi bị xóa hoặc chuyển \
             máy); hệ thống tự nối lại."
        ),
        format!(
            "The broker gives no more messages of the queue `{queue}` (it was deleted, or its node \
             left); the hub consumes anew."
        ),
    )
}

/// An error in words. The broker's name queues and exchanges, and no data.
pub fn failed(host: &str, error: &Error) -> Trouble {
    let ErrorKind::ProtocolError(told) = error.kind() else {
        return Trouble::broke_off(host, &error.to_string());
    };
    let (code, words) = (told.get_id(), told.get_message().as_str());
    match code {
        403 | 530 => Trouble::credentials(host),
        404 => Trouble::new(
            "queue-missing",
            Pace::Mended,
            format!(
                "Không có hàng đợi hoặc điểm trao đổi ở {host}: {words}. Tạo ở đó, hoặc sửa kênh."
            ),
            format!("No such queue or exchange at {host}: {words}. Make it, or mend the channel."),
        ),
        405 | 406 => Trouble::new(
            "queue-differs",
            Pace::Mended,
            format!(
                "Hàng đợi ở {host} được tạo với thuộc tính khác, hoặc đang bị giữ riêng: {words}. \
                 Đặt declare = false, hoặc xóa hàng đợi cũ."
            ),
            format!(
                "The queue at {host} was made with other properties, or is somebody's alone: \
                 {words}. Say declare = false, or delete the old queue."
            ),
        ),
        _ => Trouble::broke_off(host, words),
    }
}
