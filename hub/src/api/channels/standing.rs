//! `GET /v1/channels` and `/v1/channels/{channel}/conformance`: how channels stand.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    super::{
        Api, Asker,
        answer::{JSON, Reading, Stop, nothing},
        params::Params,
    },
    ChannelAsked, own,
};
use crate::api::document::tags;
use crate::{operations::ChannelStanding, store::channels::Alert};

/// Channels of the asker's.
#[derive(Debug, Serialize, ToSchema)]
struct Channels {
    /// How each stands.
    channels: Vec<ChannelStanding>,
    /// The alerts that are open.
    alerts: Vec<Alert>,
}

/// How a channel conforms.
#[derive(Debug, Serialize, ToSchema)]
struct Conforming {
    #[serde(flatten)]
    standing: ChannelStanding,
    /// The alerts that are open.
    alerts: Vec<Alert>,
}

/// Every channel of the asker's, and the alerts that are open.
#[utoipa::path(
    get, path = "/v1/channels",
    tag = tags::CHANNELS, operation_id = "listChannels",
    summary = "How every channel of the asker stands",
    description = "Tình trạng mọi kênh của cơ quan và các cảnh báo đang mở.",
    responses(
        (status = 200, description = "Các kênh.\n\nThe channels.", body = Channels),
    ),
)]
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
    let body = Channels { channels, alerts };
    reading.json(StatusCode::OK, JSON, &body, None)
}

/// How one conforms, with the numbers that it comes from.
#[utoipa::path(
    get, path = "/v1/channels/{channel}/conformance",
    tag = tags::CHANNELS, operation_id = "getConformance",
    summary = "How one channel conforms",
    description = "Mức tuân thủ của một kênh và các con số tạo nên nó.",
    params(ChannelAsked),
    responses(
        (status = 200, description = "Mức tuân thủ.\n\nHow it conforms.", body = Conforming),
    ),
)]
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
    let mut alerts = api.operations.alerts(&who).await?;
    alerts.retain(|alert| alert.channel == channel);
    let body = Conforming { standing, alerts };
    reading.json(StatusCode::OK, JSON, &body, None)
}
