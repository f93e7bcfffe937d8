//! `GET /healthz`, `/readyz`, `/metrics`: for those who run the hub; no key, no data of anybody.

use std::time::Duration;

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
use tokio::time::timeout;

use super::{Api, answer::Stop};
use crate::{auth::Principal, store::StoreError};

/// Whether the store answers, and by which configuration this process goes.
pub(super) async fn health(State(api): State<Api>) -> Result<Response, Stop> {
    let head = api.operations.store.head().await?;
    let mut body = json!({ "status": "ok", "log_id": head.log.id, "size": head.tree.size });
    if let Some(told) = api.operations.configuration.get() {
        body["configuration"] = json!(told);
    }
    if let Some(bus) = api.operations.bus().await? {
        body["bus"] = json!(bus);
    }
    Ok(([(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// How long the store may take to answer before a balancer sends elsewhere.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// Whether requests may be sent here: the store answers, and soon. A hub that is ending answers
/// nothing but "later", here as everywhere.
pub(super) async fn ready(State(api): State<Api>) -> Result<Response, Stop> {
    let late = |_| StoreError::away(format!("no answer within {READY_WITHIN:?}"));
    let asked = async {
        api.operations.store.head().await?;
        api.operations.bus().await
    };
    // A broker that is away is told, and keeps nobody away: what comes meanwhile is published
    // later.
    let body = match timeout(READY_WITHIN, asked).await.map_err(late)?? {
        Some(bus) => json!({ "status": "ok", "bus": bus }),
        None => json!({ "status": "ok" }),
    };
    Ok(([(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// What is counted, for Prometheus; also when the store does not answer.
pub(super) async fn metrics(State(api): State<Api>) -> Response {
    let head = api.operations.store.head().await;
    api.telemetry.journal(head.ok().map(|head| head.tree.size));
    if let Ok(Some(bus)) = api.operations.bus().await {
        api.telemetry.bus(bus.up, [bus.position, bus.behind, bus.since]);
    }
    if let Ok(all) = api.operations.subscriptions(&Principal::Operator).await {
        let stand = all.iter().map(|one| (&*one.feed, one.state, one.lag));
        api.telemetry.webhooks().stand(stand);
    }
    let media_type = (CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    (StatusCode::OK, [media_type, (CACHE_CONTROL, "no-store")], api.telemetry.text())
        .into_response()
}
