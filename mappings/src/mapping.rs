//! A compiled mapping: one channel's translation from native payloads to canonical drafts.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use contracts::ContractId;

use crate::{
    archive::Archive,
    condition::Condition,
    expression::Expression,
    format::{Format, SheetOptions, Step},
    functions::{Bound, Table},
    path::{Path, Together},
    text::charset::Charset,
};

/// The texts a mapping is compiled from. The caller has read them; nothing here does I/O.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Name of the channel's file, for diagnostics.
    pub file: String,
    /// The channel's TOML.
    pub text: String,
    /// Code tables by name: CSV with the columns `native,canonical`.
    pub tables: BTreeMap<String, String>,
}

/// Where a rule's value comes from.
#[derive(Debug)]
pub(crate) enum Source {
    /// A path, and its place in the record's [`Together`] where it is plain.
    Path(Path, Option<usize>),
    Constant(String),
    Computed(Expression),
}

impl Source {
    /// The native fields that it reads, as a person would name them.
    pub(crate) fn fields(&self) -> Option<String> {
        match self {
            Self::Path(path, _) => Some(path.text().to_owned()),
            Self::Constant(_) => None,
            Self::Computed(expression) => {
                Some(expression.names().join(", ")).filter(|names| !names.is_empty())
            }
        }
    }
}

/// One way to produce a member.
pub(crate) struct Way {
    pub(crate) text: String,
    pub(crate) source: Source,
    pub(crate) calls: Vec<(String, Bound)>,
    pub(crate) when: Option<Condition>,
    pub(crate) used: AtomicU64,
}

/// A place in a record's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    Member(String),
    Index(usize),
}

/// One member and the ways to produce it, tried in order.
pub(crate) struct Rule {
    pub(crate) target: String,
    pub(crate) segments: Vec<Segment>,
    /// Whether no other rule of the record, or of the list, has its target.
    pub(crate) alone: bool,
    pub(crate) pointer: String,
    pub(crate) ways: Vec<Way>,
    pub(crate) required: bool,
    pub(crate) personal: bool,
    pub(crate) wants: Wants,
}

impl Rule {
    /// Notes which of some rules are alone in what they produce.
    pub(crate) fn tell_apart(rules: &mut [Self]) {
        let targets: Vec<String> = rules.iter().map(|rule| rule.target.clone()).collect();
        for rule in rules {
            rule.alone = targets.iter().filter(|target| **target == rule.target).count() == 1;
        }
    }
}

/// The JSON type a member wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wants {
    Text,
    Number,
    Boolean,
    Moment,
    Any,
}

/// A list of items, one for each node that a path finds; the rules start from that node.
pub(crate) struct List {
    pub(crate) target: String,
    pub(crate) segments: Vec<Segment>,
    pub(crate) path: Path,
    pub(crate) rules: Vec<Rule>,
}

/// The rules for one contract.
pub(crate) struct RecordMapping {
    pub(crate) contract: ContractId,
    pub(crate) retracts: bool,
    pub(crate) when: Option<Condition>,
    pub(crate) key: usize,
    pub(crate) day: Option<usize>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) paths: Together,
    pub(crate) lists: Vec<List>,
}

/// A compiled mapping.
pub struct Mapping {
    pub(crate) charset: Charset,
    pub(crate) format: Format,
    pub(crate) each: Vec<Step>,
    pub(crate) archive: Option<Archive>,
    pub(crate) records: Vec<RecordMapping>,
}

/// How often one way of one rule was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The contract, such as `dossier/1`.
    pub contract: String,
    /// The member it produces.
    pub target: String,
    /// The rule's text.
    pub rule: String,
    /// How many times it gave a value since the mapping was compiled.
    pub used: u64,
}

/// Which native field feeds which canonical member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lineage {
    /// The contract, such as `dossier/1`.
    pub contract: String,
    /// The canonical member.
    pub target: String,
    /// The native path, or the constant in quotes.
    pub source: String,
    /// Names of the functions it passes; an expression stands first, as `compute …`.
    pub functions: Vec<String>,
}

impl Mapping {
    /// Which files of an archive its payload is, where it is one.
    pub fn archive(&self) -> Option<&Archive> {
        self.archive.as_ref()
    }

    /// Which sheet of a workbook its files are, where they are workbooks.
    pub fn sheet(&self) -> Option<&SheetOptions> {
        match &self.format {
            Format::Sheet(options) => Some(options),
            _ => None,
        }
    }

    /// How often each rule was used: a rule never used is untested or dead.
    pub fn coverage(&self) -> Vec<Coverage> {
        let each = |record: &RecordMapping, rule: &Rule, way: &Way| Coverage {
            contract: record.contract.to_string(),
            target: rule.target.clone(),
            rule: way.text.clone(),
            used: way.used.load(Ordering::Relaxed),
        };
        self.ways(each)
    }

    /// Where each canonical member comes from: a line for each native field that feeds it.
    pub fn lineage(&self) -> Vec<Lineage> {
        let each = |record: &RecordMapping, rule: &Rule, way: &Way| {
            let calls = way.calls.iter().map(|(name, _)| name.clone());
            let (sources, functions): (Vec<String>, Vec<String>) = match &way.source {
                Source::Path(path, _) => (vec![path.text().to_owned()], calls.collect()),
                Source::Constant(text) => (vec![format!("'{text}'")], calls.collect()),
                Source::Computed(expression) => {
                    let first = format!("compute {}", expression.source());
                    (expression.names().to_vec(), std::iter::once(first).chain(calls).collect())
                }
            };
            let line = |source| Lineage {
                contract: record.contract.to_string(),
                target: rule.target.clone(),
                source,
                functions: functions.clone(),
            };
            sources.into_iter().map(line).collect::<Vec<_>>()
        };
        self.ways(each).into_iter().flatten().collect()
    }

    /// The native field that feeds the member at a pointer, where a rule says so.
    pub(crate) fn field_of(&self, contract: &ContractId, pointer: &str) -> Option<String> {
        let of = |rules: &[Rule], pointer: &str| {
            let rule = rules.iter().find(|rule| rule.pointer == pointer)?;
            rule.ways.iter().find_map(|way| way.source.fields())
        };
        let records = self.records.iter().filter(|record| record.contract == *contract);
        records.into_iter().find_map(|record| {
            let in_list = |list: &List| {
                let start = format!("/{}/", list.target.replace('.', "/"));
                let item = pointer.strip_prefix(&start)?;
                of(&list.rules, item.get(item.find('/')?..)?)
            };
            let at_key = || record.rules.get(record.key)?.ways.first()?.source.fields();
            match pointer {
                // What is wrong with a whole draft is wrong with its key.
                "" => at_key(),
                _ => of(&record.rules, pointer).or_else(|| record.lists.iter().find_map(in_list)),
            }
        })
    }

    fn ways<T>(&self, each: impl Fn(&RecordMapping, &Rule, &Way) -> T) -> Vec<T> {
        let mut all = Vec::new();
        for record in &self.records {
            let items = record.lists.iter().flat_map(|list| &list.rules);
            for rule in record.rules.iter().chain(items) {
                all.extend(rule.ways.iter().map(|way| each(record, rule, way)));
            }
        }
        all
    }
}

/// Reads a code table; the error is a sentence naming the line.
pub(crate) fn read_table(text: &str) -> Result<Table, String> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| error.to_string())?;
    if header.get(0) != Some("native") || header.get(1) != Some("canonical") {
        return Err("its first line must be `native,canonical`".to_owned());
    }
    let mut table = Table::new();
    for row in reader.records() {
        let row = row.map_err(|error| error.to_string())?;
        let line = row.position().map_or(0, csv::Position::line);
        let (Some(native), Some(canonical)) = (row.get(0), row.get(1)) else {
            return Err(format!("line {line} has fewer than two columns"));
        };
        let native = crate::text::normalise::tidy_text(native).into_owned();
        if table.insert(native, canonical.trim().to_owned()).is_some() {
            return Err(format!("line {line} repeats a native value"));
        }
    }
    Ok(table)
}
