//! `POST /v1/channels/{channel}/messages`: an agency sends one message.
//!
//! In this order, each step before any work of the next: the door is asked, the `Idempotency-Key`
//! and `Content-Encoding` are checked, the body is read within its limits, the inbox is called.
//! The answer is the inbox's verdict:
//!
//! | Verdict | Answer |
//! |---|---|
//! | stored, partial, or a duplicate of those | 200 and the receipt |
//! | conflict, or a duplicate of one | 409 problem with the receipt |
//! | refused, or a duplicate of one | 422 problem with the receipt |
//! | later | 503 problem and `Retry-After` |

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use contracts::{Later, Outcome, Receipt};
use serde_json::json;

use super::body::{self, Encoding, Room, Share, Unread};
use super::kinds;
use super::problem::ProblemResponse;
use crate::inbound::{Arrival, Inbox};

/// The header with the agency's id of the message.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Longest `Idempotency-Key`.
const KEY_BYTES_MAX: usize = 255;

/// Headers that go with an arrival. Never `Authorization` or `Cookie`.
const KEPT_HEADERS: &[&str] =
    &["content-type", "idempotency-key", "traceparent", "user-agent", "x-request-id", "date"];

/// When a sender may try again where this adapter, not the hub, cannot go on.
const RETRY_SECONDS: u32 = 5;

/// Who may send to which channel.
pub trait Door: Send + Sync + 'static {
    /// Lets the bearer of `authorization` (the whole header value) send to `channel`, or not.
    ///
    /// # Errors
    ///
    /// Why not. A channel that does not exist is [`Denied::Forbidden`] like one of somebody else,
    /// so that nobody learns which channels exist.
    fn admit(&self, channel: &str, authorization: Option<&str>) -> Result<(), Denied>;

    /// The channel of that name that is the bearer's own, for what is posted to an address that
    /// names none.
    ///
    /// # Errors
    ///
    /// Why there is none.
    fn own(&self, name: &str, authorization: Option<&str>) -> Result<String, Denied> {
        let _ = (name, authorization);
        Err(Denied::Forbidden)
    }
}

/// Why a door stays shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// No credential, or none that is known and valid.
    Unauthenticated,
    /// Known, but not for this channel, if it exists.
    Forbidden,
}

/// Limits on what is sent, held before anything is parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one payload, as sent and also when inflated.
    pub payload_bytes_max: usize,
    /// Bytes of all payloads under way together; a sender above it is told to try later.
    pub payloads_bytes_max: usize,
    /// Bytes a packed body may inflate to whatever its size.
    pub inflation_free_bytes: usize,
    /// Beyond those: times its own size that a packed body may inflate to.
    pub inflation_max: usize,
    /// Members of a gzip body; each costs time even when it is empty.
    pub gzip_members_max: usize,
    /// How long no byte of a body may come.
    pub body_idle_timeout: Duration,
    /// How long a body may take altogether.
    pub body_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            payload_bytes_max: 64 << 20,
            payloads_bytes_max: 1 << 30,
            inflation_free_bytes: 1 << 20,
            inflation_max: 200,
            gzip_members_max: 4096,
            body_idle_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(600),
        }
    }
}

struct Push {
    inbox: Arc<dyn Inbox>,
    door: Arc<dyn Door>,
    limits: Limits,
    room: Arc<Room>,
}

/// The route by which agencies push.
pub fn router(inbox: Arc<dyn Inbox>, door: Arc<dyn Door>, limits: Limits) -> Router {
    router_with(inbox, door, limits, &[])
}

/// The same, and addresses of their own for channels that [`Door::own`] names: address and name.
pub fn router_with(
    inbox: Arc<dyn Inbox>,
    door: Arc<dyn Door>,
    limits: Limits,
    own: &[(&str, &'static str)],
) -> Router {
    let room = Room::new(limits.payloads_bytes_max);
    let push = Arc::new(Push { inbox, door, limits, room });
    let mut router = Router::new().route("/v1/channels/{channel}/messages", post(receive));
    for (address, name) in own {
        let name = *name;
        let take = async move |State(push): State<Arc<Push>>, request: Request| {
            push.take_own(name, request).await.unwrap_or_else(IntoResponse::into_response)
        };
        router = router.route(address, post(take));
    }
    router.with_state(push)
}

async fn receive(
    State(push): State<Arc<Push>>,
    channel: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let answer = match channel {
        Ok(Path(channel)) => push.take(&channel, request).await,
        Err(_) => Err(ProblemResponse::new(StatusCode::BAD_REQUEST, &kinds::BAD_REQUEST)),
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}

impl Push {
    async fn take_own(&self, name: &str, request: Request) -> Result<Response, ProblemResponse> {
        let authorization = only(request.headers(), &AUTHORIZATION).ok().flatten();
        let channel = self
            .door
            .own(name, authorization)
            .map_err(|why| denied(why).header(CONNECTION, HeaderValue::from_static("close")))?;
        self.take(&channel, request).await
    }

    async fn take(&self, channel: &str, request: Request) -> Result<Response, ProblemResponse> {
        // Some of the body may still be on its way, so this connection carries no other request.
        let close = |problem: ProblemResponse| {
            problem.header(CONNECTION, HeaderValue::from_static("close"))
        };
        let (arrival, share) = self.read(channel, request).await.map_err(close)?;
        let accepting = self.inbox.accept(channel, arrival);
        // In a task of its own: when the sender hangs up this handler is dropped, but the payload
        // stays in memory, and in its share, until the inbox is done with it.
        let accepting = tokio::spawn(async move {
            let _share = share;
            accepting.await
        });
        match accepting.await {
            Ok(Ok(receipt)) => answer(&receipt),
            Ok(Err(later)) => Err(not_now(&later)),
            Err(error) => {
                tracing::error!(%error, channel, "the inbox broke down");
                Err(not_now(&later("the hub broke down over this message")))
            }
        }
    }

    /// The arrival in a request; the share stands for the memory it takes.
    async fn read(
        &self,
        channel: &str,
        request: Request,
    ) -> Result<(Arrival, Share), ProblemResponse> {
        let (head, body) = request.into_parts();
        let authorization = only(&head.headers, &AUTHORIZATION).ok().flatten();
        self.door.admit(channel, authorization).map_err(denied)?;
        let key = key(&head.headers)?;
        let encoding = encoding(&head.headers)?;
        let share = Share::none_of(&self.room);
        let (payload, share) = body::read(body, encoding, &self.limits, share)
            .await
            .map_err(|why| unread(why, &self.limits))?;
        let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let arrival = Arrival {
            payload,
            content_type: content_type.map(str::to_owned),
            headers: kept(&head.headers),
            key,
            cursor: None,
        };
        Ok((arrival, share))
    }
}

/// The value of a header that may stand once; an error if it stands twice or is no plain text.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        _ => Err(()),
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, ProblemResponse> {
    let valid = |key: &&str| {
        (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match only(headers, &IDEMPOTENCY_KEY) {
        Ok(None) => Ok(None),
        Ok(Some(key)) if valid(&key) => Ok(Some(key.to_owned())),
        _ => Err(ProblemResponse::new(StatusCode::BAD_REQUEST, &kinds::BAD_KEY)),
    }
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, ProblemResponse> {
    match only(headers, &CONTENT_ENCODING).map(|name| name.map(str::to_ascii_lowercase)) {
        Ok(None) => Ok(Encoding::Identity),
        Ok(Some(name)) if name == "identity" => Ok(Encoding::Identity),
        Ok(Some(name)) if name == "gzip" || name == "x-gzip" => Ok(Encoding::Gzip),
        _ => {
            Err(ProblemResponse::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, &kinds::UNKNOWN_ENCODING)
                .header(ACCEPT_ENCODING, HeaderValue::from_static("gzip")))
        }
    }
}

fn kept(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut kept = Vec::new();
    for name in KEPT_HEADERS {
        let values = headers.get_all(*name).iter().filter_map(|value| value.to_str().ok());
        kept.extend(values.map(|value| ((*name).to_owned(), value.to_owned())));
    }
    kept
}

fn denied(denied: Denied) -> ProblemResponse {
    match denied {
        Denied::Unauthenticated => {
            ProblemResponse::new(StatusCode::UNAUTHORIZED, &kinds::UNAUTHENTICATED)
                .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
        }
        Denied::Forbidden => ProblemResponse::new(StatusCode::FORBIDDEN, &kinds::FORBIDDEN),
    }
}

/// The answer to a body that was not taken, with the limit it ran into.
fn unread(why: Unread, limits: &Limits) -> ProblemResponse {
    let (status, kind, vi, en) = match why {
        Unread::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            &kinds::PAYLOAD_TOO_LARGE,
            format!("Tối đa {} byte, kể cả sau khi giải nén.", limits.payload_bytes_max),
            format!("At most {} bytes, also when unpacked.", limits.payload_bytes_max),
        ),
        Unread::Inflates => (
            StatusCode::PAYLOAD_TOO_LARGE,
            &kinds::INFLATES_TOO_FAR,
            format!("Giải nén được tối đa gấp {} lần.", limits.inflation_max),
            format!("It may unpack to at most {} times its size.", limits.inflation_max),
        ),
        Unread::TooManyMembers => (
            StatusCode::PAYLOAD_TOO_LARGE,
            &kinds::INFLATES_TOO_FAR,
            format!("Tối đa {} phần gzip nối tiếp.", limits.gzip_members_max),
            format!("At most {} gzip members.", limits.gzip_members_max),
        ),
        Unread::Idle => (
            StatusCode::REQUEST_TIMEOUT,
            &kinds::PAYLOAD_TOO_SLOW,
            format!("Không có byte nào trong {:?}.", limits.body_idle_timeout),
            format!("No byte came within {:?}.", limits.body_idle_timeout),
        ),
        Unread::Slow => (
            StatusCode::REQUEST_TIMEOUT,
            &kinds::PAYLOAD_TOO_SLOW,
            format!("Chưa gửi xong trong {:?}.", limits.body_timeout),
            format!("It was not all there within {:?}.", limits.body_timeout),
        ),
        Unread::CutShort => {
            return ProblemResponse::new(StatusCode::BAD_REQUEST, &kinds::PAYLOAD_CUT_SHORT);
        }
        Unread::BrokenGzip => {
            return ProblemResponse::new(StatusCode::BAD_REQUEST, &kinds::BROKEN_GZIP);
        }
        Unread::Crowded => {
            return not_now(&later("too many payloads are under way"));
        }
    };
    ProblemResponse::new(status, kind).detail(vi, en)
}

/// Why this transport, not the inbox, cannot go on just now.
pub(super) fn later(reason: &str) -> Later {
    Later { reason: reason.to_owned(), retry_after_seconds: RETRY_SECONDS }
}

/// The answer to whoever is to come again.
pub(super) fn not_now(later: &Later) -> ProblemResponse {
    ProblemResponse::new(StatusCode::SERVICE_UNAVAILABLE, &kinds::LATER)
        .member("reason", json!(later.reason))
        .header(RETRY_AFTER, HeaderValue::from(later.retry_after_seconds))
}

fn answer(receipt: &Receipt) -> Result<Response, ProblemResponse> {
    let outcome = match receipt.outcome {
        Outcome::Duplicate => receipt.first_outcome(),
        decided => decided,
    };
    let (status, kind) = match outcome {
        Outcome::Stored | Outcome::Partial | Outcome::Duplicate => {
            return Ok(Json(receipt).into_response());
        }
        Outcome::Conflict => (StatusCode::CONFLICT, &kinds::CONFLICT),
        Outcome::Refused => (StatusCode::UNPROCESSABLE_ENTITY, &kinds::REFUSED),
    };
    Err(ProblemResponse::new(status, kind).member("receipt", json!(receipt)))
}
