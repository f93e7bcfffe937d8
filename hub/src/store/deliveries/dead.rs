//! Deliveries that were given up.

use std::str::FromStr;

/// Names a dead letter: as text `CHANNEL:POSITION:NUMBER`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeadId {
    /// The outbound channel.
    pub channel: String,
    /// The record's position.
    pub position: u64,
    /// The how-manieth time that this delivery was buried.
    pub number: u64,
}

impl std::fmt::Display for DeadId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{}:{}", self.channel, self.position, self.number)
    }
}

/// The text names no dead letter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a dead letter is named CHANNEL:POSITION:NUMBER, as in the list")]
pub struct NoDeadId;

impl FromStr for DeadId {
    type Err = NoDeadId;

    fn from_str(text: &str) -> Result<Self, NoDeadId> {
        let mut parts = text.rsplitn(3, ':');
        // The store counts with signed numbers.
        let mut number = || {
            let number = parts.next()?.parse::<i64>().ok()?;
            u64::try_from(number).ok()
        };
        let (last, position) = (number().ok_or(NoDeadId)?, number().ok_or(NoDeadId)?);
        let channel = parts.next().filter(|name| !name.is_empty()).ok_or(NoDeadId)?;
        Ok(Self { channel: channel.to_owned(), position, number: last })
    }
}

/// A delivery that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its name.
    pub id: DeadId,
    /// The key within which order is kept.
    pub key: String,
    /// Whether the personal members go with it.
    pub personal: bool,
    /// What was sent in place of the record.
    pub body: Option<Vec<u8>>,
    /// Attempts made.
    pub attempts: u32,
    /// The kind of cause, one word.
    pub cause: String,
    /// What was said.
    pub told: String,
    /// When, in milliseconds since 1970.
    pub buried_at: u64,
    /// `waiting`, `replayed` or `discarded`.
    pub state: String,
    /// When that was decided.
    pub decided_at: Option<u64>,
    /// Why.
    pub reason: Option<String>,
}

/// Which dead letters are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadQuery {
    /// To this channel alone.
    pub channel: Option<String>,
    /// In this state alone.
    pub state: Option<String>,
    /// Of this cause alone.
    pub cause: Option<String>,
    /// Buried from this moment on, in milliseconds since 1970.
    pub from: Option<u64>,
    /// Buried before this moment.
    pub to: Option<u64>,
    /// Only those after this one in the order of the list.
    pub after: Option<(u64, DeadId)>,
    /// How many at most.
    pub limit: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_letter_is_known_by_its_text() {
        let id = DeadId { channel: "so-y-te.nhan".to_owned(), position: 7, number: 2 };
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "a:1", "a:b:1", ":1:2", "a:-1:2", "a:1:99999999999999999999"] {
            assert!(text.parse::<DeadId>().is_err(), "{text}");
        }
    }
}
