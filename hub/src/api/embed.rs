//! `GET /v1/embed/…`: procedures on pages of others, as JSON-LD, and the script that shows them
//! there. What is public anyway, for whoever asks from wherever; nothing else of the hub is.

use adapters::rest::problem::ProblemResponse;
use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{
        HeaderMap, HeaderValue, StatusCode, Uri,
        header::{
            ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{IntoResponse, Response},
};

use super::{Api, answer::Stop, dossiers::named, kinds, params::Params, statistics::today};
use crate::api::document::{
    answers::{NotFound, Unchanged, Unreadable},
    params::{asked, named as in_path, text},
    tags,
};
use crate::{catalogue::Directory, journal::merkle::Digest, store::StoreError};

/// What is shown of procedures holds for so long: five minutes.
const CACHED: &str = "public, max-age=300";

/// The media type of JSON-LD.
const JSON_LD: &str = "application/ld+json";

/// The script.
const SCRIPT: &str = include_str!("embed.js");

/// Lets every page read an answer, be it a problem.
fn open(answer: Result<Response, Stop>) -> Response {
    let mut response = answer.into_response();
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Bytes that whoever has them already is not sent again.
fn cached(headers: &HeaderMap, media_type: &'static str, bytes: Vec<u8>) -> Response {
    let tag = format!("\"{}\"", Digest::of(&bytes));
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = known.flat_map(|list| list.split(',')).map(str::trim);
    let same = tags.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag);
    let mut response = match same {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => bytes.into_response(),
    };
    let answer = response.headers_mut();
    if !same {
        answer.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    answer.insert(CACHE_CONTROL, HeaderValue::from_static(CACHED));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.insert(ETAG, tag);
    }
    response
}

/// What is found in the catalogue, as an answer.
fn told(
    api: &Api,
    headers: &HeaderMap,
    find: impl FnOnce(&Directory) -> Option<serde_json::Value>,
) -> Result<Response, Stop> {
    let none = || ProblemResponse::new(StatusCode::NOT_FOUND, &kinds::NO_CATALOGUE);
    let directory = api.operations.published.get().ok_or_else(none)?;
    let nothing = || ProblemResponse::new(StatusCode::NOT_FOUND, &kinds::NOT_FOUND);
    let found = find(&directory).ok_or_else(nothing)?;
    let text = serde_json::to_vec(&found).map_err(|error| StoreError::fault(error.to_string()))?;
    Ok(cached(headers, JSON_LD, text))
}

#[utoipa::path(
    get, path = "/v1/embed/procedures/{code}",
    tag = tags::CATALOGUE, operation_id = "embedProcedure",
    summary = "A procedure for a page, as JSON-LD",
    description = "Một thủ tục đang có hiệu lực, dạng JSON-LD theo schema.org \
                   (GovernmentService), để gắn vào trang của cổng thông tin. Không cần khóa, mọi \
                   trang đều đọc được (CORS).",
    security(()),
    params(EmbeddedProcedure),
    responses(
        (status = 200, description = "Thủ tục, mỗi cơ quan một mục trong @graph.\n\n\
                                      The procedure, one item in @graph for each agency.",
            body = serde_json::Value, content_type = "application/ld+json"),
        Unchanged, Unreadable, NotFound,
    ),
)]
pub(super) async fn procedure(
    State(api): State<Api>,
    code: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let answer = || {
        let code = named("code", code)?;
        let params = Params::read(&uri, &["agency"])?;
        told(&api, &headers, |known| known.embedded(&code, params.text("agency"), today()))
    };
    open(answer())
}

#[utoipa::path(
    get, path = "/v1/embed/agencies/{agency}",
    tag = tags::CATALOGUE, operation_id = "embedAgency",
    summary = "The procedures of an agency for a page, as JSON-LD",
    description = "Danh sách thủ tục đang có hiệu lực của một cơ quan, dạng JSON-LD theo \
                   schema.org (ItemList). Không cần khóa, mọi trang đều đọc được (CORS).",
    security(()),
    params(EmbeddedAgency),
    responses(
        (status = 200, description = "Danh sách.\n\nThe list.",
            body = serde_json::Value, content_type = "application/ld+json"),
        Unchanged, Unreadable, NotFound,
    ),
)]
pub(super) async fn agency(
    State(api): State<Api>,
    agency: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let answer = || {
        let agency = named("agency", agency)?;
        Params::read(&uri, &[])?;
        told(&api, &headers, |known| known.embedded_of(&agency, today()))
    };
    open(answer())
}

#[utoipa::path(
    get, path = "/v1/embed/script.js",
    tag = tags::CATALOGUE, operation_id = "getEmbedScript",
    summary = "The script that shows procedures on a page",
    description = "Đoạn mã nhỏ hiển thị thủ tục ở mỗi thẻ có data-lien-thong-procedure; không \
                   dùng iframe, không cookie. Không cần khóa.",
    security(()),
    responses(
        (status = 200, description = "Đoạn mã.\n\nThe script.",
            content((String = "text/javascript; charset=utf-8"))),
        Unchanged,
    ),
)]
pub(super) async fn script(headers: HeaderMap) -> Response {
    open(Ok(cached(&headers, "text/javascript; charset=utf-8", SCRIPT.as_bytes().to_vec())))
}

asked! {
    /// Which procedure.
    EmbeddedProcedure: [
        in_path("code", "1.009001", "Mã thủ tục.", "The procedure's code."),
        text("agency", "Chỉ của cơ quan này.", "Only that of this agency."),
    ];
    /// Which agency.
    EmbeddedAgency: [
        in_path("agency", "so-xay-dung", "Mã cơ quan.", "The agency's id."),
    ];
}
