//! Compiling a list: `[record.map."documents[]"]` with `each` and a rule for every member.

use std::{collections::BTreeSet, ops::Range};

use contracts::schema::Member;
use toml::de::DeTable;

use super::Compiler;
use crate::{
    format::Shape,
    mapping::{List, Rule},
    path::Path,
};

impl Compiler<'_> {
    pub(super) fn list(
        &mut self,
        target: &str,
        span: &Range<usize>,
        table: &DeTable<'_>,
        members: &[Member],
    ) -> Option<List> {
        let within = |member: &&Member| {
            member.path.strip_prefix(target).is_some_and(|rest| rest.starts_with('.'))
        };
        // Rules within an item are compiled against the item's own members.
        let own: Vec<Member> = members
            .iter()
            .filter(within)
            .map(|member| {
                let path = member.path.get(target.len() + 1..).unwrap_or("").to_owned();
                Member { path, ..member.clone() }
            })
            .collect();
        if own.is_empty() {
            self.fault(span, format!("the contract has no list `{target}`"), "");
            return None;
        }
        let name = target.trim_end_matches("[]");
        let segments = self.segments(name, span)?;
        let mut path = None;
        let (mut rules, faulty) = self.of_items(table, &own);
        for (name, value) in table {
            if name.get_ref() == "each" {
                let text = self.string(value, "`each`")?;
                match Path::parse(text, &self.namespaces) {
                    Ok(parsed) => {
                        self.can_find(&parsed, &value.span());
                        path = Some(parsed);
                    }
                    Err(message) => self.fault(&value.span(), message, ""),
                }
            }
        }
        for member in own.iter().filter(|member| member.required && !member.path.contains('.')) {
            let sure = |rule: &Rule| {
                rule.target == member.path && rule.ways.iter().any(|way| way.when.is_none())
            };
            if !rules.iter().any(sure) && !faulty.contains(&member.path) {
                let message = format!("an item of `{target}` requires `{}`", member.path);
                self.fault(span, message, "add a rule for it without `when`");
            }
        }
        let Some(path) = path else {
            let message = format!("the list `{target}` does not say what its items are");
            self.fault(span, message, "add each = \"PATH\"");
            return None;
        };
        Rule::tell_apart(&mut rules);
        Some(List { target: name.to_owned(), segments, path, rules })
    }

    /// The rules of a list's items, and the members whose rule has a fault of its own.
    fn of_items(&mut self, table: &DeTable<'_>, own: &[Member]) -> (Vec<Rule>, BTreeSet<String>) {
        let mut rules: Vec<Rule> = Vec::new();
        // The paths of its rules start at an item, which has no columns.
        let columns = self.columns.take();
        let shape = self.shape;
        if shape == Shape::Columns {
            self.shape = Shape::Members;
        }
        let outside = std::mem::take(&mut self.faulty_rules);
        for (name, value) in table.iter().filter(|(name, _)| name.get_ref() != "each") {
            match self.rule(name.get_ref(), &name.span(), value, own) {
                Some(rule) => rules.push(rule),
                None => drop(self.faulty_rules.insert(name.get_ref().to_string())),
            }
        }
        (self.columns, self.shape) = (columns, shape);
        (rules, std::mem::replace(&mut self.faulty_rules, outside))
    }
}
