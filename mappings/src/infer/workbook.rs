//! A sheet of a workbook as a sample: where its column names stand, and which rows are totals.

use super::{NotUnderstood, reading::HEADER_ROW_MAX};
use crate::{
    format::{
        Fault,
        sheet::{Area, HEADER_ROWS_MAX, Row, Sheet, SheetHeader, SheetOptions},
    },
    text::normalise::{search_key, tidy_text},
};

/// Rows that are held; those behind them are counted.
const ROWS_MAX: usize = 1_200;
/// Rows at the end among which totals are looked for.
const TOTALS_WITHIN: usize = 3;

/// A sheet that was read.
#[derive(Debug)]
pub(super) struct Held {
    name: String,
    merged: Vec<Area>,
    rows: Vec<Row>,
    /// What its rows of sums begin with.
    pub(super) totals: Vec<String>,
    /// Rows behind those that are held.
    pub(super) more: usize,
}

/// Its rows once more.
pub(super) struct Again<'a> {
    held: &'a Held,
    next: usize,
}

impl Sheet for Again<'_> {
    fn name(&self) -> &str {
        &self.held.name
    }

    fn merged(&self) -> &[Area] {
        &self.held.merged
    }

    fn row(&mut self) -> Result<Option<Row>, Fault> {
        let row = self.held.rows.get(self.next).cloned();
        self.next += 1;
        Ok(row)
    }
}

impl Held {
    /// Reads a sheet, and says how it is read.
    pub(super) fn of(sheet: &mut dyn Sheet) -> Result<(Self, SheetOptions), NotUnderstood> {
        let (mut rows, mut last, mut more) = (Vec::new(), Vec::new(), 0);
        while let Some(row) = sheet.row().map_err(|fault| unread(&fault))? {
            if rows.len() < ROWS_MAX {
                rows.push(row);
                continue;
            }
            more += 1;
            last.push(row);
            if last.len() > TOTALS_WITHIN {
                last.remove(0);
            }
        }
        let name = sheet.name().to_owned();
        let totals = totals(rows.iter().rev().take(TOTALS_WITHIN).chain(&last));
        let held = Self { name, merged: sheet.merged().to_vec(), rows, totals, more };
        let first = held.header().ok_or_else(|| {
            NotUnderstood::new(
                format!("Không thấy dòng tiêu đề cột trong {HEADER_ROW_MAX} dòng đầu."),
                format!("No row with column names is among the first {HEADER_ROW_MAX}."),
            )
        })?;
        let options = SheetOptions {
            header: SheetHeader::Row(first),
            header_rows: held.header_rows(first),
            totals: held.totals.iter().map(|words| search_key(words)).collect(),
            ..SheetOptions::default()
        };
        Ok((held, options))
    }

    /// Its rows, from the first on.
    pub(super) fn again(&self) -> Again<'_> {
        Again { held: self, next: 0 }
    }

    /// The first row that has names for most columns.
    fn header(&self) -> Option<u32> {
        let width = |row: &Row| row.cells.len();
        let alike = |wide: usize| self.rows.iter().filter(|row| width(row) == wide).count();
        let widths = self.rows.iter().map(width).filter(|wide| *wide > 1);
        let most = widths.max_by_key(|wide| (alike(*wide), *wide))?;
        let names = |row: &&Row| {
            let worded = row.cells.iter().filter(|cell| cell.text.chars().any(char::is_alphabetic));
            // A group above several columns is one cell.
            width(row) * 5 >= most * 3 && worded.count() * 3 >= width(row) * 2
        };
        let mut among = self.rows.iter().take_while(|row| row.number as usize <= HEADER_ROW_MAX);
        among.find(names).map(|row| row.number)
    }

    /// How many rows the names take: groups stand above the names of their columns.
    fn header_rows(&self, first: u32) -> u32 {
        let begin = self.merged.iter().filter(|area| area.top == first);
        let rows = begin.map(|area| match area.bottom > first {
            true => area.bottom - first + 1,
            false => 1 + u32::from(area.left < area.right),
        });
        rows.max().unwrap_or(1).min(HEADER_ROWS_MAX)
    }
}

/// What rows at the end begin with that are sums.
fn totals<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<String> {
    let mut found = Vec::new();
    for cell in rows.filter_map(|row| row.cells.first()) {
        let key = search_key(&cell.text);
        // `Cộng` alone would take `Công ty` for a sum too.
        let is_total = key == "tong" || key.starts_with("tong ") || key.starts_with("total");
        // `Tổng cộng: 12 hồ sơ` is another next month.
        let text = tidy_text(&cell.text);
        let word = text.split(|one: char| one == ':' || one.is_ascii_digit()).next();
        let word = word.unwrap_or_default().trim().to_owned();
        if is_total && !found.contains(&word) {
            found.push(word);
        }
    }
    found
}

pub(super) fn unread(fault: &Fault) -> NotUnderstood {
    NotUnderstood::new(
        format!("Không đọc được tệp mẫu: {fault}."),
        format!("The sample cannot be read: {fault}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{format::sheet::Cell, infer::infer_sheet};

    fn sheet(rows: &[(u32, &[&str])], merged: Vec<Area>) -> Held {
        let row = |(number, texts): &(u32, &[&str])| {
            let cells = (1..).zip(*texts).filter(|(_, text)| !text.is_empty());
            let cell = |(column, text): (u32, &&str)| Cell {
                column,
                text: (*text).to_owned(),
                broken: false,
            };
            Row { number: *number, cells: cells.map(cell).collect() }
        };
        let rows = rows.iter().map(row).collect();
        Held { name: "T8".to_owned(), merged, rows, totals: Vec::new(), more: 0 }
    }

    #[test]
    fn a_sheet_with_a_title_groups_and_a_total_is_understood() {
        let held = sheet(
            &[
                (1, &["DANH SÁCH HỒ SƠ THÁNG 8"]),
                (3, &["STT", "Số hồ sơ", "Chủ đầu tư", "", "Ngày nhận", "Tình trạng"]),
                (4, &["", "", "Họ và tên", "CMND"]),
                (5, &["1", "XD-1", "Lâm Thị Mẫu", "271234567", "2024-08-01", "Đã trả kết quả"]),
                (6, &["2", "XD-2", "Trần Văn Thử", "271234568", "2024-08-02", "Chờ bổ sung"]),
                (7, &["Tổng cộng: 2 hồ sơ"]),
            ],
            vec![Area { top: 3, left: 3, bottom: 3, right: 4 }],
        );
        let found = infer_sheet(&mut held.again(), "so-xay-dung").unwrap();
        for line in [
            "format = \"xlsx\"",
            "[xlsx]",
            "header = 3",
            "header_rows = 2",
            "totals = [\"Tổng cộng\"]",
            "source_code = \"./'Số hồ sơ' | code\"",
            "accepted_at = \"./'Ngày nhận' | date yyyy-MM-dd\"",
        ] {
            assert!(found.mapping.contains(line), "{line}\n---\n{}", found.mapping);
        }
        assert!(!found.mapping.contains("charset"), "{}", found.mapping);
        assert_eq!((found.records, found.extension), (2, "xlsx"));
        assert_eq!(found.tables["status"], "native,canonical\nChờ bổ sung,5\nĐã trả kết quả,10\n");
    }

    #[test]
    fn a_sheet_without_names_or_rows_is_said() {
        for held in [sheet(&[], vec![]), sheet(&[(1, &["1", "2"]), (2, &["3", "4"])], vec![])] {
            let [vi, en] = infer_sheet(&mut held.again(), "so-y-te").unwrap_err().0;
            assert!(!vi.is_empty() && !en.is_empty());
        }
    }
}
