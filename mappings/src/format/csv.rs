//! Separated values: one pass, with fields in place; a ragged row does not stop the file.

use std::collections::HashSet;

use super::{CsvOptions, Fault, Header, Limits, OnRecord, check_size};
use crate::document::{Document, NodeId, NodeKind, Span};
use crate::text::normalise::tidy_text;

/// What ended a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Field,
    Row,
    Broken,
}

/// A position in the file and how its rows are punctuated.
#[derive(Clone, Copy)]
struct Rows<'s> {
    source: &'s str,
    at: usize,
    separator: char,
    quote: char,
}

/// One row: where it began, how many fields, whether blank, and where it broke off.
struct Row {
    offset: usize,
    fields: usize,
    blank: bool,
    broken: Option<usize>,
}

impl<'s> Rows<'s> {
    fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or_default()
    }

    /// Steps over one line end (`\r\n`, `\n` or `\r`), if there is one here.
    fn line_end(&mut self) -> bool {
        let rest = self.rest().as_bytes();
        let length = match rest.first() {
            Some(b'\r') if rest.get(1) == Some(&b'\n') => 2,
            Some(b'\r' | b'\n') => 1,
            _ => 0,
        };
        self.at += length;
        length > 0
    }

    /// Reads one field into `out`.
    fn field(&mut self, out: &mut String) -> Result<After, Fault> {
        if !self.rest().starts_with(self.quote) {
            let rest = self.rest();
            let length = rest.find([self.separator, '\n', '\r']).unwrap_or(rest.len());
            out.push_str(rest.get(..length).unwrap_or_default());
            self.at += length;
            return Ok(self.after());
        }
        let opened = self.at;
        self.at += self.quote.len_utf8();
        loop {
            let rest = self.rest();
            let Some(length) = rest.find(self.quote) else {
                return Err(Fault::syntax(opened, "a quoted field is never closed"));
            };
            out.push_str(rest.get(..length).unwrap_or_default());
            self.at += length + self.quote.len_utf8();
            if !self.rest().starts_with(self.quote) {
                return Ok(self.after());
            }
            out.push(self.quote);
            self.at += self.quote.len_utf8();
        }
    }

    /// Steps over what follows a field.
    fn after(&mut self) -> After {
        if self.at >= self.source.len() || self.line_end() {
            After::Row
        } else if self.rest().starts_with(self.separator) {
            self.at += self.separator.len_utf8();
            After::Field
        } else {
            After::Broken
        }
    }

    /// Reads one row; `field` gets each field's index, offset and text.
    fn row(
        &mut self,
        scratch: &mut String,
        field: &mut dyn FnMut(usize, usize, &str) -> Result<(), Fault>,
    ) -> Result<Option<Row>, Fault> {
        if self.at >= self.source.len() {
            return Ok(None);
        }
        let mut row = Row { offset: self.at, fields: 0, blank: false, broken: None };
        loop {
            let offset = self.at;
            scratch.clear();
            let after = self.field(scratch)?;
            field(row.fields, offset, scratch)?;
            row.fields += 1;
            match after {
                After::Field => {}
                After::Row => {
                    row.blank = row.fields == 1
                        && scratch.trim().is_empty()
                        && !self.source.get(offset..).is_some_and(|at| at.starts_with(self.quote));
                    return Ok(Some(row));
                }
                After::Broken => {
                    row.broken = Some(self.at);
                    let rest = self.rest();
                    self.at += rest.find(['\n', '\r']).unwrap_or(rest.len());
                    self.line_end();
                    return Ok(Some(row));
                }
            }
        }
    }
}

/// Reads a whole file.
pub(super) fn read(
    options: &CsvOptions,
    source: &str,
    limits: &Limits,
    on_record: &mut OnRecord<'_>,
) -> Result<(), Fault> {
    let (separator, quote) = (options.separator, options.quote);
    if separator == quote || [separator, quote].iter().any(|c| matches!(c, '\n' | '\r' | '\0')) {
        return Err(Fault::syntax(0, "the separator and the quote must be two other characters"));
    }
    if let Some(at) = source.find('\0') {
        return Err(Fault::syntax(at, "a NUL character"));
    }
    let mut rows = Rows { source, at: 0, separator, quote };
    let mut document = Document::default();
    let names = header(options, &mut rows, limits)?;
    let root = document.push(None, NodeKind::Array, Span::EMPTY, 0);
    let names: Vec<Span> = names.iter().map(|name| document.store(name)).collect();
    let mut left = if options.skip_footer == 0 {
        usize::MAX
    } else {
        count(rows)?.saturating_sub(options.skip_footer)
    };
    let mut scratch = String::new();
    while left > 0 {
        let read = one(&mut rows, &mut document, root, &names, limits, &mut scratch, on_record)?;
        match read {
            None => break,
            Some(false) => {}
            Some(true) => left -= 1,
        }
    }
    Ok(())
}

/// How many rows that are not blank are left.
fn count(mut rows: Rows<'_>) -> Result<usize, Fault> {
    let mut scratch = String::new();
    let mut total = 0;
    while let Some(row) = rows.row(&mut scratch, &mut |_, _, _| Ok(()))? {
        total += usize::from(!row.blank);
    }
    Ok(total)
}

/// Reads one row and hands it over; `Some(false)` for a blank one.
fn one(
    rows: &mut Rows<'_>,
    document: &mut Document,
    root: NodeId,
    names: &[Span],
    limits: &Limits,
    scratch: &mut String,
    on_record: &mut OnRecord<'_>,
) -> Result<Option<bool>, Fault> {
    let mark = document.mark(Some(root));
    let record = document.push(Some(root), NodeKind::Object, Span::EMPTY, rows.at);
    let row = rows.row(scratch, &mut |index, offset, text| {
        let Some(name) = names.get(index) else { return Ok(()) };
        let id = document.push(Some(record), NodeKind::Text, *name, offset);
        let text = document.store(text);
        document.set_text(id, text);
        check_size(document, Some(&mark), limits, offset)
    })?;
    let Some(row) = row else { return Ok(None) };
    if row.blank {
        document.truncate(mark);
        return Ok(Some(false));
    }
    if let Some(offset) = row.broken {
        on_record(Err(Fault::syntax(offset, "text follows the closing quote of a field")));
    } else if row.fields == names.len() {
        on_record(Ok((document, record)));
    } else {
        let detail = format!("the row has {} fields, the header {}", row.fields, names.len());
        on_record(Err(Fault::syntax(row.offset, detail)));
    }
    document.truncate(mark);
    Ok(Some(true))
}

/// The column names, leaving `rows` at the first row of data.
fn header(
    options: &CsvOptions,
    rows: &mut Rows<'_>,
    limits: &Limits,
) -> Result<Vec<String>, Fault> {
    let mut names = Vec::new();
    let mut offset = 0;
    match &options.header {
        Header::Names(given) => names.clone_from(given),
        Header::Row(number) => {
            let mut scratch = String::new();
            for _ in 1..(*number).max(1) {
                rows.row(&mut scratch, &mut |_, _, _| Ok(()))?;
            }
            offset = rows.at;
            let row = rows.row(&mut scratch, &mut |_, _, text| {
                // What cannot be seen in a column's name does not make it another name.
                names.push(tidy_text(text).into_owned());
                Ok(())
            })?;
            match row {
                Some(Row { blank: false, broken: None, .. }) => {}
                _ => return Err(Fault::syntax(offset, "there is no header row")),
            }
        }
    }
    if names.len() > limits.nodes_per_record_max as usize {
        return Err(Fault::limit("nodes_per_record_max", limits.nodes_per_record_max, offset));
    }
    for (index, name) in names.iter_mut().enumerate() {
        if name.is_empty() {
            *name = format!("col{}", index + 1);
        }
    }
    let mut seen = HashSet::new();
    if let Some(name) = names.iter().find(|name| !seen.insert(name.as_str())) {
        return Err(Fault::syntax(offset, format!("two columns are named {name:?}")));
    }
    if matches!(options.header, Header::Row(_)) {
        options.reads.some_of(&names, offset)?;
    }
    Ok(names)
}
