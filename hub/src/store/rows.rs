//! What a store answers with.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use serde::Serialize;

use super::Rules;
use crate::{
    journal::{log::Log, merkle::TreeHead},
    registry::{Dimension, Observation, Place},
};

/// The journal's end, and when it was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Head {
    /// The log.
    pub log: Log,
    /// Its size and root.
    pub tree: TreeHead,
    /// When its last entry was recorded.
    pub recorded_at: Option<Timestamp>,
}

/// What bears a code, as of one moment.
#[derive(Debug, Clone)]
pub struct Found {
    /// The log's name.
    pub log_id: String,
    /// The journal's size at that moment.
    pub size: u64,
    /// The rules in force then.
    pub rules: Arc<Rules>,
    /// The dossiers, by their keys; no more than can be told apart.
    pub dossiers: Vec<DossierRow>,
    /// All that was said of it, in journal order, where there is one dossier; else nothing. What a
    /// fold does not need whole may be in short.
    pub observations: Vec<Observation>,
    /// Whether there was any erasure.
    pub erasures: bool,
    /// The moment it was read at, where the store can tell later whether it still holds.
    pub moment: Option<u64>,
}

/// What an answer rests on: by it the store knows, without being asked again, whether it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    /// The moment it was read at: of [`Found`].
    pub moment: Option<u64>,
    /// The journal's size at that moment.
    pub size: u64,
    /// The numbers of [`super::batch::Marks::asked`].
    pub marks: Box<[u64]>,
}

/// One entry as feeds give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    /// Its position.
    pub position: u64,
    /// The channel it came by, for what came by one.
    pub channel: Option<String>,
    /// The message's id.
    pub message: Option<String>,
    /// The entry's text: what the leaf hashes.
    pub text: Vec<u8>,
    /// The public text.
    pub public: Vec<u8>,
}

/// One dossier as feeds and look-ups give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DossierRow {
    /// Its key.
    pub key: String,
    /// The position that last changed it.
    pub position: u64,
    /// The public text of its state; `None` for a key that a merge retired.
    pub public: Option<Vec<u8>>,
}

/// One message as `trace` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct MessageRow {
    /// The hub's number of the attempt.
    pub message: u64,
    /// The channel.
    pub channel: String,
    /// The id.
    pub id: String,
    /// `live`, `trial` or `backfill`.
    pub mode: String,
    /// When it was recorded.
    pub recorded_at: String,
    /// The outcome; absent while it is being received.
    pub outcome: Option<String>,
    /// The attempt before it under the same id.
    pub previous: Option<u64>,
    /// Media type, as sent.
    pub content_type: Option<String>,
    /// Records stored.
    pub records: u64,
    /// Records refused.
    pub refused: u64,
    /// Its first entry.
    pub first_position: Option<u64>,
    /// Its last entry.
    pub last_position: Option<u64>,
    /// The erasure by which its raw bytes went, or for which they were never kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erased: Option<u64>,
    /// Records that lost their personal members, since those had been erased before.
    #[serde(skip_serializing_if = "is_none_of_them")]
    #[schema(required = false)]
    pub dropped: u64,
}

/// How serde asks.
#[expect(clippy::trivially_copy_pass_by_ref)]
fn is_none_of_them(count: &u64) -> bool {
    *count == 0
}

/// Messages of one channel with one outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// The channel.
    pub channel: String,
    /// The outcome; absent for those being received.
    pub outcome: Option<String>,
    /// How many.
    pub messages: u64,
    /// When the last of them was recorded.
    pub last_at: String,
}

/// Which numbers a statistic asks for. Days are counted from 1970-01-01.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CellQuery {
    /// Only what counts under these values.
    pub only: BTreeMap<Dimension, String>,
    /// Only these measures; all where there is none.
    pub measures: BTreeSet<&'static str>,
    /// What tells rows apart.
    pub by: BTreeSet<Dimension>,
    /// A row per day; else one over all of them, shown under the last.
    pub by_day: bool,
    /// First day.
    pub from: i32,
    /// Last day.
    pub to: i32,
    /// Only what was known at this position: entries before it.
    pub as_of: Option<u64>,
}

/// A number: of a day, or of all days asked for; a gauge's includes all days before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellRow {
    /// Measure, by its name in the store.
    pub measure: &'static str,
    /// Where: empty in dimensions that are summed over, or where dossiers have none. Rows of one
    /// place share it.
    pub place: Arc<Place>,
    /// Day; days before the first one asked for are summed under the day before it.
    pub day: i32,
    /// How many.
    pub n: i64,
}

/// Numbers, and what is true of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    /// The position they are true at.
    pub as_of: u64,
    /// Whether they were summed from all deltas, because no rollup is kept for what was asked.
    pub scanned: bool,
    /// The numbers that are not zero.
    pub rows: Vec<CellRow>,
}

/// What `verify` found wrong; empty when all holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Entries read.
    pub entries: u64,
    /// Dossiers folded.
    pub dossiers: u64,
    /// Root over states and numbers, receipt-derived members left out.
    pub fold_root: String,
    /// Messages whose raw bytes were dropped for their age.
    pub pruned: u64,
    /// Personal texts and raw bytes that were not compared: their keys are not here.
    pub unread: u64,
    /// Faults, each a sentence that names its place.
    pub faults: Vec<String>,
}
