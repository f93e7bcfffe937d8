//! `GET /v1/erasures`: whose persons were erased, when, by whose wish and why.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};

use super::{
    Api, Asker,
    answer::{JSON, Mark, Stop},
    document::{
        answers::{Forbidden, Unchanged},
        params::{agency as agency_of, asked, cursor, limit},
        tags,
    },
    paging::Paging,
    params::Params,
};
use crate::operations::{ErasurePage, PAGE_MAX};

const PAGE_DEFAULT: u32 = 100;
const PATH: &str = "/v1/erasures";

/// Erasures in journal order: an agency those of dossiers that it has told of, the operator all.
#[utoipa::path(
    get, path = "/v1/erasures",
    tag = tags::OPERATIONS, operation_id = "listErasures",
    summary = "Whose personal data was erased on request, and why",
    description = "Các lần xóa dữ liệu cá nhân theo yêu cầu, theo thứ tự nhật ký: hồ sơ nào, lúc \
                   nào, ai yêu cầu, vì sao. Cơ quan xem hồ sơ của mình, đơn vị vận hành xem tất \
                   cả.",
    params(ErasuresAsked),
    responses(
        (status = 200, description = "Một trang.\n\nA page.", body = ErasurePage),
        Unchanged,
        Forbidden,
    ),
)]
pub(super) async fn list(
    State(api): State<Api>,
    Asker(who): Asker,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Stop> {
    let params = Params::read(&uri, &["agency", "cursor", "limit"])?;
    let agency = params.about(&who)?;
    let head = api.operations.store.head().await?;
    let paging = Paging { path: PATH, list: PATH, log_id: &head.log.id, params: &params };
    let after: Option<(u64, String)> = paging.after()?;
    let limit = params.limit(PAGE_DEFAULT, PAGE_MAX)?;
    let after = after.map(|(position, _)| position);
    let page = api.operations.erasure_page(agency.as_deref(), after, limit).await?;
    let next = page.next.map(|position| (position, String::new()));
    let mark = Mark::of_journal(&headers, (&head.log.id, head.tree.size), "")?;
    paging.link(mark.json(StatusCode::OK, JSON, &page, None)?, next)
}

asked! {
    /// Erasures.
    ErasuresAsked: [agency_of(), limit(PAGE_DEFAULT, PAGE_MAX), cursor("cursor")];
}
