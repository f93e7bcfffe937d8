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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a form makes of a text; empty where it refuses it.
    fn read(form_text: &str, text: &str) -> String {
        let found = moment(text, &form(form_text).unwrap());
        found.map_or_else(String::new, |at| at.to_string())
    }

    #[test]
    fn rfc_3339_is_held_to_its_grammar() {
        for (text, want) in [
            ("2014-05-05T08:00:05Z", "2014-05-05T08:00:05Z"),
            ("2014-05-05t08:00:05z", "2014-05-05T08:00:05Z"),
            ("2014-05-05 08:00:05.250+07:00", "2014-05-05T01:00:05.25Z"),
            ("2014-05-05T08:00:05-00:00", "2014-05-05T08:00:05Z"),
            ("2014-05-05T08:00:05+23:59", "2014-05-04T08:01:05Z"),
            ("2014-05-05T08:00:05-23:59", "2014-05-06T07:59:05Z"),
            ("2014-05-05T08:00:05.123456789Z", "2014-05-05T08:00:05.123456789Z"),
        ] {
            assert_eq!(read("rfc3339", text), want, "{text}");
        }
        for text in [
            "2014-05-05T08:00:05",
            "2014-05-05T08:00:05+07",
            "2014-05-05T08:00:05+0700",
            "2014-05-05T08:00:05+7:00",
            "2014-05-05T08:00:05+25:00",
            "2014-05-05T08:00:05+24:00",
            "2014-05-05T08:00:05+07:60",
            "2014-05-05T08:00:05+07:00:30",
            "2014-05-05T08:00:05++7:00",
            "2014-05-05T08:00:05Z[Foo/Bar]",
            "2014-05-05T08:00:05+07:00[Asia/Tokyo]",
            "2014-05-05T08:00:05 +07:00",
            "2014-05-05T08:00:60Z",
            "2014-05-05T24:00:00Z",
            "2014-05-05T08:00:05,5Z",
            "2014-05-05T08:00:05.Z",
            "2014-05-05T08:00Z",
            "2014-05-05T08+07",
            "2014-05-05Z",
            "2014-05-05",
            "20140505T080005+07",
            "20140505T080005Z",
            "2014-W19-1T08:00:05Z",
            "+002014-05-05T08:00:05Z",
            "-002014-05-05T08:00:05Z",
            "2014-05-05T08:00:05−07:00",
            "2014-05-05T08:00:05Zđ",
        ] {
            assert_eq!(read("rfc3339", text), "", "{text}");
        }
    }

    #[test]
    fn an_offset_without_its_colon_is_a_form_of_its_own() {
        let want = "2020-03-16T08:05:12.345Z";
        assert_eq!(read("rfc3339-hhmm", "2020-03-16T15:05:12.345+0700"), want);
        for zone in ["+07:00", "Z", "", "+07", "+070", "+07000", "+2400", "+0760", "0700"] {
            let text = format!("2020-03-16T15:05:12.345{zone}");
            assert_eq!(read("rfc3339-hhmm", &text), "", "{text}");
        }
    }

    #[test]
    fn a_local_z_is_a_whole_time_and_the_letter() {
        assert_eq!(read("local-z", "2013-11-04T08:15:30.000Z"), "2013-11-04T01:15:30Z");
        assert_eq!(read("local-z", "2013-11-04T08:15:30Z"), "2013-11-04T01:15:30Z");
        for text in [
            "2013-11-04Z",
            "2013-11-04T08Z",
            "2013-11-04T08:15Z",
            "2013-11-04T08:15:30",
            "2013-11-04T08:15:30+07:00Z",
            "2013-11-04T08:15:30[Asia/Tokyo]Z",
            "2013-11-04T08:15:30ZZ",
            "2013-11-04T08:15:60Z",
        ] {
            assert_eq!(read("local-z", text), "", "{text}");
        }
    }

    #[test]
    fn milliseconds_have_an_offset_or_none_and_nothing_else() {
        for text in ["/Date(1383527730000)/", "/Date(1383527730000-0330)/"] {
            assert_eq!(read("msdate", text), "2013-11-04T01:15:30Z", "{text}");
        }
        assert_eq!(read("msdate", "/Date(-86400000+0700)/"), "1969-12-31T00:00:00Z");
        for text in [
            "/Date(1383527730000+abc)/",
            "/Date(1383527730000+9999)/",
            "/Date(1383527730000+2400)/",
            "/Date(1383527730000+07)/",
            "/Date(1383527730000+07:00)/",
            "/Date(1383527730000+0700+0700)/",
            "/Date(+1383527730000)/",
            "/Date(--1383527730000)/",
            "/Date( 1383527730000)/",
            "/Date(-)/",
            "/Date(+0700)/",
            "/Date()/",
            "/Date(99999999999999999999)/",
            "Date(1383527730000)",
        ] {
            assert_eq!(read("msdate", text), "", "{text}");
        }
    }

    #[test]
    fn days_that_stand_for_none_are_refused_in_every_form() {
        for (form, text) in [
            ("dd/MM/yyyy", "01/01/0000"),
            ("dd/MM/yyyy", "01/01/0001"),
            ("dd/MM/yyyy", "31/12/1799"),
            ("dd/MM/yyyy", "31/12/9999"),
            ("yyyy-MM-ddTHH:mm:ss", "0001-01-01T00:00:00"),
            ("rfc3339", "0001-01-01T00:00:00Z"),
            ("rfc3339", "1799-12-31T16:59:59Z"),
            ("rfc3339", "9999-12-31T23:59:59+07:00"),
            ("local-z", "9999-12-31T00:00:00Z"),
            // What .NET writes for a date that was never set.
            ("msdate", "/Date(-62135596800000)/"),
            ("msdate", "/Date(-62135596800000+0700)/"),
            ("msdate", "/Date(253402275599000)/"),
            ("serial", "2958465"),
        ] {
            assert_eq!(read(form, text), "", "{text}");
            assert_eq!(partial(text, &super::form(form).unwrap()), None, "{text}");
        }
        // The day in Vietnam counts.
        assert_eq!(read("rfc3339", "1799-12-31T17:00:00Z"), "1799-12-31T17:00:00Z");
        assert_eq!(read("dd/MM/yyyy", "01/01/1800"), "1800-01-01");
    }
}
