//! Answers to reads: what they are true at, and whether the asker has them already.

use adapters::rest::problem::ProblemResponse;
use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER, VARY},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{Api, kinds};
use crate::store::{Head, StoreError};

/// The journal position an answer is true at.
const JOURNAL_POSITION: HeaderName = HeaderName::from_static("x-journal-position");

/// When an asker may call again after the store could not answer.
const RETRY_SECONDS: u32 = 5;

/// Why a read ends without its answer.
pub(super) enum Stop {
    /// Something is wrong.
    Problem(ProblemResponse),
    /// The asker has this answer already.
    Unchanged(Reading),
}

impl From<ProblemResponse> for Stop {
    fn from(problem: ProblemResponse) -> Self {
        Self::Problem(problem)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a question stays unanswered");
        let problem = ProblemResponse::new(StatusCode::SERVICE_UNAVAILABLE, &kinds::UNAVAILABLE);
        Self::Problem(problem.header(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS)))
    }
}

impl IntoResponse for Stop {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::Unchanged(reading) => {
                let mut response = StatusCode::NOT_MODIFIED.into_response();
                reading.mark(response.headers_mut(), reading.head.tree.size);
                response
            }
        }
    }
}

/// One read: the journal's end when it began. What is read later may be newer, never older.
pub(super) struct Reading {
    pub(super) head: Head,
    tag: String,
}

impl Reading {
    /// Begins a read; stops it if the asker has the answer of this position. `also` is what else
    /// the answer depends on, such as today's date.
    pub(super) async fn begin(api: &Api, headers: &HeaderMap, also: &str) -> Result<Self, Stop> {
        let head = api.operations.store.head().await?;
        let tag = format!("\"{}.{}{also}\"", head.log_id, head.tree.size);
        let reading = Self { head, tag };
        let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut tags = known.flat_map(|list| list.split(',')).map(str::trim);
        if tags.any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == reading.tag) {
            return Err(Stop::Unchanged(reading));
        }
        Ok(reading)
    }

    pub(super) fn mark(&self, headers: &mut HeaderMap, position: u64) {
        headers.insert(JOURNAL_POSITION, HeaderValue::from(position));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.insert(VARY, HeaderValue::from_static("authorization"));
        // Weak: the same facts, not always the same bytes.
        if let Ok(tag) = HeaderValue::from_str(&format!("W/{}", self.tag)) {
            headers.insert(ETAG, tag);
        }
    }

    /// An answer as JSON, true at `position`; where absent, at the position the read began at.
    pub(super) fn json(
        &self,
        status: StatusCode,
        media_type: &'static str,
        body: &impl Serialize,
        position: Option<u64>,
    ) -> Result<Response, Stop> {
        let text =
            serde_json::to_vec(body).map_err(|error| StoreError::fault(error.to_string()))?;
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = status;
        self.mark(response.headers_mut(), position.unwrap_or(self.head.tree.size));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        Ok(response)
    }
}

/// The media type of most answers.
pub(super) const JSON: &str = "application/json";

/// The answer where nothing is there for the asker: the same for what does not exist and for what
/// is somebody else's.
pub(super) fn nothing() -> Stop {
    ProblemResponse::new(StatusCode::NOT_FOUND, &kinds::NOT_FOUND).into()
}
