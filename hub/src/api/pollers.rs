//! `GET /v1/pollers`: how the channels stand that the hub reads itself.

use axum::{Json, extract::State, response::Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Api, Asker, answer::Stop};
use crate::api::document::tags;
use crate::operations::PollerStanding;
use axum::response::IntoResponse;

/// Channels that the hub reads.
#[derive(Debug, Serialize, ToSchema)]
struct Pollers {
    /// How each stands.
    pollers: Vec<PollerStanding>,
}

/// Every channel that the asker may see; an agency sees its own.
#[utoipa::path(
    get, path = "/v1/pollers",
    tag = tags::CHANNELS, operation_id = "listPollers",
    summary = "How the channels stand that the hub reads itself",
    description = "Tình trạng các kênh mà hệ thống tự đọc.",
    responses(
        (status = 200, description = "Các kênh.\n\nThe channels.", body = Pollers),
    ),
)]
pub(super) async fn pollers(State(api): State<Api>, Asker(who): Asker) -> Result<Response, Stop> {
    let pollers = api.operations.pollers(&who).await?;
    Ok(Json(Pollers { pollers }).into_response())
}
