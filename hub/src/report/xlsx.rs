//! A report as a workbook: a title, merged headings, column numbers, figures in Vietnamese style.

use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Formula, Workbook,
    Worksheet, XlsxError,
};

use super::{
    Unwritten,
    printed::{Line, Printed},
};
use crate::registry::report::RowKind;

/// Thousands as they are written in Vietnam.
const NUMBER_FORMAT: &str = "[$-42A]#,##0";
/// What stands where nobody tells the hub.
const UNKNOWN: &str = "…";
/// Rows of the title block.
const TITLE_ROWS: u32 = 7;
/// A4.
const PAPER: u8 = 9;

struct Styles {
    title: Format,
    line: Format,
    small: Format,
    heading: Format,
    number: Format,
    text: Format,
    figure: Format,
    strong_text: Format,
    strong_figure: Format,
}

impl Styles {
    fn new() -> Self {
        let plain = || Format::new().set_font_name("Times New Roman").set_font_size(11);
        let boxed =
            || plain().set_border(FormatBorder::Thin).set_align(FormatAlign::VerticalCenter);
        let center = |format: Format| format.set_align(FormatAlign::Center).set_text_wrap();
        let figure = || boxed().set_num_format(NUMBER_FORMAT).set_align(FormatAlign::Right);
        let shade = Color::RGB(0x00EE_F2F7);
        Self {
            title: center(plain().set_bold().set_font_size(14)),
            line: center(plain()),
            small: plain().set_italic().set_font_size(10).set_text_wrap(),
            heading: center(boxed().set_bold().set_background_color(shade)),
            number: center(boxed().set_italic().set_font_size(9)),
            text: boxed().set_text_wrap(),
            figure: figure(),
            strong_text: boxed().set_text_wrap().set_bold().set_background_color(shade),
            strong_figure: figure().set_bold().set_background_color(shade),
        }
    }

    fn of(&self, kind: RowKind) -> (&Format, &Format) {
        match kind {
            RowKind::Row => (&self.text, &self.figure),
            RowKind::Group | RowKind::Total => (&self.strong_text, &self.strong_figure),
        }
    }
}

fn row_number(at: usize) -> Result<u32, XlsxError> {
    u32::try_from(at).map_err(|_| XlsxError::RowColumnLimitError)
}

fn column_number(at: usize) -> Result<u16, XlsxError> {
    u16::try_from(at).map_err(|_| XlsxError::RowColumnLimitError)
}

/// Writes over one cell, or over several as one.
fn put(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    (rows, columns): (u32, u16),
    text: &str,
    format: &Format,
) -> Result<(), XlsxError> {
    if rows * u32::from(columns) > 1 {
        let (last_row, last_column) = (row + rows - 1, column + columns - 1);
        sheet.merge_range(row, column, last_row, last_column, text, format)?;
    } else {
        sheet.write_string_with_format(row, column, text, format)?;
    }
    Ok(())
}

/// The letters of a column.
fn letters(column: u16) -> String {
    rust_xlsxwriter::utility::column_number_to_name(column)
}

struct Book<'a> {
    printed: &'a Printed<'a>,
    styles: Styles,
    /// Columns of the sheet: those of the form, and which side it is in a difference.
    width: u16,
}

impl Book<'_> {
    /// The column of a form's column: behind the name stands which side it is.
    fn column(&self, at: usize) -> Result<u16, XlsxError> {
        column_number(if self.printed.is_difference && at > 1 { at + 1 } else { at })
    }

    fn title(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        let printed = self.printed;
        let (whose_vi, whose_en) = printed.whose();
        let (days_vi, days_en) = printed.days();
        let (standing_vi, standing_en) = printed.standing();
        let number = match (printed.legal_basis, printed.is_difference) {
            (_, true) => format!("{} – Chênh lệch so với số liệu đã chốt", printed.number_vi),
            (Some(act), _) => format!("{} ({act})", printed.number_vi),
            (None, _) => printed.number_vi.to_owned(),
        };
        let lines = [
            (number, &self.styles.line),
            (printed.title_vi.to_uppercase(), &self.styles.title),
            (printed.title_en.to_owned(), &self.styles.line),
            (format!("{whose_vi} / {whose_en}"), &self.styles.line),
            (format!("Kỳ báo cáo: {days_vi} / {days_en}"), &self.styles.line),
            (format!("{standing_vi} / {standing_en}"), &self.styles.small),
            (format!("Đơn vị tính: {} / {}", printed.unit_vi, printed.unit_en), &self.styles.small),
        ];
        for (row, (text, format)) in (0..).zip(&lines) {
            put(sheet, (row, 0), (1, self.width), text, format)?;
        }
        sheet.set_row_height(1, 36)?;
        Ok(())
    }

    /// Headings and column numbers; gives the first row below them.
    fn headings(&self, sheet: &mut Worksheet) -> Result<u32, XlsxError> {
        let depth = row_number(self.printed.depth())?;
        for span in self.printed.headings() {
            let text = format!("{}\n{}", span.vi, span.en);
            let at = (TITLE_ROWS + row_number(span.row)?, self.column(span.column)?);
            let size = (row_number(span.rows)?, column_number(span.columns)?);
            put(sheet, at, size, &text, &self.styles.heading)?;
        }
        let numbers = TITLE_ROWS + depth;
        for (at, column) in self.printed.columns.iter().enumerate() {
            let text = format!("({})", column.number);
            put(sheet, (numbers, self.column(at)?), (1, 1), &text, &self.styles.number)?;
        }
        if self.printed.is_difference {
            let text = "Số liệu\nFigures";
            put(sheet, (TITLE_ROWS, 2), (depth, 1), text, &self.styles.heading)?;
            put(sheet, (numbers, 2), (1, 1), "", &self.styles.number)?;
        }
        for row in TITLE_ROWS..numbers {
            sheet.set_row_height(row, 48)?;
        }
        sheet.set_freeze_panes(numbers + 1, 2)?;
        sheet.set_repeat_rows(TITLE_ROWS, numbers)?;
        Ok(numbers + 1)
    }

    /// The rows; gives the first row below them.
    fn lines(&self, sheet: &mut Worksheet, first: u32) -> Result<u32, XlsxError> {
        let lines = &self.printed.lines;
        for (at, line) in lines.iter().enumerate() {
            let row = first + row_number(at)?;
            let (text, figure) = self.styles.of(line.kind);
            sheet.write_string_with_format(row, 0, line.index, text)?;
            let Line { named, .. } = line;
            let name = match named.name_en == named.name_vi || named.name_en.is_empty() {
                true => named.name_vi.clone(),
                false => format!("{}\n{}", named.name_vi, named.name_en),
            };
            sheet.write_string_with_format(row, 1, name, text)?;
            if let Some((vi, en)) = line.side {
                sheet.write_string_with_format(row, 2, format!("{vi} / {en}"), text)?;
            }
            for counted in 0..self.printed.columns.len().saturating_sub(2) {
                let column = self.column(counted + 2)?;
                let Some(value) = line.figures.get(counted).copied().flatten() else {
                    let unknown = if line.side.is_some() { "" } else { UNKNOWN };
                    sheet.write_string_with_format(row, column, unknown, figure)?;
                    continue;
                };
                match self.sum(at, first, column) {
                    Some(sum) => {
                        let formula = Formula::new(sum).set_result(value.to_string());
                        sheet.write_formula_with_format(row, column, formula, figure)?;
                    }
                    None => {
                        #[allow(
                            clippy::cast_precision_loss,
                            reason = "a workbook's numbers are such; counts stay far below"
                        )]
                        sheet.write_number_with_format(row, column, value as f64, figure)?;
                    }
                }
            }
        }
        Ok(first + row_number(lines.len())?)
    }

    /// The formula of a sum, so that who opens the workbook sees what is added up.
    fn sum(&self, at: usize, first: u32, column: u16) -> Option<String> {
        let lines = &self.printed.lines;
        let line = lines.get(at)?;
        let name = letters(column);
        let row = |at: usize| Some(first + u32::try_from(at).ok()? + 1);
        match line.kind {
            _ if line.side.is_some() => None,
            RowKind::Row => None,
            RowKind::Group => {
                let behind = lines.iter().skip(at + 1);
                let rows = behind.take_while(|one| one.kind == RowKind::Row).count();
                (rows > 0).then_some(())?;
                Some(format!("=SUM({name}{}:{name}{})", row(at + 1)?, row(at + rows)?))
            }
            RowKind::Total => {
                let groups = lines.iter().enumerate().filter(|(_, one)| one.kind == RowKind::Group);
                let cells: Option<Vec<String>> =
                    groups.map(|(at, _)| Some(format!("{name}{}", row(at)?))).collect();
                let cells = cells.filter(|cells| !cells.is_empty())?;
                Some(format!("={}", cells.join("+")))
            }
        }
    }

    fn below(&self, sheet: &mut Worksheet, mut row: u32) -> Result<(), XlsxError> {
        let mut texts: Vec<String> = Vec::new();
        let notes = self.printed.notes.iter();
        texts.extend(notes.map(|note| format!("{} / {}", note.vi, note.en)));
        texts.extend(
            super::html::checks(self.printed).into_iter().map(|(_, vi, en)| format!("{vi} / {en}")),
        );
        texts.extend(
            super::html::assertions(self.printed)
                .into_iter()
                .map(|(vi, en)| format!("{vi} / {en}")),
        );
        for text in texts {
            row += 1;
            put(sheet, (row, 0), (1, self.width), &text, &self.styles.small)?;
            sheet.set_row_height(row, 28)?;
        }
        Ok(())
    }
}

pub(super) fn write(printed: &Printed<'_>) -> Result<Vec<u8>, Unwritten> {
    let width = column_number(printed.columns.len() + usize::from(printed.is_difference))?;
    let book = Book { printed, styles: Styles::new(), width };
    let mut workbook = Workbook::new();
    // The last day of the period: the time of writing would make equal reports differ.
    let day = printed.period.to;
    let made = ExcelDateTime::from_ymd(
        u16::try_from(day.year()).unwrap_or_default(),
        day.month().unsigned_abs(),
        day.day().unsigned_abs(),
    )?;
    let properties = DocProperties::new().set_title(printed.title_vi);
    workbook.set_properties(&properties.set_creation_datetime(&made));
    let sheet = workbook.add_worksheet();
    sheet.set_name(printed.form)?;
    sheet.set_paper_size(PAPER).set_landscape().set_print_fit_to_pages(1, 0);
    sheet.set_footer("&L&A&RTrang &P/&N");
    sheet.set_column_width(0, 6)?;
    sheet.set_column_width(1, 38)?;
    for column in 2..width {
        sheet.set_column_width(column, 11)?;
    }
    book.title(sheet)?;
    let first = book.headings(sheet)?;
    let end = book.lines(sheet, first)?;
    book.below(sheet, end)?;
    Ok(workbook.save_to_buffer()?)
}
