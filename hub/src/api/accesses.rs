//! `GET /v1/access-log`: who was given personal data of one's agency, and what for.

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, Uri, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};

use super::{
    Api, Asker,
    answer::Stop,
    document::{
        answers::Forbidden,
        params::{agency as agency_of, asked, cursor, limit, text},
        tags,
    },
    paging::Paging,
    params::Params,
};
use crate::operations::{AccessPage, PAGE_MAX};

const PAGE_DEFAULT: u32 = 100;
const PATH: &str = "/v1/access-log";

/// The log, the latest first: an agency's own, all of it for the operator.
#[utoipa::path(
    get, path = "/v1/access-log",
    tag = tags::OPERATIONS, operation_id = "listAccesses",
    summary = "Who was given personal data of one's agency, and what for",
    description = "Nhật ký truy cập thông tin cá nhân: ai, lúc nào, hồ sơ nào, mục đích gì; mới \
                   nhất đứng trước. Cơ quan xem phần của mình, đơn vị vận hành xem tất cả.",
    params(AccessesAsked),
    responses(
        (status = 200, description = "Một trang.\n\nA page.", body = AccessPage),
        Forbidden,
    ),
)]
pub(super) async fn log(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
) -> Result<Response, Stop> {
    let params = Params::read(&uri, &["agency", "dossier", "cursor", "limit"])?;
    let agency = params.about(&who)?;
    let head = api.operations.store.head().await?;
    let paging = Paging { path: PATH, list: PATH, log_id: &head.log.id, params: &params };
    let (after, limit) = (paging.after()?, params.limit(PAGE_DEFAULT, PAGE_MAX)?);
    let about = params.text("dossier");
    let page = api.operations.access_log(&who, agency, about, (after, limit)).await?;
    let mut response = Json(&page).into_response();
    let unkept = HeaderValue::from_static("private, no-store");
    response.headers_mut().insert(CACHE_CONTROL, unkept);
    paging.link(response, page.next)
}

asked! {
    /// The log of accesses.
    AccessesAsked: [
        agency_of(),
        text(
            "dossier",
            "Mã hồ sơ, khóa hồ sơ, hoặc tên khác như trong subject.",
            "A dossier's code or key, or what else stands in subject.",
        ),
        limit(PAGE_DEFAULT, PAGE_MAX),
        cursor("cursor"),
    ];
}
