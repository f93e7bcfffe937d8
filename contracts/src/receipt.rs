//! What became of an arrival: exactly one outcome, told to its sender.

use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// The one outcome of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Every record was stored.
    Stored,
    /// The same source and id with the same content was known: nothing new happened.
    Duplicate,
    /// The same source and id with other content, and the earlier one stored something.
    Conflict,
    /// Some records were stored, others refused.
    Partial,
    /// Nothing was stored.
    Refused,
}

impl Outcome {
    /// The word on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Duplicate => "duplicate",
            Self::Conflict => "conflict",
            Self::Partial => "partial",
            Self::Refused => "refused",
        }
    }

    /// Every outcome.
    pub const ALL: [Self; 5] =
        [Self::Stored, Self::Duplicate, Self::Conflict, Self::Partial, Self::Refused];

    /// The outcome of this word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

/// One record that was refused, with every problem found in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Its number in the payload, from 1; absent when the payload itself could not be read on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<u32>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// Proof that an arrival is durable, with its outcome. A duplicate repeats the first one's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// `/agencies/<agency>/channels/<channel>`.
    pub source: String,
    /// The message's id within its source.
    pub id: String,
    /// The outcome of this arrival.
    pub outcome: Outcome,
    /// For a duplicate: the outcome it repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Outcome>,
    /// When the hub recorded the message, UTC.
    pub recorded_at: jiff::Timestamp,
    /// How many records were stored.
    pub records: u64,
    /// How many records were refused; the list below may be shorter.
    pub refused: u64,
    /// The first refusals, at most [`Self::REFUSALS_MAX`]; the others are read by page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<Refusal>,
    /// Of how many records personal members were dropped, since persons were erased before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<Erased>,
}

/// Personal members that were not kept: their person has been erased from the hub on request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erased {
    /// Records that lost theirs; all else of them was stored.
    pub records: u64,
    /// That, in Vietnamese.
    pub vi: String,
    /// The same in English.
    pub en: String,
}

impl Erased {
    /// What is told of so many records; nothing of none.
    pub fn of(records: u64) -> Option<Self> {
        (records > 0).then(|| Self {
            records,
            vi: format!(
                "Dữ liệu cá nhân của {records} bản ghi không được lưu: đã xóa theo yêu cầu của \
                 chủ thể dữ liệu. Các thành phần công khai vẫn được lưu."
            ),
            en: format!(
                "Personal data of {records} records was not kept: it has been erased on request. \
                 Their public members were stored."
            ),
        })
    }
}

impl Receipt {
    /// Most refusals carried by a receipt.
    pub const REFUSALS_MAX: usize = 100;

    /// What the first arrival of this message came to.
    pub fn first_outcome(&self) -> Outcome {
        self.first.unwrap_or(self.outcome)
    }
}

/// The hub cannot take it now: nothing was kept, and trying again with the same id may help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not now: {reason}; try again after {retry_after_seconds} s")]
pub struct Later {
    /// Why, in one phrase without data of the message.
    pub reason: String,
    /// When trying again makes sense, in seconds.
    pub retry_after_seconds: u32,
}
