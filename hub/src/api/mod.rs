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
//! - All of it is told by the hub itself, in `/openapi.json` and on `/docs` ([`document`]).

mod accesses;
mod answer;
mod attachments;
mod catalogue;
mod channels;
mod counted;
mod deadline;
mod deliveries;
mod document;
mod dossiers;
mod embed;
mod erasures;
mod exchange;
mod exports;
mod feedback;
mod feeds;
mod findings;
#[cfg(test)]
pub(crate) mod fixture;
mod health;
pub mod kinds;
mod links;
mod lookups;
mod paging;
mod params;
mod pollers;
pub(crate) mod proxies;
mod purpose;
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
mod watches;

pub use exports::Exports;
pub use lookups::Lookups;
pub use proxies::Proxies;
pub(crate) use statistics::today;
pub use stream::{STREAMS_MAX, Streams};

use std::{ops::Deref, sync::Arc};

use adapters::dialect::Files;
use adapters::rest::{
    kinds::{PAYLOAD_CUT_SHORT, PAYLOAD_TOO_LARGE, UNAUTHENTICATED},
    problem::{ProblemResponse, last},
};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Request},
    http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE, request::Parts},
    middleware,
};

use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

use crate::{
    attachments::{Attachments, Inline},
    auth::{Caller, Keys, Principal},
    feeds::Live,
    operations::Operations,
    telemetry::Telemetry,
};

/// What the calls act through: every call has a handle of its own, so that is one count to raise.
#[derive(Clone)]
pub struct Api(Arc<Means>);

impl Deref for Api {
    type Target = Means;

    fn deref(&self) -> &Means {
        &self.0
    }
}

impl From<Means> for Api {
    fn from(means: Means) -> Self {
        Self(Arc::new(means))
    }
}

/// What there is to act through.
#[derive(Clone)]
pub struct Means {
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

impl Means {
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
    Router::from(described())
        .with_state(state)
        .merge(others)
        .method_not_allowed_fallback(wrong_method)
        .fallback(no_route)
        .layer(middleware::from_fn_with_state(watched, watch::watch))
}

/// Every call that asks, with its description: what is not here does not answer.
fn described() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(dossiers::dossier))
        .routes(routes!(deadline::deadline))
        .routes(routes!(dossiers::message))
        .routes(routes!(catalogue::procedures))
        .routes(routes!(catalogue::procedure))
        .routes(routes!(catalogue::agencies))
        .routes(routes!(catalogue::units))
        .routes(routes!(statistics::statistics))
        .routes(routes!(counted::dossiers))
        .routes(routes!(reports::reports))
        .routes(routes!(reports::report))
        .routes(routes!(reports::freeze))
        .routes(routes!(findings::findings))
        .routes(routes!(channels::standing::channels))
        .routes(routes!(channels::standing::conformance))
        .routes(
            routes!(channels::control::control)
                .layer(DefaultBodyLimit::max(channels::control::CONTROL_BYTES_MAX)),
        )
        .routes(routes!(channels::drift::drift))
        .routes(routes!(channels::drift::accept))
        .routes(routes!(channels::refusals::refusals))
        .routes(routes!(channels::refusals::settle))
        .routes(routes!(pollers::pollers))
        .routes(routes!(accesses::log))
        .routes(routes!(erasures::list))
        .routes(routes!(roadmap::roadmap))
        .routes(routes!(feedback::list))
        .routes(routes!(feedback::summary))
        .routes(routes!(exchange::requests))
        .routes(routes!(exchange::request))
        .routes(routes!(exchange::applications))
        .routes(routes!(exchange::application))
        .routes(routes!(attachments::send))
        .routes(routes!(attachments::fetch))
        .routes(routes!(records::record))
        .routes(routes!(feeds::list))
        .routes(routes!(feeds::page))
        .routes(routes!(stream::stream))
        .routes(routes!(deliveries::outbox))
        .routes(routes!(deliveries::steer))
        .routes(routes!(deliveries::dead))
        .routes(routes!(deliveries::replay_all))
        .routes(routes!(deliveries::one))
        .routes(routes!(deliveries::replay))
        .routes(routes!(deliveries::discard))
        .routes(routes!(health::health))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
        .routes(routes!(lookups::look_up).layer(DefaultBodyLimit::max(lookups::LOOKUP_BYTES_MAX)))
        .routes(routes!(watches::make).layer(DefaultBodyLimit::max(lookups::LOOKUP_BYTES_MAX)))
        .routes(routes!(watches::one, watches::end))
        .routes(routes!(exports::export))
        .routes(routes!(links::list))
        .routes(routes!(embed::procedure))
        .routes(routes!(embed::agency))
        .routes(routes!(embed::script))
        .routes(routes!(subscriptions::list))
        .routes(routes!(subscriptions::make).layer(subscriptions::limit()))
        .routes(routes!(subscriptions::one))
        .routes(routes!(subscriptions::end))
        .routes(routes!(subscriptions::act).layer(subscriptions::limit()))
        .merge(documents())
}

/// The calls that tell of the others.
fn documents() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(document::openapi))
        .routes(routes!(document::asyncapi::asyncapi))
        .routes(routes!(document::page::docs))
        .routes(routes!(document::page::part))
        .routes(routes!(document::problems::problems))
        .routes(routes!(document::problems::problem))
}

/// The doors of agencies, guarded: who may not call does not get there. They tell and count
/// themselves what comes.
pub fn guarded(state: Api, doors: Router) -> Router {
    doors
        .layer(middleware::from_fn_with_state(state, scopes::guard_doors))
        .layer(middleware::from_fn(watch::watch_door))
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

/// The body of a request, whole; one that is longer than its address takes ends here.
struct Sent(Bytes);

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = ProblemResponse;

    async fn from_request(request: Request, state: &S) -> Result<Self, ProblemResponse> {
        let read = Bytes::from_request(request, state).await;
        // What is left of it is not read: its connection carries no other request.
        read.map(Self).map_err(|unread| match unread.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                last(ProblemResponse::new(StatusCode::PAYLOAD_TOO_LARGE, &PAYLOAD_TOO_LARGE))
            }
            _ => last(ProblemResponse::new(StatusCode::BAD_REQUEST, &PAYLOAD_CUT_SHORT)),
        })
    }
}
