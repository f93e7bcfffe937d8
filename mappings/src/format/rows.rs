//! Rows of a database query as JSON: an array of objects, or one object a line.
//!
//! All rows of a query have the same columns, so a row that lacks one, or is no object, comes from
//! another query than the one declared: it is refused alone.

use super::{Fault, JsonOptions, Limits, OnRecord, json};
use crate::document::{Document, NodeId, NodeKind};

/// How rows of a query are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowsOptions {
    /// The columns that every row has; it may have others.
    pub columns: Vec<String>,
    /// Every backslash stands twice, as PostgreSQL's `COPY` writes it.
    pub copied: bool,
}

/// Reads a whole payload.
pub(super) fn read(
    options: &RowsOptions,
    source: &str,
    limits: &Limits,
    on_record: &mut OnRecord<'_>,
) -> Result<(), Fault> {
    let lines = !source.trim_ascii_start().starts_with('[');
    let form = JsonOptions { lines, doubled: options.copied };
    json::read(&form, source, &[], limits, &mut |item| {
        on_record(item.and_then(|(document, row)| checked(options, document, row)));
    })
}

/// A row that has all the columns.
fn checked<'d>(
    options: &RowsOptions,
    document: &'d Document,
    row: NodeId,
) -> Result<(&'d Document, NodeId), Fault> {
    let offset = document.offset(row);
    if document.kind(row) != NodeKind::Object {
        return Err(Fault::syntax(offset, "a row is an object of its columns"));
    }
    // As a query gives them, columns come in the order declared: then each is found at once.
    let mut rest = document.children(row);
    for column in &options.columns {
        let next = rest.next();
        if next.is_some_and(|id| document.name(id) == column) {
            continue;
        }
        if !document.children(row).any(|id| document.name(id) == column) {
            return Err(Fault::syntax(offset, format!("the row has no column {column:?}")));
        }
    }
    Ok((document, row))
}
