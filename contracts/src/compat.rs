//! The gate between two versions of a contract within one major (semantics §6).

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{house::ANNOTATIONS, schema::resolve};

/// What in `new` breaks readers or writers of `old`, in words that name the JSON pointer of the
/// member's schema; empty means compatible. Only adding an optional member is allowed.
pub fn compatibility(old: &Value, new: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    let sides = Sides { old, new };
    sides.compare(old, new, "", &mut broken);
    broken
}

struct Sides<'a> {
    old: &'a Value,
    new: &'a Value,
}

impl Sides<'_> {
    fn compare(&self, old: &Value, new: &Value, at: &str, broken: &mut Vec<String>) {
        if old.get("x-personal") != new.get("x-personal") {
            broken.push(format!("{at}: x-personal changed"));
        }
        let (old, new) = (resolve(self.old, old), resolve(self.new, new));
        let (Some(old_map), Some(new_map)) = (old.as_object(), new.as_object()) else {
            if old != new {
                broken.push(format!("{at}: changed from {old} to {new}"));
            }
            return;
        };
        let keywords: BTreeSet<_> = old_map.keys().chain(new_map.keys()).collect();
        for keyword in keywords {
            let (old, new) = (old_map.get(keyword), new_map.get(keyword));
            let at = format!("{at}/{keyword}");
            match keyword.as_str() {
                "x-personal" => {}
                name if ANNOTATIONS.contains(&name) => {}
                "properties" => self.compare_members(old, new, &at, broken),
                "required" => compare_required(old, new, &at, broken),
                "items" | "additionalProperties" | "propertyNames" => match (old, new) {
                    (Some(old), Some(new)) => self.compare(old, new, &at, broken),
                    _ => broken.push(format!("{at}: added or removed")),
                },
                _ if old != new => {
                    let text = |side: Option<&Value>| {
                        side.map_or_else(|| "nothing".to_owned(), Value::to_string)
                    };
                    broken.push(format!("{at}: changed from {} to {}", text(old), text(new)));
                }
                _ => {}
            }
        }
    }

    fn compare_members(
        &self,
        old: Option<&Value>,
        new: Option<&Value>,
        at: &str,
        broken: &mut Vec<String>,
    ) {
        for (name, old) in old.and_then(Value::as_object).into_iter().flatten() {
            let at = format!("{at}/{name}");
            match new.and_then(|new| new.get(name)) {
                Some(new) => self.compare(old, new, &at, broken),
                None => broken.push(format!("{at}: member removed")),
            }
        }
    }
}

fn compare_required(old: Option<&Value>, new: Option<&Value>, at: &str, broken: &mut Vec<String>) {
    let names = |side: Option<&Value>| -> BTreeSet<String> {
        let list = side.and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (old, new) = (names(old), names(new));
    for name in new.difference(&old) {
        broken.push(format!("{at}: `{name}` became required"));
    }
    for name in old.difference(&new) {
        broken.push(format!("{at}: `{name}` is no longer required"));
    }
}
