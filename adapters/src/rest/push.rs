//! `POST /v1/channels/{channel}/messages`: an agency sends one message.
//!
//! In this order, each step before any work of the next: the door is asked, a place among those of
//! the agency is taken, the `Idempotency-Key`
//! and `Content-Encoding` are checked, the body is read within its limits, the inbox is called. It
//! is called too where the body is too much or not packed as is said: that is kept as a refusal.
//! The answer is the inbox's verdict:
//!
//! | Verdict | Answer |
//! |---|---|
//! | stored, partial, or a duplicate of those | 200 and the receipt |
//! | conflict, or a duplicate of one | 409 problem with the receipt |
//! | refused, or a duplicate of one | 422 problem with the receipt |
//! | later | 503 problem and `Retry-After` |
//!
//! Without a place: 429 problem and `Retry-After`.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};

use super::intake::{self, Intake, only};
use super::kinds;
use super::problem::{ProblemResponse, last};

/// Who may send to which channel.
pub trait Door: Send + Sync + 'static {
    /// Lets the bearer of `authorization` (the whole header value) send to `channel`, or not.
    ///
    /// # Errors
    ///
    /// Why not. A channel that does not exist is [`Denied::Forbidden`] like one of somebody else,
    /// so that nobody learns which channels exist.
    fn admit(&self, channel: &str, authorization: Option<&str>) -> Result<(), Denied>;

    /// The channel of that name that is the bearer's own, for what is posted to an address that
    /// names none.
    ///
    /// # Errors
    ///
    /// Why there is none.
    fn own(&self, name: &str, authorization: Option<&str>) -> Result<String, Denied> {
        let _ = (name, authorization);
        Err(Denied::Forbidden)
    }
}

/// Why a door stays shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// No credential, or none that is known and valid.
    Unauthenticated,
    /// Known, but not for this channel, if it exists.
    Forbidden,
}

struct Push {
    intake: Arc<Intake>,
    door: Arc<dyn Door>,
}

/// The route by which agencies push, and addresses of their own for channels that [`Door::own`]
/// names: address and name.
pub fn router(intake: Arc<Intake>, door: Arc<dyn Door>, own: &[(&str, &'static str)]) -> Router {
    let push = Arc::new(Push { intake, door });
    let mut router = Router::new().route("/v1/channels/{channel}/messages", post(receive));
    for (address, name) in own {
        let name = *name;
        let take = async move |State(push): State<Arc<Push>>, request: Request| {
            push.take_own(name, request).await.unwrap_or_else(IntoResponse::into_response)
        };
        router = router.route(address, post(take));
    }
    router.with_state(push)
}

async fn receive(
    State(push): State<Arc<Push>>,
    channel: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let answer = match channel {
        Ok(Path(channel)) => push.take(&channel, request).await,
        Err(_) => Err(ProblemResponse::new(StatusCode::BAD_REQUEST, &kinds::BAD_REQUEST)),
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}

impl Push {
    async fn take_own(&self, name: &str, request: Request) -> Result<Response, ProblemResponse> {
        let authorization = only(request.headers(), &AUTHORIZATION).ok().flatten();
        let channel = self.door.own(name, authorization).map_err(denied).map_err(last)?;
        self.take(&channel, request).await
    }

    async fn take(&self, channel: &str, request: Request) -> Result<Response, ProblemResponse> {
        let (head, body) = request.into_parts();
        let authorization = only(&head.headers, &AUTHORIZATION).ok().flatten();
        self.door.admit(channel, authorization).map_err(denied).map_err(last)?;
        let seat = self.intake.seat(channel).map_err(last)?;
        let key = intake::key(&head.headers).map_err(last)?;
        let receipt = self.intake.message(channel, (&head.headers, body), (key, seat)).await?;
        Ok(Json(receipt).into_response())
    }
}

/// The answer to whom the door stays shut.
pub(crate) fn denied(denied: Denied) -> ProblemResponse {
    match denied {
        Denied::Unauthenticated => {
            ProblemResponse::new(StatusCode::UNAUTHORIZED, &kinds::UNAUTHENTICATED)
                .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
        }
        Denied::Forbidden => ProblemResponse::new(StatusCode::FORBIDDEN, &kinds::FORBIDDEN),
    }
}
