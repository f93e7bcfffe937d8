//! `POST /token`: a key's id and secret for a token that ends by itself, as OAuth 2 has it for
//! clients that act for themselves (RFC 6749 §4.4).
//!
//! The form is read whatever the request says that it is: a widespread client labels it JSON.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::client::{Client, is_certificate};
use super::intake::{Intake, only};
use super::problem::last;

/// Longest request for a token.
const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// Who gives tokens.
pub trait Tokens: Send + Sync + 'static {
    /// A token for who knows a key's secret.
    ///
    /// # Errors
    ///
    /// Why there is none.
    fn issue(&self, asked: &Asked) -> Result<Issued, NotIssued>;
}

/// A token.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// What its bearer shows.
    pub token: String,
    /// Seconds until it ends.
    pub expires_in: u32,
    /// What it is for, where that was asked for.
    pub scope: Option<String>,
}

/// Why no token is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotIssued {
    /// The key is not known, its secret is another, it is over, or it is not looked at now.
    Client,
    /// The key is for less than what is asked for, or that is nothing.
    Scope,
}

struct Giving {
    intake: Arc<Intake>,
    tokens: Arc<dyn Tokens>,
}

/// The routes, all alike, at addresses.
pub fn router(intake: Arc<Intake>, tokens: Arc<dyn Tokens>, addresses: &[&str]) -> Router {
    let giving = Arc::new(Giving { intake, tokens });
    let mut router = Router::new();
    for address in addresses {
        router = router.route(address, post(give));
    }
    router.with_state(giving)
}

/// What is asked for.
#[derive(Default, PartialEq, Eq)]
pub struct Asked {
    /// By what it is asked for; told by clients of OAuth 2.
    pub grant_type: Option<String>,
    /// The key's public part.
    pub id: Option<String>,
    /// Its secret.
    pub secret: Option<String>,
    /// What the token is to be for; absent for all that the key is for.
    pub scope: Option<String>,
    /// Where the request came from.
    pub peer: Option<IpAddr>,
}

/// RFC 6749 §5.2: which fault, and in words.
struct Fault(StatusCode, &'static str, &'static str);

const REQUEST: Fault = Fault(
    StatusCode::BAD_REQUEST,
    "invalid_request",
    "Gửi grant_type, client_id, client_secret, mỗi tham số một lần. / \
     Send grant_type, client_id and client_secret, each once.",
);
const GRANT: Fault = Fault(
    StatusCode::BAD_REQUEST,
    "unsupported_grant_type",
    "Chỉ có grant_type=client_credentials. / Only grant_type=client_credentials is given.",
);
const CLIENT: Fault = Fault(
    StatusCode::UNAUTHORIZED,
    "invalid_client",
    "client_id hoặc client_secret không đúng, hoặc khóa đã bị thu hồi. / \
     client_id or client_secret is wrong, or the key is revoked.",
);

const SCOPE: Fault = Fault(
    StatusCode::BAD_REQUEST,
    "invalid_scope",
    "Khóa không có một trong các phạm vi nêu trong scope; bỏ scope để nhận mọi phạm vi có. / \
     The key does not have one of the scopes named; without scope the token is for all it has.",
);

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let Self(status, error, description) = self;
        let body = Json(json!({ "error": error, "error_description": description }));
        let headers = [(CACHE_CONTROL, "no-store")];
        match status {
            StatusCode::UNAUTHORIZED => {
                (status, headers, [(WWW_AUTHENTICATE, "Basic realm=\"token\"")], body)
                    .into_response()
            }
            _ => (status, headers, body).into_response(),
        }
    }
}

async fn give(State(giving): State<Arc<Giving>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let read = giving.intake.payload_within(&head.headers, body, REQUEST_BYTES_MAX).await;
    let bytes = match read {
        Ok((bytes, _share)) => bytes,
        Err(problem) => return last(problem).into_response(),
    };
    let Some(asked) = asked(&head.headers, &bytes) else { return REQUEST.into_response() };
    let asked = Asked { peer: Client::of(&head.extensions), ..asked };
    match asked.grant_type.as_deref() {
        None => return REQUEST.into_response(),
        Some("client_credentials") => {}
        Some(_) => return GRANT.into_response(),
    }
    match giving.tokens.issue(&asked) {
        Err(NotIssued::Client) => CLIENT.into_response(),
        Err(NotIssued::Scope) => SCOPE.into_response(),
        Ok(Issued { token, expires_in, scope }) => {
            let body = json!({
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": expires_in,
                "scope": scope.as_deref().unwrap_or("default"),
            });
            ([(CACHE_CONTROL, "no-store")], Json(body)).into_response()
        }
    }
}

/// What a request asks for, in its form and in its `Authorization`; nothing where that cannot be
/// told.
fn asked(headers: &HeaderMap, bytes: &[u8]) -> Option<Asked> {
    let mut asked = Asked::default();
    let text = bytes.trim_ascii();
    let pairs: Vec<(String, String)> = match text.first() {
        Some(b'{') => {
            let members: serde_json::Map<String, Value> = serde_json::from_slice(text).ok()?;
            let text = |value: Value| value.as_str().map(str::to_owned);
            members.into_iter().filter_map(|(name, value)| Some((name, text(value)?))).collect()
        }
        _ => form_urlencoded::parse(text).into_owned().collect(),
    };
    for (name, value) in pairs {
        let place = match name.as_str() {
            "grant_type" => &mut asked.grant_type,
            "client_id" => &mut asked.id,
            "client_secret" => &mut asked.secret,
            "scope" => &mut asked.scope,
            _ => continue,
        };
        if place.replace(value).is_some() {
            return None;
        }
    }
    // A token is had for a secret, whatever certificate the connection has shown.
    let told = only(headers, &AUTHORIZATION).ok()?.filter(|told| !is_certificate(told));
    if let Some(told) = told {
        let (id, secret) = basic(told)?;
        if asked.secret.is_some() || asked.id.as_ref().is_some_and(|other| *other != id) {
            return None;
        }
        (asked.id, asked.secret) = (Some(id), Some(secret));
    }
    Some(asked)
}

/// Id and secret as HTTP Basic carries them, each form-encoded before (RFC 6749 §2.3.1).
fn basic(authorization: &str) -> Option<(String, String)> {
    let (scheme, told) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let told = String::from_utf8(STANDARD.decode(told.trim()).ok()?).ok()?;
    let (id, secret) = told.split_once(':')?;
    let plain = |text: &str| {
        let (plain, _) = form_urlencoded::parse(text.as_bytes()).into_owned().next()?;
        Some(plain)
    };
    Some((plain(id)?, plain(secret)?))
}
