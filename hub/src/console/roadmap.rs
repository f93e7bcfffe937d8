//! `/console/roadmap`: how far each agency is on the plan, on a page of its own.

use adapters::rest::problem::ProblemResponse;
use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::civil::Date;
use serde::Deserialize;

use super::{sent, unanswered};
use crate::{
    api::{kinds::NO_ROADMAP, today},
    operations::{Operations, RoadmapStanding},
    registry::roadmap::{Duty, Roadmap, State as DutyState, YearMoney, dotted},
};

/// Late duties shown.
const LATE_SHOWN: usize = 200;

#[derive(Template)]
#[template(path = "roadmap.html")]
struct Page {
    told: Roadmap,
    as_of: u64,
    years: Vec<i16>,
    late: Vec<Duty>,
    /// Each year with what was planned, estimated, approved and spent.
    money: Vec<(i16, [String; 4])>,
}

/// The day that is asked for.
#[derive(Deserialize)]
pub(super) struct On {
    as_of_date: Option<Date>,
}

pub(super) async fn show(
    State(operations): State<Operations>,
    on: Result<Query<On>, axum::extract::rejection::QueryRejection>,
) -> Response {
    // A day that is none is today: the page has no form to mistype it in.
    let on = on.ok().and_then(|Query(On { as_of_date })| as_of_date).unwrap_or_else(today);
    let standing = match operations.roadmap(None, on, None).await {
        Ok(Some(standing)) => standing,
        Ok(None) => {
            return ProblemResponse::new(StatusCode::NOT_FOUND, &NO_ROADMAP).into_response();
        }
        Err(error) => return unanswered(&error),
    };
    match page(standing).render() {
        Ok(text) => sent("text/html; charset=utf-8", text),
        Err(error) => {
            tracing::error!(%error, "the roadmap's page cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn page(standing: RoadmapStanding) -> Page {
    let RoadmapStanding { roadmap: told, as_of, .. } = standing;
    let is_late = |duty: &&Duty| matches!(duty.state, DutyState::Late | DutyState::Overdue);
    let late = told.reports.iter().chain(&told.milestones).filter(is_late).take(LATE_SHOWN);
    let late = late.cloned().collect();
    let first = told.waves.iter().map(|wave| wave.from.year()).min().unwrap_or_default();
    let last = told.waves.iter().map(|wave| wave.to.year()).max().unwrap_or_default();
    let of = |year: &YearMoney| {
        let amounts = [year.planned, year.estimated, year.approved, year.spent];
        (year.year, amounts.map(dotted))
    };
    let money = told.money.iter().map(of).collect();
    Page { years: (first..=last).collect(), late, money, told, as_of }
}
