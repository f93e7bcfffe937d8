//! To an agency by HTTP POST.
//!
//! The message's id is its `Idempotency-Key`; the envelope goes in headers, in CloudEvents' binary
//! mode. Redirects are not followed: where a message may go is the configuration's to say.

use std::{borrow::Cow, error::Error, fmt::Write, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{
    Method, Request, RequestBuilder, Response, StatusCode, Url,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
};

use super::{
    Answer, Class, Failure, Message, Outbound,
    auth::{Auth, Badge},
    client::{Bounded, CONNECT_WAIT, Idle, not_allowed},
};
use crate::reach::{Network, Unreached};

/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Bytes of an answer that are told of a failure.
const TOLD_BYTES_MAX: usize = 400;

/// The longest wait that is taken from who is asked to wait.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// An address, and how the hub is known there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The address.
    pub url: Url,
    /// How the hub shows who it is.
    pub auth: Auth,
    /// Private networks in which the address may lie.
    pub private: Vec<Network>,
    /// How long one message may take.
    pub timeout: Duration,
}

/// The way to an address.
pub struct Rest {
    client: Bounded,
    url: Url,
    badge: Badge,
    timeout: Duration,
}

/// An address of the settings is one that the hub must not connect to, or TLS is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// An address stands there that is in a private network.
    #[error(transparent)]
    Address(#[from] Unreached),
    /// The client cannot be made.
    #[error("there is no client: {0}")]
    Client(#[from] reqwest::Error),
}

impl Rest {
    /// Makes ready; connects to nothing.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn new(settings: Settings) -> Result<Self, Unusable> {
        let Settings { url, auth, private, timeout } = settings;
        let client = Bounded::new(private, CONNECT_WAIT, Idle::Kept)?;
        client.allows(&url)?;
        if let Auth::OAuth2 { token_url, .. } = &auth {
            client.allows(token_url)?;
        }
        Ok(Self { client, url, badge: Badge::new(auth), timeout })
    }

    async fn once(&self, payload: Bytes, headers: HeaderMap) -> Result<Reply, Failure> {
        let mut request = Request::new(Method::POST, self.url.clone());
        *request.headers_mut() = headers;
        *request.timeout_mut() = Some(self.timeout);
        *request.body_mut() = Some(payload.into());
        let client = &self.client.client;
        let request = RequestBuilder::from_parts(client.clone(), request);
        let request = self.badge.show(request, (client, self.timeout)).await?;
        let response = request.send().await.map_err(|error| lost(&error))?;
        reply(response).await
    }

    /// Brings bytes there and gives what is said to them, whatever that is. Where what is shown has
    /// run out, a fresh one is tried once.
    pub(crate) async fn exchange(
        &self,
        payload: Bytes,
        headers: HeaderMap,
    ) -> Result<Reply, Failure> {
        if !self.badge.is_renewed() {
            return self.once(payload, headers).await;
        }
        let said = self.once(payload.clone(), headers.clone()).await?;
        if class(said.status) != Class::Denied {
            return Ok(said);
        }
        self.badge.denied().await;
        self.once(payload, headers).await
    }
}

/// What was said to a request.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) retry_after: Option<Duration>,
    /// Its beginning.
    pub(crate) body: Bytes,
}

impl Reply {
    /// What it means by its status alone.
    ///
    /// # Errors
    /// Every status but those of success.
    pub(crate) fn judged(self) -> Result<Answer, Failure> {
        match self.status.is_success() {
            true => Ok(Answer { body: self.body }),
            false => Err(Failure {
                class: class(self.status),
                told: told(self.status, &self.body),
                retry_after: self.retry_after,
            }),
        }
    }
}

impl Outbound for Rest {
    fn send(self: Arc<Self>, message: Message) -> BoxFuture<'static, Result<Answer, Failure>> {
        Box::pin(async move {
            let headers = headers(&message)?;
            self.exchange(message.payload, headers).await?.judged()
        })
    }
}

/// The headers of a message. What is not plain ASCII is percent-encoded, as CloudEvents wants it.
pub(crate) fn headers(message: &Message) -> Result<HeaderMap, Failure> {
    let unfit = |what: &str| Failure::new(Class::Refused, format!("`{what}` makes no header"));
    let mut headers = HeaderMap::with_capacity(message.attributes.len() + 4);
    let mut put = |name: HeaderName, value: &str| {
        let value = HeaderValue::from_str(&visible(value)).map_err(|_| unfit(name.as_str()))?;
        headers.insert(name, value);
        Ok::<_, Failure>(())
    };
    put(CONTENT_TYPE, &message.content_type)?;
    put(IDEMPOTENCY_KEY, &message.id)?;
    for (name, value) in &message.attributes {
        put(attribute(name).ok_or_else(|| unfit(name))?, value)?;
    }
    Ok(headers)
}

/// The header of an attribute. Those that every message has are made once.
fn attribute(name: &str) -> Option<HeaderName> {
    Some(match name {
        "specversion" => HeaderName::from_static("ce-specversion"),
        "id" => HeaderName::from_static("ce-id"),
        "source" => HeaderName::from_static("ce-source"),
        "type" => HeaderName::from_static("ce-type"),
        "subject" => HeaderName::from_static("ce-subject"),
        "time" => HeaderName::from_static("ce-time"),
        "dataschema" => HeaderName::from_static("ce-dataschema"),
        "sequence" => HeaderName::from_static("ce-sequence"),
        _ => HeaderName::from_bytes(format!("ce-{name}").as_bytes()).ok()?,
    })
}

fn visible(value: &str) -> Cow<'_, str> {
    let plain = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'%' && byte != b'"';
    // Nearly all are plain: such a value is sent as it is.
    if value.bytes().all(plain) {
        return Cow::Borrowed(value);
    }
    let mut encoded = String::with_capacity(3 * value.len());
    for byte in value.bytes() {
        if plain(byte) {
            encoded.push(char::from(byte));
        } else {
            // A text takes whatever is written to it.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    Cow::Owned(encoded)
}

/// What a request came to that was not answered.
pub(super) fn lost(error: &reqwest::Error) -> Failure {
    if let Some(refused) = not_allowed(error) {
        return Failure::new(Class::Denied, refused.to_string());
    }
    let mut source: Option<&dyn Error> = Some(error);
    let mut last = String::new();
    while let Some(one) = source {
        last = one.to_string();
        source = one.source();
    }
    // The address may hold what is nobody's to read: only the innermost reason is told.
    match error {
        _ if error.is_connect() => {
            Failure::new(Class::Unavailable, format!("no connection: {last}"))
        }
        _ if error.is_timeout() => Failure::new(Class::Unknown, "no answer in time"),
        _ if error.is_builder() => Failure::new(Class::Refused, format!("no request: {last}")),
        _ => Failure::new(Class::Unknown, format!("the connection broke: {last}")),
    }
}

/// An answer, read as far as it is looked at.
pub(super) async fn reply(mut response: Response) -> Result<Reply, Failure> {
    let status = response.status();
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let retry_after = retry_after(response.headers());
    let mut body = BytesMut::new();
    while body.len() < ANSWER_BYTES_MAX {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            // It was taken, whatever would have been said of it.
            Err(_) if status.is_success() => break,
            Err(error) => return Err(lost(&error)),
        }
    }
    body.truncate(ANSWER_BYTES_MAX);
    Ok(Reply { status, content_type, retry_after, body: body.freeze() })
}

fn class(status: StatusCode) -> Class {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Class::Denied,
        // Whoever lives there now: the address must be set right.
        status if status.is_redirection() => Class::Denied,
        StatusCode::TOO_MANY_REQUESTS => Class::Busy,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => Class::Unknown,
        status if status.is_client_error() => Class::Refused,
        _ => Class::Unavailable,
    }
}

fn told(status: StatusCode, body: &Bytes) -> String {
    let text = String::from_utf8_lossy(body);
    let shown: String = text.chars().filter(|c| !c.is_control()).take(TOLD_BYTES_MAX).collect();
    if shown.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}: {shown}") }
}

/// How long is to be waited: as seconds, or as a time.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
            let wait = at.duration_since(Timestamp::now());
            Duration::try_from(wait).unwrap_or(Duration::ZERO)
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_class() {
        for (status, expected) in [
            (301, Class::Denied),
            (400, Class::Refused),
            (401, Class::Denied),
            (403, Class::Denied),
            (404, Class::Refused),
            (408, Class::Unknown),
            (409, Class::Refused),
            (422, Class::Refused),
            (429, Class::Busy),
            (500, Class::Unavailable),
            (503, Class::Unavailable),
        ] {
            assert_eq!(class(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        }
    }

    #[test]
    fn a_wait_is_read_as_seconds_or_as_a_time_and_has_an_end() {
        let of = |text: &str| {
            let value = HeaderValue::from_str(text).unwrap();
            retry_after(&HeaderMap::from_iter([(RETRY_AFTER, value)]))
        };
        assert_eq!(of("7"), Some(Duration::from_secs(7)));
        assert_eq!(of("99999999"), Some(RETRY_AFTER_MAX));
        assert_eq!(of("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(of("soon"), None);
    }

    #[test]
    fn no_value_breaks_a_header() {
        let mut message = Message { id: "a\r\nX: 1".to_owned(), ..Message::default() };
        message.attributes = vec![("subject", "Hồ sơ \"1\" 5%".to_owned())];
        let headers = headers(&message).unwrap();
        assert_eq!(headers["idempotency-key"], "a%0D%0AX: 1");
        assert_eq!(headers["ce-subject"], "H%E1%BB%93 s%C6%A1 %221%22 5%25");
    }

    #[test]
    fn numbers_of_private_networks_are_refused_unless_named() {
        let settings = |url: &str, private: Vec<Network>| Settings {
            url: url.parse().unwrap(),
            auth: Auth::None,
            private,
            timeout: CONNECT_WAIT,
        };
        for url in [
            "http://127.0.0.1/",
            "http://[::1]:80/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://[::ffff:10.0.0.1]/",
            "http://169.254.169.254/latest",
        ] {
            assert!(Rest::new(settings(url, Vec::new())).is_err(), "{url}");
        }
        let named = vec!["127.0.0.0/8".parse().unwrap()];
        assert!(Rest::new(settings("http://127.0.0.1/", named)).is_ok());
    }
}
