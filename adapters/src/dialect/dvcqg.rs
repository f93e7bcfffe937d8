//! DVCQG: what an agency's application pushes to the national portal, for agencies that speak it.
//!
//! A session is had by name and password; then every call is one JSON object with the session and
//! the name of a service. Verdicts are told in the answer's `error_code`, under HTTP 200: clients
//! there are read nothing of any other. Only "later" is 503.
//!
//! | `error_code` | Means |
//! |---|---|
//! | `0` | taken; the message says "thành công" |
//! | `1` | refused, wholly or in part; the message says which records, and why |
//! | `-1` | no session, or one that has ended: log in again |
//! | `-2` | the agency has no channel for this service |
//! | `-4` | no call of this dialect |
//! | `-5` | not now: send the same again |

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use contracts::{Outcome, Receipt};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::json;
use serde_json::value::RawValue;

use super::{Desk, not_taken, taken as taken_in_words};
use crate::rest::client::Client;
use crate::rest::intake::{self, Intake};
use crate::rest::kinds;
use crate::rest::problem::{ProblemResponse, last, note};
use crate::rest::push::Denied;
use crate::rest::token::{self, Tokens};

/// The word in a channel's settings.
pub const NAME: &str = "dvcqg";

/// The services that a channel may receive.
pub const OPERATIONS: &[&str] = &["DongBoHoSoMC", "CapNhatTienDoHoSoMC"];

/// Longest request to log in.
const LOGIN_BYTES_MAX: usize = 16 * 1024;

const JSON: &str = "application/json; charset=utf-8";
const NO_SESSION: &str = "-1";
const NOT_YOURS: &str = "-2";
const NO_CALL: &str = "-4";
const LATER: &str = "-5";
const REFUSED: &str = "1";

struct Dvcqg {
    intake: Arc<Intake>,
    desk: Arc<dyn Desk>,
    tokens: Arc<dyn Tokens>,
}

/// What a call is answered instead of success.
struct Told {
    error_code: &'static str,
    message: String,
    /// Where HTTP itself says something too.
    problem: Option<ProblemResponse>,
    /// What was taken of it.
    receipt: Option<Box<Receipt>>,
}

impl Told {
    fn new(error_code: &'static str, message: impl Into<String>) -> Self {
        Self { error_code, message: message.into(), problem: None, receipt: None }
    }
}

/// The routes by which agencies log in and push.
pub fn router(intake: Arc<Intake>, desk: Arc<dyn Desk>, tokens: Arc<dyn Tokens>) -> Router {
    let dvcqg = Arc::new(Dvcqg { intake, desk, tokens });
    Router::new()
        .route("/dvcqg/login", post(login))
        .route("/dvcqg/service", post(serve))
        .with_state(dvcqg)
}

async fn login(State(dvcqg): State<Arc<Dvcqg>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let read = dvcqg.intake.payload_within(&head.headers, body, LOGIN_BYTES_MAX).await;
    let bytes = match read {
        Ok((bytes, _share)) => bytes,
        Err(problem) => return refused(transport(last(problem))),
    };
    let issued = Call::read(&bytes).and_then(|call| {
        let (id, secret) = (Some(call.text("username")?), Some(call.text("password")?));
        let peer = Client::of(&head.extensions);
        dvcqg.tokens.issue(&token::Asked { id, secret, peer, ..token::Asked::default() }).ok()
    });
    let body = match issued {
        Some(issued) => {
            json!({ "session": issued.token, "error_code": "0", "message": "thành công" })
        }
        None => json!({
            "session": "",
            "error_code": NO_SESSION,
            "message": "Sai tên hoặc mật khẩu, hoặc khóa đã bị thu hồi. / \
                        Wrong name or password, or the key is revoked.",
        }),
    };
    answer(&body, None)
}

async fn serve(State(dvcqg): State<Arc<Dvcqg>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    match dvcqg.intake.payload(&head.headers, body).await {
        Err(problem) => refused(transport(last(problem))),
        Ok((bytes, share)) => {
            let taken = dvcqg.take(&head.headers, &bytes, share).await;
            taken.map_or_else(refused, |receipt| {
                let message = format!("Đồng bộ thành công: {}", taken_in_words(&receipt));
                let body = json!({ "error_code": "0", "message": message, "result": message });
                answer(&body, Some(&receipt))
            })
        }
    }
}

impl Dvcqg {
    async fn take(
        &self,
        headers: &HeaderMap,
        bytes: &Bytes,
        share: crate::rest::body::Share,
    ) -> Result<Receipt, Told> {
        let source = bytes.clone();
        let asked = intake::apart(bytes.len(), move || Call::read(&source).map(Asked::of)).await;
        let asked = asked.map_err(transport)?;
        let Asked { session, service, payload } = asked.ok_or_else(|| {
            Told::new(NO_CALL, "Nội dung không phải một đối tượng JSON. / It is no JSON object.")
        })?;
        let bearer = session.map(|session| format!("Bearer {session}"));
        let named = OPERATIONS.contains(&service.as_str());
        let channel = self.desk.channel(NAME, &service, bearer.as_deref());
        let channel = channel.map_err(|why| match why {
            Denied::Unauthenticated => Told::new(
                NO_SESSION,
                "Chưa đăng nhập hoặc phiên đã hết hạn; hãy đăng nhập lại. / \
                 There is no session, or it has ended: log in again.",
            ),
            Denied::Forbidden if named => Told::new(
                NOT_YOURS,
                "Cơ quan không có kênh cho dịch vụ này. / \
                 The agency has no channel for this service.",
            ),
            Denied::Forbidden => {
                let known = OPERATIONS.join(", ");
                Told::new(NO_CALL, format!("Các dịch vụ / services: {known}."))
            }
        })?;
        let seat = self.intake.seat(&channel).map_err(transport)?;
        let key = intake::key(headers).map_err(transport)?;
        let arrival = intake::arrival(headers, key, payload);
        let receipt = self.intake.accept(&channel, arrival, (share, seat)).await;
        let receipt = receipt.map_err(transport)?;
        match receipt.first_outcome() {
            Outcome::Partial => {
                let told = Told::new(REFUSED, taken_in_words(&receipt));
                Err(Told { receipt: Some(Box::new(receipt)), ..told })
            }
            _ => Ok(receipt),
        }
    }
}

/// What a problem of the intake is in this dialect.
fn transport(problem: ProblemResponse) -> Told {
    let later = is_later(&problem);
    let error_code = match () {
        () if later => LATER,
        () if problem.text("code") == kinds::REFUSED.code => REFUSED,
        () if problem.text("code") == kinds::CONFLICT.code => REFUSED,
        () => NO_CALL,
    };
    Told { error_code, message: not_taken(&problem), problem: Some(problem), receipt: None }
}

/// Whether the same is to come again.
fn is_later(problem: &ProblemResponse) -> bool {
    let status = problem.status();
    matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS)
}

fn refused(told: Told) -> Response {
    let Told { error_code, message, problem, receipt } = told;
    let body = json!({ "error_code": error_code, "message": message });
    match problem {
        None => answer(&body, receipt.as_deref()),
        Some(problem) => {
            let later = is_later(&problem);
            let status = if later { problem.status() } else { StatusCode::OK };
            problem.told_as(status, JSON, body.to_string())
        }
    }
}

fn answer(body: &serde_json::Value, receipt: Option<&Receipt>) -> Response {
    let mut response = ([(CONTENT_TYPE, JSON)], body.to_string()).into_response();
    if let Some(receipt) = receipt {
        note(response.headers_mut(), receipt);
    }
    response
}

/// What a call asks, without its bytes.
struct Asked {
    session: Option<String>,
    service: String,
    payload: Bytes,
}

impl Asked {
    fn of(call: Call<'_>) -> Self {
        let session = call.text("session").filter(|session| !session.is_empty());
        let service = call.text("service").unwrap_or_default();
        Self { session, service, payload: call.without("session") }
    }
}

/// The members of a call's object, in order, each as it was written.
struct Call<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Call<'a> {
    /// Nothing where it is no object, or says a name twice: then it is not sure what is meant.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Self::Value = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if members.iter().any(|(known, _)| *known == name) {
                        return Err(serde::de::Error::custom("a name is said twice"));
                    }
                    members.push((name, value));
                }
                Ok(members)
            }
        }
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let members = reader.deserialize_map(Members).ok()?;
        reader.end().ok()?;
        Some(Self(members))
    }

    /// A member that is a text.
    fn text(&self, name: &str) -> Option<String> {
        let (_, raw) = self.0.iter().find(|(known, _)| known == name)?;
        serde_json::from_str(raw.get()).ok()
    }

    /// The object without one member; the others byte for byte.
    fn without(&self, name: &str) -> Bytes {
        let mut text = String::from("{");
        for (known, raw) in self.0.iter().filter(|(known, _)| known != name) {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&json!(known).to_string());
            text.push(':');
            text.push_str(raw.get());
        }
        text.push('}');
        Bytes::from(text)
    }
}
