//! Proving a mapping before anything runs.
//!
//! All faults are found at once, each with file, line, column and a way to mend it: unknown
//! settings, paths, functions and tables; types that disagree; members that the contract does not
//! have; required members that no rule is sure to produce.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use contracts::{ContractId, Contracts};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use self::format::of_charset;

use crate::{
    condition::Condition,
    diagnostic::Diagnostic,
    format::{Format, Reads, Shape, Step},
    functions::Table,
    mapping::{BadTable, Mapping, RecordMapping, Sources, read_table},
    path::{Namespaces, Path, qualified},
};

mod format;
mod list;
mod record;
mod render;
mod way;

type Entry<'a> = (&'a Spanned<std::borrow::Cow<'a, str>>, &'a Spanned<DeValue<'a>>);

/// What compiling one file has found so far.
pub(crate) struct Compiler<'a> {
    sources: &'a Sources,
    contracts: &'a Contracts,
    tables: BTreeMap<String, Table>,
    /// Tables that are there and cannot be read: told once, not again by who looks values up.
    faulty_tables: BTreeSet<String>,
    /// Members of the record, or of the list, whose rule is there and has a fault of its own.
    faulty_rules: BTreeSet<String>,
    namespaces: Namespaces,
    /// Whether every member of a record is text, as in XML and CSV.
    textual: bool,
    /// What a record is made of.
    shape: Shape,
    /// The columns of a record, where they are declared.
    columns: Option<Vec<String>>,
    /// The members of a record that are read, by their first names.
    named: BTreeSet<String>,
    found: Vec<Diagnostic>,
}

impl Compiler<'_> {
    fn fault(&mut self, span: &Range<usize>, message: impl Into<String>, advice: &str) {
        let Sources { file, text, .. } = self.sources;
        self.found.push(Diagnostic::at(file, text, span, message.into(), advice));
    }

    fn string<'b>(&mut self, value: &'b Spanned<DeValue<'b>>, what: &str) -> Option<&'b str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            let kind = value.get_ref().type_str();
            self.fault(&value.span(), format!("{what} must be a text, not {kind}"), "");
        }
        text
    }
}

/// Reads a file's TOML.
fn opened<'a>(file: &str, text: &'a str) -> Result<Spanned<DeTable<'a>>, Vec<Diagnostic>> {
    DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        vec![Diagnostic::at(file, text, &span, error.message().to_owned(), "")]
    })
}

impl<'a> Compiler<'a> {
    /// With the code tables of its sources, each as it is read for this purpose.
    fn new(
        sources: &'a Sources,
        contracts: &'a Contracts,
        read: impl Fn(&str) -> Result<Table, BadTable>,
    ) -> Self {
        let mut compiler = Self {
            sources,
            contracts,
            tables: BTreeMap::new(),
            faulty_tables: BTreeSet::new(),
            faulty_rules: BTreeSet::new(),
            namespaces: Namespaces::new(),
            textual: false,
            shape: Shape::Members,
            columns: None,
            named: BTreeSet::new(),
            found: Vec::new(),
        };
        for (name, csv) in &sources.tables {
            match read(csv) {
                Ok(table) => drop(compiler.tables.insert(name.clone(), table)),
                Err((message, at)) => {
                    let file = format!("tables/{name}.csv");
                    compiler.found.push(Diagnostic::at(&file, csv, &(at..at), message, ""));
                    compiler.faulty_tables.insert(name.clone());
                }
            }
        }
        compiler
    }

    /// What was compiled, if no fault was found on the way.
    fn proved<T>(mut self, compiled: Option<T>) -> Result<T, Vec<Diagnostic>> {
        self.found.sort_by_key(|found| (found.file.clone(), found.line, found.column));
        match compiled {
            Some(compiled) if self.found.is_empty() => Ok(compiled),
            _ => Err(self.found),
        }
    }
}

impl Mapping {
    /// Compiles a channel's mapping.
    ///
    /// # Errors
    /// Every fault of the file and its tables, in the order of the file; that of a table is in
    /// `tables/NAME.csv`.
    pub fn compile(sources: &Sources, contracts: &Contracts) -> Result<Self, Vec<Diagnostic>> {
        let mut compiler = Compiler::new(sources, contracts, read_table);
        let table = opened(&sources.file, &sources.text)?;
        let mapping = compiler.channel(table.get_ref());
        compiler.proved(mapping)
    }
}

/// The settings of a channel, still apart.
#[derive(Default)]
struct Settings<'a> {
    format: Option<&'a Spanned<DeValue<'a>>>,
    charset: Option<&'a Spanned<DeValue<'a>>>,
    each: Option<&'a Spanned<DeValue<'a>>>,
    lines: Option<&'a Spanned<DeValue<'a>>>,
    /// What belongs to one format, by its name.
    own: Vec<Entry<'a>>,
    zip: Option<&'a Spanned<DeValue<'a>>>,
    records: Vec<&'a Spanned<DeValue<'a>>>,
}

impl Compiler<'_> {
    fn channel(&mut self, table: &DeTable<'_>) -> Option<Mapping> {
        let mut settings = Settings::default();
        // Prefixes first: a table's keys come in no order that one may rely on.
        if let Some((_, value)) = table.iter().find(|(name, _)| name.get_ref() == "namespaces") {
            self.declare(value);
        }
        for (name, value) in table {
            match name.get_ref().as_ref() {
                "format" => settings.format = Some(value),
                "charset" => settings.charset = Some(value),
                "each" => settings.each = Some(value),
                "lines" => settings.lines = Some(value),
                "namespaces" => {}
                "csv" | "fixed" | "rows" | "xlsx" => settings.own.push((name, value)),
                "zip" => settings.zip = Some(value),
                "record" => match value.get_ref().as_array() {
                    Some(records) => settings.records.extend(records.iter()),
                    None => self.fault(&value.span(), "records are written as [[record]]", ""),
                },
                other => {
                    let message = format!("there is no setting `{other}`");
                    let known = "settings: format, charset, each, lines, [namespaces], [csv], \
                                 [fixed], [rows], [xlsx], [zip], [[record]]";
                    self.fault(&name.span(), message, known);
                }
            }
        }
        let format = self.format(&settings);
        let charset = self.charset(settings.charset, format.as_ref());
        let format = format.map(|format| of_charset(format, charset));
        self.textual = format.as_ref().is_some_and(Format::is_textual);
        self.shape = format.as_ref().map_or(Shape::Elements, Format::shape);
        self.columns = format.as_ref().and_then(Format::declared);
        let archive = settings.zip.map(|value| self.archive(value));
        let each = settings.each.and_then(|value| self.each(value)).unwrap_or_default();
        if settings.records.is_empty() {
            self.fault(
                &(0..0),
                "the channel has no [[record]]",
                "write one for each contract it feeds",
            );
        }
        let records: Vec<Option<RecordMapping>> =
            settings.records.iter().map(|value| self.record(value)).collect();
        let records = records.into_iter().collect::<Option<Vec<_>>>()?;
        let mut format = format?;
        let reads = Reads::of(std::mem::take(&mut self.named));
        match &mut format {
            Format::Csv(options) => options.reads = reads,
            Format::Sheet(options) => options.reads = reads,
            _ => {}
        }
        Some(Mapping { charset: charset?, format, each, archive, records })
    }

    /// A path asks for what a record can have: for a column where it is a row, and for one of those
    /// that are declared where they are.
    fn can_find(&mut self, path: &Path, span: &Range<usize>) {
        const NOTHING_ELSE: &str = "a row has columns and nothing else";
        const QUOTED: &str = "name a column; one with a slash in its name is ./'a/b'";
        self.named.extend(path.first_name().map(ToOwned::to_owned));
        if self.shape != Shape::Elements
            && let Some(name) = path.attribute()
        {
            let message = format!("`@{name}` is an attribute, and only XML has attributes");
            self.fault(span, message, "name a member or a column, without @");
            return;
        }
        let within_row = self.shape != Shape::Columns || path.is_of_row();
        match (path.first_name(), self.columns.is_some()) {
            (_, false) if within_row => {}
            (Some(name), true) if within_row => self.is_column(name, span),
            _ => self.fault(span, NOTHING_ELSE, QUOTED),
        }
    }

    /// Where columns are declared, this is one of them.
    fn is_column(&mut self, name: &str, span: &Range<usize>) {
        self.named.insert(name.to_owned());
        let Some(columns) = self.columns.as_ref() else { return };
        if !columns.iter().any(|column| column == name) {
            let advice = format!("columns: {}", columns.join(", "));
            self.fault(span, format!("no column `{name}` is declared"), &advice);
        }
    }

    fn each(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Vec<Step>> {
        let text = self.string(value, "`each`")?;
        let step = |name: &str| {
            let (name, namespace) = qualified(name, &self.namespaces);
            Step { name: name.to_owned(), namespace }
        };
        let steps: Vec<Step> = text.trim_matches('/').split('/').map(step).collect();
        if steps.iter().any(|step| step.name.is_empty()) {
            self.fault(&value.span(), "`each` has an empty step", "write names separated by `/`");
            return None;
        }
        Some(steps)
    }

    /// Notes the prefixes that paths may use.
    fn declare(&mut self, value: &Spanned<DeValue<'_>>) {
        let Some(table) = value.get_ref().as_table() else {
            self.fault(&value.span(), "prefixes are declared under [namespaces]", "");
            return;
        };
        for (prefix, uri) in table {
            if let Some(text) = self.string(uri, "a namespace") {
                self.namespaces.insert(prefix.get_ref().to_string(), text.to_owned());
            }
        }
    }

    fn contract(&mut self, value: &Spanned<DeValue<'_>>) -> Option<ContractId> {
        let text = self.string(value, "the contract")?;
        match text.parse::<ContractId>() {
            Ok(id) if self.contracts.schema(&id).is_some() => Some(id),
            Ok(id) => {
                self.fault(&value.span(), format!("there is no contract {id}"), "");
                None
            }
            Err(error) => {
                self.fault(&value.span(), error.to_string(), "");
                None
            }
        }
    }

    fn condition(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Condition> {
        let text = self.string(value, "a condition")?;
        match Condition::compile(text, self.textual) {
            Ok(condition) => {
                for name in condition.names() {
                    self.is_column(name, &value.span());
                }
                Some(condition)
            }
            Err(message) => {
                let message = format!("the condition does not hold together: {message}");
                self.fault(&value.span(), message, "such as TrangThai == '5'");
                None
            }
        }
    }
}
