//! `GET /v1/channels/{channel}/refusals`: what its agency has yet to mend.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use contracts::problem::CATALOGUE;
use serde::Serialize;
use utoipa::ToSchema;

use adapters::rest::problem::ProblemResponse;

use super::{
    super::{
        Api, Asker,
        answer::{JSON, Reading, Stop},
        paging::Paging,
        params::{Params, bad},
    },
    channel_in_path, own,
};
use crate::api::document::{
    params::{asked, cursor, limit, wanted, word},
    tags,
};
use crate::operations::{OpenRefusals, PAGE_MAX, RefusalQuestion};

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
#[utoipa::path(
    get, path = "/v1/channels/{channel}/refusals",
    tag = tags::CHANNELS, operation_id = "listRefusals",
    summary = "Refusals of a channel that are not mended yet",
    description = "Các bản ghi bị từ chối mà cơ quan chưa gửi lại đúng, mới nhất trước, và số \
                   lượng theo từng lỗi.",
    params(RefusalsAsked),
    responses(
        (status = 200, description = "Một trang.\n\nA page.", body = OpenRefusals),
    ),
)]
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

/// What was settled.
#[derive(Debug, Serialize, ToSchema)]
struct Settled {
    /// The channel.
    channel: String,
    /// The message.
    message: String,
    /// How many refusals of it were open.
    settled: u64,
}

/// Settles those of one message by hand.
#[utoipa::path(
    post, path = "/v1/channels/{channel}/refusals/settle",
    tag = tags::CHANNELS, operation_id = "settleRefusals",
    summary = "Settle the refusals of one message by hand",
    description = "Đánh dấu đã xử lý mọi từ chối của một thông điệp.",
    params(SettleAsked),
    responses(
        (status = 200, description = "Đã đánh dấu.\n\nThey are settled.", body = Settled),
    ),
)]
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
    let body = Settled { channel, message: id.to_owned(), settled };
    reading.json(StatusCode::OK, JSON, &body, None)
}

/// The codes of what can be wrong in a record.
fn codes() -> Vec<&'static str> {
    CATALOGUE.iter().map(|kind| kind.code).collect()
}

asked! {
    /// Which refusals.
    RefusalsAsked: [
        channel_in_path(),
        word("rule", &codes(), "Mã lỗi.", "The code of what is wrong."),
        limit(PAGE_DEFAULT, PAGE_MAX),
        cursor("cursor"),
    ];
    /// Those of which message.
    SettleAsked: [
        channel_in_path(),
        wanted("message", "Mã thông điệp.", "The message's id."),
    ];
}
