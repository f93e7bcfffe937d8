//! The forms in which dates and times are written, each with a grammar of its own: what a form does
//! not declare is refused, not guessed.

use std::ops::RangeInclusive;

use contracts::{Moment, moment::date_time};
use jiff::{
    Timestamp, ToSpan,
    civil::{DateTime, Time, date},
    tz,
};

/// Years in which something may lie that a record tells. Before them lie days that stand for none,
/// such as 01/01/0001; 9999 is how systems write "for ever".
const YEARS: RangeInclusive<i16> = 1800..=9998;
/// Years in which somebody may be born.
const BIRTH_YEARS: RangeInclusive<i16> = 1800..=2100;

/// A declared form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// RFC 3339 with a zone: `Z` or `+07:00`.
    Rfc3339,
    /// RFC 3339 but for its offset, which has no colon: `+0700`, as Java writes it.
    Rfc3339Hhmm,
    /// `/Date(ms+0700)/`: milliseconds since 1970 in UTC; the offset is only for display.
    Milliseconds,
    /// The serial number of a spreadsheet: days since an epoch, the time as their fraction.
    Serial {
        /// Whether day 0 is 1 January 1904, as in workbooks of the old Macintosh.
        from_1904: bool,
    },
    /// RFC 3339 whose `Z` is a literal: the time is local.
    LocalZ,
    /// Letters as in `dd/MM/yyyy HH:mm:ss`, local time.
    Letters(Vec<Token>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// A field and how many digits it takes; 0 means one or two.
    Field(char, usize),
    Literal(char),
}

/// What a form has to tell at least, for whoever uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Least {
    /// A day.
    Day,
    /// A year.
    Year,
    /// Nothing: it is only written.
    Nothing,
}

impl Form {
    /// Proves that texts of this form, written `text`, can tell so much; the error is a sentence.
    pub(super) fn tells(&self, text: &str, least: Least) -> Result<(), String> {
        let Self::Letters(tokens) = self else { return Ok(()) };
        let has = |letter: char| {
            tokens.iter().any(|token| matches!(token, Token::Field(c, _) if *c == letter))
        };
        let dated = has('y') || has('d');
        if has('m') && !has('M') && !has('H') && dated {
            return Err(format!("`{text}` has no month: mm is minutes; months are MM"));
        }
        if !has('H') && (has('m') || has('s') || has('f')) {
            return Err(format!("`{text}` has a part of an hour, but no hour: hours are HH"));
        }
        let needed: &[(char, &str)] = match least {
            Least::Day => &[('y', "year"), ('M', "month"), ('d', "day")],
            Least::Year if has('d') => &[('y', "year"), ('M', "month")],
            Least::Year => &[('y', "year")],
            Least::Nothing => &[],
        };
        let Some((_, missing)) = needed.iter().find(|(letter, _)| !has(*letter)) else {
            return Ok(());
        };
        let minutes =
            if *missing == "month" && has('m') { ": mm is minutes; months are MM" } else { "" };
        Err(format!("`{text}` has no {missing}, so it never gives a date{minutes}"))
    }
}

/// The parts a form found; absent parts stay `None`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Parts {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    hour: Option<i8>,
    minute: i8,
    second: i8,
    millisecond: i32,
}

pub(super) fn form(text: &str) -> Result<Form, String> {
    match text {
        "rfc3339" => return Ok(Form::Rfc3339),
        "rfc3339-hhmm" => return Ok(Form::Rfc3339Hhmm),
        "msdate" => return Ok(Form::Milliseconds),
        "local-z" => return Ok(Form::LocalZ),
        "serial" => return Ok(Form::Serial { from_1904: false }),
        "serial-1904" => return Ok(Form::Serial { from_1904: true }),
        _ => {}
    }
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if !c.is_ascii_alphabetic() {
            tokens.push(Token::Literal(c));
            continue;
        }
        let mut count = 1;
        while chars.next_if_eq(&c).is_some() {
            count += 1;
        }
        let width = match (c, count) {
            ('y', 4 | 2) | ('M' | 'd' | 'H' | 'm' | 's', 2) | ('f', 3) => count,
            ('M' | 'd' | 'H', 1) => 0,
            ('T', 1) => {
                tokens.push(Token::Literal('T'));
                continue;
            }
            _ => {
                return Err(format!(
                    "`{text}` is not a date form: use yyyy yy MM M dd d HH H mm ss fff and marks, \
                     or rfc3339, rfc3339-hhmm, msdate, local-z, serial, serial-1904"
                ));
            }
        };
        tokens.push(Token::Field(c, width));
    }
    Ok(Form::Letters(tokens))
}

fn letters(text: &str, tokens: &[Token]) -> Option<Parts> {
    let mut parts = Parts::default();
    let mut rest = text;
    for token in tokens {
        match *token {
            Token::Literal(c) => rest = rest.strip_prefix(c)?,
            Token::Field(c, width) => {
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                let take = if width == 0 { digits.min(2) } else { width };
                if take == 0 || digits < take {
                    return None;
                }
                let number: i16 = rest.get(..take)?.parse().ok()?;
                rest = rest.get(take..)?;
                let small = i8::try_from(number);
                match c {
                    // Two digits mean 1970 to 2069.
                    'y' if width == 2 => {
                        parts.year = Some(number + if number < 70 { 2000 } else { 1900 });
                    }
                    'y' => parts.year = Some(number),
                    'M' => parts.month = Some(small.ok()?),
                    'd' => parts.day = Some(small.ok()?),
                    'H' => parts.hour = Some(small.ok()?),
                    'm' => parts.minute = small.ok()?,
                    's' => parts.second = small.ok()?,
                    _ => parts.millisecond = i32::from(number),
                }
            }
        }
    }
    rest.is_empty().then_some(parts)
}

fn local(at: DateTime) -> Option<Moment> {
    tz::offset(7).to_timestamp(at).ok().map(Moment::Instant)
}

/// Days from the epoch, a fraction being the time to the second. Of 1900, where spreadsheets count
/// a 29 February that never was, only what lies behind it is sure.
fn serial(text: &str, from_1904: bool) -> Option<Moment> {
    let (days, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(days) || !plain(fraction) {
        return None;
    }
    let days: i64 = days.parse().ok().filter(|days| (61..=2_958_465).contains(days))?;
    let epoch = if from_1904 { date(1904, 1, 1) } else { date(1899, 12, 30) };
    let day = epoch.checked_add(days.days()).ok()?;
    let part: f64 = format!("0.{fraction}").parse().ok()?;
    let seconds = (part * 86_400.0).round();
    if seconds == 0.0 {
        return Some(Moment::Day(day));
    }
    local(day.to_datetime(Time::midnight()).checked_add((seconds as i64).seconds()).ok()?)
}

/// An offset within a day, such as `+07:00`, with that mark between its hours and minutes.
fn offset(text: &str, mark: &str) -> Option<tz::Offset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, rest) = rest.split_at_checked(2)?;
    let two = |text: &str, most: i32| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number: &i32| digits && *number <= most)
    };
    let seconds = two(hours, 23)? * 3600 + two(rest.strip_prefix(mark)?, 59)? * 60;
    tz::Offset::from_seconds(sign * seconds).ok()
}

/// `/Date(ms)/` or `/Date(ms+0700)/`.
fn milliseconds(text: &str) -> Option<Moment> {
    let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let unsigned = inner.strip_prefix('-').unwrap_or(inner);
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let (number, zone) = inner.split_at_checked(inner.len() - unsigned.len() + digits)?;
    if !zone.is_empty() {
        offset(zone, "")?;
    }
    Timestamp::from_millisecond(number.parse().ok()?).ok().map(Moment::Instant)
}

/// What a text in that form tells, where it lies in a year that something may lie in.
pub(super) fn moment(text: &str, form: &Form) -> Option<Moment> {
    told(text, form).filter(|found| YEARS.contains(&found.day().year()))
}

fn told(text: &str, form: &Form) -> Option<Moment> {
    let instant = |at: DateTime, offset: tz::Offset| offset.to_timestamp(at).ok();
    match form {
        Form::Rfc3339 => {
            let (at, zone) = date_time(text)?;
            let utc = matches!(zone, "Z" | "z").then_some(tz::Offset::UTC);
            instant(at, utc.or_else(|| offset(zone, ":"))?).map(Moment::Instant)
        }
        Form::Rfc3339Hhmm => {
            let (at, zone) = date_time(text)?;
            instant(at, offset(zone, "")?).map(Moment::Instant)
        }
        Form::LocalZ => match date_time(text)? {
            (at, "Z") => local(at),
            _ => None,
        },
        Form::Milliseconds => milliseconds(text),
        Form::Serial { from_1904 } => serial(text, *from_1904),
        Form::Letters(tokens) => {
            let parts = letters(text, tokens)?;
            let (year, month, day) = (parts.year?, parts.month?, parts.day?);
            let Some(hour) = parts.hour else {
                return jiff::civil::Date::new(year, month, day).ok().map(Moment::Day);
            };
            let (minute, second) = (parts.minute, parts.second);
            let nanos = parts.millisecond * 1_000_000;
            local(DateTime::new(year, month, day, hour, minute, second, nanos).ok()?)
        }
    }
}

/// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
pub(super) fn partial(text: &str, form: &Form) -> Option<String> {
    let Form::Letters(tokens) = form else {
        let day = told(text, form)?.day();
        return BIRTH_YEARS.contains(&day.year()).then(|| day.to_string());
    };
    let parts = letters(text, tokens)?;
    let year = parts.year.filter(|year| BIRTH_YEARS.contains(year))?;
    match (parts.month, parts.day) {
        (None, None) => Some(format!("{year:04}")),
        (Some(month), None) if (1..=12).contains(&month) => Some(format!("{year:04}-{month:02}")),
        (Some(month), Some(day)) => {
            jiff::civil::Date::new(year, month, day).ok().map(|date| date.to_string())
        }
        _ => None,
    }
}
