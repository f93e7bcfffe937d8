//! Answers that say what went wrong, as RFC 9457 problem details.
//!
//! `title`, `detail` and `advice` are Vietnamese text, `title_en`, `detail_en` and `advice_en` the
//! same in English: plain strings, because readers of the RFC ignore a `detail` that is none.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use contracts::problem::Kind;
use serde_json::{Map, Value, json};

/// The media type of these answers.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What every problem of a catalogued kind says, on whatever transport.
pub(crate) fn members(kind: &Kind) -> Map<String, Value> {
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("type", json!(format!("urn:problem-type:lienthong:{}", kind.code)));
    put("title", json!(kind.detail.0));
    put("title_en", json!(kind.detail.1));
    put("code", json!(kind.code));
    put("advice", json!(kind.advice.0));
    put("advice_en", json!(kind.advice.1));
    members
}

/// An answer in the making; turn it into a response when all is said.
#[derive(Debug, Clone)]
pub struct ProblemResponse {
    status: StatusCode,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl ProblemResponse {
    /// An answer of a catalogued kind: its text is the title, its advice the advice.
    pub fn new(status: StatusCode, kind: &Kind) -> Self {
        let mut members = members(kind);
        members.insert("status".to_owned(), json!(status.as_u16()));
        Self { status, members, headers: Vec::new() }
    }

    /// Says what is particular to this case; without personal data.
    #[must_use]
    pub fn detail(self, vi: impl Into<String>, en: impl Into<String>) -> Self {
        self.member("detail", vi.into().into()).member("detail_en", en.into().into())
    }

    /// Adds a member of its own, or replaces one.
    #[must_use]
    pub fn member(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl IntoResponse for ProblemResponse {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(Value::Object(self.members).to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        response
    }
}
