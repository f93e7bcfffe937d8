//! `GET /v1/findings`: what there is to ask about dossiers and agencies.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header::LINK},
    response::Response,
};
use serde_json::json;

use adapters::rest::problem::ProblemResponse;

use super::{
    Api, Asker,
    answer::{JSON, Mark, Stop, bad_cursor},
    kinds::NOT_YOURS,
    params::{Params, bad},
};
use crate::{
    auth::Principal,
    cursor,
    operations::{FindingQuestion, PAGE_MAX},
    registry::finding::{FOLD_VERSION, RuleName},
    store::StoreError,
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
    let agency = params.text("agency").map(ToOwned::to_owned);
    if let (Principal::Agency(own), Some(other)) = (&who, &agency)
        && own != other
    {
        return Err(ProblemResponse::new(StatusCode::FORBIDDEN, &NOT_YOURS).into());
    }
    let head = api.operations.store.head().await?;
    let before = match params.text("cursor") {
        None => None,
        Some(text) => {
            let place = cursor::read(&head.log_id, &list(), text).ok_or_else(bad_cursor)?;
            Some((place.0, place.1.parse().map_err(|_| bad_cursor())?))
        }
    };
    let question = FindingQuestion {
        agency,
        rule: rule(&params)?,
        dossier: params.text("dossier").map(ToOwned::to_owned),
        open: state(&params)?,
        before,
        limit: params.limit(PAGE_DEFAULT, PAGE_MAX)?,
    };
    let page = api.operations.findings(&who, question).await?;
    let mark = Mark::of_journal(&headers, (&head.log_id, page.judged), "")?;
    let body = json!({ "findings": page.findings, "as_of": page.judged });
    let mut response = mark.json(StatusCode::OK, JSON, &body, None)?;
    if let Some((position, number)) = page.next {
        let cursor = cursor::write(&head.log_id, &list(), &(position, number.to_string()));
        let query = params.query_without(&["cursor"]);
        let link = format!("</v1/findings?{query}cursor={cursor}>; rel=\"next\"");
        let link =
            HeaderValue::from_str(&link).map_err(|error| StoreError::fault(error.to_string()))?;
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
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

fn state(params: &Params) -> Result<Option<bool>, ProblemResponse> {
    match params.text("state") {
        None => Ok(None),
        Some("open") => Ok(Some(true)),
        Some("closed") => Ok(Some(false)),
        Some(text) => Err(bad("state", text, "Ghi open hoặc closed.", "Write open or closed.")),
    }
}
