//! What is written beside a file: its receipt, or the reasons why it was not taken. The members are
//! those of the push door's answers; the texts are laid out for people to read.

use contracts::{Outcome, Receipt, problem::Kind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    kinds,
    settle::{RECEIPT, REFUSALS},
};
use crate::rest::problem;

/// Where a file goes when all is said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// Taken, at least in part.
    Done,
    /// Nothing of it was taken.
    Refused,
}

/// Where a file goes and what is written beside it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    /// Endings and texts.
    pub(crate) texts: Vec<(&'static str, Vec<u8>)>,
    /// The message, for a file that became one.
    pub(crate) id: Option<String>,
}

impl Answer {
    /// The inbox's verdict.
    pub(crate) fn of(receipt: &Receipt) -> Self {
        let outcome = match receipt.outcome {
            Outcome::Duplicate => receipt.first_outcome(),
            decided => decided,
        };
        let told = json!(receipt);
        let problem = |kind| text(&with(problem::members(kind), "receipt", told.clone()));
        let (verdict, texts) = match outcome {
            Outcome::Stored | Outcome::Duplicate => (Verdict::Done, vec![(RECEIPT, text(&told))]),
            Outcome::Partial => {
                let refusals = problem(&kinds::PARTLY_REFUSED);
                (Verdict::Done, vec![(REFUSALS, refusals), (RECEIPT, text(&told))])
            }
            Outcome::Conflict => (Verdict::Refused, vec![(REFUSALS, problem(&kinds::CONFLICT))]),
            Outcome::Refused => (Verdict::Refused, vec![(REFUSALS, problem(&kinds::REFUSED))]),
        };
        Self { verdict, texts, id: Some(receipt.id.clone()) }
    }

    /// A file that no inbox was asked about.
    pub(crate) fn untaken(kind: &Kind, detail: Option<(String, String)>) -> Self {
        let mut members = problem::members(kind);
        if let Some((vi, en)) = detail {
            members.insert("detail".to_owned(), vi.into());
            members.insert("detail_en".to_owned(), en.into());
        }
        let texts = vec![(REFUSALS, text(&Value::Object(members)))];
        Self { verdict: Verdict::Refused, texts, id: None }
    }
}

fn with(mut members: Map<String, Value>, name: &str, value: Value) -> Value {
    members.insert(name.to_owned(), value);
    Value::Object(members)
}

fn text(value: &Value) -> Vec<u8> {
    // The alternate form of a JSON value is the one with lines.
    format!("{value:#}\n").into_bytes()
}

/// The message that a text beside a file speaks of.
pub(crate) fn message_of(text: &[u8]) -> Option<String> {
    let told: Value = serde_json::from_slice(text).ok()?;
    let receipt = told.get("receipt").unwrap_or(&told);
    receipt.get("id").and_then(Value::as_str).map(ToOwned::to_owned)
}
