//! What the process that opens a workbook tells: a line of JSON for each row, and how it ended.
//! And what a cell says as text.

use jiff::{
    ToSpan,
    civil::{Time, date},
};
use mappings::format::{
    Fault, FaultKind,
    sheet::{Area, Cell, Row},
};
use serde::{Deserialize, Serialize};

/// Bytes of the texts of one row.
pub(super) const ROW_BYTES_MAX: u64 = 1 << 20;
/// Bytes of one line: six for a letter that JSON escapes, and some around each cell.
pub(super) const LINE_BYTES_MAX: u64 = 8 << 20;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Line {
    /// The sheet's name, and its merged cells: top, left, bottom, right.
    Sheet(String, Vec<(u32, u32, u32, u32)>),
    /// A row: its number, and column, text and whether broken of each cell.
    Row(u32, Vec<(u32, String, bool)>),
    /// There are no more rows.
    End,
    /// There are no more that can be read.
    Stopped(Stop),
}

/// Why a workbook was not read, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stop {
    /// It is not as it should be.
    Broken(String),
    /// It is larger than this process puts up with.
    Limit(Limit, u64),
}

/// The limits of that process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Limit {
    /// Cells of a sheet that are not empty.
    Cells,
    /// Bytes of all texts of a sheet.
    Text,
    /// Bytes of the texts of one row.
    Row,
    /// Merged cells in a header.
    Merged,
}

impl From<Stop> for Fault {
    fn from(stop: Stop) -> Self {
        let (kind, detail) = match stop {
            Stop::Broken(detail) => (FaultKind::NotTheFormat, detail),
            Stop::Limit(limit, max) => {
                let limit = match limit {
                    Limit::Cells => "sheet_cells_max",
                    Limit::Text => "sheet_text_bytes_max",
                    Limit::Row => "sheet_row_bytes_max",
                    Limit::Merged => "sheet_merged_max",
                };
                (FaultKind::LimitExceeded { limit, max }, format!("{limit} = {max}"))
            }
        };
        Self { kind, offset: 1, detail }
    }
}

pub(super) fn areas(told: Vec<(u32, u32, u32, u32)>) -> Vec<Area> {
    let area = |(top, left, bottom, right)| Area { top, left, bottom, right };
    told.into_iter().map(area).collect()
}

pub(super) fn row(number: u32, cells: Vec<(u32, String, bool)>) -> Row {
    let cell = |(column, text, broken)| Cell { column, text, broken };
    Row { number, cells: cells.into_iter().map(cell).collect() }
}

/// A number in plain digits, as a spreadsheet shows it: fifteen of them count.
pub(super) fn number_text(value: f64) -> String {
    let shown = format!("{value:.14e}").parse().unwrap_or(value);
    // Never "-0".
    format!("{}", if shown == 0.0 { 0.0 } else { shown })
}

/// The days between the two beginnings that workbooks count from.
const DAYS_TO_1904: i64 = 1_462;
/// The day of 1900 that spreadsheets count and no calendar has.
const NO_DAY: i64 = 60;
/// 31 December 9999.
const LAST_DAY: i64 = 2_958_465;

/// A serial date as `yyyy-MM-dd`, with `THH:mm:ss` where it has a time, or the time alone. One that
/// no calendar has stays a number.
pub(super) fn date_text(value: f64, from_1904: bool) -> String {
    let otherwise = || number_text(value);
    if !(0.0..=LAST_DAY as f64).contains(&value) {
        return otherwise();
    }
    let seconds = (value * 86_400.0).round() as i64;
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let Ok(time) = Time::midnight().checked_add(second.seconds()) else { return otherwise() };
    if value < 1.0 && !from_1904 {
        return time.to_string();
    }
    if from_1904 {
        days += DAYS_TO_1904;
    }
    let day = match days {
        NO_DAY => return otherwise(),
        // Before that day the count is one behind.
        ..NO_DAY => date(1899, 12, 31),
        _ => date(1899, 12, 30),
    };
    match day.checked_add(days.days()) {
        Ok(day) if second == 0 => day.to_string(),
        Ok(day) => format!("{day}T{time}"),
        Err(_) => otherwise(),
    }
}

/// A duration as `H:mm:ss`.
pub(super) fn duration_text(value: f64) -> String {
    let seconds = (value.abs() * 86_400.0).round();
    if seconds > 1e12 {
        return number_text(value);
    }
    let (seconds, sign) = (seconds as i64, if value < 0.0 { "-" } else { "" });
    format!("{sign}{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_in_plain_digits() {
        for (value, text) in [
            (270_999_042.0, "270999042"),
            (75_201_001_234.0, "75201001234"),
            (3450.75, "3450.75"),
            (0.1 + 0.2, "0.3"),
            (-0.0, "0"),
            (1e15, "1000000000000000"),
        ] {
            assert_eq!(number_text(value), text);
        }
    }

    #[test]
    fn serial_dates_of_both_epochs_are_days_of_the_calendar() {
        for (value, from_1904, text) in [
            (41_491.0, false, "2013-08-05"),
            (40_029.0, true, "2013-08-05"),
            (41_491.340_277_777_8, false, "2013-08-05T08:10:00"),
            (0.354_166_666_7, false, "08:30:00"),
            (1.0, false, "1900-01-01"),
            (59.0, false, "1900-02-28"),
            (60.0, false, "60"),
            (61.0, false, "1900-03-01"),
            (0.0, true, "1904-01-01"),
            (-1.0, false, "-1"),
            (3e9, false, "3000000000"),
        ] {
            assert_eq!(date_text(value, from_1904), text, "{value}");
        }
        assert_eq!(duration_text(1.5), "36:00:00");
    }
}
