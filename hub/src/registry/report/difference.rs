//! What has changed since a report was frozen: itself a report.

use serde::{Deserialize, Serialize};

use super::{Heading, Named, Report, ReportPeriod, ReportRow, RowKind};

/// A row of a difference. Where a row is on one side only, the other side has no figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DifferenceRow {
    /// What it is.
    pub kind: RowKind,
    /// Its number.
    pub index: String,
    /// Whose it is.
    #[serde(flatten)]
    pub named: Named,
    /// What was frozen.
    pub frozen: Vec<Option<i64>>,
    /// What is now.
    pub now: Vec<Option<i64>>,
    /// How much more is now; a side without figures counts as zero.
    pub difference: Vec<Option<i64>>,
}

/// A frozen report beside what its form gives now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ReportDifference)]
pub struct Difference {
    /// The form's id.
    pub form: String,
    /// The form's number as printed.
    pub number_vi: String,
    /// Vietnamese title.
    pub title_vi: String,
    /// English title.
    pub title_en: String,
    /// What is counted, in Vietnamese.
    pub unit_vi: String,
    /// The same in English.
    pub unit_en: String,
    /// The days.
    pub period: ReportPeriod,
    /// The agency; all of the province where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<Named>,
    /// The position that the frozen figures are true at.
    pub frozen_as_of: u64,
    /// The position that the figures of now are true at.
    pub as_of: u64,
    /// Whether nothing has changed.
    pub is_same: bool,
    /// Columns.
    pub columns: Vec<Heading>,
    /// Rows: those of now, then those that are no more.
    pub rows: Vec<DifferenceRow>,
}

/// Rows with the group that each stands in.
fn placed(report: &Report) -> Vec<(&str, &ReportRow)> {
    let mut group = "";
    let place = |row| {
        let row: &ReportRow = row;
        match row.kind {
            RowKind::Group => group = &row.named.name_vi,
            RowKind::Total => group = "",
            RowKind::Row => {}
        }
        (group, row)
    };
    report.rows.iter().map(place).collect()
}

impl Difference {
    /// Compares, cell by cell.
    pub fn new(frozen: &Report, now: &Report) -> Self {
        let (old, new) = (placed(frozen), placed(now));
        let same = |one: &(&str, &ReportRow), other: &(&str, &ReportRow)| {
            one.0 == other.0
                && one.1.kind == other.1.kind
                && one.1.named.id == other.1.named.id
                && (!one.1.named.id.is_empty() || one.1.named.name_vi == other.1.named.name_vi)
        };
        let of_now = new.iter().map(|row| {
            let before = old.iter().find(|other| same(row, other));
            compared(row.1, before.map(|(_, row)| *row), Some(row.1))
        });
        let gone = old.iter().filter(|row| !new.iter().any(|other| same(row, other)));
        let rows: Vec<DifferenceRow> =
            of_now.chain(gone.map(|row| compared(row.1, Some(row.1), None))).collect();
        let unchanged = |row: &DifferenceRow| row.difference.iter().all(|one| *one == Some(0));
        Self {
            form: now.form.clone(),
            number_vi: now.number_vi.clone(),
            title_vi: now.title_vi.clone(),
            title_en: now.title_en.clone(),
            unit_vi: now.unit_vi.clone(),
            unit_en: now.unit_en.clone(),
            period: now.period.clone(),
            agency: now.agency.clone(),
            frozen_as_of: frozen.as_of,
            as_of: now.as_of,
            is_same: rows.iter().all(unchanged),
            columns: now.columns.clone(),
            rows,
        }
    }
}

fn compared(
    row: &ReportRow,
    before: Option<&ReportRow>,
    after: Option<&ReportRow>,
) -> DifferenceRow {
    let figures = |side: Option<&ReportRow>| side.map_or_else(Vec::new, |row| row.figures.clone());
    let (frozen, now) = (figures(before), figures(after));
    let count = frozen.len().max(now.len());
    let at = |side: &[Option<i64>], at: usize| side.get(at).copied().flatten();
    let difference = (0..count)
        .map(|column| Some(at(&now, column).unwrap_or(0) - at(&frozen, column).unwrap_or(0)));
    DifferenceRow {
        kind: row.kind,
        index: row.index.clone(),
        named: row.named.clone(),
        difference: difference.collect(),
        frozen,
        now,
    }
}
