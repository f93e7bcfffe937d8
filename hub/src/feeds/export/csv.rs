//! An export as comma-separated values: RFC 4180, in UTF-8 with a mark. Without the mark, Excel
//! takes the bytes for the system's old character set and shows no Vietnamese; LibreOffice, DuckDB
//! and the readers of most languages take it away.

use std::io::Write;

use csv::{Terminator, WriterBuilder};

use super::{
    Column, Told, Unwritten, Writer,
    event::{Cell, Event},
};
use crate::report::safe;

/// The mark by which spreadsheets know UTF-8.
const MARK: &[u8] = "\u{FEFF}".as_bytes();

pub(super) struct Csv {
    out: csv::Writer<Box<dyn Write + Send>>,
    columns: Vec<&'static Column>,
}

impl Csv {
    pub(super) fn new(
        columns: Vec<&'static Column>,
        mut out: Box<dyn Write + Send>,
    ) -> Result<Self, Unwritten> {
        out.write_all(MARK)?;
        let mut out = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
        out.write_record(columns.iter().map(|column| column.name)).map_err(fault)?;
        Ok(Self { out, columns })
    }
}

fn fault(error: csv::Error) -> Unwritten {
    Unwritten::Out(error.into())
}

/// A cell as text; a text is kept from being taken for a formula.
fn text(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Absent => String::new(),
        Cell::Whole(number) => number.to_string(),
        Cell::Number(number) => number.to_string(),
        Cell::Flag(flag) => flag.to_string(),
        Cell::Day(day) => day.to_string(),
        Cell::Moment(at) => at.to_string(),
        Cell::Text(text) => safe(text),
    }
}

impl Writer for Csv {
    fn row(&mut self, event: &Event<'_>) -> Result<(), Unwritten> {
        for column in &self.columns {
            self.out.write_field(text(&event.cell(column)?)).map_err(fault)?;
        }
        self.out.write_record(None::<&[u8]>).map_err(fault)
    }

    fn end(mut self: Box<Self>, _: &Told) -> Result<(), Unwritten> {
        Ok(self.out.flush()?)
    }
}
