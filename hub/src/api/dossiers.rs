//! `GET /v1/dossiers/{code}` and `GET /v1/messages/{id}`.

use adapters::rest::{kinds::BAD_REQUEST, problem::ProblemResponse};
use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, Uri, header::IF_NONE_MATCH},
    response::Response,
};
use mappings::text::normalise::clean_code;
use serde::Serialize;
use serde_json::value::RawValue;
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;

use super::{
    Api, Asker,
    answer::{JSON, Mark, Reading, Stop, nothing},
    params::{NAME_CHARS_MAX, Params, is_no_text, too_long},
    purpose::{self, Bearer, PURPOSE, REASON},
};
use crate::api::document::{
    answers::{Forbidden, Unchanged},
    params::{as_of, asked, named as named_in_path, text},
    tags,
};
use crate::{
    described,
    operations::{LookedUp, Lookup, Told, Trace},
    store::{DossierRow, StoreError},
};

/// A dossier, and the position at which it is so told.
#[derive(Debug, Serialize, ToSchema)]
struct DossierAnswer {
    #[serde(flatten)]
    told: Told,
    /// The position it is true at.
    as_of: u64,
}

/// Several dossiers that bear a code.
#[derive(Serialize, ToSchema)]
#[schema(as = SeveralDossiers)]
pub(super) struct Several<'a> {
    /// Each of them.
    matches: Vec<Match<'a>>,
    /// What to do, in Vietnamese.
    advice: &'static str,
    /// The same in English.
    advice_en: &'static str,
}

/// One of several dossiers that bear a code.
#[derive(Serialize, ToSchema)]
#[schema(as = DossierMatch)]
struct Match<'a> {
    /// Its key.
    key: &'a str,
    /// Its public state.
    #[schema(value_type = Option<described::DossierState>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    dossier: Option<&'a RawValue>,
}

/// One dossier by its national code or a source's own: 200, or 300 with all that bear it.
#[utoipa::path(
    get, path = "/v1/dossiers/{code}",
    tag = tags::DOSSIERS, operation_id = "getDossier",
    summary = "One dossier by a code that it bears",
    description = "Một hồ sơ theo mã quốc gia hoặc mã của cơ quan, cùng lịch sử và các điểm \
                   nguồn tin mâu thuẫn. Nhiều hồ sơ cùng mã thì trả 300 kèm danh sách.",
    params(DossierAsked),
    responses(
        (status = 200, description = "Hồ sơ.\n\nThe dossier.", body = DossierAnswer),
        (status = 300, description = "Nhiều hồ sơ mang mã này.\n\n\
            Several dossiers bear this code.", body = Several),
        Unchanged,
        Forbidden,
    ),
)]
pub(super) async fn dossier(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    code: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let code = named("code", code)?;
    let params = Params::read(&uri, &["source", "as_of", PURPOSE, REASON])?;
    let reader = purpose::reader(&caller, &params, "getDossier")?;
    let tag = purpose::tag(&reader);
    let (source, as_of) = (params.text("source"), params.position("as_of")?);
    if headers.contains_key(IF_NONE_MATCH) {
        // Who has an answer hears without a look-up whether it still holds.
        Reading::begin(&api, &headers, tag).await?;
    }
    let mut found = api.operations.dossier(&reader, &code, source, as_of).await?;
    // A code may have been sent as it is told here, and kept as every code is.
    if let (Lookup::Nothing, Some(kept)) = (&found.lookup, as_kept(&code)) {
        // Rare, and boxed: every look-up would carry its room.
        found = Box::pin(api.operations.dossier(&reader, &kept, source, as_of)).await?;
    }
    let LookedUp { lookup, log_id, size } = found;
    let mark = Mark::of_journal(&headers, (&log_id, size), tag)?;
    match lookup {
        Lookup::One(found) => Ok(mark.bytes(StatusCode::OK, JSON, found.json(), Some(found.as_of))),
        Lookup::Several(rows) => several(&mark, rows),
        Lookup::Nothing => Err(nothing()),
    }
}

/// A code as records have it, where that is another text: composed, with hyphens for dashes.
fn as_kept(code: &str) -> Option<String> {
    let composed: String = code.nfc().collect();
    let kept = clean_code(&composed).into_owned();
    (kept != code).then_some(kept)
}

pub(super) fn several(mark: &Mark, mut rows: Vec<DossierRow>) -> Result<Response, Stop> {
    rows.sort_by(|one, other| one.key.cmp(&other.key));
    let matches = rows.iter().map(|row| Ok(Match { key: &row.key, dossier: raw(&row.public)? }));
    let matches = matches.collect::<Result<Vec<_>, StoreError>>()?;
    let body = Several {
        matches,
        advice: "Ghi thêm ?source= để chọn một hồ sơ.",
        advice_en: "Add ?source= to choose one dossier.",
    };
    mark.json(StatusCode::MULTIPLE_CHOICES, JSON, &body, None)
}

/// A stored public text as it stands.
pub(super) fn raw(public: &Option<Vec<u8>>) -> Result<Option<&RawValue>, StoreError> {
    let parse = |text| serde_json::from_slice::<&RawValue>(text);
    let raw = public.as_deref().map(parse).transpose();
    raw.map_err(|error| StoreError::fault(format!("a public text is damaged: {error}")))
}

/// What became of a message.
#[derive(Debug, Serialize, ToSchema)]
struct Messages {
    /// Its attempts, newest first.
    messages: Vec<Trace>,
}

/// All attempts under a message's id, newest first, with what was refused and how to mend it.
#[utoipa::path(
    get, path = "/v1/messages/{id}",
    tag = tags::MESSAGES, operation_id = "getMessage",
    summary = "What became of a message, attempt by attempt",
    description = "Mọi lần gửi dưới một mã thông điệp, mới nhất trước, kèm từng lỗi và cách \
                   sửa.",
    params(MessageAsked),
    responses(
        (status = 200, description = "Các lần gửi.\n\nThe attempts.", body = Messages),
        Unchanged,
    ),
)]
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
    reading.json(StatusCode::OK, JSON, &Messages { messages }, None)
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

asked! {
    /// A dossier by its code.
    DossierAsked: [
        named_in_path("code", "000.00.01.H19-240903-0001", "Mã hồ sơ.", "The dossier's code."),
        text("source", "Nguồn, khi nhiều hồ sơ cùng mã.", "The source, where several bear it."),
        as_of(),
        purpose::purpose(),
        purpose::reason(),
    ];
    /// The same, of what has no personal members.
    PublicAsked: [
        named_in_path("code", "000.00.01.H19-240903-0001", "Mã hồ sơ.", "The dossier's code."),
        text("source", "Nguồn, khi nhiều hồ sơ cùng mã.", "The source, where several bear it."),
        as_of(),
    ];
    /// A message by its id.
    MessageAsked: [
        named_in_path("id", "m-1", "Mã thông điệp.", "The message's id."),
        text("channel", "Kênh, khi nhiều kênh cùng mã.", "The channel, where several have it."),
    ];
}
