//! Numbers as agencies write them. A style is the number 1000,5 in their manner: `1.000,5`.

use contracts::problem;

use super::{Bound, Fault, Function, Kind, Value, exactly};

/// The separators of a declared style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Style {
    thousands: Option<char>,
    decimal: Option<char>,
}

fn style(text: &str) -> Result<Style, String> {
    let bad = || {
        format!(
            "`{text}` is not a number style: write 1000, 1000.5, 1000,5, 1.000, 1.000,5 or 1,000.5"
        )
    };
    let rest = text.strip_prefix('1').ok_or_else(bad)?;
    let (thousands, rest) = match rest.strip_prefix("000") {
        Some(rest) => (None, rest),
        None => {
            let separator = rest.chars().next().ok_or_else(bad)?;
            let rest = rest.get(separator.len_utf8()..).and_then(|rest| rest.strip_prefix("000"));
            (Some(separator), rest.ok_or_else(bad)?)
        }
    };
    let decimal = match rest {
        "" => None,
        _ => Some(rest.strip_suffix('5').and_then(|mark| mark.parse().ok()).ok_or_else(bad)?),
    };
    let known = |mark: Option<char>| mark.is_none_or(|mark| matches!(mark, '.' | ',' | ' ' | '\''));
    if !known(thousands) || !known(decimal) || (thousands.is_some() && thousands == decimal) {
        return Err(bad());
    }
    Ok(Style { thousands, decimal })
}

/// A number in its parts, each of its digits proved.
struct Parts<'a> {
    negative: bool,
    /// With the marks of thousands, where it has them.
    whole: &'a str,
    fraction: &'a str,
    /// Whether a mark stands before the fraction.
    has_fraction: bool,
}

/// Reads a number by its style.
fn parts(text: &str, style: Style) -> Option<Parts<'_>> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let split = style.decimal.and_then(|mark| digits.split_once(mark));
    let (whole, fraction) = split.unwrap_or((digits, "0"));
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let grouped = |mark: char| {
        let mut groups = whole.split(mark);
        let first = groups.next().unwrap_or("");
        first.len() <= 3 && plain(first) && groups.all(|group| group.len() == 3 && plain(group))
    };
    let sound = match style.thousands.filter(|mark| whole.contains(*mark)) {
        Some(mark) => grouped(mark),
        None => plain(whole),
    };
    let parts = Parts { negative, whole, fraction, has_fraction: split.is_some() };
    (sound && plain(fraction)).then_some(parts)
}

impl Parts<'_> {
    fn whole_digits(&self) -> impl Iterator<Item = u8> {
        self.whole.bytes().filter(u8::is_ascii_digit)
    }

    /// The whole number, where its fraction is zero and it is not too large.
    fn integer(&self) -> Option<i64> {
        if self.fraction.bytes().any(|digit| digit != b'0') {
            return None;
        }
        let sign = if self.negative { -1 } else { 1 };
        self.whole_digits().try_fold(0_i64, |number, digit| {
            number.checked_mul(10)?.checked_add(sign * i64::from(digit - b'0'))
        })
    }

    /// The exact decimal in canonical form (`-1250.5`), its fraction kept as written.
    fn decimal(&self) -> String {
        let mut text = String::from(if self.negative { "-" } else { "" });
        let start = text.len();
        text.extend(self.whole_digits().skip_while(|digit| *digit == b'0').map(char::from));
        if text.len() == start {
            text.push('0');
        }
        if self.has_fraction {
            text.push('.');
            text.push_str(self.fraction);
        }
        text
    }
}

pub(super) const INTEGER: Function = Function {
    name: "integer",
    usage: "integer STYLE",
    takes: &[Kind::Text],
    summary: "A whole number in the declared style; a zero fraction is dropped.",
    examples: &[
        ("integer 1.000", "5.000.000.000", "5000000000"),
        ("integer 1000.5", "135000.0", "135000"),
        ("integer 1000.5", "1.5", "!bad-number"),
        ("integer 1.000", "1.00", "!bad-number"),
        ("integer 1000", "không", "!bad-number"),
    ],
    bind: |arguments, _| {
        exactly(arguments, 1, "integer STYLE")?;
        let style = style(arguments.first().map_or("", |word| &word.text))?;
        Ok(Bound::new(Kind::Integer, move |value, _| {
            let number = parts(&value.into_text(), style).and_then(|parts| parts.integer());
            number.map(|number| Some(Value::Integer(number))).ok_or(Fault(&problem::BAD_NUMBER))
        }))
    },
};

pub(super) const DECIMAL: Function = Function {
    name: "decimal",
    usage: "decimal STYLE",
    takes: &[Kind::Text],
    summary: "An exact decimal in the declared style, as text with a point.",
    examples: &[
        ("decimal 1000,5", "1250,5", "1250.5"),
        ("decimal 1.000,5", "9.840,25", "9840.25"),
        ("decimal 1000,5", "500,0", "500.0"),
        ("decimal 1000,5", "1.5", "!bad-number"),
    ],
    bind: |arguments, _| {
        exactly(arguments, 1, "decimal STYLE")?;
        let style = style(arguments.first().map_or("", |word| &word.text))?;
        Ok(Bound::new(Kind::Text, move |value, _| {
            let text = parts(&value.into_text(), style).map(|parts| parts.decimal());
            text.map(|text| Some(text.into())).ok_or(Fault(&problem::BAD_NUMBER))
        }))
    },
};

/// Digits that a JSON number carries to every reader.
const NUMBER_DIGITS_MAX: usize = 15;

pub(super) const NUMBER: Function = Function {
    name: "number",
    usage: "number STYLE",
    takes: &[Kind::Text],
    summary: "A number of at most 15 digits as a JSON number; a zero fraction is dropped.",
    examples: &[
        ("number 1000.5", "3450.75", "3450.75"),
        ("number 1.000,5", "1.280,00", "1280"),
        ("number 1000.5", "1234567890.123456", "!bad-number"),
        ("number 1000.5", "3450,75", "!bad-number"),
    ],
    bind: |arguments, _| {
        exactly(arguments, 1, "number STYLE")?;
        let style = style(arguments.first().map_or("", |word| &word.text))?;
        Ok(Bound::new(Kind::Number, move |value, _| {
            let text = parts(&value.into_text(), style).map(|parts| parts.decimal());
            let text = text.filter(|text| {
                text.bytes().filter(u8::is_ascii_digit).count() <= NUMBER_DIGITS_MAX
            });
            let mut text = text.ok_or(Fault(&problem::BAD_NUMBER))?;
            if text.contains('.') {
                text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
            }
            Ok(Some(Value::Number(text)))
        }))
    },
};

pub(super) const BOOLEAN: Function = Function {
    name: "boolean",
    usage: "boolean TRUE FALSE",
    takes: &[Kind::Text],
    summary: "True or false, by the two words the source uses.",
    examples: &[
        ("boolean true false", "true", "true"),
        ("boolean 1 0", "0", "false"),
        ("boolean 1 0", "2", "!unknown-code"),
    ],
    bind: |arguments, _| {
        exactly(arguments, 2, "boolean TRUE FALSE")?;
        let words: Vec<String> = arguments.iter().map(|word| word.text.clone()).collect();
        Ok(Bound::new(Kind::Boolean, move |value, _| {
            let text = value.into_text();
            match words.iter().position(|word| *word == text) {
                Some(at) => Ok(Some(Value::Boolean(at == 0))),
                None => Err(Fault(&problem::UNKNOWN_CODE)),
            }
        }))
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_with_one_mark_for_both_is_refused() {
        for text in ["1,000,5", "1000x5", "abc", "1", "1.000."] {
            assert!(style(text).is_err(), "{text}");
        }
        assert!(style("1 000,5").is_ok());
    }
}
