//! Which log an entry is of.
//!
//! A journal that goes on from a backup is a new log: what the old one had behind the backup is
//! lost, and what comes in its place must not bear its names. The entries up to the backup stay
//! what they are, texts and leaves; the first one of the new log names the old log, its size and
//! its root there.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::merkle::Digest;

/// A log that another one goes on from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndedLog {
    /// Its name.
    pub log_id: String,
    /// Entries up to where it is gone on from: its own, and those of logs before it.
    pub size: u64,
    /// The root over them.
    #[schema(value_type = String)]
    pub root: Digest,
}

/// A log, and those that it goes on from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Log {
    /// Its name: what is appended bears it.
    pub id: String,
    /// The logs before it, the first one first; their sizes grow.
    pub ended: Vec<EndedLog>,
}

impl Log {
    /// One that goes on from no other.
    pub fn new(id: String) -> Self {
        Self { id, ended: Vec::new() }
    }

    /// The name of the log that the entry at a position is of.
    pub fn of(&self, position: u64) -> &str {
        let ended = self.ended.iter().find(|one| position < one.size);
        ended.map_or(&self.id, |one| &one.log_id)
    }

    /// The log of a name that this one goes on from.
    pub fn ended(&self, log_id: &str) -> Option<&EndedLog> {
        self.ended.iter().find(|one| one.log_id == log_id)
    }

    /// The logs before it as a store has them; `None` where there are none.
    pub fn ended_text(&self) -> Option<String> {
        // Texts and numbers: nothing can fail.
        let text = || serde_json::to_string(&self.ended).unwrap_or_default();
        (!self.ended.is_empty()).then(text)
    }

    /// A log out of its stored form.
    ///
    /// # Errors
    /// When the logs before it are not in the form of [`Self::ended_text`].
    pub fn stored(id: String, ended: Option<&str>) -> Result<Self, serde_json::Error> {
        let ended = ended.map(serde_json::from_str).transpose()?.unwrap_or_default();
        Ok(Self { id, ended })
    }
}

/// The public text of an entry by which the hub tells what was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case", deny_unknown_fields)]
pub enum Decision {
    /// The first entry of a log that goes on from a backup.
    Restoration {
        /// The log that the backup is of.
        log_id: String,
        /// Its entries there.
        size: u64,
        /// The root over them.
        root: Digest,
        /// When the backup was made.
        taken_at: Timestamp,
    },
}

impl Decision {
    /// The text.
    pub fn text(&self) -> String {
        // Texts, a number and a time: nothing can fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What the text of a decision tells.
    ///
    /// # Errors
    /// When it is none that the hub writes.
    pub fn read(public: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_position_is_of_the_log_that_was_in_force() {
        let ended = |log_id: &str, size| EndedLog {
            log_id: log_id.to_owned(),
            size,
            root: Digest::of(log_id.as_bytes()),
        };
        let log = Log { id: "c".to_owned(), ended: vec![ended("a", 100), ended("b", 120)] };
        let of: Vec<&str> = [0, 99, 100, 119, 120, u64::MAX].map(|at| log.of(at)).into();
        assert_eq!(of, ["a", "a", "b", "b", "c", "c"]);
        assert_eq!(log.ended("b").map(|one| one.size), Some(120));
        assert!(log.ended("c").is_none());
        let text = log.ended_text().unwrap();
        assert_eq!(Log::stored("c".to_owned(), Some(&text)).unwrap(), log);
        assert_eq!(Log::new("c".to_owned()).ended_text(), None);
    }

    #[test]
    fn a_restoration_is_read_as_it_was_written_and_nothing_else_is() {
        let told = Decision::Restoration {
            log_id: "a".to_owned(),
            size: 7,
            root: Digest::of(b""),
            taken_at: "2026-11-27T10:00:00Z".parse().unwrap(),
        };
        let text = told.text();
        assert!(text.starts_with(r#"{"decision":"restoration","log_id":"a","size":7,"root":""#));
        assert_eq!(Decision::read(text.as_bytes()).unwrap(), told);
        let more = text.replace("}", ",\"by\":\"x\"}");
        assert!(Decision::read(more.as_bytes()).is_err());
    }
}
