//! What each call needs: a scope of a key, or nothing. What stands not here is not answered.

use std::{collections::HashMap, sync::LazyLock};

use adapters::rest::{
    client::Client,
    kinds::UNAUTHENTICATED,
    problem::{ProblemResponse, last},
};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{
        HeaderValue, Method, StatusCode,
        header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{Api, kinds, watch::authorization};
use crate::auth::{Judged, Principal, Scope};

/// What a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// No key.
    Nobody,
    /// What the door behind it asks for: a credential in its own form, or where it may be asked
    /// from.
    Door,
    /// A key for this.
    Key(Scope),
}

use Needs::{Door, Key, Nobody};
use Scope::{
    AccessLog, Ask, Catalogue, Dossiers, Exchange, Feeds, Messages, Operate, Send, Settle,
    Statistics, Subscribe, Watch,
};

const GET: &str = "GET";
const POST: &str = "POST";
const DELETE: &str = "DELETE";

/// Every call: its method, its address, what it needs.
pub(crate) const CALLS: &[(&str, &str, Needs)] = &[
    (GET, "/", Door),
    (GET, "/console", Door),
    (GET, "/console/exchange", Door),
    (GET, "/console/refresh.js", Door),
    (GET, "/console/roadmap", Door),
    (GET, "/console/style.css", Door),
    (GET, "/asyncapi.json", Nobody),
    (GET, "/docs", Nobody),
    (GET, "/docs/{file}", Nobody),
    (GET, "/healthz", Nobody),
    (GET, "/metrics", Nobody),
    (GET, "/openapi.json", Nobody),
    (GET, "/problems", Nobody),
    (GET, "/problems/{code}", Nobody),
    (GET, "/readyz", Nobody),
    (POST, "/dvcqg/login", Nobody),
    (POST, "/dvcqg/service", Door),
    (POST, "/lgsp/token", Nobody),
    (GET, "/soap/{channel}", Nobody),
    (POST, "/soap/{channel}", Door),
    (POST, "/token", Nobody),
    (GET, "/v1/access-log", Key(AccessLog)),
    (GET, "/v1/agencies", Key(Catalogue)),
    (GET, "/v1/applications", Key(Exchange)),
    (POST, "/v1/applications", Key(Ask)),
    (GET, "/v1/applications/{id}", Key(Exchange)),
    (POST, "/v1/applications/{id}/acknowledgement", Key(Ask)),
    (POST, "/v1/attachments", Key(Ask)),
    (GET, "/v1/attachments/{digest}", Key(Exchange)),
    (GET, "/v1/channels", Key(Messages)),
    (GET, "/v1/channels/{channel}/conformance", Key(Messages)),
    (POST, "/v1/channels/{channel}/control", Key(Settle)),
    (GET, "/v1/channels/{channel}/drift", Key(Messages)),
    (POST, "/v1/channels/{channel}/drift/accept", Key(Settle)),
    (POST, "/v1/channels/{channel}/messages", Key(Send)),
    (GET, "/v1/channels/{channel}/refusals", Key(Messages)),
    (POST, "/v1/channels/{channel}/refusals/settle", Key(Settle)),
    (GET, "/v1/dead", Key(Messages)),
    (POST, "/v1/dead/replay", Key(Settle)),
    (GET, "/v1/dead/{id}", Key(Messages)),
    (POST, "/v1/dead/{id}/discard", Key(Settle)),
    (POST, "/v1/dead/{id}/replay", Key(Settle)),
    (GET, "/v1/dossiers/{code}", Key(Dossiers)),
    (GET, "/v1/dossiers/{code}/deadline", Key(Dossiers)),
    (GET, "/v1/embed/agencies/{agency}", Nobody),
    (GET, "/v1/embed/procedures/{code}", Nobody),
    (GET, "/v1/embed/script.js", Nobody),
    (GET, "/v1/erasures", Key(AccessLog)),
    (GET, "/v1/exports/{file}", Key(Feeds)),
    (GET, "/v1/feedback", Key(Exchange)),
    (POST, "/v1/feedback", Key(Send)),
    (POST, "/v1/feedback/answers", Key(Send)),
    (GET, "/v1/feedback/summary", Key(Exchange)),
    (GET, "/v1/feeds", Key(Feeds)),
    (GET, "/v1/feeds/{feed}", Key(Feeds)),
    (GET, "/v1/feeds/{feed}/stream", Key(Feeds)),
    (GET, "/v1/findings", Key(Statistics)),
    (GET, "/v1/links", Key(Catalogue)),
    (POST, "/v1/lookups", Nobody),
    (GET, "/v1/messages/{id}", Key(Messages)),
    (GET, "/v1/outbox", Key(Messages)),
    (POST, "/v1/outbox/{channel}/{action}", Key(Operate)),
    (GET, "/v1/pollers", Key(Messages)),
    (GET, "/v1/procedures", Key(Catalogue)),
    (GET, "/v1/procedures/{code}", Key(Catalogue)),
    (GET, "/v1/records/{position}", Key(Feeds)),
    (GET, "/v1/reports", Key(Statistics)),
    (GET, "/v1/reports/{form}", Key(Statistics)),
    (POST, "/v1/reports/{form}/freeze", Key(Operate)),
    (GET, "/v1/requests", Key(Exchange)),
    (POST, "/v1/requests", Key(Ask)),
    (GET, "/v1/requests/{id}", Key(Exchange)),
    (POST, "/v1/requests/{id}/replies", Key(Ask)),
    (GET, "/v1/roadmap", Key(Statistics)),
    (GET, "/v1/statistics", Key(Statistics)),
    (GET, "/v1/statistics/dossiers", Key(Statistics)),
    (GET, "/v1/subscriptions", Key(Subscribe)),
    (POST, "/v1/subscriptions", Key(Subscribe)),
    (DELETE, "/v1/subscriptions/{id}", Key(Subscribe)),
    (GET, "/v1/subscriptions/{id}", Key(Subscribe)),
    (POST, "/v1/subscriptions/{id}/{action}", Key(Subscribe)),
    (GET, "/v1/units", Key(Catalogue)),
    (POST, "/v1/watches", Key(Watch)),
    (DELETE, "/v1/watches/{id}", Key(Watch)),
    (GET, "/v1/watches/{id}", Key(Watch)),
];

/// The calls at each address. What dialects name themselves stands for all of it.
static BY_ADDRESS: LazyLock<HashMap<&str, Vec<(&str, Needs)>>> = LazyLock::new(|| {
    let mut all: HashMap<&str, Vec<_>> = HashMap::new();
    for (method, address, needs) in CALLS {
        all.entry(*address).or_default().push((*method, *needs));
    }
    all
});

/// Addresses of a dialect that are as many as its operations.
const OPERATIONS: &str = "/lgsp/";

/// What a call needs at the address that it has matched.
///
/// # Errors
/// The answer to a call that does not stand here.
fn needs(method: &Method, address: &str) -> Result<Needs, ProblemResponse> {
    let Some(calls) = BY_ADDRESS.get(address) else {
        return match address.starts_with(OPERATIONS) {
            true => Ok(Door),
            false => Err(ProblemResponse::new(StatusCode::NOT_FOUND, &kinds::NO_ROUTE)),
        };
    };
    let asked = if method == Method::HEAD { GET } else { method.as_str() };
    let found = calls.iter().find(|(method, _)| *method == asked);
    found.map(|(_, needs)| *needs).ok_or_else(|| {
        let allowed: Vec<&str> = calls
            .iter()
            .flat_map(|(method, _)| [*method, if *method == GET { "HEAD" } else { "" }])
            .filter(|method| !method.is_empty())
            .collect();
        let problem = ProblemResponse::new(StatusCode::METHOD_NOT_ALLOWED, &kinds::METHOD);
        match HeaderValue::from_str(&allowed.join(",")) {
            Ok(allowed) => problem.header(ALLOW, allowed),
            Err(_) => problem,
        }
    })
}

/// The scope that a call takes.
pub(super) fn scope(method: &str, address: &str) -> Option<Scope> {
    let calls = BY_ADDRESS.get(address)?;
    calls.iter().find_map(|(known, needs)| match needs {
        Key(scope) if *known == method => Some(*scope),
        _ => None,
    })
}

/// Lets a call pass, or says why not.
///
/// # Errors
/// The answer.
pub(super) fn admit(
    method: &Method,
    address: &str,
    judged: &Judged,
) -> Result<(), ProblemResponse> {
    let Key(scope) = needs(method, address)? else { return Ok(()) };
    match judged {
        Judged::Locked(left) => {
            let seconds = left.as_secs() + 1;
            Err(ProblemResponse::new(StatusCode::TOO_MANY_REQUESTS, &kinds::LOCKED)
                .header(RETRY_AFTER, HeaderValue::from(seconds)))
        }
        Judged::Expired => Err(unauthorized(&kinds::KEY_EXPIRED)),
        Judged::Nobody => Err(unauthorized(&UNAUTHENTICATED)),
        Judged::Caller(caller) if caller.scopes.has(scope) => Ok(()),
        Judged::Caller(caller) if scope == Operate && caller.principal != Principal::Operator => {
            Err(ProblemResponse::new(StatusCode::FORBIDDEN, &kinds::OPERATOR_ONLY))
        }
        Judged::Caller(_) => Err(not_granted(scope)),
    }
}

/// The answer to a key that is not for a scope.
pub(super) fn not_granted(scope: Scope) -> ProblemResponse {
    let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{}\"", scope.name());
    let problem = ProblemResponse::new(StatusCode::FORBIDDEN, &kinds::SCOPE)
        .detail(
            format!("Cần phạm vi {}.", scope.name()),
            format!("It takes the scope {}.", scope.name()),
        )
        .member("scope", json!(scope.name()));
    match HeaderValue::from_str(&challenge) {
        Ok(challenge) => problem.header(WWW_AUTHENTICATE, challenge),
        Err(_) => problem,
    }
}

/// Lets a request pass that has matched an address, with who it is of in its extensions; or says
/// why not. What it is of is told either way.
///
/// # Errors
/// The answer.
pub(super) fn guard(api: &Api, request: &mut Request) -> (Judged, Result<(), Response>) {
    let client = api.proxies.client(request.headers(), Client::of(request.extensions()));
    if let Some(client) = client {
        request.extensions_mut().insert(Client(client));
    }
    let judged = api.keys.judge(authorization(request.headers()), client);
    let path = request.extensions().get::<MatchedPath>();
    let method = request.method();
    let admitted = path.map_or(Ok(()), |path| admit(method, path.as_str(), &judged));
    let admitted = admitted.map_err(|problem| match method.is_safe() {
        true => problem.into_response(),
        // What it brings is not read.
        false => last(problem).into_response(),
    });
    if let Judged::Caller(caller) = &judged {
        request.extensions_mut().insert(caller.clone());
    }
    (judged, admitted)
}

/// Lets requests pass to doors that answer and count by themselves.
pub(super) async fn guard_doors(
    State(api): State<Api>,
    mut request: Request,
    next: Next,
) -> Response {
    match guard(&api, &mut request).1 {
        Ok(()) => next.run(request).await,
        Err(answer) => answer,
    }
}

fn unauthorized(kind: &contracts::problem::Kind) -> ProblemResponse {
    ProblemResponse::new(StatusCode::UNAUTHORIZED, kind)
        .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

#[cfg(test)]
mod tests;
