//! One kind of JSON that a contract takes, compiled from its schema: a body or a retraction.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft as Dialect, PatternOptions, ValidationError, Validator};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    body::Part,
    breach::Breach,
    house::{check, is_map},
    moment::Moment,
    problem::{CONTRACT_BROKEN, MISSING_MEMBER, Problem},
    public::Public,
    schema::{Member, MemberType, PROBLEMS_MAX, resolve},
    split::{Node, Texts},
};

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) schema: Value,
    pub(crate) members: Vec<Member>,
    validator: Validator,
    split: Node,
}

/// What is said of a member that a contract has not.
const UNKNOWN_MEMBER: (&str, &str) =
    ("Hợp đồng dữ liệu không có trường này.", "The contract has no such member.");

/// Whether a text is of a format.
pub(crate) type Format = fn(&str) -> bool;

/// The formats that schemas may name.
pub(crate) const FORMATS: [(&str, Format); 2] =
    [("moment", |text| text.parse::<Moment>().is_ok()), ("partial-date", is_partial_date)];

impl Form {
    /// Compiles one schema; the error says all that is wrong with it.
    pub(crate) fn compile(text: &str) -> Result<Self, Vec<String>> {
        let schema: Value = serde_json::from_str(text).map_err(|error| vec![error.to_string()])?;
        check(&schema)?;
        let options = jsonschema::options();
        let options = FORMATS
            .iter()
            .fold(options, |options, (name, holds)| options.with_format(*name, *holds));
        let validator = options
            .with_draft(Dialect::Draft202012)
            .should_validate_formats(true)
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
    pub(crate) fn seal(&self, part: &Part<'_>) -> Result<(String, Option<String>), Vec<Problem>> {
        let Texts { public, personal, sure } = self.split.texts(part);
        if !sure {
            let value = Value::from(part);
            if !self.validator.is_valid(&value) {
                return Err(self.breaches(&value));
            }
        }
        Ok((public.unwrap_or_else(|| "{}".to_owned()), personal))
    }

    /// What the public text of a sealed part reads as.
    pub(crate) fn public<'a, T: Deserialize<'a>>(
        &'a self,
        part: &'a Part<'a>,
    ) -> Result<T, serde_json::Error> {
        T::deserialize(Public::new(&self.split, part))
    }

    fn breaches(&self, body: &Value) -> Vec<Problem> {
        let mut problems: Vec<Problem> = Vec::new();
        for error in self.validator.iter_errors(body) {
            if problems.len() >= PROBLEMS_MAX {
                break;
            }
            let pointer = error.instance_path().as_str();
            let is_format = matches!(error.kind(), ValidationErrorKind::Format { .. });
            // A text of the wrong pattern is of the wrong format too: once is enough, in the words
            // of the format, which people read more easily than a pattern.
            if is_format
                && let Some(held) = problems.iter_mut().find(|held| held.pointer == pointer)
            {
                if let Some(detail) = Breach::of(&error).detail {
                    held.detail = detail;
                }
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
                    let (vi, en) = UNKNOWN_MEMBER;
                    let problem = Problem::new(&CONTRACT_BROKEN).at(child(name));
                    problem.by_rule("unknown member").saying(vi, en)
                });
                problems.extend(unknown);
            }
            _ => {
                let Breach { rule, detail } = Breach::of(error);
                let mut problem = Problem::new(&CONTRACT_BROKEN).at(pointer).by_rule(rule);
                if let Some(detail) = detail {
                    problem.detail = detail;
                }
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
        10 => return text.parse::<Moment>().is_ok(),
        _ => return false,
    };
    format!("{text}{rest}").parse::<Moment>().is_ok()
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

#[cfg(test)]
mod tests {
    use proptest::{option, prelude::*};
    use serde_json::json;

    use super::*;
    use crate::{Contracts, Dossier};

    fn dossier() -> Form {
        Form::compile(include_str!("../schemas/dossier/v1.schema.json")).unwrap()
    }

    fn body() -> Value {
        json!({
            "source": "so-xay-dung", "source_code": "42", "agency": "so-xay-dung",
            "procedure": "1.001612", "field": "Xây dựng",
            "applicant": { "name": "Nguyễn Văn Mẫu", "kind": "person", "birth_date": "1970-02",
                           "phone": "0251382", "email": "a@thu.example", "commune": "26041" },
            "channel": "counter", "accepted_at": "2013-11-04T01:15:30Z", "due_at": "2013-11-05",
            "status": 2, "status_raw": "Đã tiếp nhận", "note": "",
            "fees": [{ "amount": 5, "name": "Lệ phí" }], "documents": [{ "name": "Đơn" }],
            "history": [{ "at": "2013-11-04", "status": 1 }],
            "attributes": { "Mã riêng": "7", "n": 5, "yes": true }, "warnings": ["bad-date"],
        })
    }

    #[test]
    fn every_contract_has_a_quick_yes() {
        for contract in Contracts::builtin().unwrap().iter() {
            let form = Form::compile(contract.text()).unwrap();
            assert!(form.split.is_known(), "{}", contract.id());
        }
        assert!(dossier().split.texts(&body().into()).sure);
        for unknown in [
            json!({ "type": "string", "pattern": "^\\d$" }),
            json!({ "type": "string", "pattern": "^.$" }),
            json!({ "type": "string", "format": "date" }),
            json!({ "type": "object" }),
            json!({ "minLength": 1 }),
            json!({ "type": "string", "not": {} }),
            json!({ "type": "object", "additionalProperties": { "type": "string" },
                    "propertyNames": { "$ref": "#/$defs/a" } }),
        ] {
            assert!(!Node::compile(&unknown, &unknown, false).is_known(), "{unknown}");
        }
    }

    /// Something that may stand in a body.
    fn any_value() -> impl Strategy<Value = Value> {
        let texts = "[0-9]{3,5}|[a-z-]{1,4}|19[0-9]{2}(-[01][0-9](-[0-3][0-9])?)?|person|online|\
            20[0-9]{2}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,3})?Z)?|\
            [ấ@a .]{0,5}|1\\.[0-9]{5,7}|a{60,70}|ấ{490,510}|b{995,1005}";
        prop_oneof![
            6 => texts.prop_map(Value::from),
            2 => (-2..12_i64).prop_map(Value::from),
            1 => (0_u32..40).prop_map(|halves| json!(f64::from(halves) / 2.0)),
            1 => prop_oneof![Just(json!(null)), Just(json!(true)), Just(json!(u64::MAX))],
            1 => prop_oneof![Just(json!({})), Just(json!([])), Just(json!([{}]))],
        ]
    }

    /// Puts `value` at the place of that number, counted through the whole tree; none removes.
    fn edit(tree: &mut Value, place: &mut usize, value: &Option<Value>) {
        let mut here = |held: &mut Value| {
            let found = *place == 0;
            *place = place.wrapping_sub(1);
            match value {
                Some(value) if found => *held = value.clone(),
                _ if !found => edit(held, place, value),
                _ => {}
            }
            found && value.is_none()
        };
        match tree {
            Value::Object(members) => members.retain(|_, held| !here(held)),
            Value::Array(items) => items.retain_mut(|held| !here(held)),
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn the_quick_yes_is_never_wrong(
            edits in proptest::collection::vec((0..48_usize, option::of(any_value())), 0..4),
            added in option::of(("[a-z_]{1,8}|commune|returned_at|name", any_value())),
            reversed in any::<bool>(),
        ) {
            let form = dossier();
            let mut body = body();
            for (place, value) in &edits {
                edit(&mut body, &mut place.clone(), value);
            }
            let members = body.as_object_mut().unwrap();
            if let Some((name, value)) = added {
                members.insert(name, value);
            }
            if reversed {
                *members = std::mem::take(members).into_iter().rev().collect();
            }
            let part = body.clone().into();
            let Texts { public, sure: accepted, .. } = form.split.texts(&part);
            let valid = form.validator.is_valid(&body);
            prop_assert!(!accepted || valid, "{}", body);
            // No is said only of values that are rare.
            let rare = body.to_string().contains(['.']) || body.to_string().contains("null");
            prop_assert!(accepted || !valid || rare, "{}", body);
            let public = public.as_deref().unwrap_or("{}");
            members_sorted_by_schema(&form, public);
            // What is read without the text is what the text reads as.
            if valid {
                let read: Dossier = form.public(&part).unwrap();
                prop_assert_eq!(read, serde_json::from_str(public).unwrap());
            }
        }

        #[test]
        fn a_moment_is_sealed_as_its_text(
            second in -63_000_000_000_i64..253_402_207_200, nano in 0..3_i32, day in any::<bool>(),
        ) {
            let at = jiff::Timestamp::new(second, nano * 250_000_000).map(Moment::Instant).unwrap();
            let at = if day { Moment::Day(at.day()) } else { at };
            let plain = match at {
                Moment::Day(day) => day.to_string(),
                Moment::Instant(at) => at.to_string(),
            };
            prop_assert_eq!(at.to_string(), &*plain);
            let form = dossier();
            let [as_it_is, as_text] = [Part::Moment(at), Part::Text(plain.into())].map(|due_at| {
                let Part::Object(mut members) = Part::from(body()) else { panic!("no object") };
                members.put("due_at", due_at);
                let Texts { public, personal, sure } = form.split.texts(&Part::Object(members));
                (public, personal, sure)
            });
            prop_assert_eq!(as_it_is, as_text);
        }
    }

    fn members_sorted_by_schema(form: &Form, text: &str) {
        let text: Value = serde_json::from_str(text).unwrap();
        let order = |name: &String| form.members.iter().position(|member| member.path == *name);
        let places: Vec<_> = text.as_object().unwrap().keys().map(order).collect();
        assert!(places.is_sorted() && !places.contains(&None), "{text}");
    }
}
