//! Functions from text to text.

use std::{borrow::Cow, str::FromStr};

use contracts::{code::ProcedureCode, problem};

use super::{Bound, Fault, Function, Kind, Value, change, exactly};
use crate::text::{charset::Charset, normalise};

pub(super) const CODE: Function = Function {
    name: "code",
    usage: "code",
    takes: &[Kind::Text, Kind::Integer],
    summary: "Cleans a code: strips invisible characters and spaces around, turns dashes into `-`.",
    examples: &[
        ("code", "H19.08–180105–0001 ", "H19.08-180105-0001"),
        ("code", "A\u{200b}1", "A1"),
    ],
    bind: |arguments, _| {
        exactly(arguments, 0, "code")?;
        Ok(Bound::text(normalise::clean_code))
    },
};

pub(super) const PROCEDURE_CODE: Function = Function {
    name: "procedure_code",
    usage: "procedure_code",
    takes: &[Kind::Text],
    summary: "A national procedure code without the suffix of who published it, as contracts have \
              it.",
    examples: &[
        ("procedure_code", "1.001612", "1.001612"),
        ("procedure_code", "1.001612.000.00.00.H19", "1.001612"),
        ("procedure_code", "t–dna–123456–tt", "T-DNA-123456-TT"),
        ("procedure_code", "1.001612.H19", "!bad-code"),
        ("procedure_code", "CC-05", "!bad-code"),
    ],
    bind: |arguments, _| {
        exactly(arguments, 0, "procedure_code")?;
        Ok(Bound::new(Kind::Text, |value, _| {
            let code = ProcedureCode::parse(&value.into_text());
            let code = code.map_err(|_| Fault(&problem::BAD_CODE))?;
            Ok(Some(code.short().to_owned().into()))
        }))
    },
};

pub(super) const DIGITS: Function = Function {
    name: "digits",
    usage: "digits",
    takes: &[Kind::Text, Kind::Integer],
    summary: "Keeps the digits alone; absent when there are none.",
    examples: &[("digits", "270 999.011", "270999011"), ("digits", "không", "-")],
    bind: |arguments, _| {
        exactly(arguments, 0, "digits")?;
        Ok(Bound::new(Kind::Text, |value, _| Ok(non_empty(change(value.into_text(), only_digits)))))
    },
};

/// Longest code that zeros are put before.
const ZEROS_MAX: usize = 64;

pub(super) const ZEROS: Function = Function {
    name: "zeros",
    usage: "zeros LENGTH…",
    takes: &[Kind::Text, Kind::Integer],
    summary: "Puts back the zeros that a number lost in front: up to the next of the lengths that \
              such a code has.",
    examples: &[
        ("zeros 9 12", "75201001234", "075201001234"),
        ("zeros 9 12", "70999042", "070999042"),
        ("zeros 9 12", "270999042", "270999042"),
        ("zeros 5", "B12", "B12"),
    ],
    bind: |arguments, _| {
        let lengths: Option<Vec<usize>> = arguments
            .iter()
            .map(|word| word.text.parse().ok().filter(|length| *length <= ZEROS_MAX))
            .collect();
        let mut lengths = lengths.filter(|lengths| !lengths.is_empty()).ok_or_else(|| {
            format!("it is used as `zeros LENGTH…`, of whole numbers up to {ZEROS_MAX}")
        })?;
        lengths.sort_unstable();
        Ok(Bound::text(move |code| {
            let number = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit());
            match lengths.iter().find(|length| **length >= code.len()) {
                Some(length) if number && *length > code.len() => {
                    Cow::Owned(format!("{code:0>length$}"))
                }
                _ => Cow::Borrowed(code),
            }
        }))
    },
};

pub(super) const PHONE: Function = Function {
    name: "phone",
    usage: "phone",
    takes: &[Kind::Text, Kind::Integer],
    summary: "A telephone number in national form: digits, leading 0, +84 folded.",
    examples: &[
        ("phone", "(061) 3.000.111", "0613000111"),
        ("phone", "+84 900 000 171", "0900000171"),
        ("phone", "", "-"),
    ],
    bind: |arguments, _| {
        exactly(arguments, 0, "phone")?;
        Ok(Bound::new(Kind::Text, |value, _| {
            let text = value.into_text();
            let abroad = text.trim_start().starts_with('+');
            let digits = change(text, only_digits);
            Ok(non_empty(match digits.strip_prefix("84") {
                Some(rest) if abroad => format!("0{rest}").into(),
                _ => digits,
            }))
        }))
    },
};

pub(super) const UPPER: Function = Function {
    name: "upper",
    usage: "upper",
    takes: &[Kind::Text],
    summary: "Upper case.",
    examples: &[("upper", "đặng", "ĐẶNG")],
    bind: |arguments, _| {
        exactly(arguments, 0, "upper")?;
        Ok(Bound::text(|text| text.to_uppercase().into()))
    },
};

pub(super) const LOWER: Function = Function {
    name: "lower",
    usage: "lower",
    takes: &[Kind::Text],
    summary: "Lower case.",
    examples: &[("lower", "ĐẶNG", "đặng")],
    bind: |arguments, _| {
        exactly(arguments, 0, "lower")?;
        Ok(Bound::text(|text| text.to_lowercase().into()))
    },
};

pub(super) const CAPITALS: Function = Function {
    name: "capitals",
    usage: "capitals",
    takes: &[Kind::Text],
    summary: "Restores capitals that TCVN3 cannot write: a word whose other letters are capitals.",
    examples: &[("capitals", "ĐặNG QUốC", "ĐẶNG QUỐC"), ("capitals", "Hồ Thị út", "Hồ Thị út")],
    bind: |arguments, _| {
        exactly(arguments, 0, "capitals")?;
        Ok(Bound::text(|text| normalise::restore_capitals(text).into()))
    },
};

pub(super) const NAME: Function = Function {
    name: "name",
    usage: "name",
    takes: &[Kind::Text],
    summary: "A name typed all in capitals becomes capitalised; any other stays as it is.",
    examples: &[("name", "ĐặNG QUốC VƯợNG", "Đặng Quốc Vượng"), ("name", "Hồ Thị út", "Hồ Thị út")],
    bind: |arguments, _| {
        exactly(arguments, 0, "name")?;
        Ok(Bound::text(|text| match in_capitals(text) {
            true => normalise::title_case_name(&text.to_uppercase()).into(),
            false => text.into(),
        }))
    },
};

pub(super) const SENTENCE: Function = Function {
    name: "sentence",
    usage: "sentence",
    takes: &[Kind::Text],
    summary: "A text typed all in capitals becomes lower case; any other stays as it is.",
    examples: &[
        ("sentence", "ấP 4, Xã SÔNG RAY", "ấp 4, xã sông ray"),
        ("sentence", "tổ 5, ấp Bến Cộ", "tổ 5, ấp Bến Cộ"),
    ],
    bind: |arguments, _| {
        exactly(arguments, 0, "sentence")?;
        Ok(Bound::text(|text| match in_capitals(text) {
            true => text.to_lowercase().into(),
            false => text.into(),
        }))
    },
};

pub(super) const CHARSET: Function = Function {
    name: "charset",
    usage: "charset NAME",
    takes: &[Kind::Text],
    summary: "Decodes a field whose own character set differs from the payload's.",
    examples: &[
        ("charset vni", "Ñoàng Nai", "Đồng Nai"),
        ("charset viqr", "Ddo^`ng Nai", "Đồng Nai"),
    ],
    bind: |arguments, _| {
        exactly(arguments, 1, "charset NAME")?;
        let name = arguments.first().map_or("", |word| &word.text);
        let charset = Charset::from_str(name).map_err(|error| error.to_string())?;
        Ok(Bound::new(Kind::Text, move |value, _| {
            let decoded = charset.decode_latin1_text(&value.into_text());
            let text = decoded.map_err(|_| Fault(&problem::WRONG_CHARSET))?;
            Ok(Some(normalise::tidy_text(&text).into_owned().into()))
        }))
    },
};

fn only_digits(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.into();
    }
    text.chars().filter(char::is_ascii_digit).collect()
}

fn non_empty(text: Cow<'_, str>) -> Option<Value<'_>> {
    (!text.is_empty()).then_some(Value::Text(text))
}

/// Whether a text was typed with the capitals on: no small letter that TCVN3 could have written as
/// a capital, and two capitals side by side. Toned letters prove nothing, they have no capital.
fn in_capitals(text: &str) -> bool {
    let restored = normalise::restore_capitals(text);
    let writable = |c: char| c.is_ascii_lowercase() || "đăâêôơư".contains(c);
    let pair = |(a, b): (char, char)| a.is_uppercase() && b.is_uppercase();
    !restored.chars().any(writable) && restored.chars().zip(restored.chars().skip(1)).any(pair)
}
