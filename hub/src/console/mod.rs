//! `/console`: how the hub stands, as one plain page for the person who runs it.
//!
//! It shows public texts and masked values only and takes no input; its one script renews it in
//! place, and without scripts it is loaded anew now and then. It wants no key, so it is for the
//! hub's own machine alone: the peer must be known to be on it, or the hub must listen on a
//! loopback address ([`Console::open`]). Even then what came through a proxy, or under a name that
//! is not the machine's own (a page of another site whose name was bent to this address), is told
//! that there is no such address.

mod configuration;
mod delivery;
mod drift;
mod exchange;
mod finding;
mod folder;
mod link;
mod page;
mod poller;
mod roadmap;
mod standing;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use adapters::rest::problem::ProblemResponse;
use askama::Template;
use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, FORWARDED, HOST, REFERRER_POLICY,
            RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};

use crate::{
    api::kinds::{NO_ROUTE, UNAVAILABLE},
    operations::Operations,
    store::StoreError,
};

/// When the page may be asked for again after the store could not answer.
const RETRY_SECONDS: u32 = 5;

/// Nothing but this hub's own stylesheet and the script that asks it for the page again; no frame,
/// no form, nothing written into the page itself.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("refresh.js");

/// What a proxy adds.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What the console shows, and to whom.
#[derive(Clone)]
pub struct Console {
    /// The hub's answers.
    pub operations: Operations,
    /// Whether only this machine reaches the hub, so that peers need not be looked at. Where
    /// false, a request is served only if the server put a loopback `ConnectInfo` to it.
    pub open: bool,
}

impl From<Operations> for Console {
    /// A console that is not open.
    fn from(operations: Operations) -> Self {
        Self { operations, open: false }
    }
}

/// The console's routes.
pub fn router(console: impl Into<Console>) -> Router {
    let Console { operations, open } = console.into();
    Router::new()
        .route("/", get(async || Redirect::to("/console")))
        .route("/console", get(show))
        .route("/console/exchange", get(exchange::show))
        .route("/console/roadmap", get(roadmap::show))
        .route("/console/style.css", get(style))
        .route("/console/refresh.js", get(script))
        .with_state(operations)
        .route_layer(middleware::from_fn(move |request, next| guard(open, request, next)))
}

async fn guard(open: bool, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let near = peer.map_or(open, |ConnectInfo(peer)| peer.ip().to_canonical().is_loopback());
    if !near || !is_local(request.headers()) {
        return ProblemResponse::new(StatusCode::NOT_FOUND, &NO_ROUTE).into_response();
    }
    next.run(request).await
}

/// Whether a request was written on this machine, to this machine.
fn is_local(headers: &HeaderMap) -> bool {
    if headers.contains_key(FORWARDED) || headers.contains_key(FORWARDED_FOR) {
        return false;
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let digits = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name =
        host.rsplit_once(':').filter(|(_, port)| digits(port)).map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

async fn show(State(operations): State<Operations>) -> Response {
    let page = match page::Page::read(&operations).await {
        Ok(page) => page,
        Err(error) => return unanswered(&error),
    };
    match page.render() {
        Ok(text) => sent("text/html; charset=utf-8", text),
        Err(error) => {
            tracing::error!(%error, "the console's page cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The answer where the store gives none.
fn unanswered(error: &StoreError) -> Response {
    tracing::error!(%error, "the console stays empty");
    ProblemResponse::new(StatusCode::SERVICE_UNAVAILABLE, &UNAVAILABLE)
        .header(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS))
        .into_response()
}

async fn style() -> Response {
    sent("text/css; charset=utf-8", STYLE.to_owned())
}

async fn script() -> Response {
    sent("text/javascript; charset=utf-8", SCRIPT.to_owned())
}

fn sent(media_type: &'static str, text: String) -> Response {
    let headers = [
        (CONTENT_TYPE, media_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}
