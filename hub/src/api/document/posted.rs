//! Schemas of what is posted for somebody else: the contract of what becomes of it, without what
//! the hub knows by itself.

use serde_json::{Map, Value, json};

use crate::described::component;

/// What one post is: its name, the contract of the record that it becomes, and which of its members
/// the hub knows by itself.
const POSTS: [(&str, &str, &[&str]); 4] = [
    ("RequestPost", "request/1", &["id", "from", "agency"]),
    ("ReplyPost", "reply/1", &["request", "agency"]),
    ("ApplicationPost", "application/1", &["id"]),
    ("AcknowledgementPost", "acknowledgement/1", &["application", "agency"]),
];

/// Agencies that one request may go to.
const ASKED_MAX: usize = 100;

/// Adds them to the schemas, which hold the contracts already.
pub(super) fn add(schemas: &mut Map<String, Value>) {
    for (name, contract, known) in POSTS {
        let of = component(contract);
        let Some(Value::Object(mut schema)) = schemas.get(&of).cloned() else { continue };
        for member in ["$defs", "x-contract", "title", "description"] {
            schema.shift_remove(member);
        }
        if let Some(members) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            members.retain(|member, _| !known.contains(&member.as_str()));
        }
        // A reply that does not say what it is, is an answer.
        let told =
            |member: &str| known.contains(&member) || (name, member) == ("ReplyPost", "outcome");
        if let Some(wanted) = schema.get_mut("required").and_then(Value::as_array_mut) {
            wanted.retain(|member| !member.as_str().is_some_and(told));
        }
        if name == "RequestPost" {
            let agency = json!({ "$ref": format!("#/components/schemas/{of}/$defs/id") });
            schema["properties"]["to"] = json!({
                "description": "One agency, or several.",
                "oneOf": [agency, { "type": "array", "items": agency,
                                    "minItems": 1, "maxItems": ASKED_MAX }],
            });
            if let Some(wanted) = schema.get_mut("required").and_then(Value::as_array_mut) {
                wanted.push("to".into());
            }
        }
        schemas.insert(name.to_owned(), schema.into());
    }
}
