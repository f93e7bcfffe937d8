//! What a transport hands over, and to whom.

use bytes::Bytes;
use contracts::{Later, Problem, Receipt};
use futures_util::future::BoxFuture;

/// What a transport has just received and the hub does not own yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arrival {
    /// The native bytes, freed of any transfer or content encoding, otherwise untouched.
    pub payload: Bytes,
    /// The media type the sender named, as it wrote it.
    pub content_type: Option<String>,
    /// What the transport sent along and may be shown in a trace; never a credential.
    pub headers: Vec<(String, String)>,
    /// The agency's id of the message, if it gave one.
    pub key: Option<String>,
    /// Where in the agency's data reading goes on after this arrival, for transports that read.
    pub cursor: Option<Advance>,
    /// Why the payload is not what was sent, where the transport knows: it is kept as refused. The
    /// payload is what came, packed as it came, or nothing where that was too much.
    pub fault: Option<Box<Problem>>,
}

/// A keyed hash, cut to what tells keys and contents of one channel apart.
pub type Mark = [u8; 16];

/// What reading moves on to when an arrival is accepted, in the transaction that accepts it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Advance {
    /// Proves that the turn of reading is in force: else nothing is accepted.
    pub token: u64,
    /// Where reading goes on.
    pub cursor: String,
    /// Keys that were read, and what was read under them last.
    pub polled: Vec<(Mark, Mark)>,
}

/// The one door of the hub: every arrival, of every transport, enters here.
pub trait Inbox: Send + Sync + 'static {
    /// Makes the arrival durable and says what became of it.
    ///
    /// `Ok` means that it is durable and its outcome final, so the sender may forget it; `Later`
    /// means that nothing was kept. The work runs in its own task: a transport whose sender hangs
    /// up drops the future, and the work still comes to its end.
    fn accept(&self, channel: &str, arrival: Arrival)
    -> BoxFuture<'static, Result<Receipt, Later>>;
}
