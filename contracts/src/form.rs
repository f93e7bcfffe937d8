//! One kind of JSON that a contract takes, compiled from its schema: a body or a retraction.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft as Dialect, PatternOptions, ValidationError, Validator};
use serde_json::Value;

use crate::{
    house::{check, is_map},
    moment::Moment,
    problem::{CONTRACT_BROKEN, MISSING_MEMBER, Problem},
    schema::{Member, MemberType, PROBLEMS_MAX, resolve},
    split::Node,
};

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) schema: Value,
    pub(crate) members: Vec<Member>,
    validator: Validator,
    split: Node,
}

impl Form {
    /// Compiles one schema; the error says all that is wrong with it.
    pub(crate) fn compile(text: &str) -> Result<Self, Vec<String>> {
        let schema: Value = serde_json::from_str(text).map_err(|error| vec![error.to_string()])?;
        check(&schema)?;
        let validator = jsonschema::options()
            .with_draft(Dialect::Draft202012)
            .should_validate_formats(true)
            .with_format("moment", |text: &str| text.parse::<Moment>().is_ok())
            .with_format("partial-date", is_partial_date)
            .with_pattern_options(PatternOptions::regex())
            .build(&schema)
            .map_err(|error| vec![error.to_string()])?;
        let split = Node::compile(&schema, &schema, false);
        let mut members = Vec::new();
        collect_members(&schema, &schema, "", false, &mut members);
        Ok(Self { schema, members, validator, split })
    }

    /// The public text, and the personal one where there is any.
    ///
    /// # Errors
    /// Every breach of the schema, at most [`PROBLEMS_MAX`].
    pub(crate) fn seal(&self, value: &Value) -> Result<(String, Option<String>), Vec<Problem>> {
        if !self.validator.is_valid(value) {
            return Err(self.breaches(value));
        }
        let text = |personal| {
            self.split.text(value, personal).map_err(|error| {
                vec![Problem::new(&CONTRACT_BROKEN).by_rule(format!("JSON: {error}"))]
            })
        };
        Ok((text(false)?.unwrap_or_else(|| "{}".to_owned()), text(true)?))
    }

    fn breaches(&self, body: &Value) -> Vec<Problem> {
        let mut problems: Vec<Problem> = Vec::new();
        for error in self.validator.iter_errors(body) {
            if problems.len() >= PROBLEMS_MAX {
                break;
            }
            let pointer = error.instance_path().as_str();
            let is_format = matches!(error.kind(), ValidationErrorKind::Format { .. });
            // A text of the wrong pattern is of the wrong format too: once is enough.
            if is_format && problems.iter().any(|held| held.pointer == pointer) {
                continue;
            }
            self.push_breach(&error, &mut problems);
        }
        problems
    }

    fn push_breach(&self, error: &ValidationError<'_>, problems: &mut Vec<Problem>) {
        let pointer = error.instance_path().as_str();
        let child =
            |name: &str| format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
        match error.kind() {
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                let problem = Problem::new(&MISSING_MEMBER).at(child(name));
                problems.push(problem.by_rule("required"));
            }
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let unknown = unexpected.iter().take(PROBLEMS_MAX).map(|name| {
                    Problem::new(&CONTRACT_BROKEN).at(child(name)).by_rule("unknown member")
                });
                problems.extend(unknown);
            }
            kind => {
                let rule = format!("{}: {}", kind.keyword(), error.masked_with("value"));
                let problem = Problem::new(&CONTRACT_BROKEN).at(pointer).by_rule(rule);
                let found = match error.instance().as_ref() {
                    Value::Object(_) | Value::Array(_) => None,
                    Value::String(text) => Some(text.clone()),
                    other => Some(other.to_string()),
                };
                let personal = self.split.is_personal_at(pointer);
                problems.push(match found {
                    Some(text) => problem.with_value(&text, personal),
                    None => problem,
                });
            }
        }
    }
}

/// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, in the calendar.
fn is_partial_date(text: &str) -> bool {
    let rest = match text.len() {
        4 => "-01-01",
        7 => "-01",
        _ => "",
    };
    format!("{text}{rest}").parse::<jiff::civil::Date>().is_ok() && text.len() <= 10
}

fn collect_members(
    root: &Value,
    schema: &Value,
    prefix: &str,
    personal: bool,
    out: &mut Vec<Member>,
) {
    let schema = resolve(root, schema);
    let required = schema.get("required").and_then(Value::as_array);
    for (name, member) in schema.get("properties").and_then(Value::as_object).into_iter().flatten()
    {
        let path = format!("{prefix}{name}");
        let must = required.is_some_and(|list| list.iter().any(|item| item == name.as_str()));
        let personal = member.get("x-personal").and_then(Value::as_bool).unwrap_or(personal);
        out.push(describe(root, member, path.clone(), must, personal));
        collect_members(root, member, &format!("{path}."), personal, out);
        if let Some(items) = resolve(root, member).get("items") {
            let path = format!("{path}[]");
            out.push(describe(root, items, path.clone(), false, personal));
            collect_members(root, items, &format!("{path}."), personal, out);
        }
    }
}

fn describe(root: &Value, schema: &Value, path: String, required: bool, personal: bool) -> Member {
    let schema = resolve(root, schema);
    let moment = schema.get("format").and_then(Value::as_str) == Some("moment");
    let names = match schema.get("type") {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(name)) => vec![name.as_str()],
        _ => Vec::new(),
    };
    let types = names.into_iter().filter_map(|name| match name {
        "string" if moment => Some(MemberType::Moment),
        "string" => Some(MemberType::Text),
        "integer" => Some(MemberType::Integer),
        "number" => Some(MemberType::Number),
        "boolean" => Some(MemberType::Boolean),
        "object" => Some(MemberType::Object),
        "array" => Some(MemberType::Array),
        _ => None,
    });
    let types = types.collect();
    let allowed = schema.get("enum").and_then(Value::as_array).cloned().or_else(|| range(schema));
    Member { path, types, required, personal, allowed, open: is_map(schema) }
}

/// The values of a short range of whole numbers, such as the statuses 1 to 10.
fn range(schema: &Value) -> Option<Vec<Value>> {
    const LISTED_MAX: u64 = 32;
    if schema.get("type").and_then(Value::as_str) != Some("integer") {
        return None;
    }
    let bound = |name| schema.get(name).and_then(Value::as_u64);
    let (first, last) = (bound("minimum")?, bound("maximum")?);
    (last.checked_sub(first)? < LISTED_MAX).then(|| (first..=last).map(Value::from).collect())
}
