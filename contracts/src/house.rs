//! The house rules that every schema of a contract follows.

use serde_json::Value;

use crate::schema::resolve;

/// Keywords that say nothing about which records are valid.
pub(crate) const ANNOTATIONS: [&str; 8] =
    ["$schema", "$id", "$defs", "$ref", "$comment", "title", "description", "examples"];

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

pub(crate) fn is_map(schema: &Value) -> bool {
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
