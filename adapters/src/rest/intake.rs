//! What every door that takes messages over HTTP does alike: it holds a request to its limits,
//! hands an arrival to the inbox, and says what became of it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use bytes::Bytes;
use contracts::problem::{LIMIT_EXCEEDED, NOT_THE_FORMAT};
use contracts::{Later, Outcome, Problem, Receipt};
use serde_json::json;

use super::body::{self, Encoding, Room, Share, Turned, Unread};
use super::kinds;
use super::problem::{ProblemResponse, last};
use super::quota::{Quotas, Seat};
use crate::inbound::{Arrival, Inbox};

/// The header with the agency's id of the message.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Longest id of a message that a sender gives.
const KEY_BYTES_MAX: usize = 255;

/// Headers that go with an arrival. Never `Authorization` or `Cookie`.
const KEPT_HEADERS: &[&str] =
    &["content-type", "idempotency-key", "traceparent", "user-agent", "x-request-id", "date"];

/// A payload up to this size is taken apart where it arrived.
const HERE_BYTES_MAX: usize = 64 * 1024;

/// When a sender may try again where this adapter, not the hub, cannot go on.
const RETRY_SECONDS: u32 = 5;

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

/// The way from a request to the inbox, shared by all doors of a server.
pub struct Intake {
    inbox: Arc<dyn Inbox>,
    limits: Limits,
    room: Arc<Room>,
    quotas: Arc<Quotas>,
}

impl Intake {
    /// A way into an inbox; `limits` holds for all doors together.
    pub fn new(inbox: Arc<dyn Inbox>, limits: Limits) -> Arc<Self> {
        let room = Room::new(limits.payloads_bytes_max);
        Arc::new(Self { inbox, limits, room, quotas: Arc::default() })
    }

    /// The same, where agencies have quotas of their own.
    pub fn with_quotas(inbox: Arc<dyn Inbox>, limits: Limits, quotas: Arc<Quotas>) -> Arc<Self> {
        let room = Room::new(limits.payloads_bytes_max);
        Arc::new(Self { inbox, limits, room, quotas })
    }

    /// The same way, with its limits and all that is under way, into another inbox.
    pub fn into_inbox(&self, inbox: Arc<dyn Inbox>) -> Arc<Self> {
        let (room, quotas) = (self.room.clone(), self.quotas.clone());
        Arc::new(Self { inbox, limits: self.limits.clone(), room, quotas })
    }

    /// A place for a request of a channel's agency, once it is known that it is the agency's.
    pub(crate) fn seat(&self, channel: &str) -> Result<Seat, ProblemResponse> {
        self.quotas.seat(channel)
    }

    /// The payload of a request, unpacked; the share stands for the memory it takes.
    pub(crate) async fn payload(
        &self,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<(Bytes, Share), ProblemResponse> {
        self.payload_within(headers, body, self.limits.payload_bytes_max).await
    }

    /// The same, of at most so many bytes.
    pub(crate) async fn payload_within(
        &self,
        headers: &HeaderMap,
        body: Body,
        bytes_max: usize,
    ) -> Result<(Bytes, Share), ProblemResponse> {
        let encoding = encoding(headers)?;
        let bytes_max = bytes_max.min(self.limits.payload_bytes_max);
        let limits = Limits { payload_bytes_max: bytes_max, ..self.limits.clone() };
        body::read(body, encoding, &limits, Share::none_of(&self.room))
            .await
            .map_err(|turned| unread(turned.why, &limits))
    }

    /// Takes the message that a request is. One whose body is too much, or is not packed as its
    /// headers say, is refused, and that is kept: its agency finds it under its id.
    pub(crate) async fn message(
        &self,
        channel: &str,
        (headers, body): (&HeaderMap, Body),
        (key, seat): (Option<String>, Seat),
    ) -> Result<Receipt, ProblemResponse> {
        let encoding = encoding(headers).map_err(last)?;
        let read = body::read(body, encoding, &self.limits, Share::none_of(&self.room)).await;
        let Turned { why, packed, share } = match read {
            Ok((payload, share)) => {
                return self.accept(channel, arrival(headers, key, payload), (share, seat)).await;
            }
            Err(turned) => turned,
        };
        let answer = last(unread(why, &self.limits));
        let Some(fault) = fault(why, &self.limits) else { return Err(answer) };
        let fault = Some(Box::new(fault));
        let arrival = Arrival { fault, ..arrival(headers, key, packed) };
        // Where it cannot be kept now, its sender still hears what is wrong.
        Err(match self.hand_over(channel, arrival, (share, seat)).await {
            Ok(receipt) => answer.about(receipt),
            Err(_) => answer,
        })
    }

    /// Hands an arrival over and waits for the verdict; what is not taken is a problem.
    pub(crate) async fn accept(
        &self,
        channel: &str,
        arrival: Arrival,
        held: (Share, Seat),
    ) -> Result<Receipt, ProblemResponse> {
        self.hand_over(channel, arrival, held).await.and_then(judged)
    }

    /// Hands an arrival over and waits for its receipt. What the message takes, of memory and of
    /// its agency's places, is held until the inbox is done.
    async fn hand_over(
        &self,
        channel: &str,
        arrival: Arrival,
        held: (Share, Seat),
    ) -> Result<Receipt, ProblemResponse> {
        let accepting = self.inbox.accept(channel, arrival);
        // In a task of its own: when the sender hangs up this handler is dropped, but the payload
        // stays in memory, and in its share and place, until the inbox is done with it.
        let accepting = tokio::spawn(async move {
            let _held = held;
            accepting.await
        });
        match accepting.await {
            Ok(Ok(receipt)) => Ok(receipt),
            Ok(Err(later)) => Err(not_now(&later)),
            Err(error) => {
                tracing::error!(%error, channel, "the inbox broke down");
                Err(not_now(&later("the hub broke down over this message")))
            }
        }
    }
}

/// Does work over a payload: here where it is small, otherwise on a thread where others wait for
/// nothing. An error where the hub is ending.
pub(crate) async fn apart<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ProblemResponse> {
    if bytes <= HERE_BYTES_MAX {
        return Ok(work());
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| not_now(&later("the hub is stopping")))
}

/// An arrival of a payload, with what its headers tell.
pub(crate) fn arrival(headers: &HeaderMap, key: Option<String>, payload: Bytes) -> Arrival {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.map(str::to_owned);
    Arrival { payload, content_type, headers: kept(headers), key, ..Arrival::default() }
}

/// The value of a header that may stand once; an error if it stands twice or is no plain text.
pub(crate) fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| ()),
        _ => Err(()),
    }
}

/// The agency's id of a message, if its headers name one.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>, ProblemResponse> {
    match only(headers, &IDEMPOTENCY_KEY) {
        Ok(None) => Ok(None),
        Ok(Some(key)) if is_key(key) => Ok(Some(key.to_owned())),
        _ => Err(ProblemResponse::new(StatusCode::BAD_REQUEST, &kinds::BAD_KEY)),
    }
}

/// Whether a text may be the id of a message.
pub(crate) fn is_key(key: &str) -> bool {
    (1..=KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
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

/// Why a message is refused whose body was not taken; nothing where the message is not to blame.
pub(crate) fn fault(why: Unread, limits: &Limits) -> Option<Problem> {
    let (kind, rule) = match why {
        Unread::TooLarge => {
            (&LIMIT_EXCEEDED, format!("payload_bytes_max = {}", limits.payload_bytes_max))
        }
        Unread::Inflates => (&LIMIT_EXCEEDED, format!("inflation_max = {}", limits.inflation_max)),
        Unread::TooManyMembers => {
            (&LIMIT_EXCEEDED, format!("gzip_members_max = {}", limits.gzip_members_max))
        }
        Unread::BrokenGzip => (&NOT_THE_FORMAT, "Content-Encoding: gzip".to_owned()),
        Unread::Idle | Unread::Slow | Unread::CutShort | Unread::Crowded => return None,
    };
    let answer = unread(why, limits);
    let said = |title, detail| {
        let (title, detail) = (answer.text(title), answer.text(detail));
        [title, detail].join(" ").trim_end().to_owned()
    };
    let problem = Problem::new(kind).by_rule(rule);
    let problem = problem.saying(said("title", "detail"), said("title_en", "detail_en"));
    Some(problem.advising(answer.text("advice"), answer.text("advice_en")))
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
pub(crate) fn later(reason: &str) -> Later {
    Later { reason: reason.to_owned(), retry_after_seconds: RETRY_SECONDS }
}

/// The answer to whoever is to come again.
pub(crate) fn not_now(later: &Later) -> ProblemResponse {
    ProblemResponse::new(StatusCode::SERVICE_UNAVAILABLE, &kinds::LATER)
        .member("reason", json!(later.reason))
        .header(RETRY_AFTER, HeaderValue::from(later.retry_after_seconds))
}

/// A receipt of what was taken, at least in part; anything else is a problem that carries it.
fn judged(receipt: Receipt) -> Result<Receipt, ProblemResponse> {
    let outcome = match receipt.outcome {
        Outcome::Duplicate => receipt.first_outcome(),
        decided => decided,
    };
    let (status, kind) = match outcome {
        Outcome::Stored | Outcome::Partial | Outcome::Duplicate => return Ok(receipt),
        Outcome::Conflict => (StatusCode::CONFLICT, &kinds::CONFLICT),
        Outcome::Refused => (StatusCode::UNPROCESSABLE_ENTITY, &kinds::REFUSED),
    };
    Err(ProblemResponse::new(status, kind).about(receipt))
}
