//! Templates of messages: MiniJinja, escaped for what is written, with the few filters that native
//! forms need. `docs/simulation.md` lists them.

use jiff::civil::DateTime;
use mappings::text::charset::Charset;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value,
    syntax::SyntaxConfig, value::Serde,
};
use serde::Serialize;

use super::script::{Script, Written};

/// The agencies' clocks are seven hours ahead of UTC.
const ZONE_HOURS: i64 = 7;

const MESSAGE: &str = "message";
const ID: &str = "id";
const CODE: &str = "code";

/// What all templates have in common: escaped for what is written.
fn environment(written: Written) -> Result<Environment<'static>, Error> {
    let mut jinja = Environment::new();
    let mut syntax = SyntaxConfig::builder();
    let syntax = syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    jinja.set_syntax(syntax.build()?);
    // A name that nothing bears is a fault of the template.
    jinja.set_undefined_behavior(UndefinedBehavior::Strict);
    jinja.set_auto_escape_callback(|_| AutoEscape::None);
    jinja.set_formatter(move |out, state, value| write(written, out, state, value));
    jinja.add_filter("date", date);
    jinja.add_filter("width", width);
    jinja.add_filter("right", right);
    jinja.add_filter("points", points);
    jinja.add_filter("typed_in_capitals", typed_in_capitals);
    jinja.add_filter("latin1", latin1);
    Ok(jinja)
}

/// One template of a message.
#[derive(Debug)]
pub(super) struct Template(Environment<'static>);

impl Template {
    /// Compiles it.
    ///
    /// # Errors
    /// What is wrong, with its line.
    pub(super) fn new(written: Written, text: String) -> Result<Self, Error> {
        let mut jinja = environment(written)?;
        jinja.add_template_owned(MESSAGE, text)?;
        Ok(Self(jinja))
    }

    /// The text of the message.
    ///
    /// # Errors
    /// A name that is not there, a filter that cannot do it.
    pub(super) fn write(&self, context: impl Serialize) -> Result<String, Error> {
        self.0.get_template(MESSAGE)?.render(Serde(context))
    }
}

/// The templates of one channel, compiled.
#[derive(Debug)]
pub(super) struct Templates(Environment<'static>);

impl Templates {
    /// Compiles a script's templates.
    ///
    /// # Errors
    /// What is wrong, with its line.
    pub(super) fn new(script: &Script, message: String) -> Result<Self, Error> {
        let mut jinja = environment(script.written)?;
        jinja.add_template_owned(MESSAGE, message)?;
        jinja.add_template_owned(ID, script.id.clone())?;
        jinja.add_template_owned(CODE, script.code.clone())?;
        Ok(Self(jinja))
    }

    /// The text of a message.
    ///
    /// # Errors
    /// A name that is not there, a filter that cannot do it.
    pub(super) fn message(&self, context: impl Serialize) -> Result<String, Error> {
        self.0.get_template(MESSAGE)?.render(Serde(context))
    }

    /// The id of a message.
    ///
    /// # Errors
    /// As [`Templates::message`].
    pub(super) fn id(&self, context: impl Serialize) -> Result<String, Error> {
        self.0.get_template(ID)?.render(Serde(context))
    }

    /// The code of a dossier.
    ///
    /// # Errors
    /// As [`Templates::message`].
    pub(super) fn code(&self, context: impl Serialize) -> Result<String, Error> {
        self.0.get_template(CODE)?.render(Serde(context))
    }
}

/// Writes a value as what is written has it; ids and codes as they are.
fn write(
    written: Written,
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    let text = match written {
        Written::Json | Written::Xlsx if state.name() == MESSAGE => serde_json::to_string(value)
            .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?,
        _ if value.is_none() => String::new(),
        Written::Xml if state.name() == MESSAGE => {
            let text = value.to_string().replace('&', "&amp;").replace('<', "&lt;");
            text.replace('>', "&gt;").replace('"', "&quot;")
        }
        Written::Csv if state.name() == MESSAGE => {
            let text = value.to_string();
            match text.contains([';', '"', '\n']) {
                true => format!("\"{}\"", text.replace('"', "\"\"")),
                false => text,
            }
        }
        _ => value.to_string(),
    };
    out.write_str(&text).map_err(|_| ErrorKind::WriteFailure.into())
}

fn unfit(told: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, told)
}

/// A time in a native form: `dd`, `d`, `MM`, `M`, `yyyy`, `yy`, `HH`, `mm` and `ss` are parts of
/// it, anything else stands for itself; `rfc3339`, and `msdate` as .NET writes it. Nothing stays
/// nothing, and what is no time stays as it is: somebody has typed it.
fn date(value: &Value, form: &str) -> Value {
    let Some(text) = value.as_str() else { return value.clone() };
    let Ok(at) = text.parse::<DateTime>() else { return value.clone() };
    match form {
        "rfc3339" => return format!("{}+07:00", at.strftime("%Y-%m-%dT%H:%M:%S")).into(),
        "msdate" => {
            let utc = jiff::tz::Offset::UTC.to_timestamp(at).map_or(0, |at| at.as_millisecond());
            return format!("/Date({}+0700)/", utc - ZONE_HOURS * 3_600_000).into();
        }
        _ => {}
    }
    let mut told = String::new();
    let mut rest = form;
    while let Some(first) = rest.chars().next() {
        let alike = rest.chars().take_while(|one| *one == first).count();
        let (part, after) = rest.split_at(alike * first.len_utf8());
        match part {
            "dd" => told.push_str(&format!("{:02}", at.day())),
            "d" => told.push_str(&at.day().to_string()),
            "MM" => told.push_str(&format!("{:02}", at.month())),
            "M" => told.push_str(&at.month().to_string()),
            "yyyy" => told.push_str(&format!("{:04}", at.year())),
            "yy" => told.push_str(&format!("{:02}", at.year() % 100)),
            "HH" => told.push_str(&format!("{:02}", at.hour())),
            "mm" => told.push_str(&format!("{:02}", at.minute())),
            "ss" => told.push_str(&format!("{:02}", at.second())),
            other => told.push_str(other),
        }
        rest = after;
    }
    told.into()
}

/// A text in a column of so many letters, at its left; too long a one is cut.
fn width(value: &Value, letters: usize) -> String {
    let text = shown(value);
    let cut: String = text.chars().take(letters).collect();
    format!("{cut:<letters$}")
}

/// The same at its right, as numbers stand.
fn right(value: &Value, letters: usize) -> String {
    let text = shown(value);
    let cut: String = text.chars().take(letters).collect();
    format!("{cut:>letters$}")
}

fn shown(value: &Value) -> String {
    if value.is_none() { String::new() } else { value.to_string() }
}

/// A number with points between thousands: 5.000.000.
fn points(value: &Value) -> String {
    let digits = shown(value);
    let count = digits.chars().count();
    let mut told = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (count - at).is_multiple_of(3) {
            told.push('.');
        }
        told.push(digit);
    }
    told
}

/// What comes of typing in capitals in TCVN3, which has no toned ones: `TRườNG`.
fn typed_in_capitals(text: &str) -> String {
    let charset = Charset::Tcvn3 { capitals: mappings::text::charset::Capitals::AsWritten };
    let writes = |letter: &str| charset.encode(letter).is_ok();
    text.chars()
        .map(|letter| {
            let capital = letter.to_uppercase().collect::<String>();
            if writes(&capital) { capital } else { letter.to_string() }
        })
        .collect()
}

/// What a program that takes each byte of a legacy charset for a letter makes of a text.
fn latin1(text: &str, charset: &str) -> Result<String, Error> {
    let charset: Charset = charset
        .parse()
        .map_err(|error: mappings::text::charset::UnknownCharset| unfit(error.to_string()))?;
    let bytes = charset.encode(text).map_err(|error| unfit(error.to_string()))?;
    Ok(bytes.into_iter().map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_agencies_write_them() {
        let at = Value::from("2026-11-06T08:05:09");
        for (form, told) in [
            ("dd/MM/yyyy", "06/11/2026"),
            ("d/M/yy HH:mm", "6/11/26 08:05"),
            ("yyyyMMddHHmmss", "20261106080509"),
            ("yyyy-MM-ddTHH:mm:ss", "2026-11-06T08:05:09"),
            ("rfc3339", "2026-11-06T08:05:09+07:00"),
            ("msdate", "/Date(1793927109000+0700)/"),
        ] {
            assert_eq!(date(&at, form).to_string(), told, "{form}");
        }
        assert_eq!(date(&Value::from("31/02/2026"), "yyyyMMdd").to_string(), "31/02/2026");
        assert!(date(&Value::from(()), "yyyyMMdd").is_none());
    }

    #[test]
    fn columns_numbers_and_letters_come_out_as_old_programs_write_them() {
        assert_eq!(width(&Value::from("ấp 4"), 6), "ấp 4  ");
        assert_eq!(width(&Value::from("Xuân Lộc"), 4), "Xuân");
        assert_eq!(right(&Value::from(42), 5), "   42");
        assert_eq!(points(&Value::from(5_000_000)), "5.000.000");
        assert_eq!(points(&Value::from(500)), "500");
        assert_eq!(typed_in_capitals("Trường Mầm non đ"), "TRƯờNG MầM NON Đ");
        assert_eq!(latin1("Đồng Nai", "vni").unwrap(), "Ñoàng Nai");
    }
}
