//! `/v1/channels/{channel}/drift`: what has changed in what a channel sends, and what holds it.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use serde_json::json;

use adapters::rest::problem::ProblemResponse;

use super::{
    super::{
        Api, Asker,
        answer::{JSON, Reading, Stop},
        kinds::OPERATOR_ONLY,
        params::Params,
    },
    own,
};
use crate::auth::Principal;

/// What has changed, and what holds the channel.
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

/// Accepts all that holds the channel.
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
    let body = json!({ "channel": channel, "accepted": accepted });
    reading.json(StatusCode::OK, JSON, &body, None)
}
