//! `/v1/channels/{channel}/drift`: what has changed in what a channel sends, and what holds it.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use serde::Serialize;
use utoipa::ToSchema;

use adapters::rest::problem::ProblemResponse;

use super::{
    super::{
        Api, Asker,
        answer::{JSON, Reading, Stop},
        kinds::OPERATOR_ONLY,
        params::Params,
    },
    ChannelAsked, channel_in_path, own,
};
use crate::api::document::{
    answers::Forbidden,
    params::{asked, text},
    tags,
};
use crate::{
    auth::Principal,
    operations::{Drift, Hold},
};

/// What has changed, and what holds the channel.
#[utoipa::path(
    get, path = "/v1/channels/{channel}/drift",
    tag = tags::CHANNELS, operation_id = "getDrift",
    summary = "What has changed in what a channel sends",
    description = "Điều đã đổi trong dữ liệu của kênh, và điều đang giữ kênh lại.",
    params(ChannelAsked),
    responses(
        (status = 200, description = "Thay đổi.\n\nThe changes.", body = Drift),
    ),
)]
pub(in super::super) async fn drift(
    State(api): State<Api>,
    Asker(who): Asker,
    channel: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    let channel = own(&api, &who, channel)?;
    Params::read(&uri, &[])?;
    // Profiles are in no position: the answer is never one that the asker has.
    let reading = Reading::begin(&api, &HeaderMap::new(), "").await?;
    let drift = api.operations.drift(&who, Some(&channel), false).await?;
    reading.json(StatusCode::OK, JSON, &drift, None)
}

/// What was accepted.
#[derive(Debug, Serialize, ToSchema)]
struct AcceptedDrift {
    /// The channel.
    channel: String,
    /// What held it, and was accepted.
    accepted: Vec<Hold>,
}

/// Accepts all that holds the channel.
#[utoipa::path(
    post, path = "/v1/channels/{channel}/drift/accept",
    tag = tags::CHANNELS, operation_id = "acceptDrift",
    summary = "Accept the changes that hold a channel",
    description = "Chấp nhận mọi thay đổi đang giữ kênh. Chỉ dành cho đơn vị vận hành.",
    params(AcceptAsked),
    responses(
        (status = 200, description = "Đã chấp nhận.\n\nThey are accepted.", body = AcceptedDrift),
        Forbidden,
    ),
)]
pub(in super::super) async fn accept(
    State(api): State<Api>,
    Asker(who): Asker,
    channel: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    if who != Principal::Operator {
        return Err(ProblemResponse::new(StatusCode::FORBIDDEN, &OPERATOR_ONLY).into());
    }
    let channel = own(&api, &who, channel)?;
    let params = Params::read(&uri, &["by"])?;
    let by = params.text("by").unwrap_or("operator");
    let accepted = api.operations.accept_drift(&channel, by).await?;
    let reading = Reading::begin(&api, &HeaderMap::new(), "").await?;
    let body = AcceptedDrift { channel, accepted };
    reading.json(StatusCode::OK, JSON, &body, None)
}

asked! {
    /// Whose acceptance it is.
    AcceptAsked: [channel_in_path(), text("by", "Người chấp nhận.", "Who accepts it.")];
}
