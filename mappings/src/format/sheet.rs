//! A sheet of a workbook, row by row. Whoever has opened the workbook hands the rows over.

use std::collections::{BTreeMap, HashSet};

use super::{Fault, Limits, OnRecord, Reads, check_size};
use crate::{
    document::{Document, NodeKind, Span},
    origin::{Columns, Places},
    text::normalise::{search_key, tidy_text},
};

/// Rows in which a header that is known by its texts is looked for.
pub const HEADER_WITHIN_ROWS: u32 = 200;
/// Rows that a header may have.
pub const HEADER_ROWS_MAX: u32 = 10;
/// Columns of a sheet.
pub const COLUMNS_MAX: u32 = 16_384;

/// One cell that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Its column, from 1.
    pub column: u32,
    /// What it says: a number in plain digits, a date as `yyyy-MM-dd` or `yyyy-MM-ddTHH:mm:ss`.
    pub text: String,
    /// Whether it shows an error such as `#REF!`.
    pub broken: bool,
}

/// One row that is not empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Its number, from 1.
    pub number: u32,
    /// Its cells in the order of their columns.
    pub cells: Vec<Cell>,
}

/// Cells merged into one, by row and column from 1, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// The first row.
    pub top: u32,
    /// The first column.
    pub left: u32,
    /// The last row.
    pub bottom: u32,
    /// The last column.
    pub right: u32,
}

/// A sheet that is open.
pub trait Sheet {
    /// Its name.
    fn name(&self) -> &str;

    /// Its merged cells among the first [`HEADER_WITHIN_ROWS`] + [`HEADER_ROWS_MAX`] rows.
    fn merged(&self) -> &[Area];

    /// The next row that is not empty.
    ///
    /// # Errors
    /// Why there are no more that can be read.
    fn row(&mut self) -> Result<Option<Row>, Fault>;
}

/// Which sheet of a workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The one at that place, from 1.
    Number(u32),
    /// The one of that name.
    Name(String),
}

/// Where a sheet's column names stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SheetHeader {
    /// In the row of that number, from 1.
    Row(u32),
    /// In the first row that has cells of all these texts.
    With(Vec<String>),
}

/// How a sheet is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetOptions {
    /// Which sheet.
    pub sheet: Choice,
    /// Where the column names begin.
    pub header: SheetHeader,
    /// How many rows they take: a group's name above the names of its columns.
    pub header_rows: u32,
    /// A row whose first filled cell begins with one of these is a total, not data; as
    /// [`search_key`] has them.
    pub totals: Vec<String>,
    /// The columns that are read; see [`Reads`].
    pub reads: Reads,
}

impl Default for SheetOptions {
    fn default() -> Self {
        let header = SheetHeader::Row(1);
        Self {
            sheet: Choice::Number(1),
            header,
            header_rows: 1,
            totals: Vec::new(),
            reads: Reads::default(),
        }
    }
}

/// Texts of a header by row and column.
type Grid = BTreeMap<(u32, u32), String>;

/// Reads a whole sheet. `places` is told the row that is being read.
pub(crate) fn read(
    options: &SheetOptions,
    sheet: &mut dyn Sheet,
    limits: &Limits,
    places: &Places<'_>,
    on_record: &mut OnRecord<'_>,
) -> Result<(), Fault> {
    places.in_sheet(sheet.name());
    let first = header_row(&options.header, sheet, places)?;
    let last = first.number + options.header_rows - 1;
    let mut grid = Grid::new();
    let mut keep = |row: Row| {
        for cell in row.cells {
            grid.insert((row.number, cell.column), tidy_text(&cell.text).into_owned());
        }
    };
    let top = first.number;
    keep(first);
    let mut next = sheet.row()?;
    while let Some(row) = next.take_if(|row| row.number <= last) {
        keep(row);
        next = sheet.row()?;
    }
    if options.header_rows > 1 {
        spread(&mut grid, sheet.merged(), (top, last));
    }
    let columns = names(&grid)?;
    options.reads.some_of(columns.values(), 1)?;
    let mut document = Document::default();
    let root = document.push(None, NodeKind::Array, Span::EMPTY, 0);
    let spans: BTreeMap<u32, Span> =
        columns.iter().map(|(column, name)| (*column, document.store(name))).collect();
    places.with_columns(columns);
    while let Some(row) = next {
        places.in_row(row.number);
        let is_total = |cell: &Cell| {
            let key = search_key(&cell.text);
            options.totals.iter().any(|total| key.starts_with(total.as_str()))
        };
        let filled = row.cells.iter().find(|cell| !tidy_text(&cell.text).is_empty());
        if filled.is_some_and(|cell| !is_total(cell)) {
            let mark = document.mark(Some(root));
            let record = document.push(Some(root), NodeKind::Object, Span::EMPTY, 1);
            for cell in &row.cells {
                let name = match spans.get(&cell.column) {
                    Some(name) => *name,
                    None => document.store(&unnamed(cell.column)),
                };
                let id = document.push(Some(record), NodeKind::Text, name, cell.column as usize);
                let text = document.store(&cell.text);
                document.set_text(id, text);
                check_size(&document, Some(&mark), limits, cell.column as usize)?;
            }
            let broken = row.cells.iter().find(|cell| cell.broken);
            on_record(match broken {
                None => Ok((&document, record)),
                Some(cell) => {
                    let detail = format!("the cell shows the error {}", cell.text);
                    Err(Fault::syntax(cell.column as usize, detail))
                }
            });
            document.truncate(mark);
        }
        next = sheet.row()?;
    }
    Ok(())
}

/// What a column without a name is called.
fn unnamed(column: u32) -> String {
    format!("col{column}")
}

/// Reads up to the first row of the header.
fn header_row(
    header: &SheetHeader,
    sheet: &mut dyn Sheet,
    places: &Places<'_>,
) -> Result<Row, Fault> {
    let last = match header {
        SheetHeader::Row(number) => *number,
        SheetHeader::With(_) => HEADER_WITHIN_ROWS,
    };
    while let Some(row) = sheet.row()?.filter(|row| row.number <= last) {
        places.in_row(row.number);
        let found = match header {
            SheetHeader::Row(number) => row.number == *number,
            SheetHeader::With(texts) => {
                let has =
                    |text: &String| row.cells.iter().any(|one| tidy_text(&one.text) == **text);
                texts.iter().all(has)
            }
        };
        if found {
            return Ok(row);
        }
    }
    Err(Fault::syntax(
        1,
        match header {
            SheetHeader::Row(number) => {
                format!("row {number}, which is to have the names, is empty")
            }
            SheetHeader::With(texts) => {
                let texts = texts.join(", ");
                format!("no row of the first {HEADER_WITHIN_ROWS} has the cells {texts}")
            }
        },
    ))
}

/// Gives the text of merged cells to each of them, as far as the header goes.
fn spread(grid: &mut Grid, merged: &[Area], (top, last): (u32, u32)) {
    let within = |area: &&Area| area.top >= top && area.top <= last;
    for area in merged.iter().filter(within) {
        let Some(text) = grid.get(&(area.top, area.left)).cloned() else { continue };
        for row in area.top..=area.bottom.min(last) {
            for column in area.left..=area.right.min(COLUMNS_MAX) {
                grid.insert((row, column), text.clone());
            }
        }
    }
}

/// The names of the columns: what stands one below the other, a merged text once.
fn names(grid: &Grid) -> Result<Columns, Fault> {
    let mut names = Columns::new();
    for ((_, column), text) in grid.iter().filter(|(_, text)| !text.is_empty()) {
        let name = names.entry(*column).or_default();
        if !name.split('\n').any(|above| above == text) {
            let between = if name.is_empty() { "" } else { "\n" };
            name.push_str(between);
            name.push_str(text);
        }
    }
    for name in names.values_mut() {
        *name = name.replace('\n', " ");
    }
    let mut seen = HashSet::new();
    match names.iter().find(|(_, name)| !seen.insert(name.as_str())) {
        None => Ok(names),
        Some((column, name)) => {
            let detail = format!("two columns are named {name:?}");
            Err(Fault::syntax(*column as usize, detail))
        }
    }
}
