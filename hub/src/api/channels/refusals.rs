//! `GET /v1/channels/{channel}/refusals`: what its agency has yet to mend.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header::LINK},
    response::Response,
};
use contracts::problem::CATALOGUE;
use serde_json::json;

use adapters::rest::problem::ProblemResponse;

use super::{
    super::{
        Api, Asker,
        answer::{JSON, Reading, Stop, bad_cursor},
        params::{Params, bad},
    },
    own,
};
use crate::{
    cursor,
    operations::{PAGE_MAX, RefusalQuestion},
    store::StoreError,
};

const PAGE_DEFAULT: u32 = 100;

fn rule(params: &Params) -> Result<Option<String>, ProblemResponse> {
    let Some(text) = params.text("rule") else { return Ok(None) };
    if CATALOGUE.iter().any(|kind| kind.code == text) {
        return Ok(Some(text.to_owned()));
    }
    let (vi, en) = ("Ghi một mã nêu trong by_rule.", "Write one of the codes in by_rule.");
    Err(bad("rule", text, vi, en))
}

/// Open refusals, the latest first, and how many there are by rule.
pub(in super::super) async fn refusals(
    State(api): State<Api>,
    Asker(who): Asker,
    channel: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    let channel = own(&api, &who, channel)?;
    let params = Params::read(&uri, &["rule", "cursor", "limit"])?;
    // Settled by hand they are in no position: the answer is never one that the asker has.
    let reading = Reading::begin(&api, &HeaderMap::new(), "").await?;
    let list = format!("/v1/channels/{channel}/refusals");
    let log_id = &reading.head.log_id;
    let before = match params.text("cursor") {
        None => None,
        Some(text) => {
            let place = cursor::read(log_id, &list, text).ok_or_else(bad_cursor)?;
            Some((place.0, place.1.parse().map_err(|_| bad_cursor())?))
        }
    };
    let limit = params.limit(PAGE_DEFAULT, PAGE_MAX)?;
    let question = RefusalQuestion { channel, rule: rule(&params)?, before, limit };
    let page = api.operations.open_refusals(question).await?;
    let mut response = reading.json(StatusCode::OK, JSON, &page, None)?;
    if let Some((position, place)) = page.next {
        let cursor = cursor::write(log_id, &list, &(position, place.to_string()));
        let query = params.query_without(&["cursor"]);
        let link = format!("<{list}?{query}cursor={cursor}>; rel=\"next\"");
        let link =
            HeaderValue::from_str(&link).map_err(|error| StoreError::fault(error.to_string()))?;
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
}

/// Settles those of one message by hand.
pub(in super::super) async fn settle(
    State(api): State<Api>,
    Asker(who): Asker,
    channel: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    let channel = own(&api, &who, channel)?;
    let params = Params::read(&uri, &["message"])?;
    let Some(id) = params.text("message") else {
        let (vi, en) = ("Ghi mã thông điệp.", "Write the message's id.");
        return Err(bad("message", "", vi, en).into());
    };
    let settled = api.operations.settle_refusals(&channel, id).await?;
    let reading = Reading::begin(&api, &HeaderMap::new(), "").await?;
    let body = json!({ "channel": channel, "message": id, "settled": settled });
    reading.json(StatusCode::OK, JSON, &body, None)
}
