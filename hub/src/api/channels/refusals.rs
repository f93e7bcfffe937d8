//! `GET /v1/channels/{channel}/refusals`: what its agency has yet to mend.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use contracts::problem::CATALOGUE;
use serde_json::json;

use adapters::rest::problem::ProblemResponse;

use super::{
    super::{
        Api, Asker,
        answer::{JSON, Reading, Stop},
        paging::Paging,
        params::{Params, bad},
    },
    own,
};
use crate::operations::{PAGE_MAX, RefusalQuestion};

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
    let log_id = &reading.head.log.id;
    let paging = Paging { path: &list, list: &list, log_id, params: &params };
    let (before, limit) = (paging.after()?, params.limit(PAGE_DEFAULT, PAGE_MAX)?);
    let question = RefusalQuestion { channel, rule: rule(&params)?, before, limit };
    let page = api.operations.open_refusals(question).await?;
    paging.link(reading.json(StatusCode::OK, JSON, &page, None)?, page.next)
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
