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
    Unchanged(Mark),
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
            Self::Unchanged(mark) => {
                let mut response = StatusCode::NOT_MODIFIED.into_response();
                mark.put(response.headers_mut(), mark.position);
                response
            }
        }
    }
}

/// What an answer depends on: by it the asker's copy is known to be the same.
pub(super) struct Mark {
    tag: String,
    /// The position the answer is true at, where it knows no other itself.
    position: u64,
}

impl Mark {
    /// Begins an answer that depends on `tag`, a text in quotes; stops it if the asker has it.
    pub(super) fn new(headers: &HeaderMap, tag: String, position: u64) -> Result<Self, Stop> {
        let mark = Self { tag, position };
        let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let mut tags = known.flat_map(|list| list.split(',')).map(str::trim);
        if tags.any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == mark.tag) {
            return Err(Stop::Unchanged(mark));
        }
        Ok(mark)
    }

    /// Begins an answer that depends on the journal up to a size, and on what `also` names.
    pub(super) fn of_journal(
        headers: &HeaderMap,
        (log_id, size): (&str, u64),
        also: &str,
    ) -> Result<Self, Stop> {
        Self::new(headers, format!("\"{log_id}.{size}{also}\""), size)
    }

    fn put(&self, headers: &mut HeaderMap, position: u64) {
        headers.insert(JOURNAL_POSITION, HeaderValue::from(position));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.insert(VARY, HeaderValue::from_static("authorization"));
        // Weak: the same facts, not always the same bytes.
        if let Ok(tag) = HeaderValue::from_str(&format!("W/{}", self.tag)) {
            headers.insert(ETAG, tag);
        }
    }

    /// An answer as JSON, true at `position`; where absent, at the one that it began at.
    pub(super) fn json(
        &self,
        status: StatusCode,
        media_type: &'static str,
        body: &impl Serialize,
        position: Option<u64>,
    ) -> Result<Response, Stop> {
        let text =
            serde_json::to_vec(body).map_err(|error| StoreError::fault(error.to_string()))?;
        Ok(self.bytes(status, media_type, text, position))
    }

    /// The same of bytes that are written already.
    pub(super) fn bytes(
        &self,
        status: StatusCode,
        media_type: &'static str,
        bytes: impl Into<Body>,
        position: Option<u64>,
    ) -> Response {
        let mut response = Response::new(bytes.into());
        *response.status_mut() = status;
        self.put(response.headers_mut(), position.unwrap_or(self.position));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        response
    }
}

/// One read: the journal's end when it began. What is read later may be newer, never older.
pub(super) struct Reading {
    pub(super) head: Head,
    mark: Mark,
}

impl Reading {
    /// What the answer is marked with.
    pub(super) fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Begins a read; stops it if the asker has the answer of this position. `also` is what else
    /// the answer depends on, such as today's date.
    pub(super) async fn begin(api: &Api, headers: &HeaderMap, also: &str) -> Result<Self, Stop> {
        let head = api.operations.store.head().await?;
        let mark = Mark::of_journal(headers, (&head.log.id, head.tree.size), also)?;
        Ok(Self { head, mark })
    }

    /// Marks an answer that is true at `position`; where absent, at the one the read began at.
    pub(super) fn put(&self, headers: &mut HeaderMap, position: Option<u64>) {
        self.mark.put(headers, position.unwrap_or(self.mark.position));
    }

    /// An answer as JSON: see [`Mark::json`].
    pub(super) fn json(
        &self,
        status: StatusCode,
        media_type: &'static str,
        body: &impl Serialize,
        position: Option<u64>,
    ) -> Result<Response, Stop> {
        self.mark.json(status, media_type, body, position)
    }

    /// An answer of bytes: see [`Mark::bytes`].
    pub(super) fn bytes(
        &self,
        status: StatusCode,
        media_type: &'static str,
        bytes: impl Into<Body>,
        position: Option<u64>,
    ) -> Response {
        self.mark.bytes(status, media_type, bytes, position)
    }
}

/// The answer to a cursor that was not given for this question.
pub(super) fn bad_cursor() -> ProblemResponse {
    ProblemResponse::new(StatusCode::BAD_REQUEST, &kinds::BAD_CURSOR)
}

/// The media type of most answers.
pub(super) const JSON: &str = "application/json";

/// The answer where nothing is there for the asker: the same for what does not exist and for what
/// is somebody else's.
pub(super) fn nothing() -> Stop {
    ProblemResponse::new(StatusCode::NOT_FOUND, &kinds::NOT_FOUND).into()
}
