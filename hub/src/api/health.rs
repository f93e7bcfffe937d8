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
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::{Api, answer::Stop};
use crate::api::document::{answers::Unavailable, tags};
use crate::{
    auth::Principal,
    in_force::Configuration,
    operations::BusStanding,
    store::{StoreError, at_rest::keys},
};

/// The hub answers.
const OK: &str = "ok";

/// That the hub answers, and how it stands.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `ok`.
    status: &'static str,
    /// The log's name.
    log_id: String,
    /// Entries of the journal.
    size: u64,
    /// How often work of the hub's own has broken down, and was begun again, since this process
    /// began: its log says what.
    faults: u64,
    /// Whether what comes and holds persons is sealed at rest: `sealed`, or `plain`.
    at_rest: &'static str,
    /// Which configuration is in force in this process.
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<Configuration>,
    /// How publishing at the broker stands, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    bus: Option<BusStanding>,
}

/// That requests may be sent here.
#[derive(Debug, Serialize, ToSchema)]
struct Readiness {
    /// `ok`.
    status: &'static str,
    /// How publishing at the broker stands, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    bus: Option<BusStanding>,
}

/// Whether the store answers, and by which configuration this process goes.
#[utoipa::path(
    get, path = "/healthz",
    tag = tags::OPERATIONS, operation_id = "getHealth",
    summary = "Whether the store answers",
    description = "Kho dữ liệu có trả lời không, và cấu hình nào đang có hiệu lực. Không cần \
                   khóa.",
    security(()),
    responses(
        (status = 200, description = "Hoạt động.\n\nIt does.", body = Health),
        Unavailable,
    ),
)]
pub(super) async fn health(State(api): State<Api>) -> Result<Response, Stop> {
    let head = api.operations.store.head().await?;
    let body = Health {
        status: OK,
        log_id: head.log.id,
        size: head.tree.size,
        faults: api.telemetry.faults(),
        at_rest: if keys().first().is_some() { "sealed" } else { "plain" },
        configuration: api.operations.configuration.get(),
        bus: api.operations.bus().await?,
    };
    Ok(([(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// How long the store may take to answer before a balancer sends elsewhere.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// Whether requests may be sent here: the store answers, and soon. A hub that is ending answers
/// nothing but "later", here as everywhere.
#[utoipa::path(
    get, path = "/readyz",
    tag = tags::OPERATIONS, operation_id = "getReadiness",
    summary = "Whether requests may be sent here",
    description = "Có nên gửi yêu cầu tới tiến trình này không. Không cần khóa.",
    security(()),
    responses(
        (status = 200, description = "Sẵn sàng.\n\nThey may.", body = Readiness),
        Unavailable,
    ),
)]
pub(super) async fn ready(State(api): State<Api>) -> Result<Response, Stop> {
    let late = |_| StoreError::away(format!("no answer within {READY_WITHIN:?}"));
    let asked = async {
        api.operations.store.head().await?;
        api.operations.bus().await
    };
    // A broker that is away is told, and keeps nobody away: what comes meanwhile is published
    // later.
    let bus = timeout(READY_WITHIN, asked).await.map_err(late)??;
    let body = Readiness { status: OK, bus };
    Ok(([(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// What is counted, for Prometheus; also when the store does not answer.
#[utoipa::path(
    get, path = "/metrics",
    tag = tags::OPERATIONS, operation_id = "getMetrics",
    summary = "What is counted, for Prometheus",
    description = "Số đo theo định dạng Prometheus. Không cần khóa.",
    security(()),
    responses(
        (status = 200, description = "Số đo.\n\n\
            The metrics.", content((String = "text/plain; version=0.0.4; charset=utf-8"))),
    ),
)]
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
