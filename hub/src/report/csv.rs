//! A report as comma-separated values: one header, one row for each row, the days on each.

use super::{Unwritten, printed::Printed};
use crate::registry::report::RowKind;

/// The mark by which spreadsheets know UTF-8.
const MARK: &[u8] = "\u{FEFF}".as_bytes();

/// A text that no spreadsheet takes for a formula.
pub(crate) fn safe(text: &str) -> String {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '\t' | '\r' | '\n') => {
            format!("'{text}")
        }
        _ => text.to_owned(),
    }
}

pub(super) fn write(printed: &Printed<'_>) -> Result<Vec<u8>, Unwritten> {
    let mut writer = csv::Writer::from_writer(MARK.to_vec());
    let mut header: Vec<String> = Vec::new();
    for column in printed.columns {
        let column = format!("({}) {}", column.number, column.vi.join(" – "));
        header.push(safe(&column));
        if header.len() == 2 {
            header.push("Name".to_owned());
            header.push("Loại dòng".to_owned());
            if printed.is_difference {
                header.push("Số liệu".to_owned());
            }
        }
    }
    header.extend(["Từ ngày", "Đến ngày", "Vị trí nhật ký"].map(str::to_owned));
    writer.write_record(&header)?;
    let (from, to) = (printed.period.from.to_string(), printed.period.to.to_string());
    for line in &printed.lines {
        let kind = match line.kind {
            RowKind::Group => "nhóm",
            RowKind::Row => "dòng",
            RowKind::Total => "tổng",
        };
        let mut cells = vec![safe(line.index), safe(&line.named.name_vi)];
        cells.push(safe(&line.named.name_en));
        cells.push(kind.to_owned());
        cells.extend(line.side.map(|(vi, _)| vi.to_owned()));
        let counted = printed.columns.len().saturating_sub(2);
        for at in 0..counted {
            let figure = line.figures.get(at).copied().flatten();
            let none = if line.is_suppressed { "…" } else { "" };
            cells.push(figure.map_or_else(|| none.to_owned(), |figure| figure.to_string()));
        }
        cells.extend([from.clone(), to.clone(), printed.as_of.to_string()]);
        writer.write_record(&cells)?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()).into())
}
