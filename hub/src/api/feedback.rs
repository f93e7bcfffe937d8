//! `GET /v1/feedback` and `/v1/feedback/summary`: what citizens and businesses say of the service.
//! What is posted to the same addresses becomes a message: `adapters::rest::push`.

use adapters::rest::problem::ProblemResponse;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};

use super::{
    Api, Asker,
    answer::{JSON, Reading, Stop},
    paging::Paging,
    params::{Params, bad},
    statistics::{date, today},
};
use crate::{
    operations::FeedbackQuestion,
    registry::measure::{day_number, day_of},
};

/// Items on a page, where nothing is said, and at most.
const PAGE: u32 = 50;
const PAGE_MAX: u32 = 200;

/// What cursors of the list are for.
const LIST: &str = "feedback";

fn days(params: &Params) -> Result<Option<(i32, i32)>, ProblemResponse> {
    let (from, to) = (date(params, "from")?, date(params, "to")?);
    if from.is_none() && to.is_none() {
        return Ok(None);
    }
    Ok(Some((from.map_or(i32::MIN, day_number), to.map_or(i32::MAX, day_number))))
}

pub(super) async fn list(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let known = ["agency", "procedure", "state", "from", "to", "limit", "cursor"];
    let params = Params::read(&uri, &known)?;
    let agency = params.about(&who)?;
    let answered = params.either("state", ["answered", "open"])?;
    let reading = Reading::begin(&api, &headers, &format!(".{who}")).await?;
    let log_id = &reading.head.log.id;
    let paging = Paging { path: "/v1/feedback", list: LIST, log_id, params: &params };
    let question = FeedbackQuestion {
        agency,
        procedure: params.text("procedure").map(ToOwned::to_owned),
        answered,
        days: days(&params)?,
        after: paging.after()?,
        limit: params.limit(PAGE, PAGE_MAX)?,
    };
    let page = api.operations.feedback(&who, &question).await?;
    paging.link(reading.json(StatusCode::OK, JSON, &page, Some(page.as_of))?, page.next)
}

pub(super) async fn summary(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let params = Params::read(&uri, &["agency", "from", "to", "by"])?;
    let by_procedure = match params.text("by") {
        None | Some("agency") => false,
        Some("procedure") => true,
        Some(other) => {
            let (vi, en) = ("Ghi agency hoặc procedure.", "Write agency or procedure.");
            return Err(bad("by", other, vi, en).into());
        }
    };
    let agency = params.about(&who)?;
    // Where nothing is said, this year.
    let today = today();
    let year = (day_number(today.first_of_year()), day_number(today.last_of_year()));
    let days = days(&params)?.unwrap_or(year);
    let reading = Reading::begin(&api, &headers, &format!(".{today}")).await?;
    let told = api.operations.feedback_summary(agency.as_deref(), days, by_procedure).await?;
    let day = |number: i32| (number > i32::MIN && number < i32::MAX).then(|| day_of(number));
    let body = serde_json::json!({ "from": day(days.0), "to": day(days.1), "rows": told.rows,
                                   "as_of": told.as_of });
    reading.json(StatusCode::OK, JSON, &body, Some(told.as_of))
}
