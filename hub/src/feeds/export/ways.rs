//! The formats that exports are written in.

use std::io::Write;

use super::{Column, Unwritten, Writer, csv::Csv, ndjson::Lines, parquet::Columns, workbook::Book};

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The events themselves, one a line.
    Ndjson,
    /// Comma-separated values in UTF-8 with a mark, as spreadsheets want it.
    Csv,
    /// A workbook.
    Xlsx,
    /// Columns, for programs that analyse.
    Parquet,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ndjson, Self::Csv, Self::Xlsx, Self::Parquet];

    /// Its name in addresses, and the ending of files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Parquet => "parquet",
        }
    }

    /// The format of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    pub(super) fn writer(
        self,
        columns: Vec<&'static Column>,
        out: Box<dyn Write + Send>,
    ) -> Result<Box<dyn Writer>, Unwritten> {
        Ok(match self {
            Self::Ndjson => Box::new(Lines::new(out)),
            Self::Csv => Box::new(Csv::new(columns, out)?),
            Self::Xlsx => Box::new(Book::new(columns, out)?),
            Self::Parquet => Box::new(Columns::new(columns, out)?),
        })
    }
}
