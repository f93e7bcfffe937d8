//! `finding/1`: a question that an inspector may ask, with its evidence.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// An entry of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stamp {
    /// Its position.
    pub position: u64,
    /// When it was recorded.
    pub at: Moment,
}

/// The edition of the catalogue that a finding was judged by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgedBy {
    /// The hash of its content.
    pub catalogue: String,
    /// The position that put it in force.
    pub position: u64,
}

/// What a finding rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Positions of entries.
    pub positions: Vec<u64>,
    /// Sources that told it.
    pub sources: Vec<String>,
    /// The values that were seen, by name.
    pub values: BTreeMap<String, String>,
}

/// A question that an inspector may ask. It accuses nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The position that opened it, and its number there.
    pub id: String,
    /// The rule that asks.
    pub rule: String,
    /// The agency that is asked.
    pub agency: String,
    /// The key of the dossier it is about; absent where an agency's days are asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dossier: Option<String>,
    /// The day it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Moment>,
    /// `open` or `closed`.
    pub state: String,
    /// The entry that opened it.
    pub opened: Stamp,
    /// The entry since which it is not asked any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Stamp>,
    /// The position of the entry that changed it last.
    pub changed: u64,
    /// The edition that it was judged by.
    pub judged_by: JudgedBy,
    /// What was seen, in Vietnamese.
    pub vi: String,
    /// The same in English.
    pub en: String,
    /// What to ask or to look at, in Vietnamese.
    pub question_vi: String,
    /// The same in English.
    pub question_en: String,
    /// What it rests on.
    pub evidence: Evidence,
}
