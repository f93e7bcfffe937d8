//! Records that are about no dossier (procedures, agencies, feedback, votes, milestones, money):
//! what a telling says, and which of the tellings of one record is the current one.
//!
//! A record is named by its contract, the agency that it is about and its key. Its tellings replace
//! one another as snapshots of a dossier do (semantics §3): the greatest version is current, by
//! what its source declares or else by the time of receipt; a withdrawal is a telling too, whose
//! version is the time since when. So the current one depends on the set alone.

use std::cmp::Ordering;

use contracts::Moment;
use jiff::{Timestamp, civil::date};
use serde::Deserialize;

use super::{Version, exchange, measure::day_number};

/// Contracts whose current records are kept.
pub const CONTRACTS: [&str; 11] = [
    "agency/1",
    "procedure/1",
    "feedback/1",
    "feedback-answer/1",
    "votes/1",
    "milestone/1",
    "budget/1",
    exchange::REQUEST,
    exchange::REPLY,
    exchange::APPLICATION,
    exchange::ACKNOWLEDGEMENT,
];

/// What names a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordName {
    /// Its contract, as in `feedback/1`.
    pub contract: String,
    /// The agency that it is about, by hub id.
    pub agency: String,
    /// Its key among the records of that contract about that agency.
    pub key: String,
}

/// What one sealed record, or its withdrawal, says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// What it names.
    pub name: RecordName,
    /// The day that it is about, from 1970-01-01: when a feedback was sent, a procedure came into
    /// force; the first of a budget's year; 0 where there is none.
    pub day: i32,
    /// The version that its source declares; of a withdrawal, since when.
    pub version: Option<String>,
    /// Whether it withdraws the record.
    pub withdraws: bool,
}

/// The public members that decide.
#[derive(Deserialize)]
struct Members {
    agency: Option<String>,
    id: Option<String>,
    source_version: Option<String>,
    submitted_at: Option<Moment>,
    answered_at: Option<Moment>,
    at: Option<Moment>,
    valid_from: Option<Moment>,
    year: Option<i16>,
    due_at: Option<Moment>,
    request: Option<String>,
    application: Option<String>,
    outcome: Option<String>,
}

impl Members {
    /// What names a record among those of its contract: an answer is named by what it answers,
    /// whatever the channel that it comes by calls it.
    fn key(&self, contract: &str, key: &str) -> String {
        let (request, application) = (self.request.as_deref(), self.application.as_deref());
        match (contract, request, application) {
            (exchange::REPLY, Some(request), _) => {
                exchange::reply_key(request, self.outcome.as_deref() == Some("timed_out"))
            }
            (exchange::ACKNOWLEDGEMENT, _, Some(application)) => application.to_owned(),
            _ => key.to_owned(),
        }
    }
}

impl Telling {
    /// Reads the public text of a record under a contract; `None` for a contract whose records are
    /// not kept here.
    ///
    /// # Errors
    /// When the text is not what the hub writes.
    pub fn read(
        contract: &str,
        key: &str,
        withdraws: bool,
        public: &[u8],
    ) -> Result<Option<Self>, serde_json::Error> {
        if !CONTRACTS.contains(&contract) {
            return Ok(None);
        }
        let told: Members = serde_json::from_slice(public)?;
        let key = told.key(contract, key);
        // An agency is about itself.
        let agency = told.agency.or(told.id).unwrap_or_default();
        let name = RecordName { contract: contract.to_owned(), agency, key };
        // A request is found by when it is due.
        let due = told.due_at.filter(|_| contract == exchange::REQUEST);
        let moment = due.or(told.submitted_at).or(told.answered_at);
        let moment = moment.or(told.at).or(told.valid_from);
        let year = told.year.filter(|year| (1..=9999).contains(year));
        let day = year.map(|year| date(year, 1, 1)).or(moment.map(Moment::day));
        let since = told.at.filter(|_| withdraws).map(|at| at.to_string());
        Ok(Some(Self {
            name,
            day: day.map_or(0, day_number),
            version: since.or(told.source_version),
            withdraws,
        }))
    }
}

/// One telling that is or was current.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// The position of its entry: it is current from there on.
    pub position: u64,
    /// The position of the entry that replaced it.
    pub until: Option<u64>,
    /// What it says of itself.
    pub telling: Telling,
    /// When it was received.
    pub recorded_at: Timestamp,
    /// The hash of its public text.
    pub content_hash: [u8; 32],
}

impl RecordRow {
    /// Its place among the tellings of its record: the greatest is current.
    pub fn place(&self) -> (Version, bool, [u8; 32]) {
        let version = Version::new(self.telling.version.as_deref(), self.recorded_at);
        (version, self.telling.withdraws, self.content_hash)
    }

    /// Whether it takes the place of another.
    pub fn replaces(&self, other: &Self) -> bool {
        self.place().cmp(&other.place()) == Ordering::Greater
    }
}
