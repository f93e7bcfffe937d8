//! Forms as the catalogue has them: what columns a report has, and what rows.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Assertion, Figure, Note, ReportCalendar};
use crate::registry::catalogue::Dated;

/// Letters of a form's id, at most: it names a sheet of a workbook.
const ID_CHARS_MAX: usize = 31;

/// A level of government, and the kinds of agencies that are of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Its id: `province`, `district` or `commune`.
    pub id: String,
    /// What a group of rows of this level is called in Vietnamese.
    pub name_vi: String,
    /// The same in English.
    pub name_en: String,
    /// Kinds of agencies.
    pub kinds: Vec<String>,
}

/// What a row of a form is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReportRows)]
pub enum Rows {
    /// A field of administration, of one agency or of all agencies of a level.
    Fields,
    /// An agency.
    Agencies,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its number, as printed under the headings.
    pub number: u32,
    /// Its headings in Vietnamese, the topmost first: equal ones of neighbours are one.
    pub vi: Vec<String>,
    /// The same in English.
    pub en: Vec<String>,
    /// What it counts; absent for the first two, which number and name the rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Figure>,
}

/// Columns whose sums must be equal in every row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FigureIdentity)]
pub struct Identity {
    /// Column numbers.
    pub left: Vec<u32>,
    /// Column numbers.
    pub right: Vec<u32>,
}

/// A form (biểu), as it holds between two days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// Its id, as questions name it: `II.06a`.
    pub id: String,
    /// Its number as printed: `Biểu số II.06a/VPCP/KSTT`.
    pub number_vi: String,
    /// Vietnamese title.
    pub title_vi: String,
    /// English title.
    pub title_en: String,
    /// The act that gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// What is counted, in Vietnamese.
    pub unit_vi: String,
    /// The same in English.
    pub unit_en: String,
    /// What its rows are.
    pub rows: Rows,
    /// Levels of the agencies it is of, in the order of their groups; all where empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<String>,
    /// Its columns.
    pub column: Vec<Column>,
    /// What must hold between columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity: Vec<Identity>,
    /// What is printed below.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub note: Vec<Note>,
    /// First day that it holds for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Date>,
    /// Last day that it holds for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Date>,
}

/// All that reports are made by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forms {
    /// Calendars of reporting periods; the first is taken where none is named.
    pub calendar: Vec<ReportCalendar>,
    /// Levels of government.
    pub level: Vec<Level>,
    /// Forms.
    pub form: Vec<Form>,
    /// What plans say there is, to be shown beside what the catalogue has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assertion: Vec<Assertion>,
}

impl Dated for Form {
    fn code(&self) -> &str {
        &self.id
    }
    fn first(&self) -> Option<Date> {
        self.valid_from
    }
    fn last(&self) -> Option<Date> {
        self.valid_to
    }
}

impl Dated for ReportCalendar {
    fn code(&self) -> &str {
        &self.id
    }
    fn first(&self) -> Option<Date> {
        self.valid_from
    }
    fn last(&self) -> Option<Date> {
        self.valid_to
    }
}

impl Form {
    /// The columns that count something.
    pub fn counted(&self) -> impl Iterator<Item = (&Column, Figure)> {
        self.column.iter().filter_map(|column| Some((column, column.counts?)))
    }

    /// Whether it counts what the catalogue publishes.
    pub fn is_of_catalogue(&self) -> bool {
        self.counted().any(|(_, figure)| figure.is_of_catalogue())
    }

    /// What is wrong with it, and what to do; none where nothing is.
    pub fn fault(&self) -> Option<(String, &'static str)> {
        let Self { id, column, identity, .. } = self;
        let plain = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
        if id.is_empty() || id.len() > ID_CHARS_MAX || !id.chars().all(plain) {
            let message = format!("`{id}` is no id of a form");
            return Some((message, "write at most 31 letters, digits, dots and dashes"));
        }
        let uncounted = column.iter().filter(|one| one.counts.is_none()).count();
        let leading = column.iter().take(2).all(|one| one.counts.is_none());
        if uncounted != 2 || !leading || column.len() < 3 {
            let message = "the first two columns number and name the rows".to_owned();
            return Some((message, "write counts in all columns but the first two"));
        }
        let mut numbers = BTreeSet::new();
        for one in column {
            if !numbers.insert(one.number) {
                let message = format!("two columns have the number {}", one.number);
                return Some((message, "give each its number"));
            }
            let blank = |texts: &[String]| texts.is_empty() || texts.iter().any(String::is_empty);
            if blank(&one.vi) || blank(&one.en) || one.vi.len() != one.en.len() {
                let message = format!("column {} has no headings in two languages", one.number);
                return Some((message, "write vi and en, from the topmost heading down"));
            }
        }
        for one in identity {
            let named = one.left.iter().chain(&one.right);
            let counts = |number: &u32| self.counted().any(|(column, _)| column.number == *number);
            if let Some(number) = named.into_iter().find(|number| !counts(number)) {
                let message = format!("an identity speaks of {number}, no column that counts");
                return Some((message, "write the numbers of columns that count something"));
            }
            if one.left.is_empty() || one.right.is_empty() {
                let message = "an identity has no columns on one side".to_owned();
                return Some((message, "write column numbers on both sides"));
            }
        }
        let of_catalogue = self.counted().filter(|(_, figure)| figure.is_of_catalogue()).count();
        let unknown = self.counted().filter(|(_, figure)| *figure == Figure::Unknown).count();
        let mixed = of_catalogue > 0 && of_catalogue + unknown < self.counted().count();
        if mixed || (of_catalogue > 0 && self.rows == Rows::Fields) {
            let message = "it counts procedures and dossiers".to_owned();
            return Some((message, "count procedures in a form of their own, rows = \"agencies\""));
        }
        None
    }
}

impl Forms {
    /// The form of an id on a day.
    pub fn form(&self, id: &str, on: Date) -> Option<&Form> {
        self.form.iter().find(|form| form.id == id && form.stands(on))
    }

    /// The level of a kind of agencies, by its place among all.
    pub fn level_of(&self, kind: &str) -> Option<usize> {
        self.level.iter().position(|level| level.kinds.iter().any(|one| one == kind))
    }
}
