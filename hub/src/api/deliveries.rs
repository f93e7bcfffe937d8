//! `GET /v1/outbox`, `/v1/dead`: what waits to be delivered and what was given up; and what the
//! operator decides of it, by `POST`.

mod told;

use adapters::rest::problem::ProblemResponse;
use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use jiff::{Timestamp, tz};
use serde::Serialize;

use super::{
    Api, Asker, Sent,
    answer::{JSON, Reading, Stop, nothing},
    kinds::{DECIDED, NOT_YOURS, OPERATOR_ONLY},
    paging::Paging,
    params::{Params, bad},
    purpose::{self, Bearer, PURPOSE, REASON},
};
use crate::{
    api::document::{
        answers::{Conflict, Forbidden, TooLarge},
        tags,
    },
    auth::Principal,
    operations::{DeadRead, PAGE_MAX, Pace, Replayed, agency_of},
    store::deliveries::{DeadId, DeadQuery, Running},
};
use told::{
    DeadAsked, DeadLetters, DecidedLetter, DiscardAsked, MadeLetter, OneAsked, Outbox,
    ReplayAllAsked, ReplayAsked, SteerAsked, Steered, WholeLetter,
};

const PAGE_DEFAULT: u32 = 100;

/// Dead letters that one call puts back: at the pace of one call.
const REPLAY_PER_SECOND: u32 = 256;

const LIST: &str = "/v1/dead";

const FILTERS: [&str; 5] = ["channel", "state", "cause", "from", "to"];

/// What a dead letter may be.
const STATES: [&str; 3] = ["waiting", "replayed", "discarded"];

fn operator(who: &Principal) -> Result<(), ProblemResponse> {
    match who {
        Principal::Operator => Ok(()),
        _ => Err(ProblemResponse::new(StatusCode::FORBIDDEN, &OPERATOR_ONLY)),
    }
}

/// An answer that is true when it is given: deliveries are in no position of the journal.
async fn told(api: &Api, status: StatusCode, body: &impl Serialize) -> Result<Response, Stop> {
    let reading = Reading::begin(api, &HeaderMap::new(), "").await?;
    reading.json(status, JSON, body, None)
}

/// What waits, by outbound channel.
#[utoipa::path(
    get, path = "/v1/outbox",
    tag = tags::DELIVERIES, operation_id = "getOutbox",
    summary = "What waits to be delivered, by channel",
    description = "Hàng đợi gửi ra của từng kênh.",
    responses(
        (status = 200, description = "Hàng đợi.\n\nThe outbox.", body = Outbox),
    ),
)]
pub(super) async fn outbox(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    let channels = api.operations.outbox(&who).await?;
    told(&api, StatusCode::OK, &Outbox { channels }).await
}

/// Pauses, resumes or drains a channel.
#[utoipa::path(
    post, path = "/v1/outbox/{channel}/{action}",
    tag = tags::DELIVERIES, operation_id = "steerChannel",
    summary = "Pause, resume or drain an outbound channel",
    description = "Tạm dừng, chạy tiếp hoặc xả kênh gửi ra. Chỉ dành cho đơn vị vận hành.",
    params(SteerAsked),
    responses(
        (status = 200, description = "Đã làm.\n\nIt is done.", body = Steered),
        Forbidden,
    ),
)]
pub(super) async fn steer(
    State(api): State<Api>,
    Asker(who): Asker,
    named: Result<Path<(String, String)>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    operator(&who)?;
    let Ok(Path((channel, action))) = named else { return Err(nothing()) };
    let params = Params::read(&uri, &["reason"])?;
    let state = match action.as_str() {
        "pause" => Running::Paused,
        "resume" => Running::Running,
        "drain" => Running::Draining,
        _ => return Err(nothing()),
    };
    if !api.operations.has_outbound(&channel).await? {
        return Err(nothing());
    }
    let reason = params.text("reason").unwrap_or("người vận hành; operator");
    let changed = api.operations.steer(&channel, state, reason).await?;
    let body = Steered { channel, state, changed };
    told(&api, StatusCode::OK, &body).await
}

fn query(params: &Params, who: &Principal) -> Result<DeadQuery, ProblemResponse> {
    let text = |name: &str| params.text(name).map(ToOwned::to_owned);
    if let (Principal::Agency(own), Some(channel)) = (who, params.text("channel"))
        && agency_of(channel) != own
    {
        return Err(ProblemResponse::new(StatusCode::FORBIDDEN, &NOT_YOURS));
    }
    let state = text("state");
    if let Some(other) = state.as_deref().filter(|state| !STATES.contains(state)) {
        let vi = "Ghi waiting, replayed hoặc discarded.";
        return Err(bad("state", other, vi, "Write waiting, replayed or discarded."));
    }
    Ok(DeadQuery {
        channel: text("channel"),
        state,
        cause: text("cause"),
        from: moment(params, "from")?,
        to: moment(params, "to")?,
        after: None,
        limit: params.limit(PAGE_DEFAULT, PAGE_MAX)?,
    })
}

/// A day in Vietnam from its beginning, or an instant, in milliseconds since 1970.
fn moment(params: &Params, name: &str) -> Result<Option<u64>, ProblemResponse> {
    let Some(text) = params.text(name) else { return Ok(None) };
    let day = text.parse::<jiff::civil::Date>().ok();
    let day = day.and_then(|day| tz::offset(7).to_timestamp(day.at(0, 0, 0, 0)).ok());
    let at = text.parse::<Timestamp>().ok().or(day);
    let millis = at.and_then(|at| u64::try_from(at.as_millisecond()).ok());
    millis.map(Some).ok_or_else(|| {
        let vi = "Ghi một ngày như 2026-11-25, hoặc một thời điểm như 2026-11-25T01:00:00Z.";
        bad(name, text, vi, "Write a day as 2026-11-25, or an instant as 2026-11-25T01:00:00Z.")
    })
}

/// Dead letters.
#[utoipa::path(
    get, path = "/v1/dead",
    tag = tags::DELIVERIES, operation_id = "listDead",
    summary = "Messages that could not be delivered",
    description = "Các thư không giao được.",
    params(DeadAsked),
    responses(
        (status = 200, description = "Một trang.\n\nA page.", body = DeadLetters),
        Forbidden,
    ),
)]
pub(super) async fn dead(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
) -> Result<Response, Stop> {
    if matches!(who, Principal::Portal | Principal::Reporting(_)) {
        return Err(ProblemResponse::new(StatusCode::FORBIDDEN, &NOT_YOURS).into());
    }
    let known: Vec<&str> = FILTERS.into_iter().chain(["cursor", "limit"]).collect();
    let params = Params::read(&uri, &known)?;
    let log_id = api.operations.store.head().await?.log.id;
    let mut wanted = query(&params, &who)?;
    let paging = Paging { path: LIST, list: LIST, log_id: &log_id, params: &params };
    wanted.after = paging.after()?;
    let page = api.operations.dead(&who, wanted).await?;
    let body = DeadLetters { dead: page.letters };
    paging.link(told(&api, StatusCode::OK, &body).await?, page.next)
}

fn id(named: Result<Path<String>, PathRejection>) -> Result<DeadId, Stop> {
    let Ok(Path(text)) = named else { return Err(nothing()) };
    text.parse().map_err(|_| nothing())
}

/// One dead letter, with what would be sent of it.
#[utoipa::path(
    get, path = "/v1/dead/{id}",
    tag = tags::DELIVERIES, operation_id = "getDead",
    summary = "One dead letter, with what would be sent of it",
    description = "Một thư không giao được và nội dung sẽ gửi; phần có thông tin cá nhân cần \
                   nêu mục đích. Chỉ dành cho đơn vị vận hành.",
    params(OneAsked),
    responses(
        (status = 200, description = "Thư.\n\nThe letter.", body = WholeLetter),
        Forbidden,
    ),
)]
pub(super) async fn one(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    named: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    operator(&caller.principal)?;
    let params = Params::read(&uri, &[PURPOSE, REASON])?;
    let reader = purpose::reader(&caller, &params, "getDead")?;
    let found = api.operations.dead_letter_read(&reader, id(named)?).await?;
    let Some(DeadRead { letter, message, personal }) = found else { return Err(nothing()) };
    let (made, not_made) = match message {
        None => (None, None),
        Some(Ok(message)) => {
            let payload = String::from_utf8_lossy(&message.payload).into_owned();
            let (message_id, content_type) = (message.id, message.content_type);
            (Some(MadeLetter { message_id, content_type, payload }), None)
        }
        Some(Err(told)) => (None, Some(told)),
    };
    told(&api, StatusCode::OK, &WholeLetter { letter, made, not_made, personal }).await
}

/// The answer where something was decided already, or there is no such dead letter.
async fn not_done(api: &Api, id: DeadId) -> Stop {
    match api.operations.dead_letter(id).await {
        Ok(None) => nothing(),
        Ok(Some(_)) => ProblemResponse::new(StatusCode::CONFLICT, &DECIDED).into(),
        Err(error) => error.into(),
    }
}

/// Puts one back, with the text of the body in place of the record where there is one.
#[utoipa::path(
    post, path = "/v1/dead/{id}/replay",
    tag = tags::DELIVERIES, operation_id = "replayDead",
    summary = "Put one dead letter back",
    description = "Gửi lại một thư; có nội dung kèm theo thì gửi nội dung đó thay cho bản \
                   ghi. Chỉ dành cho đơn vị vận hành.",
    request_body(content((Option<String> = "application/json"), (Option<String> = "text/plain")),
        description = "Nội dung thay cho bản ghi; để trống thì gửi như cũ.\n\n\
            The text in place of the record; empty, it goes as it is."),
    params(ReplayAsked),
    responses(
        (status = 202, description = "Sẽ gửi lại.\n\nIt will be sent again.", body = DecidedLetter),
        Forbidden,
        Conflict,
        TooLarge,
    ),
)]
pub(super) async fn replay(
    State(api): State<Api>,
    Asker(who): Asker,
    named: Result<Path<String>, PathRejection>,
    uri: Uri,
    Sent(body): Sent,
) -> Result<Response, Stop> {
    operator(&who)?;
    let params = Params::read(&uri, &["reason"])?;
    let (id, reason) = (id(named)?, params.text("reason").unwrap_or_default());
    let edited = (!body.is_empty()).then(|| body.to_vec());
    if !api.operations.replay(id.clone(), edited, reason).await? {
        return Err(not_done(&api, id).await);
    }
    told(&api, StatusCode::ACCEPTED, &DecidedLetter { id: id.to_string(), state: "replayed" }).await
}

/// Puts back all that a filter finds; with `dry_run=true` only counts them.
#[utoipa::path(
    post, path = "/v1/dead/replay",
    tag = tags::DELIVERIES, operation_id = "replayAllDead",
    summary = "Put back all dead letters that a filter finds",
    description = "Gửi lại mọi thư không giao được mà bộ lọc tìm thấy; dry_run chỉ đếm. Chỉ \
                   dành cho đơn vị vận hành.",
    params(ReplayAllAsked),
    responses(
        (status = 200, description = "Số thư.\n\nHow many.", body = Replayed),
        Forbidden,
    ),
)]
pub(super) async fn replay_all(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
) -> Result<Response, Stop> {
    operator(&who)?;
    let known: Vec<&str> = FILTERS.into_iter().chain(["reason", "dry_run"]).collect();
    let params = Params::read(&uri, &known)?;
    let dry_run = match params.text("dry_run") {
        None | Some("false") => false,
        Some("true") => true,
        Some(text) => {
            return Err(bad("dry_run", text, "Ghi true hoặc false.", "Write true or false.").into());
        }
    };
    let reason = params.text("reason").unwrap_or_default();
    let pace = Pace { dry_run, per_second: REPLAY_PER_SECOND };
    let done = api.operations.replay_all(query(&params, &who)?, reason, pace).await?;
    told(&api, StatusCode::OK, &done).await
}

/// Decides that one is never delivered; the reason must be told.
#[utoipa::path(
    post, path = "/v1/dead/{id}/discard",
    tag = tags::DELIVERIES, operation_id = "discardDead",
    summary = "Decide that a dead letter is never delivered",
    description = "Bỏ một thư không giao được, kèm lý do. Chỉ dành cho đơn vị vận hành.",
    params(DiscardAsked),
    responses(
        (status = 200, description = "Đã bỏ.\n\nIt is discarded.", body = DecidedLetter),
        Forbidden,
        Conflict,
    ),
)]
pub(super) async fn discard(
    State(api): State<Api>,
    Asker(who): Asker,
    named: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    operator(&who)?;
    let params = Params::read(&uri, &["reason"])?;
    let Some(reason) = params.text("reason") else {
        let (vi, en) = ("Ghi lý do không giao.", "Write why it is not delivered.");
        return Err(bad("reason", "", vi, en).into());
    };
    let id = id(named)?;
    if !api.operations.discard(id.clone(), reason).await? {
        return Err(not_done(&api, id).await);
    }
    told(&api, StatusCode::OK, &DecidedLetter { id: id.to_string(), state: "discarded" }).await
}
