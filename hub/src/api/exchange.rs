//! `GET /v1/requests/{id}`, `/v1/requests`, `/v1/applications/{id}`: how what is addressed to
//! somebody stands. What is posted to the same addresses becomes a message:
//! `adapters::rest::exchange`.

use adapters::rest::problem::ProblemResponse;
use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header::LINK},
    response::Response,
};

use super::{
    Api, Asker,
    answer::{JSON, Reading, Stop, bad_cursor, nothing},
    kinds::NOT_YOURS,
    params::{Params, bad},
    statistics::today,
};
use crate::{
    auth::Principal,
    cursor,
    operations::{ExchangeStanding, RequestQuestion},
    registry::measure::day_number,
    store::StoreError,
};

/// Items on a page, where nothing is said, and at most.
const PAGE: u32 = 50;
const PAGE_MAX: u32 = 200;

/// What cursors of the list are for.
const LIST: &str = "requests";

/// An answer that is true when it is given: what has become of deliveries is in no position of the
/// journal.
async fn told(api: &Api, standing: Option<ExchangeStanding>) -> Result<Response, Stop> {
    let Some(standing) = standing else { return Err(nothing()) };
    let reading = Reading::begin(api, &HeaderMap::new(), "").await?;
    reading.json(StatusCode::OK, JSON, &standing, Some(standing.as_of))
}

pub(super) async fn request(
    State(api): State<Api>,
    Asker(who): Asker,
    named: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    let Ok(Path(id)) = named else { return Err(nothing()) };
    told(&api, api.operations.request(&who, &id).await?).await
}

pub(super) async fn application(
    State(api): State<Api>,
    Asker(who): Asker,
    named: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    let Ok(Path(id)) = named else { return Err(nothing()) };
    told(&api, api.operations.application(&who, &id).await?).await
}

/// Requests to the asker's agency; to all for the operator.
pub(super) async fn requests(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let params = Params::read(&uri, &["agency", "state", "limit", "cursor"])?;
    let agency = match (&who, params.text("agency")) {
        (Principal::Agency(own), Some(other)) if own != other => None,
        (Principal::Agency(own), _) => Some(Some(own.clone())),
        (Principal::Operator, asked) => Some(asked.map(ToOwned::to_owned)),
        (Principal::Portal, _) => None,
    };
    let Some(agency) = agency else {
        return Err(ProblemResponse::new(StatusCode::FORBIDDEN, &NOT_YOURS).into());
    };
    let replied = match params.text("state") {
        None => None,
        Some("open") => Some(false),
        Some("replied") => Some(true),
        Some(other) => {
            let (vi, en) = ("Ghi open hoặc replied.", "Write open or replied.");
            return Err(bad("state", other, vi, en).into());
        }
    };
    let reading = Reading::begin(&api, &headers, &format!(".{who}")).await?;
    let log_id = &reading.head.log_id;
    let place = |text: &str| {
        let (position, day) = cursor::read(log_id, LIST, text)?;
        Some((day.parse().ok()?, position))
    };
    let after = params.text("cursor").map(|text| place(text).ok_or_else(bad_cursor)).transpose()?;
    let limit = params.limit(PAGE, PAGE_MAX)?;
    let due_from = (replied == Some(false)).then(|| day_number(today()));
    let question = RequestQuestion { agency, replied, due_from, after, limit };
    let page = api.operations.requests(&who, &question).await?;
    let next = page.next.map(|(day, position)| {
        let cursor = cursor::write(log_id, LIST, &(position, day.to_string()));
        format!("</v1/requests?{}cursor={cursor}>; rel=\"next\"", params.query_without(&["cursor"]))
    });
    let mut response = reading.json(StatusCode::OK, JSON, &page, Some(page.as_of))?;
    if let Some(next) = next {
        let link =
            HeaderValue::from_str(&next).map_err(|error| StoreError::fault(error.to_string()))?;
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
}
