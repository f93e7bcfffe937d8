//! `POST /v1/lookups`: where is my dossier. It wants no key: who asks shows by a second fact to be
//! the applicant, or to hold the receipt.
//!
//! Codes can be guessed: an agency, a day, a number. So a wrong code and a wrong secret have one
//! answer, which takes one time, and both are counted: by the address that asks, and by the code
//! that is asked for, wherever from. The portal, which asks for citizens, is not counted by its own
//! address but by those that it names in `X-Forwarded-For`.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use adapters::rest::{client::Client, problem::ProblemResponse};
use axum::{
    extract::State,
    http::{
        Extensions, HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use tokio::time::sleep_until;
use utoipa::ToSchema;

use super::{
    Api, Sent,
    answer::{JSON, Stop},
    kinds,
    proxies::last_forwarded,
    statistics::today,
};
use crate::api::document::{
    answers::{NotFound, TooLarge, TooOften, Unavailable, Unreadable},
    tags,
};
use crate::{
    auth::{Attempts, Caller, Origin, Principal},
    operations::{Claim, PublicView},
    registry::lookup,
    store::StoreError,
};

/// Bytes of a question, at most.
pub(super) const LOOKUP_BYTES_MAX: usize = 8 * 1024;

/// Characters of a code as it is typed or scanned, and of a secret, at most.
const CODE_CHARS_MAX: usize = 2_000;
const SECRET_CHARS_MAX: usize = 64;

/// Look-ups of one address within [`ADDRESS_WINDOW`].
const ADDRESS_MAX: u32 = 30;
const ADDRESS_WINDOW: Duration = Duration::from_secs(60);

/// Wrong look-ups of one code within [`CODE_WINDOW`]: at this pace four digits hold out for weeks.
const CODE_MAX: u32 = 10;
const CODE_WINDOW: Duration = Duration::from_secs(60 * 60);

/// What finds nothing is answered after so long, whatever it was that was wrong.
const FLOOR: Duration = Duration::from_millis(400);

/// How often it was asked of late.
#[derive(Clone)]
pub struct Lookups {
    addresses: Arc<Attempts<Origin>>,
    codes: Arc<Attempts<String>>,
}

impl Default for Lookups {
    fn default() -> Self {
        Self {
            addresses: Arc::new(Attempts::new(ADDRESS_MAX, ADDRESS_WINDOW)),
            codes: Arc::new(Attempts::new(CODE_MAX, CODE_WINDOW)),
        }
    }
}

/// What is known of a dossier by who asks.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LookupAsked)]
struct Asked {
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
}

/// What the public is told.
#[derive(Serialize, ToSchema)]
#[schema(as = LookedUp)]
struct Answer {
    /// The dossier.
    dossier: PublicView,
}

pub(super) fn bad(vi: &str, en: &str) -> Stop {
    ProblemResponse::new(StatusCode::BAD_REQUEST, &kinds::BAD_LOOKUP).detail(vi, en).into()
}

/// The answer to what is no question.
pub(super) fn shape() -> Stop {
    let told = r#"{"code": "…", "secret": "…"}"#;
    bad(
        &format!("Gửi JSON: {told}; thêm agency nếu mã trùng."),
        &format!("Send JSON: {told}; with agency where several bear the code."),
    )
}

/// What somebody says to know of a dossier.
pub(super) fn claim(code: String, secret: String, agency: Option<String>) -> Result<Claim, Stop> {
    for (name, value, most) in
        [("code", &code, CODE_CHARS_MAX), ("secret", &secret, SECRET_CHARS_MAX)]
    {
        let letters = value.chars().count();
        if !(1..=most).contains(&letters) || value.contains('\0') {
            return Err(bad(
                &format!("{name}: từ 1 đến {most} ký tự, không có NUL."),
                &format!("{name}: 1 to {most} characters, without NUL."),
            ));
        }
    }
    Ok(Claim { code, secret, agency })
}

/// The address that is counted: the caller's own, for the portal that of whom it asks for.
fn counted(extensions: &Extensions, headers: &HeaderMap) -> Option<Origin> {
    let caller = extensions.get::<Caller>().map(|caller| &caller.principal);
    let address = match caller {
        Some(Principal::Portal | Principal::Operator) => last_forwarded(headers),
        _ => Client::of(extensions),
    };
    address.map(Origin::from)
}

fn crowded(left: Duration) -> Stop {
    let seconds = HeaderValue::from(left.as_secs() + 1);
    let problem = ProblemResponse::new(StatusCode::TOO_MANY_REQUESTS, &kinds::TOO_MANY_LOOKUPS);
    problem.header(RETRY_AFTER, seconds).into()
}

/// What is found of the dossier that a claim is of: as often as may be asked of its code and from
/// that address. What finds nothing has one answer, after one time.
pub(super) async fn recognised<T>(
    api: &Api,
    (extensions, headers): (&Extensions, &HeaderMap),
    code: &str,
    asking: impl Future<Output = Result<Option<T>, StoreError>>,
) -> Result<T, Stop> {
    let (began, now) = (tokio::time::Instant::now(), Instant::now());
    if let Some(address) = counted(extensions, headers)
        && let Some(left) = api.lookups.addresses.count(address, now)
    {
        return Err(crowded(left));
    }
    // One code has one count, however it is written and whatever stands around it. All that is
    // looked for is counted.
    let one = |code: String| {
        crate::store::batch::code_of_text(&code).unwrap_or_else(|| code.to_uppercase())
    };
    let codes: BTreeSet<String> = lookup::codes(code).into_iter().map(one).collect();
    let shut = |now| codes.iter().filter_map(|code| api.lookups.codes.left(code, now)).max();
    if let Some(left) = shut(now) {
        return Err(crowded(left));
    }
    let found = asking.await?;
    // Others may have guessed meanwhile. Who asks for one code many times at once hears no more
    // answers than one after the other, and of what is right no other than of what is wrong.
    let now = Instant::now();
    let left = match &found {
        Some(_) => shut(now),
        None => {
            let lefts = codes.iter().map(|code| api.lookups.codes.count(code.clone(), now));
            // Each of them is counted.
            lefts.fold(None, Option::max)
        }
    };
    if let (Some(found), None) = (found, left) {
        return Ok(found);
    }
    sleep_until(began + FLOOR).await;
    Err(left.map_or_else(
        || ProblemResponse::new(StatusCode::NOT_FOUND, &kinds::LOOKUP_FAILED).into(),
        crowded,
    ))
}

/// The public part of the dossier of who asks.
#[utoipa::path(
    post, path = "/v1/lookups",
    tag = tags::DOSSIERS, operation_id = "lookUpDossier",
    summary = "Where is my dossier",
    description = "Người nộp xem hồ sơ của mình bằng mã hồ sơ và bốn ký tự cuối của số điện \
                   thoại hoặc giấy tờ, hoặc mã in trên giấy hẹn. Không cần khóa.",
    security(()),
    request_body = Asked,
    responses(
        (status = 200, description = "Phần công khai.\n\nThe public part.", body = Answer),
        Unreadable,
        NotFound,
        TooLarge,
        TooOften,
        Unavailable,
    ),
)]
pub(super) async fn look_up(
    State(api): State<Api>,
    extensions: Extensions,
    headers: HeaderMap,
    Sent(body): Sent,
) -> Result<Response, Stop> {
    let Asked { code, secret, agency } = serde_json::from_slice(&body).map_err(|_| shape())?;
    let claim = claim(code, secret, agency)?;
    let asking = api.operations.look_up(&claim, today());
    let view = recognised(&api, (&extensions, &headers), &claim.code, asking).await?;
    let text = serde_json::to_vec(&Answer { dossier: view })
        .map_err(|error| StoreError::fault(error.to_string()))?;
    let headers = [(CONTENT_TYPE, JSON), (CACHE_CONTROL, "no-store")];
    Ok((headers, text).into_response())
}
