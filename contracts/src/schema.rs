//! The contracts: JSON Schema 2020-12 documents, compiled once, that turn drafts into records.

use std::collections::BTreeMap;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft as Dialect, PatternOptions, ValidationError, Validator};
use serde_json::Value;

pub use crate::compat::compatibility;
pub use crate::split::join;
use crate::{
    moment::Moment,
    problem::{CONTRACT_BROKEN, LIMIT_EXCEEDED, MISSING_MEMBER, Problem},
    record::{ContractId, Draft, Record},
    split::Node,
};

/// Most problems reported for one draft.
pub const PROBLEMS_MAX: usize = 50;
/// Longest key of a record, in bytes.
pub const KEY_BYTES_MAX: usize = 255;

/// The schemas this build carries: contract and text.
const BUILTIN: [(&str, &str); 6] = [
    ("agency/1", include_str!("../schemas/agency/v1.schema.json")),
    ("procedure/1", include_str!("../schemas/procedure/v1.schema.json")),
    ("dossier/1", include_str!("../schemas/dossier/v1.schema.json")),
    ("progress/1", include_str!("../schemas/progress/v1.schema.json")),
    ("dossier-state/1", include_str!("../schemas/dossier-state/v1.schema.json")),
    ("feedback/1", include_str!("../schemas/feedback/v1.schema.json")),
];

/// A contract cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("contract {contract}: {}", reasons.join("; "))]
pub struct BadContract {
    /// The contract, as written.
    pub contract: String,
    /// What is wrong with it, each with a JSON pointer where there is one.
    pub reasons: Vec<String>,
}

/// The type of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MemberType {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A [`Moment`], written as text.
    Moment,
    /// An object.
    Object,
    /// An array.
    Array,
}

/// One member of a contract, flattened.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Path such as `applicant.name`; `fees[]` is an item and `fees[].amount` its member.
    pub path: String,
    /// Types it may have.
    pub types: Vec<MemberType>,
    /// Whether its parent must hold it; false for items.
    pub required: bool,
    /// Whether it is personal data.
    pub personal: bool,
    /// The values it may take, if they are listed or a short range.
    pub allowed: Option<Vec<Value>>,
    /// Whether it is an object that takes members of any name (`attributes`).
    pub open: bool,
}

/// One compiled contract.
#[derive(Debug)]
pub struct Contract {
    id: ContractId,
    text: String,
    schema: Value,
    validator: Validator,
    split: Node,
    members: Vec<Member>,
}

/// The contracts in force.
#[derive(Debug)]
pub struct Contracts {
    by_id: BTreeMap<ContractId, Contract>,
}

impl Contracts {
    /// Compiles the schemas this build carries. Costs milliseconds: do it once and share it.
    ///
    /// # Errors
    /// A schema that fails [`check`] or does not compile.
    pub fn builtin() -> Result<Self, BadContract> {
        let mut by_id = BTreeMap::new();
        for (id, text) in BUILTIN {
            let contract = Contract::compile(id, text)?;
            by_id.insert(contract.id.clone(), contract);
        }
        Ok(Self { by_id })
    }

    /// One contract.
    pub fn get(&self, id: &ContractId) -> Option<&Contract> {
        self.by_id.get(id)
    }

    /// All contracts, by name and major.
    pub fn iter(&self) -> impl Iterator<Item = &Contract> {
        self.by_id.values()
    }

    /// The schema of a contract.
    pub fn schema(&self, id: &ContractId) -> Option<&Value> {
        self.get(id).map(Contract::schema)
    }

    /// The members of a contract in schema order; empty for an unknown contract.
    pub fn members(&self, id: &ContractId) -> &[Member] {
        self.get(id).map_or(&[], Contract::members)
    }

    /// Checks a draft and splits it into its public and personal text.
    ///
    /// # Errors
    /// Every breach of the contract, at most [`PROBLEMS_MAX`].
    pub fn seal(&self, draft: Draft) -> Result<Record, Vec<Problem>> {
        let Some(contract) = self.get(&draft.contract) else {
            let rule = format!("no such contract: {}", draft.contract);
            return Err(vec![Problem::new(&CONTRACT_BROKEN).by_rule(rule)]);
        };
        let mut problems: Vec<_> = key_problem(&draft.key).into_iter().collect();
        if !contract.validator.is_valid(&draft.body) {
            problems.extend(contract.breaches(&draft.body));
            problems.truncate(PROBLEMS_MAX);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let text = |personal| {
            contract.split.text(&draft.body, personal).map_err(|error| {
                vec![Problem::new(&CONTRACT_BROKEN).by_rule(format!("JSON: {error}"))]
            })
        };
        let public = text(false)?.unwrap_or_else(|| "{}".to_owned());
        let personal = text(true)?;
        Ok(Record { contract: draft.contract, key: draft.key, public, personal })
    }
}

fn key_problem(key: &str) -> Option<Problem> {
    if key.is_empty() {
        return Some(Problem::new(&MISSING_MEMBER).by_rule("the record's key is not empty"));
    }
    let rule = format!("the record's key has at most {KEY_BYTES_MAX} bytes");
    (key.len() > KEY_BYTES_MAX).then(|| Problem::new(&LIMIT_EXCEEDED).by_rule(rule))
}

impl Contract {
    /// Compiles one schema.
    ///
    /// # Errors
    /// Text that is not JSON, a schema that fails [`check`], or a pattern that does not compile.
    pub fn compile(id: &str, text: &str) -> Result<Self, BadContract> {
        let bad = |reasons| BadContract { contract: id.to_owned(), reasons };
        let parsed = id.parse::<ContractId>().map_err(|error| bad(vec![error.to_string()]))?;
        let schema: Value =
            serde_json::from_str(text).map_err(|error| bad(vec![error.to_string()]))?;
        check(&schema).map_err(bad)?;
        let validator = jsonschema::options()
            .with_draft(Dialect::Draft202012)
            .should_validate_formats(true)
            .with_format("moment", |text: &str| text.parse::<Moment>().is_ok())
            .with_format("partial-date", is_partial_date)
            .with_pattern_options(PatternOptions::regex())
            .build(&schema)
            .map_err(|error| bad(vec![error.to_string()]))?;
        let split = Node::compile(&schema, &schema, false);
        let mut members = Vec::new();
        collect_members(&schema, &schema, "", false, &mut members);
        Ok(Self { id: parsed, text: text.to_owned(), schema, validator, split, members })
    }

    /// Its name and major.
    pub fn id(&self) -> &ContractId {
        &self.id
    }

    /// The text of its schema file: what entries name by hash.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its schema.
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// Its members in schema order.
    pub fn members(&self) -> &[Member] {
        &self.members
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

/// Follows one local reference (`#/$defs/…`).
pub(crate) fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|at| at.strip_prefix('#'));
    target.and_then(|pointer| root.pointer(pointer)).unwrap_or(schema)
}

/// Checks the house rules of a schema: every member says `x-personal`, and every object refuses
/// unknown members, save a map (no `properties`, `maxProperties` set, plain values).
///
/// # Errors
/// Each breach, with the JSON pointer of the member's schema.
pub fn check(schema: &Value) -> Result<(), Vec<String>> {
    let mut broken = Vec::new();
    check_node(schema, schema, "", &mut broken);
    if broken.is_empty() { Ok(()) } else { Err(broken) }
}

fn check_node(root: &Value, schema: &Value, at: &str, broken: &mut Vec<String>) {
    if schema.get("$ref").is_some() && std::ptr::eq(resolve(root, schema), schema) {
        broken.push(format!("{at}/$ref: leads nowhere in this document"));
    }
    let schema = resolve(root, schema);
    let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    if schema.get("type").and_then(Value::as_str) == Some("object") && !closed && !is_map(schema) {
        broken.push(format!("{at}: additionalProperties is not false"));
    }
    if let Some(items) = schema.get("items") {
        check_node(root, items, &format!("{at}/items"), broken);
    }
    for (name, member) in schema.get("properties").and_then(Value::as_object).into_iter().flatten()
    {
        let at = format!("{at}/properties/{name}");
        if !member.get("x-personal").is_some_and(Value::is_boolean) {
            broken.push(format!("{at}: x-personal is not marked"));
        }
        check_node(root, member, &at, broken);
    }
}

fn is_map(schema: &Value) -> bool {
    let values = schema.get("additionalProperties");
    schema.get("properties").is_none()
        && schema.get("maxProperties").is_some()
        && values.is_some_and(|of| {
            let kinds = of.get("type");
            let names: Vec<_> = match kinds {
                Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
                other => other.and_then(Value::as_str).into_iter().collect(),
            };
            of.get("$ref").is_some()
                || (!names.is_empty() && !names.contains(&"object") && !names.contains(&"array"))
        })
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
