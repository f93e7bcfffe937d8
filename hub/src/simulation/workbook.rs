//! Workbooks as people keep them by hand: a sheet whose rows are told as JSON arrays.

use jiff::civil::DateTime;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};
use serde_json::Value;

/// Why no workbook comes of the rows.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkbookError {
    /// A row that is no JSON array.
    #[error("row {0}: {1}")]
    Row(usize, serde_json::Error),
    /// A sheet that cannot be written.
    #[error(transparent)]
    Sheet(#[from] XlsxError),
}

/// A workbook of one sheet. Each line is a row: texts, numbers, `null` for an empty cell, and
/// `{"day": "2026-11-26T00:00:00"}` for a cell that holds a date.
///
/// # Errors
/// [`WorkbookError`].
pub(super) fn write(rows: &str, day: DateTime) -> Result<Vec<u8>, WorkbookError> {
    let mut workbook = Workbook::new();
    // The day alone, so that equal rows are equal bytes on the same day.
    let made = excel_day(day)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&made));
    let sheet = workbook.add_worksheet();
    let dated = Format::new().set_num_format("dd/mm/yyyy");
    for (row, line) in rows.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let cells: Vec<Value> =
            serde_json::from_str(line).map_err(|error| WorkbookError::Row(row + 1, error))?;
        for (column, cell) in cells.iter().enumerate() {
            let row = u32::try_from(row).map_err(|_| XlsxError::RowColumnLimitError)?;
            let column = u16::try_from(column).map_err(|_| XlsxError::RowColumnLimitError)?;
            write_cell(sheet, (row, column), cell, &dated)?;
        }
    }
    Ok(workbook.save_to_buffer()?)
}

fn write_cell(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    cell: &Value,
    dated: &Format,
) -> Result<(), XlsxError> {
    let day = cell.get("day").and_then(Value::as_str);
    match (cell, day.map(str::parse::<DateTime>)) {
        (_, Some(Ok(day))) => {
            sheet.write_datetime_with_format(row, column, excel_day(day)?, dated)?;
        }
        // Somebody has typed what is no date.
        (_, Some(Err(_))) => {
            sheet.write_string(row, column, day.unwrap_or_default())?;
        }
        (Value::Number(number), None) => {
            sheet.write_number(row, column, number.as_f64().unwrap_or_default())?;
        }
        (Value::String(text), None) => {
            sheet.write_string(row, column, text)?;
        }
        _ => {}
    }
    Ok(())
}

fn excel_day(day: DateTime) -> Result<ExcelDateTime, XlsxError> {
    let year = u16::try_from(day.year()).unwrap_or_default();
    ExcelDateTime::from_ymd(year, day.month().unsigned_abs(), day.day().unsigned_abs())
}
