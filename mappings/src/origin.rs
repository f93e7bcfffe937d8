//! Where a record stands in its payload, worked out only for those that are refused.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::BTreeMap,
};

use contracts::{ContractId, Place, Problem};

use crate::{
    document::{Document, NodeId},
    mapping::Mapping,
    quality::{self, Doubted},
};

/// The names of a sheet's columns.
pub(crate) type Columns = BTreeMap<u32, String>;

/// Where the offsets of a payload are: in its text, or in the row of a sheet.
pub(crate) struct Places<'a> {
    at: At<'a>,
    /// The file within an archive.
    member: Option<&'a str>,
}

enum At<'a> {
    Text(Lines<'a>),
    Sheet(Grid),
}

/// Line starts of a text, so that placing a thousand problems reads the text once.
struct Lines<'a> {
    source: &'a str,
    starts: OnceCell<Vec<usize>>,
}

/// A sheet, the row of it that is being read, and its columns once they are known.
#[derive(Default)]
struct Grid {
    name: RefCell<String>,
    row: Cell<u32>,
    columns: RefCell<Columns>,
}

impl Lines<'_> {
    fn place(&self, offset: usize) -> (u32, u32) {
        let starts = self.starts.get_or_init(|| {
            let breaks = self.source.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect()
        });
        let line = starts.partition_point(|start| *start <= offset);
        let start = starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = self.source.get(start..offset).unwrap_or("");
        (clamp(line), clamp(before.chars().count() + 1))
    }
}

impl<'a> Places<'a> {
    /// Those of a text.
    pub(crate) fn of_text(source: &'a str, member: Option<&'a str>) -> Self {
        let at = At::Text(Lines { source, starts: OnceCell::new() });
        Self { at, member }
    }

    /// Those of a sheet that is about to be read: an offset is a column.
    pub(crate) fn of_sheet(member: Option<&'a str>) -> Self {
        Self { at: At::Sheet(Grid { row: Cell::new(1), ..Grid::default() }), member }
    }

    /// The line and column of an offset, or the row and column of a cell, from 1.
    pub(crate) fn place(&self, offset: usize) -> (u32, u32) {
        match &self.at {
            At::Text(lines) => lines.place(offset),
            At::Sheet(grid) => (grid.row.get(), clamp(offset).max(1)),
        }
    }

    /// Notes the sheet's name.
    pub(crate) fn in_sheet(&self, name: &str) {
        if let At::Sheet(grid) = &self.at {
            name.clone_into(&mut grid.name.borrow_mut());
        }
    }

    /// Notes the row that is being read.
    pub(crate) fn in_row(&self, row: u32) {
        if let At::Sheet(grid) = &self.at {
            grid.row.set(row);
        }
    }

    /// Notes the columns, by which cells are found that are empty.
    pub(crate) fn with_columns(&self, columns: Columns) {
        if let At::Sheet(grid) = &self.at {
            grid.columns.replace(columns);
        }
    }

    /// Completes a place: the cell in a sheet, and the file in an archive.
    pub(crate) fn complete(&self, place: &mut Place) {
        if let At::Sheet(grid) = &self.at {
            grid.complete(place);
        }
        if let Some(member) = self.member {
            let path = place.path.take().map(|path| format!(": {path}")).unwrap_or_default();
            place.path = Some(format!("{member}{path}"));
        }
    }
}

impl Grid {
    /// `Sheet!B7`, and the column's name where a rule reads it.
    fn complete(&self, place: &mut Place) {
        let field = place.path.take();
        let columns = self.columns.borrow();
        let named = field.as_deref().and_then(|field| {
            let name = field.strip_prefix("./").unwrap_or(field).trim_matches('\'');
            columns.iter().find(|(_, known)| *known == name)
        });
        if let Some((column, _)) = named {
            place.column = Some(*column);
        }
        let (row, column) = (place.line.unwrap_or(1), place.column.unwrap_or(1));
        let mut path = format!("{}!{}{row}", self.name.borrow(), letters(column));
        if let Some((_, name)) = named {
            path.push(' ');
            path.push_str(name);
        }
        place.path = Some(path);
    }
}

/// A column as spreadsheets name it: `A`, `Z`, `AA`.
fn letters(column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = column;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or(0)));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

fn clamp(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// One record's place in its payload.
pub struct Origin<'a> {
    /// Its number, from 1.
    pub record: u32,
    /// For one that is refused: the key that it bears, where that could be read.
    pub key: Option<&'a str>,
    /// The record itself, where it could be read.
    pub(crate) native: Option<(&'a Document, NodeId)>,
    pub(crate) offset: usize,
    pub(crate) mapping: &'a Mapping,
    pub(crate) places: &'a Places<'a>,
    pub(crate) stopped: &'a Cell<bool>,
}

impl Origin<'_> {
    /// Places a problem that sealing found: where its record begins, and which native field feeds
    /// the member concerned.
    pub fn locate(&self, contract: &ContractId, problem: &mut Problem) {
        let (line, column) = self.places.place(self.offset);
        problem.place = Place {
            line: Some(line),
            column: Some(column),
            path: self.mapping.field_of(contract, &problem.pointer),
            record: Some(self.record),
        };
        self.places.complete(&mut problem.place);
    }

    /// What may be doubted of what the rules read of it.
    pub fn doubts(&self) -> Vec<Doubted> {
        let of = |(document, record)| quality::of_native(self.mapping, document, record);
        self.native.map(of).unwrap_or_default()
    }

    /// Asks for no more records: those that follow are neither mapped nor handed over.
    pub fn stop(&self) {
        self.stopped.set(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_the_letters_of_spreadsheets() {
        for (column, name) in [(1, "A"), (26, "Z"), (27, "AA"), (702, "ZZ"), (16_384, "XFD")] {
            assert_eq!(letters(column), name);
        }
    }
}
