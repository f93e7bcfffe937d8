//! Questions over HTTP: dossiers, messages, numbers, reports, feeds, what the province publishes,
//! and the hub's own health.
//!
//! - Every address under `/v1` wants a key, `Authorization: Bearer ltk_…`; without one the answer
//!   is 401. What does not exist and what is another agency's is the same 404.
//! - Errors are RFC 9457 problems with a stable `code`, in Vietnamese with English beside it.
//! - Reads carry `X-Journal-Position`, the position they are true at, and a weak `ETag`; a read
//!   with `If-None-Match` of the same position is answered 304 without reading.
//! - Feeds page by one header, `Link: <…>; rel="next"`, on every page. A reader is at the end when
//!   that address is the one it has just called; it may call it again later, for what is new, or
//!   with `wait` be answered when that comes. The same events flow from `…/stream`. Lists of the
//!   catalogue have the same header on every page but the last.

mod answer;
mod attachments;
mod catalogue;
mod channels;
mod counted;
mod deadline;
mod deliveries;
mod dossiers;
mod exchange;
mod exports;
mod feedback;
mod feeds;
mod findings;
#[cfg(test)]
pub(crate) mod fixture;
mod health;
pub mod kinds;
mod lookups;
mod paging;
mod params;
mod pollers;
pub(crate) mod proxies;
mod records;
mod reports;
mod roadmap;
pub(crate) mod scopes;
mod statistics;
mod stream;
mod subscriptions;
#[cfg(test)]
mod tests;
mod watch;

pub use exports::Exports;
pub use lookups::Lookups;
pub use proxies::Proxies;
pub(crate) use statistics::today;
pub use stream::{STREAMS_MAX, Streams};

use std::sync::Arc;

use adapters::dialect::Files;
use adapters::rest::{kinds::UNAUTHENTICATED, problem::ProblemResponse};
use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRequestParts},
    http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE, request::Parts},
    middleware,
    routing::{get, post},
};

use crate::{
    attachments::{Attachments, Inline},
    auth::{Caller, Keys, Principal},
    feeds::Live,
    operations::Operations,
    telemetry::Telemetry,
};

/// What the calls act through.
#[derive(Clone)]
pub struct Api {
    /// The hub's answers.
    pub operations: Operations,
    /// The live end of the feeds.
    pub live: Live,
    /// Room for who follows them.
    pub streams: Streams,
    /// Room for exports.
    pub exports: Exports,
    /// Who may ask.
    pub keys: Keys,
    /// Whom to believe for whom it speaks.
    pub proxies: Proxies,
    /// How often the public has asked of late.
    pub lookups: Lookups,
    /// What is counted.
    pub telemetry: Arc<Telemetry>,
    /// Files, where this hub takes some.
    pub attachments: Option<Arc<Attachments>>,
}

impl Api {
    /// Where files go that come inside messages.
    pub(crate) fn files(&self) -> Option<Arc<dyn Files>> {
        let kept = self.attachments.clone()?;
        Some(Arc::new(Inline(kept)))
    }
}

/// All calls that ask, complete with 404, 405, request ids, metrics and one log line a request.
pub fn router(state: Api) -> Router {
    whole(state, Router::new())
}

/// The same with the routes of `others` (push, console) under the same 404, 405, metrics and log.
/// `others` must have no fallback of its own.
pub fn whole(state: Api, others: Router) -> Router {
    let watched = state.clone();
    Router::new()
        .route("/v1/dossiers/{code}", get(dossiers::dossier))
        .route("/v1/dossiers/{code}/deadline", get(deadline::deadline))
        .route(
            "/v1/lookups",
            post(lookups::look_up).layer(DefaultBodyLimit::max(lookups::LOOKUP_BYTES_MAX)),
        )
        .route("/v1/messages/{id}", get(dossiers::message))
        .route("/v1/procedures", get(catalogue::procedures))
        .route("/v1/agencies", get(catalogue::agencies))
        .route("/v1/units", get(catalogue::units))
        .route("/v1/statistics", get(statistics::statistics))
        .route("/v1/statistics/dossiers", get(counted::dossiers))
        .route("/v1/reports", get(reports::reports))
        .route("/v1/reports/{form}", get(reports::report))
        .route("/v1/reports/{form}/freeze", post(reports::freeze))
        .route("/v1/findings", get(findings::findings))
        .route("/v1/channels", get(channels::channels))
        .route("/v1/channels/{channel}/conformance", get(channels::conformance))
        .route(
            "/v1/channels/{channel}/control",
            post(channels::control).layer(DefaultBodyLimit::max(channels::CONTROL_BYTES_MAX)),
        )
        .route("/v1/channels/{channel}/drift", get(channels::drift))
        .route("/v1/channels/{channel}/drift/accept", post(channels::accept))
        .route("/v1/channels/{channel}/refusals", get(channels::refusals))
        .route("/v1/channels/{channel}/refusals/settle", post(channels::settle))
        .route("/v1/pollers", get(pollers::pollers))
        .route("/v1/roadmap", get(roadmap::roadmap))
        .route("/v1/feedback", get(feedback::list))
        .route("/v1/feedback/summary", get(feedback::summary))
        .route("/v1/requests", get(exchange::requests))
        .route("/v1/requests/{id}", get(exchange::request))
        .route("/v1/applications", get(exchange::applications))
        .route("/v1/applications/{id}", get(exchange::application))
        .route("/v1/attachments", post(attachments::send))
        .route("/v1/attachments/{digest}", get(attachments::fetch))
        .route("/v1/records/{position}", get(records::record))
        .route("/v1/feeds", get(feeds::list))
        .route("/v1/feeds/{feed}", get(feeds::page))
        .route("/v1/feeds/{feed}/stream", get(stream::stream))
        .route("/v1/exports/{file}", get(exports::export))
        .route(
            "/v1/subscriptions",
            get(subscriptions::list).merge(post(subscriptions::make).layer(subscriptions::limit())),
        )
        .route("/v1/subscriptions/{id}", get(subscriptions::one).delete(subscriptions::end))
        .route(
            "/v1/subscriptions/{id}/{action}",
            post(subscriptions::act).layer(subscriptions::limit()),
        )
        .route("/v1/outbox", get(deliveries::outbox))
        .route("/v1/outbox/{channel}/{action}", post(deliveries::steer))
        .route("/v1/dead", get(deliveries::dead))
        .route("/v1/dead/replay", post(deliveries::replay_all))
        .route("/v1/dead/{id}", get(deliveries::one))
        .route("/v1/dead/{id}/replay", post(deliveries::replay))
        .route("/v1/dead/{id}/discard", post(deliveries::discard))
        .route("/healthz", get(health::health))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .with_state(state)
        .merge(others)
        .method_not_allowed_fallback(wrong_method)
        .fallback(no_route)
        .layer(middleware::from_fn_with_state(watched, watch::watch))
}

/// The doors of agencies, guarded: who may not call does not get there. They tell and count
/// themselves what comes.
pub fn guarded(state: Api, doors: Router) -> Router {
    doors.layer(middleware::from_fn_with_state(state, scopes::guard_doors))
}

async fn no_route() -> ProblemResponse {
    ProblemResponse::new(StatusCode::NOT_FOUND, &kinds::NO_ROUTE)
}

async fn wrong_method() -> ProblemResponse {
    ProblemResponse::new(StatusCode::METHOD_NOT_ALLOWED, &kinds::METHOD)
}

/// Who asks, as the middleware found; asking without a key ends here.
struct Asker(Principal);

impl<S: Sync> FromRequestParts<S> for Asker {
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ProblemResponse> {
        parts.extensions.get::<Caller>().map(|caller| Asker(caller.principal.clone())).ok_or_else(
            || {
                ProblemResponse::new(StatusCode::UNAUTHORIZED, &UNAUTHENTICATED)
                    .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            },
        )
    }
}
