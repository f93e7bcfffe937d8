//! What a store keeps of what channels send (decision 19).
//!
//! Messages are looked at in the order of their numbers, once. Where that stands is kept with what
//! was seen, and a turn is kept only where it still stands there: whoever looks twice, after a
//! crash or beside another process, counts once.

use super::{Answer, StoreError, holds::HoldRow};

/// A message as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its number.
    pub message: u64,
    /// Its channel.
    pub channel: String,
    /// When it was recorded, in RFC 3339.
    pub recorded_at: String,
}

/// How far messages were looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unprofiled {
    /// The number of the message that is next.
    pub next: u64,
    /// How many messages there are; they are numbered from 1.
    pub messages: u64,
    /// The messages from there on, as many as were asked for.
    pub received: Vec<Received>,
}

/// The beginning of the raw bytes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether that is all of them.
    pub whole: bool,
}

/// The profile of a channel in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileRow {
    /// The channel.
    pub channel: String,
    /// A day, as `2026-11-25`, or a month, as `2026-11`.
    pub period: String,
    /// What was seen, as JSON.
    pub profile: String,
}

/// What came of a turn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// The message that was next when it began.
    pub from: u64,
    /// The message that is next from now on.
    pub to: u64,
    /// Rows that take the place of those of their channel and period.
    pub kept: Vec<ProfileRow>,
    /// Channels and periods whose rows go.
    pub dropped: Vec<(String, String)>,
    /// Changes that hold their channels from now on.
    pub held: Vec<HoldRow>,
}

/// Profiles. One method = one transaction.
pub trait Profiles: Send + Sync {
    /// What is to be looked at next.
    fn unprofiled(&self, limit: u32) -> Answer<'_, Result<Unprofiled, StoreError>>;

    /// The raw bytes of a message, the first pieces of them until there are so many bytes; none
    /// where they are gone.
    fn beginning(
        &self,
        message: u64,
        bytes: u64,
    ) -> Answer<'_, Result<Option<Beginning>, StoreError>>;

    /// Keeps a turn; false where another has been kept since it began, or where the store takes
    /// part in a move: then it is as if it had not been.
    fn keep(&self, turn: Turn) -> Answer<'_, Result<bool, StoreError>>;

    /// Profiles of some channels, or of all, in the order of channels and periods.
    fn profiles(
        &self,
        channels: Option<Vec<String>>,
    ) -> Answer<'_, Result<Vec<ProfileRow>, StoreError>>;
}

/// Bytes of a piece at least, of all but the last: so many pieces hold so many bytes.
const PIECE_BYTES: u64 = 1024 * 1024;

/// The pieces that so many bytes take, and one more, which shows whether that was all.
pub(super) fn pieces(bytes: u64) -> u64 {
    bytes.div_ceil(PIECE_BYTES) + 1
}

/// Puts the first pieces together, up to so many bytes.
pub(super) fn beginning(pieces: Vec<Vec<u8>>, bytes: u64) -> Option<Beginning> {
    if pieces.is_empty() {
        return None;
    }
    let mut all = pieces.concat();
    let most = usize::try_from(bytes).unwrap_or(usize::MAX);
    let whole = all.len() <= most;
    all.truncate(most);
    Some(Beginning { bytes: all, whole })
}
