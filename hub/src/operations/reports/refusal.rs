//! Why there is no report, in words.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::{
    operations::STATISTIC_DAYS_MAX,
    registry::report::{Forms, ReportCalendar, day_vi},
    store::StoreError,
};

/// Why there is no report.
#[derive(Debug)]
pub enum NoReport {
    /// No catalogue with forms was in force.
    NoForms,
    /// No such form on the last day of the period.
    UnknownForm {
        /// Those that there are.
        known: Vec<String>,
    },
    /// No such calendar.
    UnknownCalendar {
        /// Those that there are.
        known: Vec<String>,
    },
    /// The calendar does not hold for the period.
    OutsideCalendar(Box<ReportCalendar>),
    /// Too many days.
    TooLong,
    /// The catalogue has no such agency.
    UnknownAgency(String),
    /// Another agency's.
    NotYours,
    /// Changes of what was frozen, which are not for everybody.
    NotForEverybody,
    /// It was never frozen.
    NotFrozen,
    /// The period is not over on this day.
    NotOver {
        /// Its last day.
        to: Date,
    },
    /// Only an operator freezes.
    NotOperator,
    /// The store cannot answer.
    Store(StoreError),
}

impl From<StoreError> for NoReport {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl NoReport {
    /// No such form, with those that there are.
    pub(super) fn unknown_form(forms: &Forms) -> Self {
        let known: BTreeSet<&String> = forms.form.iter().map(|form| &form.id).collect();
        Self::UnknownForm { known: known.into_iter().cloned().collect() }
    }

    /// What is to be known about it, in Vietnamese and English.
    pub fn words(&self) -> (String, String) {
        let told = |vi: &str, en: &str| (vi.to_owned(), en.to_owned());
        match self {
            Self::NoForms => told(
                "Danh mục chưa có biểu mẫu báo cáo (reports.toml).",
                "The catalogue has no forms of reports (reports.toml).",
            ),
            Self::UnknownForm { known } => {
                let known = known.join(", ");
                (format!("Các biểu hiện có: {known}."), format!("Forms there are: {known}."))
            }
            Self::UnknownCalendar { known } => {
                let known = known.join(", ");
                (format!("Các lịch báo cáo hiện có: {known}."), format!("Calendars: {known}."))
            }
            Self::OutsideCalendar(calendar) => {
                let (vi, en) = (&calendar.name_vi, &calendar.name_en);
                let day = |word: &str, day: Option<Date>| {
                    day.map_or_else(String::new, |day| format!(" {word} {}", day_vi(day)))
                };
                let (from, to) = (calendar.valid_from, calendar.valid_to);
                (
                    format!("{vi}: áp dụng{}{}.", day("từ", from), day("đến", to)),
                    format!("{en}: holds{}{}.", day("from", from), day("to", to)),
                )
            }
            Self::TooLong => (
                format!("Tối đa {STATISTIC_DAYS_MAX} ngày."),
                format!("At most {STATISTIC_DAYS_MAX} days."),
            ),
            Self::UnknownAgency(id) => (
                format!("Danh mục không có cơ quan {id}; xem /v1/agencies."),
                format!("The catalogue has no agency {id}; see /v1/agencies."),
            ),
            Self::NotYours => told(
                "Khóa truy cập này chỉ xem được báo cáo của cơ quan mình.",
                "This access key may see only its own agency's reports.",
            ),
            Self::NotForEverybody => told(
                "Chênh lệch so với số đã chốt không dành cho khóa portal.",
                "How figures differ from frozen ones is not for a key of the portal.",
            ),
            Self::NotFrozen => {
                told("Báo cáo này chưa được chốt số liệu.", "This report has not been frozen.")
            }
            Self::NotOver { to } => (
                format!("Kỳ báo cáo kết thúc ngày {}; chốt từ ngày hôm sau.", day_vi(*to)),
                format!("The period ends on {to}; it may be frozen from the day after."),
            ),
            Self::NotOperator => told(
                "Chỉ đơn vị vận hành (khóa operator) được chốt số liệu.",
                "Only an operator (a key for operator) may freeze.",
            ),
            Self::Store(error) => (error.reason.clone(), error.reason.clone()),
        }
    }
}
