//! Observations back from what is stored.

use aws_lc_rs::digest;
use contracts::{Dossier, Moment, Progress, schema};
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::StoreError;
use crate::{
    journal::entry::Mode,
    registry::{Content, Observation},
};

/// What is stored of one observation.
pub struct Stored<'a> {
    /// Its position.
    pub position: u64,
    /// The kind of its entry.
    pub kind: &'a str,
    /// The text of its entry.
    pub text: &'a [u8],
    /// Its public text.
    pub public: &'a [u8],
    /// Its personal text, unless it has none or it was erased.
    pub personal: Option<&'a [u8]>,
}

/// The members of an entry's text that a fold needs.
#[derive(Deserialize)]
struct Facts<'a> {
    recorded_at: Timestamp,
    mode: Mode,
    #[serde(borrow)]
    contract: Option<&'a str>,
}

/// The public text of a retraction.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retraction {
    /// Source system.
    pub source: String,
    /// Code in that system.
    pub source_code: String,
    /// Since when it is withdrawn.
    pub at: Moment,
}

/// The personal text of a retraction.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetractionReason {
    /// Why.
    pub reason: String,
}

/// SHA-256 over both texts: by it a fold knows equal contents.
pub fn content_hash(public: &[u8], personal: Option<&[u8]>) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(public);
    context.update(&[0]);
    context.update(personal.unwrap_or_default());
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// Reads an observation; `None` for a record that is not about a dossier.
///
/// # Errors
/// When a stored text is not what the hub writes: names the position.
pub fn observation(stored: &Stored<'_>) -> Result<Option<Observation>, StoreError> {
    let damaged = |error: serde_json::Error| {
        StoreError(format!("the entry at position {} is damaged: {error}", stored.position))
    };
    let facts: Facts<'_> = serde_json::from_slice(stored.text).map_err(damaged)?;
    let content = match (stored.kind, facts.contract) {
        ("retraction", _) => retraction(stored).map_err(damaged)?,
        (_, Some("dossier/1")) => Content::Snapshot(body::<Box<Dossier>>(stored).map_err(damaged)?),
        (_, Some("progress/1")) => Content::Event(body::<Box<Progress>>(stored).map_err(damaged)?),
        _ => return Ok(None),
    };
    Ok(Some(Observation {
        position: stored.position,
        recorded_at: facts.recorded_at,
        counted: facts.mode != Mode::Trial,
        content,
        supersedes: None,
        content_hash: content_hash(stored.public, stored.personal),
    }))
}

fn retraction(stored: &Stored<'_>) -> Result<Content, serde_json::Error> {
    let Retraction { source, source_code, at } = serde_json::from_slice(stored.public)?;
    let reason = match stored.personal {
        Some(personal) => serde_json::from_slice::<RetractionReason>(personal)?.reason,
        None => String::new(),
    };
    Ok(Content::Retraction { source, source_code, at, reason })
}

/// The whole body. An erased personal text leaves the required name empty: the fold goes on.
fn body<T: DeserializeOwned>(stored: &Stored<'_>) -> Result<T, serde_json::Error> {
    let public: Value = serde_json::from_slice(stored.public)?;
    let mut whole = match stored.personal {
        Some(personal) => schema::join(public, serde_json::from_slice(personal)?),
        None => public,
    };
    if let Some(applicant) = whole.get_mut("applicant").and_then(Value::as_object_mut) {
        applicant.entry("name").or_insert_with(|| Value::String(String::new()));
    }
    serde_json::from_value(whole)
}
