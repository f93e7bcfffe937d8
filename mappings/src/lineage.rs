//! Which native field feeds which canonical member, and by which steps.

use serde::Serialize;

use crate::mapping::{List, Mapping, RecordMapping, Rule, Source, Way};

/// One native field, or constant, that feeds one canonical member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lineage {
    /// The contract, such as `dossier/1`.
    pub contract: String,
    /// The canonical member, such as `applicant.name` or `documents[].name`; empty for a field that
    /// decides whether there is a record.
    pub target: String,
    /// The native path, or the constant in quotes.
    pub source: String,
    /// The functions it passes, as written; an expression stands first, as `compute …`.
    pub functions: Vec<String>,
    /// The condition under which it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Its place among the ways to produce the member, from 1: the first that gives a value counts.
    pub choice: usize,
}

/// The member of a list's items that a rule produces.
pub(crate) fn listed(list: &List, rule: &Rule) -> String {
    format!("{}[].{}", list.target, rule.target)
}

impl Mapping {
    /// Where each canonical member comes from: a line for each native field that feeds it.
    pub fn lineage(&self) -> Vec<Lineage> {
        let mut all = Vec::new();
        for record in &self.records {
            of_record(record, &mut all);
        }
        all
    }
}

fn of_record(record: &RecordMapping, all: &mut Vec<Lineage>) {
    let contract = record.contract.to_string();
    if let Some(when) = &record.when {
        all.extend(when.names().iter().map(|name| Lineage {
            contract: contract.clone(),
            target: String::new(),
            source: name.clone(),
            functions: Vec::new(),
            when: Some(when.source().to_owned()),
            choice: 1,
        }));
    }
    for rule in &record.rules {
        of_rule(&contract, &rule.target, None, rule, all);
    }
    for list in &record.lists {
        for rule in &list.rules {
            of_rule(&contract, &listed(list, rule), Some(list), rule, all);
        }
    }
}

fn of_rule(contract: &str, target: &str, list: Option<&List>, rule: &Rule, all: &mut Vec<Lineage>) {
    let within = |path: &str| match list {
        Some(list) if path == "." => list.path.text().to_owned(),
        Some(list) if !path.starts_with('/') => {
            format!("{}/{}", list.path.text(), path.strip_prefix("./").unwrap_or(path))
        }
        _ => path.to_owned(),
    };
    for (choice, way) in (1..).zip(&rule.ways) {
        let (sources, functions) = steps(way, &within);
        all.extend(sources.into_iter().map(|source| Lineage {
            contract: contract.to_owned(),
            target: target.to_owned(),
            source,
            functions: functions.clone(),
            when: way.when.as_ref().map(|when| when.source().to_owned()),
            choice,
        }));
    }
}

/// What a way reads, and what it does with it.
fn steps(way: &Way, within: &dyn Fn(&str) -> String) -> (Vec<String>, Vec<String>) {
    let mut functions: Vec<String> = way.calls.iter().map(|call| call.text()).collect();
    let mut sources = match &way.source {
        Source::Path(path, _) => vec![within(path.text())],
        Source::Constant(text) => vec![format!("'{text}'")],
        Source::Computed(expression) => {
            functions.insert(0, format!("compute {}", expression.source()));
            expression.names().iter().map(|name| within(name)).collect()
        }
    };
    let besides = way.calls.iter().flat_map(|call| &call.paths);
    sources.extend(besides.map(|path| within(path.text())));
    (sources, functions)
}
