//! One request, and what comes of it.

use std::{error::Error, net::IpAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use contracts::problem::Bilingual;
use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{Response, StatusCode, Url, header, redirect};

use super::{
    Credentials, Settings,
    credentials::{Token, signed},
    place::Conditions,
};
use crate::{
    reach::{Reach, Resolver, Unreached},
    reading::{Pace, Trouble},
    trust,
};

/// How long connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long a server may say nothing in the middle of an answer.
const SILENT_MAX: Duration = Duration::from_secs(30);
/// The longest wait that a server may ask for.
const WAIT_MAX: Duration = Duration::from_secs(24 * 3_600);
/// How long to wait where a server asks to, and does not say for how long.
const WAIT_UNTOLD: Duration = Duration::from_secs(60);

/// A page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) body: Bytes,
    pub(super) content_type: Option<String>,
    /// The target of its `Link` to the next.
    pub(super) next: Option<String>,
    pub(super) conditions: Option<Conditions>,
}

/// What a server answers.
#[derive(Debug)]
pub(super) enum Answer {
    Page(Page),
    /// Nothing has changed.
    Unchanged,
}

/// A client of one API.
pub(super) struct Client {
    pub(super) http: reqwest::Client,
    pub(super) credentials: Credentials,
    pub(super) token: Token,
    reach: Arc<Reach>,
    body_bytes_max: u64,
}

impl Client {
    pub(super) fn new(settings: &Settings, reach: Arc<Reach>) -> Result<Self, Bilingual> {
        let http = trust::sharing(reqwest::Client::builder())
            .redirect(redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(Resolver(reach.clone())))
            .connect_timeout(CONNECT_MAX)
            .read_timeout(SILENT_MAX)
            .timeout(settings.limits.answer_max)
            .user_agent(concat!("lienthong/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Bilingual {
                vi: format!("Không khởi tạo được kết nối HTTP: {error}"),
                en: format!("There is no client of HTTP to be had: {error}"),
            })?;
        Ok(Self {
            http,
            credentials: settings.credentials.clone(),
            token: Token::default(),
            reach,
            body_bytes_max: settings.limits.body_bytes_max,
        })
    }

    /// Judges an address that is a number: no name is resolved for it.
    pub(super) fn judged(&self, url: &Url) -> Result<(), Trouble> {
        let host = url.host_str().unwrap_or_default();
        let number = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        match number {
            Ok(address) if !self.reach.allows(address) => Err(Trouble::not_allowed(host)),
            _ => Ok(()),
        }
    }

    /// Asks for a page; with a token that is refused, once more with a new one.
    pub(super) async fn get(
        &self,
        url: &Url,
        conditions: Option<&Conditions>,
    ) -> Result<Answer, Trouble> {
        self.judged(url)?;
        let host = host_of(url);
        let mut answer = self.asked(url, conditions).await?;
        if answer.status() == StatusCode::UNAUTHORIZED
            && matches!(self.credentials, Credentials::OAuth(_))
        {
            self.token.forget().await;
            answer = self.asked(url, conditions).await?;
        }
        match answer.status() {
            StatusCode::NOT_MODIFIED => return Ok(Answer::Unchanged),
            status if status.is_success() => {}
            _ => return Err(refused(&host, &answer)),
        }
        let text = |name| {
            let value = answer.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let etag = text(header::ETAG);
        let modified = text(header::LAST_MODIFIED);
        let conditions =
            Some(Conditions { etag, modified }).filter(|told| *told != Conditions::default());
        let content_type = text(header::CONTENT_TYPE);
        let next = answer
            .headers()
            .get_all(header::LINK)
            .iter()
            .find_map(|value| value.to_str().ok().and_then(next_of));
        let body = read(&host, answer, self.body_bytes_max).await?;
        Ok(Answer::Page(Page { body, content_type, next, conditions }))
    }

    async fn asked(&self, url: &Url, conditions: Option<&Conditions>) -> Result<Response, Trouble> {
        let mut request = signed(self, self.http.get(url.clone())).await?;
        if let Some(etag) = conditions.and_then(|told| told.etag.as_ref()) {
            request = request.header(header::IF_NONE_MATCH, etag);
        } else if let Some(modified) = conditions.and_then(|told| told.modified.as_ref()) {
            request = request.header(header::IF_MODIFIED_SINCE, modified);
        }
        request.send().await.map_err(|error| failed(&host_of(url), &error))
    }
}

fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The target of `rel="next"` in a `Link` header.
fn next_of(header: &str) -> Option<String> {
    let mut rest = header;
    while let Some((_, begun)) = rest.split_once('<') {
        let (target, behind) = begun.split_once('>')?;
        let end = behind.find('<').unwrap_or(behind.len());
        let relations = behind[..end].split(';').filter_map(|one| one.trim().strip_prefix("rel="));
        let mut relations = relations.flat_map(|told| {
            told.trim_matches([' ', ',', '"']).split_whitespace().collect::<Vec<_>>()
        });
        if relations.any(|one| one.eq_ignore_ascii_case("next")) {
            return Some(target.to_owned());
        }
        rest = &behind[end..];
    }
    None
}

/// All of a body, up to a limit.
pub(super) async fn read(
    host: &str,
    mut answer: Response,
    bytes_max: u64,
) -> Result<Bytes, Trouble> {
    if answer.content_length().is_some_and(|length| length > bytes_max) {
        return Err(Trouble::limit("body_bytes_max", bytes_max));
    }
    let mut body = BytesMut::new();
    while let Some(piece) = answer.chunk().await.map_err(|error| failed(host, &error))? {
        if body.len() as u64 + piece.len() as u64 > bytes_max {
            return Err(Trouble::limit("body_bytes_max", bytes_max));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// The innermost cause, which says most: `invalid peer certificate: Expired`.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn not_allowed(error: &reqwest::Error) -> bool {
    let mut at: Option<&dyn Error> = Some(error);
    while let Some(error) = at {
        if matches!(error.downcast_ref(), Some(Unreached::NotAllowed(_))) {
            return true;
        }
        at = error.source();
    }
    false
}

/// A request without an answer.
pub(super) fn failed(host: &str, error: &reqwest::Error) -> Trouble {
    match error {
        error if not_allowed(error) => Trouble::not_allowed(host),
        error if error.is_connect() => Trouble::unreachable(host, &cause(error)),
        error if error.is_timeout() => Trouble::broke_off(host, "timeout"),
        error => Trouble::broke_off(host, &cause(error)),
    }
}

/// An answer that is none.
pub(super) fn refused(host: &str, answer: &Response) -> Trouble {
    let status = answer.status();
    let code = status.as_u16();
    let told = |code, pace, vi: String, en: String| Trouble::new(code, pace, vi, en);
    let asked = wait(answer);
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Trouble::credentials(host),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
            if asked.is_some() || status == StatusCode::TOO_MANY_REQUESTS =>
        {
            let wait = asked.unwrap_or(WAIT_UNTOLD);
            told(
                "asked-to-wait",
                Pace::After(wait),
                format!("{host} yêu cầu chờ {} giây (HTTP {code}); hệ thống chờ.", wait.as_secs()),
                format!("{host} asks to wait {} s (HTTP {code}); the hub waits.", wait.as_secs()),
            )
        }
        status if status.is_redirection() => told(
            "moved",
            Pace::Mended,
            format!("{host} chuyển hướng sang địa chỉ khác (HTTP {code}). Sửa url của kênh."),
            format!("{host} redirects to another address (HTTP {code}). Mend the channel's url."),
        ),
        status if status.is_server_error() => told(
            "server-failed",
            Pace::Soon,
            format!("{host} báo lỗi phía máy chủ (HTTP {code}); hệ thống tự thử lại."),
            format!("{host} reports a fault of its own (HTTP {code}); the hub tries again."),
        ),
        _ => told(
            "request-refused",
            Pace::Mended,
            format!("{host} từ chối yêu cầu (HTTP {code}). Kiểm tra url và tham số của kênh."),
            format!("{host} refuses the request (HTTP {code}). Check the channel's url."),
        ),
    }
}

/// How long a server asks to wait: seconds, or until a time.
fn wait(answer: &Response) -> Option<Duration> {
    let told = answer.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = told.parse().map(Duration::from_secs).ok().or_else(|| {
        let at = rfc2822::parse(told).ok()?.timestamp();
        let left = at.duration_since(Timestamp::now());
        Some(Duration::try_from(left).unwrap_or(Duration::ZERO))
    })?;
    Some(wait.min(WAIT_MAX))
}

#[cfg(test)]
mod tests {
    use super::next_of;

    #[test]
    fn the_next_page_is_found_among_links() {
        for (header, expected) in [
            ("<https://a.vn/x?p=2>; rel=\"next\"", Some("https://a.vn/x?p=2")),
            ("</x?p=1>; rel=prev, </x?p=3>; title=\"a\"; rel=next", Some("/x?p=3")),
            ("</x>; rel=\"last next\"", Some("/x")),
            ("</x>; rel=\"last\"", None),
            ("</x; rel=next", None),
            ("", None),
        ] {
            assert_eq!(next_of(header).as_deref(), expected, "{header}");
        }
    }
}
