//! A form that is filled: all that is printed.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Asserted, Identity, Period, ReportCalendar};

/// A text in two languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReportNote)]
pub struct Note {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

/// What bears a name in two languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Named {
    /// Its id; empty where it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
}

/// The days a report is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReportPeriod {
    /// As asked for: `2026-H1`.
    pub text: String,
    /// What it is called.
    #[serde(flatten)]
    pub named: Named,
    /// The calendar it is cut by; none for days that were named one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Named>,
    /// First day.
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    /// Last day.
    #[schema(value_type = String, format = Date)]
    pub to: Date,
}

impl ReportPeriod {
    /// A period under a calendar; any days need none.
    pub fn new(period: Period, calendar: Option<&ReportCalendar>) -> Self {
        let calendar = calendar.filter(|_| period.has_calendar());
        let (from, to) = period.days(calendar.and_then(|one| one.cutoff_day));
        let named = |one: &ReportCalendar| Named {
            id: one.id.clone(),
            name_vi: one.name_vi.clone(),
            name_en: one.name_en.clone(),
        };
        Self {
            text: period.to_string(),
            named: Named {
                id: String::new(),
                name_vi: period.name_vi(),
                name_en: period.name_en(),
            },
            calendar: calendar.map(named),
            from,
            to,
        }
    }
}

/// A column's number and headings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Heading {
    /// Number.
    pub number: u32,
    /// Headings, the topmost first.
    pub vi: Vec<String>,
    /// The same in English.
    pub en: Vec<String>,
}

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// The sum of the rows that follow, up to the next one.
    Group,
    /// A field or an agency.
    Row,
    /// The sum of all.
    Total,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReportRow {
    /// What it is.
    pub kind: RowKind,
    /// Its number: `I`, `1`; none of the total.
    pub index: String,
    /// Whose it is.
    #[serde(flatten)]
    pub named: Named,
    /// What each column from the third on counts; none where nobody tells the hub.
    pub figures: Vec<Option<i64>>,
    /// Whether its figures are left out: of too few dossiers, or what would give such away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suppressed: bool,
}

/// A row in which an identity does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = CheckFault)]
pub struct Fault {
    /// The row's place, from 0.
    pub row: usize,
    /// The sum of the left columns.
    pub left: i64,
    /// The sum of the right columns.
    pub right: i64,
}

/// Whether an identity holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ReportCheck)]
pub struct Check {
    /// The identity.
    #[serde(flatten)]
    pub identity: Identity,
    /// Whether it holds in every row.
    pub holds: bool,
    /// Where it does not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

/// A report: all that is printed, so that its text stands for itself when it is frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Report {
    /// The form's id.
    pub form: String,
    /// The form's number as printed.
    pub number_vi: String,
    /// Vietnamese title.
    pub title_vi: String,
    /// English title.
    pub title_en: String,
    /// The act that gives the form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// What is counted, in Vietnamese.
    pub unit_vi: String,
    /// The same in English.
    pub unit_en: String,
    /// The days it is of.
    pub period: ReportPeriod,
    /// The agency it is of; all of the province where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<Named>,
    /// The journal position that every figure is true at.
    pub as_of: u64,
    /// Columns.
    pub columns: Vec<Heading>,
    /// Rows, in the order they are printed.
    pub rows: Vec<ReportRow>,
    /// What must hold between columns, and whether it does.
    pub checks: Vec<Check>,
    /// What plans state beside what the catalogue has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assertions: Vec<Asserted>,
    /// What is printed below.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
}
