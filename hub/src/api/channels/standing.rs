//! `GET /v1/channels` and `/v1/channels/{channel}/conformance`: how channels stand.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use jiff::Timestamp;
use serde_json::json;

use super::{
    super::{
        Api, Asker,
        answer::{JSON, Reading, Stop, nothing},
        params::Params,
    },
    own,
};
use crate::store::StoreError;

/// Every channel of the asker's, and the alerts that are open.
pub(in super::super) async fn channels(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    // What is due goes by the clock: the answer is never one that the asker has.
    let reading = Reading::begin(&api, &HeaderMap::new(), "").await?;
    let channels = api.operations.standings(&who, None, Timestamp::now()).await?;
    let alerts = api.operations.alerts(&who).await?;
    let body = json!({ "channels": channels, "alerts": alerts });
    reading.json(StatusCode::OK, JSON, &body, None)
}

/// How one conforms, with the numbers that it comes from.
pub(in super::super) async fn conformance(
    State(api): State<Api>,
    Asker(who): Asker,
    channel: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    let channel = own(&api, &who, channel)?;
    Params::read(&uri, &[])?;
    let reading = Reading::begin(&api, &HeaderMap::new(), "").await?;
    let mut found = api.operations.standings(&who, Some(&channel), Timestamp::now()).await?;
    let standing = found.pop().ok_or_else(nothing)?;
    let mut body =
        serde_json::to_value(&standing).map_err(|error| StoreError::fault(error.to_string()))?;
    let mut alerts = api.operations.alerts(&who).await?;
    alerts.retain(|alert| alert.channel == channel);
    body["alerts"] = json!(alerts);
    reading.json(StatusCode::OK, JSON, &body, None)
}
