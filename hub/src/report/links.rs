//! Links as a sheet: one row for each, in the order that they are given, so that whoever keeps an
//! agency's pages can go through those that are dead.

use jiff::{Timestamp, tz::Offset};
use rust_xlsxwriter::{Format, Workbook};

use super::{Unwritten, csv::safe};
use crate::operations::{LinkStanding, LinkState};

/// The mark by which spreadsheets know UTF-8.
const MARK: &[u8] = "\u{FEFF}".as_bytes();

/// What the columns are called.
const HEADER: [&str; 10] = [
    "Mã cơ quan",
    "Cơ quan",
    "Mã thủ tục",
    "Thủ tục",
    "Đường dẫn",
    "Tình trạng",
    "Kiểm tra lúc (giờ Việt Nam)",
    "Hỏng từ lúc (giờ Việt Nam)",
    "Lý do",
    "Chuyển hướng tới",
];

/// The forms of a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sheet {
    /// Comma-separated values.
    Csv,
    /// A workbook.
    Xlsx,
}

impl Sheet {
    /// Its word, and how its file ends.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// The Vietnamese word for how a link stands.
pub(crate) fn state_vi(state: LinkState) -> &'static str {
    match state {
        LinkState::Unvisited => "chưa kiểm tra",
        LinkState::Alive => "hoạt động",
        LinkState::Failing => "đang lỗi",
        LinkState::Dead => "hỏng",
    }
}

fn time(at: Timestamp) -> String {
    Offset::constant(7).to_datetime(at).strftime("%H:%M:%S %d/%m/%Y").to_string()
}

fn cells(one: &LinkStanding<'_>) -> [String; 10] {
    let (link, visit) = (&one.link, one.visit.as_ref());
    let reason = visit.and_then(|visit| {
        let status = visit.status.map_or_else(String::new, |status| format!(" (HTTP {status})"));
        Some(format!("{}{status}", visit.detail.as_ref()?.vi))
    });
    [
        link.agency.to_owned(),
        link.agency_name.unwrap_or_default().to_owned(),
        link.procedure.or(link.source_code).unwrap_or_default().to_owned(),
        link.procedure_name.to_owned(),
        link.url.to_owned(),
        state_vi(one.state).to_owned(),
        visit.map_or_else(String::new, |visit| time(visit.visited_at)),
        visit.and_then(|visit| visit.failing_since).map(time).unwrap_or_default(),
        reason.unwrap_or_default(),
        visit.and_then(|visit| visit.leads_to.clone()).unwrap_or_default(),
    ]
}

/// Writes them.
///
/// # Errors
/// [`Unwritten`].
pub fn write(sheet: Sheet, all: &[LinkStanding<'_>]) -> Result<Vec<u8>, Unwritten> {
    match sheet {
        Sheet::Csv => {
            let mut writer = ::csv::Writer::from_writer(MARK.to_vec());
            writer.write_record(HEADER)?;
            for one in all {
                writer.write_record(cells(one).map(|cell| safe(&cell)))?;
            }
            writer.into_inner().map_err(|error| ::csv::Error::from(error.into_error()).into())
        }
        Sheet::Xlsx => {
            let mut book = Workbook::new();
            let page = book.add_worksheet().set_name("Đường dẫn")?;
            let bold = Format::new().set_bold();
            for (column, name) in (0..).zip(HEADER) {
                page.write_string_with_format(0, column, name, &bold)?;
            }
            for (row, one) in (1..).zip(all) {
                for (column, cell) in (0..).zip(cells(one)) {
                    page.write_string(row, column, cell)?;
                }
            }
            page.set_freeze_panes(1, 0)?;
            Ok(book.save_to_buffer()?)
        }
    }
}
