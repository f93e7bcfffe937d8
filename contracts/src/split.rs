//! Splitting a record into its public and its personal JSON text, and joining them again.

use std::fmt::{self, Write};

use serde_json::{Map, Value};

use crate::schema::resolve;

/// A compiled schema node: what of it is public and what is personal.
#[derive(Debug)]
pub(crate) struct Node {
    personal: bool,
    has_public: bool,
    has_personal: bool,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Integer,
    Leaf,
    Object(Vec<Child>),
    Array(Box<Node>),
}

#[derive(Debug)]
struct Child {
    name: String,
    quoted: String,
    node: Node,
}

impl Node {
    /// Compiles a schema; `personal` is the mark of the parent, for array items.
    pub(crate) fn compile(root: &Value, schema: &Value, personal: bool) -> Self {
        let personal = schema.get("x-personal").and_then(Value::as_bool).unwrap_or(personal);
        let schema = resolve(root, schema);
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            let children: Vec<_> = properties
                .iter()
                .map(|(name, schema)| Child {
                    name: name.clone(),
                    quoted: format!("{}:", Value::String(name.clone())),
                    node: Self::compile(root, schema, personal),
                })
                .collect();
            return Self {
                personal,
                has_public: !personal || children.iter().any(|child| child.node.has_public),
                has_personal: personal || children.iter().any(|child| child.node.has_personal),
                shape: Shape::Object(children),
            };
        }
        let (has_public, has_personal) = (!personal, personal);
        if let Some(items) = schema.get("items") {
            let item = Self::compile(root, items, personal);
            if matches!(item.shape, Shape::Object(_)) {
                let public = has_public || item.has_public;
                let secret = has_personal || item.has_personal;
                let shape = Shape::Array(Box::new(item));
                return Self { personal, has_public: public, has_personal: secret, shape };
            }
        }
        let integer = schema.get("type").and_then(Value::as_str) == Some("integer");
        let shape = if integer { Shape::Integer } else { Shape::Leaf };
        Self { personal, has_public, has_personal, shape }
    }

    /// Whether the value at a JSON pointer, or anything below it, is personal. What the schema
    /// does not know counts as personal.
    pub(crate) fn is_personal_at(&self, pointer: &str) -> bool {
        let mut node = self;
        for segment in pointer.split('/').skip(1) {
            node = match &node.shape {
                Shape::Object(children) => {
                    match children.iter().find(|child| child.name == segment) {
                        Some(child) => &child.node,
                        None => return true,
                    }
                }
                Shape::Array(item) => item,
                Shape::Leaf | Shape::Integer => return node.personal,
            };
        }
        node.has_personal || node.personal
    }

    /// The JSON text of one side, members in schema order; none if that side is empty.
    pub(crate) fn text(&self, value: &Value, personal: bool) -> Option<String> {
        const TEXT_BYTES_TYPICAL: usize = 2048;
        let mut out = String::with_capacity(TEXT_BYTES_TYPICAL);
        self.write(value, personal, &mut out).then_some(out)
    }

    fn has(&self, personal: bool) -> bool {
        if personal { self.has_personal } else { self.has_public }
    }

    fn write(&self, value: &Value, personal: bool, out: &mut String) -> bool {
        if !self.has(personal) {
            return false;
        }
        match (&self.shape, value) {
            (Shape::Object(children), Value::Object(map)) => {
                let start = out.len();
                out.push('{');
                for (child, value) in in_order(children, map) {
                    child.write(value, personal, start + 1, out);
                }
                close(out, start, '}', self.personal == personal)
            }
            (Shape::Array(item), Value::Array(values)) => {
                write_items(item, values, (self.personal, personal), out)
            }
            (Shape::Integer, Value::Number(number)) if number.is_f64() => {
                // 5.0 is an integer to JSON Schema; readers of integers want 5.
                let whole = number.as_f64().unwrap_or_default() as i64;
                put(out, &whole)
            }
            (_, Value::String(text)) => put_text(out, text),
            _ => put(out, value),
        }
    }
}

impl Child {
    /// Writes the member, behind a comma where another stands before it since `first`.
    fn write(&self, value: &Value, personal: bool, first: usize, out: &mut String) {
        if !self.node.has(personal) {
            return;
        }
        let at = out.len();
        if at > first {
            out.push(',');
        }
        out.push_str(&self.quoted);
        if !self.node.write(value, personal, out) {
            out.truncate(at);
        }
    }
}

/// The place of a member among those of a schema. Members mostly come in the schema's order, so
/// it is looked for from the one after the last, `next`, before all.
pub(crate) fn place_of<T>(all: &[T], next: usize, is: impl Fn(&T) -> bool) -> Option<usize> {
    let ahead = all.get(next..).unwrap_or_default().iter().position(&is);
    ahead.map(|at| next + at).or_else(|| all.iter().take(next).position(is))
}

/// The members of an object that a schema names, in the schema's order.
fn in_order<'a>(children: &'a [Child], map: &'a Map<String, Value>) -> Vec<(&'a Child, &'a Value)> {
    let mut next = 0;
    let place = |(name, value): (&String, &'a Value)| {
        let at = place_of(children, next, |child| child.name == *name)?;
        next = at + 1;
        Some((at, value))
    };
    let mut places: Vec<(usize, &Value)> = map.iter().filter_map(place).collect();
    places.sort_by_key(|(at, _)| *at);
    let pair = |(at, value)| Some((children.get(at)?, value));
    places.into_iter().filter_map(pair).collect()
}

/// Writes JSON that needs no quotes of ours; writing to a text cannot fail.
fn put(out: &mut String, value: &dyn fmt::Display) -> bool {
    write!(out, "{value}").is_ok()
}

/// Writes a text in quotes.
fn put_text(out: &mut String, text: &str) -> bool {
    // Folded without a way out, so that the compiler makes it a vector loop.
    let escapes = |byte: u8| (byte < 0x20) | (byte == b'"') | (byte == b'\\');
    if text.bytes().fold(false, |found, byte| found | escapes(byte)) {
        return put(out, &Value::from(text));
    }
    out.push('"');
    out.push_str(text);
    out.push('"');
    true
}

/// Ends an object or array begun at `start`, or takes it back if it is empty and may be left out.
fn close(out: &mut String, start: usize, end: char, keep_empty: bool) -> bool {
    let some = keep_empty || out.len() > start + 1;
    if some {
        out.push(end);
    } else {
        out.truncate(start);
    }
    some
}

/// Items keep their places: an item with nothing on this side is `{}`. The array itself is kept
/// on the side it is marked for (`own`), and on the other if any item has something there.
fn write_items(
    item: &Node,
    values: &[Value],
    (own, personal): (bool, bool),
    out: &mut String,
) -> bool {
    let start = out.len();
    let mut some = own == personal;
    out.push('[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        if item.write(value, personal, out) {
            some = true;
        } else {
            out.push_str("{}");
        }
    }
    if some {
        out.push(']');
    } else {
        out.truncate(start);
    }
    some
}

/// Joins the public and the personal side of one record: objects member by member, arrays item
/// by item; where both hold a plain value the personal one stands.
pub fn join(public: Value, personal: Value) -> Value {
    match (public, personal) {
        (Value::Object(mut all), Value::Object(more)) => {
            for (name, value) in more {
                let joined = match all.get_mut(&name) {
                    Some(held) => join(held.take(), value),
                    None => value,
                };
                all.insert(name, joined);
            }
            Value::Object(all)
        }
        (Value::Array(mut all), Value::Array(more)) => {
            for (index, value) in more.into_iter().enumerate() {
                match all.get_mut(index) {
                    Some(held) => *held = join(held.take(), value),
                    None => all.push(value),
                }
            }
            Value::Array(all)
        }
        (_, personal) => personal,
    }
}
