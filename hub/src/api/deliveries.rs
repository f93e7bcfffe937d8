//! `GET /v1/outbox`, `/v1/dead`: what waits to be delivered and what was given up; and what the
//! operator decides of it, by `POST`.

use adapters::rest::problem::ProblemResponse;
use axum::{
    body::Bytes,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use jiff::{Timestamp, tz};
use serde_json::{Value, json};

use super::{
    Api, Asker,
    answer::{JSON, Reading, Stop, nothing},
    kinds::{DECIDED, NOT_YOURS, OPERATOR_ONLY},
    paging::Paging,
    params::{Params, bad},
};
use crate::{
    auth::Principal,
    operations::{PAGE_MAX, Pace, agency_of},
    store::deliveries::{DeadId, DeadQuery, Running},
};

const PAGE_DEFAULT: u32 = 100;

/// Dead letters that one call puts back: at the pace of one call.
const REPLAY_PER_SECOND: u32 = 256;

const LIST: &str = "/v1/dead";

const FILTERS: [&str; 5] = ["channel", "state", "cause", "from", "to"];

fn operator(who: &Principal) -> Result<(), ProblemResponse> {
    match who {
        Principal::Operator => Ok(()),
        _ => Err(ProblemResponse::new(StatusCode::FORBIDDEN, &OPERATOR_ONLY)),
    }
}

/// An answer that is true when it is given: deliveries are in no position of the journal.
async fn told(api: &Api, status: StatusCode, body: &Value) -> Result<Response, Stop> {
    let reading = Reading::begin(api, &HeaderMap::new(), "").await?;
    reading.json(status, JSON, body, None)
}

/// What waits, by outbound channel.
pub(super) async fn outbox(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    let channels = api.operations.outbox(&who).await?;
    told(&api, StatusCode::OK, &json!({ "channels": channels })).await
}

/// Pauses, resumes or drains a channel.
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
    let body = json!({ "channel": channel, "state": state, "changed": changed });
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
    let states = ["waiting", "replayed", "discarded"];
    if let Some(other) = state.as_deref().filter(|state| !states.contains(state)) {
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
    let body = json!({ "dead": page.letters });
    paging.link(told(&api, StatusCode::OK, &body).await?, page.next)
}

fn id(named: Result<Path<String>, PathRejection>) -> Result<DeadId, Stop> {
    let Ok(Path(text)) = named else { return Err(nothing()) };
    text.parse().map_err(|_| nothing())
}

/// One dead letter, with what would be sent of it.
pub(super) async fn one(
    State(api): State<Api>,
    Asker(who): Asker,
    named: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    operator(&who)?;
    Params::read(&uri, &[])?;
    let Some(whole) = api.operations.dead_letter(id(named)?).await? else { return Err(nothing()) };
    let mut body = json!(whole.letter);
    match whole.message {
        Ok(message) => {
            body["message_id"] = json!(message.id);
            body["content_type"] = json!(message.content_type);
            body["payload"] = json!(String::from_utf8_lossy(&message.payload));
        }
        Err(told) => body["not_made"] = json!(told),
    }
    told(&api, StatusCode::OK, &body).await
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
pub(super) async fn replay(
    State(api): State<Api>,
    Asker(who): Asker,
    named: Result<Path<String>, PathRejection>,
    uri: Uri,
    body: Bytes,
) -> Result<Response, Stop> {
    operator(&who)?;
    let params = Params::read(&uri, &["reason"])?;
    let (id, reason) = (id(named)?, params.text("reason").unwrap_or_default());
    let edited = (!body.is_empty()).then(|| body.to_vec());
    if !api.operations.replay(id.clone(), edited, reason).await? {
        return Err(not_done(&api, id).await);
    }
    told(&api, StatusCode::ACCEPTED, &json!({ "id": id.to_string(), "state": "replayed" })).await
}

/// Puts back all that a filter finds; with `dry_run=true` only counts them.
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
    told(&api, StatusCode::OK, &json!(done)).await
}

/// Decides that one is never delivered; the reason must be told.
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
    told(&api, StatusCode::OK, &json!({ "id": id.to_string(), "state": "discarded" })).await
}
