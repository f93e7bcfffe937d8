//! Reports as files: JSON, CSV, workbooks and pages to print. What is printed comes from the report
//! alone, so a frozen one gives the same files as long as the program does.

mod chart;
mod csv;
mod html;
pub mod links;
mod printed;
#[cfg(test)]
mod tests;
mod xlsx;

use crate::{operations::ReportAnswer, registry::report::Difference};

pub(crate) use csv::safe;
use printed::Printed;

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON: of a frozen report the very bytes that were frozen.
    Json,
    /// Comma-separated values in UTF-8 with a mark, as spreadsheets want it.
    Csv,
    /// A workbook.
    Xlsx,
    /// A page to print.
    Html,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Json, Self::Csv, Self::Xlsx, Self::Html];

    /// Its name in questions, and the ending of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Html => "html",
        }
    }

    /// The format of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Html => "text/html; charset=utf-8",
        }
    }
}

/// A report that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Unwritten {
    /// As JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// As CSV.
    #[error(transparent)]
    Csv(#[from] ::csv::Error),
    /// As a workbook.
    #[error(transparent)]
    Xlsx(#[from] rust_xlsxwriter::XlsxError),
    /// As a page.
    #[error(transparent)]
    Html(#[from] askama::Error),
}

/// The bytes of a report in a format.
///
/// # Errors
/// When it cannot be written in it.
pub fn write(answer: &ReportAnswer, format: Format) -> Result<Vec<u8>, Unwritten> {
    let printed = || Printed::of(answer);
    match format {
        Format::Json => json(answer),
        Format::Csv => csv::write(&printed()),
        Format::Xlsx => xlsx::write(&printed()),
        Format::Html => html::write(&printed()),
    }
}

fn json(answer: &ReportAnswer) -> Result<Vec<u8>, Unwritten> {
    match answer {
        ReportAnswer::Report(told) => Ok(told.text.clone()),
        ReportAnswer::Difference(difference, _) => {
            let difference: &Difference = difference;
            Ok(serde_json::to_vec(difference)?)
        }
    }
}

/// A name for the file of a report: letters, digits and a few marks.
pub fn file_name(answer: &ReportAnswer, format: Format) -> String {
    let (form, period, agency, kind) = match answer {
        ReportAnswer::Report(told) => {
            let report = &told.report;
            (&report.form, &report.period, &report.agency, "")
        }
        ReportAnswer::Difference(told, _) => {
            (&told.form, &told.period, &told.agency, "_chenh-lech")
        }
    };
    let calendar = period.calendar.as_ref().map(|one| format!("_{}", one.id)).unwrap_or_default();
    let agency = agency.as_ref().map(|one| format!("_{}", one.id)).unwrap_or_default();
    let name = format!("{form}_{}{calendar}{agency}{kind}.{}", period.text, format.name());
    let kept = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
    name.chars().map(|letter| if kept(letter) { letter } else { '-' }).collect()
}
