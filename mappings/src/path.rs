//! One path syntax over every format.
//!
//! `MaHoSo` is a child of the record, `CongDan/HoTen` a grandchild, `@ma` an attribute, `.` the
//! record itself, `../Ngay` a sibling of the record's parent, `/Trang` starts at the document's
//! root, `HoSo[2]` the second of that name, and `'So ho so'` quotes a name with odd characters.

use crate::document::{Document, NodeId, NodeKind};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Child { name: String, index: Option<usize> },
    Attribute(String),
    Parent,
}

/// A compiled path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    text: String,
    absolute: bool,
    steps: Vec<Step>,
}

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
    pub fn parse(text: &str) -> Result<Self, String> {
        let absolute = text.starts_with('/');
        let body = text.strip_prefix('/').unwrap_or(text);
        let mut steps = Vec::new();
        if body != "." && !(absolute && body.is_empty()) {
            for raw in split_steps(body)? {
                steps.push(parse_step(&raw)?);
            }
        }
        Ok(Self { text: text.to_owned(), absolute, steps })
    }

    /// The path as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Follows the path from a record.
    pub fn find(&self, document: &Document, record: NodeId) -> Found {
        let mut at = if self.absolute { document.root() } else { record };
        let mut several = false;
        for step in &self.steps {
            let next = match step {
                Step::Parent => document.parent(at),
                Step::Attribute(name) => document.children(at).find(|id| {
                    document.kind(*id) == NodeKind::Attribute && document.name(*id) == name
                }),
                Step::Child { name, index } => {
                    let mut same = document.children(at).filter(|id| {
                        document.kind(*id) != NodeKind::Attribute
                            && (name == "*" || document.name(*id) == name)
                    });
                    let found = same.nth(index.unwrap_or(1) - 1);
                    several |= index.is_none() && same.next().is_some();
                    found
                }
            };
            match next {
                Some(id) => at = id,
                None => return Found::Nothing,
            }
        }
        if several { Found::Several(at) } else { Found::One(at) }
    }
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

fn parse_step(raw: &str) -> Result<Step, String> {
    if raw.is_empty() {
        return Err("a path step is empty".to_owned());
    }
    if raw == ".." {
        return Ok(Step::Parent);
    }
    if let Some(name) = raw.strip_prefix('@') {
        return Ok(Step::Attribute(name.to_owned()));
    }
    let Some((name, rest)) = raw.split_once('[') else {
        return Ok(Step::Child { name: raw.to_owned(), index: None });
    };
    let index = rest.strip_suffix(']').and_then(|digits| digits.parse::<usize>().ok());
    match index {
        Some(index) if index > 0 && !name.is_empty() => {
            Ok(Step::Child { name: name.to_owned(), index: Some(index) })
        }
        _ => Err(format!("`{raw}` does not name an element and an index from 1, such as HoSo[1]")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faulty_paths_are_refused_in_words() {
        for (text, word) in
            [("a//b", "empty"), ("a[0]", "index"), ("'a", "closed"), ("a[x]", "index")]
        {
            let message = Path::parse(text).unwrap_err();
            assert!(message.contains(word), "{text}: {message}");
        }
    }

    #[test]
    fn a_quoted_name_may_hold_a_slash() {
        let path = Path::parse("'So/Ngay'").unwrap();
        assert_eq!(path.steps, [Step::Child { name: "So/Ngay".to_owned(), index: None }]);
    }
}
