//! How a value is written, told from the value alone.

use std::sync::LazyLock;

use crate::{
    document::Document,
    functions::{Bound, Scene, Value},
    gazetteer::Gazetteer,
    infer::dates,
};

/// Date forms that mappings have seldom and people write all the same. The month stands first
/// where a computer is set to English: seen by days after the 12th.
const MORE: [&str; 4] = ["yyyy/MM/dd", "MM/dd/yyyy", "M/d/yyyy", "MM/dd/yyyy HH:mm:ss"];

/// Forms of digits alone, and so of numbers as well: for fields that are dates.
const DIGITS: [&str; 6] = ["yyyyMMddHHmmss", "yyyyMMdd", "ddMMyyyy", "yyyy", "MM/yyyy", "serial"];

/// Letters of a value that may be a date.
const DATE_LETTERS: std::ops::RangeInclusive<usize> = 4..=40;

type Forms = Vec<(&'static str, Bound)>;

fn ready(forms: impl Iterator<Item = &'static str>) -> Forms {
    forms.filter_map(|form| Some((form, dates::bound(function(form), form)?))).collect()
}

fn function(form: &str) -> &'static str {
    if form.contains('d') || form == "serial" { "date" } else { "partial_date" }
}

static DATES: LazyLock<Forms> = LazyLock::new(|| {
    let usual = dates::FORMS.iter().filter(|form| !DIGITS.contains(form));
    ready(usual.chain(MORE.iter()).copied())
});
static OF_DIGITS: LazyLock<Forms> = LazyLock::new(|| ready(DIGITS.iter().copied()));

fn reads(bound: &Bound, text: &str) -> bool {
    let (document, gazetteer) = (Document::default(), Gazetteer::default());
    let scene =
        Scene { document: &document, record: document.root(), gazetteer: &gazetteer, day: None };
    matches!(bound.apply.apply(Value::Text(text.into()), &scene), Ok(Some(_)))
}

/// The date form of a value; `digits` where it may be one of digits alone.
pub(super) fn date(text: &str, digits: bool) -> Option<&'static str> {
    let begins = text.starts_with("/Date(") || text.starts_with(|c: char| c.is_ascii_digit());
    if !begins || !DATE_LETTERS.contains(&text.len()) {
        return None;
    }
    let first = |forms: &Forms| forms.iter().find(|(_, one)| reads(one, text)).map(|one| one.0);
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let told = if plain { None } else { first(&DATES) };
    told.or_else(|| if digits { first(&OF_DIGITS) } else { None })
}

/// The form of a number, and its digits before the decimal sign without zeros in front. Three
/// digits behind one separator are taken for a group.
pub(super) fn number(text: &str) -> Option<(&'static str, u8)> {
    let body = text.strip_prefix('-').unwrap_or(text);
    let digit = |byte: &u8| byte.is_ascii_digit();
    let bytes = body.as_bytes();
    let allowed = bytes.iter().all(|byte| digit(byte) || matches!(byte, b'.' | b','));
    if !allowed || bytes.len() > 30 || !bytes.first().is_some_and(digit) {
        return None;
    }
    if !bytes.last().is_some_and(digit) {
        return None;
    }
    let (whole, form) = match (body.rfind('.'), body.rfind(',')) {
        (None, None) => (body.to_owned(), "1000"),
        (Some(dot), Some(comma)) if dot < comma => (groups(body.get(..comma)?, '.')?, "1.000,5"),
        (Some(dot), Some(_)) => (groups(body.get(..dot)?, ',')?, "1,000.5"),
        (Some(_), None) => single(body, '.', ("1.000", "1000.5"))?,
        (None, Some(_)) => single(body, ',', ("1,000", "1000,5"))?,
    };
    let digits = whole.trim_start_matches('0').len();
    Some((form, u8::try_from(digits).unwrap_or(u8::MAX)))
}

/// Groups of three digits, put together.
fn groups(text: &str, separator: char) -> Option<String> {
    let mut parts = text.split(separator);
    let first = parts.next()?;
    let sound = (1..=3).contains(&first.len())
        && parts.all(|part| part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit()));
    (sound && first.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.replace(separator, ""))
}

/// With one kind of separator: groups, or a decimal sign that stands once.
fn single(
    text: &str,
    separator: char,
    (grouped, decimal): (&'static str, &'static str),
) -> Option<(String, &'static str)> {
    let (whole, rest) = text.split_once(separator)?;
    match groups(text, separator).filter(|_| whole != "0") {
        Some(all) => Some((all, grouped)),
        None => (!rest.contains(separator)).then(|| (whole.to_owned(), decimal)),
    }
}

/// Whether a value that no code table lists may be kept as a code: short, of capitals and a few
/// digits. A name as people write it, a number of a person or a telephone is none of that.
pub(super) fn looks_like_a_code(text: &str) -> bool {
    let plain =
        |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.');
    let digits = text.chars().filter(char::is_ascii_digit).count();
    text.len() <= 12 && digits <= 4 && text.chars().all(plain)
}

/// A field's name fit to be kept: where it holds so many digits that it may be a number of a
/// person, they are left out.
pub(super) fn name(name: &str) -> String {
    const RUN: usize = 6;
    let mut kept = String::new();
    let mut run = String::new();
    for c in name.chars().chain([' ']) {
        if c.is_ascii_digit() {
            run.push(c);
            continue;
        }
        kept.push_str(if run.len() >= RUN { "#" } else { &run });
        run.clear();
        kept.push(c);
    }
    kept.pop();
    match kept.contains([' ', '/', '|', '[', '\'']) {
        true => format!("'{}'", kept.replace('\'', "’")),
        false => kept,
    }
}
