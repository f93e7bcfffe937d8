//! `GET /v1/statistics/dossiers`: the dossiers that a number counts.

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
    answer::{JSON, Reading, Stop, bad_cursor},
    paging::Paging,
    params::{Params, bad},
    statistics::{days_and_places, may_ask, not_as_of, question, today},
};
use crate::api::document::{
    answers::{Conflict, Forbidden, Unchanged},
    params::{cursor, limit as limit_of, wanted_word},
    tags,
};
use crate::{
    cursor,
    journal::merkle::Digest,
    operations::{CountedDossier, CountedFrom, Number, PAGE_MAX},
    registry::measure::{counted_by_hub, names, stored_name},
};
use utoipa::{
    IntoParams,
    openapi::path::{Parameter, ParameterIn},
};

/// What cursors of this list are of.
const LIST: &str = "statistics/dossiers";
const PATH: &str = "/v1/statistics/dossiers";
const PAGE_DEFAULT: u32 = 100;

/// What this list takes beside days and places.
const ALSO: [&str; 3] = ["measure", "limit", "cursor"];

/// Dossiers that a number counts.
#[derive(Debug, Serialize, ToSchema)]
struct Counted {
    /// The measure.
    measure: &'static str,
    /// The first day.
    #[schema(value_type = String, format = Date)]
    from: Date,
    /// The last day.
    #[schema(value_type = String, format = Date)]
    to: Date,
    /// The position it is true at.
    as_of: u64,
    /// The dossiers of this page.
    dossiers: Vec<CountedDossier>,
}

/// The measure asked for.
fn measure(params: &Params) -> Result<&'static str, ProblemResponse> {
    let text = params.text("measure").unwrap_or_default();
    stored_name(text).ok_or_else(|| {
        let names = names().join(", ");
        let vi = format!("Ghi một số đo: {names}.");
        bad("measure", text, &vi, &format!("Write a measure: {names}."))
    })
}

/// Dossiers of a number, as the statistics of the same days and places tell it: 200, with the next
/// page in `Link` while there is one; a page may be short, or empty, and have a next one.
#[utoipa::path(
    get, path = "/v1/statistics/dossiers",
    tag = tags::STATISTICS, operation_id = "listCountedDossiers",
    summary = "The dossiers that a number counts",
    description = "Các hồ sơ đứng sau một con số của /v1/statistics với cùng tham số.",
    params(CountedAsked),
    responses(
        (status = 200, description = "Một trang; có thể ngắn hoặc rỗng mà vẫn còn trang sau.\n\n\
            A page; it may be short or empty and have a next one.", body = Counted),
        Unchanged,
        Forbidden,
        Conflict,
    ),
)]
pub(super) async fn dossiers(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let today = today();
    let (question, params) = question(&uri, today, &ALSO)?;
    may_ask(&api, &who, &question)?;
    let measure = measure(&params)?;
    let limit = usize::try_from(params.limit(PAGE_DEFAULT, PAGE_MAX)?).unwrap_or(usize::MAX);
    let mut also = format!(".{today}");
    if counted_by_hub(measure).is_some() {
        not_as_of(&question)?;
        also = format!("{also}.{}", api.operations.store.judged().await?);
    }
    let reading = Reading::begin(&api, &headers, &also).await?;
    let log_id = &reading.head.log.id;
    // A cursor holds for the question that it was given for.
    let days = (question.from, question.to);
    let asked = format!("{measure} {days:?} {}", params.query_without(&["cursor", "limit"]));
    let mark = Digest::of(asked.as_bytes()).to_string();
    let paging = Paging { path: PATH, list: LIST, log_id, params: &params };
    let from = paging.after()?.map(|(number, key): cursor::Place| {
        let as_of = key.strip_prefix(&mark)?.trim_start().parse().ok()?;
        Some(CountedFrom { as_of, number })
    });
    let from = from.map(|from| from.ok_or_else(bad_cursor)).transpose()?;
    let number = Number { measure, question: &question };
    let page = api.operations.counted(&who, &number, from, limit).await?;
    let (from, to, as_of, dossiers) = (question.from, question.to, page.as_of, page.dossiers);
    let body = Counted { measure, from, to, as_of, dossiers };
    let next = page.next.map(|next| (next.number, format!("{mark} {}", next.as_of)));
    paging.link(reading.json(StatusCode::OK, JSON, &body, Some(page.as_of))?, next)
}

/// What is asked for the dossiers of a number.
#[derive(Debug)]
pub(super) enum CountedAsked {}

impl IntoParams for CountedAsked {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut all = days_and_places();
        let (vi, en) = ("Số đo của con số.", "The measure of the number.");
        all.push(wanted_word("measure", &names(), vi, en));
        all.push(limit_of(PAGE_DEFAULT, PAGE_MAX));
        all.push(cursor("cursor"));
        all
    }
}
