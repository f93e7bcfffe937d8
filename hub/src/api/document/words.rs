//! Every operation told in both languages. What stands beside a route is its summary in English
//! and its description in Vietnamese; the other halves are beside this file, by operation.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

const WORDS: &str = include_str!("words.json");

/// What is told of one operation besides.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    /// Its summary in Vietnamese.
    summary: String,
    /// Its description in English.
    description: String,
}

/// Has operations say both: `summary` as "Vietnamese · English" in one line, `description` in two
/// paragraphs. A test holds that none is left out.
///
/// # Errors
/// Which words are of no operation.
pub(super) fn add(paths: &mut Map<String, Value>) -> Result<(), String> {
    let mut all: BTreeMap<String, Words> =
        serde_json::from_str(WORDS).map_err(|error| format!("words: {error}"))?;
    let items = paths.values_mut().filter_map(Value::as_object_mut);
    for operation in items.flat_map(Map::values_mut) {
        let text = |name: &str| operation[name].as_str().unwrap_or_default();
        let Some(words) = all.remove(text("operationId")) else { continue };
        let summary = format!("{} · {}", words.summary, text("summary"));
        let description = format!("{}\n\n{}", text("description"), words.description);
        operation["summary"] = json!(summary);
        operation["description"] = json!(description);
    }
    match all.into_keys().next() {
        Some(id) => Err(format!("{id} is no operation, and has words")),
        None => Ok(()),
    }
}
