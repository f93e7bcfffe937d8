//! One record by its position: what its event in the feed refers to (`dataref`).
//!
//! Feeds carry public texts alone, so the personal members of a record are fetched here, one by
//! one, by the agency that sent it or was sent it and says what for. All others who may read its
//! event are told that there are some, and not which.

use contracts::schema;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::record;
use crate::{
    journal::entry::{Entry, EntryKind},
    operations::{About, Operations, Persons, Reader, owners},
    registry::{Identity, Telling},
    store::{
        StoreError,
        erasures::{ErasedSince, related},
    },
};

/// Where one record is to be had, without its position.
pub(crate) const ADDRESS: &str = "/v1/records/";

/// A record as its asker may see it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Record {
    /// Its position.
    pub position: u64,
    /// When the hub recorded it.
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
    /// Its contract, such as `dossier/1`.
    pub contract: Option<String>,
    /// Its key under that contract.
    pub key: Option<String>,
    /// Whether it takes back what was said under that key.
    pub retracted: bool,
    /// What became of its personal members.
    pub personal: Persons,
    /// Since when they are erased, where they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erased: Option<ErasedSince>,
    /// What it says.
    #[schema(value_type = Object)]
    pub data: Value,
}

/// What the log of accesses calls a record: a dossier by the name that it has there.
pub(super) fn subject(contract: &str, key: &str, public: &Value) -> String {
    if let (Some(source), Some(code)) = (public["source"].as_str(), public["source_code"].as_str())
    {
        return Identity::new(source, code).key();
    }
    format!("{contract}/{key}")
}

/// The record at a position; `None` where there is none in the feed, or it is not the asker's.
///
/// # Errors
/// When the store cannot answer, or what it holds is damaged.
pub async fn record_at(
    operations: &Operations,
    reader: &Reader,
    position: u64,
) -> Result<Option<Record>, StoreError> {
    let who = reader.who();
    let found = operations.store.entries(position, 1).await?;
    let Some(row) = found.into_iter().find(|row| row.position == position) else {
        return Ok(None);
    };
    // The name of the log is in the event alone.
    let Some(fed) = record(&row)?.filter(|fed| fed.audience.admits(who)) else {
        return Ok(None);
    };
    let damaged = |error: serde_json::Error| {
        StoreError::fault(format!("the entry at position {position} is damaged: {error}"))
    };
    let entry: Entry = serde_json::from_slice(&row.text).map_err(damaged)?;
    let public: Value = serde_json::from_slice(&row.public).map_err(damaged)?;
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    let subject = subject(&name(&entry.contract), &name(&entry.key), &public);
    let mut erased = None;
    if fed.audience.is_party(who) {
        let withdraws = entry.kind == EntryKind::Retraction;
        let told = Telling::read(&name(&entry.contract), &name(&entry.key), withdraws, &row.public);
        let mut names = vec![subject.clone()];
        names.extend(told.map_err(damaged)?.iter().flat_map(|told| related::names_of(&told.name)));
        erased = erased_since(operations, names, position).await?;
    }
    let (personal, data) = if erased.is_some() {
        (Persons::Erased, public)
    } else if entry.personal.is_none() {
        (Persons::None, public)
    } else if !fed.audience.is_party(who) {
        (Persons::Withheld, public)
    } else if !reader.states() {
        (Persons::Unasked, public)
    } else {
        let agencies = owners(fed.audience.agencies.iter().flatten().map(String::as_str));
        let about = About { position, agencies, subject };
        match operations.persons(reader, vec![about]).await?.first() {
            None => (Persons::Erased, public),
            Some((_, text)) => {
                let text = serde_json::from_slice(text).map_err(damaged)?;
                (Persons::Included, schema::join(public, text))
            }
        }
    };
    Ok(Some(Record {
        position,
        recorded_at: entry.recorded_at,
        contract: entry.contract,
        key: entry.key,
        retracted: entry.kind == EntryKind::Retraction,
        personal,
        erased,
        data,
    }))
}

/// Since when the persons of a record are erased: of one of its names, and it has none.
async fn erased_since(
    operations: &Operations,
    names: Vec<String>,
    position: u64,
) -> Result<Option<ErasedSince>, StoreError> {
    let since = operations.store.erased(names).await?;
    let there = match since {
        Some(_) => operations.store.personal(vec![position]).await?,
        None => Vec::new(),
    };
    Ok(since.filter(|_| there.is_empty()))
}
