//! `statistic-change/1`: by how much one entry changes the numbers of a day.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// By how much one entry of the journal changes the numbers of a day at one agency, of one
/// procedure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatisticChange {
    /// The day that the numbers are of.
    pub day: Moment,
    /// The accepting agency, by hub id.
    pub agency: String,
    /// The procedure as statistics name it; empty where a dossier tells none.
    pub procedure: String,
    /// How many more, by measure.
    pub changes: BTreeMap<String, i64>,
}
