//! Members as XML: an element each, an attribute where the name begins with `@`.

use contracts::{Members, Part};
use quick_xml::escape::escape;
use serde_json::Value;

/// A document of the root element's name.
pub(super) fn written(root: &str, members: &Members<'_>) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    element(&mut out, root, members);
    out
}

/// What XML cannot hold in any spelling: control characters but for tab and line ends.
fn holds(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || !(c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}'))
}

fn text(part: &Part<'_>) -> String {
    let text = match Value::from(part) {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let text: String = text.chars().filter(|c| holds(*c)).collect();
    escape(text.as_str()).into_owned()
}

fn element(out: &mut String, name: &str, members: &Members<'_>) {
    out.push_str(&format!("<{name}"));
    let is_attribute = |name: &str| name.starts_with('@');
    for (name, part) in members.iter().filter(|(name, _)| is_attribute(name)) {
        out.push_str(&format!(" {}=\"{}\"", name.trim_start_matches('@'), text(part)));
    }
    out.push('>');
    for (name, part) in members.iter().filter(|(name, _)| !is_attribute(name)) {
        child(out, name, part);
    }
    out.push_str(&format!("</{name}>"));
}

fn child(out: &mut String, name: &str, part: &Part<'_>) {
    match part {
        Part::Object(members) => element(out, name, members),
        Part::Array(items) => items.iter().for_each(|item| child(out, name, item)),
        part => out.push_str(&format!("<{name}>{}</{name}>", text(part))),
    }
}
