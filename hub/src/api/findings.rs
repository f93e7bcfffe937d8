//! `GET /v1/findings`: what there is to ask about dossiers and agencies.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use adapters::rest::problem::ProblemResponse;

use super::{
    Api, Asker,
    answer::{JSON, Mark, Stop},
    paging::Paging,
    params::{Params, bad},
};
use crate::api::document::{
    answers::{Forbidden, Unchanged},
    params::{agency as agency_of, asked, cursor, limit, text, word},
    tags,
};
use crate::{
    described,
    operations::{FindingQuestion, PAGE_MAX},
    registry::finding::{FOLD_VERSION, RuleName},
};

const PAGE_DEFAULT: u32 = 100;

const KNOWN: [&str; 6] = ["agency", "rule", "dossier", "state", "cursor", "limit"];

/// What there is to ask about.
#[derive(Debug, Serialize, ToSchema)]
struct Findings {
    /// The findings of this page.
    #[schema(value_type = Vec<described::Finding>)]
    findings: Vec<Box<RawValue>>,
    /// The position up to which was judged.
    as_of: u64,
}

/// The list of a cursor: of another version of the fold it is refused.
fn list() -> String {
    format!("/v1/findings.{FOLD_VERSION}")
}

/// Findings, the latest opened first.
#[utoipa::path(
    get, path = "/v1/findings",
    tag = tags::FINDINGS, operation_id = "listFindings",
    summary = "What there is to ask about",
    description = "Các phát hiện cần hỏi lại cơ quan, mới mở trước.",
    params(FindingsAsked),
    responses(
        (status = 200, description = "Một trang.\n\nA page.", body = Findings),
        Unchanged,
        Forbidden,
    ),
)]
pub(super) async fn findings(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let params = Params::read(&uri, &KNOWN)?;
    let agency = params.about(&who)?;
    let head = api.operations.store.head().await?;
    let (path, list, log_id) = ("/v1/findings", list(), &head.log.id);
    let paging = Paging { path, list: &list, log_id, params: &params };
    let question = FindingQuestion {
        agency,
        rule: rule(&params)?,
        dossier: params.text("dossier").map(ToOwned::to_owned),
        open: params.either("state", ["open", "closed"])?,
        before: paging.after()?,
        limit: params.limit(PAGE_DEFAULT, PAGE_MAX)?,
    };
    let page = api.operations.findings(&who, question).await?;
    let mark = Mark::of_journal(&headers, (&head.log.id, page.judged), "")?;
    let body = Findings { findings: page.findings, as_of: page.judged };
    paging.link(mark.json(StatusCode::OK, JSON, &body, None)?, page.next)
}

fn rule(params: &Params) -> Result<Option<RuleName>, ProblemResponse> {
    let Some(text) = params.text("rule") else { return Ok(None) };
    let rule = RuleName::ALL.iter().copied().find(|rule| rule.name() == text);
    rule.map(Some).ok_or_else(|| {
        let names = names().join(", ");
        let vi = format!("Ghi một quy tắc: {names}.");
        bad("rule", text, &vi, &format!("Write one of {names}."))
    })
}

/// The rules' names.
fn names() -> Vec<&'static str> {
    RuleName::ALL.iter().map(|rule| rule.name()).collect()
}

asked! {
    /// Findings.
    FindingsAsked: [
        agency_of(),
        word("rule", &names(), "Quy tắc.", "The rule."),
        text("dossier", "Khóa hồ sơ.", "The dossier's key."),
        word("state", &["open", "closed"], "Đang mở hay đã đóng.", "Open or closed."),
        limit(PAGE_DEFAULT, PAGE_MAX),
        cursor("cursor"),
    ];
}
