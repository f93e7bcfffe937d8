//! `POST /v1/channels/{channel}/control`: what an agency has, compared with what the hub has.

use adapters::rest::problem::ProblemResponse;
use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    super::{
        Api, Asker, Sent,
        answer::{JSON, Reading, Stop},
        kinds::BAD_CONTROL,
        params::{NAME_CHARS_MAX, Params, is_no_text},
    },
    ChannelAsked, own,
};
use crate::api::document::{answers::TooLarge, tags};
use crate::{
    operations::{
        Control, Controlled, KEYS_MAX, Keys, TOTAL_DAYS_MAX, TOTALS_MAX, Total, agency_of,
    },
    registry::measure::day_number,
};

/// Bytes of a control, at most.
pub(in super::super) const CONTROL_BYTES_MAX: usize = 16 * 1024 * 1024;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ControlTotals)]
struct Totals {
    /// The numbers.
    totals: Vec<Total>,
}

fn bad(vi: &str, en: &str) -> ProblemResponse {
    ProblemResponse::new(StatusCode::BAD_REQUEST, &BAD_CONTROL)
        .member("advice", json!(vi))
        .member("advice_en", json!(en))
}

fn read(body: &[u8]) -> Result<Control, ProblemResponse> {
    let shape = || {
        bad(
            "Gửi JSON {\"keys\": [mã, …]} hoặc {\"totals\": [{\"day\", \"count\"}, …]}.",
            "Send JSON {\"keys\": [key, …]} or {\"totals\": [{\"day\", \"count\"}, …]}.",
        )
    };
    if let Ok(Totals { totals }) = serde_json::from_slice(body) {
        let days = || totals.iter().map(|total| day_number(total.day));
        let span = days().max().unwrap_or(0) - days().min().unwrap_or(0);
        if totals.is_empty() || totals.len() > TOTALS_MAX || span >= TOTAL_DAYS_MAX {
            let vi = format!("Gửi từ 1 đến {TOTALS_MAX} số, trong {TOTAL_DAYS_MAX} ngày.");
            let en = format!("Send from 1 to {TOTALS_MAX} numbers, of {TOTAL_DAYS_MAX} days.");
            return Err(bad(&vi, &en));
        }
        if totals.iter().any(|total| total.status.is_some_and(|one| !(1..=10).contains(&one))) {
            return Err(bad("status là một số từ 1 đến 10.", "A status is a number from 1 to 10."));
        }
        return Ok(Control::Totals(totals));
    }
    let keys: Keys = serde_json::from_slice(body).map_err(|_| shape())?;
    if keys.keys.is_empty() || keys.keys.len() > KEYS_MAX {
        let vi = format!("Gửi từ 1 đến {KEYS_MAX} mã; nhiều hơn thì chia theo thứ tự mã.");
        let en = format!("Send from 1 to {KEYS_MAX} keys; more of them by stretches, in order.");
        return Err(bad(&vi, &en));
    }
    let told = keys.keys.iter().chain(&keys.source).chain(&keys.from).chain(&keys.to);
    let is_key =
        |key: &String| !key.is_empty() && key.chars().count() <= NAME_CHARS_MAX && !is_no_text(key);
    if !told.into_iter().all(is_key) {
        let vi = format!("Mỗi mã có từ 1 đến {NAME_CHARS_MAX} ký tự.");
        return Err(bad(&vi, &format!("A key has from 1 to {NAME_CHARS_MAX} characters.")));
    }
    let outside = |key: &String| {
        keys.from.as_ref().is_some_and(|from| key < from)
            || keys.to.as_ref().is_some_and(|to| key > to)
    };
    if keys.keys.iter().any(outside) {
        return Err(bad("Mọi mã phải nằm giữa from và to.", "Keys lie between from and to."));
    }
    Ok(Control::Keys(keys))
}

/// Keys of a source are told to the agency whose source it is, and compared for nobody else.
fn of_its_own(api: &Api, channel: &str, source: &str) -> Result<(), ProblemResponse> {
    let id = agency_of(channel);
    let mut agencies = api.operations.catalog.agencies.iter();
    let declared = agencies.any(|one| one.id == id && one.sources.contains_key(source));
    if source == id || declared {
        return Ok(());
    }
    let vi = "source là mã cơ quan của kênh, hoặc một nguồn cơ quan đó khai trong agency.toml.";
    let en = "A source is the channel's agency, or one that it declares in its agency.toml.";
    Err(bad(vi, en))
}

/// What is sent to be compared.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it is read as either, and described as one of both")]
enum ControlTold {
    /// All keys of a stretch.
    Keys(Keys),
    /// Numbers by day.
    Totals(Totals),
}

/// Compares, and answers what is missing and what is extra.
#[utoipa::path(
    post, path = "/v1/channels/{channel}/control",
    tag = tags::CHANNELS, operation_id = "controlChannel",
    summary = "Compare what an agency has with what the hub has",
    description = "Đối soát: gửi danh sách mã hồ sơ hoặc số theo ngày; trả lời nêu mã thiếu, \
                   mã thừa, số lệch.",
    request_body(content = ControlTold, description = "Mã hồ sơ hoặc số theo ngày.\n\n\
        Keys, or numbers by day."),
    params(ChannelAsked),
    responses(
        (status = 200, description = "Kết quả đối soát.\n\nThe comparison.", body = Controlled),
        TooLarge,
    ),
)]
pub(in super::super) async fn control(
    State(api): State<Api>,
    Asker(who): Asker,
    channel: Result<Path<String>, PathRejection>,
    uri: Uri,
    Sent(body): Sent,
) -> Result<Response, Stop> {
    let channel = own(&api, &who, channel)?;
    Params::read(&uri, &[])?;
    let control = read(&body)?;
    if let Control::Keys(Keys { source: Some(source), .. }) = &control {
        of_its_own(&api, &channel, source)?;
    }
    let reading = Reading::begin(&api, &HeaderMap::new(), "").await?;
    let controlled = api.operations.control(&channel, control, Timestamp::now()).await?;
    reading.json(StatusCode::OK, JSON, &controlled, None)
}
