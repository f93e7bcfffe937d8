//! What a store keeps of how channels stand: what each had on each day, and alerts.

use contracts::problem::Bilingual;
use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer, ser::Error};

use super::{Answer, StoreError, batch::days::DayCounts};

/// What a channel had on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayRow {
    /// The day in Vietnam: days since 1970-01-01.
    pub day: i32,
    /// What it had.
    pub counts: DayCounts,
    /// Messages that were sent again as they were.
    pub repeats: u64,
}

/// What an operator is to look at, of one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Alert {
    /// The channel.
    pub channel: String,
    /// What about: one word.
    pub kind: String,
    /// In words.
    #[schema(value_type = crate::described::Bilingual)]
    pub told: Bilingual,
    /// When it was opened, in milliseconds since 1970; told as an instant.
    #[serde(serialize_with = "instant")]
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: i64,
    /// When it was closed.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "instant_or_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<i64>,
}

/// Milliseconds since 1970 as readers are told them.
pub(crate) fn instant<S: Serializer>(at: &i64, out: S) -> Result<S::Ok, S::Error> {
    Timestamp::from_millisecond(*at).map_err(S::Error::custom)?.serialize(out)
}

fn instant_or_none<S: Serializer>(at: &Option<i64>, out: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => instant(at, out),
        None => out.serialize_none(),
    }
}

/// What an alert says, as it is stored.
#[derive(Serialize, Deserialize)]
struct Told(Bilingual);

pub(super) fn text(told: &Bilingual) -> String {
    // Two texts: nothing can fail.
    serde_json::to_string(&Told(told.clone())).unwrap_or_default()
}

pub(super) fn words(stored: &str) -> Result<Bilingual, StoreError> {
    let told: Result<Told, _> = serde_json::from_str(stored);
    told.map(|told| told.0)
        .map_err(|error| StoreError::fault(format!("what an alert says is damaged: {error}")))
}

/// What is told of a count of outcomes that is not what the messages come to.
pub(super) fn miscounted((channel, outcome): (&str, &str), stored: u64, counted: u64) -> String {
    format!("channel {channel} counts {stored} messages {outcome}, and has {counted}")
}

/// How channels stand. One method = one transaction.
pub trait Channels: Send + Sync {
    /// The latest days on which each of some channels had anything, so many of each at most, the
    /// latest first, in the order of the channels asked for.
    fn channel_days(
        &self,
        channels: Vec<String>,
        days: u32,
    ) -> Answer<'_, Result<Vec<Vec<DayRow>>, StoreError>>;

    /// Adds messages of a day that were sent again as they were, by channel.
    fn add_repeats(
        &self,
        day: i32,
        repeats: Vec<(String, u64)>,
    ) -> Answer<'_, Result<(), StoreError>>;

    /// Alerts that stand: those that were not open are opened, and of `kinds` those that are open
    /// and not among them are closed. Gives what this has opened and closed.
    fn stand(
        &self,
        kinds: Vec<&'static str>,
        standing: Vec<Alert>,
        now: i64,
    ) -> Answer<'_, Result<Vec<Alert>, StoreError>>;

    /// The alerts that are open, by channel and kind.
    fn alerts(&self) -> Answer<'_, Result<Vec<Alert>, StoreError>>;
}
