//! RabbitMQ, 3.10 or later: events go to a topic exchange, and from it into a stream that keeps
//! them.
//!
//! Two connections: under an alarm the broker reads nothing any more from one that publishes, so
//! what is declared, watched and acknowledged goes by the other. Every wait has an end, and a
//! connection that broke is never used again. What was published and not confirmed by then may be
//! there or come yet: it is unknown, and published again under the same id.

mod follow;
mod line;
#[cfg(test)]
mod tests;
mod topology;

use adapters::{
    amqp::{self, Address},
    outbound::Secret,
    reach::{Network, Reach},
    reading::{Pace, Trouble},
};
use contracts::problem::Bilingual;
use futures_util::future::BoxFuture;
use lapin::{Connection, Error, ErrorKind};

use super::{Bus, Follower, Line, Standing, Start};
use follow::Following;
use line::RabbitLine;
pub(crate) use line::STRUCTURED;
pub(crate) use topology::EVERY_KEY;

/// The topic exchange that every event goes to.
pub const RECORDS: &str = "lienthong.records";

/// The stream that keeps every event.
pub const FEED: &str = "lienthong.feed";

/// A broker.
pub struct RabbitMq {
    address: Secret,
    standing: Standing,
}

impl RabbitMq {
    /// At an address, which is read whenever it is connected to.
    pub fn new(address: Secret, standing: Standing) -> Self {
        Self { address, standing }
    }

    /// The operator names the broker: it may be anywhere.
    async fn connect(&self) -> Result<(Connection, String), Trouble> {
        let told = self.address.read().map_err(|failure| no_address(&failure.told))?;
        let address: Address = told.parse().map_err(|error| no_address(&format!("{error}")))?;
        let everywhere = ["0.0.0.0/0", "::/0"];
        let private: Vec<Network> = everywhere.iter().filter_map(|one| one.parse().ok()).collect();
        address.connect(&Reach { private }).await
    }
}

impl Bus for RabbitMq {
    fn open(&self) -> BoxFuture<'_, Result<Option<Box<dyn Line>>, Trouble>> {
        Box::pin(async move {
            let (publishing, host) = self.connect().await?;
            let (watching, _) = self.connect().await?;
            let standing = self.standing.clone();
            let line = RabbitLine::open((publishing, watching), host, standing).await?;
            Ok(Some(Box::new(line) as Box<dyn Line>))
        })
    }

    fn follow(&self, from: Start) -> BoxFuture<'_, Result<Box<dyn Follower>, Trouble>> {
        Box::pin(async move {
            let (connection, host) = self.connect().await?;
            let following = Following::open(connection, host, from).await?;
            Ok(Box::new(following) as Box<dyn Follower>)
        })
    }
}

fn trouble(code: &'static str, pace: Pace, vi: String, en: String) -> Trouble {
    Trouble { code, told: Bilingual { vi, en }, pace }
}

fn no_address(why: &str) -> Trouble {
    trouble(
        "bus-address",
        Pace::Mended,
        format!(
            "Không đọc được địa chỉ của trục ({why}). Sửa dòng bus của hub.toml hoặc tệp bí mật."
        ),
        format!(
            "The bus has no address ({why}). Mend the line bus of hub.toml, or the file of secrets."
        ),
    )
}

/// Whether words of a 404 say that something is not there. A queue whose node is starting is there,
/// and is answered by a 404 too.
fn is_absent(words: &str) -> bool {
    words.contains("no queue") || words.contains("no exchange")
}

/// What the broker says, in words for who runs the hub.
fn failed(host: &str, error: &Error) -> Trouble {
    let ErrorKind::ProtocolError(told) = error.kind() else { return amqp::failed(host, error) };
    let words = told.get_message().as_str();
    match told.get_id() {
        404 if !is_absent(words) => trouble(
            "bus-recovering",
            Pace::Soon,
            format!(
                "{host} chưa khởi động lại xong hàng đợi của hệ thống ({words}); hệ thống thử lại. \
                 Nếu kéo dài nhiều phút: xóa dữ liệu của trục ở đó, khởi động lại nó, rồi chạy \
                 lienthong bus rebuild."
            ),
            format!(
                "{host} has not brought a queue of the hub's up again ({words}); the hub tries \
                 again. Where that lasts for minutes: remove the broker's data, start it, and run \
                 lienthong bus rebuild."
            ),
        ),
        404 => trouble(
            "bus-missing",
            Pace::Soon,
            format!(
                "Hàng đợi hoặc điểm trao đổi của hệ thống ở {host} đã bị xóa ({words}); hệ thống \
                 tự tạo lại."
            ),
            format!(
                "A queue or exchange of the hub's at {host} was deleted ({words}); the hub makes \
                 it again."
            ),
        ),
        405 | 406 => trouble(
            "bus-differs",
            Pace::Mended,
            format!(
                "Ở {host} đã có hàng đợi hoặc điểm trao đổi cùng tên với thuộc tính khác \
                 ({words}). Xóa hoặc đổi tên nó ở đó."
            ),
            format!(
                "{host} has a queue or an exchange of this name with other properties ({words}). \
                 Delete it there."
            ),
        ),
        _ => amqp::failed(host, error),
    }
}
