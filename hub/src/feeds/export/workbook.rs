//! An export as a workbook (ECMA-376), written as it comes: nothing lies on a disk meanwhile, and a
//! reader has its first rows at once. Texts stand in their cells and are never formulas. More rows
//! than a sheet takes go on in the next one; the last sheet tells what the workbook is.
//!
//! Written here because the library that writes reports keeps every cell, or every row in a file of
//! the system's temporary folder, until the end.

use std::{fmt::Write as _, io::Write};

use jiff::civil::Date;

use super::{
    Column, Kind, Told, Unwritten, Writer,
    archive::Archive,
    event::{Cell, Event},
};

/// Rows of a sheet, the titles included.
const SHEET_ROWS_MAX: u32 = 1_048_576;
/// Bytes of a sheet's text: an archive has room for four gigabytes.
const SHEET_BYTES_MAX: u64 = 3 << 30;
/// UTF-16 units of a text in a cell. What contracts let through is far shorter.
const CELL_UNITS_MAX: usize = 32_767;

/// Day 0 of workbooks, from their day 61 on: before, they count a day that there was not.
const DAY_ZERO: Date = Date::constant(1899, 12, 30);
const FIRST_DAY: Date = Date::constant(1900, 3, 1);
/// The day 1970-01-01 as workbooks count.
const EPOCH_DAY: f64 = 25_569.0;
const MICROSECONDS_A_DAY: f64 = 86_400e6;
const VIETNAM_MICROSECONDS: i64 = 7 * 3_600 * 1_000_000;

const HEAD: &str = "<?xml version='1.0' encoding='UTF-8' standalone='yes'?>";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// The parts that are the same in every workbook. Formats of cells are told by their number in the
/// last: plain, titles, whole numbers, days, moments.
const PARTS: [(&str, &str); 3] = [
    ("[Content_Types].xml", include_str!("workbook/types.xml")),
    ("_rels/.rels", include_str!("workbook/package.xml")),
    ("xl/styles.xml", include_str!("workbook/styles.xml")),
];

/// A sheet's name in the archive.
const SHEET: &str = "xl/worksheets/sheet#.xml";

pub(super) struct Book {
    archive: Archive,
    columns: Vec<&'static Column>,
    /// Their letters.
    letters: Vec<String>,
    rows_max: u32,
    sheets: u32,
    /// Rows of this sheet, and bytes.
    rows: u32,
    bytes: u64,
    line: String,
}

/// The letters of a column, from 0.
fn letters(mut at: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(b'A' + u8::try_from(at % 26).unwrap_or(0));
        if at < 26 {
            break;
        }
        at = at / 26 - 1;
    }
    letters.reverse();
    letters.into_iter().map(char::from).collect()
}

/// Adds a text as XML has it in workbooks: what XML has no room for as `_xHHHH_`, and what would be
/// read as such with its `_` written so.
fn escaped(text: &str, line: &mut String) {
    let mut units = 0;
    for (at, letter) in text.char_indices() {
        units += letter.len_utf16();
        if units >= CELL_UNITS_MAX {
            line.push('…');
            break;
        }
        match letter {
            '&' => line.push_str("&amp;"),
            '<' => line.push_str("&lt;"),
            '>' => line.push_str("&gt;"),
            '_' if is_escape(text.as_bytes().get(at..).unwrap_or_default()) => {
                line.push_str("_x005F_");
            }
            '\t' | '\n' => line.push(letter),
            '\0'..='\x1F' | '\u{FFFE}' | '\u{FFFF}' => {
                // Writing to a text does not fail.
                let _ = write!(line, "_x{:04X}_", u32::from(letter));
            }
            _ => line.push(letter),
        }
    }
}

/// Whether a text begins as what is read as one letter.
fn is_escape(text: &[u8]) -> bool {
    let Some([b'_', b'x', digits @ .., b'_']) = text.get(..7) else { return false };
    digits.iter().all(u8::is_ascii_hexdigit)
}

/// Adds a cell.
fn cell(line: &mut String, at: (&str, u32), cell: &Cell<'_>, style: u32) {
    let (letters, row) = at;
    let number = |line: &mut String, style: u32, value: &dyn std::fmt::Display| {
        let _ = write!(line, r#"<c r="{letters}{row}" s="{style}"><v>{value}</v></c>"#);
    };
    match cell {
        Cell::Absent => {}
        Cell::Whole(value) => number(line, 2, value),
        Cell::Number(value) => number(line, 0, value),
        Cell::Flag(value) => {
            let value = u8::from(*value);
            let _ = write!(line, r#"<c r="{letters}{row}" t="b"><v>{value}</v></c>"#);
        }
        Cell::Day(day) if *day >= FIRST_DAY => {
            number(line, 3, &(day.duration_since(DAY_ZERO).as_hours() / 24));
        }
        // A workbook has no such day.
        Cell::Day(day) => text(line, at, &day.to_string(), style),
        Cell::Moment(moment) => {
            let there = moment.as_microsecond() + VIETNAM_MICROSECONDS;
            #[allow(clippy::cast_precision_loss, reason = "far below what a double holds exactly")]
            let days = there as f64 / MICROSECONDS_A_DAY + EPOCH_DAY;
            number(line, 4, &format_args!("{days:.11}"));
        }
        Cell::Text(value) => text(line, at, value, style),
    }
}

fn text(line: &mut String, (letters, row): (&str, u32), text: &str, style: u32) {
    let _ = write!(line, r#"<c r="{letters}{row}" s="{style}" t="inlineStr"><is>"#);
    line.push_str(r#"<t xml:space="preserve">"#);
    escaped(text, line);
    line.push_str("</t></is></c>");
}

/// How wide a column is, in letters.
fn width(kind: Kind) -> u32 {
    match kind {
        Kind::Flag => 10,
        Kind::Whole | Kind::Number | Kind::Day => 14,
        Kind::Moment => 20,
        Kind::Text => 24,
    }
}

impl Book {
    pub(super) fn new(
        columns: Vec<&'static Column>,
        out: Box<dyn Write + Send>,
    ) -> Result<Self, Unwritten> {
        Self::of_sheets(columns, out, SHEET_ROWS_MAX)
    }

    pub(super) fn of_sheets(
        columns: Vec<&'static Column>,
        out: Box<dyn Write + Send>,
        rows_max: u32,
    ) -> Result<Self, Unwritten> {
        let mut archive = Archive::new(out);
        for (name, text) in PARTS {
            archive.begin(name, 0)?;
            archive.write(text.as_bytes())?;
        }
        let letters = (0..columns.len()).map(letters).collect();
        let line = String::new();
        let mut book =
            Self { archive, columns, letters, rows_max, sheets: 0, rows: 0, bytes: 0, line };
        book.sheet()?;
        Ok(book)
    }

    /// Begins a sheet, with its titles.
    fn sheet(&mut self) -> Result<(), Unwritten> {
        self.sheets += 1;
        (self.rows, self.bytes) = (0, 0);
        self.archive.begin(SHEET, self.sheets)?;
        let mut begun = format!(
            "{HEAD}<worksheet xmlns='{MAIN}'><sheetViews><sheetView workbookViewId='0'>\
             <pane ySplit='1' topLeftCell='A2' activePane='bottomLeft' state='frozen'/>\
             </sheetView></sheetViews><cols>"
        );
        for (at, column) in (1..).zip(&self.columns) {
            let width = width(column.kind);
            let _ =
                write!(begun, r#"<col min="{at}" max="{at}" width="{width}" customWidth="1"/>"#);
        }
        begun.push_str("</cols><sheetData>");
        self.archive.write(begun.as_bytes())?;
        let titles: Vec<String> =
            self.columns.iter().map(|one| format!("{}\n{}", one.vi, one.en)).collect();
        let titles = titles.iter().map(|title| Cell::Text(title.into())).collect::<Vec<_>>();
        self.cells(&titles, 1)
    }

    /// Writes a row.
    fn cells(&mut self, cells: &[Cell<'_>], style: u32) -> Result<(), Unwritten> {
        self.rows += 1;
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        let _ = write!(line, r#"<row r="{}">"#, self.rows);
        for (letters, one) in self.letters.iter().zip(cells) {
            cell(&mut line, (letters, self.rows), one, style);
        }
        line.push_str("</row>");
        self.bytes += line.len() as u64;
        let written = self.archive.write(line.as_bytes());
        self.line = line;
        written
    }

    /// Ends a sheet.
    fn leave(&mut self) -> Result<(), Unwritten> {
        self.archive.write(b"</sheetData></worksheet>")
    }

    /// The sheet that tells what the workbook is, and what its columns are.
    fn about(&mut self, told: &Told) -> Result<(), Unwritten> {
        self.archive.begin(SHEET, self.sheets + 1)?;
        self.rows = 0;
        let begun = format!(r#"{HEAD}<worksheet xmlns="{MAIN}"><cols>"#);
        self.archive.write(begun.as_bytes())?;
        self.archive.write(br#"<col min="1" max="4" width="36" customWidth="1"/>"#)?;
        self.archive.write(b"</cols><sheetData>")?;
        let titles = [
            "Dữ liệu\nFeed",
            "Vị trí nhật ký\nJournal position",
            "Số dòng\nRows",
            "Nhật ký\nLog",
            "Con trỏ để đọc tiếp (after)\nCursor to go on from (after)",
        ];
        for (title, (_, value)) in titles.into_iter().zip(told.named()) {
            self.cells(&[Cell::Text(title.into()), Cell::Text(value.into())], 0)?;
        }
        self.rows += 1;
        let titles = ["Tên cột\nColumn", "Tiếng Việt", "English", "Kiểu\nType"];
        self.cells(&titles.map(|title| Cell::Text(title.into())), 1)?;
        for column in self.columns.clone() {
            let (vi, en) = column.kind.words();
            let kind = format!("{vi} / {en}");
            let cells = [column.name, column.vi, column.en, &kind];
            self.cells(&cells.map(|text| Cell::Text(text.into())), 0)?;
        }
        self.leave()
    }

    /// The parts that name the sheets.
    fn names(&mut self) -> Result<(), Unwritten> {
        let (mut sheets, mut relations) = (String::new(), String::new());
        for number in 1..=self.sheets + 1 {
            let name = match number {
                number if number > self.sheets => "Về tệp này – About".to_owned(),
                1 => "Dữ liệu".to_owned(),
                number => format!("Dữ liệu {number}"),
            };
            let _ = write!(sheets, "<sheet name='{name}' sheetId='{number}' r:id='s{number}'/>");
            let _ = write!(
                relations,
                "<Relationship Id='s{number}' Type='{OFFICE}/worksheet' \
                 Target='worksheets/sheet{number}.xml'/>"
            );
        }
        self.archive.begin("xl/workbook.xml", 0)?;
        let book = format!(
            "{HEAD}<workbook xmlns='{MAIN}' xmlns:r='{OFFICE}'><sheets>{sheets}</sheets></workbook>"
        );
        self.archive.write(book.as_bytes())?;
        self.archive.begin("xl/_rels/workbook.xml.rels", 0)?;
        let styles = "<Relationship Id='styles' Target='styles.xml' Type=";
        let relations = format!(
            "{HEAD}<Relationships xmlns='{PACKAGE}'>{relations}{styles}'{OFFICE}/styles'/>\
             </Relationships>"
        );
        self.archive.write(relations.as_bytes())
    }
}

impl Writer for Book {
    fn row(&mut self, event: &Event<'_>) -> Result<(), Unwritten> {
        if self.rows >= self.rows_max || self.bytes >= SHEET_BYTES_MAX {
            self.leave()?;
            self.sheet()?;
        }
        let cells = self.columns.iter().map(|column| event.cell(column));
        let cells = cells.collect::<Result<Vec<_>, _>>()?;
        self.cells(&cells, 0)
    }

    fn end(mut self: Box<Self>, told: &Told) -> Result<(), Unwritten> {
        self.leave()?;
        self.about(told)?;
        self.names()?;
        self.archive.end()
    }
}
