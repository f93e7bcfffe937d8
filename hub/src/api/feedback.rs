//! `GET /v1/feedback` and `/v1/feedback/summary`: what citizens and businesses say of the service.
//! What is posted to the same addresses becomes a message: `adapters::rest::push`.

use adapters::rest::problem::ProblemResponse;
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header::LINK},
    response::Response,
};

use super::{
    Api, Asker,
    answer::{JSON, Reading, Stop, bad_cursor},
    kinds::NOT_YOURS,
    params::{Params, bad},
    statistics::{date, today},
};
use crate::{
    auth::Principal,
    cursor,
    operations::FeedbackQuestion,
    registry::measure::{day_number, day_of},
    store::StoreError,
};

/// Items on a page, where nothing is said, and at most.
const PAGE: u32 = 50;
const PAGE_MAX: u32 = 200;

/// What cursors of the list are for.
const LIST: &str = "feedback";

/// The agency that may be asked about: an agency's own, for others any or all.
fn about(who: &Principal, params: &Params) -> Result<Option<String>, Stop> {
    match (who, params.text("agency")) {
        (Principal::Agency(own), Some(other)) if own != other => {
            Err(ProblemResponse::new(StatusCode::FORBIDDEN, &NOT_YOURS).into())
        }
        (Principal::Agency(own), _) => Ok(Some(own.clone())),
        (_, asked) => Ok(asked.map(ToOwned::to_owned)),
    }
}

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
    let answered = match params.text("state") {
        None => None,
        Some("open") => Some(false),
        Some("answered") => Some(true),
        Some(other) => {
            let (vi, en) = ("Ghi open hoặc answered.", "Write open or answered.");
            return Err(bad("state", other, vi, en).into());
        }
    };
    let agency = about(&who, &params)?;
    let reading = Reading::begin(&api, &headers, &format!(".{who}")).await?;
    let log_id = &reading.head.log_id;
    let place = |text: &str| {
        let (position, day) = cursor::read(log_id, LIST, text)?;
        Some((day.parse().ok()?, position))
    };
    let after = params.text("cursor").map(|text| place(text).ok_or_else(bad_cursor)).transpose()?;
    let question = FeedbackQuestion {
        agency,
        procedure: params.text("procedure").map(ToOwned::to_owned),
        answered,
        days: days(&params)?,
        after,
        limit: params.limit(PAGE, PAGE_MAX)?,
    };
    let page = api.operations.feedback(&who, &question).await?;
    let next = page.next.map(|(day, position)| {
        let cursor = cursor::write(log_id, LIST, &(position, day.to_string()));
        let query = params.query_without(&["cursor"]);
        format!("</v1/feedback?{query}cursor={cursor}>; rel=\"next\"")
    });
    let mut response = reading.json(StatusCode::OK, JSON, &page, Some(page.as_of))?;
    if let Some(next) = next {
        let link =
            HeaderValue::from_str(&next).map_err(|error| StoreError::fault(error.to_string()))?;
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
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
    let agency = about(&who, &params)?;
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
