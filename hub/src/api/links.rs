//! `GET /v1/links`: where the e-service of each procedure is, and whether it answers there; as
//! pages, or whole as a sheet for who mends them.

use std::collections::BTreeMap;

use adapters::rest::problem::ProblemResponse;
use axum::{
    Json,
    extract::State,
    http::{
        HeaderValue, Uri,
        header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Api, Asker,
    answer::Stop,
    catalogue::{Asked, PAGE_DEFAULT, PAGE_MAX},
    params::bad,
    statistics::{date, today},
};
use crate::api::document::{
    answers::{Gone, NotFound},
    params::{asked, cursor, day, limit, text, word},
    tags,
};
use crate::{
    catalogue::{LinkQuestion, paged},
    operations::{LinkStanding, LinkState, LinksAsked},
    report::links::{self, Sheet},
    store::StoreError,
};

/// The states that a link may have.
const STATES: [&str; 4] = ["unvisited", "alive", "failing", "dead"];

/// The forms of an answer.
const FORMATS: [&str; 3] = ["json", "csv", "xlsx"];

/// One page of links.
#[derive(Serialize, ToSchema)]
#[schema(as = LinkList)]
struct Answer<'a> {
    /// Links in the order of the catalogue.
    items: Vec<LinkStanding<'a>>,
    /// How many there are in all.
    total: usize,
    /// How many stand how, whatever `state` asks for.
    #[schema(value_type = BTreeMap<String, usize>)]
    states: BTreeMap<&'static str, usize>,
    /// The day that they are of.
    #[schema(value_type = String, format = Date)]
    on: Date,
    /// The position from which on the catalogue says so.
    as_of: u64,
}

#[utoipa::path(
    get, path = "/v1/links",
    tag = tags::CATALOGUE, operation_id = "listLinks",
    summary = "Where e-services are, and whether they answer there",
    description = "Đường dẫn tới dịch vụ trực tuyến của từng thủ tục tại từng cơ quan, cùng kết \
                   quả kiểm tra gần nhất; state=dead là báo cáo đường dẫn hỏng, lấy được dưới \
                   dạng CSV hoặc XLSX.",
    params(LinksParameters),
    responses(
        (status = 200, description = "Một trang, hoặc cả bảng.\n\nA page, or the whole sheet.",
            content((Answer = "application/json"),
                (Vec<u8> = "text/csv; charset=utf-8; header=present"),
                (Vec<u8> =
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        NotFound,
        Gone,
    ),
)]
pub(super) async fn list(
    State(api): State<Api>,
    Asker(_): Asker,
    uri: Uri,
) -> Result<Response, Stop> {
    let known = &["agency", "procedure", "state", "on", "format", "limit", "cursor"];
    let asked = Asked::read(&api, "links", known, &uri)?;
    let on = date(&asked.params, "on")?.unwrap_or_else(today);
    let of = LinkQuestion { agency: asked.text("agency"), procedure: asked.text("procedure"), on };
    let state = one_of(&asked, "state", &STATES)?;
    let state = state.and_then(|at| LinkState::ALL.get(at).copied());
    let sheet = match one_of(&asked, "format", &FORMATS)? {
        Some(1) => Some(Sheet::Csv),
        Some(2) => Some(Sheet::Xlsx),
        _ => None,
    };
    let found = api.operations.links(&asked.directory, &LinksAsked { of, state }).await?;
    let found = found.map_err(|unknown| asked.unknown(&unknown))?;
    if let Some(sheet) = sheet {
        return written(sheet, &found.links, on);
    }
    let (items, total, next) = paged(found.links, asked.window);
    let answer = Answer { items, total, states: found.states, on, as_of: asked.as_of() };
    let mut response = Json(answer).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    asked.link(response, next)
}

/// The place of the word that a parameter says; none where it says nothing.
fn one_of(asked: &Asked, name: &str, words: &[&str]) -> Result<Option<usize>, ProblemResponse> {
    let Some(told) = asked.params.text(name) else { return Ok(None) };
    let place = words.iter().position(|word| *word == told);
    place.map(Some).ok_or_else(|| {
        let known = words.join(", ");
        let (vi, en) = (format!("Ghi một trong: {known}."), format!("Write one of: {known}."));
        bad(name, told, &vi, &en)
    })
}

/// The sheet as an answer.
fn written(sheet: Sheet, all: &[LinkStanding<'_>], on: Date) -> Result<Response, Stop> {
    let text = links::write(sheet, all).map_err(|error| StoreError::fault(error.to_string()))?;
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(sheet.media_type()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    let name = format!("attachment; filename=\"links-{on}.{}\"", sheet.name());
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

asked! {
    /// Links.
    LinksParameters: [
        text("agency", "Mã cơ quan.", "An agency's id."),
        text("procedure", "Mã thủ tục.", "A code of a procedure."),
        word("state", &STATES, "Tình trạng đường dẫn.", "How the link stands."),
        day("on", "Danh mục của ngày này; bỏ trống: hôm nay.", "As of this day; else today."),
        word("format", &FORMATS, "Dạng trả lời; csv, xlsx: cả bảng, không chia trang.",
            "The form of the answer; csv and xlsx are whole, without pages."),
        limit(PAGE_DEFAULT, PAGE_MAX),
        cursor("cursor"),
    ];
}
