//! The process that opens a workbook: bytes on standard input, rows on standard output.
//!
//! Its limits are its own, set before a byte is read. It may be killed by them at any moment, so it
//! tells rows as they come and says at the end that it has come to it.

use std::{
    io::{self, Cursor, Read, Write},
    os::unix::process::CommandExt,
};

use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use mappings::format::sheet::{COLUMNS_MAX, Choice, HEADER_ROWS_MAX, HEADER_WITHIN_ROWS};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{
    cells::{Limit, Line, ROW_BYTES_MAX, Stop, date_text, duration_text, number_text},
    workbook,
};

/// Address space, in bytes.
pub(super) const MEMORY_BYTES_MAX: u64 = 256 << 20;
/// Time of a processor, in seconds.
pub(super) const CPU_SECONDS_MAX: u64 = 20;
/// Rows of a sheet.
const ROWS_MAX: u32 = 1_048_576;
/// Cells of one sheet that are not empty.
const CELLS_MAX: u64 = 20_000_000;
/// Bytes of their texts together.
const TEXT_BYTES_MAX: u64 = 256 << 20;
/// Merged cells in the rows that may be a header.
const MERGED_MAX: usize = 10_000;

/// Takes away from this process what it does not need; tells whether it had more memory before.
fn bind() -> io::Result<bool> {
    let mut had_more = false;
    for (resource, most) in
        [(Resource::As, MEMORY_BYTES_MAX), (Resource::Cpu, CPU_SECONDS_MAX), (Resource::Core, 0)]
    {
        let held = getrlimit(resource).current;
        let more = held.is_none_or(|held| held > most);
        if more {
            setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
        }
        had_more |= more && resource == Resource::As;
    }
    Ok(had_more)
}

/// Reads the workbook on `input` and tells the rows of a sheet.
///
/// # Errors
/// When nobody listens, or the process cannot be limited.
pub(crate) fn run(choice: &Choice, input: &mut impl Read, out: &mut impl Write) -> io::Result<()> {
    if bind()? {
        // What an allocator has reserved already is in no limit: begin again within it.
        return Err(workbook::command(choice).exec());
    }
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    let mut teller = Teller { out, cells: 0, text: 0, row: 0 };
    match teller.workbook(choice, bytes) {
        Ok(()) => teller.tell(&Line::End)?,
        Err(End::Stop(stop)) => teller.tell(&Line::Stopped(stop))?,
        Err(End::Io(error)) => return Err(error),
    }
    teller.out.flush()
}

/// Why it ended early.
enum End {
    Stop(Stop),
    Io(io::Error),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<XlsxError> for End {
    fn from(error: XlsxError) -> Self {
        Self::Stop(Stop::Broken(error.to_string()))
    }
}

fn broken(detail: impl Into<String>) -> End {
    End::Stop(Stop::Broken(detail.into()))
}

struct Teller<'o, W> {
    out: &'o mut W,
    cells: u64,
    text: u64,
    /// Bytes of the present row.
    row: u64,
}

impl<W: Write> Teller<'_, W> {
    fn tell(&mut self, line: &Line) -> io::Result<()> {
        serde_json::to_writer(&mut *self.out, line)?;
        self.out.write_all(b"\n")
    }

    fn workbook(&mut self, choice: &Choice, bytes: Vec<u8>) -> Result<(), End> {
        let mut workbook = Xlsx::new(Cursor::new(bytes))?;
        let from_1904 = workbook.has_1904_epoch();
        let name = chosen(&workbook, choice)?;
        let header = HEADER_WITHIN_ROWS + HEADER_ROWS_MAX;
        let merged: Vec<_> = workbook
            .merge_cells_by_sheet_name(&name)?
            .into_iter()
            .map(|area| (area.start.0 + 1, area.start.1 + 1, area.end.0 + 1, area.end.1 + 1))
            .filter(|(top, ..)| *top <= header)
            .collect();
        if merged.len() > MERGED_MAX {
            return Err(End::Stop(Stop::Limit(Limit::Merged, MERGED_MAX as u64)));
        }
        self.tell(&Line::Sheet(name.clone(), merged))?;
        let mut cells = workbook.worksheet_cells_reader(&name)?;
        let (mut number, mut row) = (0, Vec::new());
        // Rows before one that cannot be read are told.
        let ended = loop {
            let cell = match cells.next_cell() {
                Ok(Some(cell)) => cell,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.into()),
            };
            let (at, column) = cell.get_position();
            let (at, column) = (at + 1, column + 1);
            if at > number && !row.is_empty() {
                self.tell(&Line::Row(number, std::mem::take(&mut row)))?;
                self.row = 0;
            }
            if at > ROWS_MAX || column > COLUMNS_MAX {
                break Err(broken("a cell stands where no sheet has one"));
            }
            let behind = row.last().is_none_or(|(last, ..)| *last < column);
            if at < number || !behind {
                break Err(broken(format!("row {at} or a cell of it stands where it should not")));
            }
            number = at;
            if let Some((text, broken)) = text_of(cell.get_value(), from_1904) {
                if let Err(stop) = self.count(&text) {
                    break Err(stop);
                }
                row.push((column, text, broken));
            }
        };
        if !row.is_empty() {
            self.tell(&Line::Row(number, row))?;
        }
        ended
    }

    fn count(&mut self, text: &str) -> Result<(), End> {
        let bytes = text.len() as u64;
        self.cells += 1;
        self.text += bytes;
        self.row += bytes;
        for (limit, held, max) in [
            (Limit::Cells, self.cells, CELLS_MAX),
            (Limit::Row, self.row, ROW_BYTES_MAX),
            (Limit::Text, self.text, TEXT_BYTES_MAX),
        ] {
            if held > max {
                return Err(End::Stop(Stop::Limit(limit, max)));
            }
        }
        Ok(())
    }
}

/// The name of the sheet that is to be read; numbers count those that a person sees.
fn chosen<R: Read + io::Seek>(workbook: &Xlsx<R>, choice: &Choice) -> Result<String, End> {
    let sheets = workbook.sheets_metadata().iter();
    let mut sheets = sheets.filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let names = || workbook.sheet_names().join(", ");
    match choice {
        Choice::Name(wanted) => sheets
            .find(|sheet| sheet.name == *wanted)
            .map(|sheet| sheet.name.clone())
            .ok_or_else(|| broken(format!("there is no sheet {wanted:?}, but {}", names()))),
        Choice::Number(number) => sheets
            .filter(|sheet| sheet.visible == SheetVisible::Visible)
            .nth(*number as usize - 1)
            .map(|sheet| sheet.name.clone())
            .ok_or_else(|| broken(format!("there is no sheet {number}, but {}", names()))),
    }
}

/// What a cell says, and whether that is an error; none where it is empty.
fn text_of(value: &DataRef<'_>, from_1904: bool) -> Option<(String, bool)> {
    let text = match value {
        DataRef::Empty => return None,
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number_text(*number),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(flag) => flag.to_string(),
        DataRef::DateTime(at) if at.is_duration() => duration_text(at.as_f64()),
        DataRef::DateTime(at) => date_text(at.as_f64(), from_1904),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(error) => return Some((error.to_string(), true)),
    };
    (!text.is_empty()).then_some((text, false))
}
