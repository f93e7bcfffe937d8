//! What a read of personal members says of itself: the parameters `purpose` and `reason`, a key for
//! `personal:read`. Who names no purpose is given public members.

use adapters::rest::{kinds::UNAUTHENTICATED, problem::ProblemResponse};
use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE, request::Parts},
};
use utoipa::openapi::path::Parameter;

use super::{
    document::params::{text, word},
    kinds,
    params::{Params, bad},
    scopes::not_granted,
};
use crate::{
    auth::{Caller, Purpose, Scope},
    operations::Reader,
};

/// The names of both parameters.
pub(super) const PURPOSE: &str = "purpose";
pub(super) const REASON: &str = "reason";

/// Who asks, with the key; asking without one ends here.
pub(super) struct Bearer(pub(super) Caller);

impl<S: Sync> FromRequestParts<S> for Bearer {
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ProblemResponse> {
        parts.extensions.get::<Caller>().cloned().map(Self).ok_or_else(|| {
            ProblemResponse::new(StatusCode::UNAUTHORIZED, &UNAUTHENTICATED)
                .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
        })
    }
}

/// Who reads, and what for, in a call by its `operationId`.
///
/// # Errors
/// The answer to a purpose that there is not, or that lacks its reason, and to a key without the
/// scope.
pub(super) fn reader(
    caller: &Caller,
    params: &Params,
    call: &'static str,
) -> Result<Reader, ProblemResponse> {
    let reason = params.text(REASON).map(str::trim).filter(|reason| !reason.is_empty());
    let Some(told) = params.text(PURPOSE) else {
        return match reason {
            None => Ok(Reader::of_public(caller.principal.clone())),
            Some(reason) => {
                let (vi, en) = ("Ghi kèm tham số purpose.", "Write the parameter purpose with it.");
                Err(bad(REASON, reason, vi, en))
            }
        };
    };
    let Ok(purpose) = told.parse::<Purpose>() else {
        let names = Purpose::NAMES.join(", ");
        let vi = format!("Ghi một mục đích: {names}.");
        return Err(bad(PURPOSE, told, &vi, &format!("Write one of {names}.")));
    };
    if purpose == Purpose::Other && reason.is_none() {
        let (vi, en) = ("Ghi lý do vào reason.", "Tell it in the parameter reason.");
        return Err(bad(PURPOSE, told, vi, en));
    }
    if let Some(reason) = reason.filter(|reason| reason.contains(char::is_control)) {
        let (vi, en) = ("Viết trên một dòng.", "Write it on one line.");
        return Err(bad(REASON, reason, vi, en));
    }
    if !caller.scopes.has(Scope::Persons) {
        return Err(not_granted(Scope::Persons));
    }
    Ok(Reader::stating(caller, call, purpose, reason.map(ToOwned::to_owned)))
}

/// The same where there is nothing to give but what is personal.
///
/// # Errors
/// Those of [`reader`]; the answer to a call without a purpose.
pub(super) fn stated(
    caller: &Caller,
    params: &Params,
    call: &'static str,
) -> Result<Reader, ProblemResponse> {
    let reader = reader(caller, params, call)?;
    if reader.states() {
        return Ok(reader);
    }
    let names = Purpose::NAMES.join(", ");
    let problem = ProblemResponse::new(StatusCode::FORBIDDEN, &kinds::PURPOSE_MISSING);
    Err(problem.member("known", serde_json::json!(names)))
}

/// What tells answers with personal members from those without, in their tags.
pub(super) fn tag(reader: &Reader) -> &'static str {
    if reader.states() { ".personal" } else { "" }
}

/// The purpose, as operations describe it.
pub(super) fn purpose() -> Parameter {
    word(
        PURPOSE,
        Purpose::NAMES,
        "Mục đích xem thông tin cá nhân; bỏ trống thì chỉ trả phần công khai. Lần xem được ghi \
         lại và cơ quan có dữ liệu xem được ở /v1/access-log.",
        "What personal members are read for; without it only public ones are given. It is written \
         to the log that the agency whose data it is reads at /v1/access-log.",
    )
}

/// Its reason, as operations describe it.
pub(super) fn reason() -> Parameter {
    text(
        REASON,
        "Lý do bằng lời; bắt buộc khi purpose=other. Không ghi thông tin cá nhân.",
        "The same in words; needed where purpose=other. Nothing personal is to stand in it.",
    )
}
