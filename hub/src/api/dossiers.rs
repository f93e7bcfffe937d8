//! `GET /v1/dossiers/{code}` and `GET /v1/messages/{id}`.

use adapters::rest::{kinds::BAD_REQUEST, problem::ProblemResponse};
use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, Uri, header::IF_NONE_MATCH},
    response::Response,
};
use serde::Serialize;
use serde_json::{json, value::RawValue};

use super::{
    Api, Asker,
    answer::{JSON, Mark, Reading, Stop, nothing},
    params::{NAME_CHARS_MAX, Params, is_no_text, too_long},
};
use crate::{
    operations::{LookedUp, Lookup},
    store::{DossierRow, StoreError},
};

/// One of several dossiers that bear a code.
#[derive(Serialize)]
struct Match<'a> {
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dossier: Option<&'a RawValue>,
}

/// One dossier by its national code or a source's own: 200, or 300 with all that bear it.
pub(super) async fn dossier(
    State(api): State<Api>,
    Asker(who): Asker,
    code: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let code = named("code", code)?;
    let params = Params::read(&uri, &["source", "as_of"])?;
    let (source, as_of) = (params.text("source"), params.position("as_of")?);
    if headers.contains_key(IF_NONE_MATCH) {
        // Who has an answer hears without a look-up whether it still holds.
        Reading::begin(&api, &headers, "").await?;
    }
    let LookedUp { lookup, log_id, size } =
        api.operations.dossier(&who, &code, source, as_of).await?;
    let mark = Mark::of_journal(&headers, (&log_id, size), "")?;
    match lookup {
        Lookup::One(found) => Ok(mark.bytes(StatusCode::OK, JSON, found.json(), Some(found.as_of))),
        Lookup::Several(rows) => several(&mark, rows),
        Lookup::Nothing => Err(nothing()),
    }
}

pub(super) fn several(mark: &Mark, mut rows: Vec<DossierRow>) -> Result<Response, Stop> {
    rows.sort_by(|one, other| one.key.cmp(&other.key));
    let matches = rows.iter().map(|row| Ok(Match { key: &row.key, dossier: raw(&row.public)? }));
    let matches = matches.collect::<Result<Vec<_>, StoreError>>()?;
    let body = json!({ "advice": "Ghi thêm ?source= để chọn một hồ sơ.",
                       "advice_en": "Add ?source= to choose one dossier." });
    #[derive(Serialize)]
    struct Several<'a> {
        matches: Vec<Match<'a>>,
        #[serde(flatten)]
        advice: serde_json::Value,
    }
    let body = Several { matches, advice: body };
    mark.json(StatusCode::MULTIPLE_CHOICES, JSON, &body, None)
}

/// A stored public text as it stands.
pub(super) fn raw(public: &Option<Vec<u8>>) -> Result<Option<&RawValue>, StoreError> {
    let parse = |text| serde_json::from_slice::<&RawValue>(text);
    let raw = public.as_deref().map(parse).transpose();
    raw.map_err(|error| StoreError::fault(format!("a public text is damaged: {error}")))
}

/// All attempts under a message's id, newest first, with what was refused and how to mend it.
pub(super) async fn message(
    State(api): State<Api>,
    Asker(who): Asker,
    id: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let id = named("id", id)?;
    let params = Params::read(&uri, &["channel"])?;
    let reading = Reading::begin(&api, &headers, "").await?;
    let messages = api.operations.trace(&who, params.text("channel"), &id).await?;
    if messages.is_empty() {
        return Err(nothing());
    }
    reading.json(StatusCode::OK, JSON, &json!({ "messages": messages }), None)
}

/// A name in the path, decoded.
pub(super) fn named(name: &str, path: Result<Path<String>, PathRejection>) -> Result<String, Stop> {
    let Ok(Path(text)) = path else {
        return Err(ProblemResponse::new(StatusCode::BAD_REQUEST, &BAD_REQUEST).into());
    };
    if text.chars().count() > NAME_CHARS_MAX {
        return Err(too_long(name, &text).into());
    }
    if is_no_text(&text) {
        return Err(nothing());
    }
    Ok(text)
}
