//! A quick yes: whether a part surely satisfies a schema.
//!
//! Knows the few keywords that the contracts use. It never says no: what is not surely valid is
//! for `jsonschema`, which also says why. Members that a schema names, and items that have such
//! members, are looked at by [`crate::split::Node`] in the same walk that writes them.

use regex::Regex;
use serde_json::{Map, Number, Value};

use crate::{
    body::{Members, Part},
    form::{FORMATS, Format},
    house::ANNOTATIONS,
    moment::Moment,
};

/// Types that a schema may name.
const TYPES: [&str; 7] = ["string", "integer", "number", "boolean", "object", "array", "null"];
const STRING: u8 = 1;
const NUMERIC: u8 = 1 << 1 | 1 << 2;
const BOOLEAN: u8 = 1 << 3;
const OBJECT: u8 = 1 << 4;
const ARRAY: u8 = 1 << 5;

/// What a schema asks of one value; everything in it must hold.
#[derive(Debug, Default)]
pub(crate) struct Accept {
    /// One bit for each of [`TYPES`].
    types: u8,
    allowed: Option<Vec<Value>>,
    text: Text,
    range: (Option<i64>, Option<i64>),
    items: Option<Box<Accept>>,
    count: (usize, Option<usize>),
    /// Of the members of a map.
    others: Option<Box<Accept>>,
    names: Text,
    members_max: Option<usize>,
    required: Vec<String>,
}

/// What a text must be.
#[derive(Debug, Default)]
struct Text {
    length_min: usize,
    length_max: Option<usize>,
    pattern: Option<Regex>,
    format: Option<&'static (&'static str, Format)>,
    /// Whether the text of every usual moment is such.
    moments: bool,
}

impl Accept {
    /// Reads a schema; none where it says anything that is not known here. Where `parted`, named
    /// members and items are for the caller.
    pub(crate) fn compile(root: &Value, schema: &Value, parted: bool) -> Option<Self> {
        let mut node = Self::default();
        if schema.get("$ref").is_some() {
            let annotated = |(name, _): (&String, &Value)| is_annotation(name);
            let schema = schema.as_object().filter(|schema| schema.iter().all(annotated))?;
            let target = root.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)?;
            return Self::compile(root, target, parted);
        }
        for (keyword, value) in schema.as_object()? {
            let size = || value.as_u64().and_then(|size| usize::try_from(size).ok());
            match keyword.as_str() {
                "type" => {
                    for word in words(value)? {
                        node.types |= 1 << TYPES.iter().position(|known| *known == word)?;
                    }
                }
                "enum" => node.allowed = Some(value.as_array()?.clone()),
                "minimum" => node.range.0 = Some(value.as_i64()?),
                "maximum" => node.range.1 = Some(value.as_i64()?),
                "properties" | "items" if parted => {}
                "items" => node.items = Some(Box::new(Self::compile(root, value, false)?)),
                "minItems" => node.count.0 = size()?,
                "maxItems" => node.count.1 = Some(size()?),
                "maxProperties" => node.members_max = Some(size()?),
                "required" => node.required = words(value)?,
                "additionalProperties" if *value == Value::Bool(false) => {}
                "additionalProperties" => {
                    node.others = Some(Box::new(Self::compile(root, value, false)?));
                }
                "propertyNames" => {
                    value.as_object()?.iter().try_for_each(|(k, v)| node.names.read(k, v))?;
                }
                // What stands below it may be named from elsewhere.
                "$id" if !std::ptr::eq(root, schema) => return None,
                known if is_annotation(known) => {}
                _ => node.text.read(keyword, value)?,
            }
        }
        // Objects are closed, or maps: the house rules say so.
        let object = node.is(OBJECT);
        if object && schema.get("additionalProperties").is_none() || node.types == 0 {
            return None;
        }
        node.text.moments = node.text.fits_moments();
        Some(node)
    }

    /// Whether a member of that name is required.
    pub(crate) fn requires(&self, name: &str) -> bool {
        self.required.iter().any(|required| required == name)
    }

    /// Whether all required members are among these.
    pub(crate) fn requires_only(&self, members: &Map<String, Value>) -> bool {
        self.required.iter().all(|name| members.contains_key(name))
    }

    /// Whether the part is surely valid.
    pub(crate) fn accepts(&self, part: &Part<'_>) -> bool {
        match part {
            Part::Text(text) => self.is(STRING) && self.allows(part) && self.text.accepts(text),
            Part::Moment(at) => {
                self.is(STRING) && self.allowed.is_none() && self.text.accepts_moment(*at)
            }
            Part::Integer(number) => self.allows(part) && self.accepts_number(*number),
            Part::Boolean(_) => self.is(BOOLEAN) && self.allows(part),
            Part::Array(items) => {
                self.accepts_count(items.len())
                    && self.items.as_ref().is_none_or(|of| items.iter().all(|one| of.accepts(one)))
            }
            Part::Object(members) => self.accepts_map(members),
            // Fractions, and whole numbers written as such, are rare.
            Part::Null | Part::Number(_) => false,
        }
    }

    /// Whether an object of so many members is, which the schema names all, and so many of which
    /// are required.
    pub(crate) fn accepts_object(&self, members: usize, required: usize) -> bool {
        self.is(OBJECT)
            && self.allowed.is_none()
            && required == self.required.len()
            && self.members_max.is_none_or(|most| members <= most)
            // Names of named members are texts too.
            && self.names.is_free()
    }

    /// Whether an array of so many items is, each of which is valid.
    pub(crate) fn accepts_count(&self, items: usize) -> bool {
        let (least, most) = self.count;
        self.is(ARRAY)
            && self.allowed.is_none()
            && least <= items
            && most.is_none_or(|most| items <= most)
    }

    fn is(&self, kinds: u8) -> bool {
        self.types & kinds != 0
    }

    fn allows(&self, part: &Part<'_>) -> bool {
        self.allowed.as_ref().is_none_or(|allowed| {
            allowed.iter().any(|allowed| match (allowed, part) {
                (Value::String(allowed), Part::Text(text)) => allowed == text,
                (Value::Number(allowed), Part::Integer(number)) => {
                    *allowed == Number::from(*number)
                }
                (Value::Bool(allowed), Part::Boolean(flag)) => allowed == flag,
                _ => false,
            })
        })
    }

    fn accepts_number(&self, number: i64) -> bool {
        let (least, most) = self.range;
        self.is(NUMERIC)
            && least.is_none_or(|least| least <= number)
            && most.is_none_or(|most| number <= most)
    }

    fn accepts_map(&self, members: &Members<'_>) -> bool {
        let accepts = |others: &Self| {
            members.iter().all(|(name, part)| others.accepts(part) && self.names.accepts(name))
        };
        self.is(OBJECT)
            && self.allowed.is_none()
            && self.required.is_empty()
            && self.members_max.is_none_or(|most| members.len() <= most)
            && (members.is_empty() || self.others.as_ref().is_some_and(|of| accepts(of)))
    }
}

/// How contracts write that a text is a moment, but for whether the calendar has it.
const MOMENT_PATTERN: &str =
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?Z)?$";
/// Letters of the shortest and the longest usual moment.
const MOMENT_LETTERS: (usize, usize) = (10, 30);

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
                self.format = Some(FORMATS.iter().find(|(known, _)| *known == name)?);
            }
            known if is_annotation(known) && known != "$ref" => {}
            _ => return None,
        }
        Some(())
    }

    fn is_free(&self) -> bool {
        let Self { length_min, length_max, pattern, format, moments: _ } = self;
        *length_min == 0 && length_max.is_none() && pattern.is_none() && format.is_none()
    }

    fn accepts(&self, text: &str) -> bool {
        // A text has at most as many letters as bytes.
        let long = || text.chars().count();
        (self.length_min <= usize::from(!text.is_empty()) || self.length_min <= long())
            && self.length_max.is_none_or(|most| text.len() <= most || long() <= most)
            && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
            && self.format.is_none_or(|(_, format)| format(text))
    }

    /// Whether any moment of a year with four digits is, written as text. Other patterns may well
    /// take moments; they have to look at the text.
    fn fits_moments(&self) -> bool {
        let (least, most) = MOMENT_LETTERS;
        self.length_min <= least
            && self.length_max.is_none_or(|longest| most <= longest)
            && self.pattern.as_ref().is_none_or(|pattern| pattern.as_str() == MOMENT_PATTERN)
            && self.format.is_none_or(|(name, _)| *name == "moment")
    }

    fn accepts_moment(&self, at: Moment) -> bool {
        self.moments && at.is_usual() || self.accepts(&at.to_string())
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
        let twice = c == before && !c.is_ascii_alphanumeric() && c != '/';
        before = c;
        match c {
            '[' if !class => class = true,
            ']' if class => class = false,
            '.' => return class && !twice,
            '[' | ']' => return false,
            _ => {}
        }
        !twice && (c.is_ascii_alphanumeric() || "^$[](){}|?*+,:/_@ -".contains(c))
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
