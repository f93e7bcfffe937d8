//! A compiled mapping: one channel's translation from native payloads to canonical drafts.

use std::{collections::BTreeMap, sync::atomic::AtomicU64};

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
    pub(crate) calls: Vec<Call>,
    pub(crate) when: Option<Condition>,
    pub(crate) used: AtomicU64,
    /// How often its condition did not hold.
    pub(crate) passed: AtomicU64,
}

/// One function that a value passes.
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) arguments: Vec<String>,
    /// The native fields that it reads besides.
    pub(crate) paths: Vec<Path>,
    pub(crate) bound: Bound,
}

impl Call {
    /// The call as written.
    pub(crate) fn text(&self) -> String {
        let quoted = |text: &String| match text.is_empty() || text.contains([' ', '|']) {
            true => format!(" '{text}'"),
            false => format!(" {text}"),
        };
        let arguments: String = self.arguments.iter().map(quoted).collect();
        format!("{}{arguments}", self.name)
    }
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
    /// How often its condition held, and did not.
    pub(crate) taken: AtomicU64,
    pub(crate) passed: AtomicU64,
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

impl Mapping {
    /// Which files of an archive its payload is, where it is one.
    pub fn archive(&self) -> Option<&Archive> {
        self.archive.as_ref()
    }

    /// The word for its format, as its file has it.
    pub fn format(&self) -> &'static str {
        match &self.format {
            Format::Json(_) => "json",
            Format::Xml(_) => "xml",
            Format::Csv(_) => "csv",
            Format::Fixed(_) => "fixed",
            Format::Rows(_) => "rows",
            Format::Sheet(_) => "xlsx",
        }
    }

    /// Which sheet of a workbook its files are, where they are workbooks.
    pub fn sheet(&self) -> Option<&SheetOptions> {
        match &self.format {
            Format::Sheet(options) => Some(options),
            _ => None,
        }
    }

    /// The beginning of a payload that was cut off, as far as it can be read: to the end of a line
    /// where there are lines, and of a letter always.
    pub fn readable<'p>(&self, beginning: &'p [u8]) -> &'p [u8] {
        let mut end = match beginning.iter().rposition(|byte| *byte == b'\n') {
            Some(line) if line > beginning.len() / 2 && self.charset != Charset::Utf16 => line + 1,
            _ => beginning.len(),
        };
        let at = |end: usize| beginning.get(end.wrapping_sub(1)).copied();
        if self.charset == Charset::Utf16 {
            // A unit of two bytes; it may be the first of a pair.
            end -= end % 2;
            let first = |byte: Option<u8>| byte.is_some_and(|byte| (0xD8..0xDC).contains(&byte));
            if first(at(end)) || first(at(end.saturating_sub(1))) {
                end -= 2;
            }
        } else {
            while at(end).is_some_and(|byte| !byte.is_ascii()) {
                end -= 1;
            }
        }
        beginning.get(..end).unwrap_or(beginning)
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
}

/// Why a code table cannot be read: a sentence, and the byte offset that it concerns.
pub(crate) type BadTable = (String, usize);

/// Reads a code table.
///
/// # Errors
/// The first row that does not fit.
pub(crate) fn read_table(text: &str) -> Result<Table, BadTable> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| (error.to_string(), 0))?;
    if header.get(0) != Some("native") || header.get(1) != Some("canonical") {
        return Err(("its first line must be `native,canonical`".to_owned(), 0));
    }
    let mut table = Table::new();
    for row in reader.records() {
        let row = row.map_err(|error| (error.to_string(), 0))?;
        let at = row.position().map_or(0, |position| start_of_row(text, position.byte()));
        let (Some(native), Some(canonical)) = (row.get(0), row.get(1)) else {
            return Err(("the row has fewer than two columns".to_owned(), at));
        };
        let native = crate::text::normalise::tidy_text(native).into_owned();
        if table.contains_key(&native) {
            return Err((format!("the native value `{native}` stands in a row before"), at));
        }
        table.insert(native, canonical.trim().to_owned());
    }
    Ok(table)
}

/// Where a row begins whose reading began there, perhaps at blank lines before it.
fn start_of_row(text: &str, from: u64) -> usize {
    let from = usize::try_from(from).unwrap_or(0);
    let rest = text.get(from..).unwrap_or_default();
    from + rest.len() - rest.trim_start_matches(['\r', '\n']).len()
}
