//! What a draft says: members in the order in which they were put, borrowed from where they were
//! found until the draft is sealed.

use std::borrow::Cow;

use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};
use serde_json::{Number, Value};

use crate::moment::Moment;

/// One part of a body: JSON, with moments as they are.
#[derive(Debug, Clone, PartialEq)]
pub enum Part<'a> {
    /// JSON `null`; no contract takes it.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Number(Number),
    /// Text.
    Text(Cow<'a, str>),
    /// A moment; its JSON is its text.
    Moment(Moment),
    /// An array.
    Array(Vec<Part<'a>>),
    /// An object.
    Object(Members<'a>),
}

/// The members of an object, each name once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Members<'a>(Vec<(Cow<'a, str>, Part<'a>)>);

impl<'a> Members<'a> {
    /// None yet, with room for some.
    #[inline]
    pub fn with_room_for(members: usize) -> Self {
        Self(Vec::with_capacity(members))
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Puts a member behind the others; none of them has that name.
    #[inline]
    pub fn push(&mut self, name: &'a str, part: Part<'a>) {
        self.0.push((Cow::Borrowed(name), part));
    }

    /// Puts a member behind the others, or in place of the one of that name.
    #[inline]
    pub fn put(&mut self, name: &'a str, part: Part<'a>) {
        match self.get_mut(name) {
            Some(held) => *held = part,
            None => self.push(name, part),
        }
    }

    /// The member of that name; where there is none, `fresh` becomes it.
    #[inline]
    pub fn get_or_put(
        &mut self,
        name: &'a str,
        fresh: impl FnOnce() -> Part<'a>,
    ) -> Option<&mut Part<'a>> {
        if self.get_mut(name).is_none() {
            self.push(name, fresh());
        }
        self.get_mut(name)
    }

    fn get_mut(&mut self, name: &str) -> Option<&mut Part<'a>> {
        // What is added to an object comes mostly right after it.
        let held = self.0.iter_mut().rev().find(|(held, _)| *held == name);
        held.map(|(_, part)| part)
    }

    /// Names and parts, in order.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Part<'a>)> {
        self.0.iter().map(|(name, part)| (&**name, part))
    }

    pub(crate) fn part_at(&self, at: usize) -> Option<&Part<'a>> {
        self.0.get(at).map(|(_, part)| part)
    }
}

impl From<Number> for Part<'_> {
    fn from(number: Number) -> Self {
        number.as_i64().map_or_else(|| Self::Number(number), Self::Integer)
    }
}

impl From<Value> for Part<'_> {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Boolean(flag),
            Value::Number(number) => number.into(),
            Value::String(text) => Self::Text(Cow::Owned(text)),
            Value::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Value::Object(members) => {
                let own = |(name, value)| (Cow::Owned(name), Self::from(value));
                Self::Object(Members(members.into_iter().map(own).collect()))
            }
        }
    }
}

impl From<&Part<'_>> for Value {
    fn from(part: &Part<'_>) -> Self {
        match part {
            Part::Null => Self::Null,
            Part::Boolean(flag) => Self::Bool(*flag),
            Part::Integer(number) => Self::from(*number),
            Part::Number(number) => Self::Number(number.clone()),
            Part::Text(text) => Self::String(text.clone().into_owned()),
            Part::Moment(at) => Self::String(at.to_string()),
            Part::Array(items) => items.iter().map(Self::from).collect(),
            Part::Object(members) => {
                members.iter().map(|(name, part)| (name.to_owned(), Self::from(part))).collect()
            }
        }
    }
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Boolean(flag) => serializer.serialize_bool(*flag),
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Moment(at) => at.serialize(serializer),
            Self::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|(name, part)| map.serialize_entry(name, part))?;
                map.end()
            }
        }
    }
}
