//! How the channels stand that the hub reads itself.

use jiff::Timestamp;
use serde::Serialize;

use super::{Operations, agency_of};
use crate::{
    auth::Principal,
    store::{
        StoreError,
        pollers::{PollTrouble, PollerRow},
    },
};

/// One channel that is read.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PollerStanding {
    /// The channel.
    pub channel: String,
    /// `poll`, `database` or `amqp`.
    pub transport: &'static str,
    /// Seconds between two turns.
    pub every_seconds: u64,
    /// Whether a turn is under way.
    pub under_way: bool,
    /// When a turn last ended well.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub succeeded_at: Option<Timestamp>,
    /// When anything was last read that moved the cursor.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub moved_at: Option<Timestamp>,
    /// How long ago that was, in seconds.
    pub cursor_age_seconds: Option<i64>,
    /// When the next turn is due.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_at: Option<Timestamp>,
    /// Turns in a row that failed.
    pub failures: u32,
    /// Why the last one did.
    pub trouble: Option<PollTrouble>,
}

fn time(millis: Option<i64>) -> Option<Timestamp> {
    millis.and_then(|at| Timestamp::from_millisecond(at).ok())
}

impl Operations {
    /// Every channel that is read and that whoever asks may see, by channel.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn pollers(&self, who: &Principal) -> Result<Vec<PollerStanding>, StoreError> {
        let seen = |channel: &str| match who {
            Principal::Operator => true,
            Principal::Agency(id) => id == agency_of(channel),
            Principal::Portal | Principal::Reporting(_) => false,
        };
        let rows = self.store.pollers().await?;
        let now = Timestamp::now();
        let read = self.catalog.channels.values();
        let read = read.filter_map(|channel| Some((channel, channel.read.as_ref()?)));
        let standings = read.filter(|(channel, _)| seen(&channel.id)).map(|(channel, read)| {
            let row = rows.iter().find(|row| row.channel == channel.id).cloned();
            let row = row.unwrap_or_else(PollerRow::default);
            let moved_at = time(row.moved_at);
            PollerStanding {
                channel: channel.id.clone(),
                transport: read.how.transport(),
                every_seconds: read.every.as_secs(),
                under_way: row.under_way,
                succeeded_at: time(row.succeeded_at),
                moved_at,
                cursor_age_seconds: moved_at.map(|at| now.duration_since(at).as_secs().max(0)),
                due_at: time(Some(row.due_at).filter(|at| *at > 0)),
                failures: row.failures,
                trouble: row.trouble,
            }
        });
        Ok(standings.collect())
    }
}
