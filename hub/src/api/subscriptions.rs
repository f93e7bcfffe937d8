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
use utoipa::{ToSchema, openapi::path::Parameter};

use super::{
    Api, Asker,
    answer::{JSON, Reading, Stop, nothing},
    kinds::{BAD_SUBSCRIPTION, SUBSCRIPTIONS, TOO_MANY_SECRETS, UNAVAILABLE, UNKNOWN_EVENT},
    params::{Params, given_id},
};
use crate::api::document::{
    answers::{Conflict, NotFound, TooLarge, Unfit},
    params::{asked as parameters, named, named_of},
    tags,
};
use crate::operations::{Done, SECRETS_MAX, SUBSCRIPTIONS_MAX, Subscribed, SubscriptionStanding};

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

/// The asker's subscriptions.
#[derive(Serialize, ToSchema)]
struct Subscriptions {
    /// How each stands, without its attempts.
    subscriptions: Vec<SubscriptionStanding>,
    /// How many one may have.
    subscriptions_max: u32,
}

/// Those of the asker's.
#[utoipa::path(
    get, path = "/v1/subscriptions",
    tag = tags::FEEDS, operation_id = "listSubscriptions",
    summary = "One's webhooks",
    description = "Các đăng ký nhận sự kiện (webhook) của khóa này.",
    responses((status = 200, description = "Danh sách.\n\nThe list.", body = Subscriptions)),
)]
pub(super) async fn list(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    let all = api.operations.subscriptions(&who).await?;
    let body = Subscriptions { subscriptions: all, subscriptions_max: SUBSCRIPTIONS_MAX };
    told(&api, StatusCode::OK, &body).await
}

/// Subscribes.
#[utoipa::path(
    post, path = "/v1/subscriptions",
    tag = tags::FEEDS, operation_id = "subscribe",
    summary = "Have a feed sent to an address",
    description = "Đăng ký nhận sự kiện tại một địa chỉ; bí mật để kiểm tra chữ ký chỉ hiện một \
                   lần.",
    request_body = SubscriptionAsked,
    responses(
        (status = 201, description = "Đã đăng ký.\n\nSubscribed.", body = Subscribed),
        Conflict,
        TooLarge,
        Unfit,
    ),
)]
pub(super) async fn make(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    let body = whole(body)?;
    let members = ["url", "feed", "after", "agency", "contract", "dossier", "signature"];
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
#[utoipa::path(
    get, path = "/v1/subscriptions/{id}",
    tag = tags::FEEDS, operation_id = "getSubscription",
    summary = "How a webhook stands",
    description = "Tình trạng của một đăng ký và các lần gửi gần nhất.",
    params(SubscriptionNamed),
    responses((status = 200, description = "Đăng ký.\n\nIt.", body = SubscriptionStanding)),
)]
pub(super) async fn one(
    State(api): State<Api>,
    Asker(who): Asker,
    named: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    let found = api.operations.subscription(&who, &given_id(named)?).await?;
    told(&api, StatusCode::OK, &found.ok_or_else(nothing)?).await
}

/// Ends one.
#[utoipa::path(
    delete, path = "/v1/subscriptions/{id}",
    tag = tags::FEEDS, operation_id = "unsubscribe",
    summary = "End a webhook",
    description = "Hủy một đăng ký.",
    params(SubscriptionNamed),
    responses((status = 204, description = "Đã hủy.\n\nIt has ended.")),
)]
pub(super) async fn end(
    State(api): State<Api>,
    Asker(who): Asker,
    named: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    match api.operations.unsubscribe(&who, &given_id(named)?).await? {
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
#[utoipa::path(
    post, path = "/v1/subscriptions/{id}/{action}",
    tag = tags::FEEDS, operation_id = "actOnSubscription",
    summary = "Rotate, recover, resend, ping, enable or disable",
    description = "Đổi bí mật (overlap_seconds), gửi lại từ một thời điểm hoặc con trỏ (since), \
                   gửi lại một sự kiện (event), gửi thử, bật hoặc tắt.",
    params(SubscriptionActed),
    request_body(content = Option<SubscriptionActAsked>, description = "Tùy việc.\n\n\
        By what is done."),
    responses(
        (status = 200, description = "Đã làm.\n\nDone.", body = serde_json::Value),
        NotFound,
        Conflict,
        TooLarge,
        Unfit,
    ),
)]
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
    let id = given_id(Ok(Path(name)))?;
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

/// What is asked of a new subscription.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SubscriptionAsked {
    /// Where events are sent: https, or http within private networks.
    #[schema(max_length = 2000)]
    url: String,
    /// `records`, `dossiers`, `findings`, `catalogue`, `statistics` or `notices`.
    feed: String,
    /// Where sending begins: a cursor of the feed, or `end`; without it from the beginning.
    after: Option<String>,
    /// Only what this agency may read.
    agency: Option<String>,
    /// Only records of this contract.
    contract: Option<String>,
    /// Only what is about dossiers of this code, of `records`, `dossiers` and `notices`: the
    /// national one in either spelling, or a source's own.
    #[schema(max_length = 200)]
    dossier: Option<String>,
    /// `v1` (a shared secret) or `v1a` (a pair of keys).
    signature: Option<String>,
}

/// What is told with an action.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SubscriptionActAsked {
    /// `rotate`: how long the secret before goes on signing.
    overlap_seconds: Option<u64>,
    /// `recover`: a time or a cursor.
    since: Option<String>,
    /// `resend`: the event's id.
    event: Option<String>,
}

parameters! {
    /// One subscription.
    SubscriptionNamed: [subscription()];
    /// What is done with one.
    SubscriptionActed: [
        subscription(),
        named_of(
            "action",
            &["rotate", "recover", "resend", "ping", "enable", "disable"],
            "Việc cần làm.",
            "What is to be done.",
        ),
    ];
}

fn subscription() -> Parameter {
    let example = "0123456789abcdef0123456789abcdef";
    named("id", example, "Mã của đăng ký.", "The subscription's id.")
}
