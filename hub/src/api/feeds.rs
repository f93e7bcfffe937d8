//! `GET /v1/feeds…`: public texts in journal order, as CloudEvents in JSON batches.
//!
//! | Member | Is |
//! |---|---|
//! | `id` | log and position; for dossiers also the key |
//! | `type` | `vn.gov.dongnai.lienthong.<record>.v<major>` |
//! | `time`, `recordedtime` | when the hub recorded it |
//! | `sequence` | the position, with zeros before it, so that texts sort like numbers |
//! | `data` | the stored public text, byte for byte |
//!
//! The type has `.retracted` before its version for what is taken back, and `.retired` for a key
//! that was merged into another.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header::LINK},
    response::Response,
};
use contracts::ContractId;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{json, value::RawValue};

use super::{
    Api, Asker,
    answer::{JSON, Reading, Stop},
    cursor,
    dossiers::raw,
    params::Params,
};
use crate::{
    auth::Principal,
    journal::entry::{Entry, EntryKind},
    operations::PAGE_MAX,
    store::{DossierRow, EntryRow, StoreError, source_of},
};

const BATCH: &str = "application/cloudevents-batch+json";
const PAGE_DEFAULT: u32 = 100;

/// Pages of the store read for one answer, where most of what they hold is not the asker's.
const SCANS_MAX: usize = 16;

/// The source of what the hub itself says.
const HUB: &str = "/hub";

/// The contract of dossiers' states.
const DOSSIER_STATE: &str = "dossier-state/1";

#[derive(Serialize)]
struct Event<'a> {
    specversion: &'static str,
    id: String,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    datacontenttype: &'static str,
    dataschema: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    recordedtime: Option<Timestamp>,
    sequence: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

/// What both feeds are asked.
struct Page {
    reading: Reading,
    feed: &'static str,
    after: (u64, String),
    limit: u32,
}

impl Page {
    async fn begin(
        (api, uri, headers): (&Api, &Uri, &HeaderMap),
        feed: &'static str,
    ) -> Result<Self, Stop> {
        let params = Params::read(uri, &["after", "limit"])?;
        let limit = params.limit(PAGE_DEFAULT, PAGE_MAX)?;
        let reading = Reading::begin(api, headers, "").await?;
        let after = match params.text("after") {
            Some(text) => cursor::read(&reading.head.log_id, feed, text)?,
            None => (0, String::new()),
        };
        Ok(Self { reading, feed, after, limit })
    }

    fn answer(&self, events: &[Event<'_>], next: &(u64, String)) -> Result<Response, Stop> {
        let mut response = self.reading.json(StatusCode::OK, BATCH, &events, None)?;
        let cursor = cursor::write(&self.reading.head.log_id, self.feed, next.0, &next.1);
        let (feed, limit) = (self.feed, self.limit);
        let link = format!("</v1/feeds/{feed}?after={cursor}&limit={limit}>; rel=\"next\"");
        let link =
            HeaderValue::from_str(&link).map_err(|error| StoreError::fault(error.to_string()))?;
        response.headers_mut().insert(LINK, link);
        Ok(response)
    }
}

/// Which feeds there are.
pub(super) async fn list(
    State(api): State<Api>,
    Asker(_): Asker,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    let reading = Reading::begin(&api, &headers, "").await?;
    let feed = |name: &str, vi: &str, en: &str| {
        json!({ "name": name, "href": format!("/v1/feeds/{name}"),
                "description": vi, "description_en": en })
    };
    let body = json!({
        "feeds": [
            feed("records", "Mọi bản ghi các cơ quan gửi, theo thứ tự nhật ký.",
                 "All that agencies sent, in journal order."),
            feed("dossiers", "Trạng thái hiện tại của từng hồ sơ, theo lần thay đổi cuối.",
                 "The present state of every dossier, in the order of the last change."),
        ],
        "log_id": reading.head.log_id,
        "size": reading.head.tree.size,
    });
    reading.json(StatusCode::OK, JSON, &body, None)
}

/// Records in journal order.
pub(super) async fn records(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let page = Page::begin((&api, &uri, &headers), "records").await?;
    let (rows, next) = read_records(&api, &who, page.after.0, page.limit).await?;
    let log_id = &page.reading.head.log_id;
    let mut entries = Vec::with_capacity(rows.len());
    for row in &rows {
        let entry = serde_json::from_slice::<Entry>(&row.text).map_err(|error| {
            StoreError::fault(format!("entry {} is damaged: {error}", row.position))
        })?;
        entries.push((row, entry));
    }
    let events = entries.iter().map(|(row, entry)| record(log_id, row, entry));
    let events = events.collect::<Result<Vec<_>, StoreError>>()?;
    page.answer(&events, &(next, String::new()))
}

async fn read_records(
    api: &Api,
    who: &Principal,
    mut from: u64,
    limit: u32,
) -> Result<(Vec<EntryRow>, u64), StoreError> {
    let mut shown = Vec::new();
    for _ in 0..SCANS_MAX {
        let room = limit - u32::try_from(shown.len()).unwrap_or(limit).min(limit);
        if room == 0 {
            break;
        }
        let (rows, next) = api.operations.records(who, from, room).await?;
        shown.extend(rows);
        if next == from {
            break;
        }
        from = next;
    }
    Ok((shown, from))
}

fn record<'a>(log_id: &str, row: &'a EntryRow, entry: &'a Entry) -> Result<Event<'a>, StoreError> {
    let contract = entry.contract.as_deref().unwrap_or_default();
    let suffix = if entry.kind == EntryKind::Retraction { ".retracted" } else { "" };
    let (kind, dataschema) = names(contract, suffix)?;
    let data = serde_json::from_slice(&row.public).map_err(|error| {
        StoreError::fault(format!("entry {} is damaged: {error}", row.position))
    })?;
    Ok(Event {
        specversion: "1.0",
        id: format!("{log_id}/{}", row.position),
        source: row.channel.as_deref().map_or_else(|| HUB.to_owned(), source_of),
        kind,
        subject: entry.key.as_deref().unwrap_or_default(),
        time: Some(entry.recorded_at),
        datacontenttype: JSON,
        dataschema,
        recordedtime: Some(entry.recorded_at),
        sequence: format!("{:020}", row.position),
        data: Some(data),
    })
}

/// The type and the schema of a contract's events.
fn names(contract: &str, suffix: &str) -> Result<(String, String), StoreError> {
    let id: ContractId =
        contract.parse().map_err(|_| StoreError::fault("an entry names no contract".to_owned()))?;
    let (name, major) = (id.name(), id.major());
    let kind = format!("vn.gov.dongnai.lienthong.{name}{suffix}.v{major}");
    let schema = format!("https://lienthong.dongnai.gov.vn/contracts/{name}/{major}");
    Ok((kind, schema))
}

/// Dossiers in the order of their last change; a reader that follows has each one's last state.
pub(super) async fn dossiers(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let page = Page::begin((&api, &uri, &headers), "dossiers").await?;
    let (rows, next) = read_dossiers(&api, &who, page.after.clone(), page.limit).await?;
    let log_id = &page.reading.head.log_id;
    let events = rows.iter().map(|row| state(log_id, row));
    let events = events.collect::<Result<Vec<_>, StoreError>>()?;
    page.answer(&events, &next)
}

async fn read_dossiers(
    api: &Api,
    who: &Principal,
    mut from: (u64, String),
    limit: u32,
) -> Result<(Vec<DossierRow>, (u64, String)), StoreError> {
    let mut shown = Vec::new();
    for _ in 0..SCANS_MAX {
        let room = limit - u32::try_from(shown.len()).unwrap_or(limit).min(limit);
        if room == 0 {
            break;
        }
        let (rows, next) = api.operations.dossiers(who, from.clone(), room).await?;
        shown.extend(rows);
        if next == from {
            break;
        }
        from = next;
    }
    Ok((shown, from))
}

fn state<'a>(log_id: &str, row: &'a DossierRow) -> Result<Event<'a>, StoreError> {
    let suffix = if row.public.is_none() { ".retired" } else { "" };
    let (kind, dataschema) = names(DOSSIER_STATE, suffix)?;
    Ok(Event {
        specversion: "1.0",
        id: format!("{log_id}/{}/{}", row.position, row.key),
        source: HUB.to_owned(),
        kind,
        subject: &row.key,
        time: None,
        datacontenttype: JSON,
        dataschema,
        recordedtime: None,
        sequence: format!("{:020}", row.position),
        data: raw(&row.public)?,
    })
}
