//! `/v1/subscriptions`: webhooks. Each key sees and steers its own, the operator all.

use std::time::Duration;

use adapters::rest::problem::ProblemResponse;
use axum::{
    body::Bytes,
    extract::{
        DefaultBodyLimit, Path, State,
        rejection::{BytesRejection, PathRejection},
    },
    http::{
        HeaderMap, HeaderValue, StatusCode, Uri,
        header::{CACHE_CONTROL, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

use super::{
    Api, Asker,
    answer::{JSON, Reading, Stop, nothing},
    kinds::{BAD_SUBSCRIPTION, SUBSCRIPTIONS, TOO_MANY_SECRETS, UNAVAILABLE, UNKNOWN_EVENT},
    params::Params,
};
use crate::operations::{Done, SECRETS_MAX, SUBSCRIPTIONS_MAX};

mod asked;

use asked::Asked;

/// Bytes of what is asked, at most.
const BYTES_MAX: usize = 16 * 1024;

/// What is larger is not read.
pub(super) fn limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(BYTES_MAX)
}

/// When somebody may ask again who found many others asking, in seconds.
const RETRY_SECONDS: u32 = 5;

/// An answer that is true when it is given: subscriptions are in no position of the journal.
async fn told(api: &Api, status: StatusCode, body: &impl Serialize) -> Result<Response, Stop> {
    let reading = Reading::begin(api, &HeaderMap::new(), "").await?;
    reading.json(status, JSON, body, None)
}

/// The same of what holds a secret: nobody on the way keeps it.
async fn told_once(api: &Api, status: StatusCode, body: &impl Serialize) -> Result<Response, Stop> {
    let mut response = told(api, status, body).await?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn id(named: Result<Path<String>, PathRejection>) -> Result<String, Stop> {
    let Ok(Path(id)) = named else { return Err(nothing()) };
    let known = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if known { Ok(id) } else { Err(nothing()) }
}

/// The answer to what is wrong with what was asked: every member, by what rule, and the remedy.
fn bad(faults: &[asked::Fault]) -> ProblemResponse {
    let first = faults.first();
    let names = |fault: Option<&asked::Fault>| fault.map_or("", |fault| fault.member).to_owned();
    ProblemResponse::new(StatusCode::UNPROCESSABLE_ENTITY, &BAD_SUBSCRIPTION)
        .detail(format!("Thành phần: {}.", names(first)), format!("Member: {}.", names(first)))
        .member("faults", json!(faults))
}

/// What was sent, where it is not too large.
fn whole(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Stop> {
    body.map_err(|_| bad(&[asked::too_large(BYTES_MAX)]).into())
}

/// What came of what was asked, or the answer to why it was not done.
fn done<T>(came: Done<T>) -> Result<T, Stop> {
    let problem = match came {
        Done::Done(done) => return Ok(done),
        Done::NoSubscription => return Err(nothing()),
        Done::NoEvent => ProblemResponse::new(StatusCode::NOT_FOUND, &UNKNOWN_EVENT),
        Done::Ahead => bad(&[asked::ahead()]),
        Done::TooManySecrets => ProblemResponse::new(StatusCode::CONFLICT, &TOO_MANY_SECRETS)
            .member("secrets_max", json!(SECRETS_MAX)),
        Done::Later => ProblemResponse::new(StatusCode::SERVICE_UNAVAILABLE, &UNAVAILABLE)
            .header(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS)),
    };
    Err(problem.into())
}

/// Those of the asker's.
pub(super) async fn list(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    let all = api.operations.subscriptions(&who).await?;
    let body = json!({ "subscriptions": all, "subscriptions_max": SUBSCRIPTIONS_MAX });
    told(&api, StatusCode::OK, &body).await
}

/// Subscribes.
pub(super) async fn make(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    let body = whole(body)?;
    let members = ["url", "feed", "after", "agency", "contract", "signature"];
    let mut asked = Asked::read(&body, &members).map_err(|fault| bad(&[fault]))?;
    let new = asked.subscription(&api, &who).await?;
    let new = new.ok_or_else(|| bad(&asked.faults))?;
    let Some(made) = api.operations.subscribe(&who, new).await? else {
        let problem = ProblemResponse::new(StatusCode::CONFLICT, &SUBSCRIPTIONS);
        return Err(problem.member("subscriptions_max", json!(SUBSCRIPTIONS_MAX)).into());
    };
    told_once(&api, StatusCode::CREATED, &made).await
}

/// One, with its last attempts.
pub(super) async fn one(
    State(api): State<Api>,
    Asker(who): Asker,
    named: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    let found = api.operations.subscription(&who, &id(named)?).await?;
    told(&api, StatusCode::OK, &found.ok_or_else(nothing)?).await
}

/// Ends one.
pub(super) async fn end(
    State(api): State<Api>,
    Asker(who): Asker,
    named: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    match api.operations.unsubscribe(&who, &id(named)?).await? {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(nothing()),
    }
}

/// Gives one another secret.
async fn rotate(
    api: &Api,
    who: &super::Principal,
    id: &str,
    body: &[u8],
) -> Result<Response, Stop> {
    let mut asked = Asked::read(body, &["overlap_seconds"]).map_err(|fault| bad(&[fault]))?;
    let overlap = asked.overlap().ok_or_else(|| bad(&asked.faults))?;
    let made = api.operations.rotate(who, id, Duration::from_secs(overlap)).await?;
    told_once(api, StatusCode::OK, &done(made)?).await
}

/// Has events sent again from a time or a place on.
async fn recover(
    api: &Api,
    who: &super::Principal,
    id: &str,
    body: &[u8],
) -> Result<Response, Stop> {
    let mut asked = Asked::read(body, &["since"]).map_err(|fault| bad(&[fault]))?;
    let Some(standing) = api.operations.subscription(who, id).await? else {
        return Err(nothing());
    };
    let since = asked.since(api, &standing.feed).await?.ok_or_else(|| bad(&asked.faults))?;
    told(api, StatusCode::OK, &done(api.operations.recover(who, id, since).await?)?).await
}

/// Sends one event again, now.
async fn resend(
    api: &Api,
    who: &super::Principal,
    id: &str,
    body: &[u8],
) -> Result<Response, Stop> {
    let mut asked = Asked::read(body, &["event"]).map_err(|fault| bad(&[fault]))?;
    let event = asked.event().ok_or_else(|| bad(&asked.faults))?;
    told(api, StatusCode::OK, &done(api.operations.resend(who, id, &event).await?)?).await
}

/// What is done with one by `POST`.
pub(super) async fn act(
    State(api): State<Api>,
    Asker(who): Asker,
    named: Result<Path<(String, String)>, PathRejection>,
    uri: Uri,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    let Ok(Path((name, action))) = named else { return Err(nothing()) };
    let body = whole(body)?;
    let id = id(Ok(Path(name)))?;
    let nothing_told = || Asked::read(&body, &[]).map_err(|fault| bad(&[fault]));
    match action.as_str() {
        "rotate" => rotate(&api, &who, &id, &body).await,
        "recover" => recover(&api, &who, &id, &body).await,
        "resend" => resend(&api, &who, &id, &body).await,
        "ping" => {
            nothing_told()?;
            told(&api, StatusCode::OK, &done(api.operations.ping(&who, &id).await?)?).await
        }
        "enable" | "disable" => {
            nothing_told()?;
            if !api.operations.switch(&who, &id, action == "enable").await? {
                return Err(nothing());
            }
            let standing = api.operations.subscription(&who, &id).await?;
            told(&api, StatusCode::OK, &standing.ok_or_else(nothing)?).await
        }
        _ => Err(nothing()),
    }
}
