//! `GET /problems`: every kind of problem that the hub can name, for people and for programs.
//!
//! A problem's `code` is stable; its `type` is a URN of that code, and its page is
//! `/problems/{code}`.

use adapters::rest::problem::ProblemResponse;
use axum::{
    extract::{Path, rejection::PathRejection},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY},
    },
    response::{IntoResponse, Response},
};
use contracts::problem::{CATALOGUE, Kind};
use serde::Serialize;
use utoipa::ToSchema;

use super::{answers::NotFound, params::asked, params::named, tags};
use crate::api::kinds;

const HTML: &str = "text/html; charset=utf-8";

/// The pages load nothing and run nothing; their style is their own.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// Why a request was not done, after RFC 9457; with further members by its kind.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// A URN of the code.
    #[serde(rename = "type")]
    #[schema(pattern = "^urn:problem-type:lienthong:[a-z0-9-]+$")]
    kind: String,
    /// What is wrong, in Vietnamese.
    title: String,
    /// The same in English.
    title_en: String,
    /// The stable code: see `/problems/{code}`.
    code: String,
    /// How to mend it, in Vietnamese.
    advice: String,
    /// The same in English.
    advice_en: String,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is particular to this case, in Vietnamese.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The same in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail_en: Option<String>,
}

/// Where a kind of problem may be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Met {
    /// In the answer to a question.
    Answer,
    /// In the answer to a message.
    Message,
    /// In a record of a message.
    Record,
    /// In a file of a drop folder.
    File,
    /// In a fault over SOAP.
    Soap,
}

impl Met {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Answer => ("Khi hỏi hệ thống", "In the answer to a question"),
            Self::Message => ("Khi gửi thông điệp", "In the answer to a message"),
            Self::Record => ("Trong một bản ghi được gửi", "In a record of a message"),
            Self::File => ("Trong thư mục thả tệp", "In a file of a drop folder"),
            Self::Soap => ("Qua SOAP", "In a fault over SOAP"),
        }
    }
}

/// A kind of problem.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
struct ProblemKind {
    /// The stable code.
    code: &'static str,
    /// The URN in the member `type` of problems.
    #[serde(rename = "type", serialize_with = "urn")]
    #[schema(value_type = String)]
    kind: &'static str,
    /// Its page.
    #[serde(serialize_with = "address")]
    #[schema(value_type = String)]
    href: &'static str,
    /// Where it may be met.
    met_in: Met,
    /// What is wrong, in Vietnamese.
    title: &'static str,
    /// The same in English.
    title_en: &'static str,
    /// How to mend it, in Vietnamese.
    advice: &'static str,
    /// The same in English.
    advice_en: &'static str,
}

fn urn<S: serde::Serializer>(code: &&str, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("urn:problem-type:lienthong:{code}"))
}

fn address<S: serde::Serializer>(code: &&str, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&format_args!("/problems/{code}"))
}

/// All kinds of problems.
#[derive(Debug, Serialize, ToSchema)]
struct ProblemKinds {
    /// By where they are met.
    problems: Vec<ProblemKind>,
}

fn all() -> impl Iterator<Item = ProblemKind> {
    [
        (Met::Answer, kinds::KINDS),
        (Met::Message, adapters::rest::kinds::KINDS),
        (Met::Record, CATALOGUE),
        (Met::File, adapters::file::kinds::KINDS),
        (Met::Soap, adapters::soap::kinds::KINDS),
    ]
    .into_iter()
    .flat_map(|(met_in, kinds)| kinds.iter().map(move |kind| told(met_in, kind)))
}

fn told(met_in: Met, kind: &Kind) -> ProblemKind {
    let (code, (title, title_en), (advice, advice_en)) = (kind.code, kind.detail, kind.advice);
    ProblemKind { code, kind: code, href: code, met_in, title, title_en, advice, advice_en }
}

/// Whether a reader would rather have a page than JSON: it names HTML, and JSON not before it.
fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = accepted.flat_map(|list| list.split(','));
    let first = types.find_map(|one| {
        let one = one.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        matches!(one.as_str(), "text/html" | "application/json").then_some(one)
    });
    first.as_deref() == Some("text/html")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn section(one: &ProblemKind) -> String {
    let ProblemKind { code, title, title_en, advice, advice_en, .. } = one;
    let (vi, en) = one.met_in.words();
    let [title, title_en, advice, advice_en] =
        [title, title_en, advice, advice_en].map(|text| escaped(text));
    format!(
        "<section id=\"{code}\"><h2><a href=\"/problems/{code}\"><code>{code}</code></a></h2>\
         <p>{title}<br><i lang=\"en\">{title_en}</i></p>\
         <p><b>Cách xử lý:</b> {advice}<br><i lang=\"en\">{advice_en}</i></p>\
         <p><small>{vi} · <i lang=\"en\">{en}</i></small></p></section>"
    )
}

fn page(kinds: &[ProblemKind]) -> String {
    let sections: String = kinds.iter().map(section).collect();
    format!(
        "<!doctype html><html lang=\"vi\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Lỗi của Liên Thông</title>\
         <style>body{{font-family:sans-serif;max-width:45em;margin:2em auto;padding:0 1em;\
         line-height:1.5}}section{{border-top:1px solid #bbb}}</style>\
         <h1><a href=\"/problems\">Các loại lỗi</a></h1>{sections}</html>"
    )
}

fn answer<T: Serialize>(headers: &HeaderMap, kinds: &[ProblemKind], told: &T) -> Response {
    let mut response = match wants_page(headers) {
        true => ([(CONTENT_TYPE, HTML)], page(kinds)).into_response(),
        false => axum::Json(told).into_response(),
    };
    let own = response.headers_mut();
    own.insert(VARY, HeaderValue::from_static("accept"));
    own.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    own.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

#[utoipa::path(
    get, path = "/problems", tag = tags::OPERATIONS, operation_id = "listProblems",
    summary = "All kinds of problems, with what to do about each",
    description = "Danh mục các loại lỗi: mã ổn định, ý nghĩa và cách xử lý. Trả về JSON, hoặc \
                   trang HTML khi Accept ưu tiên text/html. Không cần khóa.",
    security(()),
    responses((status = 200, description = "Mọi loại lỗi.\n\nEvery kind of problem.",
        content((ProblemKinds = "application/json"), (String = "text/html; charset=utf-8")))),
)]
pub(in crate::api) async fn problems(headers: HeaderMap) -> Response {
    let kinds: Vec<ProblemKind> = all().collect();
    answer(&headers, &kinds, &ProblemKinds { problems: kinds.clone() })
}

asked! {
    /// Which kind.
    Named: [named("code", "bad-parameter", "Mã lỗi.", "The code of the problem.")];
}

#[utoipa::path(
    get, path = "/problems/{code}", tag = tags::OPERATIONS, operation_id = "getProblem",
    summary = "One kind of problem, with what to do about it",
    description = "Một loại lỗi: ý nghĩa và cách xử lý. Trả về JSON, hoặc trang HTML khi Accept \
                   ưu tiên text/html. Không cần khóa.",
    security(()),
    params(Named),
    responses(
        (status = 200, description = "Loại lỗi đó.\n\nThat kind of problem.",
            content((ProblemKind = "application/json"), (String = "text/html; charset=utf-8"))),
        NotFound,
    ),
)]
pub(in crate::api) async fn problem(
    code: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, ProblemResponse> {
    let code = code.map(|Path(code)| code).unwrap_or_default();
    let kind = all().find(|kind| kind.code == code);
    let none = || ProblemResponse::new(StatusCode::NOT_FOUND, &kinds::NOT_FOUND);
    let kind = kind.ok_or_else(none)?;
    Ok(answer(&headers, &[kind], &kind))
}
