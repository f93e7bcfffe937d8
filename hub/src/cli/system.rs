//! The systems of agencies that are asked over HTTP, played on one address: APIs that a hub reads,
//! and those that it sends to. A channel's is at `/AGENCY/CHANNEL`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc, time::sleep};

use super::{offered::Shown, replies};
use crate::{
    catalog::{OutboundChannel, Sending},
    simulation::{Act, Asked, Heard, Receiving, Reply, SimulationError},
};

/// Bytes of a request, at most.
const REQUEST_BYTES_MAX: usize = 16 << 20;

/// What was done with messages of one channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Received {
    /// Requests with a message.
    pub(super) attempts: u64,
    /// Different messages that were taken, and the how-manieth each was.
    pub(super) taken: BTreeMap<String, u64>,
    /// Requests that failed, or were answered with a lie.
    pub(super) failed: u64,
    /// Requests that were refused.
    pub(super) refused: u64,
}

/// News of a message that came: the channel, what was done, its id.
pub(super) type News = (String, Act, String);

/// One channel's system.
struct Desk {
    asked: Asked,
    does: Does,
}

enum Does {
    /// Shows items.
    Shows(Shown),
    /// Takes messages.
    Takes { form: Form, receiving: Box<Receiving>, received: Received, known: BTreeSet<String> },
}

/// In which form a system says what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Soap,
    Portal,
}

/// All systems, by `AGENCY/CHANNEL`.
#[derive(Clone, Default)]
pub(super) struct Systems {
    desks: Arc<Mutex<BTreeMap<String, Desk>>>,
    news: Option<mpsc::Sender<News>>,
    replies: Option<replies::Desk>,
}

fn place(channel: &str) -> String {
    channel.replacen('.', "/", 1)
}

impl Systems {
    /// Systems whose people reply.
    pub(super) fn replying(replies: replies::Desk) -> Self {
        Self { replies: Some(replies), ..Self::default() }
    }

    /// Systems whose news are told.
    #[must_use]
    pub(super) fn with_news(self, news: mpsc::Sender<News>) -> Self {
        Self { news: Some(news), ..self }
    }

    /// A channel's system that shows items.
    pub(super) fn show(&self, channel: &str, book: Shown, asked: Asked) {
        self.put(channel, Desk { asked, does: Does::Shows(book) });
    }

    /// A channel's system that takes messages; false where they do not come over HTTP.
    pub(super) fn take(
        &self,
        channel: &OutboundChannel,
        receiving: Receiving,
        asked: Asked,
    ) -> bool {
        let form = match channel.sending {
            Sending::Rest => Form::Json,
            Sending::Soap(_) => Form::Soap,
            Sending::Dvcqg(_) => Form::Portal,
            Sending::File | Sending::Amqp(_) | Sending::Database(_) => return false,
        };
        let (received, known) = (Received::default(), BTreeSet::new());
        let receiving = Box::new(receiving);
        let does = Does::Takes { form, receiving, received, known };
        self.put(&channel.id, Desk { asked, does });
        true
    }

    /// What a channel's system shows.
    pub(super) fn shown(&self, channel: &str) -> Option<Shown> {
        match &self.desks().get(&place(channel))?.does {
            Does::Shows(book) => Some(book.clone()),
            Does::Takes { .. } => None,
        }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.desks().is_empty()
    }

    /// What was done with messages, by channel.
    pub(super) fn received(&self) -> BTreeMap<String, Received> {
        let desks = self.desks();
        let taking = desks.iter().filter_map(|(place, desk)| match &desk.does {
            Does::Takes { received, .. } => Some((place.replacen('/', ".", 1), received.clone())),
            Does::Shows(_) => None,
        });
        taking.collect()
    }

    /// Serves until dropped.
    ///
    /// # Errors
    /// When the server fails.
    pub(super) async fn serve(self, listener: TcpListener) -> io::Result<()> {
        let app = Router::new()
            .route("/{agency}/{channel}", get(shown).post(taken))
            .route("/{agency}/{channel}/login", post(login))
            .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
            .with_state(self);
        axum::serve(listener, app).await
    }

    fn put(&self, channel: &str, desk: Desk) {
        self.desks().insert(place(channel), desk);
    }

    fn desks(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Desk>> {
        self.desks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a channel's system does with a request, after as long as it takes.
    async fn act(&self, place: &str) -> Option<Act> {
        let (act, slow) = {
            let mut desks = self.desks();
            let asked = &mut desks.get_mut(place)?.asked;
            (asked.act(), asked.slow())
        };
        sleep(slow).await;
        Some(act)
    }
}

/// Where it listens.
///
/// # Errors
/// When it cannot.
pub(super) async fn listener(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// An answer in JSON.
fn said(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, JSON)], body.to_string()).into_response()
}

const JSON: &str = "application/json; charset=utf-8";

fn lie() -> Value {
    json!({ "error_code": "1", "message": "Lỗi hệ thống" })
}

fn unavailable() -> Response {
    said(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error_code": "-1", "message": "Đang bảo trì" }))
}

async fn shown(
    State(systems): State<Systems>,
    Path((agency, channel)): Path<(String, String)>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Response {
    let place = format!("{agency}/{channel}");
    let Some(act) = systems.act(&place).await else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut desks = systems.desks();
    let Some(Desk { does: Does::Shows(book), asked }) = desks.get_mut(&place) else {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    };
    let book = book.lock().unwrap_or_else(PoisonError::into_inner);
    match act {
        Act::Answers => said(StatusCode::OK, &book.page(&parameters, asked.turns())),
        Act::Refuses => StatusCode::FORBIDDEN.into_response(),
        Act::Fails => unavailable(),
        Act::Lies => said(StatusCode::OK, &lie()),
    }
}

async fn taken(
    State(systems): State<Systems>,
    Path((agency, channel)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let place = format!("{agency}/{channel}");
    let Some(act) = systems.act(&place).await else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let id = headers.get("idempotency-key").and_then(|id| id.to_str().ok()).unwrap_or_default();
    let mut desks = systems.desks();
    let Some(Desk { does: Does::Takes { form, receiving, received, known }, .. }) =
        desks.get_mut(&place)
    else {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    };
    received.attempts += 1;
    let (mut act, mut response) = match form {
        Form::Json => (act, json_said(act)),
        Form::Soap => (act, soap_said(act)),
        Form::Portal => portal_said(act, &body, known),
    };
    if act == Act::Answers {
        match heard(receiving, received, (&agency, id), &body) {
            Ok((own, reply)) => {
                if let Some(text) = own.filter(|_| *form == Form::Json) {
                    response = (StatusCode::OK, [(CONTENT_TYPE, JSON)], text).into_response();
                }
                if let (Some(reply), Some(desk)) = (reply, &systems.replies) {
                    desk.put(reply);
                }
            }
            // A script that does not fit what comes: whoever rehearses is to see it.
            Err(error) => {
                act = Act::Fails;
                let told = json!({ "error_code": "-1", "message": error.to_string() });
                response = said(StatusCode::INTERNAL_SERVER_ERROR, &told);
            }
        }
    }
    match act {
        Act::Answers => {}
        Act::Fails | Act::Lies => received.failed += 1,
        Act::Refuses => received.refused += 1,
    }
    if let Some(news) = &systems.news {
        // Who looks on too slowly misses some.
        drop(news.try_send((format!("{agency}.{channel}"), act, id.to_owned())));
    }
    response
}

/// What a system says of its own to a message that it takes, and what its people reply: the same
/// for one that comes again, and no second reply.
fn heard(
    receiving: &Receiving,
    received: &mut Received,
    (agency, id): (&str, &str),
    body: &Bytes,
) -> Result<(Option<String>, Option<Reply>), SimulationError> {
    let message = serde_json::from_slice(body).unwrap_or(Value::Null);
    let known = received.taken.get(id).copied();
    let count = known.unwrap_or(received.taken.len() as u64);
    let heard = Heard { message: &message, count, at: Timestamp::now() };
    let own = receiving.answer(heard)?;
    let reply = if known.is_none() { receiving.reply(agency, heard)? } else { None };
    received.taken.insert(id.to_owned(), count);
    Ok((own, reply))
}

fn json_said(act: Act) -> Response {
    match act {
        Act::Answers => {
            said(StatusCode::OK, &json!({ "error_code": "0", "message": "thành công" }))
        }
        Act::Fails => unavailable(),
        Act::Lies => said(StatusCode::OK, &lie()),
        Act::Refuses => {
            let told = json!({ "error_code": "1", "message": "Dữ liệu không hợp lệ" });
            said(StatusCode::UNPROCESSABLE_ENTITY, &told)
        }
    }
}

fn soap_said(act: Act) -> Response {
    let fault = |code: &str, words: &str| {
        let fault = format!(
            "<s:Fault><faultcode>s:{code}</faultcode><faultstring>{words}</faultstring></s:Fault>"
        );
        (StatusCode::INTERNAL_SERVER_ERROR, fault)
    };
    let taken = |code: u8| (StatusCode::OK, format!("<TiepNhan><Ma>{code}</Ma></TiepNhan>"));
    let (status, body) = match act {
        Act::Answers => taken(0),
        Act::Lies => taken(1),
        Act::Fails => fault("Server", "Đang bảo trì"),
        Act::Refuses => fault("Client", "Dữ liệu không hợp lệ"),
    };
    let text = format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{body}</s:Body>\
         </s:Envelope>"
    );
    (status, [(CONTENT_TYPE, "text/xml; charset=utf-8")], text).into_response()
}

/// What the national portal says: it knows which dossiers it has.
fn portal_said(act: Act, body: &Bytes, known: &mut BTreeSet<String>) -> (Act, Response) {
    let ok = |body: Value| said(StatusCode::OK, &body);
    let told = |code: &str, words: &str| json!({ "error_code": code, "message": words });
    if act == Act::Fails {
        return (act, unavailable());
    }
    let call: Value = serde_json::from_slice(body).unwrap_or_default();
    if call["session"] != SESSION {
        return (Act::Fails, ok(told("-1", "Phiên làm việc không hợp lệ")));
    }
    match act {
        Act::Lies => return (act, ok(lie())),
        Act::Refuses => return (act, ok(told("1", "Dữ liệu không hợp lệ"))),
        Act::Answers | Act::Fails => {}
    }
    let codes = call["data"].as_array().into_iter().flatten();
    let codes: Vec<String> =
        codes.filter_map(|one| one["MaHoSo"].as_str().map(ToOwned::to_owned)).collect();
    if call["isUpdating"] == "False" && codes.iter().any(|code| known.contains(code)) {
        return (Act::Refuses, ok(told("1", "Hồ sơ đã tồn tại")));
    }
    known.extend(codes);
    (act, ok(told("0", "thành công")))
}

/// The one session of a portal that is played.
const SESSION: &str = "phien-mo-phong";

async fn login(
    State(systems): State<Systems>,
    Path((agency, channel)): Path<(String, String)>,
) -> Response {
    if !systems.desks().contains_key(&format!("{agency}/{channel}")) {
        return StatusCode::NOT_FOUND.into_response();
    }
    said(StatusCode::OK, &json!({ "session": SESSION, "error_code": "0" }))
}
