//! What the channels of a batch had, day by day.

use std::collections::BTreeMap;

use contracts::Outcome;
use jiff::tz;

use super::attempt::Written;
use crate::registry::measure::day_number;

/// A channel and a day: days since 1970-01-01, in Vietnam.
pub type ChannelDay = (String, i32);

/// What a channel had on a day, as far as a batch adds to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DayCounts {
    /// Messages that came to their outcome.
    pub messages: u64,
    /// Of those, the ones of which nothing was stored.
    pub refused: u64,
    /// Records stored.
    pub records: u64,
    /// Records refused.
    pub refused_records: u64,
    /// When the first of the messages was recorded, in milliseconds since 1970.
    pub first_at: i64,
    /// When the last one was.
    pub last_at: i64,
    /// The longest time between two of them, in milliseconds.
    pub pause: i64,
}

/// What attempts add that have come to their outcome; they are in the order of their numbers.
pub fn days(attempts: &[Written]) -> BTreeMap<ChannelDay, DayCounts> {
    let mut days: BTreeMap<ChannelDay, DayCounts> = BTreeMap::new();
    for Written { attempt, .. } in attempts {
        let Some(outcome) = attempt.outcome else { continue };
        let day = day_number(tz::offset(7).to_datetime(attempt.recorded_at).date());
        let at = attempt.recorded_at.as_millisecond();
        let counts = days.entry((attempt.channel.clone(), day)).or_insert_with(|| DayCounts {
            first_at: at,
            last_at: at,
            ..DayCounts::default()
        });
        counts.messages += 1;
        counts.refused += u64::from(matches!(outcome, Outcome::Refused | Outcome::Conflict));
        counts.records += attempt.records;
        counts.refused_records += attempt.refused;
        counts.pause = counts.pause.max(at - counts.last_at);
        counts.first_at = counts.first_at.min(at);
        counts.last_at = counts.last_at.max(at);
    }
    days
}

/// A channel and an outcome.
pub type ChannelOutcome = (String, &'static str);

/// How many messages attempts add to each outcome, and when the last of them was recorded, as the
/// store writes it.
pub fn outcomes(attempts: &[Written]) -> BTreeMap<ChannelOutcome, (u64, String)> {
    let mut outcomes: BTreeMap<ChannelOutcome, (u64, String)> = BTreeMap::new();
    for Written { attempt, .. } in attempts {
        let Some(outcome) = attempt.outcome else { continue };
        let key = (attempt.channel.clone(), outcome.as_str());
        let (messages, last_at) = outcomes.entry(key).or_default();
        *messages += 1;
        *last_at = std::mem::take(last_at).max(attempt.recorded_at.to_string());
    }
    outcomes
}
