//! Values of SQL Server: as JSON, and as what rows are ordered by. Pure.

use std::fmt::Write;

use jiff::{
    SignedDuration, Span,
    civil::{Date, DateTime, date},
};
use tiberius::{
    ColumnData,
    numeric::Numeric,
    time::{DateTime2, DateTimeOffset, Time},
};

use crate::database::cell::{Cell, hexadecimal, quoted, real};

/// From when on the newer types count days, and the older ones.
const FIRST_DAY: Date = date(1, 1, 1);
const FIRST_OLD_DAY: Date = date(1900, 1, 1);
/// Ticks of a second that the older type has.
const TICKS: u64 = 300;
const DAY_SECONDS: u64 = 86_400;

/// A value as JSON; none where it is beyond its type.
pub(super) fn json(value: &ColumnData<'_>) -> Option<String> {
    let told = match value {
        ColumnData::U8(value) => value.map(|value| value.to_string()),
        ColumnData::I16(value) => value.map(|value| value.to_string()),
        ColumnData::I32(value) => value.map(|value| value.to_string()),
        ColumnData::I64(value) => value.map(|value| value.to_string()),
        // The shortest text of a number of 32 bits, not of its 64.
        ColumnData::F32(value) => {
            value.map(|value| value.to_string().parse().map_or_else(|_| real(0.0), real))
        }
        ColumnData::F64(value) => value.map(real),
        ColumnData::Bit(value) => value.map(|value| value.to_string()),
        ColumnData::Numeric(value) => value.map(decimal),
        ColumnData::String(value) => value.as_ref().map(|text| quoted(text)),
        ColumnData::Xml(value) => value.as_ref().map(|text| quoted(&text.to_string())),
        ColumnData::Binary(value) => value.as_ref().map(|bytes| hexadecimal(bytes)),
        ColumnData::Guid(_)
        | ColumnData::DateTime(_)
        | ColumnData::SmallDateTime(_)
        | ColumnData::Time(_)
        | ColumnData::Date(_)
        | ColumnData::DateTime2(_)
        | ColumnData::DateTimeOffset(_) => match text(value) {
            Told::Null => None,
            Told::Text(text) => Some(quoted(&text)),
            Told::Beyond => return None,
        },
    };
    Some(told.unwrap_or_else(|| "null".to_owned()))
}

/// A value by which rows are ordered; none where there is none, or rows cannot be ordered by it.
pub(super) fn ordered(value: &ColumnData<'_>, is_version: bool) -> Option<Cell> {
    Some(match value {
        ColumnData::U8(value) => Cell::Number((*value)?.into()),
        ColumnData::I16(value) => Cell::Number((*value)?.into()),
        ColumnData::I32(value) => Cell::Number((*value)?.into()),
        ColumnData::I64(value) => Cell::Number((*value)?),
        ColumnData::Bit(value) => Cell::Number((*value)?.into()),
        ColumnData::Numeric(value) => {
            let text = decimal((*value)?);
            text.parse().map_or(Cell::Text(text), Cell::Number)
        }
        ColumnData::String(value) => Cell::Text(value.as_deref()?.to_owned()),
        ColumnData::Binary(value) if is_version => {
            Cell::Number(i64::from_be_bytes(value.as_deref()?.try_into().ok()?))
        }
        ColumnData::Binary(value) => Cell::Text(literal(value.as_deref()?)),
        ColumnData::F32(_) | ColumnData::F64(_) | ColumnData::Xml(_) => return None,
        other => match text(other) {
            Told::Text(text) => Cell::Text(text),
            Told::Null | Told::Beyond => return None,
        },
    })
}

/// A value that is told as a text.
enum Told {
    Null,
    Text(String),
    Beyond,
}

/// A text of a value, or why there is none.
fn told<T: Copy>(value: Option<T>, write: impl Fn(T) -> Option<String>) -> Told {
    value.map_or(Told::Null, |value| write(value).map_or(Told::Beyond, Told::Text))
}

/// A moment, a day, a time or an identifier, as the server itself reads it whatever its language.
fn text(value: &ColumnData<'_>) -> Told {
    match value {
        ColumnData::Guid(value) => told(*value, |value| Some(value.to_string().to_uppercase())),
        ColumnData::Date(value) => told(*value, |value| Some(day(value.days())?.to_string())),
        ColumnData::Time(value) => told(*value, clock),
        ColumnData::DateTime2(value) => told(*value, moment),
        ColumnData::DateTimeOffset(value) => told(*value, zoned),
        ColumnData::DateTime(value) => told(*value, |value| {
            let ticks = u64::from(value.seconds_fragments());
            // To the milliseconds that the server shows: .003, .007, .010.
            let milliseconds = (ticks % TICKS * 10 + 1) / 3;
            old(value.days().into(), ticks / TICKS, milliseconds)
        }),
        ColumnData::SmallDateTime(value) => told(*value, |value| {
            old(value.days().into(), u64::from(value.seconds_fragments()) * 60, 0)
        }),
        _ => Told::Null,
    }
}

fn day(days: u32) -> Option<Date> {
    after(FIRST_DAY, days.into())
}

/// The day so many days after another.
fn after(first: Date, days: i64) -> Option<Date> {
    first.checked_add(Span::new().try_days(days).ok()?).ok()
}

/// A moment of the older types.
fn old(days: i64, seconds: u64, milliseconds: u64) -> Option<String> {
    let day = after(FIRST_OLD_DAY, days)?;
    Some(format!("{day}T{}", of_day(seconds, (milliseconds, 3))?))
}

/// Seconds of a day with so many parts of a second, of which there are so many digits; zeros at
/// the end are left out.
fn of_day(seconds: u64, (parts, digits): (u64, usize)) -> Option<String> {
    if seconds >= DAY_SECONDS {
        return None;
    }
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let clock = format!("{hours:02}:{minutes:02}:{seconds:02}");
    if parts == 0 {
        return Some(clock);
    }
    let parts = format!("{parts:0digits$}");
    Some(format!("{clock}.{}", parts.trim_end_matches('0')))
}

/// Seconds of a day, with what is beyond them and its digits.
fn split(time: Time) -> Option<(u64, (u64, usize))> {
    let unit = 10_u64.checked_pow(time.scale().into())?;
    let parts = time.increments() % unit;
    Some((time.increments() / unit, (parts, time.scale().into())))
}

fn clock(time: Time) -> Option<String> {
    let (seconds, parts) = split(time)?;
    of_day(seconds, parts)
}

fn moment(value: DateTime2) -> Option<String> {
    Some(format!("{}T{}", day(value.date().days())?, clock(value.time())?))
}

/// A moment with its zone. Over the line it comes in UTC, with the minutes from there.
fn zoned(value: DateTimeOffset) -> Option<String> {
    let (seconds, parts) = split(value.datetime2().time())?;
    let day = day(value.datetime2().date().days())?;
    let offset = i64::from(value.offset());
    let begin: DateTime = day.to_datetime(jiff::civil::Time::midnight());
    let seconds = i64::try_from(seconds).ok()?.checked_add(offset * 60)?;
    let local = begin.checked_add(SignedDuration::from_secs(seconds)).ok()?;
    let at = local.time();
    let [hours, minutes, seconds] = [at.hour(), at.minute(), at.second()].map(i64::from);
    let seconds = u64::try_from(hours * 3_600 + minutes * 60 + seconds).ok()?;
    let (sign, apart) = (if offset < 0 { '-' } else { '+' }, offset.abs());
    let clock = of_day(seconds, parts)?;
    Some(format!("{}T{clock}{sign}{:02}:{:02}", local.date(), apart / 60, apart % 60))
}

/// All digits that a number has.
fn decimal(number: Numeric) -> String {
    let scale = usize::from(number.scale());
    let sign = if number.value() < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", number.value().unsigned_abs(), width = scale + 1);
    let (whole, parts) = digits.split_at(digits.len() - scale);
    let dot = if parts.is_empty() { "" } else { "." };
    format!("{sign}{whole}{dot}{parts}")
}

/// Bytes as they stand in a statement.
fn literal(bytes: &[u8]) -> String {
    let mut text = "0x".to_owned();
    for byte in bytes {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02X}");
    }
    text
}

#[cfg(test)]
mod tests {
    use tiberius::{
        Uuid,
        time::{Date as Days, DateTime as Old, SmallDateTime},
        xml::XmlData,
    };

    use super::*;

    /// 2013-12-02 from the year 1, and from 1900.
    const DAYS: u32 = 735_203;
    const OLD_DAYS: i32 = 41_608;

    fn second(at: u64, scale: u8) -> DateTime2 {
        DateTime2::new(Days::new(DAYS), Time::new(at * 10_u64.pow(scale.into()), scale))
    }

    #[test]
    fn values_of_every_type_become_json() {
        let money = |value: i128, scale: u8| Numeric::new_with_scale(value, scale);
        let at = 8 * 3_600 + 10 * 60;
        for (value, expected) in [
            (ColumnData::U8(Some(255)), "255"),
            (ColumnData::I16(Some(-3)), "-3"),
            (ColumnData::I32(None), "null"),
            (ColumnData::I64(Some(9_007_199_254_740_993)), "9007199254740993"),
            (ColumnData::F32(Some(0.1)), "0.1"),
            (ColumnData::F64(Some(1.5)), "1.5"),
            (ColumnData::Bit(Some(true)), "true"),
            (ColumnData::Numeric(Some(money(-5, 2))), "-0.05"),
            (ColumnData::Numeric(Some(money(12_300, 2))), "123.00"),
            (ColumnData::Numeric(Some(money(7, 0))), "7"),
            (
                ColumnData::Numeric(Some(money(9_223_372_036_854_775_807, 4))),
                "922337203685477.5807",
            ),
            (ColumnData::String(Some("Công \"ty\"".into())), "\"Công \\\"ty\\\"\""),
            (ColumnData::String(None), "null"),
            (ColumnData::Binary(Some(vec![0, 255].into())), "\"\\\\x00ff\""),
            (
                ColumnData::Guid(Some(Uuid::from_u128(0xAB))),
                "\"00000000-0000-0000-0000-0000000000AB\"",
            ),
            (ColumnData::Date(Some(Days::new(DAYS))), "\"2013-12-02\""),
            (ColumnData::Time(Some(Time::new(at * 1_000 + 50, 3))), "\"08:10:00.05\""),
            (ColumnData::DateTime2(Some(second(at, 7))), "\"2013-12-02T08:10:00\""),
            (
                ColumnData::DateTime(Some(Old::new(OLD_DAYS, at as u32 * 300 + 1))),
                "\"2013-12-02T08:10:00.003\"",
            ),
            (
                ColumnData::DateTime(Some(Old::new(OLD_DAYS, at as u32 * 300 + 299))),
                "\"2013-12-02T08:10:00.997\"",
            ),
            (ColumnData::DateTime(Some(Old::new(-1, 0))), "\"1899-12-31T00:00:00\""),
            (
                ColumnData::SmallDateTime(Some(SmallDateTime::new(OLD_DAYS as u16, 490))),
                "\"2013-12-02T08:10:00\"",
            ),
            (
                ColumnData::DateTimeOffset(Some(DateTimeOffset::new(second(at, 0), 420))),
                "\"2013-12-02T15:10:00+07:00\"",
            ),
            (
                ColumnData::DateTimeOffset(Some(DateTimeOffset::new(second(60, 0), -210))),
                "\"2013-12-01T20:31:00-03:30\"",
            ),
            (ColumnData::DateTimeOffset(None), "null"),
        ] {
            assert_eq!(json(&value).as_deref(), Some(expected), "{value:?}");
        }
        let xml = ColumnData::Xml(Some(std::borrow::Cow::Owned(XmlData::new("<a>b</a>"))));
        assert_eq!(json(&xml).as_deref(), Some("\"<a>b</a>\""));
    }

    #[test]
    fn what_is_beyond_its_type_is_told_and_ends_nothing() {
        let late = Time::new(u64::MAX, 200);
        for value in [
            ColumnData::Date(Some(Days::new(0xFF_FFFF))),
            ColumnData::Time(Some(Time::new(86_400, 0))),
            ColumnData::Time(Some(late)),
            ColumnData::DateTime(Some(Old::new(i32::MAX, 0))),
            ColumnData::DateTime(Some(Old::new(0, u32::MAX))),
            ColumnData::DateTimeOffset(Some(DateTimeOffset::new(
                DateTime2::new(Days::new(0xFF_FFFF), late),
                i16::MIN,
            ))),
        ] {
            assert_eq!(json(&value), None, "{value:?}");
            assert_eq!(ordered(&value, false), None, "{value:?}");
        }
    }

    #[test]
    fn rows_are_ordered_by_what_can_go_back_into_a_statement() {
        let text = |text: &str| Some(Cell::Text(text.to_owned()));
        let bytes = || ColumnData::Binary(Some(vec![0, 0, 0, 0, 0, 0, 7, 209].into()));
        assert_eq!(ordered(&ColumnData::U8(Some(7)), false), Some(Cell::Number(7)));
        assert_eq!(ordered(&bytes(), true), Some(Cell::Number(2_001)));
        assert_eq!(ordered(&bytes(), false), text("0x00000000000007D1"));
        let number = |value, scale| {
            ordered(&ColumnData::Numeric(Some(Numeric::new_with_scale(value, scale))), false)
        };
        assert_eq!((number(12, 0), number(12, 1)), (Some(Cell::Number(12)), text("1.2")));
        let moment = ColumnData::DateTime2(Some(second(61, 0)));
        assert_eq!(ordered(&moment, false), text("2013-12-02T00:01:01"));
        for none in [ColumnData::I32(None), ColumnData::F64(Some(1.0)), ColumnData::Xml(None)] {
            assert_eq!(ordered(&none, false), None, "{none:?}");
        }
        let short = ColumnData::Binary(Some(vec![1].into()));
        assert_eq!(ordered(&short, true), None);
    }
}
