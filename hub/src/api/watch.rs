//! What happens around every request: who asks, an id, a count, one line in the log.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue,
        header::{AUTHORIZATION, X_CONTENT_TYPE_OPTIONS},
    },
    middleware::Next,
    response::Response,
};
use jiff::Timestamp;

use super::{Api, scopes};
use crate::{auth::Judged, telemetry::UNMATCHED};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Requests since the start, so that no two share an id.
static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// Lets a request pass and notes how it went. The log holds the matched path alone: concrete paths
/// and queries hold codes of dossiers.
pub(super) async fn watch(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = id();
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let route = path.as_ref().map_or(UNMATCHED, MatchedPath::as_str).to_owned();
    let (judged, admitted) = scopes::guard(&api, &mut request);
    let kind = match &judged {
        Judged::Nobody => "none",
        Judged::Expired => "expired",
        Judged::Locked(_) => "locked",
        Judged::Caller(caller) => caller.principal.kind(),
    };
    let mut response = match admitted {
        Ok(()) => next.run(request).await,
        Err(answer) => answer,
    };
    let (took, status) = (began.elapsed(), response.status().as_u16());
    api.telemetry.request(&route, status, took);
    // Tenths of a millisecond are what a machine in a data centre tells apart.
    let duration_ms = (took.as_secs_f64() * 10_000.0).round() / 10.0;
    tracing::info!(request_id = %id, %method, path = %route, status, duration_ms, principal = kind);
    mark(&mut response, &id);
    response
}

/// Marks the answer of a door, which tells and counts by itself what it takes; what it does not
/// take has its line in the log.
pub(super) async fn watch_door(request: Request, next: Next) -> Response {
    let (id, method) = (id(), request.method().clone());
    let path = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    let status = response.status().as_u16();
    if status >= 400 {
        let path = path.as_ref().map_or(UNMATCHED, MatchedPath::as_str);
        tracing::info!(request_id = %id, %method, path, status, "not taken");
    }
    mark(&mut response, &id);
    response
}

/// An id of a request. Never the caller's: it could say anything about anybody.
fn id() -> String {
    let number = REQUESTS.fetch_add(1, Ordering::Relaxed);
    format!("{:x}-{number:x}", Timestamp::now().as_microsecond())
}

fn mark(response: &mut Response, id: &str) {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
}

/// The one `Authorization` header; two are none.
pub(super) fn authorization(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}
