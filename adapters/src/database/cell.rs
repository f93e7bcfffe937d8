//! Values of columns: those by which reading goes on, and all of them as JSON. Pure.

use std::{borrow::Cow, fmt::Write};

use bytes::Bytes;
use serde_json::Value;

use crate::reading::watermark;

/// A value by which rows are ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Number(i64),
    Text(String),
}

impl Cell {
    /// What stands in a cursor.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Number(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
        }
    }

    pub(super) fn read(told: &Value) -> Option<Self> {
        match told {
            Value::Number(number) => number.as_i64().map(Self::Number),
            Value::String(text) => Some(Self::Text(text.clone())),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }

    /// The same watermark earlier.
    pub(super) fn earlier(&self, overlap: u64) -> Option<Self> {
        match self {
            Self::Number(number) => {
                Some(Self::Number(number.saturating_sub(i64::try_from(overlap).ok()?)))
            }
            Self::Text(text) => watermark::earlier(text, overlap).map(Self::Text),
        }
    }
}

/// Text as it came: UTF-8, or where it is none, a letter for each byte, which is what databases
/// give that know nothing of their text's charset.
pub(super) fn letters(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// A text of JSON.
pub(super) fn quoted(text: &str) -> String {
    // A text can always be written.
    serde_json::to_string(text).unwrap_or_default()
}

/// Bytes that are no text, as PostgreSQL writes them.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len() + 5);
    text.push_str("\"\\\\x");
    for byte in bytes {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.push('"');
    text
}

/// A number with a fraction; what JSON has no number for is a text.
pub(super) fn real(number: f64) -> String {
    match serde_json::Number::from_f64(number) {
        Some(number) => number.to_string(),
        None => quoted(&number.to_string()),
    }
}

/// A value of a column, on its way to JSON.
pub(super) enum Member<'a> {
    Null,
    Integer(i64),
    Text(Cow<'a, str>),
    /// What is JSON already.
    Json(String),
}

/// A row of names and values.
pub(super) fn object<'a>(columns: impl Iterator<Item = (impl AsRef<str>, Member<'a>)>) -> Bytes {
    let mut text = Vec::with_capacity(ROW_BYTES);
    let mut before = b'{';
    // What is a text or a number can always be written.
    for (name, value) in columns {
        text.push(before);
        let _ = serde_json::to_writer(&mut text, name.as_ref());
        text.push(b':');
        match value {
            Member::Null => text.extend_from_slice(b"null"),
            Member::Integer(number) => drop(serde_json::to_writer(&mut text, &number)),
            Member::Text(value) => drop(serde_json::to_writer(&mut text, &*value)),
            Member::Json(value) => text.extend_from_slice(value.as_bytes()),
        }
        before = b',';
    }
    if before == b'{' {
        text.push(before);
    }
    text.push(b'}');
    text.into()
}

/// Most rows have fewer bytes.
const ROW_BYTES: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_as_json() {
        assert_eq!(letters("Đã".as_bytes()), "Đã");
        assert_eq!(letters("Coâng ty".as_bytes()), "Coâng ty");
        assert_eq!(letters(&[b'C', b'o', 0xE2, b'n', b'g']), "Coâng");
        assert_eq!(hexadecimal(&[0, 255]), "\"\\\\x00ff\"");
        assert_eq!(serde_json::from_str::<Value>(&hexadecimal(&[1])).unwrap(), "\\x01");
        assert_eq!((real(1.5).as_str(), real(f64::NAN).as_str()), ("1.5", "\"NaN\""));
        let row = object(
            [
                ("a\"", Member::Integer(-1)),
                ("b", Member::Text("x\n".into())),
                ("c", Member::Null),
                ("d", Member::Json("1.50".to_owned())),
            ]
            .into_iter(),
        );
        assert_eq!(row, "{\"a\\\"\":-1,\"b\":\"x\\n\",\"c\":null,\"d\":1.50}");
        assert_eq!(object(std::iter::empty::<(&str, Member<'_>)>()), "{}");
    }
}
