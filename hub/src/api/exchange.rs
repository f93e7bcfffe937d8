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
    Api,
    answer::{JSON, Reading, Stop, nothing},
    kinds::NOT_YOURS,
    paging::Paging,
    params::Params,
    purpose::{self, Bearer, PURPOSE, REASON},
    statistics::today,
};
use crate::api::document::{
    answers::{Forbidden, Unchanged},
    params::{agency as agency_of, asked, cursor, limit as limit_of, named as named_in_path, word},
    tags,
};
use crate::{
    auth::Principal,
    operations::{ExchangeKind, ExchangePage, ExchangeQuestion, ExchangeStanding, Reader},
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

#[utoipa::path(
    get, path = "/v1/requests/{id}",
    tag = tags::EXCHANGE, operation_id = "getRequest",
    summary = "How one request stands",
    description = "Tình trạng một yêu cầu phối hợp ở từng cơ quan.",
    params(RequestAsked),
    responses(
        (status = 200, description = "Tình trạng.\n\nHow it stands.", body = ExchangeStanding),
        Forbidden,
    ),
)]
pub(super) async fn request(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    named: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    let params = Params::read(&uri, &[PURPOSE, REASON])?;
    let reader = purpose::reader(&caller, &params, "getRequest")?;
    let Ok(Path(id)) = named else { return Err(nothing()) };
    told(&api, api.operations.request(&reader, &id).await?).await
}

#[utoipa::path(
    get, path = "/v1/applications/{id}",
    tag = tags::EXCHANGE, operation_id = "getApplication",
    summary = "How one application stands",
    description = "Tình trạng một hồ sơ nộp trực tuyến ở từng cơ quan.",
    params(ApplicationAsked),
    responses(
        (status = 200, description = "Tình trạng.\n\nHow it stands.", body = ExchangeStanding),
        Forbidden,
    ),
)]
pub(super) async fn application(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    named: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    let params = Params::read(&uri, &[PURPOSE, REASON])?;
    let reader = purpose::reader(&caller, &params, "getApplication")?;
    let Ok(Path(id)) = named else { return Err(nothing()) };
    told(&api, api.operations.application(&reader, &id).await?).await
}

/// Requests to the asker's agency, those due first first; to all for the operator.
#[utoipa::path(
    get, path = "/v1/requests",
    tag = tags::EXCHANGE, operation_id = "listRequests",
    summary = "Requests that are addressed to the asker",
    description = "Các yêu cầu phối hợp gửi tới cơ quan, đến hạn trước đứng trước.",
    params(RequestsAsked),
    responses(
        (status = 200, description = "Một trang.\n\nA page.", body = ExchangePage),
        Unchanged,
        Forbidden,
    ),
)]
pub(super) async fn requests(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    if matches!(caller.principal, Principal::Portal | Principal::Reporting(_)) {
        return Err(ProblemResponse::new(StatusCode::FORBIDDEN, &NOT_YOURS).into());
    }
    let params = Params::read(&uri, &KNOWN)?;
    let answered = params.either("state", ["replied", "open"])?;
    // Whatever was asked before: what is open is due today or later.
    let from_day = (answered == Some(false)).then(|| day_number(today()));
    let listed = Listed { kind: ExchangeKind::Request, answered, from_day, latest: false };
    let reader = purpose::reader(&caller, &params, "listRequests")?;
    listed.page((&api, &reader), ("/v1/requests", &params), &headers).await
}

/// Applications to the asker's agency, the last that were filed first; all for the portal and the
/// operator.
#[utoipa::path(
    get, path = "/v1/applications",
    tag = tags::EXCHANGE, operation_id = "listApplications",
    summary = "Applications that are addressed to the asker",
    description = "Các hồ sơ nộp trực tuyến gửi tới cơ quan, mới nộp trước.",
    params(ApplicationsAsked),
    responses(
        (status = 200, description = "Một trang.\n\nA page.", body = ExchangePage),
        Unchanged,
        Forbidden,
    ),
)]
pub(super) async fn applications(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let params = Params::read(&uri, &KNOWN)?;
    let answered = params.either("state", ["acknowledged", "open"])?;
    let listed = Listed { kind: ExchangeKind::Application, answered, from_day: None, latest: true };
    let reader = purpose::reader(&caller, &params, "listApplications")?;
    listed.page((&api, &reader), ("/v1/applications", &params), &headers).await
}

/// What both lists take.
const KNOWN: [&str; 6] = ["agency", "state", "limit", "cursor", PURPOSE, REASON];

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
        (api, reader): (&Api, &Reader),
        (path, params): (&str, &Params),
        headers: &HeaderMap,
    ) -> Result<Response, Stop> {
        let who = reader.who();
        let agency = params.about(who)?;
        let also = format!(".{who}{}", purpose::tag(reader));
        let reading = Reading::begin(api, headers, &also).await?;
        let paging = Paging { path, list: path, log_id: &reading.head.log.id, params };
        let Self { kind, answered, from_day, latest } = self;
        let (after, limit) = (paging.after()?, params.limit(PAGE, PAGE_MAX)?);
        let question = ExchangeQuestion { kind, agency, answered, from_day, latest, after, limit };
        let page = api.operations.exchanged(reader, &question).await?;
        paging.link(reading.json(StatusCode::OK, JSON, &page, Some(page.as_of))?, page.next)
    }
}

asked! {
    /// One request.
    RequestAsked: [
        named_in_path("id", "so-y-te~yc-1", "Mã yêu cầu.", "The request."),
        purpose::purpose(),
        purpose::reason(),
    ];
    /// One application.
    ApplicationAsked: [
        named_in_path("id", "portal~hs-1", "Mã hồ sơ nộp.", "The application."),
        purpose::purpose(),
        purpose::reason(),
    ];
    /// Requests.
    RequestsAsked: [
        agency_of(),
        word("state", &["replied", "open"], "Đã trả lời hay chưa.", "Replied or open."),
        limit_of(PAGE, PAGE_MAX),
        cursor("cursor"),
        purpose::purpose(),
        purpose::reason(),
    ];
    /// Applications.
    ApplicationsAsked: [
        agency_of(),
        word("state", &["acknowledged", "open"], "Đã tiếp nhận hay chưa.", "Acknowledged or open."),
        limit_of(PAGE, PAGE_MAX),
        cursor("cursor"),
        purpose::purpose(),
        purpose::reason(),
    ];
}
