//! `/v1/watches`: a citizen follows one dossier. The portal asks with what a look-up takes, and is
//! answered as a look-up is: a wrong code and a wrong secret alike, by the same limits. What is
//! told of it stands in the feed `notices`.

use adapters::rest::problem::ProblemResponse;
use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{
        Extensions, HeaderMap, HeaderValue, StatusCode, Uri,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    Api, Asker, Sent,
    answer::{JSON, Reading, Stop, nothing},
    kinds,
    lookups::{self, bad},
    params::{Params, given_id},
    statistics::today,
};
use crate::api::document::{
    answers::{Conflict, NotFound, TooLarge, TooOften},
    params::{asked as parameters, named},
    tags,
};
use crate::{
    cursor,
    feeds::Feed,
    operations::{
        PublicView,
        lookups::{ToldWatch, WATCH_DAYS, WATCH_DAYS_MAX, WATCHES_MAX, Watching},
    },
    store::{StoreError, watches::Added},
};

/// What is known of a dossier by who wants to follow it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WatchAsked {
    /// The code: either spelling, any alias, or what a receipt's QR code holds.
    #[schema(min_length = 1, max_length = 2000)]
    code: String,
    /// The last four characters of the applicant's telephone or identity number, or what the
    /// receipt has printed for its holder.
    #[schema(min_length = 1, max_length = 64)]
    secret: String,
    /// The agency, where several have that code.
    #[serde(default)]
    agency: Option<String>,
    /// For how many days; 180 where it is absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 400)]
    days: Option<u32>,
}

/// A watch that was made, and its dossier as it is now.
#[derive(Serialize, ToSchema)]
struct WatchMade {
    /// The watch.
    #[serde(flatten)]
    watch: ToldWatch,
    /// Where it begins: a cursor of the feed `notices`.
    after: String,
    /// The dossier.
    dossier: PublicView,
}

/// Follows a dossier.
#[utoipa::path(
    post, path = "/v1/watches",
    tag = tags::DOSSIERS, operation_id = "watchDossier",
    summary = "Follow one dossier",
    description = "Cổng cho người nộp theo dõi một hồ sơ bằng mã hồ sơ và bốn ký tự cuối của số \
                   điện thoại hoặc giấy tờ, hoặc mã trên giấy hẹn; thay đổi ở dòng sự kiện \
                   notices.",
    request_body = WatchAsked,
    responses(
        (status = 201, description = "Đang theo dõi.\n\nIt is followed.", body = WatchMade),
        NotFound,
        Conflict,
        TooLarge,
        TooOften,
    ),
)]
pub(super) async fn make(
    State(api): State<Api>,
    Asker(who): Asker,
    extensions: Extensions,
    uri: Uri,
    headers: HeaderMap,
    Sent(body): Sent,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    let WatchAsked { code, secret, agency, days } =
        serde_json::from_slice(&body).map_err(|_| lookups::shape())?;
    let claim = lookups::claim(code, secret, agency)?;
    let days = days.unwrap_or(WATCH_DAYS);
    if !(1..=WATCH_DAYS_MAX).contains(&days) {
        return Err(bad(
            &format!("days: từ 1 đến {WATCH_DAYS_MAX}."),
            &format!("days: 1 to {WATCH_DAYS_MAX}."),
        ));
    }
    // Nothing is begun for who only guesses.
    let asking = api.operations.look_up(&claim, today());
    lookups::recognised(&api, (&extensions, &headers), &claim.code, asking).await?;
    match api.operations.watch(&who, &claim, days).await? {
        Watching::Made(watch, dossier) => {
            let log = api.operations.store.head().await?.log;
            let place = (dossier.as_of, String::new());
            let after = cursor::write(&log.id, &Feed::Notices.list(), &place);
            let made = WatchMade { watch, after, dossier: *dossier };
            let text =
                serde_json::to_vec(&made).map_err(|error| StoreError::fault(error.to_string()))?;
            let headers = [(CONTENT_TYPE, JSON), (CACHE_CONTROL, "no-store")];
            Ok((StatusCode::CREATED, headers, text).into_response())
        }
        Watching::Full(full) => {
            let (of, most) = match full {
                Added::DossierFull => ("dossier", WATCHES_MAX.of_dossier),
                _ => ("owner", WATCHES_MAX.of_owner),
            };
            let problem = ProblemResponse::new(StatusCode::CONFLICT, &kinds::TOO_MANY_WATCHES);
            Err(problem.member("of", json!(of)).member("watches_max", json!(most)).into())
        }
        Watching::Nothing => Err(nothing()),
    }
}

/// A watch that has not ended.
#[utoipa::path(
    get, path = "/v1/watches/{id}",
    tag = tags::DOSSIERS, operation_id = "getWatch",
    summary = "A watch, as long as it lasts",
    description = "Một lượt theo dõi còn hiệu lực của khóa này.",
    params(WatchNamed),
    responses((status = 200, description = "Lượt theo dõi.\n\nThe watch.", body = ToldWatch)),
)]
pub(super) async fn one(
    State(api): State<Api>,
    Asker(who): Asker,
    named: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    let found = api.operations.watched(&who, &given_id(named)?).await?.ok_or_else(nothing)?;
    let reading = Reading::begin(&api, &HeaderMap::new(), "").await?;
    let mut response = reading.json(StatusCode::OK, JSON, &found, None)?;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Ends a watch.
#[utoipa::path(
    delete, path = "/v1/watches/{id}",
    tag = tags::DOSSIERS, operation_id = "unwatchDossier",
    summary = "Follow a dossier no more",
    description = "Thôi theo dõi hồ sơ.",
    params(WatchNamed),
    responses((status = 204, description = "Đã thôi.\n\nIt has ended.")),
)]
pub(super) async fn end(
    State(api): State<Api>,
    Asker(who): Asker,
    named: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    Params::read(&uri, &[])?;
    match api.operations.unwatch(&who, &given_id(named)?).await? {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(nothing()),
    }
}

parameters! {
    /// One watch.
    WatchNamed: [
        named("id", "0123456789abcdef0123456789abcdef", "Mã theo dõi.", "The watch's name."),
    ];
}
