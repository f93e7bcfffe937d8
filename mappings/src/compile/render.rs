//! Proving a form before anything is sent in it: what it reads is what its contract has, and its
//! code tables answer every value that may come.

use std::ops::Range;

use contracts::{ContractId, Contracts, schema::Member};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Compiler, opened};
use crate::{
    diagnostic::Diagnostic,
    functions::Table,
    mapping::{BadTable, List, Rule, Source, Sources, Wants, Way, read_table},
    path::Path,
    render::{Piece, Rendering, Written},
    text::normalise::tidy_text,
};

/// What a form's file says, still apart.
#[derive(Default)]
struct Settings<'a> {
    contract: Option<ContractId>,
    format: Option<&'a Spanned<DeValue<'a>>>,
    root: Option<&'a Spanned<DeValue<'a>>>,
    required: Option<&'a Spanned<DeValue<'a>>>,
    map: Option<&'a Spanned<DeValue<'a>>>,
}

/// The entries of a table in the order of the file: who reads XML may want it so.
fn in_order<'a, 'b>(table: &'a DeTable<'b>) -> Vec<(&'a Name<'b>, &'a Spanned<DeValue<'b>>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

type Name<'a> = Spanned<std::borrow::Cow<'a, str>>;

impl Rendering {
    /// Compiles a form: a file of the language of mappings whose rules read the record. Code tables
    /// are read the other way, from canonical to native; of several native codes for one value the
    /// first of the table is written.
    ///
    /// # Errors
    /// Every fault of the file and its tables, in the order of the file.
    pub fn compile(sources: &Sources, contracts: &Contracts) -> Result<Self, Vec<Diagnostic>> {
        let mut compiler = Compiler::new(sources, contracts, reversed);
        let table = opened(&sources.file, &sources.text)?;
        let rendering = compiler.form_of(table.get_ref());
        compiler.proved(rendering)
    }
}

/// A code table from canonical to native.
fn reversed(text: &str) -> Result<Table, BadTable> {
    read_table(text)?;
    let mut table = Table::new();
    for row in csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes()).records() {
        let row = row.map_err(|error| (error.to_string(), 0))?;
        let column = |at: usize| tidy_text(row.get(at).unwrap_or_default()).into_owned();
        table.entry(column(1)).or_insert_with(|| column(0));
    }
    Ok(table)
}

/// Whether XML takes a name, be it of an element or, behind `@`, of an attribute.
fn is_xml_name(name: &str) -> bool {
    let name = name.strip_prefix('@').unwrap_or(name);
    let first = |c: char| c.is_alphabetic() || c == '_';
    name.starts_with(first)
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ':'))
}

impl Piece {
    /// The member that it makes.
    fn target(&self) -> &str {
        match self {
            Self::One(rule) => &rule.target,
            Self::List(list) => &list.target,
        }
    }
}

impl Compiler<'_> {
    fn form_of(&mut self, table: &DeTable<'_>) -> Option<Rendering> {
        let mut settings = Settings::default();
        for (name, value) in table {
            match name.get_ref().as_ref() {
                "contract" => settings.contract = self.contract(value),
                "format" => settings.format = Some(value),
                "root" => settings.root = Some(value),
                "required" => settings.required = Some(value),
                "map" => settings.map = Some(value),
                other => {
                    let message = format!("there is no setting `{other}`");
                    let known = "settings: contract, format, root, required, [map]";
                    self.fault(&name.span(), message, known);
                }
            }
        }
        let Some(contract) = settings.contract.take() else {
            self.fault(&(0..0), "the form names no contract", "such as contract = \"dossier/1\"");
            return None;
        };
        let written = self.written_as(&settings)?;
        let members = self.contracts.members(&contract).to_vec();
        let mut pieces = Vec::new();
        match settings.map.map(|value| (value.get_ref().as_table(), value.span())) {
            Some((Some(map), _)) => self.makes(map, "", ("", &members), &mut pieces),
            _ => self.fault(&(0..0), "the form has no [map]", "write [map]"),
        }
        if let Written::Xml(_) = written {
            let names: Vec<String> = pieces.iter().map(|piece| piece.target().to_owned()).collect();
            for name in names.iter().filter(|name| !name.split('.').all(is_xml_name)) {
                self.fault(
                    &(0..0),
                    format!("XML has no name `{name}`"),
                    "letters, digits, _ and -",
                );
            }
        }
        self.needs(settings.required, &mut pieces);
        Some(Rendering { contract, written, pieces })
    }

    fn written_as(&mut self, settings: &Settings<'_>) -> Option<Written> {
        let Some(format) = settings.format else {
            self.fault(&(0..0), "the form names no format", "write format = \"json\" or \"xml\"");
            return None;
        };
        match self.string(format, "the format")? {
            "json" => Some(Written::Json),
            "xml" => {
                let root = match settings.root {
                    Some(root) => self.string(root, "`root`")?.to_owned(),
                    None => String::new(),
                };
                if !is_xml_name(&root) || root.starts_with('@') {
                    let advice = "write root = \"NAME\"";
                    self.fault(&format.span(), "XML wants the root element's name", advice);
                }
                Some(Written::Xml(root))
            }
            other => {
                let message = format!("nothing is written as `{other}`");
                self.fault(&format.span(), message, "write json or xml");
                None
            }
        }
    }

    /// Compiles what a table makes; `from`: what its paths start at, and what is there.
    fn makes(
        &mut self,
        map: &DeTable<'_>,
        prefix: &str,
        from: (&str, &[Member]),
        into: &mut Vec<Piece>,
    ) {
        let names_way = |key: &Name<'_>| matches!(&**key.get_ref(), "from" | "compute");
        for (name, value) in in_order(map) {
            let target = match prefix {
                "" => name.get_ref().to_string(),
                prefix => format!("{prefix}.{}", name.get_ref()),
            };
            let span = name.span();
            match value.get_ref() {
                DeValue::Table(table) if target.ends_with("[]") => {
                    into.extend(self.list_of(&target, &span, table, from).map(Piece::List));
                }
                DeValue::Table(table) if !table.keys().any(names_way) => {
                    self.makes(table, &target, from, into);
                }
                _ => match self.made_by(&target, &span, value, from) {
                    Some(rule) => into.push(Piece::One(rule)),
                    None => drop(self.faulty_rules.insert(target)),
                },
            }
        }
    }

    fn made_by(
        &mut self,
        target: &str,
        span: &Range<usize>,
        value: &Spanned<DeValue<'_>>,
        from: (&str, &[Member]),
    ) -> Option<Rule> {
        let segments = self.segments(target, span)?;
        let ways: Vec<Option<Way>> = match value.get_ref() {
            DeValue::Array(ways) => ways.iter().map(|way| self.way(way, Wants::Any)).collect(),
            _ => vec![self.way(value, Wants::Any)],
        };
        let ways = ways.into_iter().collect::<Option<Vec<_>>>()?;
        for way in &ways {
            self.reads(way, from, &value.span());
        }
        let pointer = format!("/{}", target.replace("[0]", "/0").replace('.', "/"));
        Some(Rule {
            target: target.to_owned(),
            segments,
            alone: false,
            pointer,
            ways,
            required: false,
            personal: true,
            wants: Wants::Any,
        })
    }

    /// Whether what a way reads is there, and its code table answers all of it.
    fn reads(&mut self, way: &Way, (start, members): (&str, &[Member]), span: &Range<usize>) {
        let names: Vec<String> = match &way.source {
            Source::Constant(_) => Vec::new(),
            Source::Path(path, _) => vec![path.text().to_owned()],
            Source::Computed(expression) => expression.names().to_vec(),
        };
        for name in names {
            let Some(member) = self.member_at(start, &name, members, span) else { continue };
            let Some(call) = way.calls.first().filter(|call| call.name == "table") else {
                continue;
            };
            let (table, otherwise) = (call.arguments.first(), call.arguments.get(1));
            let Some(table) = table.and_then(|name| self.tables.get(name)) else { continue };
            let text = |value: &serde_json::Value| {
                value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
            };
            let all = member.allowed.iter().flatten().map(text);
            let silent: Vec<String> = all.filter(|value| !table.contains_key(value)).collect();
            if !silent.is_empty() && otherwise.is_none() {
                let message = format!("the table has no code for {name} = {}", silent.join(", "));
                self.fault(span, message, "add them to the table, or write `table NAME OTHERWISE`");
            }
        }
    }

    /// The member of the contract that a path leads to.
    fn member_at<'m>(
        &mut self,
        start: &str,
        path: &str,
        members: &'m [Member],
        span: &Range<usize>,
    ) -> Option<&'m Member> {
        let plain = |path: &str| path.replace("[]", "");
        let step = |step: &str| step.split('[').next().unwrap_or(step).to_owned();
        // A list's items have no names: `*[1]` is the first.
        let steps: Vec<String> = path.split('/').map(step).filter(|name| name != "*").collect();
        let wanted = match start {
            "" => steps.join("."),
            start => format!("{start}.{}", steps.join(".")),
        };
        let found = members.iter().find(|member| plain(&member.path) == wanted);
        let open = wanted.split_once('.').and_then(|(parent, _)| {
            members.iter().find(|member| member.open && member.path == parent)
        });
        if found.is_none() && open.is_none() {
            let message = format!("the contract has no member `{wanted}`");
            self.fault(span, message, "write a path from the record, such as applicant/name");
        }
        found.or(open)
    }

    /// Compiles a list: `each` names the record's list, the rules start from its items.
    fn list_of(
        &mut self,
        target: &str,
        span: &Range<usize>,
        table: &DeTable<'_>,
        (start, members): (&str, &[Member]),
    ) -> Option<List> {
        let name = target.trim_end_matches("[]");
        let segments = self.segments(name, span)?;
        let Some((_, each)) = table.iter().find(|(name, _)| name.get_ref() == "each") else {
            let message = format!("the list `{target}` does not say what its items are");
            self.fault(span, message, "add each = \"PATH\"");
            return None;
        };
        let text = self.string(each, "`each`")?;
        self.member_at(start, text, members, &each.span())?;
        let path = match Path::parse(text, &self.namespaces) {
            Ok(path) => path,
            Err(message) => {
                self.fault(&each.span(), message, "");
                return None;
            }
        };
        let start = text.replace('/', ".");
        let mut rules = Vec::new();
        for (name, value) in
            in_order(table).into_iter().filter(|(name, _)| name.get_ref() != "each")
        {
            rules.extend(self.made_by(name.get_ref(), &name.span(), value, (&start, members)));
        }
        Rule::tell_apart(&mut rules);
        Some(List { target: name.to_owned(), segments, path, rules })
    }

    /// Notes without which members nothing is sent.
    fn needs(&mut self, required: Option<&Spanned<DeValue<'_>>>, pieces: &mut [Piece]) {
        let Some(value) = required else { return };
        let Some(names) = value.get_ref().as_array() else {
            self.fault(&value.span(), "`required` is a list of names", "required = [\"MaHoSo\"]");
            return;
        };
        for name in names.iter() {
            let Some(text) = self.string(name, "a name") else { continue };
            let rule = pieces.iter_mut().find_map(|piece| match piece {
                Piece::One(rule) if rule.target == text => Some(rule),
                _ => None,
            });
            match rule {
                Some(rule) => rule.required = true,
                None if self.faulty_rules.contains(text) => {}
                None => {
                    let message = format!("no rule makes `{text}`");
                    self.fault(&name.span(), message, "name a member of [map]");
                }
            }
        }
    }
}
