//! What is printed of a report or a difference, whatever the format.

use jiff::tz::Offset;

use crate::{
    operations::ReportAnswer,
    registry::report::{
        Asserted, Check, Difference, Heading, Named, Note, Report, ReportPeriod, RowKind, day_vi,
    },
    store::freezes::Freeze,
};

/// A row of figures.
pub(super) struct Line<'a> {
    pub(super) kind: RowKind,
    pub(super) index: &'a str,
    pub(super) named: &'a Named,
    /// Which figures these are, in a difference.
    pub(super) side: Option<(&'static str, &'static str)>,
    pub(super) figures: &'a [Option<i64>],
    /// Whether they are left out, as everybody sees it.
    pub(super) is_suppressed: bool,
}

/// A heading that spans some columns and rows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spanned<'a> {
    pub(super) row: usize,
    pub(super) column: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) vi: &'a str,
    pub(super) en: &'a str,
}

/// A report, ready to be printed.
pub(super) struct Printed<'a> {
    pub(super) number_vi: &'a str,
    pub(super) title_vi: &'a str,
    pub(super) title_en: &'a str,
    pub(super) legal_basis: Option<&'a str>,
    pub(super) unit_vi: &'a str,
    pub(super) unit_en: &'a str,
    pub(super) form: &'a str,
    pub(super) period: &'a ReportPeriod,
    pub(super) agency: Option<&'a Named>,
    pub(super) as_of: u64,
    pub(super) frozen: Option<&'a Freeze>,
    pub(super) is_difference: bool,
    pub(super) columns: &'a [Heading],
    pub(super) lines: Vec<Line<'a>>,
    pub(super) checks: &'a [Check],
    pub(super) assertions: &'a [Asserted],
    pub(super) notes: &'a [Note],
}

/// What the sides of a difference are called.
const SIDES: [(&str, &str); 3] =
    [("Đã chốt", "Frozen"), ("Hiện nay", "Now"), ("Chênh lệch", "Difference")];

/// A number as it is written in Vietnam: 1.254.
pub(super) fn number_vi(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

impl<'a> Printed<'a> {
    pub(super) fn of(answer: &'a ReportAnswer) -> Self {
        match answer {
            ReportAnswer::Report(told) => Self::report(&told.report, told.freeze.as_ref()),
            ReportAnswer::Difference(told, freeze) => Self::difference(told, freeze),
        }
    }

    fn report(report: &'a Report, frozen: Option<&'a Freeze>) -> Self {
        let line = |row: &'a crate::registry::report::ReportRow| Line {
            kind: row.kind,
            index: &row.index,
            named: &row.named,
            side: None,
            figures: &row.figures,
            is_suppressed: row.suppressed,
        };
        Self {
            number_vi: &report.number_vi,
            title_vi: &report.title_vi,
            title_en: &report.title_en,
            legal_basis: report.legal_basis.as_deref(),
            unit_vi: &report.unit_vi,
            unit_en: &report.unit_en,
            form: &report.form,
            period: &report.period,
            agency: report.agency.as_ref(),
            as_of: report.as_of,
            frozen,
            is_difference: false,
            columns: &report.columns,
            lines: report.rows.iter().map(line).collect(),
            checks: &report.checks,
            assertions: &report.assertions,
            notes: &report.notes,
        }
    }

    fn difference(told: &'a Difference, freeze: &'a Freeze) -> Self {
        let lines = told.rows.iter().flat_map(|row| {
            let sides = [&row.frozen, &row.now, &row.difference];
            SIDES.into_iter().zip(sides).map(|(side, figures)| Line {
                kind: row.kind,
                index: &row.index,
                named: &row.named,
                side: Some(side),
                figures,
                is_suppressed: false,
            })
        });
        Self {
            number_vi: &told.number_vi,
            title_vi: &told.title_vi,
            title_en: &told.title_en,
            legal_basis: None,
            unit_vi: &told.unit_vi,
            unit_en: &told.unit_en,
            form: &told.form,
            period: &told.period,
            agency: told.agency.as_ref(),
            as_of: told.as_of,
            frozen: Some(freeze),
            is_difference: true,
            columns: &told.columns,
            lines: lines.collect(),
            checks: &[],
            assertions: &[],
            notes: &[],
        }
    }

    /// How many rows of headings there are.
    pub(super) fn depth(&self) -> usize {
        self.columns.iter().map(|column| column.vi.len()).max().unwrap_or(1)
    }

    /// The headings: equal ones of neighbours are one; the last one reaches down to the numbers.
    pub(super) fn headings(&self) -> Vec<Spanned<'a>> {
        let depth = self.depth();
        let mut spans: Vec<Spanned<'a>> = Vec::new();
        for (at, column) in self.columns.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|before| self.columns.get(before));
            for (row, (vi, en)) in column.vi.iter().zip(&column.en).enumerate() {
                let is_last = row + 1 == column.vi.len();
                let goes_on = !is_last
                    && before.is_some_and(|one| one.vi.get(..=row) == column.vi.get(..=row));
                let open = spans.iter_mut().rev().find(|span| span.row == row);
                match open.filter(|_| goes_on) {
                    Some(span) => span.columns += 1,
                    None => {
                        let rows = if is_last { depth - row } else { 1 };
                        spans.push(Spanned { row, column: at, rows, columns: 1, vi, en });
                    }
                }
            }
        }
        spans
    }

    /// The days, and the calendar they are cut by.
    pub(super) fn days(&self) -> (String, String) {
        let (from, to) = (self.period.from, self.period.to);
        let (vi, en) = match &self.period.calendar {
            Some(one) => (format!(" – {}", one.name_vi), format!(" – {}", one.name_en)),
            None => Default::default(),
        };
        let named = &self.period.named;
        let (from_vi, to_vi) = (day_vi(from), day_vi(to));
        (
            format!("{} (từ ngày {from_vi} đến ngày {to_vi}){vi}", named.name_vi),
            format!("{} ({from} to {to}){en}", named.name_en),
        )
    }

    /// Whose report it is.
    pub(super) fn whose(&self) -> (&str, &str) {
        match self.agency {
            Some(agency) => (&agency.name_vi, &agency.name_en),
            None => ("Toàn tỉnh", "The whole province"),
        }
    }

    /// What its figures are true at.
    pub(super) fn standing(&self) -> (String, String) {
        let as_of = self.as_of;
        let Some(freeze) = self.frozen else {
            return (
                format!("Số liệu tính đến vị trí nhật ký {as_of}."),
                format!("Figures as of journal position {as_of}."),
            );
        };
        let at = Offset::constant(7).to_datetime(freeze.recorded_at);
        let (hour, minute) = (at.hour(), at.minute());
        let (day, position, frozen) = (at.date(), freeze.position, freeze.text.as_of);
        let vi = format!(
            "Đã chốt số liệu lúc {hour:02}:{minute:02} ngày {} (vị trí nhật ký {position}); \
             số liệu tính đến vị trí {frozen}.",
            day_vi(day)
        );
        let en = format!("Frozen at journal position {position}; figures as of {frozen}.");
        match self.is_difference {
            false => (vi, en),
            true => (
                format!("{vi} Số liệu hiện nay tính đến vị trí {as_of}."),
                format!("{en} Figures of now as of {as_of}."),
            ),
        }
    }
}
