//! Columns of fixed width, as dBase, FoxPro (`SDF`) and COBOL programs write them.
//!
//! In the legacy charsets a width counts bytes, and a letter may be two of them: there a row is cut
//! before its fields are decoded. In Unicode it counts characters. A channel may say otherwise.

use std::borrow::Cow;

use super::{Fault, FaultKind, Limits, OnRecord, check_size};
use crate::{
    document::{Document, NodeId, NodeKind, Span},
    text::charset::Charset,
};

/// What DOS programs write behind the last row.
const END_OF_FILE: char = '\u{1A}';

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// What paths call it.
    pub name: String,
    /// Where it begins in the row, from 1.
    pub at: usize,
    /// How wide it is, in bytes or characters.
    pub width: usize,
}

impl Column {
    /// Where the next column may begin.
    pub(crate) fn end(&self) -> usize {
        self.at + self.width
    }
}

/// What widths count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// Bytes, as programs do that know no other letters.
    Bytes,
    /// Characters.
    Characters,
}

/// How columns of fixed width are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FixedOptions {
    /// The columns in their order; they do not overlap.
    pub columns: Vec<Column>,
    /// How many rows at the beginning, blank ones counted, are not data.
    pub skip_header: usize,
    /// How many rows at the end, blank ones not counted, are not data.
    pub skip_footer: usize,
    /// Whether a row may end early, its spaces at the end being left out.
    pub short: bool,
    /// What each field is written in, where widths count bytes.
    pub charset: Option<Charset>,
    /// What widths count, where it is not what the charset makes usual.
    pub counts: Option<Counts>,
}

/// Bytes as text of one character a byte, for [`read`] to cut and decode.
pub(super) fn undecoded(payload: &[u8]) -> Cow<'_, str> {
    // A byte order mark is in no column.
    let payload = payload.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(payload);
    match std::str::from_utf8(payload) {
        Ok(text) if payload.is_ascii() => Cow::Borrowed(text),
        _ => Cow::Owned(payload.iter().copied().map(char::from).collect()),
    }
}

/// The rows of a text and where they begin, without what ends them.
pub(crate) fn rows(source: &str) -> impl Iterator<Item = (usize, &str)> {
    let source = source.strip_suffix(END_OF_FILE).unwrap_or(source);
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = source.get(at..).filter(|rest| !rest.is_empty())?;
        let start = at;
        let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let end = if rest.as_bytes().get(length..length + 2) == Some(b"\r\n") { 2 } else { 1 };
        at = (start + length + end).min(source.len());
        Some((start, rest.get(..length).unwrap_or_default()))
    })
}

fn is_blank(row: &str) -> bool {
    row.bytes().all(|byte| byte == b' ')
}

/// Reads a whole file.
pub(super) fn read(
    options: &FixedOptions,
    source: &str,
    limits: &Limits,
    on_record: &mut OnRecord<'_>,
) -> Result<(), Fault> {
    let mut document = Document::default();
    let root = document.push(None, NodeKind::Array, Span::EMPTY, 0);
    let names: Vec<Span> =
        options.columns.iter().map(|column| document.store(&column.name)).collect();
    let data = || rows(source).skip(options.skip_header).filter(|(_, row)| !is_blank(row));
    let count = match options.skip_footer {
        0 => usize::MAX,
        footer => data().count().saturating_sub(footer),
    };
    let mut bytes = Vec::new();
    for (offset, row) in data().take(count) {
        let mark = document.mark(Some(root));
        let record = document.push(Some(root), NodeKind::Object, Span::EMPTY, offset);
        let fields = Fields { options, offset, row, names: &names };
        let read = fields.read(&mut document, record, &mut bytes);
        // A limit ends the reading; any other fault is the row's own.
        check_size(&document, Some(&mark), limits, offset)?;
        on_record(read.map(|()| (&document, record)));
        document.truncate(mark);
    }
    Ok(())
}

/// One row about to be cut.
struct Fields<'a> {
    options: &'a FixedOptions,
    offset: usize,
    row: &'a str,
    names: &'a [Span],
}

impl Fields<'_> {
    /// Adds a node for each column.
    fn read(
        &self,
        document: &mut Document,
        record: NodeId,
        bytes: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if let Some(at) = self.row.find(|letter: char| letter.is_ascii_control()) {
            let detail = "a tab or another control character: the columns cannot be told";
            return Err(Fault::syntax(self.offset + at, detail));
        }
        let (mut at, mut rest) = (1, self.row);
        for (column, name) in self.options.columns.iter().zip(self.names) {
            let (_, behind) = split(rest, column.at - at);
            let (field, behind) = split(behind, column.width);
            let offset = self.offset + self.row.len() - behind.len() - field.len();
            (at, rest) = (column.end(), behind);
            if !self.options.short && field.chars().count() < column.width {
                let (length, end) = (self.row.chars().count(), self.end());
                let detail = format!("the row ends at {length}, its last column at {end}");
                return Err(Fault::syntax(self.offset, detail));
            }
            let id = document.push(Some(record), NodeKind::Text, *name, offset);
            let text = match self.options.charset {
                Some(charset) => decode(charset, field, offset, bytes)?,
                None => Cow::Borrowed(field),
            };
            let text = document.store(&text);
            document.set_text(id, text);
        }
        if is_blank(rest) {
            return Ok(());
        }
        let beyond = rest.len() - rest.trim_start_matches(' ').len();
        let offset = self.offset + self.row.len() - rest.len() + beyond;
        let detail =
            format!("the row goes on behind its last column, which ends at {}", self.end());
        Err(Fault::syntax(offset, detail))
    }

    /// Where the last column ends.
    fn end(&self) -> usize {
        self.options.columns.last().map_or(0, |column| column.end() - 1)
    }
}

/// The first so many characters, fewer where there are not so many, and what follows them.
fn split(text: &str, count: usize) -> (&str, &str) {
    let end = text.char_indices().nth(count).map_or(text.len(), |(at, _)| at);
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Decodes a field of one character a byte.
fn decode<'t>(
    charset: Charset,
    field: &'t str,
    offset: usize,
    bytes: &mut Vec<u8>,
) -> Result<Cow<'t, str>, Fault> {
    if is_blank(field) {
        return Ok(Cow::Borrowed(""));
    }
    bytes.clear();
    bytes.extend(field.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?')));
    match charset.decode(bytes) {
        Ok(text) => Ok(Cow::Owned(text.into_owned())),
        Err(error) => {
            let (before, _) = split(field, error.offset);
            let detail = format!("byte 0x{:02X} does not belong to {charset}", error.byte);
            Err(Fault::new(FaultKind::WrongCharset, offset + before.len(), detail))
        }
    }
}
