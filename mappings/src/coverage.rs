//! What of a mapping has been used: its rules, both sides of its conditions, the rows of its code
//! tables. What was never used is untested, or dead.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use serde::Serialize;

use crate::{
    lineage::listed,
    mapping::{Mapping, RecordMapping, Rule, Way},
};

/// What of a mapping is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// One way to produce a member: how often it gave a value.
    Rule,
    /// One side of a condition: how often it held, or did not.
    Condition,
    /// One row of a code table, whatever rules look it up.
    Row,
}

/// How often one part of a mapping was used since it was compiled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The contract, such as `dossier/1`; empty for a code table.
    pub contract: String,
    /// The member it concerns, or the code table; empty for the condition of a whole record.
    pub target: String,
    /// What it is.
    pub part: Part,
    /// The rule's text, `when …: holds` or `when …: does not`, or the native code.
    pub rule: String,
    /// How many times it was used.
    pub used: u64,
}

fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

impl Mapping {
    /// How often each part was used.
    pub fn coverage(&self) -> Vec<Coverage> {
        let mut all = Vec::new();
        for record in &self.records {
            of_record(record, &mut all);
        }
        of_tables(&self.records, &mut all);
        all
    }
}

fn of_record(record: &RecordMapping, all: &mut Vec<Coverage>) {
    let contract = record.contract.to_string();
    let mut add = |target: &str, part, rule: String, used| {
        let (contract, target) = (contract.clone(), target.to_owned());
        all.push(Coverage { contract, target, part, rule, used });
    };
    if let Some(when) = &record.when {
        let sides = [("holds", &record.taken), ("does not", &record.passed)];
        for (side, counter) in sides {
            add("", Part::Condition, format!("when {}: {side}", when.source()), count(counter));
        }
    }
    let mut of_rule = |target: &str, rule: &Rule| {
        for way in &rule.ways {
            of_way(way, &mut |part, text, used| add(target, part, text, used));
        }
    };
    record.rules.iter().for_each(|rule| of_rule(&rule.target, rule));
    for list in &record.lists {
        list.rules.iter().for_each(|rule| of_rule(&listed(list, rule), rule));
    }
}

fn of_way(way: &Way, add: &mut dyn FnMut(Part, String, u64)) {
    let used = count(&way.used);
    add(Part::Rule, way.text.clone(), used);
    if let Some(when) = &way.when {
        // A condition that holds counts by the value that its rule gave.
        add(Part::Condition, format!("when {}: holds", when.source()), used);
        add(Part::Condition, format!("when {}: does not", when.source()), count(&way.passed));
    }
}

/// How often each row of each code table was looked up, whatever rules look it up: a row is tested
/// where one of them is.
fn of_tables(records: &[RecordMapping], all: &mut Vec<Coverage>) {
    let mut rows: BTreeMap<(&str, Option<&str>), u64> = BTreeMap::new();
    let rules = records.iter().flat_map(|record| {
        record.rules.iter().chain(record.lists.iter().flat_map(|list| &list.rules))
    });
    let calls = rules.flat_map(|rule| &rule.ways).flat_map(|way| &way.calls);
    for codes in calls.filter_map(|call| call.bound.codes.as_ref()) {
        for (native, used) in codes.used() {
            *rows.entry((codes.name(), native)).or_default() += used;
        }
    }
    all.extend(rows.into_iter().map(|((table, native), used)| Coverage {
        contract: String::new(),
        target: format!("tables/{table}.csv"),
        part: Part::Row,
        rule: native.unwrap_or("(any other)").to_owned(),
        used,
    }));
}
