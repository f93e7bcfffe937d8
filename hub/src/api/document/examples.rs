//! Examples of what is asked and answered, beside this file. A test holds each to its schema.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// The examples, by what operations are grouped by.
const TEXTS: [&str; 13] = [
    include_str!("examples/dossiers.json"),
    include_str!("examples/messages.json"),
    include_str!("examples/catalogue.json"),
    include_str!("examples/statistics.json"),
    include_str!("examples/reports.json"),
    include_str!("examples/findings.json"),
    include_str!("examples/channels.json"),
    include_str!("examples/feedback.json"),
    include_str!("examples/exchange.json"),
    include_str!("examples/feeds.json"),
    include_str!("examples/deliveries.json"),
    include_str!("examples/operations.json"),
    include_str!("examples/doors.json"),
];

/// The examples of one operation.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Examples {
    /// What is sent.
    #[serde(default)]
    request: Option<Value>,
    /// What is answered, by status.
    #[serde(default)]
    answers: BTreeMap<String, Value>,
}

/// Puts the examples into the operations that they are of.
///
/// # Errors
/// Which example is of no operation, or of nothing that it asks or answers.
pub(super) fn add(paths: &mut Map<String, Value>) -> Result<(), String> {
    let mut all = BTreeMap::new();
    for text in TEXTS {
        let some: BTreeMap<String, Examples> =
            serde_json::from_str(text).map_err(|error| format!("examples: {error}"))?;
        all.extend(some);
    }
    let items = paths.values_mut().filter_map(Value::as_object_mut);
    for operation in items.flat_map(Map::values_mut) {
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        let Some(Examples { request, answers }) = all.remove(&id) else { continue };
        if let Some(request) = request {
            put(&mut operation["requestBody"], request).ok_or(format!("{id}: no body is sent"))?;
        }
        for (status, answer) in answers {
            put(&mut operation["responses"][&status], answer)
                .ok_or(format!("{id}: {status} has no body"))?;
        }
    }
    match all.into_keys().next() {
        Some(id) => Err(format!("{id}: there is no such operation")),
        None => Ok(()),
    }
}

/// Puts an example beside the first media type that is JSON; the same bytes are of any other.
fn put(described: &mut Value, example: Value) -> Option<()> {
    let content = described.get_mut("content")?.as_object_mut()?;
    let (_, content) = content.iter_mut().find(|(media_type, _)| media_type.contains("json"))?;
    content.as_object_mut()?.insert("example".to_owned(), example);
    Some(())
}
