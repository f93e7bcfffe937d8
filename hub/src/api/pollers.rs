//! `GET /v1/pollers`: how the channels stand that the hub reads itself.

use axum::{Json, extract::State, response::Response};
use serde_json::json;

use super::{Api, Asker, answer::Stop};
use axum::response::IntoResponse;

/// Every channel that the asker may see; an agency sees its own.
pub(super) async fn pollers(State(api): State<Api>, Asker(who): Asker) -> Result<Response, Stop> {
    let pollers = api.operations.pollers(&who).await?;
    Ok(Json(json!({ "pollers": pollers })).into_response())
}
