//! `GET /v1/feedback` and `/v1/feedback/summary`: what citizens and businesses say of the service.
//! What is posted to the same addresses becomes a message: `adapters::rest::push`.

use adapters::rest::problem::ProblemResponse;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};

use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Api, Asker,
    answer::{JSON, Reading, Stop},
    paging::Paging,
    params::{Params, bad},
    purpose::{self, Bearer, PURPOSE, REASON},
    statistics::{date, today},
};
use crate::api::document::{
    answers::{Forbidden, Unchanged},
    params::{agency as agency_of, asked, cursor, day, limit, text, word},
    tags,
};
use crate::{
    operations::{FeedbackPage, FeedbackQuestion},
    registry::feedback::Row,
    registry::measure::{day_number, day_of},
};

/// Items on a page, where nothing is said, and at most.
const PAGE: u32 = 50;
const PAGE_MAX: u32 = 200;

/// What cursors of the list are for.
const LIST: &str = "feedback";

/// Feedback in numbers.
#[derive(Debug, Serialize, ToSchema)]
struct SummaryAnswer {
    /// The first day; none where it is from the beginning.
    #[schema(value_type = Option<String>, format = Date)]
    from: Option<Date>,
    /// The last day; none where it is to the end.
    #[schema(value_type = Option<String>, format = Date)]
    to: Option<Date>,
    /// By agency, or by procedure.
    rows: Vec<Row>,
    /// Numbers out of fewer are left out, and what would give them away; absent where none are.
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressed_below: Option<u32>,
    /// The position it is true at.
    as_of: u64,
}

fn days(params: &Params) -> Result<Option<(i32, i32)>, ProblemResponse> {
    let (from, to) = (date(params, "from")?, date(params, "to")?);
    if from.is_none() && to.is_none() {
        return Ok(None);
    }
    Ok(Some((from.map_or(i32::MIN, day_number), to.map_or(i32::MAX, day_number))))
}

#[utoipa::path(
    get, path = "/v1/feedback",
    tag = tags::FEEDBACK, operation_id = "listFeedback",
    summary = "What citizens said, and what was answered",
    description = "Phản ánh của người dân và câu trả lời; không có thông tin cá nhân với \
                   người không được xem.",
    params(FeedbackAsked),
    responses(
        (status = 200, description = "Một trang.\n\nA page.", body = FeedbackPage),
        Unchanged,
        Forbidden,
    ),
)]
pub(super) async fn list(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let known = ["agency", "procedure", "state", "from", "to", "limit", "cursor", PURPOSE, REASON];
    let params = Params::read(&uri, &known)?;
    let reader = purpose::reader(&caller, &params, "listFeedback")?;
    let who = reader.who();
    let agency = params.about(who)?;
    let answered = params.either("state", ["answered", "open"])?;
    let reading =
        Reading::begin(&api, &headers, &format!(".{who}{}", purpose::tag(&reader))).await?;
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
    let page = api.operations.feedback(&reader, &question).await?;
    paging.link(reading.json(StatusCode::OK, JSON, &page, Some(page.as_of))?, page.next)
}

#[utoipa::path(
    get, path = "/v1/feedback/summary",
    tag = tags::FEEDBACK, operation_id = "summarizeFeedback",
    summary = "Feedback in numbers",
    description = "Số phản ánh, tỷ lệ trả lời và điểm đánh giá, theo cơ quan hoặc thủ tục. Khóa \
                   portal không được nêu số của quá ít phản ánh: xem suppressed.",
    params(SummaryAsked),
    responses(
        (status = 200, description = "Số liệu.\n\nThe numbers.", body = SummaryAnswer),
        Unchanged,
        Forbidden,
    ),
)]
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
    let also = format!(".{today}.{who}.{}", api.operations.few);
    let reading = Reading::begin(&api, &headers, &also).await?;
    let told = api.operations.feedback_summary(&who, agency.as_deref(), days, by_procedure).await?;
    let day = |number: i32| (number > i32::MIN && number < i32::MAX).then(|| day_of(number));
    let (from, to) = (day(days.0), day(days.1));
    let suppressed_below = told.suppressed_below;
    let body = SummaryAnswer { from, to, rows: told.rows, suppressed_below, as_of: told.as_of };
    reading.json(StatusCode::OK, JSON, &body, Some(told.as_of))
}

asked! {
    /// Feedback.
    FeedbackAsked: [
        agency_of(),
        text("procedure", "Mã thủ tục.", "The procedure's code."),
        word("state", &["answered", "open"], "Đã trả lời hay chưa.", "Answered or open."),
        day("from", "Từ ngày.", "From this day."),
        day("to", "Đến ngày.", "To this day."),
        limit(PAGE, PAGE_MAX),
        cursor("cursor"),
        purpose::purpose(),
        purpose::reason(),
    ];
    /// Feedback in numbers.
    SummaryAsked: [
        agency_of(),
        day("from", "Từ ngày; bỏ cả hai là năm nay.", "From this day; without both, this year."),
        day("to", "Đến ngày.", "To this day."),
        word("by", &["agency", "procedure"], "Chia theo.", "What it is divided by."),
    ];
}
