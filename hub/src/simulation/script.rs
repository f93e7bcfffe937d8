//! What `simulation/<channel>.toml` of an agency says: how its people work and what they get wrong.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Conduct, Served};

/// How one agency's system writes and what passes through it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Script {
    /// Seconds between two messages, on average.
    pub(super) every_seconds: u32,
    /// Dossiers that one message speaks of, at most.
    pub(super) dossiers_max: u64,
    /// Of a hundred messages, so many are wrong.
    pub(super) wrong_percent: u64,
    /// Of a hundred applicants, so many are organisations.
    pub(super) organizations_percent: u64,
    /// What the template writes, so that values are escaped for it.
    pub(super) written: Written,
    /// How text becomes bytes. A workbook says it itself.
    #[serde(default = "utf8")]
    pub(super) charset: String,
    /// Whether letters and their marks are written apart (NFD).
    #[serde(default)]
    pub(super) decomposed: bool,
    /// Whether lines end as those of Windows and DOS do.
    #[serde(default)]
    pub(super) crlf: bool,
    /// Template of a message's id; of a file's name, where the channel is received by files.
    pub(super) id: String,
    /// Template of a dossier's code.
    pub(super) code: String,
    /// The agency's words for the steps.
    pub(super) statuses: Statuses,
    /// What people apply for.
    pub(super) procedures: Vec<Procedure>,
    /// Who works there.
    pub(super) officers: Vec<String>,
    /// Why something is asked for, or refused.
    pub(super) reasons: Vec<String>,
    /// What else a dossier has: one of each list.
    #[serde(default)]
    pub(super) picks: BTreeMap<String, Vec<String>>,
    /// What goes wrong, in turn.
    #[serde(default)]
    pub(super) faults: Vec<Fault>,
    /// How it behaves.
    #[serde(default)]
    pub(super) conduct: Conduct,
    /// How its system shows its items, where it is read.
    pub(super) served: Option<Served>,
    /// The table of its system, where that is read.
    pub(super) table: Option<super::table::Declared>,
}

fn utf8() -> String {
    "utf-8".to_owned()
}

/// What a template writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Written {
    /// JSON: a value is written whole, with its quotes.
    Json,
    /// XML text and attributes.
    Xml,
    /// CSV with semicolons.
    Csv,
    /// Columns of fixed width: as it is.
    Fixed,
    /// One JSON array a line for each row of a workbook's sheet.
    Xlsx,
}

/// The agency's words for the steps; a step without one is passed over.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Statuses {
    pub(super) received: Option<String>,
    pub(super) processing: String,
    pub(super) supplement: Option<String>,
    pub(super) approved: String,
    pub(super) returned: Option<String>,
    pub(super) rejected: Option<String>,
}

/// Something that people apply for.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Procedure {
    /// The agency's own code.
    #[serde(default)]
    pub(super) code: String,
    /// Its name as the agency writes it.
    pub(super) name: String,
    /// Its field as the agency writes it.
    #[serde(default)]
    pub(super) field: String,
    /// The field's own code.
    #[serde(default)]
    pub(super) field_code: String,
    /// Working days that it may take.
    pub(super) days: u32,
    /// Fee in đồng.
    #[serde(default)]
    pub(super) fee: u64,
}

/// Something that goes wrong now and then.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    /// The code of the problem that the hub tells.
    pub(super) code: String,
    /// What happens.
    pub(super) how: How,
}

/// How a message goes wrong.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum How {
    /// One dossier has other texts: by dotted names, `applicant.name`.
    Set(BTreeMap<String, String>),
    /// Times of one dossier are so many days later.
    ShiftDays(BTreeMap<String, i64>),
    /// The message is written in another charset.
    Charset(String),
    /// Only so many of a hundred bytes arrive.
    Cut(u64),
    /// The message has the id of the one before.
    Repeat,
}
