//! `GET /healthz`, `/readyz`, `/metrics`: for those who run the hub; no key, no data of anybody.

use axum::{
    Json,
    extract::State,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{Api, answer::Stop};

/// Whether the store answers.
pub(super) async fn health(State(api): State<Api>) -> Result<Response, Stop> {
    let head = api.operations.store.head().await?;
    let body = json!({ "status": "ok", "log_id": head.log_id, "size": head.tree.size });
    Ok(([(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// What is counted, for Prometheus; also when the store does not answer.
pub(super) async fn metrics(State(api): State<Api>) -> Response {
    let head = api.operations.store.head().await;
    api.telemetry.journal(head.ok().map(|head| head.tree.size));
    let media_type = (CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    (StatusCode::OK, [media_type, (CACHE_CONTROL, "no-store")], api.telemetry.text())
        .into_response()
}
