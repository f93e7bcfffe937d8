//! One path syntax over every format.
//!
//! `MaHoSo` is a child of the record, `CongDan/HoTen` a grandchild, `@ma` an attribute, `.` the
//! record itself, `../Ngay` a sibling of the record's parent, `/Trang` starts at the document's
//! root, `HoSo[2]` the second of that name, and `./'So ho so'` quotes a name with odd characters.
//! XML names match by local name in any namespace; a prefix that the channel declares in
//! `[namespaces]`, as in `soap:Body`, asks for that namespace.

mod together;

use std::collections::BTreeMap;

pub(crate) use together::Together;

use crate::document::{Document, NameMark, NodeId, NodeKind};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Child { name: Name, namespace: Option<String>, index: Option<usize> },
    Attribute(Name),
    Parent,
}

/// A name to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    text: String,
    mark: NameMark,
    /// `*`, which any child has.
    any: bool,
}

impl Name {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), mark: NameMark::of(text), any: text == "*" }
    }

    #[inline]
    fn is_of(&self, document: &Document, id: NodeId) -> bool {
        document.is_named(id, &self.text, self.mark)
    }
}

/// A compiled path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    text: String,
    absolute: bool,
    steps: Vec<Step>,
}

/// Namespaces by the prefixes that a channel declares.
pub type Namespaces = BTreeMap<String, String>;

/// What a path finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing of that name.
    Nothing,
    /// Exactly one node.
    One(NodeId),
    /// More than one, where the path names no index.
    Several(NodeId),
}

impl Path {
    /// Reads a path; the error is a sentence.
    ///
    /// # Errors
    /// When a step is empty, a quote or bracket is not closed, or an index is not from 1.
    pub fn parse(text: &str, namespaces: &Namespaces) -> Result<Self, String> {
        let absolute = text.starts_with('/');
        let body = text.strip_prefix('/').unwrap_or(text);
        let mut steps = Vec::new();
        if body != "." && !(absolute && body.is_empty()) {
            // In a rule a quote at the very beginning is a constant's: hence ./'So ho so'.
            for raw in split_steps(body.strip_prefix("./").unwrap_or(body))? {
                steps.push(parse_step(&raw, namespaces)?);
            }
        }
        Ok(Self { text: text.to_owned(), absolute, steps })
    }

    /// The path as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The child of the record that it begins with.
    pub(crate) fn first_name(&self) -> Option<&str> {
        match self.steps.first() {
            Some(Step::Child { name, .. }) if !self.absolute && !name.any => Some(&name.text),
            _ => None,
        }
    }

    /// The attribute that it asks for, where it does.
    pub(crate) fn attribute(&self) -> Option<&str> {
        self.steps.iter().find_map(|step| match step {
            Step::Attribute(name) => Some(name.text.as_str()),
            _ => None,
        })
    }

    /// Whether a record of columns, each once, may have it: a column, or the record itself.
    pub(crate) fn is_of_row(&self) -> bool {
        let first = |index: &Option<usize>| index.is_none_or(|index| index == 1);
        !self.absolute
            && match self.steps.as_slice() {
                [] => true,
                [Step::Child { namespace: None, index, .. }] => first(index),
                _ => false,
            }
    }

    /// All nodes that the last step finds, in their order.
    pub fn find_all<'d>(
        &'d self,
        document: &'d Document,
        record: NodeId,
    ) -> impl Iterator<Item = NodeId> + 'd {
        let start = if self.absolute { document.root() } else { record };
        let (last, before) = match self.steps.split_last() {
            Some((last, before)) => (Some(last), before),
            None => (None, &self.steps[..]),
        };
        let at = walk(document, start, before).0;
        let itself = at.filter(|_| last.is_none());
        let named = at.zip(last).into_iter().flat_map(move |(at, last)| {
            document.children(at).filter(move |id| last.names(document, *id))
        });
        // An array's items have no names of their own.
        named.chain(itself).flat_map(move |id| {
            let items = document.kind(id) == NodeKind::Array;
            let own = (!items).then_some(id);
            own.into_iter().chain(document.children(id).filter(move |_| items))
        })
    }

    /// Follows the path from a record.
    pub fn find(&self, document: &Document, record: NodeId) -> Found {
        let start = if self.absolute { document.root() } else { record };
        match walk(document, start, &self.steps) {
            (None, _) => Found::Nothing,
            (Some(id), true) => Found::Several(id),
            (Some(id), false) => Found::One(id),
        }
    }
}

impl Step {
    /// Whether a child is one that this step names, whatever its index.
    #[inline]
    fn names(&self, document: &Document, id: NodeId) -> bool {
        // The name first: it is what mostly differs.
        let attribute = || document.kind(id) == NodeKind::Attribute;
        match self {
            Self::Parent => false,
            Self::Attribute(name) => name.is_of(document, id) && attribute(),
            Self::Child { name, namespace, .. } => {
                (name.any || name.is_of(document, id))
                    && !attribute()
                    && namespace.as_ref().is_none_or(|uri| document.namespace(id) == uri)
            }
        }
    }
}

/// Where the steps lead, and whether any of them had a choice.
fn walk(document: &Document, start: NodeId, steps: &[Step]) -> (Option<NodeId>, bool) {
    let (mut at, mut several) = (start, false);
    for step in steps {
        let next = match step {
            Step::Parent => document.parent(at),
            Step::Attribute(_) => document.children(at).find(|id| step.names(document, *id)),
            Step::Child { index, .. } => {
                let mut same = document.children(at).filter(|id| step.names(document, *id));
                let found = same.nth(index.unwrap_or(1) - 1);
                several |= index.is_none() && same.next().is_some();
                found
            }
        };
        match next {
            Some(id) => at = id,
            None => return (None, several),
        }
    }
    (Some(at), several)
}

fn split_steps(body: &str) -> Result<Vec<String>, String> {
    let mut steps = vec![String::new()];
    let mut quoted = false;
    for c in body.chars() {
        match c {
            '\'' => quoted = !quoted,
            '/' if !quoted => steps.push(String::new()),
            other => {
                if let Some(step) = steps.last_mut() {
                    step.push(other);
                }
            }
        }
    }
    if quoted {
        return Err(format!("the quote in path `{body}` is not closed"));
    }
    Ok(steps)
}

fn parse_step(raw: &str, namespaces: &Namespaces) -> Result<Step, String> {
    if raw.is_empty() {
        return Err("a path step is empty".to_owned());
    }
    if raw == ".." {
        return Ok(Step::Parent);
    }
    if let Some(name) = raw.strip_prefix('@') {
        return Ok(Step::Attribute(Name::new(name)));
    }
    let (name, index) = match raw.split_once('[') {
        None => (raw, None),
        Some((name, rest)) => {
            let index = rest.strip_suffix(']').and_then(|digits| digits.parse::<usize>().ok());
            let index = index.filter(|index| *index > 0 && !name.is_empty()).ok_or_else(|| {
                format!("`{raw}` does not name an element and an index from 1, such as HoSo[1]")
            })?;
            (name, Some(index))
        }
    };
    let (name, namespace) = qualified(name, namespaces);
    Ok(Step::Child { name: Name::new(name), namespace, index })
}

/// The local name, and the namespace where the prefix is a declared one. Any other colon is part
/// of the name: JSON keys and CSV columns may hold one.
pub(crate) fn qualified<'a>(name: &'a str, namespaces: &Namespaces) -> (&'a str, Option<String>) {
    let declared = name
        .split_once(':')
        .and_then(|(prefix, local)| namespaces.get(prefix).map(|uri| (local, Some(uri.clone()))));
    declared.unwrap_or((name, None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Format, Limits, XmlOptions};

    #[test]
    fn faulty_paths_are_refused_in_words() {
        for (text, word) in
            [("a//b", "empty"), ("a[0]", "index"), ("'a", "closed"), ("a[x]", "index")]
        {
            let message = Path::parse(text, &Namespaces::new()).unwrap_err();
            assert!(message.contains(word), "{text}: {message}");
        }
    }

    #[test]
    fn a_quoted_name_may_hold_a_slash() {
        let path = Path::parse("'So/Ngay'", &Namespaces::new()).unwrap();
        assert_eq!(
            path.steps,
            [Step::Child { name: Name::new("So/Ngay"), namespace: None, index: None }]
        );
    }

    #[test]
    fn a_declared_prefix_asks_for_its_namespace() {
        let format = Format::Xml(XmlOptions::default());
        let source = r#"<r xmlns:a="urn:a" xmlns:b="urn:b"><b:x>2</b:x><a:x>1</a:x></r>"#;
        let declared = Namespaces::from([("n".to_owned(), "urn:a".to_owned())]);
        let path = Path::parse("n:x", &declared).unwrap();
        let either = Path::parse("x", &declared).unwrap();
        let mut seen = 0;
        format
            .read(source, &[], &Limits::default(), &mut |item| {
                let (document, record) = item.unwrap();
                let Found::One(id) = path.find(document, record) else { panic!("not one") };
                assert_eq!(document.text(id), "1");
                assert!(matches!(either.find(document, record), Found::Several(_)));
                seen += 1;
            })
            .unwrap();
        assert_eq!(seen, 1);
    }
}
