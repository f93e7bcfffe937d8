//! `GET /v1/records/{position}`: one record, with its personal members for the agency that sent
//! it or was sent it. The events of the feed of records refer to it.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};

use super::{
    Api,
    answer::{JSON, Reading, Stop, nothing},
    dossiers::named,
    params::Params,
    purpose::{self, Bearer, PURPOSE, REASON},
};
use crate::api::document::{
    answers::{Forbidden, Unchanged},
    params::{asked, place_in_path},
    tags,
};
use crate::feeds::{self, Record};

#[utoipa::path(
    get, path = "/v1/records/{position}",
    tag = tags::FEEDS, operation_id = "getRecord",
    summary = "One record, with its personal members for whose it is",
    description = "Một bản ghi của nhật ký theo vị trí; có thông tin cá nhân nếu khóa được \
                   xem và nêu mục đích.",
    params(RecordAsked),
    responses(
        (status = 200, description = "Bản ghi.\n\nThe record.", body = Record),
        Unchanged,
        Forbidden,
    ),
)]
pub(super) async fn record(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    position: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let position = named("position", position)?;
    let params = Params::read(&uri, &[PURPOSE, REASON])?;
    let reader = purpose::reader(&caller, &params, "getRecord")?;
    // The store counts with signed numbers.
    let number = position.parse::<i64>().ok().and_then(|number| u64::try_from(number).ok());
    let position = number.ok_or_else(nothing)?;
    let reading = Reading::begin(&api, &headers, purpose::tag(&reader)).await?;
    let record = feeds::record_at(&api.operations, &reader, position).await?;
    let record = record.ok_or_else(nothing)?;
    reading.json(StatusCode::OK, JSON, &record, None)
}

asked! {
    /// Which record.
    RecordAsked: [place_in_path(), purpose::purpose(), purpose::reason()];
}
