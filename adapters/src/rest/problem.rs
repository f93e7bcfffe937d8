//! Answers that say what went wrong, as RFC 9457 problem details.
//!
//! `title`, `detail` and `advice` are Vietnamese text, `title_en`, `detail_en` and `advice_en` the
//! same in English: plain strings, because readers of the RFC ignore a `detail` that is none.

use axum::body::Body;
use axum::http::header::{CONNECTION, CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use contracts::Receipt;
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
    receipt: Option<Box<Receipt>>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl ProblemResponse {
    /// An answer of a catalogued kind: its text is the title, its advice the advice.
    pub fn new(status: StatusCode, kind: &Kind) -> Self {
        let mut members = members(kind);
        members.insert("status".to_owned(), json!(status.as_u16()));
        Self { status, members, receipt: None, headers: Vec::new() }
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

    /// Carries the receipt of the message that it is about.
    #[must_use]
    pub(crate) fn about(mut self, receipt: Receipt) -> Self {
        self.receipt = Some(Box::new(receipt));
        self
    }

    /// The status, for doors that say the same in another form.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// A member that is a text; empty where there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.members.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The receipt of the message that it is about.
    pub(crate) fn receipt(&self) -> Option<&Receipt> {
        self.receipt.as_deref()
    }

    /// The value of a header that was added.
    pub(crate) fn header_value(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The same headers over a body of another form.
    pub(crate) fn told_as(
        self,
        status: StatusCode,
        content_type: &'static str,
        body: String,
    ) -> Response {
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        if let Some(receipt) = &self.receipt {
            note(headers, receipt);
        }
        response
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// Some of the body may still be on its way, so its connection carries no other request.
pub fn last(problem: ProblemResponse) -> ProblemResponse {
    problem.header(CONNECTION, HeaderValue::from_static("close"))
}

/// Says in headers what became of a message, for whoever cannot read the answer's own form.
pub(crate) fn note(headers: &mut HeaderMap, receipt: &Receipt) {
    let outcome = HeaderValue::from_static(receipt.outcome.as_str());
    headers.insert(HeaderName::from_static("lienthong-outcome"), outcome);
    headers.insert(HeaderName::from_static("lienthong-records"), receipt.records.into());
    headers.insert(HeaderName::from_static("lienthong-refused"), receipt.refused.into());
}

impl IntoResponse for ProblemResponse {
    fn into_response(mut self) -> Response {
        if let Some(receipt) = self.receipt.take() {
            self.members.insert("receipt".to_owned(), json!(receipt));
        }
        let body = Value::Object(std::mem::take(&mut self.members)).to_string();
        let status = self.status;
        self.told_as(status, MEDIA_TYPE, body)
    }
}
