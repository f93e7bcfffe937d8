//! `GET /v1/requests`, `/v1/applications`, each also with `/{id}`: what is addressed to somebody,
//! and how it stands. What is posted to the same addresses becomes a message:
//! `adapters::rest::exchange`.

use adapters::rest::problem::ProblemResponse;
use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};

use super::{
    Api, Asker,
    answer::{JSON, Reading, Stop, nothing},
    kinds::NOT_YOURS,
    paging::Paging,
    params::Params,
    statistics::today,
};
use crate::{
    auth::Principal,
    operations::{ExchangeKind, ExchangeQuestion, ExchangeStanding},
    registry::measure::day_number,
};

/// Items on a page, where nothing is said, and at most.
const PAGE: u32 = 50;
const PAGE_MAX: u32 = 200;

/// An answer that is true when it is given: what has become of deliveries is in no position of the
/// journal.
async fn told(api: &Api, standing: Option<ExchangeStanding>) -> Result<Response, Stop> {
    let Some(standing) = standing else { return Err(nothing()) };
    let reading = Reading::begin(api, &HeaderMap::new(), "").await?;
    reading.json(StatusCode::OK, JSON, &standing, Some(standing.as_of))
}

pub(super) async fn request(
    State(api): State<Api>,
    Asker(who): Asker,
    named: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    let Ok(Path(id)) = named else { return Err(nothing()) };
    told(&api, api.operations.request(&who, &id).await?).await
}

pub(super) async fn application(
    State(api): State<Api>,
    Asker(who): Asker,
    named: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    let Ok(Path(id)) = named else { return Err(nothing()) };
    told(&api, api.operations.application(&who, &id).await?).await
}

/// Requests to the asker's agency, those due first first; to all for the operator.
pub(super) async fn requests(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    if matches!(who, Principal::Portal | Principal::Reporting(_)) {
        return Err(ProblemResponse::new(StatusCode::FORBIDDEN, &NOT_YOURS).into());
    }
    let params = Params::read(&uri, &KNOWN)?;
    let answered = params.either("state", ["replied", "open"])?;
    // Whatever was asked before: what is open is due today or later.
    let from_day = (answered == Some(false)).then(|| day_number(today()));
    let listed = Listed { kind: ExchangeKind::Request, answered, from_day, latest: false };
    listed.page((&api, &who), ("/v1/requests", &params), &headers).await
}

/// Applications to the asker's agency, the last that were filed first; all for the portal and the
/// operator.
pub(super) async fn applications(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let params = Params::read(&uri, &KNOWN)?;
    let answered = params.either("state", ["acknowledged", "open"])?;
    let listed = Listed { kind: ExchangeKind::Application, answered, from_day: None, latest: true };
    listed.page((&api, &who), ("/v1/applications", &params), &headers).await
}

/// What both lists take.
const KNOWN: [&str; 4] = ["agency", "state", "limit", "cursor"];

/// A list of requests or applications.
struct Listed {
    kind: ExchangeKind,
    answered: Option<bool>,
    from_day: Option<i32>,
    latest: bool,
}

impl Listed {
    async fn page(
        self,
        (api, who): (&Api, &Principal),
        (path, params): (&str, &Params),
        headers: &HeaderMap,
    ) -> Result<Response, Stop> {
        let agency = params.about(who)?;
        let reading = Reading::begin(api, headers, &format!(".{who}")).await?;
        let paging = Paging { path, list: path, log_id: &reading.head.log.id, params };
        let Self { kind, answered, from_day, latest } = self;
        let (after, limit) = (paging.after()?, params.limit(PAGE, PAGE_MAX)?);
        let question = ExchangeQuestion { kind, agency, answered, from_day, latest, after, limit };
        let page = api.operations.exchanged(who, &question).await?;
        paging.link(reading.json(StatusCode::OK, JSON, &page, Some(page.as_of))?, page.next)
    }
}
