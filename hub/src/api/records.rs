//! `GET /v1/records/{position}`: one record, with its personal members for the agency that sent
//! it or was sent it. The events of the feed of records refer to it.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};

use super::{
    Api, Asker,
    answer::{JSON, Reading, Stop, nothing},
    dossiers::named,
    params::Params,
};
use crate::feeds;

pub(super) async fn record(
    State(api): State<Api>,
    Asker(who): Asker,
    position: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let position = named("position", position)?;
    Params::read(&uri, &[])?;
    let Ok(position) = position.parse::<u64>() else { return Err(nothing()) };
    let reading = Reading::begin(&api, &headers, "").await?;
    let record = feeds::record_at(&api.operations, &who, position).await?.ok_or_else(nothing)?;
    reading.json(StatusCode::OK, JSON, &record, None)
}
