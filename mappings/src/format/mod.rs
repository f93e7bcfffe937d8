//! The native formats, read strictly and record by record into one kind of tree.
//!
//! Every reader is iterative, bounded by [`Limits`], and gives a [`Fault`] with the byte offset
//! of what it refuses.

mod csv;
mod fixed;
mod json;
mod markup;
mod rows;
mod scan;
pub mod sheet;
mod tokens;
mod xml;

#[cfg(test)]
mod tests_csv;
#[cfg(test)]
mod tests_fixed;
#[cfg(test)]
mod tests_json;
#[cfg(test)]
mod tests_rows;
#[cfg(test)]
mod tests_sheet;
#[cfg(test)]
mod tests_xml;

use std::{borrow::Cow, collections::BTreeSet, fmt};

use crate::{
    document::{Document, Mark, NodeId},
    text::charset::{Charset, DecodeError},
};

pub(crate) use fixed::rows as fixed_rows;
pub use fixed::{Column, Counts, FixedOptions};
pub use rows::RowsOptions;
pub use sheet::SheetOptions;

/// What a reader puts up with before it refuses the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How deep elements, or objects and arrays, may nest.
    pub depth_max: u32,
    /// How many nodes one record, or what precedes it, may have.
    pub nodes_per_record_max: u32,
    /// How many bytes of names and texts one record, or what precedes it, may have.
    pub text_bytes_max: u32,
    /// How many attributes (namespace declarations included) one element may have.
    pub attributes_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth_max: 64,
            nodes_per_record_max: 65_536,
            text_bytes_max: 16 * 1024 * 1024,
            attributes_max: 256,
        }
    }
}

/// Why a payload, or one record of it, is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// The text is not well-formed.
    NotTheFormat,
    /// A JSON object says the same key twice.
    DuplicateKey,
    /// A bound of [`Limits`] is passed.
    LimitExceeded {
        /// The field of [`Limits`], or the fixed bound, that is passed.
        limit: &'static str,
        /// The most that is allowed.
        max: u64,
    },
    /// A document type declaration, or an entity only one could define.
    ForbiddenMarkup,
    /// A byte of one field that the charset does not have there.
    WrongCharset,
    /// What holds the records is not where it is declared to be; an empty one would be.
    ListAbsent {
        /// The declared path.
        path: String,
    },
}

/// A refusal, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Why.
    pub kind: FaultKind,
    /// The byte offset in the decoded source text.
    pub offset: usize,
    /// What was found, for a person.
    pub detail: String,
}

impl Fault {
    pub(crate) fn new(kind: FaultKind, offset: usize, detail: impl Into<String>) -> Self {
        Self { kind, offset, detail: detail.into() }
    }

    pub(crate) fn syntax(offset: usize, detail: impl Into<String>) -> Self {
        Self::new(FaultKind::NotTheFormat, offset, detail)
    }

    fn list_absent(each: &[Step]) -> Self {
        let names: Vec<&str> = each.iter().map(|step| step.name.as_str()).collect();
        let path = names.join("/");
        let detail = format!("there is nothing at `{path}`");
        Self::new(FaultKind::ListAbsent { path }, 0, detail)
    }

    pub(crate) fn limit(limit: &'static str, max: impl Into<u64>, offset: usize) -> Self {
        let max = max.into();
        let detail = format!("{limit} is over {max}");
        Self::new(FaultKind::LimitExceeded { limit, max }, offset, detail)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.offset, self.detail)
    }
}

impl std::error::Error for Fault {}

/// The line and column of a byte offset, both from 1; columns count characters.
#[must_use]
pub fn line_column(source: &str, offset: usize) -> (u32, u32) {
    let end = source.floor_char_boundary(offset);
    let before = source.get(..end).unwrap_or(source);
    let bytes = before.as_bytes();
    let mut line = 1_u32;
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let lone_return = *byte == b'\r' && source.as_bytes().get(at + 1) != Some(&b'\n');
        if *byte == b'\n' || lone_return {
            line = line.saturating_add(1);
            start = at + 1;
        }
    }
    let column = before.get(start..).map_or(0, |last| last.chars().count());
    (line, u32::try_from(column).map_or(u32::MAX, |column| column.saturating_add(1)))
}

/// One step of the path to the repeated record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The element's local name or the key; `*` matches any.
    pub name: String,
    /// The element's namespace; `None` matches any.
    pub namespace: Option<String>,
}

impl Step {
    pub(crate) fn matches(&self, name: &str, namespace: &str) -> bool {
        (self.name == "*" || self.name == name)
            && self.namespace.as_deref().is_none_or(|wanted| wanted == namespace)
    }
}

/// How JSON is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JsonOptions {
    /// JSON Lines: each line that is not empty is a document of its own.
    pub lines: bool,
    /// Every backslash stands twice, as PostgreSQL's `COPY` writes it.
    pub doubled: bool,
}

/// How XML is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct XmlOptions {}

/// Where a CSV file's column names come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Header {
    /// The row of that number, from 1, blank ones counted; the rows before it are skipped.
    Row(usize),
    /// These names; every row is data.
    Names(Vec<String>),
}

/// How CSV is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvOptions {
    /// What stands between fields.
    pub separator: char,
    /// What encloses a field that holds separators or line ends.
    pub quote: char,
    /// Where the column names come from.
    pub header: Header,
    /// How many rows at the end, blank ones not counted, are not data.
    pub skip_footer: usize,
    /// The columns that are read: a header that has none of them is no header. Empty where that is
    /// not known.
    pub reads: Reads,
}

impl Default for CsvOptions {
    fn default() -> Self {
        let (header, reads) = (Header::Row(1), Reads::default());
        Self { separator: ',', quote: '"', header, skip_footer: 0, reads }
    }
}

/// The columns that a mapping reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads(BTreeSet<String>);

impl Reads {
    /// Of these names, those that a header would have: a column without one is `col` and its place.
    #[must_use]
    pub fn of(names: BTreeSet<String>) -> Self {
        let is_place = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit());
        let is_named = |name: &String| !name.strip_prefix("col").is_some_and(is_place);
        Self(names.into_iter().filter(is_named).collect())
    }

    /// Refuses a header that has none of them: what came is something else, or in another charset,
    /// and where no rows follow it would pass for an empty list.
    fn some_of<'n>(
        &self,
        names: impl IntoIterator<Item = &'n String>,
        offset: usize,
    ) -> Result<(), Fault> {
        const TOLD_MAX: usize = 8;
        let Self(wanted) = self;
        if wanted.is_empty() || names.into_iter().any(|name| wanted.contains(name)) {
            return Ok(());
        }
        let told: Vec<&str> = wanted.iter().take(TOLD_MAX).map(String::as_str).collect();
        let more = if wanted.len() > TOLD_MAX { ", …" } else { "" };
        let told = told.join(", ");
        Err(Fault::syntax(offset, format!("the header has none of the columns {told}{more}")))
    }
}

/// A native format and how it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// JSON or JSON Lines.
    Json(JsonOptions),
    /// XML 1.0 with namespaces.
    Xml(XmlOptions),
    /// Separated values.
    Csv(CsvOptions),
    /// Columns of fixed width.
    Fixed(FixedOptions),
    /// Rows of a database query as JSON.
    Rows(RowsOptions),
    /// A sheet of a workbook; its rows come from whoever has opened it.
    Sheet(SheetOptions),
}

/// What receives each record, or the fault of a record that could not be read while the ones
/// after it can: a ragged CSV row, a broken line of JSON Lines.
pub type OnRecord<'a> = dyn FnMut(Result<(&Document, NodeId), Fault>) + 'a;

/// What the records of a format are made of, and so what a path may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Elements and their attributes.
    Elements,
    /// Members, which may have members.
    Members,
    /// Columns, which have nothing within.
    Columns,
}

impl Format {
    /// The text that [`Format::read`] takes of a payload.
    ///
    /// # Errors
    /// The first byte that the charset does not have there.
    pub fn text<'p>(
        &self,
        charset: Charset,
        payload: &'p [u8],
    ) -> Result<Cow<'p, str>, DecodeError> {
        match self {
            Self::Fixed(options) if options.charset.is_some() => Ok(fixed::undecoded(payload)),
            _ => charset.decode(payload),
        }
    }

    /// Whether every member of a record is text.
    pub(crate) fn is_textual(&self) -> bool {
        !matches!(self, Self::Json(_) | Self::Rows(_))
    }

    /// What its records are made of.
    pub(crate) fn shape(&self) -> Shape {
        match self {
            Self::Xml(_) => Shape::Elements,
            Self::Csv(_) | Self::Fixed(_) | Self::Sheet(_) => Shape::Columns,
            Self::Json(_) | Self::Rows(_) => Shape::Members,
        }
    }

    /// The columns of a record, where the channel declares them.
    pub(crate) fn declared(&self) -> Option<Vec<String>> {
        match self {
            Self::Rows(options) => Some(options.columns.clone()),
            Self::Fixed(options) => {
                Some(options.columns.iter().map(|column| column.name.clone()).collect())
            }
            _ => None,
        }
    }

    /// Reads `source` (decoded, without byte order mark), handing over each record at `each`.
    ///
    /// A record's node is valid only during the call. What precedes it stays reachable through
    /// [`Document::parent`]; records already handed over do not.
    ///
    /// # Errors
    ///
    /// The fault that ended the reading; records before it have been handed over.
    pub fn read(
        &self,
        source: &str,
        each: &[Step],
        limits: &Limits,
        on_record: &mut OnRecord<'_>,
    ) -> Result<(), Fault> {
        if u32::try_from(source.len()).is_err() {
            return Err(Fault::limit("source_bytes", u32::MAX, 0));
        }
        if source.starts_with('\u{FEFF}') {
            return Err(Fault::syntax(0, "a byte order mark was left in the text"));
        }
        match self {
            Self::Json(options) => json::read(options, source, each, limits, on_record),
            Self::Xml(_) => xml::read(source, each, limits, on_record),
            Self::Csv(options) => csv::read(options, source, limits, on_record),
            Self::Fixed(options) => fixed::read(options, source, limits, on_record),
            Self::Rows(options) => rows::read(options, source, limits, on_record),
            Self::Sheet(_) => Err(Fault::syntax(0, "a workbook is no text")),
        }
    }
}

/// Refuses an arena that has outgrown the limits since `since` (or since its beginning).
fn check_size(
    document: &Document,
    since: Option<&Mark>,
    limits: &Limits,
    offset: usize,
) -> Result<(), Fault> {
    let (nodes, text) = since.map_or((0, 0), |mark| (mark.nodes(), mark.text()));
    if document.node_count() - nodes > limits.nodes_per_record_max as usize {
        return Err(Fault::limit("nodes_per_record_max", limits.nodes_per_record_max, offset));
    }
    if document.text_bytes() - text > limits.text_bytes_max as usize {
        return Err(Fault::limit("text_bytes_max", limits.text_bytes_max, offset));
    }
    Ok(())
}
