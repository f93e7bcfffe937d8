//! `GET /docs`: the document as a page, by programs that are compiled in. Nothing is had from
//! elsewhere.

use std::sync::{Arc, LazyLock};

use adapters::rest::problem::ProblemResponse;
use axum::{
    body::Body,
    extract::{Path, rejection::PathRejection},
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    },
    response::Response,
};
use utoipa_swagger_ui::{Config, serve};

use super::{
    answers::NotFound,
    params::{asked, named_of},
    tags,
};
use crate::api::kinds;

/// All is the hub's own. The page writes styles into its elements, and has pictures in its text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; font-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the page consists of.
const FILES: [&str; 7] = [
    "swagger-ui.css",
    "index.css",
    "swagger-ui-bundle.js",
    "swagger-ui-standalone-preset.js",
    "swagger-initializer.js",
    "favicon-16x16.png",
    "favicon-32x32.png",
];

/// What the page is told: where the document is; to ask nobody else what it thinks of that.
static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    let config = Config::from("/openapi.json").validator_url("none");
    Arc::new(config.try_it_out_enabled(true).persist_authorization(false))
});

fn file(name: &str) -> Result<Response, ProblemResponse> {
    let none = || ProblemResponse::new(StatusCode::NOT_FOUND, &kinds::NOT_FOUND);
    let file = serve(name, CONFIG.clone()).ok().flatten().ok_or_else(none)?;
    let bytes = match name {
        // The page is at an address without a slash at its end.
        "" => {
            let page = String::from_utf8_lossy(&file.bytes).replace("./", "");
            page.replace("href=\"", "href=\"docs/").replace("src=\"", "src=\"docs/").into_bytes()
        }
        _ => file.bytes.into_owned(),
    };
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    if let Ok(media_type) = HeaderValue::from_str(&file.content_type) {
        headers.insert(CONTENT_TYPE, media_type);
    }
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

#[utoipa::path(
    get, path = "/docs", tag = tags::OPERATIONS, operation_id = "showDocs",
    summary = "This document as a page to read and try",
    description = "Tài liệu này dưới dạng trang web; mọi thứ trang dùng đều nằm trong hệ thống, \
                   không tải gì từ bên ngoài. Không cần khóa.",
    security(()),
    responses((status = 200, description = "Trang tài liệu.\n\nThe page.",
        content((String = "text/html")))),
)]
pub(in crate::api) async fn docs() -> Result<Response, ProblemResponse> {
    file("")
}

asked! {
    /// Which file.
    Part: [named_of("file", &FILES, "Tệp của trang.", "A file of the page.")];
}

#[utoipa::path(
    get, path = "/docs/{file}", tag = tags::OPERATIONS, operation_id = "getDocsFile",
    summary = "A file that the page of this document uses",
    description = "Một tệp mà trang tài liệu dùng. Không cần khóa.",
    security(()),
    params(Part),
    responses(
        (status = 200, description = "Tệp đó.\n\nThe file.", content(
            (String = "text/javascript"), (String = "text/css"), (String = "image/png"))),
        NotFound,
    ),
)]
pub(in crate::api) async fn part(
    named: Result<Path<String>, PathRejection>,
) -> Result<Response, ProblemResponse> {
    let named = named.map(|Path(name)| name).unwrap_or_default();
    let known = FILES.into_iter().find(|name| *name == named);
    let none = || ProblemResponse::new(StatusCode::NOT_FOUND, &kinds::NOT_FOUND);
    file(known.ok_or_else(none)?)
}
