//! What feeds carry, as CloudEvents.
//!
//! | Member | Is |
//! |---|---|
//! | `id` | the log of the entry, its position, and what tells events of one position apart |
//! | `type` | `vn.gov.dongnai.lienthong.<record>.v<major>` |
//! | `time`, `recordedtime` | when the hub recorded it |
//! | `sequence` | the position, with zeros before it, so that texts sort like numbers |
//! | `data` | the stored public text, byte for byte |
//! | `dataref` | where the record is to be had with its personal members, where it has some |
//!
//! The type has `.retracted` before its version for what is taken back, `.retired` for a key
//! that was merged into another, and `.removed` for what is no more in the catalogue.

use contracts::{ContractId, notice::Notice, statistic_change::StatisticChange};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::record::ADDRESS;
use crate::{
    catalogue::changes::{Change, Changes},
    journal::{
        entry::{Entry, EntryKind, Mode},
        log::Log,
    },
    operations::told,
    registry::finding::Finding,
    store::{DossierRow, EntryRow, StoreError, source_of},
};

/// The source of what the hub itself says.
const HUB: &str = "/hub";

/// The contract of dossiers' states.
pub(crate) const DOSSIER_STATE: &str = "dossier-state/1";

/// The contract of findings.
pub(crate) const FINDING: &str = "finding/1";

/// The contract of administrative units, of the catalogue alone.
pub(crate) const UNIT: &str = "unit/1";

/// The contract of what changes of statistics.
pub(crate) const STATISTIC_CHANGE: &str = "statistic-change/1";

/// The contract of what watches are told.
pub(crate) const NOTICE: &str = "notice/1";

/// The media type of one event.
pub(crate) const STRUCTURED_JSON: &str = "application/cloudevents+json";

/// The media type of `data`.
const JSON: &str = "application/json";

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FeedEvent)]
pub(crate) struct Event<'a> {
    specversion: &'static str,
    id: String,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    #[schema(value_type = String)]
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    time: Option<Timestamp>,
    datacontenttype: &'static str,
    dataschema: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    recordedtime: Option<Timestamp>,
    sequence: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    data: Option<&'a RawValue>,
}

impl Event<'_> {
    fn text(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self).map_err(|error| StoreError::fault(error.to_string()))
    }
}

/// The id of an entry's event.
pub(crate) fn id(log_id: &str, position: u64) -> String {
    format!("{log_id}/{position}")
}

/// The event of an entry; `None` for what no feed carries: all but observations and retractions of
/// channels that count.
///
/// # Errors
/// When the entry is damaged: names its position.
pub(super) fn record(row: &EntryRow) -> Result<Option<Vec<u8>>, StoreError> {
    let damaged = |error: serde_json::Error| {
        StoreError::fault(format!("entry {} is damaged: {error}", row.position))
    };
    let entry: Entry = serde_json::from_slice(&row.text).map_err(damaged)?;
    let suffix = match entry.kind {
        EntryKind::Observation => "",
        EntryKind::Retraction => ".retracted",
        _ => return Ok(None),
    };
    if entry.mode == Mode::Trial {
        return Ok(None);
    }
    let (kind, dataschema) = names(entry.contract.as_deref().unwrap_or_default(), suffix)?;
    let event = Event {
        specversion: "1.0",
        id: id(&entry.log_id, row.position),
        source: row.channel.as_deref().map_or_else(|| HUB.to_owned(), source_of),
        kind,
        subject: entry.key.as_deref().unwrap_or_default(),
        time: Some(entry.recorded_at),
        datacontenttype: JSON,
        dataschema,
        dataref: entry.personal.map(|_| format!("{ADDRESS}{}", row.position)),
        recordedtime: Some(entry.recorded_at),
        sequence: format!("{:020}", row.position),
        data: Some(serde_json::from_slice(&row.public).map_err(damaged)?),
    };
    event.text().map(Some)
}

/// The event of a dossier's state.
///
/// # Errors
/// When the state is damaged: names the dossier.
pub(super) fn state(log: &Log, row: &DossierRow) -> Result<Vec<u8>, StoreError> {
    let suffix = if row.public.is_none() { ".retired" } else { "" };
    let (kind, dataschema) = names(DOSSIER_STATE, suffix)?;
    let damaged = |error: serde_json::Error| {
        StoreError::fault(format!("the dossier `{}` is damaged: {error}", row.key))
    };
    let data = row.public.as_deref().map(serde_json::from_slice).transpose().map_err(damaged)?;
    let event = Event {
        specversion: "1.0",
        id: format!("{}/{}", id(log.of(row.position), row.position), row.key),
        source: HUB.to_owned(),
        kind,
        subject: &row.key,
        time: None,
        datacontenttype: JSON,
        dataschema,
        dataref: None,
        recordedtime: None,
        sequence: format!("{:020}", row.position),
        data,
    };
    event.text()
}

/// The event of a finding as it stands; closed, its type says so.
///
/// # Errors
/// When it is damaged: names it.
pub(super) fn finding(log: &Log, one: &Finding) -> Result<Vec<u8>, StoreError> {
    let suffix = if one.closed.is_some() { ".closed" } else { "" };
    let (kind, dataschema) = names(FINDING, suffix)?;
    let (data, subject) = (told(one)?, one.id());
    let (position, turn) = one.changed;
    let at = one.closed.unwrap_or(one.opened).at;
    let event = Event {
        specversion: "1.0",
        id: format!("{}/{turn}", id(log.of(position), position)),
        source: HUB.to_owned(),
        kind,
        subject: &subject,
        time: Some(at),
        datacontenttype: JSON,
        dataschema,
        dataref: None,
        recordedtime: None,
        sequence: format!("{position:020}"),
        data: Some(&data),
    };
    event.text()
}

/// The event of what an edition of the catalogue changes, by its number among that.
///
/// # Errors
/// When the contract has no name.
pub(super) fn change(
    log: &Log,
    changes: &Changes,
    (turn, change): (usize, &Change),
) -> Result<Vec<u8>, StoreError> {
    let suffix = if change.data.is_none() { ".removed" } else { "" };
    let (kind, dataschema) = names(change.contract, suffix)?;
    let position = changes.position;
    let event = Event {
        specversion: "1.0",
        id: format!("{}/{turn}", id(log.of(position), position)),
        source: HUB.to_owned(),
        kind,
        subject: &change.subject,
        time: Some(changes.at),
        datacontenttype: JSON,
        dataschema,
        dataref: None,
        recordedtime: Some(changes.at),
        sequence: format!("{position:020}"),
        data: change.data.as_deref(),
    };
    event.text()
}

/// The event of what an entry changes of statistics, by its number among that.
///
/// # Errors
/// When it cannot be written.
pub(super) fn statistic(
    log: &Log,
    (position, turn): (u64, u64),
    change: &StatisticChange,
) -> Result<Vec<u8>, StoreError> {
    let (kind, dataschema) = names(STATISTIC_CHANGE, "")?;
    let subject = format!("{}/{}/{}", change.day, change.agency, change.procedure);
    let data = to_raw_value(change).map_err(|error| StoreError::fault(error.to_string()))?;
    let event = Event {
        specversion: "1.0",
        id: format!("{}/{turn}", id(log.of(position), position)),
        source: HUB.to_owned(),
        kind,
        subject: &subject,
        time: None,
        datacontenttype: JSON,
        dataschema,
        dataref: None,
        recordedtime: None,
        sequence: format!("{position:020}"),
        data: Some(&data),
    };
    event.text()
}

/// The event of what a watch is told of its dossier, which a position changed last.
///
/// # Errors
/// When it cannot be written.
pub(super) fn notice(log: &Log, position: u64, told: &Notice) -> Result<Vec<u8>, StoreError> {
    let (kind, dataschema) = names(NOTICE, "")?;
    let data = to_raw_value(told).map_err(|error| StoreError::fault(error.to_string()))?;
    let event = Event {
        specversion: "1.0",
        id: format!("{}/{}", id(log.of(position), position), told.watch),
        source: HUB.to_owned(),
        kind,
        subject: &told.watch,
        time: None,
        datacontenttype: JSON,
        dataschema,
        dataref: None,
        recordedtime: None,
        sequence: format!("{position:020}"),
        data: Some(&data),
    };
    event.text()
}

/// The type and the schema of a contract's events.
pub(crate) fn names(contract: &str, suffix: &str) -> Result<(String, String), StoreError> {
    let id: ContractId =
        contract.parse().map_err(|_| StoreError::fault("an entry names no contract".to_owned()))?;
    let (name, major) = (id.name(), id.major());
    let kind = format!("vn.gov.dongnai.lienthong.{name}{suffix}.v{major}");
    let schema = format!("https://lienthong.dongnai.gov.vn/contracts/{name}/{major}");
    Ok((kind, schema))
}
