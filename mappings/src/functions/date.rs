//! Dates and times in the forms agencies write them. A form's letters declare its precision.

mod form;
#[cfg(test)]
mod tests;

use contracts::{Moment, problem};
use jiff::{civil::Time, tz};

use self::form::{Form, Least, Token, form, moment, partial};
use super::{Bound, Fault, Function, Kind, Misuse, Value, exactly};
use crate::rule::Word;

/// The forms named, each of which can give a value of that precision.
fn forms(arguments: &[Word], least: Least) -> Result<Vec<Form>, Misuse> {
    if arguments.is_empty() {
        return Err("it needs at least one form, such as dd/MM/yyyy".to_owned().into());
    }
    let proved = |word: &Word| {
        let form = form(&word.text)?;
        let told = form.tells(&word.text, least);
        told.map_err(|message| Misuse { message, at: Some(word.at) })?;
        Ok(form)
    };
    arguments.iter().map(proved).collect()
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
        ("date rfc3339-hhmm", "2014-05-05T08:00:05.250+0700", "2014-05-05T01:00:05.25Z"),
        ("date 'yyyy-MM-dd HH:mm'", "2013-11-04 08:15", "2013-11-04T01:15:00Z"),
        ("date serial dd/MM/yyyy", "41491", "2013-08-05"),
        ("date serial", "41491.34375", "2013-08-05T01:15:00Z"),
        ("date serial-1904", "40029", "2013-08-05"),
        ("date dd/MM/yyyy", "31/02/2013", "!bad-date"),
        ("date dd/MM/yyyy", "2/10/2013", "!bad-date"),
        ("date rfc3339", "2014-05-05T08:00:05", "!bad-date"),
        ("date rfc3339", "2014-05-05T08:00:05+0700", "!bad-date"),
        ("date local-z", "2013-11-04Z", "!bad-date"),
        ("date dd/MM/yyyy", "01/01/0001", "!bad-date"),
        ("date yyyy-MM-dd", "9999-12-31", "!bad-date"),
    ],
    bind: |arguments, _| {
        let forms = forms(arguments, Least::Day)?;
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
        let forms = forms(arguments, Least::Year)?;
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
        let form = form(text)?;
        form.tells(text, Least::Nothing)?;
        let Form::Letters(tokens) = form else {
            let message = format!("`{text}` is read only: write letters, such as dd/MM/yyyy");
            return Err(message.into());
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
