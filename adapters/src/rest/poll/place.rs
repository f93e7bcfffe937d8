//! Where polling stands, and which address that means. Pure.

use std::{fmt::Write, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use serde_json::{Map, Value, json};

use super::{Settings, items::Items};
use crate::reading::{Trouble, watermark};

/// A sweep that was interrupted is taken up for so long; then it begins anew, for pages shift.
const RESUMED_WITHIN: SignedDuration = SignedDuration::from_mins(60);

/// What goes into an address.
const HOLES: [&str; 3] = ["{since}", "{page}", "{cursor}"];

/// An address with holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(String);

/// Why a text is no such address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    /// It is no address of a web server, or holds a name and password.
    #[error("it is no http or https address, or holds a password")]
    NoAddress,
    /// A hole that is none of the three, or stands in the host.
    #[error("holes are {{since}}, {{page}} and {{cursor}}, behind the host")]
    Hole,
}

impl FromStr for Template {
    type Err = TemplateFault;

    fn from_str(text: &str) -> Result<Self, TemplateFault> {
        let mut plain = text.to_owned();
        for hole in HOLES {
            plain = plain.replace(hole, "0");
        }
        let url: Url = plain.parse().map_err(|_| TemplateFault::NoAddress)?;
        let open = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !open {
            return Err(TemplateFault::NoAddress);
        }
        let behind_host =
            |at: usize| text.match_indices('/').nth(2).is_some_and(|(host, _)| at > host);
        let hole_in_host = text.find('{').is_some_and(|at| !behind_host(at));
        if plain.contains(['{', '}']) || hole_in_host {
            return Err(TemplateFault::Hole);
        }
        Ok(Self(text.to_owned()))
    }
}

impl Template {
    /// Whether turns ask for different addresses.
    pub(super) fn varies(&self) -> bool {
        HOLES.iter().any(|hole| self.0.contains(hole))
    }

    /// Whether `{since}` goes into it.
    pub fn has_since(&self) -> bool {
        self.0.contains("{since}")
    }

    /// Whether `{page}` goes into it.
    pub fn has_page(&self) -> bool {
        self.0.contains("{page}")
    }

    /// Whether `{cursor}` goes into it.
    pub fn has_cursor(&self) -> bool {
        self.0.contains("{cursor}")
    }

    /// The server, for people.
    pub fn host(&self) -> String {
        let rest = self.0.split_once("://").map_or(self.0.as_str(), |(_, rest)| rest);
        rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned()
    }

    fn filled(&self, values: [&str; 3]) -> Option<Url> {
        let mut text = self.0.clone();
        for (hole, value) in HOLES.iter().zip(values) {
            text = text.replace(hole, &encoded(value));
        }
        text.parse().ok()
    }
}

/// All but letters, digits and `-._~` by percent signs.
pub(super) fn encoded(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(byte.into());
            }
            // Writing to a text cannot fail.
            _ => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}

/// By what a server tells whether a page has changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Conditions {
    pub(super) etag: Option<String>,
    pub(super) modified: Option<String>,
}

/// A sweep under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sweep {
    started: Timestamp,
    /// The latest watermark met.
    high: Option<String>,
    /// What the next page is asked by; nothing for the first.
    pub(super) next: Option<String>,
}

/// The cursor of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// The watermark up to which all sweeps came.
    pub(super) since: Option<String>,
    pub(super) sweep: Option<Sweep>,
    pub(super) conditions: Option<Conditions>,
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(ToOwned::to_owned)
}

impl Place {
    pub(super) fn read(cursor: Option<&str>) -> Result<Self, Trouble> {
        let Some(cursor) = cursor else { return Ok(Self::default()) };
        let told: Value = serde_json::from_str(cursor).map_err(|_| Trouble::cursor())?;
        if told.get("rest").is_none() {
            return Err(Trouble::cursor());
        }
        let sweep = told.get("sweep").and_then(|sweep| {
            let started = text(sweep, "started")?.parse().ok()?;
            Some(Sweep { started, high: text(sweep, "high"), next: text(sweep, "next") })
        });
        let conditions =
            Conditions { etag: text(&told, "etag"), modified: text(&told, "modified") };
        let conditions = Some(conditions).filter(|told| *told != Conditions::default());
        Ok(Self { since: text(&told, "since"), sweep, conditions })
    }

    pub(super) fn write(&self) -> String {
        let mut told = Map::new();
        let mut put = |name: &str, value: &Option<String>| {
            if let Some(value) = value {
                told.insert(name.to_owned(), value.as_str().into());
            }
        };
        put("since", &self.since);
        let conditions = self.conditions.clone().unwrap_or_default();
        put("etag", &conditions.etag);
        put("modified", &conditions.modified);
        if let Some(Sweep { started, high, next }) = &self.sweep {
            let sweep = json!({ "started": started.to_string(), "high": high, "next": next });
            told.insert("sweep".to_owned(), sweep);
        }
        told.insert("rest".to_owned(), 1.into());
        Value::Object(told).to_string()
    }

    /// The sweep to go on with, or a new one.
    pub(super) fn resumed(&mut self, settings: &Settings, now: Timestamp) -> Sweep {
        let fresh = |sweep: &Sweep| now.duration_since(sweep.started) < RESUMED_WITHIN;
        if self.since.is_none() {
            self.since.clone_from(&settings.since);
        }
        let resumed = self.sweep.take().filter(fresh);
        resumed.unwrap_or(Sweep { started: now, high: None, next: None })
    }
}

impl Sweep {
    /// Notes the latest watermark of a page.
    pub(super) fn note(&mut self, items: &Items) {
        for told in items.watermarks() {
            if let Some(told) = watermark::not_after(told, self.started) {
                self.high = Some(watermark::later(self.high.take(), &told));
            }
        }
    }

    /// The watermark up to which all was read, when the sweep has ended.
    pub(super) fn watermark(&self, since: Option<String>) -> Option<String> {
        match &self.high {
            Some(high) => Some(watermark::later(since, high)),
            None => since,
        }
    }

    /// The address of the next page.
    pub(super) fn url(&self, settings: &Settings, since: Option<&str>) -> Result<Url, Trouble> {
        let strange = |value: &str| {
            Trouble::not_understood(
                format!("`{value}` không dùng được làm mốc hoặc địa chỉ trang."),
                format!("`{value}` can be neither a watermark nor the address of a page."),
            )
        };
        let next = self.next.as_deref();
        if let Some(next) = next
            && !settings.url.has_page()
            && !settings.url.has_cursor()
        {
            return next.parse().map_err(|_| strange(next));
        }
        let since = match since.filter(|_| settings.url.has_since()) {
            Some(since) => {
                watermark::earlier(since, settings.overlap).ok_or_else(|| strange(since))?
            }
            None => String::new(),
        };
        let first = match &settings.paging {
            super::Paging::Number { first } => first.to_string(),
            _ => String::new(),
        };
        let page = next.unwrap_or(&first);
        let filled = settings.url.filled([&since, page, next.unwrap_or_default()]);
        filled.ok_or_else(|| strange(&since))
    }
}
