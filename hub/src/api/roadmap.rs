//! `GET /v1/roadmap`: how far each agency is on the plan, on any day, as of any position.

use adapters::rest::problem::ProblemResponse;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};

use super::{
    Api, Asker,
    answer::{JSON, Reading, Stop},
    kinds::{NO_ROADMAP, NOT_YOURS},
    params::Params,
    statistics::{date, today},
};
use crate::api::document::{
    answers::{Forbidden, NotFound, Unchanged},
    params::{agency as agency_of, as_of as as_of_position, asked, day},
    tags,
};
use crate::{auth::Principal, operations::RoadmapStanding};

#[utoipa::path(
    get, path = "/v1/roadmap",
    tag = tags::FINDINGS, operation_id = "getRoadmap",
    summary = "How far each agency is on the plan",
    description = "Tiến độ từng cơ quan theo lộ trình, tại một ngày và một vị trí nhật ký.",
    params(RoadmapAsked),
    responses(
        (status = 200, description = "Tiến độ.\n\nThe progress.", body = RoadmapStanding),
        Unchanged,
        Forbidden,
        NotFound,
    ),
)]
pub(super) async fn roadmap(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let params = Params::read(&uri, &["as_of_date", "agency", "as_of"])?;
    let asked = params.text("agency");
    // An agency sees its own lines, among all with its place.
    let agency = match (&who, asked) {
        (Principal::Agency(own), None) => Some(own.as_str()),
        (Principal::Agency(own), Some(other)) if own != other => {
            return Err(ProblemResponse::new(StatusCode::FORBIDDEN, &NOT_YOURS).into());
        }
        _ => asked,
    };
    let (today, as_of) = (today(), params.position("as_of")?);
    let on = date(&params, "as_of_date")?.unwrap_or(today);
    let reading = Reading::begin(&api, &headers, &format!(".{today}")).await?;
    let found = api.operations.roadmap(agency, on, as_of).await?;
    let none = || ProblemResponse::new(StatusCode::NOT_FOUND, &NO_ROADMAP);
    let answer = found.ok_or_else(none)?;
    reading.json(StatusCode::OK, JSON, &answer, Some(answer.as_of))
}

asked! {
    /// The roadmap.
    RoadmapAsked: [
        day("as_of_date", "Tính đến ngày này; bỏ trống là hôm nay.", "On this day; else today."),
        agency_of(),
        as_of_position(),
    ];
}
