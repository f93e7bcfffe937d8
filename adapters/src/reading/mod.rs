//! Reading: what the hub fetches by itself, from an agency's API or database.
//!
//! It is done in turns. A turn begins where the cursor says, hands what is new to the inbox with
//! the place where reading goes on, and ends. The inbox's transaction moves the cursor: whenever a
//! process is killed, what was accepted is behind the cursor and what was not is before it.
//!
//! State that is read has no message id of its own. Rows are known by their key; of each the hub
//! keeps a keyed hash of what it read last, and what is the same is not taken again. So windows may
//! overlap, servers may repeat and reorder, and a row that changes, or changes back, is new.

mod batch;
#[cfg(test)]
pub(crate) mod fixture;
mod trouble;
pub(crate) mod watermark;

use std::sync::{Arc, atomic::AtomicBool};

use contracts::{Later, Receipt};
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

pub use trouble::{Pace, Trouble};

pub(crate) use batch::{ROWS_MAX, Row, joined};

use crate::inbound::{Inbox, Mark};

/// What the hub remembers of what was read, by hashes that nobody can guess values from.
pub trait Memory: Send + Sync + 'static {
    /// A keyed hash, cut.
    fn mark(&self, bytes: &[u8]) -> Mark;

    /// The id of the message whose description this is: channel, place and content. Visible ASCII,
    /// at most 255 bytes.
    fn message(&self, described: &[u8]) -> String;

    /// What was read last under some keys of a channel.
    fn polled(
        &self,
        channel: &str,
        keys: Vec<Mark>,
    ) -> BoxFuture<'static, Result<Vec<(Mark, Mark)>, Later>>;

    /// Moves the cursor of a turn where nothing was new; false where the turn is another's.
    fn keep(
        &self,
        channel: &str,
        token: u64,
        cursor: String,
    ) -> BoxFuture<'static, Result<bool, Later>>;
}

/// One turn of reading.
pub struct Turn {
    /// The channel.
    pub channel: String,
    /// Proves that the turn is in force.
    pub token: u64,
    /// Where reading goes on; none before anything was read.
    pub cursor: Option<String>,
    /// Where arrivals go.
    pub inbox: Arc<dyn Inbox>,
    /// What was read before.
    pub memory: Arc<dyn Memory>,
    /// Told when the turn is to end: what is under way comes to its end, nothing new is begun.
    pub stop: CancellationToken,
    /// Whether reading is known to succeed just now, for turns that last.
    pub well: Arc<AtomicBool>,
    /// Whether the cursor was moved in this turn. What fails behind that fails for the first time.
    pub moved: Arc<AtomicBool>,
}

/// What came of a turn that went well.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ended {
    /// Rows, pages or messages that were new.
    pub taken: u64,
    /// What the last of them became.
    pub last: Option<Receipt>,
}

/// What can be read in turns.
pub trait Reader: Send + Sync + 'static {
    /// One turn: all that is new, or as much as one turn may take.
    fn turn(self: Arc<Self>, turn: Turn) -> BoxFuture<'static, Result<Ended, Trouble>>;
}
