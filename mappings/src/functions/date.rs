//! Dates and times in the forms agencies write them. A form's letters declare its precision.

use contracts::{Moment, problem};
use jiff::{
    Timestamp, ToSpan,
    civil::{DateTime, Time, date},
    tz,
};

use super::{Bound, Fault, Function, Kind, Value, exactly};
use crate::rule::Word;

/// A declared form.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// RFC 3339 with a zone.
    Rfc3339,
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
enum Token {
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

fn form(text: &str) -> Result<Form, String> {
    match text {
        "rfc3339" => return Ok(Form::Rfc3339),
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
                     or rfc3339, msdate, local-z, serial, serial-1904"
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

fn moment(text: &str, form: &Form) -> Option<Moment> {
    match form {
        Form::Rfc3339 => text.parse::<Timestamp>().ok().map(Moment::Instant),
        Form::LocalZ => local(text.strip_suffix('Z')?.parse().ok()?),
        Form::Milliseconds => {
            let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
            let sign = inner.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-'));
            let digits = sign.map_or(inner, |(at, _)| inner.get(..at).unwrap_or(inner));
            Timestamp::from_millisecond(digits.parse().ok()?).ok().map(Moment::Instant)
        }
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
fn partial(text: &str, form: &Form) -> Option<String> {
    let Form::Letters(tokens) = form else {
        return moment(text, form).map(|found| found.day().to_string());
    };
    let parts = letters(text, tokens)?;
    let year = parts.year.filter(|year| (1800..=2100).contains(year))?;
    match (parts.month, parts.day) {
        (None, None) => Some(format!("{year:04}")),
        (Some(month), None) if (1..=12).contains(&month) => Some(format!("{year:04}-{month:02}")),
        (Some(month), Some(day)) => {
            jiff::civil::Date::new(year, month, day).ok().map(|date| date.to_string())
        }
        _ => None,
    }
}

fn forms(arguments: &[Word]) -> Result<Vec<Form>, String> {
    if arguments.is_empty() {
        return Err("it needs at least one form, such as dd/MM/yyyy".to_owned());
    }
    arguments.iter().map(|word| form(&word.text)).collect()
}

pub(super) const DATE: Function = Function {
    name: "date",
    usage: "date FORM…",
    takes: &[Kind::Text],
    summary: "A day or an instant in the first declared form that fits; local time is UTC+7.",
    examples: &[
        ("date dd/MM/yyyy", "02/10/2013", "2013-10-02"),
        ("date dd/MM/yyyy dd/MM/yy", "11/09/13", "2013-09-11"),
        ("date yyyyMMddHHmmss", "20131104081530", "2013-11-04T01:15:30Z"),
        ("date msdate", "/Date(1383527730000+0700)/", "2013-11-04T01:15:30Z"),
        ("date local-z", "2013-11-04T08:15:30.000Z", "2013-11-04T01:15:30Z"),
        ("date rfc3339", "2014-05-05T08:00:05+07:00", "2014-05-05T01:00:05Z"),
        ("date 'yyyy-MM-dd HH:mm'", "2013-11-04 08:15", "2013-11-04T01:15:00Z"),
        ("date serial dd/MM/yyyy", "41491", "2013-08-05"),
        ("date serial", "41491.34375", "2013-08-05T01:15:00Z"),
        ("date serial-1904", "40029", "2013-08-05"),
        ("date dd/MM/yyyy", "31/02/2013", "!bad-date"),
        ("date dd/MM/yyyy", "2/10/2013", "!bad-date"),
        ("date rfc3339", "2014-05-05T08:00:05", "!bad-date"),
    ],
    bind: |arguments, _| {
        let forms = forms(arguments)?;
        Ok(Bound::new(Kind::Moment, move |value, _| {
            let text = value.into_text();
            let found = forms.iter().find_map(|form| moment(&text, form));
            found.map(|at| Some(Value::Moment(at))).ok_or(Fault(&problem::BAD_DATE))
        }))
    },
};

pub(super) const DAY: Function = Function {
    name: "day",
    usage: "day",
    takes: &[Kind::Moment],
    summary: "The day in Vietnam of an instant: declares that the hour means nothing.",
    examples: &[("day", "2013-11-04T20:15:30Z", "2013-11-05"), ("day", "2013-11-04", "2013-11-04")],
    bind: |arguments, _| {
        exactly(arguments, 0, "day")?;
        Ok(Bound::new(Kind::Moment, |value, _| {
            let at = match value {
                Value::Moment(at) => at,
                other => other.into_text().parse().map_err(|_| Fault(&problem::BAD_DATE))?,
            };
            Ok(Some(Value::Moment(Moment::Day(at.day()))))
        }))
    },
};

pub(super) const PARTIAL_DATE: Function = Function {
    name: "partial_date",
    usage: "partial_date FORM…",
    takes: &[Kind::Text],
    summary: "A birth date as exact as the source knows it: YYYY, YYYY-MM or YYYY-MM-DD.",
    examples: &[
        ("partial_date yyyy", "1968", "1968"),
        ("partial_date dd-MM-yyyy yyyy", "12-05-1987", "1987-05-12"),
        ("partial_date MM/yyyy", "03/1949", "1949-03"),
        ("partial_date msdate", "/Date(446835600000+0700)/", "1984-02-29"),
        ("partial_date yyyy", "68", "!bad-date"),
    ],
    bind: |arguments, _| {
        let forms = forms(arguments)?;
        Ok(Bound::new(Kind::Text, move |value, _| {
            let text = value.into_text();
            let found = forms.iter().find_map(|form| partial(&text, form));
            found.map(|date| Some(date.into())).ok_or(Fault(&problem::BAD_DATE))
        }))
    },
};

/// A moment in a form of letters, local time; a day begins at midnight.
fn written(at: Moment, tokens: &[Token]) -> String {
    let time = match at {
        Moment::Day(day) => day.to_datetime(Time::midnight()),
        Moment::Instant(at) => tz::offset(7).to_datetime(at),
    };
    let field = |letter: char| match letter {
        'y' => i32::from(time.year()),
        'M' => i32::from(time.month()),
        'd' => i32::from(time.day()),
        'H' => i32::from(time.hour()),
        'm' => i32::from(time.minute()),
        's' => i32::from(time.second()),
        _ => time.subsec_nanosecond() / 1_000_000,
    };
    let one = |token: &Token| match *token {
        Token::Literal(c) => c.to_string(),
        Token::Field('y', 2) => format!("{:02}", field('y').rem_euclid(100)),
        Token::Field(letter, width) => format!("{:0width$}", field(letter)),
    };
    tokens.iter().map(one).collect()
}

pub(super) const WRITE_DATE: Function = Function {
    name: "write_date",
    usage: "write_date FORM",
    takes: &[Kind::Text, Kind::Moment],
    summary: "Writes a canonical date or instant in a form, in local time, for who receives it.",
    examples: &[
        ("write_date dd/MM/yyyy", "2024-03-04", "04/03/2024"),
        ("write_date d/M/yy", "2024-03-04", "4/3/24"),
        ("write_date yyyyMMddHHmmss", "2024-03-04T18:30:00Z", "20240305013000"),
        ("write_date 'HH:mm dd/MM/yyyy'", "2024-03-04", "00:00 04/03/2024"),
        (
            "write_date yyyy-MM-ddTHH:mm:ss.fff",
            "2024-03-04T18:30:00.25Z",
            "2024-03-05T01:30:00.250",
        ),
        ("write_date dd/MM/yyyy", "4/3/2024", "!bad-date"),
    ],
    bind: |arguments, _| {
        exactly(arguments, 1, "write_date FORM")?;
        let text = arguments.first().map_or("", |word| word.text.as_str());
        let Form::Letters(tokens) = form(text)? else {
            return Err(format!("`{text}` is read only: write letters, such as dd/MM/yyyy"));
        };
        Ok(Bound::new(Kind::Text, move |value, _| {
            let at = match value {
                Value::Moment(at) => at,
                other => other.into_text().parse().map_err(|_| Fault(&problem::BAD_DATE))?,
            };
            Ok(Some(written(at, &tokens).into()))
        }))
    },
};
