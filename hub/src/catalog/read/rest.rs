//! `[channels.NAME.poll]`: an API that is read page by page.

use std::{ops::Range, time::Duration};

use adapters::rest::poll::{Credentials, Limits, Listed, MemberPath, OAuth, Paging, Settings};
use serde::Deserialize;
use toml::Spanned;

use super::{Fault, How, Needed, Read, every, needed, number, parsed, wanted};
use crate::catalog::dropped::Source;

/// Bytes of one page, at most: that of a message.
const BODY_BYTES_MAX: u64 = 64 << 20;
/// Pages of one turn, at most.
const PAGES_MAX: u64 = 1_000_000;
/// Seconds that one answer may take, at most.
const ANSWER_SECONDS_MAX: u64 = 3_600;

/// The table as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PollTold {
    /// The address, with its holes.
    pub url: Spanned<String>,
    /// Seconds between two turns.
    pub every_seconds: Option<Spanned<u64>>,
    /// What `{since}` is in the beginning.
    pub since: Option<Spanned<String>>,
    /// How far each sweep reaches back: seconds, or a number.
    #[serde(default = "overlap")]
    pub overlap: u64,
    /// Where the list of items is.
    pub items: Option<Spanned<String>>,
    /// What an item is known by.
    pub key: Option<Spanned<Vec<String>>>,
    /// What grows whenever an item changes.
    pub watermark: Option<Spanned<String>>,
    /// `number`, `body` or `link`.
    pub paging: Option<Spanned<String>>,
    /// The first page's number.
    pub first_page: Option<Spanned<u64>>,
    /// Where the next page is told.
    pub next: Option<Spanned<String>>,
    /// Who the hub is.
    pub credentials: Option<CredentialsTold>,
    /// Pages of one turn.
    pub pages_max: Option<Spanned<u64>>,
    /// Bytes of one page.
    pub body_bytes_max: Option<Spanned<u64>>,
    /// Seconds for one answer.
    pub answer_seconds: Option<Spanned<u64>>,
}

/// Who the hub is to an API, without the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialsTold {
    /// `basic`, `header` or `oauth`.
    pub kind: Spanned<String>,
    /// The secret's name.
    pub secret: Spanned<String>,
    /// For `basic`: the user.
    pub user: Option<String>,
    /// For `header`: its name.
    pub name: Option<Spanned<String>>,
    /// For `oauth`: the client.
    pub client: Option<String>,
    /// For `oauth`: where tokens are given.
    pub token_url: Option<Spanned<String>>,
    /// For `oauth`: what is asked for.
    pub scope: Option<String>,
}

/// Ten minutes, where the watermark is a time.
fn overlap() -> u64 {
    600
}

const PATH_ADVICE: &str = "write names of members with dots between them: items = \"data.items\"";

pub(super) fn read(source: &Source<'_>, told: &PollTold) -> Result<Read, Fault> {
    let advice = "write an address such as https://HOST/api/ho-so?tu={since}&trang={page}";
    let url: adapters::rest::poll::Template = parsed(source, &told.url, advice)?;
    let listed = listed(source, told)?;
    let span = told.url.span();
    if url.has_since() {
        let message = ("`{since}` wants to know where to begin", "write since = \"2013-01-01\"");
        wanted(source, told.since.as_ref(), span.clone(), message)?;
        let watermark = listed.as_ref().and_then(|listed| listed.watermark.as_ref());
        let advice = "write watermark = \"MEMBER\": what grows whenever an item changes";
        wanted(source, watermark, span.clone(), ("`{since}` has no watermark", advice))?;
    }
    let paging = paging(source, told, &url)?;
    let pages_max = number(source, told.pages_max.as_ref(), (10_000, PAGES_MAX))?;
    let body = number(source, told.body_bytes_max.as_ref(), (16 << 20, BODY_BYTES_MAX))?;
    let answer = number(source, told.answer_seconds.as_ref(), (120, ANSWER_SECONDS_MAX))?;
    let limits =
        Limits { pages_max, body_bytes_max: body, answer_max: Duration::from_secs(answer) };
    let (credentials, secrets) = credentials(source, told.credentials.as_ref())?;
    let since = told.since.as_ref().map(|since| since.get_ref().clone());
    let overlap = told.overlap;
    let settings = Settings { url, since, overlap, listed, paging, credentials, limits };
    let every = every(source, told.every_seconds.as_ref())?;
    Ok(Read { every, how: How::Rest(Box::new(settings)), secrets })
}

fn listed(source: &Source<'_>, told: &PollTold) -> Result<Option<Listed>, Fault> {
    let Some(items) = &told.items else {
        let beside =
            [told.key.as_ref().map(Spanned::span), told.watermark.as_ref().map(Spanned::span)];
        return match beside.into_iter().flatten().next() {
            None => Ok(None),
            Some(span) => {
                let message = "this is said of items, and there is no `items`".to_owned();
                let advice = "write items = \"PATH\" too; \"\" where the body is the list";
                Err(source.fault(&span, message, advice))
            }
        };
    };
    let message = ("`items` have no key", "write key = [\"MEMBER\"]: what an item is known by");
    let key = wanted(source, told.key.as_ref(), items.span(), message)?;
    let path = |text: &String, span: Range<usize>| {
        parsed::<MemberPath>(source, &Spanned::new(span, text.clone()), PATH_ADVICE)
    };
    let paths: Result<Vec<MemberPath>, Fault> =
        key.get_ref().iter().map(|text| path(text, key.span())).collect();
    let paths = paths?;
    if paths.is_empty() || key.get_ref().iter().any(String::is_empty) {
        return Err(source.fault(&key.span(), message.0.to_owned(), message.1));
    }
    let watermark = told.watermark.as_ref().map(|told| path(told.get_ref(), told.span()));
    let items = path(items.get_ref(), items.span())?;
    Ok(Some(Listed { items, key: paths, watermark: watermark.transpose()? }))
}

fn paging(
    source: &Source<'_>,
    told: &PollTold,
    url: &adapters::rest::poll::Template,
) -> Result<Paging, Fault> {
    let span = told.url.span();
    let Some(kind) = &told.paging else {
        if url.has_page() || url.has_cursor() {
            let message = "the address names a page, and there is no `paging`".to_owned();
            return Err(source.fault(&span, message, "write paging = \"number\" or \"body\""));
        }
        return Ok(Paging::Whole);
    };
    let fault =
        |message: &str, advice: &str| source.fault(&kind.span(), message.to_owned(), advice);
    match kind.get_ref().as_str() {
        "number" if url.has_page() && !url.has_cursor() => {
            let first = told.first_page.as_ref().map_or(1, |first| *first.get_ref());
            Ok(Paging::Number { first })
        }
        "number" => Err(fault("the address has no {page}", "write …&page={page} in the url")),
        "body" if !url.has_page() => {
            let message = ("paging by the body does not say where", "write next = \"PATH\"");
            let next = wanted(source, told.next.as_ref(), kind.span(), message)?;
            Ok(Paging::Body { next: parsed(source, next, PATH_ADVICE)? })
        }
        "link" if !url.has_page() && !url.has_cursor() => Ok(Paging::Link),
        "body" | "link" => Err(fault("the address has a hole of another paging", "leave it out")),
        _ => Err(fault("there is no such paging", "write number, body or link")),
    }
}

fn credentials(
    source: &Source<'_>,
    told: Option<&CredentialsTold>,
) -> Result<(Credentials, Vec<Needed>), Fault> {
    let Some(told) = told else { return Ok((Credentials::None, Vec::new())) };
    let span = told.kind.span();
    let text = |told: Option<&String>, what: &'static str, advice: &'static str| {
        wanted(source, told, span.clone(), (what, advice)).cloned()
    };
    let secret = String::new();
    let credentials = match told.kind.get_ref().as_str() {
        "basic" => {
            let user = text(told.user.as_ref(), "there is no user", "write user = \"NAME\"")?;
            Credentials::Basic { user, secret }
        }
        "header" => {
            let what = ("there is no name", "write name = \"X-Api-Key\"");
            let name = wanted(source, told.name.as_ref(), span.clone(), what)?;
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            if name.get_ref().is_empty() || !name.get_ref().bytes().all(plain) {
                let message = format!("`{}` is no name of a header", name.get_ref());
                return Err(source.fault(&name.span(), message, what.1));
            }
            Credentials::Header { name: name.get_ref().clone(), secret }
        }
        "oauth" => {
            let what = ("there is no token_url", "write token_url = \"https://HOST/token\"");
            let at = wanted(source, told.token_url.as_ref(), span.clone(), what)?;
            parsed::<adapters::rest::poll::Template>(source, at, what.1)?;
            let token_url = at.get_ref().clone();
            let client = text(told.client.as_ref(), "there is no client", "write client = \"ID\"")?;
            Credentials::OAuth(OAuth { token_url, client, secret, scope: told.scope.clone() })
        }
        other => {
            let message = format!("there are no credentials `{other}`");
            return Err(source.fault(&span, message, "write basic, header or oauth"));
        }
    };
    Ok((credentials, vec![needed(source, &told.secret)]))
}
