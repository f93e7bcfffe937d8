//! What is posted to the hub for somebody else: requests and replies of agencies, applications of
//! the portal and what agencies' systems say to them.
//!
//! | Address | Who | `Idempotency-Key` |
//! |---|---|---|
//! | `POST /v1/requests` | an agency | wanted: the request's id is made of it |
//! | `POST /v1/requests/{id}/replies` | an agency | as given |
//! | `POST /v1/applications` | the portal | wanted |
//! | `POST /v1/applications/{id}/acknowledgement` | an agency | as given |
//!
//! Each becomes a message of the sender's own channel, as sent, in an envelope that says by whom
//! and about what; the answer is the receipt, with the id of the request or application beside it.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Request, State, rejection::PathRejection},
    http::{
        HeaderValue, StatusCode,
        header::{AUTHORIZATION, LOCATION},
    },
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    intake::{self, Intake, only},
    kinds,
    problem::{ProblemResponse, last},
    push::{Denied, denied},
};

/// Bytes of one of these, at most: files are not in it.
const PAYLOAD_BYTES_MAX: usize = 1 << 20;

/// Longest key that an id is made of.
const KEY_BYTES_MAX: usize = 120;

/// What is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Post {
    /// A request to other agencies.
    Request,
    /// A reply to one.
    Reply,
    /// An application to an agency's system.
    Application,
    /// What that says to it.
    Acknowledgement,
}

/// A post that was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The channel that it comes by.
    pub channel: String,
    /// The id of the request or application that it is, or is about.
    pub id: String,
    /// The message: what was posted, in its envelope.
    pub payload: Bytes,
}

/// Who may post what, and what becomes of it.
pub trait Office: Send + Sync + 'static {
    /// Lets the bearer of `authorization` post, or not; gives who it is.
    ///
    /// # Errors
    ///
    /// Why not.
    fn admit(&self, post: Post, authorization: Option<&str>) -> Result<String, Denied>;

    /// The letter of what a sender posts: `about` is the id in the address, or the key that the
    /// id is made of.
    fn letter(&self, post: Post, sender: &str, about: &str, body: &[u8]) -> Letter;
}

struct Desk {
    intake: Arc<Intake>,
    office: Arc<dyn Office>,
}

type Named = Result<Path<String>, PathRejection>;

/// The addresses.
pub fn router(intake: Arc<Intake>, office: Arc<dyn Office>) -> Router {
    let begun = |kind: Post| {
        post(async move |State(desk): State<Arc<Desk>>, request: Request| {
            answer(desk.take(kind, None, request).await)
        })
    };
    let about = |kind: Post| {
        post(async move |State(desk): State<Arc<Desk>>, named: Named, request: Request| {
            let Ok(Path(id)) = named else {
                let kind = &kinds::BAD_REQUEST;
                return ProblemResponse::new(StatusCode::BAD_REQUEST, kind).into_response();
            };
            answer(desk.take(kind, Some(id), request).await)
        })
    };
    Router::new()
        .route("/v1/requests", begun(Post::Request))
        .route("/v1/requests/{id}/replies", about(Post::Reply))
        .route("/v1/applications", begun(Post::Application))
        .route("/v1/applications/{id}/acknowledgement", about(Post::Acknowledgement))
        .with_state(Arc::new(Desk { intake, office }))
}

fn answer(taken: Result<Response, ProblemResponse>) -> Response {
    taken.unwrap_or_else(IntoResponse::into_response)
}

/// The key of something that has its id from it.
fn wanted(key: Option<&str>) -> Result<&str, ProblemResponse> {
    let fits = |key: &&str| {
        key.len() <= KEY_BYTES_MAX
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:@-".contains(&byte))
    };
    key.filter(fits)
        .ok_or_else(|| ProblemResponse::new(StatusCode::BAD_REQUEST, &kinds::KEY_WANTED))
}

impl Desk {
    async fn take(
        &self,
        kind: Post,
        about: Option<String>,
        request: Request,
    ) -> Result<Response, ProblemResponse> {
        let (head, body) = request.into_parts();
        let authorization = only(&head.headers, &AUTHORIZATION).ok().flatten();
        let sender = self.office.admit(kind, authorization).map_err(denied).map_err(last)?;
        let seat = self.intake.seat(&sender).map_err(last)?;
        let key = intake::key(&head.headers).map_err(last)?;
        let about = match about {
            Some(id) => id,
            None => wanted(key.as_deref()).map_err(last)?.to_owned(),
        };
        let read = self.intake.payload_within(&head.headers, body, PAYLOAD_BYTES_MAX).await;
        let (sent, share) = read.map_err(last)?;
        let Letter { channel, id, payload } = self.office.letter(kind, &sender, &about, &sent);
        let arrival = intake::arrival(&head.headers, key, payload);
        let receipt = self.intake.accept(&channel, arrival, (share, seat)).await?;
        let mut told = json!(receipt);
        let (member, place) = match kind {
            Post::Request | Post::Reply => ("request", "/v1/requests/"),
            Post::Application | Post::Acknowledgement => ("application", "/v1/applications/"),
        };
        told[member] = Value::String(id.clone());
        let mut response = Json(told).into_response();
        if let Ok(place) = HeaderValue::from_str(&format!("{place}{id}")) {
            response.headers_mut().insert(LOCATION, place);
        }
        Ok(response)
    }
}
