//! `GET /v1/dossiers/{code}/deadline`: the agency's date beside the hub's, each step explained.

use adapters::rest::problem::ProblemResponse;
use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    Api, Asker,
    answer::{JSON, Reading, Stop, nothing},
    dossiers::{PublicAsked, Several, named, several},
    kinds,
    params::Params,
    statistics::today,
};
use crate::api::document::{answers::Unchanged, tags};
use crate::{
    operations::{Brief, DeadlineLookup, Own, Standing},
    registry::deadline::NoDeadline,
};

/// When a dossier is due.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadlineAnswer)]
struct Answer {
    #[serde(flatten)]
    dossier: Brief,
    /// The hub's own reckoning.
    hub: Own,
    /// The position it is true at.
    as_of: u64,
}

/// When a dossier is due: 200; 300 where several bear the code; 404 by name where the hub has no
/// deadline of its own, with the agency's date in it all the same.
#[utoipa::path(
    get, path = "/v1/dossiers/{code}/deadline",
    tag = tags::DOSSIERS, operation_id = "getDeadline",
    summary = "When a dossier is due, by the hub's own reckoning",
    description = "Hạn trả kết quả do hệ thống tính, từng bước tính, và so với hạn cơ quan \
                   hứa. Không tính được thì 404 nêu rõ vì sao.",
    params(PublicAsked),
    responses(
        (status = 200, description = "Hạn.\n\nThe due date.", body = Answer),
        (status = 300, description = "Nhiều hồ sơ mang mã này.\n\n\
            Several dossiers bear this code.", body = Several),
        Unchanged,
    ),
)]
pub(super) async fn deadline(
    State(api): State<Api>,
    Asker(who): Asker,
    code: Result<Path<String>, PathRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let code = named("code", code)?;
    let params = Params::read(&uri, &["source", "as_of"])?;
    let (source, as_of) = (params.text("source"), params.position("as_of")?);
    let today = today();
    let reading = Reading::begin(&api, &headers, &format!(".{today}")).await?;
    match api.operations.deadline(&who, &code, source, as_of, today).await? {
        DeadlineLookup::One(found) => {
            let Standing { dossier, hub, as_of } = *found;
            match hub {
                Ok(hub) => {
                    let answer = Answer { dossier, hub, as_of };
                    reading.json(StatusCode::OK, JSON, &answer, Some(as_of))
                }
                Err(none) => Err(problem(&none, &dossier, as_of).into()),
            }
        }
        DeadlineLookup::Several(rows) => several(reading.mark(), rows),
        DeadlineLookup::Nothing => Err(nothing()),
    }
}

/// Why there is none, with what the agency promised.
fn problem(none: &NoDeadline, dossier: &Brief, as_of: u64) -> ProblemResponse {
    let answer = |kind| ProblemResponse::new(StatusCode::NOT_FOUND, kind);
    let told = match none {
        NoDeadline::NotAccepted => answer(&kinds::NOT_ACCEPTED),
        NoDeadline::NoCalendar => answer(&kinds::NO_CALENDAR),
        NoDeadline::UnknownProcedure { on } => answer(&kinds::UNKNOWN_PROCEDURE)
            .detail(format!("Ngày tiếp nhận: {on}."), format!("The day of acceptance: {on}.")),
        NoDeadline::NoLimit { procedure } => answer(&kinds::NO_TIME_LIMIT)
            .detail(format!("Thủ tục: {procedure}."), format!("The procedure: {procedure}.")),
        NoDeadline::SeveralLimits { limits } => {
            answer(&kinds::SEVERAL_TIME_LIMITS).member("limits", json!(limits))
        }
        NoDeadline::NoRule { on } => answer(&kinds::NO_DEADLINE_RULE)
            .detail(format!("Ngày tiếp nhận: {on}."), format!("The day of acceptance: {on}.")),
        NoDeadline::Outside(outside) => {
            let (day, first, last) = (outside.day, outside.first, outside.last);
            let told = answer(&kinds::OUTSIDE_CALENDAR).detail(
                format!("Cần ngày {day}; lịch có từ {first} đến {last}."),
                format!("The day {day} is needed; the calendar has {first} to {last}."),
            );
            told.member("day", json!(day))
                .member("first_day", json!(first))
                .member("last_day", json!(last))
        }
    };
    told.member("dossier", json!(dossier)).member("as_of", json!(as_of))
}
