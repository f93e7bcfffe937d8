//! `POST /v1/attachments`: a file of its sender's, for records to name by its claim check; `GET
//! /v1/attachments/{digest}`: for who sent it, or was sent a record that names it.

use adapters::rest::{
    kinds::{PAYLOAD_CUT_SHORT, PAYLOAD_TOO_SLOW},
    problem::ProblemResponse,
};
use axum::{
    Json,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{
        HeaderName, HeaderValue, StatusCode, Uri,
        header::{
            CACHE_CONTROL, CONNECTION, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE,
            RETRY_AFTER,
        },
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    Api, Asker,
    answer::{Stop, nothing},
    kinds::{
        ATTACHMENT_NOT_OF_ITS_TYPE, ATTACHMENT_QUOTA, ATTACHMENT_TOO_LARGE, ATTACHMENT_TYPE,
        NO_ATTACHMENTS, NOT_A_SENDER, UNAVAILABLE,
    },
    params::Params,
    purpose::{self, Bearer, PURPOSE, REASON},
};
use crate::api::document::{
    answers::{Forbidden, Full, NotOffered, TooLarge, TooSlow, TypeNotTaken},
    params::{asked, named as named_in_path, text},
    tags,
};
use crate::{
    attachments::{Attachments, NotTaken},
    auth::Principal,
    registry::exchange::PORTAL,
};

/// When a sender may try again.
const RETRY_SECONDS: u32 = 5;

/// The claim check of a file: what records name it by.
#[derive(Debug, Serialize, ToSchema)]
struct Claim {
    /// Its SHA-256.
    digest: String,
    /// Its bytes.
    size: u64,
    /// Its type.
    media_type: String,
    /// Its name, as the sender told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// Under what name somebody has files; the operator has none.
fn holder(who: &Principal) -> Option<&str> {
    match who {
        Principal::Agency(agency) => Some(agency),
        Principal::Portal => Some(PORTAL),
        Principal::Reporting(_) | Principal::Operator => None,
    }
}

fn kept(api: &Api) -> Result<&Attachments, ProblemResponse> {
    let none = || ProblemResponse::new(StatusCode::NOT_IMPLEMENTED, &NO_ATTACHMENTS);
    api.attachments.as_deref().ok_or_else(none)
}

fn not_taken(why: NotTaken) -> ProblemResponse {
    let problem = match why {
        NotTaken::TooLarge(most) => {
            ProblemResponse::new(StatusCode::PAYLOAD_TOO_LARGE, &ATTACHMENT_TOO_LARGE)
                .member("bytes_max", json!(most))
        }
        NotTaken::Type(types) => {
            ProblemResponse::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, &ATTACHMENT_TYPE)
                .member("known", json!(types))
        }
        NotTaken::NotOfItsType => {
            ProblemResponse::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, &ATTACHMENT_NOT_OF_ITS_TYPE)
        }
        NotTaken::Quota(most) => {
            ProblemResponse::new(StatusCode::INSUFFICIENT_STORAGE, &ATTACHMENT_QUOTA)
                .member("bytes_max", json!(most))
        }
        NotTaken::CutShort => ProblemResponse::new(StatusCode::BAD_REQUEST, &PAYLOAD_CUT_SHORT),
        NotTaken::Slow => ProblemResponse::new(StatusCode::REQUEST_TIMEOUT, &PAYLOAD_TOO_SLOW),
        NotTaken::Later(reason) => {
            ProblemResponse::new(StatusCode::SERVICE_UNAVAILABLE, &UNAVAILABLE)
                .member("reason", json!(reason))
                .header(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS))
        }
    };
    // Some of the file may still be on its way, so its connection carries no other request.
    problem.header(CONNECTION, HeaderValue::from_static("close"))
}

#[utoipa::path(
    post, path = "/v1/attachments",
    tag = tags::EXCHANGE, operation_id = "sendAttachment",
    summary = "Send a file, for records to name",
    description = "Gửi một tệp đính kèm; trả lời là phiếu nhận để ghi vào bản ghi.",
    request_body(content((Vec<u8> = "application/pdf"), (Vec<u8> = "application/octet-stream")),
        description = "Nội dung tệp, đúng loại ghi trong Content-Type.\n\n\
            The file, of the type in Content-Type."),
    params(SendAsked),
    responses(
        (status = 201, description = "Phiếu nhận.\n\nThe claim check.", body = Claim),
        Forbidden,
        TooSlow,
        TooLarge,
        TypeNotTaken,
        NotOffered,
        Full,
    ),
)]
pub(super) async fn send(
    State(api): State<Api>,
    Asker(who): Asker,
    request: Request,
) -> Result<Response, ProblemResponse> {
    let (head, body) = request.into_parts();
    let params = Params::read(&head.uri, &["name"])?;
    let Some(holder) = holder(&who) else {
        return Err(ProblemResponse::new(StatusCode::FORBIDDEN, &NOT_A_SENDER));
    };
    let kept = kept(&api)?;
    let text = |name: HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
    let declared = text(CONTENT_LENGTH).and_then(|bytes| bytes.parse().ok());
    let media_type = text(CONTENT_TYPE).unwrap_or_default();
    let taken = kept.take(holder, media_type, (declared, body)).await.map_err(not_taken)?;
    let claim = Claim {
        digest: taken.digest,
        size: taken.size,
        media_type: taken.media_type,
        name: params.text("name").map(ToOwned::to_owned),
    };
    Ok((StatusCode::CREATED, Json(claim)).into_response())
}

#[utoipa::path(
    get, path = "/v1/attachments/{digest}",
    tag = tags::EXCHANGE, operation_id = "fetchAttachment",
    summary = "A file, for who sent it or was sent a record that names it",
    description = "Lấy một tệp đính kèm theo mã băm.",
    params(FetchAsked),
    responses(
        (status = 200, description = "Tệp.\n\nThe file.", content((Vec<u8> = "*/*"))),
        Forbidden,
        NotOffered,
    ),
)]
pub(super) async fn fetch(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    named: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Stop> {
    let params = Params::read(&uri, &[PURPOSE, REASON])?;
    // Files are personal, whatever is in them.
    let reader = purpose::stated(&caller, &params, "fetchAttachment")?;
    let holder = holder(reader.who());
    let (Ok(Path(digest)), Some(holder)) = (named, holder) else { return Err(nothing()) };
    let Some((file, body)) = kept(&api)?.open(&digest, holder).await? else {
        return Err(nothing());
    };
    api.operations.note_file(&reader, &file.digest).await?;
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from(file.size));
    if let Ok(media_type) = HeaderValue::from_str(&file.media_type) {
        headers.insert(CONTENT_TYPE, media_type);
    }
    // What somebody sent is never shown as a page of the hub's.
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Ok(response)
}

asked! {
    /// What is sent.
    SendAsked: [text("name", "Tên tệp, ghi vào phiếu nhận.", "The file's name, for the claim.")];
    /// Which file.
    FetchAsked: [
        named_in_path(
            "digest",
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "Mã băm của tệp.",
            "The file's digest.",
        ),
        purpose::purpose(),
        purpose::reason(),
    ];
}
