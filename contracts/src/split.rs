//! Splitting a body into its public and its personal JSON text, and joining them again.
//!
//! One walk checks the body and writes both texts, members in schema order.

use std::fmt::{self, Write};

use serde_json::Value;

use crate::{
    accept::Accept,
    body::{Members, Part},
    schema::resolve,
};

/// A compiled schema node: what is surely valid, what of it is public and what is personal.
#[derive(Debug)]
pub(crate) struct Node {
    personal: bool,
    has_public: bool,
    has_personal: bool,
    accept: Option<Accept>,
    pub(crate) shape: Shape,
}

/// What stands below a node.
#[derive(Debug)]
pub(crate) enum Shape {
    Integer,
    Leaf,
    Object(Vec<Child>),
    Array(Box<Node>),
}

/// A member that a schema names.
#[derive(Debug)]
pub(crate) struct Child {
    name: String,
    quoted: String,
    required: bool,
    pub(crate) node: Node,
}

/// What a body comes to: its two texts, and whether it is surely valid.
#[derive(Debug)]
pub(crate) struct Texts {
    pub(crate) public: Option<String>,
    pub(crate) personal: Option<String>,
    pub(crate) sure: bool,
}

impl Node {
    /// Compiles a schema; `personal` is the mark of the parent, for array items.
    pub(crate) fn compile(root: &Value, schema: &Value, personal: bool) -> Self {
        let personal = schema.get("x-personal").and_then(Value::as_bool).unwrap_or(personal);
        let accept = |parted| Accept::compile(root, schema, parted);
        let own = resolve(root, schema);
        if let Some(properties) = own.get("properties").and_then(Value::as_object) {
            let accept = accept(true).filter(|accept| accept.requires_only(properties));
            let children: Vec<_> = properties
                .iter()
                .map(|(name, schema)| Child {
                    name: name.clone(),
                    quoted: format!("{}:", Value::String(name.clone())),
                    required: accept.as_ref().is_some_and(|accept| accept.requires(name)),
                    node: Self::compile(root, schema, personal),
                })
                .collect();
            return Self {
                personal,
                has_public: !personal || children.iter().any(|child| child.node.has_public),
                has_personal: personal || children.iter().any(|child| child.node.has_personal),
                accept,
                shape: Shape::Object(children),
            };
        }
        let (has_public, has_personal) = (!personal, personal);
        if let Some(items) = own.get("items") {
            let item = Self::compile(root, items, personal);
            if matches!(item.shape, Shape::Object(_)) {
                return Self {
                    personal,
                    has_public: has_public || item.has_public,
                    has_personal: has_personal || item.has_personal,
                    accept: accept(true),
                    shape: Shape::Array(Box::new(item)),
                };
            }
        }
        let integer = own.get("type").and_then(Value::as_str) == Some("integer");
        let shape = if integer { Shape::Integer } else { Shape::Leaf };
        Self { personal, has_public, has_personal, accept: accept(false), shape }
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

    /// Whether all that the schema says is known to [`Accept`].
    #[cfg(test)]
    pub(crate) fn is_known(&self) -> bool {
        let below = match &self.shape {
            Shape::Object(children) => children.iter().all(|child| child.node.is_known()),
            Shape::Array(item) => item.is_known(),
            Shape::Leaf | Shape::Integer => true,
        };
        below && self.accept.is_some()
    }

    /// The JSON text of each side, members in schema order; none where that side is empty.
    pub(crate) fn texts(&self, part: &Part<'_>) -> Texts {
        let mut pen = Pen::new();
        let [public, personal] = self.write(part, &mut pen);
        let Pen { texts: [open, secret], sure, .. } = pen;
        Texts { public: public.then_some(open), personal: personal.then_some(secret), sure }
    }

    /// Whether the public text says anything of a part: as [`Node::write`] does.
    pub(crate) fn is_public(&self, part: &Part<'_>) -> bool {
        let below = || match (&self.shape, part) {
            (Shape::Object(children), Part::Object(members)) => {
                let mut next = 0;
                members.iter().any(|(name, part)| {
                    place_of(children, next, name).is_some_and(|(at, child)| {
                        next = at + 1;
                        child.node.is_public(part)
                    })
                })
            }
            (Shape::Array(item), Part::Array(items)) => items.iter().any(|one| item.is_public(one)),
            _ => true,
        };
        self.has_public && (!self.personal || below())
    }

    fn has(&self, side: Side) -> bool {
        match side {
            Side::Public => self.has_public,
            Side::Personal => self.has_personal,
        }
    }

    /// Whether an object or array stands on a side even where nothing is in it.
    fn keeps_empty(&self, side: Side) -> bool {
        self.personal == (side == Side::Personal)
    }

    /// Writes a part on the sides it has; tells on which it left anything.
    fn write(&self, part: &Part<'_>, pen: &mut Pen) -> [bool; 2] {
        match (&self.shape, part) {
            (Shape::Object(children), Part::Object(members)) => {
                self.write_members(children, members, pen)
            }
            (Shape::Array(item), Part::Array(items)) => self.write_items(item, items, pen),
            (shape, part) => {
                pen.sure &= self.accept.as_ref().is_some_and(|accept| accept.accepts(part));
                let whole = matches!(shape, Shape::Integer);
                SIDES.map(|side| self.has(side) && put(pen.text(side), part, whole))
            }
        }
    }

    fn write_members(&self, children: &[Child], members: &Members<'_>, pen: &mut Pen) -> [bool; 2] {
        let starts = SIDES.map(|side| pen.text(side).len());
        SIDES.iter().filter(|side| self.has(**side)).for_each(|side| pen.text(*side).push('{'));
        let first = pen.places.len();
        let required = pen.place(children, members);
        for at in first..pen.places.len() {
            let found =
                pen.places.get(at).copied().and_then(|(child, member)| {
                    Some((children.get(child)?, members.part_at(member)?))
                });
            if let Some((child, part)) = found {
                child.write(part, starts, pen);
            }
        }
        let count = members.len();
        pen.places.truncate(first);
        pen.sure &= self.accept.as_ref().is_some_and(|of| of.accepts_object(count, required));
        self.close('}', starts, pen)
    }

    /// Items keep their places: an item with nothing on a side is `{}` there. The array itself is
    /// kept on the side it is marked for, and on the other if any item has something there.
    fn write_items(&self, item: &Node, items: &[Part<'_>], pen: &mut Pen) -> [bool; 2] {
        pen.sure &= self.accept.as_ref().is_some_and(|of| of.accepts_count(items.len()));
        let starts = SIDES.map(|side| pen.text(side).len());
        let mut some = SIDES.map(|side| self.keeps_empty(side));
        SIDES.iter().for_each(|side| pen.text(*side).push('['));
        for (at, part) in items.iter().enumerate() {
            if at > 0 {
                SIDES.iter().for_each(|side| pen.text(*side).push(','));
            }
            let wrote = item.write(part, pen);
            for ((side, wrote), some) in SIDES.into_iter().zip(wrote).zip(&mut some) {
                *some |= wrote;
                if !wrote {
                    pen.text(side).push_str("{}");
                }
            }
        }
        for ((side, start), some) in SIDES.into_iter().zip(starts).zip(&mut some) {
            *some &= self.has(side);
            match *some {
                true => pen.text(side).push(']'),
                false => pen.text(side).truncate(start),
            }
        }
        some
    }

    /// Ends an object begun at `starts`, or takes it back where it is empty and may be left out.
    fn close(&self, end: char, starts: [usize; 2], pen: &mut Pen) -> [bool; 2] {
        let mut some = SIDES.map(|side| self.has(side));
        for ((side, start), some) in SIDES.into_iter().zip(starts).zip(&mut some) {
            let text = pen.text(side);
            *some &= self.keeps_empty(side) || text.len() > start + 1;
            match *some {
                true => text.push(end),
                false => text.truncate(start),
            }
        }
        some
    }
}

impl Child {
    /// Writes the member, behind a comma where another stands before it in the object that begins
    /// at `starts`.
    fn write(&self, part: &Part<'_>, starts: [usize; 2], pen: &mut Pen) {
        let marks = SIDES.map(|side| pen.text(side).len());
        for ((side, start), mark) in SIDES.into_iter().zip(starts).zip(marks) {
            if self.node.has(side) {
                if mark > start + 1 {
                    pen.text(side).push(',');
                }
                pen.text(side).push_str(&self.quoted);
            }
        }
        let wrote = self.node.write(part, pen);
        for ((side, wrote), mark) in SIDES.into_iter().zip(wrote).zip(marks) {
            if !wrote {
                pen.text(side).truncate(mark);
            }
        }
    }
}

/// A member of a schema and its place. Members mostly come in the schema's order: it is looked
/// for from the one after the last, `next`, before all.
pub(crate) fn place_of<'a>(
    children: &'a [Child],
    next: usize,
    name: &str,
) -> Option<(usize, &'a Child)> {
    let ahead = children.iter().enumerate().skip(next);
    let behind = children.iter().enumerate().take(next);
    ahead.chain(behind).find(|(_, child)| child.name == name)
}

/// One of the two texts of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Public,
    Personal,
}

const SIDES: [Side; 2] = [Side::Public, Side::Personal];

/// What is written with.
struct Pen {
    texts: [String; 2],
    /// The places of the members of the objects that are open: among the schema's, and their own.
    places: Vec<(usize, usize)>,
    /// Whether all that was written is surely valid.
    sure: bool,
}

impl Pen {
    fn new() -> Self {
        const TEXT_BYTES_TYPICAL: usize = 2048;
        const MEMBERS_TYPICAL: usize = 64;
        let texts = [(); 2].map(|()| String::with_capacity(TEXT_BYTES_TYPICAL));
        Self { texts, places: Vec::with_capacity(MEMBERS_TYPICAL), sure: true }
    }

    fn text(&mut self, side: Side) -> &mut String {
        let [public, personal] = &mut self.texts;
        match side {
            Side::Public => public,
            Side::Personal => personal,
        }
    }

    /// Adds the places of an object's members, in the schema's order; gives how many are required.
    fn place(&mut self, children: &[Child], members: &Members<'_>) -> usize {
        let first = self.places.len();
        let (mut next, mut required) = (0, 0);
        let mut sorted = true;
        for (at, (name, _)) in members.iter().enumerate() {
            let Some((place, child)) = place_of(children, next, name) else {
                self.sure = false;
                continue;
            };
            sorted &= place >= next;
            next = place + 1;
            required += usize::from(child.required);
            self.places.push((place, at));
        }
        if !sorted && let Some(places) = self.places.get_mut(first..) {
            places.sort_unstable();
        }
        required
    }
}

/// Writes a part as JSON; `whole` where readers want whole numbers written as such.
fn put(out: &mut String, part: &Part<'_>, whole: bool) -> bool {
    match part {
        Part::Text(text) => put_text(out, text),
        Part::Moment(at) => {
            out.push('"');
            out.push_str(at.written().as_str());
            out.push('"');
            true
        }
        Part::Number(number) if whole && number.is_f64() => {
            // 5.0 is an integer to JSON Schema; readers of integers want 5.
            put_plain(out, &(number.as_f64().unwrap_or_default() as i64))
        }
        Part::Integer(number) => put_plain(out, number),
        Part::Boolean(flag) => put_plain(out, flag),
        part => put_plain(out, &Value::from(part)),
    }
}

/// Writes JSON that needs no quotes of ours; writing to a text cannot fail.
fn put_plain(out: &mut String, value: &dyn fmt::Display) -> bool {
    write!(out, "{value}").is_ok()
}

/// Writes a text in quotes.
fn put_text(out: &mut String, text: &str) -> bool {
    // Folded without a way out, so that the compiler makes it a vector loop.
    let escapes = |byte: u8| (byte < 0x20) | (byte == b'"') | (byte == b'\\');
    if text.bytes().fold(false, |found, byte| found | escapes(byte)) {
        return put_plain(out, &Value::from(text));
    }
    out.push('"');
    out.push_str(text);
    out.push('"');
    true
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
