//! Observations back from what is stored.
//!
//! Folds read public texts alone, so an erasure of personal texts moves no state, number or root.

use contracts::{Moment, claimed_statistic::ClaimedStatistic, schema};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{PersonalText, StoreError};
use crate::{
    journal::{entry::Mode, exact::Exact, merkle::Digest},
    registry::{Content, Observation, RecordRow, Telling},
};

/// What is stored of one observation.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// Its position.
    pub position: u64,
    /// The kind of its entry.
    pub kind: &'a str,
    /// The text of its entry.
    pub text: &'a [u8],
    /// Its public text.
    pub public: &'a [u8],
}

/// The members of an entry's text that a fold needs.
#[derive(Deserialize)]
struct Facts<'a> {
    recorded_at: Timestamp,
    mode: Mode,
    #[serde(borrow)]
    contract: Option<&'a str>,
    public: Digest,
    #[serde(default)]
    supersedes: Option<u64>,
}

impl<'a> Facts<'a> {
    /// Out of the text of an entry: as exact ones are, else as any JSON is.
    fn read(text: &'a [u8]) -> Result<Self, serde_json::Error> {
        let exact = simdutf8::basic::from_utf8(text).ok().and_then(Exact::read);
        let Some(Exact { recorded_at, mode, contract, public, supersedes, .. }) = exact else {
            return read(text);
        };
        Ok(Self { recorded_at, mode, contract, public, supersedes })
    }
}

/// The member of an entry's text that every kind has.
#[derive(Deserialize)]
struct When {
    recorded_at: Timestamp,
}

/// An observation read back, and the position of the one it replaces.
#[derive(Debug)]
pub struct Read {
    /// The observation; what it supersedes is not resolved yet.
    pub observation: Observation,
    /// The position it replaces.
    pub supersedes: Option<u64>,
    /// The mode of the channel it came by.
    pub mode: Mode,
}

/// Names what each observation replaces; those of one name are given together.
pub fn resolve(read: Vec<Read>) -> Vec<Observation> {
    let ids: Vec<_> =
        read.iter().map(|one| (one.observation.position, one.observation.id())).collect();
    let id_at = |position: u64| {
        let found = ids.iter().find(|(at, _)| *at == position);
        found.map(|(_, id)| *id)
    };
    read.into_iter()
        .map(|Read { observation, supersedes, .. }| Observation {
            supersedes: supersedes.and_then(id_at),
            ..observation
        })
        .collect()
}

/// Reads a stored text. That it is UTF-8 is seen for the whole of it at once, which costs less than
/// string by string.
pub(super) fn read<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, serde_json::Error> {
    match simdutf8::basic::from_utf8(text) {
        Ok(text) => serde_json::from_str(text),
        // Tells where it is not.
        Err(_) => serde_json::from_slice(text),
    }
}

/// The public text of a retraction.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Retraction {
    source: String,
    source_code: String,
    at: Moment,
}

/// Reads an observation; `None` for a record that is not about a dossier.
///
/// # Errors
/// When a stored text is not what the hub writes: names the position.
pub fn observation(stored: &Stored<'_>) -> Result<Option<Read>, StoreError> {
    let damaged = |error: serde_json::Error| {
        StoreError::fault(format!("the entry at position {} is damaged: {error}", stored.position))
    };
    let facts = Facts::read(stored.text).map_err(damaged)?;
    let content = match (stored.kind, facts.contract) {
        ("retraction", Some("dossier/1")) => retraction(stored.public).map_err(damaged)?,
        (_, Some("dossier/1")) => Content::Snapshot(read(stored.public).map_err(damaged)?),
        (_, Some("progress/1")) => Content::Event(read(stored.public).map_err(damaged)?),
        _ => return Ok(None),
    };
    let observation = Observation {
        position: stored.position,
        recorded_at: facts.recorded_at,
        counted: facts.mode != Mode::Trial,
        content,
        supersedes: None,
        // `verify` shows that the entry names the hash of its public text.
        content_hash: *facts.public.as_bytes(),
    };
    Ok(Some(Read { observation, supersedes: facts.supersedes, mode: facts.mode }))
}

/// When an entry was recorded.
///
/// # Errors
/// When its text is not what the hub writes: names the position.
pub fn recorded_at(stored: &Stored<'_>) -> Result<Timestamp, StoreError> {
    let damaged = |error: serde_json::Error| {
        StoreError::fault(format!("the entry at position {} is damaged: {error}", stored.position))
    };
    let facts: When = read(stored.text).map_err(damaged)?;
    Ok(facts.recorded_at)
}

/// Reads what an agency claims of a month; `None` for any other record, and for what came by a
/// channel in trial.
///
/// # Errors
/// When a stored text is not what the hub writes: names the position.
pub fn claim(stored: &Stored<'_>) -> Result<Option<(Timestamp, ClaimedStatistic)>, StoreError> {
    let damaged = |error: serde_json::Error| {
        StoreError::fault(format!("the entry at position {} is damaged: {error}", stored.position))
    };
    let facts = Facts::read(stored.text).map_err(damaged)?;
    let claims = stored.kind == "observation" && facts.contract == Some("claimed-statistic/1");
    if !claims || facts.mode == Mode::Trial {
        return Ok(None);
    }
    let told = read(stored.public).map_err(damaged)?;
    Ok(Some((facts.recorded_at, told)))
}

/// What of an entry's text a record about no dossier needs.
#[derive(Deserialize)]
struct RecordFacts<'a> {
    recorded_at: Timestamp,
    mode: Mode,
    #[serde(borrow)]
    contract: Option<&'a str>,
    key: Option<String>,
    public: Digest,
}

/// Reads what an entry tells of a record that is about no dossier; `None` for all others, and for
/// what channels in trial tell.
///
/// # Errors
/// When a stored text is not what the hub writes: names the position.
pub fn record(stored: &Stored<'_>) -> Result<Option<RecordRow>, StoreError> {
    let damaged = |error: serde_json::Error| {
        StoreError::fault(format!("the entry at position {} is damaged: {error}", stored.position))
    };
    let facts: RecordFacts<'_> = read(stored.text).map_err(damaged)?;
    let (Some(contract), Some(key)) = (facts.contract, facts.key) else { return Ok(None) };
    if facts.mode == Mode::Trial {
        return Ok(None);
    }
    let withdraws = stored.kind == "retraction";
    let telling = Telling::read(contract, &key, withdraws, stored.public).map_err(damaged)?;
    Ok(telling.map(|telling| RecordRow {
        position: stored.position,
        until: None,
        telling,
        recorded_at: facts.recorded_at,
        // `verify` shows that the entry names the hash of its public text.
        content_hash: *facts.public.as_bytes(),
    }))
}

/// Reads the public text of a retraction.
///
/// # Errors
/// When it is not what the hub writes.
pub fn retraction(public: &[u8]) -> Result<Content, serde_json::Error> {
    let Retraction { source, source_code, at } = serde_json::from_slice(public)?;
    Ok(Content::Retraction { source, source_code, at })
}

/// Observations with the personal texts that are at hand; the others stay as they are.
///
/// # Errors
/// When a personal text is not what the hub writes.
pub fn whole(
    observations: &[Observation],
    personal: &[PersonalText],
) -> Result<Vec<Observation>, StoreError> {
    let text_at = |position: u64| personal.iter().find(|(at, _)| *at == position);
    let join = |one: &Observation| -> Result<Observation, serde_json::Error> {
        let Some((_, text)) = text_at(one.position) else { return Ok(one.clone()) };
        let content = match &one.content {
            Content::Snapshot(public) => Content::Snapshot(joined(public, text)?),
            Content::Event(public) => Content::Event(joined(public, text)?),
            Content::Past(_) | Content::Retraction { .. } => one.content.clone(),
        };
        Ok(Observation { content, ..one.clone() })
    };
    let damaged = |error: serde_json::Error| {
        StoreError::fault(format!("a personal text is damaged: {error}"))
    };
    observations.iter().map(|one| join(one).map_err(damaged)).collect()
}

fn joined<T: Serialize + DeserializeOwned>(
    public: &T,
    personal: &[u8],
) -> Result<T, serde_json::Error> {
    let public = serde_json::to_value(public)?;
    serde_json::from_value(schema::join(public, serde_json::from_slice(personal)?))
}
