//! A page of JSON, taken apart as far as reading needs: its items as they were written, what they
//! are known by, and what leads on. What they mean is the mapping's business. Pure.

use std::{borrow::Cow, collections::HashMap, str::FromStr};

use bytes::Bytes;
use contracts::problem::Bilingual;
use serde_json::value::RawValue;

use super::Listed;
use crate::reading::{Row, joined};

/// The way to a member of an object, as `data.items`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemberPath(Vec<String>);

/// Why a text is no such way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no path: names of members with dots between them")]
pub struct NoPath;

impl FromStr for MemberPath {
    type Err = NoPath;

    fn from_str(text: &str) -> Result<Self, NoPath> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let names: Vec<String> = text.split('.').map(ToOwned::to_owned).collect();
        if names.iter().any(String::is_empty) { Err(NoPath) } else { Ok(Self(names)) }
    }
}

impl MemberPath {
    fn words(&self) -> String {
        if self.0.is_empty() { "-".to_owned() } else { self.0.join(".") }
    }

    fn find<'a>(&self, within: &'a RawValue) -> Option<&'a RawValue> {
        self.0.iter().try_fold(within, |within, name| members(within)?.remove(name.as_str()))
    }
}

/// Names may be written with escapes.
fn members(within: &RawValue) -> Option<HashMap<Cow<'_, str>, &RawValue>> {
    serde_json::from_str(within.get()).ok()
}

fn whole(body: &[u8]) -> Result<&RawValue, Bilingual> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    serde_json::from_slice(body).map_err(|error| Bilingual {
        vi: format!("không phải JSON (dòng {}, cột {}).", error.line(), error.column()),
        en: format!("it is no JSON (line {}, column {}).", error.line(), error.column()),
    })
}

/// A text, or a number as it is written; nothing for null and what is none of these.
fn scalar(value: &RawValue) -> Option<String> {
    let text = value.get().trim();
    match text.as_bytes().first()? {
        b'"' => serde_json::from_str(text).ok(),
        b'-' | b'0'..=b'9' => Some(text.to_owned()),
        _ => None,
    }
}

/// A member of a body, where it is there and no null.
pub(super) fn member(body: &[u8], path: &MemberPath) -> Result<Option<String>, Bilingual> {
    Ok(path.find(whole(body)?).and_then(scalar))
}

/// The items of a page.
#[derive(Debug)]
pub(super) struct Items {
    rows: Vec<Row>,
    watermarks: Vec<String>,
}

impl Items {
    pub(super) fn read(listed: &Listed, body: &Bytes) -> Result<Self, Bilingual> {
        if body.is_empty() {
            return Ok(Self { rows: Vec::new(), watermarks: Vec::new() });
        }
        let at = listed.items.words();
        let found = listed.items.find(whole(body)?).ok_or_else(|| Bilingual {
            vi: format!("không có danh sách ở `{at}`."),
            en: format!("there is no list at `{at}`."),
        })?;
        // An empty page may say null.
        let found: Option<Vec<&RawValue>> =
            serde_json::from_str(found.get()).map_err(|_| Bilingual {
                vi: format!("`{at}` không phải danh sách."),
                en: format!("`{at}` is no list."),
            })?;
        let (mut rows, mut watermarks) = (Vec::new(), Vec::new());
        for item in found.unwrap_or_default() {
            let key: Option<Vec<String>> =
                listed.key.iter().map(|path| path.find(item).and_then(scalar)).collect();
            // One without a key is known by all of it: it is refused by name, once.
            let key = key.map_or_else(|| item.get().to_owned(), |key| joined(&key));
            let told = listed.watermark.as_ref().and_then(|path| path.find(item));
            watermarks.extend(told.and_then(scalar));
            rows.push(Row { key, text: body.slice_ref(item.get().as_bytes()) });
        }
        Ok(Self { rows, watermarks })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether another page has the same items.
    pub(super) fn same(&self, other: &Self) -> bool {
        let texts =
            |items: &Self| items.rows.iter().map(|row| row.text.clone()).collect::<Vec<_>>();
        !self.is_empty() && self.rows.len() == other.rows.len() && texts(self) == texts(other)
    }

    pub(super) fn watermarks(&self) -> impl Iterator<Item = &str> {
        self.watermarks.iter().map(String::as_str)
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        self.rows.clone()
    }
}
