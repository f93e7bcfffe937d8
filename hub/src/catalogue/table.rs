//! One file of a catalogue: CSV in UTF-8 with a header, whose every cell has a place.

use std::{fs, path::Path};

use mappings::Diagnostic;

/// A file larger than this is no list that a person keeps.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A file, read.
pub(super) struct Table {
    file: String,
    text: String,
    columns: &'static [&'static str],
    /// For each known column its place in the file.
    places: Vec<usize>,
    rows: Vec<Record>,
}

struct Record {
    /// Where it begins in the text.
    start: usize,
    cells: csv::StringRecord,
}

/// One row of a table.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    table: &'a Table,
    record: &'a Record,
}

impl Table {
    /// Reads a file that has exactly these columns, in any order; some it may lack.
    ///
    /// # Errors
    /// What makes it unreadable; nothing in it is looked at then.
    pub(super) fn read(
        folder: &Path,
        name: &str,
        columns: &'static [&'static str],
        may_lack: &[&str],
    ) -> Result<Self, Vec<Diagnostic>> {
        let path = folder.join(name);
        let file = path.display().to_string();
        let fault = |text: &str, at: usize, message: String, advice: &str| {
            vec![Diagnostic::at(&file, text, &(at..at), message, advice)]
        };
        let unread = |error: std::io::Error| {
            let advice = "a catalogue has agencies, fields, procedures, units and successions, \
                          and holidays where it has a calendar; all .csv";
            fault("", 0, format!("it cannot be read: {error}"), advice)
        };
        if fs::metadata(&path).map_err(unread)?.len() > FILE_BYTES_MAX {
            let message = format!("it is larger than {FILE_BYTES_MAX} bytes");
            return Err(fault("", 0, message, "keep one province in a catalogue"));
        }
        let text = String::from_utf8(fs::read(&path).map_err(unread)?).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes().get(..valid).unwrap_or_default());
            fault(&text, valid, "it is not UTF-8 from here on".to_owned(), "save it as UTF-8")
        })?;
        // A mark that spreadsheets put in front of UTF-8.
        let text = text.strip_prefix('\u{FEFF}').map(ToOwned::to_owned).unwrap_or(text);
        let mut table =
            Self { file: file.clone(), text, columns, places: Vec::new(), rows: Vec::new() };
        table
            .rows(may_lack)
            .map_err(|(at, message, advice)| fault(&table.text, at, message, advice))?;
        Ok(table)
    }

    fn rows(&mut self, may_lack: &[&str]) -> Result<(), (usize, String, &'static str)> {
        let mut reader = csv::Reader::from_reader(self.text.as_bytes());
        let unread = |error: csv::Error| {
            let at = error.position().map_or(0, |place| place.byte());
            let at = usize::try_from(at).unwrap_or(usize::MAX);
            let message = match error.kind() {
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    format!("the row has {len} cells, the header {expected_len}")
                }
                _ => error.to_string(),
            };
            (at, message, "put a cell that holds a comma between quotes, and close each quote")
        };
        let header = reader.headers().map_err(unread)?.clone();
        for wanted in self.columns {
            let place = header.iter().position(|name| name.trim() == *wanted);
            let missing = || (0, format!("the column `{wanted}` is missing"), HEADER);
            let absent = may_lack.contains(wanted).then_some(ABSENT);
            self.places.push(place.or(absent).ok_or_else(missing)?);
        }
        for (at, name) in header.iter().enumerate() {
            if !self.places.contains(&at) {
                let place = cell_start(&self.text, 0, at);
                return Err((place, format!("the column `{name}` is not known, or twice"), HEADER));
            }
        }
        for cells in reader.records() {
            let cells = cells.map_err(unread)?;
            let start = cells.position().map_or(0, csv::Position::byte);
            let start = usize::try_from(start).unwrap_or(usize::MAX);
            self.rows.push(Record { start, cells });
        }
        Ok(())
    }

    /// Its rows in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|record| Row { table: self, record })
    }

    /// The row of a number, as [`Self::iter`] counts them.
    pub(super) fn row(&self, at: usize) -> Option<Row<'_>> {
        self.rows.get(at).map(|record| Row { table: self, record })
    }
}

/// The place of a column that a file lacks.
const ABSENT: usize = usize::MAX;

const HEADER: &str = "the first row names the columns, with commas between; see docs/catalogue.md";

impl<'a> Row<'a> {
    /// A cell, trimmed; none when it is empty.
    pub(super) fn cell(self, column: &str) -> Option<&'a str> {
        let at = self.table.columns.iter().position(|name| *name == column)?;
        let cell = self.record.cells.get(*self.table.places.get(at)?)?.trim();
        (!cell.is_empty()).then_some(cell)
    }

    /// A fault of a cell.
    pub(super) fn fault(self, column: &str, message: String, advice: &str) -> Diagnostic {
        let Table { file, text, columns, places, .. } = self.table;
        let at = columns.iter().position(|name| *name == column);
        let place = at.and_then(|at| places.get(at)).copied().unwrap_or(0);
        let start = cell_start(text, self.record.start, place);
        Diagnostic::at(file, text, &(start..start), message, advice)
    }
}

/// Where a cell of the record that begins at `start` begins: behind so many commas outside quotes.
fn cell_start(text: &str, start: usize, cell: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    // The reader tells where a record begins before the line breaks that it skips.
    let skipped = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
    let (mut quoted, mut seen) = (false, 0);
    for (at, byte) in rest.bytes().enumerate().skip(skipped) {
        if seen == cell {
            return start + at;
        }
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => seen += 1,
            _ => {}
        }
    }
    start + skipped.max(if seen == cell { rest.len() } else { 0 })
}
