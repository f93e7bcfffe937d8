//! What a store keeps of deliveries: the outbox, how each outbound channel stands, dead letters.
//!
//! A delivery is one record to one outbound channel. Those of one key to one channel form a *line*:
//! they go one after another. Announcing leases the first of a line, settling deletes it, failing
//! postpones it, burying makes a dead letter of it, replaying puts that back. A lease has an end:
//! what a hub that was killed had leased is taken again like what has failed. Every lease has a
//! token, and what is told under an older one changes nothing. The leases of a channel are one row
//! ([`leases`]), so they cost the lines nothing.

mod course;
mod dead;
pub(super) mod leases;

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use super::{Answer, StoreError};

pub use course::Course;
pub use dead::{DeadId, DeadLetter, DeadQuery, NoDeadId};

/// Deliveries announced or concluded in one transaction, at most.
pub const DELIVERIES_MAX: u32 = 256;

/// Bytes of what is told of an attempt, at most.
pub const TOLD_BYTES_MAX: usize = 2_048;

/// A delivery as the accepting transaction makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The outbound channel.
    pub channel: Arc<str>,
    /// The key within which order is kept.
    pub key: String,
    /// The record's position in the journal.
    pub position: u64,
    /// Whether the personal members go with it.
    pub personal: bool,
}

/// A record's way out, as its routes say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The outbound channel.
    pub channel: Arc<str>,
    /// Whether the personal members go with it.
    pub personal: bool,
}

/// A delivery that was announced to who is to make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The key within which order is kept.
    pub key: String,
    /// The record's position in the journal.
    pub position: u64,
    /// The lease's token.
    pub token: u64,
    /// Attempts, this one included.
    pub attempts: u32,
    /// For how long it has been failing.
    pub failing: Option<Duration>,
    /// The inbound channel that it came by.
    pub from: Option<String>,
    /// The entry's text.
    pub text: Vec<u8>,
    /// The public text.
    pub public: Vec<u8>,
    /// The personal text, where it goes with it and is still there.
    pub personal: Option<Vec<u8>>,
    /// What is sent in place of the record.
    pub body: Option<Vec<u8>>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It is there: the delivery is no more.
    Settled,
    /// The same, and when that was is kept, for who asks what became of it.
    SettledAndKept,
    /// It is tried again after a time.
    Postponed {
        /// After how long.
        wait: Duration,
        /// What was said, for an operator.
        told: String,
        /// Whether it was an attempt, and the delivery is failing: where an agency takes nothing
        /// whatever it is, it was none, and the delivery does not grow old by it.
        counts: bool,
    },
    /// It never began: the delivery is as it was before it was announced.
    Released,
    /// It is given up.
    Buried {
        /// The kind of cause, one word.
        cause: &'static str,
        /// What was said, for an operator.
        told: String,
    },
}

/// A delivery that was announced, and how its attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concluded {
    /// Its key.
    pub key: String,
    /// Its position.
    pub position: u64,
    /// The lease's token.
    pub token: u64,
    /// How it ended.
    pub end: End,
}

/// How much is to be announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Deliveries at most.
    pub most: u32,
    /// For how long they are leased.
    pub lease: Duration,
}

/// Whether an outbound channel delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ChannelRunning)]
pub enum Running {
    /// It does.
    Running,
    /// It does not, until it is resumed; what comes waits.
    Paused,
    /// It delivers what waited when it was told so, and pauses then.
    Draining,
}

impl Running {
    /// Its name in the store, in URLs and on screens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Draining => "draining",
        }
    }

    /// The one of a name.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "paused" => Self::Paused,
            "draining" => Self::Draining,
            _ => Self::Running,
        }
    }
}

/// What was decided of an outbound channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ChannelDecided)]
pub struct Decided {
    /// Whether it delivers.
    pub state: Running,
    /// For one that drains: deliveries of records before this position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up_to: Option<u64>,
    /// Since when, in milliseconds since 1970.
    pub since: u64,
    /// Why, in words.
    pub reason: String,
}

/// Whether a channel is to deliver, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is to.
    pub state: Running,
    /// Why, in words.
    pub reason: String,
    /// How long ago that began from which this follows, such as an attempt that was denied; `None`
    /// for what an operator says. What began before the channel was resumed tells nothing of how
    /// it stands since.
    pub age: Option<Duration>,
}

impl Decision {
    /// One that holds whatever was decided before.
    pub fn of(state: Running, reason: String) -> Self {
        Self { state, reason, age: None }
    }

    /// Whether it changes what was decided before; `now` in milliseconds since 1970.
    pub(super) fn changes(&self, before: Option<&Decided>, now: u64) -> bool {
        let stands = before.map_or(Running::Running, |before| before.state);
        let began = self.age.map(|age| now.saturating_sub(age.as_millis() as u64));
        let resumed = before.filter(|before| before.state == Running::Running);
        let outdated = resumed.zip(began).is_some_and(|(resumed, began)| began < resumed.since);
        let idle = stands == Running::Paused && self.state == Running::Draining;
        stands != self.state && !idle && !outdated
    }
}

/// How an outbound channel stands, as who delivers needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Whether it delivers.
    pub state: Running,
    /// When its next delivery is to be tried; `None` where nothing waits. Of one that drains,
    /// nothing waits that was not there when it was told so.
    pub within: Option<Duration>,
}

/// What waits for one outbound channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = OutboxChannel)]
pub struct Waiting {
    /// The channel.
    pub channel: String,
    /// Deliveries in the outbox.
    pub waiting: u64,
    /// Lines whose first delivery has failed.
    pub failing: u64,
    /// Since when the one has been failing that fails longest, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<u64>,
    /// What was said of one that fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
    /// Dead letters of which nothing is decided.
    pub dead: u64,
    /// What was decided of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decided>,
}

impl Waiting {
    /// A channel for which nothing waits.
    pub fn of(channel: String) -> Self {
        Self {
            channel,
            waiting: 0,
            failing: 0,
            failing_since: None,
            told: None,
            dead: 0,
            decided: None,
        }
    }
}

/// Names a delivery: outbound channel, key and position.
pub type LinePlace = (String, String, u64);

/// Deliveries. One method = one transaction. A store that takes part in a move announces nothing
/// and takes nothing: what was under way is delivered again from where it goes on.
pub trait Deliveries: Send + Sync {
    /// How some channels stand, in their order.
    fn due(&self, channels: Vec<Arc<str>>) -> Answer<'_, Result<Vec<Due>, StoreError>>;

    /// Ends attempts; then leases the first deliveries of lines that are due, at most so many; none
    /// where the channel does not deliver. Gives how many attempts were still the teller's to end,
    /// and what is announced.
    fn conclude_and_announce(
        &self,
        channel: Arc<str>,
        ended: Vec<Concluded>,
        wanted: Wanted,
    ) -> Answer<'_, Result<(u32, Vec<Delivery>), StoreError>>;

    /// Announces alone.
    fn announce(
        &self,
        channel: Arc<str>,
        most: u32,
        lease: Duration,
    ) -> Answer<'_, Result<Vec<Delivery>, StoreError>> {
        let done = self.conclude_and_announce(channel, Vec::new(), Wanted { most, lease });
        Box::pin(async move { Ok(done.await?.1) })
    }

    /// Concludes alone.
    fn conclude(
        &self,
        channel: Arc<str>,
        ended: Vec<Concluded>,
    ) -> Answer<'_, Result<u32, StoreError>> {
        let none = Wanted { most: 0, lease: Duration::ZERO };
        let done = self.conclude_and_announce(channel, ended, none);
        Box::pin(async move { Ok(done.await?.0) })
    }

    /// Sets whether a channel delivers. One that is to drain and has nothing to is paused; one that
    /// an operator has paused is not paused again. Gives whether it changed.
    fn decide(&self, channel: String, decision: Decision) -> Answer<'_, Result<bool, StoreError>>;

    /// What has become of the deliveries of some records whose settlements are kept, in their
    /// order.
    fn courses(&self, of: Vec<LinePlace>) -> Answer<'_, Result<Vec<Course>, StoreError>>;

    /// What waits, by channel.
    fn waiting(&self) -> Answer<'_, Result<Vec<Waiting>, StoreError>>;

    /// Dead letters, in the order in which they were buried.
    fn dead(&self, query: DeadQuery) -> Answer<'_, Result<Vec<DeadLetter>, StoreError>>;

    /// One dead letter, with the delivery as it would be announced again.
    fn dead_letter(
        &self,
        id: DeadId,
    ) -> Answer<'_, Result<Option<(DeadLetter, Delivery)>, StoreError>>;

    /// Puts dead letters back into the outbox, as far as nothing was decided of them; with another
    /// body where one is given. Gives how many were.
    fn replay(
        &self,
        ids: Vec<DeadId>,
        body: Option<Vec<u8>>,
        reason: String,
    ) -> Answer<'_, Result<u64, StoreError>>;

    /// Decides that a dead letter is never delivered; false where something was decided of it.
    fn discard(&self, id: DeadId, reason: String) -> Answer<'_, Result<bool, StoreError>>;
}

/// Milliseconds, as they are stored.
pub(super) fn millis(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX / 4)
}

/// Milliseconds from one moment to another, none where that lies before.
pub(super) fn from_to(from: i64, to: i64) -> Duration {
    Duration::from_millis(u64::try_from(to.saturating_sub(from)).unwrap_or(0))
}

/// What is told, cut to what is kept.
pub(super) fn shortened(mut told: String) -> String {
    let mut end = TOLD_BYTES_MAX.min(told.len());
    while !told.is_char_boundary(end) {
        end -= 1;
    }
    told.truncate(end);
    // Not every store takes it.
    told.replace('\0', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_cut_between_letters() {
        let told = shortened("ệ".repeat(TOLD_BYTES_MAX));
        assert!(told.len() <= TOLD_BYTES_MAX && told.chars().all(|c| c == 'ệ'));
    }
}
