//! Reporting periods: what they are called, and which days they are under which calendar.

use std::{fmt, str::FromStr};

use jiff::{
    ToSpan,
    civil::{Date, date},
};
use serde::{Deserialize, Serialize};

/// Years that a period may be of.
const YEARS: std::ops::RangeInclusive<i16> = 1990..=2200;

/// How a decree or a plan cuts the year into periods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportCalendar {
    /// Its id, as questions name it.
    pub id: String,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// The last day of a period within its last month, from 1 to 27: the next period begins the day
    /// after. Absent: the last day of the month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cutoff_day: Option<i8>,
    /// First day that it holds for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub valid_from: Option<Date>,
    /// Last day that it holds for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub valid_to: Option<Date>,
}

/// A period of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// `2026-05`: year and month.
    Month(i16, i8),
    /// `2026-Q2`: year and quarter.
    Quarter(i16, i8),
    /// `2026-H1`: year and half.
    Half(i16, i8),
    /// `2026-9M`: the first nine months of a year.
    NineMonths(i16),
    /// `2026`: a year.
    Year(i16),
    /// `2026-01-05..2026-03-20`: any days, under no calendar.
    Days(Date, Date),
}

/// The text names no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no period: write 2026, 2026-H1, 2026-9M, 2026-Q2, 2026-05, or FIRST..LAST")]
pub struct NotAPeriod(pub String);

impl NotAPeriod {
    /// The same in Vietnamese.
    pub fn vi(&self) -> String {
        let text = &self.0;
        format!(
            "`{text}` không phải kỳ báo cáo: ghi 2026, 2026-H1, 2026-9M, 2026-Q2, 2026-05, hoặc \
             TỪ-NGÀY..ĐẾN-NGÀY"
        )
    }
}

fn day(text: &str) -> Option<Date> {
    text.parse().ok().filter(|day: &Date| day.to_string() == text)
}

fn of_year(year: i16, part: &str) -> Option<Period> {
    let number =
        |text: &str, max: i8| text.parse().ok().filter(|number| (1..=max).contains(number));
    match (part.len(), part.split_at_checked(1)) {
        (2, _) if part == "9M" => Some(Period::NineMonths(year)),
        (2, Some(("Q", rest))) => number(rest, 4).map(|quarter| Period::Quarter(year, quarter)),
        (2, Some(("H", rest))) => number(rest, 2).map(|half| Period::Half(year, half)),
        (2, _) if part.bytes().all(|byte| byte.is_ascii_digit()) => {
            number(part, 12).map(|month| Period::Month(year, month))
        }
        _ => None,
    }
}

impl FromStr for Period {
    type Err = NotAPeriod;

    fn from_str(text: &str) -> Result<Self, NotAPeriod> {
        let read = || {
            if let Some((from, to)) = text.split_once("..") {
                let (from, to) = (day(from)?, day(to)?);
                return (from <= to).then_some(Self::Days(from, to));
            }
            let (year, part) = text.split_at_checked(4)?;
            let digits = year.bytes().all(|byte| byte.is_ascii_digit());
            let year = year.parse().ok().filter(|year| digits && YEARS.contains(year))?;
            match part.strip_prefix('-') {
                Some(part) => of_year(year, part),
                None => part.is_empty().then_some(Self::Year(year)),
            }
        };
        read().ok_or_else(|| NotAPeriod(text.to_owned()))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Month(year, month) => write!(out, "{year}-{month:02}"),
            Self::Quarter(year, quarter) => write!(out, "{year}-Q{quarter}"),
            Self::Half(year, half) => write!(out, "{year}-H{half}"),
            Self::NineMonths(year) => write!(out, "{year}-9M"),
            Self::Year(year) => write!(out, "{year}"),
            Self::Days(from, to) => write!(out, "{from}..{to}"),
        }
    }
}

/// A day as the province writes it: 15/12/2025.
pub fn day_vi(day: Date) -> String {
    format!("{:02}/{:02}/{:04}", day.day(), day.month(), day.year())
}

impl Period {
    /// Whether a calendar says which days it is.
    pub fn has_calendar(self) -> bool {
        !matches!(self, Self::Days(..))
    }

    /// Its year, first and last month.
    fn months(self) -> Option<(i16, i8, i8)> {
        match self {
            Self::Month(year, month) => Some((year, month, month)),
            Self::Quarter(year, quarter) => Some((year, quarter * 3 - 2, quarter * 3)),
            Self::Half(year, half) => Some((year, half * 6 - 5, half * 6)),
            Self::NineMonths(year) => Some((year, 1, 9)),
            Self::Year(year) => Some((year, 1, 12)),
            Self::Days(..) => None,
        }
    }

    /// Its first and last day under a calendar that cuts months off behind a day.
    pub fn days(self, cutoff_day: Option<i8>) -> (Date, Date) {
        let (year, first, last) = match (self, self.months()) {
            (Self::Days(from, to), _) => return (from, to),
            (_, Some(months)) => months,
            (_, None) => return (Date::ZERO, Date::ZERO),
        };
        let (first, last) = (date(year, first, 1), date(year, last, 1));
        match cutoff_day {
            None => (first, last.last_of_month()),
            Some(cutoff) => {
                let whole = 1.month();
                let behind = i32::from(cutoff).days();
                let from = first.saturating_sub(whole).saturating_add(behind);
                (from, last.saturating_add((i32::from(cutoff) - 1).days()))
            }
        }
    }

    /// Its name in Vietnamese.
    pub fn name_vi(self) -> String {
        let roman = |quarter: i8| ["I", "II", "III", "IV"][usize::from(quarter as u8 - 1) % 4];
        match self {
            Self::Month(year, month) => format!("Tháng {month} năm {year}"),
            Self::Quarter(year, quarter) => format!("Quý {} năm {year}", roman(quarter)),
            Self::Half(year, 1) => format!("6 tháng đầu năm {year}"),
            Self::Half(year, _) => format!("6 tháng cuối năm {year}"),
            Self::NineMonths(year) => format!("9 tháng năm {year}"),
            Self::Year(year) => format!("Năm {year}"),
            Self::Days(from, to) => format!("Từ {} đến {}", day_vi(from), day_vi(to)),
        }
    }

    /// Its name in English.
    pub fn name_en(self) -> String {
        match self {
            Self::Month(year, month) => format!("Month {month} of {year}"),
            Self::Quarter(year, quarter) => format!("Quarter {quarter} of {year}"),
            Self::Half(year, 1) => format!("First half of {year}"),
            Self::Half(year, _) => format!("Second half of {year}"),
            Self::NineMonths(year) => format!("Nine months of {year}"),
            Self::Year(year) => format!("Year {year}"),
            Self::Days(from, to) => format!("From {from} to {to}"),
        }
    }
}
