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

/// The exact decimal in canonical form (`-1250.5`), its fraction kept as written.
fn canonical(text: &str, style: Style) -> Option<String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (whole, fraction) = match style.decimal.and_then(|mark| digits.split_once(mark)) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let whole = match style.thousands {
        Some(mark) if whole.contains(mark) => {
            let mut groups = whole.split(mark);
            let first = groups.next().unwrap_or("");
            if first.is_empty() || first.len() > 3 || groups.any(|group| group.len() != 3) {
                return None;
            }
            whole.replace(mark, "")
        }
        _ => whole.to_owned(),
    };
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(&whole) || !fraction.is_none_or(plain) {
        return None;
    }
    let trimmed = whole.trim_start_matches('0');
    let whole = if trimmed.is_empty() { "0" } else { trimmed };
    Some(match fraction {
        Some(fraction) => format!("{sign}{whole}.{fraction}"),
        None => format!("{sign}{whole}"),
    })
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
            let bad = Fault(&problem::BAD_NUMBER);
            let text = canonical(&value.into_text(), style).ok_or(bad)?;
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
            if fraction.bytes().any(|digit| digit != b'0') {
                return Err(bad);
            }
            whole.parse().map(|number| Some(Value::Integer(number))).map_err(|_| bad)
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
            let text = canonical(&value.into_text(), style).ok_or(Fault(&problem::BAD_NUMBER))?;
            Ok(Some(text.into()))
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
