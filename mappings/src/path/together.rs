//! The plain paths of a record's rules, found together: its nodes are walked once for all.

use super::{Found, Path, Step};
use crate::document::{Document, NameMark, NodeId};

/// Paths as a tree of their steps. What they have in common is looked for once.
#[derive(Debug)]
pub(crate) struct Together(Vec<Branch>);

/// A step of some paths, behind the ones before it. The first branch is the record itself.
#[derive(Debug, Default)]
struct Branch {
    step: Option<Step>,
    /// The steps that follow: the mark of each one's name, and its branch.
    below: Vec<(NameMark, usize)>,
}

impl Default for Together {
    fn default() -> Self {
        Self(vec![Branch::default()])
    }
}

impl Together {
    /// Adds a path and gives its place among what [`Together::find`] finds. None where the path
    /// does more than to name a child or an attribute at each step.
    pub(crate) fn add(&mut self, path: &Path) -> Option<usize> {
        let marks: Option<Vec<NameMark>> = path.steps.iter().map(plain).collect();
        let marks = marks.filter(|_| !path.absolute)?;
        let mut at = 0;
        for (step, mark) in path.steps.iter().zip(marks) {
            let same = |to: usize| self.0.get(to).is_some_and(|known| known.is(step));
            let known = self.0.get(at)?.below.iter().find(|(_, to)| same(*to));
            at = match known {
                Some((_, to)) => *to,
                None => {
                    let to = self.0.len();
                    self.0.get_mut(at)?.below.push((mark, to));
                    self.0.push(Branch { step: Some(step.clone()), below: Vec::new() });
                    to
                }
            };
        }
        Some(at)
    }

    /// What each path finds from a record: the same as [`Path::find`] does.
    pub(crate) fn find(&self, document: &Document, record: NodeId) -> Vec<Found> {
        let mut found = vec![Found::Nothing; self.0.len()];
        if let Some(own) = found.first_mut() {
            *own = Found::One(record);
        }
        // A branch stands behind the one it grows from.
        for (at, branch) in self.0.iter().enumerate().filter(|(_, one)| !one.below.is_empty()) {
            let (id, several) = match found.get(at) {
                Some(Found::One(id)) => (*id, false),
                Some(Found::Several(id)) => (*id, true),
                _ => continue,
            };
            for child in document.children(id) {
                let mark = document.name_mark(child);
                for (_, to) in branch.below.iter().filter(|(wanted, _)| *wanted == mark) {
                    let step = self.0.get(*to).and_then(|branch| branch.step.as_ref());
                    let step = step.filter(|step| step.names(document, child));
                    let (Some(step), Some(held)) = (step, found.get_mut(*to)) else { continue };
                    *held = match (*held, step) {
                        (Found::Nothing, _) if several => Found::Several(child),
                        (Found::Nothing, _) => Found::One(child),
                        (Found::One(first), Step::Child { .. }) => Found::Several(first),
                        (held, _) => held,
                    };
                }
            }
        }
        found
    }
}

impl Branch {
    fn is(&self, step: &Step) -> bool {
        self.step.as_ref() == Some(step)
    }
}

/// The mark of the name that a plain step asks for.
fn plain(step: &Step) -> Option<NameMark> {
    match step {
        Step::Child { name, namespace: None, index: None } if !name.any => Some(name.mark),
        Step::Attribute(name) => Some(name.mark),
        Step::Child { .. } | Step::Parent => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        format::{Format, Limits, XmlOptions},
        path::Namespaces,
    };

    proptest! {
        #[test]
        fn paths_find_together_what_each_finds_alone(
            paths in proptest::collection::vec("(/)?[ab](/[abc])?(/@?[abx])?|@[abx]|\\.|\\.\\./a|\
                a\\[2\\]|\\*/b", 1..12),
            pieces in proptest::collection::vec("<a>|<b>|<c>|</>|<a x='1' b='2'>|<b/>|t", 0..24),
        ) {
            let mut source = String::from("<r xmlns:n='urn:n' n:a='0' a='1'>");
            let mut open = Vec::new();
            for piece in &pieces {
                match (piece.as_str(), open.pop()) {
                    ("</>", Some(name)) => source.push_str(&format!("</{name}>")),
                    ("</>", None) => {}
                    (piece, last) => {
                        open.extend(last);
                        source.push_str(piece);
                        let opens = piece.starts_with('<') && !piece.ends_with("/>");
                        open.extend(opens.then(|| piece[1..2].to_owned()));
                    }
                }
            }
            open.iter().rev().for_each(|name| source.push_str(&format!("</{name}>")));
            source.push_str("</r>");
            let paths: Vec<Path> =
                paths.iter().map(|text| Path::parse(text, &Namespaces::new()).unwrap()).collect();
            let mut together = Together::default();
            let places: Vec<_> = paths.iter().map(|path| together.add(path)).collect();
            let format = Format::Xml(XmlOptions::default());
            let mut seen = 0;
            format.read(&source, &[], &Limits::default(), &mut |item| {
                let (document, record) = item.unwrap();
                let found = together.find(document, record);
                for (path, place) in paths.iter().zip(&places) {
                    let alone = path.find(document, record);
                    assert!(place.is_none_or(|at| found[at] == alone), "{} {source}", path.text());
                    seen += usize::from(place.is_some());
                }
            }).unwrap();
            let plain = |path: &&Path| !path.text().contains(['[', '*']) && !path.absolute
                && !path.text().starts_with("..");
            prop_assert_eq!(seen, paths.iter().filter(plain).count());
        }
    }
}
