//! Webhooks: who is sent which feed where, and how far that is (decision 45).
//!
//! A subscription is one row with a place in its feed. One process at a time sends, under a turn as
//! whoever publishes to a broker has one: a place moves only while the turn is in force. So one
//! that was stopped in the middle moves nothing when it wakes, and what it sends then comes again
//! under the ids that it had.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Answer, StoreError};

/// How long a turn is somebody's who says nothing more of it.
pub const LEASE: Duration = Duration::from_secs(6);

/// Attempts that are kept of one subscription: the last ones.
pub const ATTEMPTS_KEPT: usize = 20;

/// Why nothing is sent any more: the feed is derived otherwise than where the place was told.
pub const REFOLDED: &str = "refolded";

/// A place in a feed, with the log that it was told in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FeedPlace {
    /// The log.
    pub log_id: String,
    /// The position in it.
    pub position: u64,
    /// What tells apart what has the same position.
    pub beside: String,
    /// The version of the feed's fold that it was told in; 0 of a feed that is none.
    pub fold: u32,
}

/// One attempt to send an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began, in milliseconds since 1970.
    pub at: i64,
    /// The event's id.
    pub event: String,
    /// What was answered, where something was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub took: u64,
    /// What was wrong; nothing where it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
}

/// A subscription as it is stored. Not shown with its secrets, nor with its address, which may hold
/// one.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SubscriptionRow {
    /// Its name.
    pub id: String,
    /// Whose it is: a principal, as text.
    pub owner: String,
    /// The feed.
    pub feed: String,
    /// Only what this agency may read.
    pub agency: Option<String>,
    /// Only records of this contract.
    pub contract: Option<String>,
    /// Only what is about dossiers of this code, as it was told.
    pub dossier: Option<String>,
    /// Where events are sent.
    pub url: String,
    /// How they are signed.
    pub signature: String,
    /// By what: sealed.
    pub secrets: String,
    /// Why nothing is sent; nothing where it is.
    pub disabled: Option<String>,
    /// Where sending goes on.
    pub place: FeedPlace,
    /// Changes whenever somebody sets the place.
    pub version: u64,
    /// Attempts in a row that failed.
    pub attempts: u32,
    /// Since when they do.
    pub failing_since: Option<i64>,
    /// When the next attempt is due.
    pub due_at: i64,
    /// The last attempts, the latest last; none where they were not asked for.
    pub tried: Vec<Attempt>,
    /// When it was made.
    pub made_at: i64,
    /// When it was read, by the store's clock.
    pub now: i64,
}

impl fmt::Debug for SubscriptionRow {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SubscriptionRow")
            .field("id", &self.id)
            .field("owner", &self.owner)
            .field("url", &"***")
            .field("secrets", &"***")
            .field("disabled", &self.disabled)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// Which subscriptions.
#[derive(Debug, Clone, Default)]
pub struct SubscriptionQuery {
    /// Of one owner.
    pub owner: Option<String>,
    /// The one of a name.
    pub id: Option<String>,
    /// With their attempts.
    pub tried: bool,
}

impl SubscriptionQuery {
    /// The one of a name, with its attempts.
    pub fn one(id: &str) -> Self {
        Self { id: Some(id.to_owned()), tried: true, ..Self::default() }
    }
}

/// What somebody changes of a subscription.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// Its secrets, where they are still those that were read.
    Secrets {
        /// What was read.
        was: String,
        /// What takes its place.
        now: String,
    },
    /// It is sent again: at once, and as if it had never failed.
    On,
    /// Nothing is sent any more, for this reason; one that it has already stays.
    Off(String),
    /// Nothing is sent any more for [`REFOLDED`], where its place is of this version of a fold
    /// still.
    Refolded(u32),
    /// Where sending goes on; it does at once where it was off for [`REFOLDED`].
    Place(FeedPlace),
}

/// What has come of sending for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentOn {
    /// The subscription.
    pub id: String,
    /// The turn.
    pub token: u64,
    /// The version that was read.
    pub version: u64,
    /// Where sending goes on.
    pub place: FeedPlace,
    /// What was tried.
    pub tried: Vec<Attempt>,
    /// How the last attempt ended, where one failed.
    pub failed: Option<Failed>,
}

/// An attempt that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Attempts in a row that failed.
    pub attempts: u32,
    /// How long until the next.
    pub wait: Duration,
    /// Why nothing is sent any more, where that is so.
    pub disabled: Option<String>,
}

/// Attempts as they are stored, with some more behind them.
pub(super) fn appended(stored: &str, more: &[Attempt]) -> String {
    let mut all = attempts(stored);
    all.extend(more.iter().cloned());
    let first = all.len().saturating_sub(ATTEMPTS_KEPT);
    // Texts and numbers: nothing can fail.
    serde_json::to_string(&all[first..]).unwrap_or_else(|_| "[]".to_owned())
}

/// Attempts that were stored.
pub(super) fn attempts(stored: &str) -> Vec<Attempt> {
    serde_json::from_str(stored).unwrap_or_default()
}

/// What is asked of a store that takes part in a move.
pub(super) fn in_a_move() -> StoreError {
    StoreError::fault("this store takes part in a move")
}

/// Subscriptions. One method = one transaction.
pub trait Subscriptions: Send + Sync {
    /// Adds one; false where its owner has as many as it may.
    fn add_subscription(
        &self,
        row: SubscriptionRow,
        most: u32,
    ) -> Answer<'_, Result<bool, StoreError>>;

    /// Those that a query finds, in the order in which they were made.
    fn subscriptions(
        &self,
        query: SubscriptionQuery,
    ) -> Answer<'_, Result<Vec<SubscriptionRow>, StoreError>>;

    /// Changes one; false where there is none, or its secrets are others than were read.
    fn change_subscription(
        &self,
        id: String,
        change: Change,
    ) -> Answer<'_, Result<bool, StoreError>>;

    /// Removes one; false where there is none.
    fn remove_subscription(&self, id: String) -> Answer<'_, Result<bool, StoreError>>;

    /// Notes attempts that somebody asked for, beside the order of the feed.
    fn note_attempts(&self, id: String, tried: Vec<Attempt>) -> Answer<'_, Result<(), StoreError>>;

    /// Notes how far sending is; false where the turn is another's, or the subscription is gone or
    /// was set to another place: then nothing is noted.
    fn sent_on(&self, sent: SentOn) -> Answer<'_, Result<bool, StoreError>>;

    /// Takes the turn of sending; none where it is another's, or where the store takes part in a
    /// move.
    fn take_webhooks(&self) -> Answer<'_, Result<Option<u64>, StoreError>>;

    /// Says of a turn that it goes on; false where it is another's.
    fn keep_webhooks(&self, token: u64) -> Answer<'_, Result<bool, StoreError>>;

    /// Gives a turn up, so that another process need not wait for its end.
    fn leave_webhooks(&self, token: u64) -> Answer<'_, Result<(), StoreError>>;
}
