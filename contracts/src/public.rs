//! The public side of a draft as serde reads it: what its public text says, without the text.

use serde::{
    Deserializer,
    de::{
        DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor, value::StrDeserializer,
    },
    forward_to_deserialize_any,
};
use serde_json::Error;

use crate::{
    body::Part,
    split::{Child, Node, Shape, place_of},
};

/// A part on the public side of a node; without a node it is public whole.
#[derive(Clone, Copy)]
pub(crate) struct Public<'a> {
    node: Option<&'a Node>,
    part: &'a Part<'a>,
}

impl<'a> Public<'a> {
    pub(crate) fn new(node: &'a Node, part: &'a Part<'a>) -> Self {
        Self { node: Some(node), part }
    }
}

impl<'de> Deserializer<'de> for Public<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let shape = self.node.map(|node| &node.shape);
        match self.part {
            Part::Null => visitor.visit_unit(),
            Part::Boolean(flag) => visitor.visit_bool(*flag),
            Part::Integer(number) => visitor.visit_i64(*number),
            Part::Number(number) => match (shape, number.as_f64()) {
                (Some(Shape::Integer), Some(whole)) if number.is_f64() => {
                    visitor.visit_i64(whole as i64)
                }
                _ => number.deserialize_any(visitor),
            },
            Part::Text(text) => visitor.visit_borrowed_str(text),
            Part::Moment(at) => visitor.visit_str(at.written().as_str()),
            Part::Array(parts) => {
                let node = match shape {
                    Some(Shape::Array(item)) => Some(&**item),
                    _ => None,
                };
                let parts = parts.iter();
                visitor.visit_seq(Items { node, parts })
            }
            Part::Object(members) => {
                let children = match shape {
                    Some(Shape::Object(children)) => Some(&**children),
                    _ => None,
                };
                let members = members.iter();
                visitor.visit_map(Held { children, members, next: 0, value: None })
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.part {
            Part::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let text = match self.part {
            Part::Text(text) => &**text,
            _ => "",
        };
        let text: StrDeserializer<'_, Error> = text.into_deserializer();
        text.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The items of an array; each is there, if only as `{}`.
struct Items<'a> {
    node: Option<&'a Node>,
    parts: std::slice::Iter<'a, Part<'a>>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let node = self.node;
        self.parts.next().map(|part| seed.deserialize(Public { node, part })).transpose()
    }
}

/// The members of an object that have something on the public side.
struct Held<'a, I> {
    children: Option<&'a [Child]>,
    members: I,
    next: usize,
    value: Option<Public<'a>>,
}

impl<'de, I: Iterator<Item = (&'de str, &'de Part<'de>)>> MapAccess<'de> for Held<'de, I> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        for (name, part) in self.members.by_ref() {
            let node = match self.children {
                None => None,
                Some(children) => {
                    let Some((at, child)) = place_of(children, self.next, name) else { continue };
                    self.next = at + 1;
                    if !child.node.is_public(part) {
                        continue;
                    }
                    Some(&child.node)
                }
            };
            self.value = Some(Public { node, part });
            let name: StrDeserializer<'_, Error> = name.into_deserializer();
            return seed.deserialize(name).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let none = || serde::de::Error::custom("a value without its name");
        seed.deserialize(self.value.take().ok_or_else(none)?)
    }
}
