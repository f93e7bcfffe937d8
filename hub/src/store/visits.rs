//! Visits: what was last found at the addresses that links lead to, and who looks (decision 50).
//!
//! An address is one row, however many procedures lead to it. One process at a time looks, under a
//! turn as whoever sends webhooks has one: what it has found is noted only while the turn is in
//! force, so one that was stopped in the middle notes nothing when it wakes.

use std::time::Duration;

use super::{Answer, StoreError};

/// How long a turn is somebody's who says nothing more of it.
pub const LEASE: Duration = Duration::from_secs(6);

/// What was last found at an address. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VisitRow {
    /// The address.
    pub url: String,
    /// When it was last visited.
    pub visited_at: i64,
    /// The last status that was answered.
    pub status: Option<u16>,
    /// Why it leads nowhere; nothing where it leads somewhere.
    pub reason: Option<String>,
    /// Where redirects have led.
    pub leads_to: Option<String>,
    /// Visits in a row that led nowhere.
    pub failures: u32,
    /// When the first of them was.
    pub failing_since: Option<i64>,
    /// When the next visit is due.
    pub due_at: i64,
    /// When this was read, by the store's clock.
    pub now: i64,
}

/// A visit that was made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Visit {
    /// The address.
    pub url: String,
    /// The last status that was answered.
    pub status: Option<u16>,
    /// Why it leads nowhere; nothing where it leads somewhere.
    pub reason: Option<String>,
    /// Where redirects have led.
    pub leads_to: Option<String>,
    /// How long until the next.
    pub wait: Duration,
}

/// Visits. One method = one transaction.
pub trait Visits: Send + Sync {
    /// What was found everywhere, in the order of the addresses.
    fn visits(&self) -> Answer<'_, Result<Vec<VisitRow>, StoreError>>;

    /// Notes a visit; false where the turn is another's: then nothing is noted.
    fn visited(&self, token: u64, visit: Visit) -> Answer<'_, Result<bool, StoreError>>;

    /// Forgets addresses that nothing leads to any more; false where the turn is another's.
    fn forget_visits(&self, token: u64, urls: Vec<String>) -> Answer<'_, Result<bool, StoreError>>;

    /// Takes the turn of visiting; none where it is another's, or where the store takes part in a
    /// move.
    fn take_visits(&self) -> Answer<'_, Result<Option<u64>, StoreError>>;

    /// Says of a turn that it goes on; false where it is another's.
    fn keep_visits(&self, token: u64) -> Answer<'_, Result<bool, StoreError>>;

    /// Gives a turn up, so that another process need not wait for its end.
    fn leave_visits(&self, token: u64) -> Answer<'_, Result<(), StoreError>>;
}
