//! What a breach of a schema is called: the rule, as the schema has it, and what is wrong, in both
//! languages. Limits are named, values never: these stand beside, masked where they are personal.

use jsonschema::{
    JsonType, ValidationError,
    error::{TypeKind, ValidationErrorKind as Kind},
};
use serde_json::Value;

use crate::problem::Bilingual;

/// Values listed of an enumeration.
const LISTED_MAX: usize = 32;

/// One breach, in words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    /// The keyword and its limit: `maximum: 5`.
    pub(crate) rule: String,
    /// What is wrong; of a keyword that no contract uses, nothing beyond its rule.
    pub(crate) detail: Option<Bilingual>,
}

impl Breach {
    /// Of an error of the validator.
    pub(crate) fn of(error: &ValidationError<'_>) -> Self {
        let kind = error.kind();
        let said = counted(kind).or_else(|| bounded(kind)).or_else(|| shaped(kind));
        let keyword = kind.keyword();
        match said {
            Some((limit, vi, en)) => {
                let end = if limit.is_empty() { limit } else { format!(": {limit}") };
                Self { rule: format!("{keyword}{end}"), detail: Some(Bilingual { vi, en }) }
            }
            None => {
                Self { rule: format!("{keyword}: {}", error.masked_with("value")), detail: None }
            }
        }
    }
}

/// The limit as the schema has it, and what is wrong: Vietnamese, English.
type Said = (String, String, String);

fn said(limit: impl ToString, vi: String, en: String) -> Option<Said> {
    Some((limit.to_string(), vi, en))
}

/// How much there may be of something.
fn counted(kind: &Kind) -> Option<Said> {
    let (n, (vi, en)) = match kind {
        Kind::MinLength { limit } => (
            limit,
            (
                "Ngắn hơn {n} ký tự, mức tối thiểu.",
                "The text is shorter than {n} characters, the least allowed.",
            ),
        ),
        Kind::MaxLength { limit } => (
            limit,
            (
                "Dài hơn {n} ký tự, mức tối đa.",
                "The text is longer than {n} characters, the most allowed.",
            ),
        ),
        Kind::MinItems { limit } => (
            limit,
            (
                "Danh sách có ít hơn {n} mục, mức tối thiểu.",
                "The list has fewer than {n} items, the least allowed.",
            ),
        ),
        Kind::MaxItems { limit } => (
            limit,
            (
                "Danh sách có nhiều hơn {n} mục, mức tối đa.",
                "The list has more than {n} items, the most allowed.",
            ),
        ),
        Kind::MinProperties { limit } => (
            limit,
            (
                "Có ít hơn {n} trường, mức tối thiểu.",
                "There are fewer than {n} members, the least allowed.",
            ),
        ),
        Kind::MaxProperties { limit } => (
            limit,
            (
                "Có nhiều hơn {n} trường, mức tối đa.",
                "There are more than {n} members, the most allowed.",
            ),
        ),
        _ => return None,
    };
    let n = n.to_string();
    said(&n, vi.replace("{n}", &n), en.replace("{n}", &n))
}

/// How large a number may be.
fn bounded(kind: &Kind) -> Option<Said> {
    match kind {
        Kind::Minimum { limit } => said(
            limit,
            format!("Giá trị nhỏ hơn {limit}, mức tối thiểu."),
            format!("The value is less than {limit}, the least allowed."),
        ),
        Kind::Maximum { limit } => said(
            limit,
            format!("Giá trị lớn hơn {limit}, mức tối đa."),
            format!("The value is greater than {limit}, the most allowed."),
        ),
        Kind::ExclusiveMinimum { limit } => said(
            limit,
            format!("Giá trị phải lớn hơn {limit}."),
            format!("The value must be greater than {limit}."),
        ),
        Kind::ExclusiveMaximum { limit } => said(
            limit,
            format!("Giá trị phải nhỏ hơn {limit}."),
            format!("The value must be less than {limit}."),
        ),
        _ => None,
    }
}

/// What something is to be.
fn shaped(kind: &Kind) -> Option<Said> {
    match kind {
        Kind::Type { kind } => {
            let types: Vec<JsonType> = match kind {
                TypeKind::Single(one) => vec![*one],
                TypeKind::Multiple(several) => several.iter().collect(),
            };
            let names: Vec<_> = types.iter().map(|one| one.as_str()).collect();
            let joined = |pick: fn((&'static str, &'static str)) -> &'static str, or: &str| {
                let words: Vec<_> = types.iter().map(|one| pick(named(*one))).collect();
                words.join(or)
            };
            said(
                names.join(", "),
                format!("Giá trị phải là {}.", joined(|(vi, _)| vi, " hoặc ")),
                format!("The value must be {}.", joined(|(_, en)| en, " or ")),
            )
        }
        Kind::Enum { options } => {
            let all = listed(options);
            let vi = format!("Giá trị phải là một trong: {all}.");
            said(&all, vi, format!("The value must be one of: {all}."))
        }
        Kind::Constant { expected_value } => {
            let only = plain(expected_value);
            let vi = format!("Giá trị phải là {only}.");
            said(&only, vi, format!("The value must be {only}."))
        }
        Kind::Pattern { pattern } => said(
            pattern,
            format!("Giá trị không theo mẫu {pattern}."),
            format!("The value does not follow the pattern {pattern}."),
        ),
        Kind::Format { format } => of_format(format),
        Kind::UniqueItems => said(
            "",
            "Danh sách có mục trùng nhau.".to_owned(),
            "The list has the same item twice.".to_owned(),
        ),
        Kind::PropertyNames { error } => {
            let Breach { rule, detail } = Breach::of(error);
            let Bilingual { vi, en } = detail?;
            let vi = format!("Tên của một trường không được nhận. {vi}");
            said(rule, vi, format!("The name of a member is not taken. {en}"))
        }
        _ => None,
    }
}

/// What a format asks for.
fn of_format(format: &str) -> Option<Said> {
    let (vi, en) = match format {
        "moment" => (
            "Phải là ngày có trong lịch, dạng YYYY-MM-DD, hoặc thời điểm UTC, dạng \
             YYYY-MM-DDThh:mm:ssZ.",
            "It must be a day in the calendar, as YYYY-MM-DD, or an instant of UTC, as \
             YYYY-MM-DDThh:mm:ssZ.",
        ),
        "partial-date" => (
            "Phải là năm, tháng hoặc ngày có trong lịch, dạng YYYY, YYYY-MM hoặc YYYY-MM-DD.",
            "It must be a year, a month or a day in the calendar, as YYYY, YYYY-MM or YYYY-MM-DD.",
        ),
        _ => return None,
    };
    said(format, vi.to_owned(), en.to_owned())
}

/// A type, in Vietnamese and English.
const fn named(one: JsonType) -> (&'static str, &'static str) {
    match one {
        JsonType::Null => ("null", "null"),
        JsonType::Boolean => ("đúng hoặc sai (true, false)", "true or false"),
        JsonType::Integer => ("số nguyên", "a whole number"),
        JsonType::Number => ("số", "a number"),
        JsonType::String => ("văn bản", "a text"),
        JsonType::Array => ("danh sách", "a list"),
        JsonType::Object => ("đối tượng", "an object"),
    }
}

/// A value without quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// The values of an enumeration.
fn listed(options: &Value) -> String {
    let all = options.as_array().map(Vec::as_slice).unwrap_or_default();
    let more = if all.len() > LISTED_MAX { ", …" } else { "" };
    let some: Vec<_> = all.iter().take(LISTED_MAX).map(plain).collect();
    some.join(", ") + more
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::{Contracts, form::FORMATS};

    /// What one schema says of one value: the rules, and what is wrong in both languages.
    fn told(schema: &Value, value: &Value) -> Vec<[String; 3]> {
        let options = FORMATS
            .iter()
            .fold(jsonschema::options(), |options, (name, of)| options.with_format(*name, *of));
        let validator = options.should_validate_formats(true).build(schema).unwrap();
        let breach = |error: ValidationError<'_>| {
            let Breach { rule, detail } = Breach::of(&error);
            let Bilingual { vi, en } = detail.unwrap_or_else(|| panic!("no words: {rule}"));
            [rule, vi, en]
        };
        validator.iter_errors(value).map(breach).collect()
    }

    #[test]
    fn a_breach_names_the_limit_in_both_languages() {
        for (schema, value, wanted) in [
            (
                json!({ "maximum": 5 }),
                json!(9),
                [
                    "maximum: 5",
                    "Giá trị lớn hơn 5, mức tối đa.",
                    "The value is greater than 5, the most allowed.",
                ],
            ),
            (
                json!({ "minimum": 1 }),
                json!(0),
                [
                    "minimum: 1",
                    "Giá trị nhỏ hơn 1, mức tối thiểu.",
                    "The value is less than 1, the least allowed.",
                ],
            ),
            (
                json!({ "maxLength": 3 }),
                json!("abcd"),
                [
                    "maxLength: 3",
                    "Dài hơn 3 ký tự, mức tối đa.",
                    "The text is longer than 3 characters, the most allowed.",
                ],
            ),
            (
                json!({ "type": ["string", "integer"] }),
                json!([]),
                [
                    "type: integer, string",
                    "Giá trị phải là số nguyên hoặc văn bản.",
                    "The value must be a whole number or a text.",
                ],
            ),
            (
                json!({ "enum": ["online", 2] }),
                json!("fax"),
                [
                    "enum: online, 2",
                    "Giá trị phải là một trong: online, 2.",
                    "The value must be one of: online, 2.",
                ],
            ),
            (
                json!({ "propertyNames": { "maxLength": 1 } }),
                json!({ "ab": 1 }),
                [
                    "propertyNames: maxLength: 1",
                    "Tên của một trường không được nhận. Dài hơn 1 ký tự, mức tối đa.",
                    "The name of a member is not taken. The text is longer than 1 characters, the \
                  most allowed.",
                ],
            ),
        ] {
            assert_eq!(told(&schema, &value), [wanted.map(ToOwned::to_owned)]);
        }
    }

    /// A schema of one keyword of a contract, and a value that it refuses; none where it says
    /// nothing by itself, or is told as a whole elsewhere.
    fn broken(keyword: &str, limit: &Value) -> Option<Value> {
        let n = || usize::try_from(limit.as_u64().unwrap()).unwrap();
        Some(match keyword {
            "minimum" => json!(limit.as_f64().unwrap() - 1.0),
            "maximum" => json!(limit.as_f64().unwrap() + 1.0),
            "minLength" => json!("a".repeat(n().checked_sub(1)?)),
            "maxLength" => json!("a".repeat(n() + 1)),
            "minItems" => json!(vec![0; n().checked_sub(1)?]),
            "maxItems" => json!(vec![0; n() + 1]),
            "maxProperties" => {
                Value::Object((0..=n()).map(|i| (i.to_string(), json!(1))).collect())
            }
            "pattern" | "format" => json!("\u{1}"),
            "enum" | "const" | "type" => json!([[]]),
            "propertyNames" => json!({ "": 1, ("a".repeat(4_000)): 1 }),
            // Each missing and each unknown member is a problem of its own.
            "required" | "additionalProperties" | "properties" | "items" => return None,
            other if other.starts_with("x-") || crate::house::ANNOTATIONS.contains(&other) => {
                return None;
            }
            other => panic!("a contract says {other}, which has no words"),
        })
    }

    /// Every schema within a schema.
    fn each(schema: &Value, visit: &mut impl FnMut(&Value)) {
        visit(schema);
        for of in ["properties", "$defs"] {
            let parts = schema[of].as_object().into_iter().flat_map(|parts| parts.values());
            parts.for_each(|part| each(part, visit));
        }
        for of in ["items", "additionalProperties", "propertyNames"] {
            schema.get(of).filter(|part| part.is_object()).into_iter().for_each(|p| each(p, visit));
        }
    }

    #[test]
    fn every_keyword_of_a_contract_is_told_in_both_languages() {
        let mut seen = BTreeSet::new();
        for contract in Contracts::builtin().unwrap().iter() {
            each(contract.schema(), &mut |schema| {
                for (keyword, limit) in schema.as_object().unwrap() {
                    let Some(value) = broken(keyword, limit) else { continue };
                    let alone = json!({ (keyword.as_str()): limit });
                    if limit == &json!("array") {
                        continue;
                    }
                    let all = told(&alone, &value);
                    assert!(!all.is_empty(), "{alone} takes {value}");
                    for [rule, vi, en] in all {
                        assert!(rule.starts_with(keyword.as_str()), "{rule}");
                        assert!(vi.ends_with('.') && en.ends_with('.') && vi != en, "{rule}");
                        assert!(!vi.contains("{n}") && !en.contains("{n}"), "{rule}");
                    }
                    seen.insert(keyword.clone());
                }
            });
        }
        for keyword in ["minimum", "maximum", "pattern", "enum", "type", "format", "maxLength"] {
            assert!(seen.contains(keyword), "{keyword}: {seen:?}");
        }
    }
}
