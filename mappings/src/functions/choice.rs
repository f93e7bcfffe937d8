//! Functions that choose: code tables, defaults and placeholders.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use contracts::problem;

use super::{Apply, Bound, Fault, Function, Given, Kind, Scene, Value, exactly};

pub(super) const TABLE: Function = Function {
    name: "table",
    usage: "table NAME [OTHERWISE]",
    takes: &[Kind::Text, Kind::Integer, Kind::Boolean],
    summary: "The canonical value of a code table; an unlisted value is refused, or OTHERWISE.",
    examples: &[
        ("table status", "5", "10"),
        ("table status", "77", "!unknown-code"),
        ("table status 4", "77", "4"),
    ],
    bind: |arguments, tables| {
        let (name, otherwise) = match arguments {
            [name] => (name, None),
            [name, otherwise] => (name, Some(otherwise.text.clone())),
            _ => return Err("it is used as `table NAME [OTHERWISE]`".to_owned().into()),
        };
        let Some(table) = tables.get(&name.text).cloned() else {
            let known: Vec<_> = tables.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let message = format!("there is no table `{}`; the channel has: {known}", name.text);
            return Err(message.into());
        };
        let whole = |text: &String| text.parse::<i64>().is_ok_and(|n| n.to_string() == *text);
        let numeric = table.values().chain(otherwise.iter()).all(whole);
        let gives = if numeric { Kind::Integer } else { Kind::Text };
        let values = table.values().chain(otherwise.iter()).cloned().collect();
        let canonical = move |text: String| match text.parse() {
            Ok(number) if numeric => Value::Integer(number),
            _ => Value::from(text),
        };
        let row = |text| Row { gives: canonical(text), used: AtomicU64::new(0) };
        let otherwise = otherwise.map(row);
        let rows = table.into_iter().map(|(native, text)| (native, row(text))).collect();
        let codes = Arc::new(Codes { name: name.text.clone(), rows, otherwise });
        let apply = Box::new(codes.clone());
        Ok(Bound { apply, gives, values: Some(values), codes: Some(codes) })
    },
};

/// A code table as one rule uses it, with the value of codes that it does not list.
pub struct Codes {
    name: String,
    rows: BTreeMap<String, Row>,
    otherwise: Option<Row>,
}

/// What a code gives, and how often it was looked up since the mapping was compiled.
struct Row {
    gives: Value<'static>,
    used: AtomicU64,
}

impl Codes {
    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the table lists a code.
    pub fn lists(&self, native: &str) -> bool {
        self.rows.contains_key(native)
    }

    /// What each code gives, and what those give that are not listed, for whoever compares.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&str, &Value<'static>)> {
        let listed = self.rows.iter().map(|(native, row)| (native.as_str(), &row.gives));
        listed.chain(self.otherwise.iter().map(|row| ("", &row.gives)))
    }

    /// How often each row was looked up; the last one, without a code, is that of codes that are
    /// not listed, where the rule says what they mean.
    pub fn used(&self) -> impl Iterator<Item = (Option<&str>, u64)> {
        let listed = self.rows.iter().map(|(native, row)| (Some(native.as_str()), row));
        let all = listed.chain(self.otherwise.iter().map(|row| (None, row)));
        all.map(|(native, row)| (native, row.used.load(Ordering::Relaxed)))
    }
}

impl Apply for Arc<Codes> {
    fn apply<'a>(&'a self, value: Value<'a>, _: &Scene<'a>) -> Given<'a> {
        let found = self.rows.get(&*value.into_text()).or(self.otherwise.as_ref());
        let Some(row) = found else { return Err(Fault(&problem::UNKNOWN_CODE)) };
        row.used.fetch_add(1, Ordering::Relaxed);
        Ok(Some(match &row.gives {
            Value::Text(text) => Value::Text(Cow::Borrowed(text)),
            other => other.clone(),
        }))
    }
}

pub(super) const DEFAULT: Function = Function {
    name: "default",
    usage: "default VALUE",
    takes: &[Kind::Text],
    summary: "VALUE where the source has none.",
    examples: &[("default counter", "online", "online"), ("default counter", "", "counter")],
    bind: |arguments, _| {
        exactly(arguments, 1, "default VALUE")?;
        let otherwise = arguments.first().map_or_else(String::new, |word| word.text.clone());
        Ok(Bound::new(Kind::Text, move |value, _| {
            let text = value.into_text();
            Ok(Some(Value::Text(if text.is_empty() { otherwise.clone().into() } else { text })))
        }))
    },
};

pub(super) const ABSENT: Function = Function {
    name: "absent",
    usage: "absent VALUE…",
    takes: &[Kind::Text],
    summary: "Treats the placeholders named as no value.",
    examples: &[("absent 000000001", "000000001", "-"), ("absent 000000001", "27", "27")],
    bind: |arguments, _| {
        if arguments.is_empty() {
            return Err("it is used as `absent VALUE…`".to_owned().into());
        }
        let words: Vec<String> = arguments.iter().map(|word| word.text.clone()).collect();
        Ok(Bound::new(Kind::Text, move |value, _| {
            let text = value.into_text();
            Ok((!words.iter().any(|word| *word == text)).then_some(Value::Text(text)))
        }))
    },
};
