//! `POST /soap/{channel}`: an agency sends one message in an envelope; `GET …?wsdl`: how.
//!
//! Each step comes before any work of the next: what the request's headers tell, the body within
//! its limits, the envelope, who sends, the inbox. The answer is the inbox's verdict:
//!
//! | Verdict | Answer |
//! |---|---|
//! | stored, partial, or a duplicate of those | 200 and `…Response` with the receipt |
//! | conflict, refused, or a duplicate of one | a fault of the sender with the receipt |
//! | later | a fault of the receiver and `Retry-After` |

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;

use super::block::Unread;
use super::envelope::{self, Envelope, Version};
use super::kinds::{self, MTOM, MUST_UNDERSTAND, SOAP_VERSION, UNKNOWN_OPERATION};
use super::security::{self, Nonces, Noted, Proof, UserToken, WSSE};
use super::words::{self, ADDRESSING, Asked, Code};
use super::wsdl::{Service, wsdl};
use crate::rest::client::is_certificate;
use crate::rest::intake::{self, Intake, only};
use crate::rest::kinds as push;
use crate::rest::problem::{ProblemResponse, last};
use crate::rest::push::Denied;

/// Whether a proxy in front of the hub was asked over TLS.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// The address that says "answer on this connection".
const ANONYMOUS: &str = "http://www.w3.org/2005/08/addressing/anonymous";
/// Header blocks of WS-Addressing that ask for nothing that is not done.
const ADDRESSED: &[&str] = &["MessageID", "Action", "To", "From"];

/// Who may send to which channel, and which channels there are.
pub trait Gate: Send + Sync + 'static {
    /// What a channel offers; nothing where it is not received over SOAP.
    fn service(&self, channel: &str) -> Option<Service>;

    /// Lets the bearer of an `Authorization` header send to a channel.
    ///
    /// # Errors
    ///
    /// Why not.
    fn admit(&self, channel: &str, authorization: &str) -> Result<(), Denied>;

    /// Lets the bearer of a token send to a channel. That the token is fresh is known.
    ///
    /// # Errors
    ///
    /// Why not.
    fn admit_user(&self, channel: &str, token: &UserToken) -> Result<(), Denied>;
}

struct Soap {
    intake: Arc<Intake>,
    gate: Arc<dyn Gate>,
    nonces: Nonces,
}

/// Why an envelope is not let in: whose fault it is, and what is wrong.
struct Why(Code, ProblemResponse);

/// What is answered instead of a receipt.
struct Refusal {
    version: Version,
    relates_to: Option<String>,
    code: Code,
    problem: ProblemResponse,
}

/// The routes by which agencies call.
pub fn router(intake: Arc<Intake>, gate: Arc<dyn Gate>) -> Router {
    let soap = Arc::new(Soap { intake, gate, nonces: Nonces::default() });
    Router::new().route("/soap/{channel}", get(describe).post(receive)).with_state(soap)
}

async fn describe(
    State(soap): State<Arc<Soap>>,
    channel: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = query.is_some_and(|query| query.to_ascii_lowercase().starts_with("wsdl"));
    let service = channel.ok().and_then(|Path(channel)| soap.gate.service(&channel));
    match service.filter(|_| asked) {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(service) => {
            let text = wsdl(&service, &address(&headers, &service.channel));
            ([(CONTENT_TYPE, "text/xml; charset=utf-8")], text).into_response()
        }
    }
}

/// The address by which the asker reached the channel.
fn address(headers: &HeaderMap, channel: &str) -> String {
    let plain = |text: &&str| {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b".:-[]".contains(&byte);
        !text.is_empty() && text.bytes().all(letter)
    };
    let host = only(headers, &HOST).ok().flatten().filter(plain).unwrap_or("localhost");
    let secure = only(headers, &FORWARDED_PROTO).ok().flatten() == Some("https");
    format!("http{}://{host}/soap/{channel}", if secure { "s" } else { "" })
}

async fn receive(
    State(soap): State<Arc<Soap>>,
    channel: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let channel = channel.map(|Path(channel)| channel).unwrap_or_default();
    match soap.take(&channel, request).await {
        Ok(response) => response,
        Err(refusal) => {
            let Refusal { version, relates_to, code, problem } = *refusal;
            let asked = Asked { version, relates_to: relates_to.as_deref() };
            words::fault(asked, &code, problem)
        }
    }
}

impl Soap {
    async fn take(&self, channel: &str, request: Request) -> Result<Response, Box<Refusal>> {
        let (head, body) = request.into_parts();
        let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let meant = Version::of_media_type(&content_type);
        let refuse = |code: Code, problem: ProblemResponse| {
            Box::new(Refusal { version: meant, relates_to: None, code, problem: last(problem) })
        };
        if content_type.trim_start().to_ascii_lowercase().starts_with("multipart/") {
            let problem = ProblemResponse::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, &MTOM);
            return Err(refuse(Code::Sender(None), problem));
        }
        // Frameworks put other schemes there beside a token that is right.
        let authorization = only(&head.headers, &AUTHORIZATION).ok().flatten();
        // A certificate that bears no key for this leaves it to what the envelope says.
        let bears = |told: &str| is_certificate(told) && self.gate.admit(channel, told).is_ok();
        let authorization = authorization.filter(|told| told.starts_with("Bearer ") || bears(told));
        if let Some(authorization) = authorization {
            let admitted = self.gate.admit(channel, authorization);
            admitted.map_err(|why| {
                let Why(code, problem) = *denied(why);
                refuse(code, problem)
            })?;
        }
        let sit = || self.intake.seat(channel);
        // Who is known before the body came needs a place for it already.
        let seat = authorization.map(|_| sit()).transpose();
        let seat = seat.map_err(|problem| refuse(blamed(&problem), problem))?;
        let key = intake::key(&head.headers);
        let key = key.map_err(|problem| refuse(Code::Sender(None), problem))?;
        let (bytes, share) = self
            .intake
            .payload(&head.headers, body)
            .await
            .map_err(|problem| refuse(blamed(&problem), problem))?;
        let (size, source) = (bytes.len(), bytes);
        let read = intake::apart(size, move || envelope::read(&source, &content_type)).await;
        let read = read.map_err(|problem| refuse(Code::Receiver, problem))?;
        let envelope = read.map_err(|(version, why)| Box::new(unread(version, why)))?;
        let relates_to = text_of(&envelope, ADDRESSING, "MessageID");
        let refuse = |code: Code, problem: ProblemResponse| {
            let relates_to = relates_to.clone();
            Box::new(Refusal { version: envelope.version, relates_to, code, problem })
        };
        self.let_in(channel, &envelope, authorization.is_some())
            .map_err(|why| refuse(why.0, why.1))?;
        let seat = seat.map_or_else(sit, Ok);
        let seat = seat.map_err(|problem| refuse(blamed(&problem), problem))?;
        let id = key.or_else(|| relates_to.clone().filter(|id| intake::is_key(id)));
        let arrival = intake::arrival(&head.headers, id, envelope.payload.clone());
        let accepted = self.intake.accept(channel, arrival, (share, seat)).await;
        let receipt = accepted.map_err(|problem| refuse(blamed(&problem), problem))?;
        let asked = Asked { version: envelope.version, relates_to: relates_to.as_deref() };
        Ok(words::taken(asked, &envelope.operation, &receipt))
    }

    /// Whether what the envelope says lets it in: its headers understood, its sender known, its
    /// operation the channel's.
    fn let_in(&self, channel: &str, envelope: &Envelope, known: bool) -> Result<(), Box<Why>> {
        understood(envelope)?;
        let now = Timestamp::now();
        let token = token(envelope, now).map_err(|why| {
            let stale = why.kind.code == kinds::TOKEN_STALE.code;
            let code = if stale { "wsu:MessageExpired" } else { "wsse:InvalidSecurityToken" };
            Box::new(Why(Code::Sender(Some(code)), problem(why)))
        })?;
        match &token {
            Some(token) => {
                let admitted = self.gate.admit_user(channel, token);
                admitted.map_err(denied)?;
                self.once(token, now)?;
            }
            None if known => {}
            None => return Err(denied(Denied::Unauthenticated)),
        }
        let service = self.gate.service(channel);
        let service = service.ok_or_else(|| denied(Denied::Forbidden))?;
        let called = &envelope.operation;
        if called.is(&service.namespace, &service.operation) {
            return Ok(());
        }
        let Service { namespace, operation, .. } = &service;
        let said = format!("{{{}}}{}", called.namespace, called.local);
        let vi = format!("Nhận {{{namespace}}}{operation}; đã gọi {said}.");
        let en = format!("It takes {{{namespace}}}{operation}; {said} was called.");
        let why = Unread::told(&UNKNOWN_OPERATION, vi, en);
        Err(Box::new(Why(Code::Sender(None), problem(why))))
    }

    /// A digest opens the door once: whoever overhears it cannot send it again.
    fn once(&self, token: &UserToken, now: Timestamp) -> Result<(), Box<Why>> {
        let Proof::Digest { nonce, .. } = &token.proof else { return Ok(()) };
        match self.nonces.note(&token.username, nonce, now) {
            Noted::New => Ok(()),
            Noted::Replayed => {
                let why = Unread::plain(&kinds::TOKEN_REPLAYED);
                Err(Box::new(Why(Code::Sender(Some("wsse:FailedAuthentication")), problem(why))))
            }
            Noted::Full => {
                let later = intake::later("too many tokens are remembered");
                Err(Box::new(Why(Code::Receiver, intake::not_now(&later))))
            }
        }
    }
}

/// Refuses an envelope that demands what is not done.
fn understood(envelope: &Envelope) -> Result<(), Box<Why>> {
    let mut strange = Vec::new();
    for header in envelope.headers.iter().filter(|header| header.demanded) {
        let (block, name) = (&header.block, &header.block.name);
        let answered_here = || {
            let to = block.only(ADDRESSING, "Address").ok().flatten();
            to.is_some_and(|to| to.text.trim() == ANONYMOUS)
        };
        let known = name.is(WSSE, "Security")
            || name.namespace == ADDRESSING && ADDRESSED.contains(&name.local.as_str())
            || (name.is(ADDRESSING, "ReplyTo") || name.is(ADDRESSING, "FaultTo"))
                && answered_here();
        if !known {
            strange.push(name.clone());
        }
    }
    if strange.is_empty() {
        return Ok(());
    }
    let names: Vec<_> =
        strange.iter().map(|name| format!("{{{}}}{}", name.namespace, name.local)).collect();
    let names = names.join(", ");
    let why = Unread::told(&MUST_UNDERSTAND, names.clone(), names);
    Err(Box::new(Why(Code::MustUnderstand(strange), problem(why))))
}

/// The token of an envelope, if it has one.
fn token(envelope: &Envelope, now: Timestamp) -> Result<Option<UserToken>, Unread> {
    let mut found = None;
    for header in envelope.headers.iter().filter(|header| header.block.name.is(WSSE, "Security")) {
        match security::token(&header.block, now)? {
            Some(_) if found.is_some() => return Err(Unread::plain(&kinds::TOKEN_FORM)),
            Some(token) => found = Some(token),
            None => {}
        }
    }
    Ok(found)
}

/// The text of a header block.
fn text_of(envelope: &Envelope, namespace: &str, local: &str) -> Option<String> {
    let mut blocks = envelope.headers.iter().map(|header| &header.block);
    let found = blocks.find(|block| block.name.is(namespace, local))?;
    Some(found.text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn unread(version: Version, why: Unread) -> Refusal {
    let code = match why.kind.code == SOAP_VERSION.code {
        true => Code::VersionMismatch,
        false => Code::Sender(None),
    };
    Refusal { version, relates_to: None, code, problem: problem(why) }
}

fn problem(why: Unread) -> ProblemResponse {
    let problem = ProblemResponse::new(StatusCode::BAD_REQUEST, why.kind);
    match why.detail {
        None => problem,
        Some((vi, en)) => problem.detail(vi, en),
    }
}

/// Whose fault a problem of the intake is.
fn blamed(problem: &ProblemResponse) -> Code {
    match problem.status() {
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Code::Receiver,
        _ => Code::Sender(None),
    }
}

/// What is told to whom the door stays shut.
fn denied(why: Denied) -> Box<Why> {
    let problem = match why {
        Denied::Unauthenticated => {
            ProblemResponse::new(StatusCode::UNAUTHORIZED, &push::UNAUTHENTICATED)
        }
        Denied::Forbidden => ProblemResponse::new(StatusCode::FORBIDDEN, &push::FORBIDDEN),
    };
    Box::new(Why(Code::Sender(Some("wsse:FailedAuthentication")), problem))
}
