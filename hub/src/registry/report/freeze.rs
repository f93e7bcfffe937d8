//! What a freeze entry says: which report, as of which position, and the hash of its text.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::journal::merkle::Digest;

/// What a freeze is of. It is frozen once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Frozen {
    /// The form's id.
    pub form: String,
    /// The period, as `2026-H1`.
    pub period: String,
    /// The calendar's id; empty for days that were named one by one.
    pub calendar: String,
    /// The agency it is of; empty for all of the province.
    pub agency: String,
}

/// The public text of a freeze entry. Its first member is what it is found by: never change that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezeText {
    /// What it is of.
    pub of: Frozen,
    /// First day.
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    /// Last day.
    #[schema(value_type = String, format = Date)]
    pub to: Date,
    /// The position that the figures are true at: they rest on entries before it alone, so it is
    /// never after the freeze's own.
    pub as_of: u64,
    /// Hash of the report's text.
    #[schema(value_type = String)]
    pub figures: Digest,
}

impl FreezeText {
    /// Its text.
    pub fn text(&self) -> String {
        // Texts, numbers, days and a hash: nothing can fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What the text of a freeze entry tells.
    ///
    /// # Errors
    /// When it is none that the hub writes.
    pub fn read(public: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(public)
    }
}

impl Frozen {
    /// How the text of every freeze of this begins, and of no other.
    pub fn beginning(&self) -> String {
        let of = serde_json::to_string(self).unwrap_or_default();
        format!("{{\"of\":{of},")
    }

    /// The first text behind all that begin so.
    pub fn end(&self) -> String {
        let mut text = self.beginning();
        text.pop();
        // What follows a comma in the order of bytes.
        text.push('-');
        text
    }
}
