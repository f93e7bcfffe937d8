//! `GET /v1/exports/{feed}.{format}`: a feed as one file, for programs that analyse.
//!
//! What is told at its head is true of the whole file: the position it is true at, and in `Link`
//! the address to go on from. An export that breaks off breaks the connection: who reads it sees
//! that it is not whole.

use std::{sync::Arc, time::Instant};

use adapters::rest::problem::ProblemResponse;
use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{
        HeaderMap, HeaderValue, StatusCode, Uri,
        header::{CONTENT_DISPOSITION, LINK, RETRY_AFTER},
    },
    response::Response,
};
use serde_json::json;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

use super::{
    Api,
    answer::{Reading, Stop},
    dossiers::named,
    feeds::place,
    kinds,
    params::{Params, bad},
    purpose::{self, Bearer, PURPOSE, REASON},
    statistics::date,
};
use crate::api::document::{
    answers::{Forbidden, Gone, NotFound, Unchanged},
    params::{agency, asked, cursor, day, named_of, position, text},
    tags,
};
use crate::{
    feeds::{
        Feed,
        export::{Export, Filter, Format, Told, Unwritten, chunks, contracts},
    },
    store::StoreError,
};

/// Exports at once in one process. Each keeps a reader of the store busy, which who looks something
/// up wants too.
const EXPORTS_MAX: usize = 4;

/// When a reader that found no room may come again, in seconds.
const CROWDED_SECONDS: u32 = 10;

/// What there is to export.
const FILES: [&str; 24] = [
    "records.ndjson",
    "records.csv",
    "records.xlsx",
    "records.parquet",
    "dossiers.ndjson",
    "dossiers.csv",
    "dossiers.xlsx",
    "dossiers.parquet",
    "findings.ndjson",
    "findings.csv",
    "findings.xlsx",
    "findings.parquet",
    "catalogue.ndjson",
    "catalogue.csv",
    "catalogue.xlsx",
    "catalogue.parquet",
    "statistics.ndjson",
    "statistics.csv",
    "statistics.xlsx",
    "statistics.parquet",
    "notices.ndjson",
    "notices.csv",
    "notices.xlsx",
    "notices.parquet",
];

/// Parameters of every export.
const PARAMETERS: [&str; 5] = ["after", "until", "agency", "from", "to"];

/// Room for exports.
#[derive(Debug, Clone)]
pub struct Exports(Arc<Semaphore>);

impl Default for Exports {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(EXPORTS_MAX)))
    }
}

impl Exports {
    fn one(&self) -> Result<OwnedSemaphorePermit, ProblemResponse> {
        self.0.clone().try_acquire_owned().map_err(|_| {
            ProblemResponse::new(StatusCode::SERVICE_UNAVAILABLE, &kinds::EXPORTS_CROWDED)
                .header(RETRY_AFTER, HeaderValue::from(CROWDED_SECONDS))
        })
    }
}

/// The feed and the format that a file's name has.
fn file(name: &str) -> Result<(Feed, Format), ProblemResponse> {
    let parts = name.rsplit_once('.');
    let known =
        parts.and_then(|(feed, format)| Some((Feed::from_name(feed)?, Format::from_name(format)?)));
    known.ok_or_else(|| {
        ProblemResponse::new(StatusCode::NOT_FOUND, &kinds::NO_EXPORT)
            .member("feeds", json!(Feed::ALL.map(Feed::name)))
            .member("formats", json!(Format::ALL.map(Format::name)))
    })
}

fn filter(params: &Params) -> Result<Filter, ProblemResponse> {
    let contract = params.text("contract");
    if let Some(asked) = contract.filter(|asked| !contracts().any(|known| known == *asked)) {
        let known: Vec<&str> = contracts().collect();
        let known = known.join(", ");
        let (vi, en) = (format!("Ghi một trong: {known}."), format!("Write one of: {known}."));
        return Err(bad("contract", asked, &vi, &en));
    }
    let days = (date(params, "from")?, date(params, "to")?);
    if let (Some(from), Some(to)) = days
        && from > to
    {
        let (vi, en) = ("Ghi ngày không trước from.", "Write a day that is not before from.");
        return Err(bad("to", &to.to_string(), vi, en));
    }
    let text = |name| params.text(name).map(ToOwned::to_owned);
    Ok(Filter { agency: text("agency"), contract: text("contract"), days })
}

/// An export.
#[utoipa::path(
    get, path = "/v1/exports/{file}",
    tag = tags::FEEDS, operation_id = "exportFeed",
    summary = "A feed as one file",
    description = "Một dòng sự kiện thành một tệp NDJSON, CSV, XLSX hoặc Parquet; đúng tại vị trí \
                   nêu trong X-Journal-Position, đọc tiếp từ địa chỉ trong Link. Tệp bản ghi \
                   có phần cá nhân của cơ quan mình khi nêu mục đích.",
    params(ExportAsked),
    responses(
        (status = 200, description = "Tệp.\n\nThe file.",
            content((Vec<u8> = "application/x-ndjson"),
                (Vec<u8> = "text/csv; charset=utf-8; header=present"),
                (Vec<u8> =
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
                (Vec<u8> = "application/vnd.apache.parquet"))),
        Unchanged,
        Forbidden,
        NotFound,
        Gone,
    ),
)]
pub(super) async fn export(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    name: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let (feed, format) = file(&named("file", name)?)?;
    let mut known = PARAMETERS.to_vec();
    if feed == Feed::Records {
        known.extend(["contract", PURPOSE, REASON]);
    }
    let params = Params::read(&uri, &known)?;
    let reader = purpose::reader(&caller, &params, "exportFeed")?;
    let (filter, until) = (filter(&params)?, params.position("until")?);
    // What follows behind grows while the journal stands still.
    let none = HeaderMap::new();
    let headers = if feed.is_behind() { &none } else { &headers };
    let reading = Reading::begin(&api, headers, purpose::tag(&reader)).await?;
    let from = place(&api, &reading, feed, params.text("after")).await?;
    let mut end = feed.end(&api.operations, reading.head.tree.size).await?;
    end = until.map_or(end.clone(), |until| end.min((until, String::new())));
    let log = reading.head.log.clone();
    let export = Export { feed, format, reader, log, from, end, filter };
    let link = format!(
        "</v1/exports/{}.{}?{}after={}>; rel=\"next\"",
        feed.name(),
        format.name(),
        params.query_without(&["after", "until"]),
        export.next()
    );
    let disposition = format!("attachment; filename=\"{}\"", export.file_name());
    let told = [(LINK, link), (CONTENT_DISPOSITION, disposition)];
    let (position, media_type) = (export.position(), format.media_type());
    let body = begun(&api, export)?;
    let mut response = reading.bytes(StatusCode::OK, media_type, body, Some(position));
    for (name, value) in told {
        let value = HeaderValue::from_str(&value);
        let value = value.map_err(|error| StoreError::fault(error.to_string()))?;
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}

/// The body of an export, which is written as it is read.
fn begun(api: &Api, export: Export) -> Result<Body, ProblemResponse> {
    let room = api.exports.one()?;
    let operations = api.operations.unconfigured();
    let (out, ending, arriving) = chunks();
    // Ends with the hub, and where the reader goes away.
    let stop = api.live.stop().child_token();
    let reading = stop.clone().drop_guard();
    spawn_blocking(move || {
        let began = Instant::now();
        let written = export.write(&operations, &stop, Box::new(out));
        let written = written.and_then(|told| Ok((told, ending.whole()?)));
        tell(&export, began, written.map(|(told, ())| told));
        drop(room);
    });
    Ok(Body::from_stream(arriving.stream(reading)))
}

/// The line of the log that tells who was given what.
fn tell(export: &Export, began: Instant, written: Result<Told, Unwritten>) {
    let (who, feed, format) = (export.reader.who(), export.feed.name(), export.format.name());
    let seconds = began.elapsed().as_secs_f64();
    match written {
        Ok(Told { rows, position, .. }) => {
            tracing::info!(%who, feed, format, rows, position, seconds, "exported");
        }
        Err(error @ (Unwritten::Stopped | Unwritten::Out(_))) => {
            tracing::info!(%who, feed, format, seconds, %error, "an export was left");
        }
        Err(error) => {
            tracing::error!(%who, feed, format, seconds, %error, "an export broke off");
        }
    }
}

asked! {
    /// An export.
    ExportAsked: [
        named_of("file", &FILES, "Dòng sự kiện và định dạng.", "The feed and the format."),
        cursor("after"),
        position("until", "Chỉ đến vị trí này.", "Up to this position."),
        agency(),
        text("contract", "Chỉ bản ghi của hợp đồng này (records).", "Of this contract (records)."),
        day("from", "Từ ngày này.", "From this day."),
        day("to", "Đến hết ngày này.", "To this day."),
        purpose::purpose(),
        purpose::reason(),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feed_is_told_in_every_format() {
        let all = Feed::ALL.into_iter().flat_map(|feed| {
            Format::ALL.map(|format| format!("{}.{}", feed.name(), format.name()))
        });
        let (mut all, mut told) = (all.collect::<Vec<_>>(), FILES.map(ToOwned::to_owned).to_vec());
        all.sort();
        told.sort();
        assert_eq!(told, all);
    }
}
