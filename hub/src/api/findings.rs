//! `GET /v1/findings`: what there is to ask about dossiers and agencies.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use serde_json::json;

use adapters::rest::problem::ProblemResponse;

use super::{
    Api, Asker,
    answer::{JSON, Mark, Stop},
    paging::Paging,
    params::{Params, bad},
};
use crate::{
    operations::{FindingQuestion, PAGE_MAX},
    registry::finding::{FOLD_VERSION, RuleName},
};

const PAGE_DEFAULT: u32 = 100;

const KNOWN: [&str; 6] = ["agency", "rule", "dossier", "state", "cursor", "limit"];

/// The list of a cursor: of another version of the fold it is refused.
fn list() -> String {
    format!("/v1/findings.{FOLD_VERSION}")
}

/// Findings, the latest opened first.
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
    let body = json!({ "findings": page.findings, "as_of": page.judged });
    paging.link(mark.json(StatusCode::OK, JSON, &body, None)?, page.next)
}

fn rule(params: &Params) -> Result<Option<RuleName>, ProblemResponse> {
    let Some(text) = params.text("rule") else { return Ok(None) };
    let rule = RuleName::ALL.iter().copied().find(|rule| rule.name() == text);
    rule.map(Some).ok_or_else(|| {
        let names: Vec<&str> = RuleName::ALL.iter().map(|rule| rule.name()).collect();
        let names = names.join(", ");
        let vi = format!("Ghi một quy tắc: {names}.");
        bad("rule", text, &vi, &format!("Write one of {names}."))
    })
}
