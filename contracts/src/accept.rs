//! A quick yes: whether a value surely satisfies a schema.
//!
//! Knows the few keywords that the contracts use and walks a body once, in its own order. It never
//! says no: what is not surely valid is for `jsonschema`, which also says why.

use regex::Regex;
use serde_json::{Map, Number, Value};

use crate::{
    form::{FORMATS, Format},
    house::ANNOTATIONS,
    split::place_of,
};

/// A compiled schema node; everything in it must hold.
#[derive(Debug, Default)]
pub(crate) struct Accept {
    types: Vec<String>,
    allowed: Option<Vec<Value>>,
    text: Text,
    range: (Option<i64>, Option<i64>),
    items: Option<Box<Accept>>,
    count: (usize, Option<usize>),
    members: Vec<Member>,
    /// Of members that `members` does not name.
    others: Option<Box<Accept>>,
    names: Text,
    members_max: Option<usize>,
    required: usize,
}

#[derive(Debug)]
struct Member {
    name: String,
    required: bool,
    value: Accept,
}

/// What a text must be.
#[derive(Debug, Default)]
struct Text {
    length_min: usize,
    length_max: Option<usize>,
    pattern: Option<Regex>,
    format: Option<Format>,
}

impl Accept {
    /// Reads a schema; none where it says anything that is not known here.
    pub(crate) fn compile(root: &Value, schema: &Value) -> Option<Self> {
        let mut node = Self::default();
        if schema.get("$ref").is_some() {
            let annotated = |(name, _): (&String, &Value)| is_annotation(name);
            let schema = schema.as_object().filter(|schema| schema.iter().all(annotated))?;
            let target = root.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)?;
            return Self::compile(root, target);
        }
        let mut required = Vec::new();
        for (keyword, value) in schema.as_object()? {
            let size = || value.as_u64().and_then(|size| usize::try_from(size).ok());
            match keyword.as_str() {
                "type" => node.types = words(value)?,
                "enum" => node.allowed = Some(value.as_array()?.clone()),
                "minimum" => node.range.0 = Some(value.as_i64()?),
                "maximum" => node.range.1 = Some(value.as_i64()?),
                "items" => node.items = Some(Box::new(Self::compile(root, value)?)),
                "minItems" => node.count.0 = size()?,
                "maxItems" => node.count.1 = Some(size()?),
                "maxProperties" => node.members_max = Some(size()?),
                "required" => required = words(value)?,
                "additionalProperties" if *value == Value::Bool(false) => {}
                "additionalProperties" => {
                    node.others = Some(Box::new(Self::compile(root, value)?));
                }
                "propertyNames" => {
                    value.as_object()?.iter().try_for_each(|(k, v)| node.names.read(k, v))?;
                }
                "properties" => {
                    for (name, schema) in value.as_object()? {
                        let value = Self::compile(root, schema)?;
                        node.members.push(Member { name: name.clone(), required: false, value });
                    }
                }
                // What stands below it may be named from elsewhere.
                "$id" if !std::ptr::eq(root, schema) => return None,
                known if is_annotation(known) => {}
                _ => node.text.read(keyword, value)?,
            }
        }
        // Objects are closed, or maps: the house rules say so.
        let object = node.types.iter().any(|name| name == "object");
        if object && schema.get("additionalProperties").is_none() || node.types.is_empty() {
            return None;
        }
        for name in &required {
            node.members.iter_mut().find(|member| member.name == *name)?.required = true;
        }
        node.required = required.len();
        Some(node)
    }

    /// Whether the value is surely valid.
    pub(crate) fn accepts(&self, value: &Value) -> bool {
        let kind = match value {
            Value::Object(members) => return self.is("object") && self.accepts_members(members),
            Value::Array(items) => return self.is("array") && self.accepts_items(items),
            Value::String(text) => self.is("string") && self.text.accepts(text),
            Value::Number(number) => self.accepts_number(number),
            Value::Bool(_) => self.is("boolean"),
            Value::Null => false,
        };
        kind && self.allowed.as_ref().is_none_or(|allowed| allowed.contains(value))
    }

    fn is(&self, kind: &str) -> bool {
        self.types.iter().any(|name| name == kind)
    }

    fn accepts_number(&self, number: &Number) -> bool {
        // Fractions, and whole numbers written as such, are rare.
        let Some(number) = number.as_i64() else { return false };
        let (least, most) = self.range;
        (self.is("integer") || self.is("number"))
            && least.is_none_or(|least| least <= number)
            && most.is_none_or(|most| number <= most)
    }

    fn accepts_items(&self, items: &[Value]) -> bool {
        let (least, most) = self.count;
        self.allowed.is_none()
            && least <= items.len()
            && most.is_none_or(|most| items.len() <= most)
            && self.items.as_ref().is_none_or(|item| items.iter().all(|one| item.accepts(one)))
    }

    fn accepts_members(&self, members: &Map<String, Value>) -> bool {
        let (mut next, mut required) = (0, 0);
        let good = members.iter().all(|(name, value)| {
            let at = place_of(&self.members, next, |member| member.name == *name);
            match at.and_then(|at| Some((at, self.members.get(at)?))) {
                Some((at, member)) => {
                    next = at + 1;
                    required += usize::from(member.required);
                    member.value.accepts(value)
                }
                None => {
                    let others = self.others.as_ref();
                    others.is_some_and(|of| of.accepts(value) && self.names.accepts(name))
                }
            }
        });
        good && required == self.required
            && self.allowed.is_none()
            && self.members_max.is_none_or(|most| members.len() <= most)
            // Names of named members are texts too.
            && (self.members.is_empty() || self.names.is_free())
    }
}

impl Text {
    fn read(&mut self, keyword: &str, value: &Value) -> Option<()> {
        let size = || value.as_u64().and_then(|size| usize::try_from(size).ok());
        match keyword {
            "minLength" => self.length_min = size()?,
            "maxLength" => self.length_max = Some(size()?),
            "pattern" => {
                let pattern = value.as_str().filter(|pattern| is_simple(pattern))?;
                self.pattern = Some(Regex::new(pattern).ok()?);
            }
            "format" => {
                let name = value.as_str()?;
                self.format = Some(FORMATS.iter().find(|(known, _)| *known == name)?.1);
            }
            known if is_annotation(known) && known != "$ref" => {}
            _ => return None,
        }
        Some(())
    }

    fn is_free(&self) -> bool {
        let Self { length_min, length_max, pattern, format } = self;
        *length_min == 0 && length_max.is_none() && pattern.is_none() && format.is_none()
    }

    fn accepts(&self, text: &str) -> bool {
        // A text has at most as many letters as bytes.
        let long = || text.chars().count();
        (self.length_min <= usize::from(!text.is_empty()) || self.length_min <= long())
            && self.length_max.is_none_or(|most| text.len() <= most || long() <= most)
            && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
            && self.format.is_none_or(|format| format(text))
    }
}

/// Whether a keyword says nothing about which values are valid.
fn is_annotation(keyword: &str) -> bool {
    keyword == "x-personal" || ANNOTATIONS.contains(&keyword)
}

/// Whether a pattern means the same to every engine: letters, digits and marks that stand for
/// themselves, classes, counts and groups.
fn is_simple(pattern: &str) -> bool {
    let mut class = false;
    let mut before = ' ';
    pattern.chars().all(|c| {
        let twice = c == before && !c.is_ascii_alphanumeric();
        before = c;
        match c {
            '[' if !class => class = true,
            ']' if class => class = false,
            '.' => return class && !twice,
            '[' | ']' => return false,
            _ => {}
        }
        !twice && (c.is_ascii_alphanumeric() || "^$[](){}|?*+,:_@ -".contains(c))
    }) && !pattern.contains("(?")
}

/// A text, or a list of texts.
fn words(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(word) => Some(vec![word.clone()]),
        Value::Array(words) => words.iter().map(|word| word.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}
