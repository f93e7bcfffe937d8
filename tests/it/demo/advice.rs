//! Refusals as the demo's agencies are told them.

use serde_json::Value;

use super::Line;

/// Each problem of each refusal says in both languages what is wrong and how to mend it.
pub(super) fn with_advice(traces: &Value, line: &Line) {
    let mut problems = 0;
    let mut open = vec![traces];
    while let Some(value) = open.pop() {
        if value.get("advice").is_some() {
            problems += 1;
            for part in ["detail", "advice"] {
                let text = |language: &str| value[part][language].as_str().unwrap_or_default();
                assert!(!text("vi").is_empty() && !text("en").is_empty(), "{line:?} {value}");
                assert!(!text("vi").is_ascii(), "{value}");
            }
        }
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(members) => open.extend(members.values()),
            _ => {}
        }
    }
    assert!(problems > 0, "{line:?} {traces}");
}
