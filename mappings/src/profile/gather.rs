//! Reading a message's records into a profile.

use std::{cell::Cell, collections::HashMap};

use super::{CODES_MAX, Field, Fields, Profile, Use, form};
use crate::{
    apply::{File, read_file},
    document::{Document, NodeId, NodeKind},
    functions::Codes,
    mapping::{Mapping, RecordMapping, Rule, Source},
    path::Path,
    text::normalise,
};

/// Records looked at in one message: its first ones.
pub const RECORDS_MAX: u64 = 500;

/// Items of a list whose fields are looked up for what rules do with them.
const ITEMS_MAX: usize = 64;

/// The part of a profile that tells what stands around records.
pub(super) const AROUND: &str = "around";
/// The part that tells records which no rule takes.
const UNDECIDED: &str = "undecided";

/// Attributes of this namespace say how XML is meant, such as that there is no value.
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// What rules do with a node.
#[derive(Clone, Copy, Default)]
struct Read<'a> {
    used: Use,
    codes: Option<&'a Codes>,
}

type Reads<'a> = HashMap<NodeId, Read<'a>>;

/// Gathers the profile of one message, file by file.
pub struct Gatherer<'m> {
    mapping: &'m Mapping,
    profile: Profile,
    /// Records so far, of all kinds: each has a number, by which fields are counted once in it.
    number: u64,
    /// Records that could not be read.
    broken: u64,
}

impl<'m> Gatherer<'m> {
    /// Of a message of a channel.
    pub fn new(mapping: &'m Mapping) -> Self {
        Self { mapping, profile: Profile::default(), number: 0, broken: 0 }
    }

    /// Whether no more records are wanted.
    pub fn is_full(&self) -> bool {
        self.number >= RECORDS_MAX
    }

    /// Reads one file of the message; `stopped` is set once no more is wanted. Gives whether it
    /// could be read, to its end or as far as was wanted.
    pub fn file(&mut self, file: File<'_>, stopped: &Cell<bool>) -> bool {
        let mapping = self.mapping;
        let mut first = true;
        let read = read_file(mapping, file, &mut |_, item| {
            if self.is_full() {
                stopped.set(true);
                return;
            }
            let Ok((document, record)) = item else {
                self.broken += 1;
                return;
            };
            self.record(document, record, std::mem::take(&mut first));
        });
        read.is_ok() || self.is_full()
    }

    /// The profile, and how many records could not be read.
    pub fn finish(self) -> (Profile, u64) {
        (self.profile, self.broken)
    }

    fn record(&mut self, document: &Document, record: NodeId, first: bool) {
        self.number += 1;
        let taking = self.mapping.records.iter().position(|rules| {
            rules.when.as_ref().is_none_or(|when| when.holds(document, record) == Ok(true))
        });
        let mut reads = Reads::new();
        for rules in &self.mapping.records {
            of_rules(rules, document, record, &mut reads);
        }
        let name = taking.map_or_else(|| UNDECIDED.to_owned(), |at| name(self.mapping, at));
        let fields = self.profile.0.entry(name).or_default();
        fields.records += 1;
        let walk = Walk { document, reads: &reads, number: self.number };
        walk.below(fields, record, "");
        if first {
            let fields = self.profile.0.entry(AROUND.to_owned()).or_default();
            fields.records += 1;
            walk.around(fields, record);
            if fields.fields.is_empty() {
                self.profile.0.remove(AROUND);
            }
        }
    }
}

/// The contract of some rules, with a number where several have it.
fn name(mapping: &Mapping, at: usize) -> String {
    let Some(own) = mapping.records.get(at).map(|rules| rules.contract.to_string()) else {
        return UNDECIDED.to_owned();
    };
    let same = |rules: &&RecordMapping| rules.contract.to_string() == own;
    match mapping.records.iter().take(at).filter(same).count() {
        0 => own,
        before => format!("{own} ({})", before + 1),
    }
}

/// Notes what rules do with the nodes of a record.
fn of_rules<'a>(
    rules: &'a RecordMapping,
    document: &Document,
    record: NodeId,
    reads: &mut Reads<'a>,
) {
    let named = |name: &String, from: NodeId, reads: &mut Reads<'a>| {
        for id in document.children(from).filter(|id| document.name(*id) == *name) {
            note(reads, id, Read { used: Use::Text, codes: None });
        }
    };
    for name in rules.when.iter().flat_map(|when| when.names()) {
        named(name, record, reads);
    }
    let mut of = |rule: &'a Rule, from: NodeId| {
        for way in &rule.ways {
            for name in way.when.iter().flat_map(|when| when.names()) {
                named(name, from, reads);
            }
            for path in way.calls.iter().flat_map(|call| &call.paths) {
                found(path, document, from, Read { used: Use::Text, codes: None }, reads);
            }
            match &way.source {
                Source::Path(path, _) => {
                    let mut read = Read { used: Use::Text, codes: None };
                    for call in &way.calls {
                        read.used = read.used.max(match call.name.as_str() {
                            "date" | "partial_date" => Use::Date,
                            "integer" | "decimal" | "number" => Use::Number,
                            _ => Use::Text,
                        });
                    }
                    // Codes are those of the field only where nothing has changed them.
                    if let Some(codes) =
                        way.calls.first().and_then(|call| call.bound.codes.as_ref())
                    {
                        read = Read { used: Use::Code, codes: Some(codes) };
                    }
                    found(path, document, from, read, reads);
                }
                Source::Computed(expression) => {
                    expression.names().iter().for_each(|name| named(name, from, reads));
                }
                Source::Constant(_) => {}
            }
        }
    };
    rules.rules.iter().for_each(|rule| of(rule, record));
    for list in &rules.lists {
        for item in list.path.find_all(document, record).take(ITEMS_MAX) {
            list.rules.iter().for_each(|rule| of(rule, item));
        }
    }
}

fn found<'a>(
    path: &Path,
    document: &Document,
    from: NodeId,
    read: Read<'a>,
    reads: &mut Reads<'a>,
) {
    for id in path.find_all(document, from).take(ITEMS_MAX) {
        note(reads, id, read);
    }
}

fn note<'a>(reads: &mut Reads<'a>, id: NodeId, read: Read<'a>) {
    let known = reads.entry(id).or_default();
    if read.used >= known.used {
        *known = read;
    }
}

/// One record's tree.
struct Walk<'a> {
    document: &'a Document,
    reads: &'a Reads<'a>,
    number: u64,
}

impl Walk<'_> {
    /// What a node holds.
    fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        self.document.children(id).filter(|child| self.document.namespace(*child) != XSI)
    }

    /// The path of a child of what stands at a path; an item of a list has the list's.
    fn path(&self, above: &str, id: NodeId) -> String {
        let name = form::name(self.document.name(id));
        let name = match self.document.kind(id) {
            _ if name.is_empty() => return above.to_owned(),
            NodeKind::Attribute => format!("@{name}"),
            _ => name,
        };
        match above {
            "" if name.starts_with('\'') => format!("./{name}"),
            "" | "/" => format!("{above}{name}"),
            above => format!("{above}/{name}"),
        }
    }

    /// Everything below a node, which is no field itself.
    fn below(&self, fields: &mut Fields, node: NodeId, path: &str) {
        let mut open: Vec<(NodeId, String)> = Vec::new();
        let children = |id: NodeId, path: &str, open: &mut Vec<(NodeId, String)>| {
            open.extend(self.children(id).map(|child| (child, self.path(path, child))));
        };
        children(node, path, &mut open);
        while let Some((id, path)) = open.pop() {
            self.field(fields, id, &path);
            children(id, &path, &mut open);
        }
    }

    /// What stands around a record: beside it and beside what holds it.
    fn around(&self, fields: &mut Fields, record: NodeId) {
        let holding = |from: NodeId| {
            std::iter::successors(self.document.parent(from), |id| self.document.parent(*id))
        };
        let mut inner = record;
        for holder in holding(record) {
            let mut names: Vec<NodeId> = std::iter::once(holder).chain(holding(holder)).collect();
            // A path from the root names what the root holds.
            names.pop();
            let above = names.iter().rev().fold("/".to_owned(), |path, id| self.path(&path, *id));
            for id in self.children(holder).filter(|id| *id != inner) {
                // Other records have their turn.
                if self.document.name(id) == self.document.name(inner) && inner == record {
                    continue;
                }
                let path = self.path(&above, id);
                self.field(fields, id, &path);
                self.below(fields, id, &path);
            }
            inner = holder;
        }
    }

    fn field(&self, fields: &mut Fields, id: NodeId, path: &str) {
        let read = self.reads.get(&id).copied().unwrap_or_default();
        let Some(field) = fields.field(path, read.used) else { return };
        let text = normalise::tidy_text(self.document.text(id));
        let holds = self.children(id).next().is_some();
        let nested = match self.document.kind(id) {
            NodeKind::Object | NodeKind::Array => true,
            _ => holds && text.is_empty(),
        };
        if field.seen.0 != self.number {
            field.seen.0 = self.number;
            field.present += 1;
        }
        let blank = self.document.is_nil(id) || if nested { !holds } else { text.is_empty() };
        if blank {
            return;
        }
        if field.seen.1 != self.number {
            field.seen.1 = self.number;
            field.filled += 1;
        }
        let kind = match self.document.kind(id) {
            _ if nested => "nested",
            NodeKind::Number => "number",
            NodeKind::Bool => "boolean",
            _ => "text",
        };
        *field.types.entry(kind.to_owned()).or_default() += 1;
        if !nested {
            value(field, &text, read);
        }
    }
}

/// Notes how a value is written; of codes also which.
fn value(field: &mut Field, text: &str, read: Read<'_>) {
    let number = form::number(text).filter(|_| read.used != Use::Date);
    let form = match number {
        Some((form, digits)) => {
            // The size of a number that is no amount is that of a code or of somebody's number.
            if digits > 0 && read.used == Use::Number {
                *field.digits.entry(digits).or_default() += 1;
            }
            form
        }
        None => form::date(text, read.used == Use::Date).unwrap_or("text"),
    };
    *field.forms.entry(form.to_owned()).or_default() += 1;
    let letters = text.chars().count() as u64;
    let (least, most) = field.letters.unwrap_or((letters, letters));
    field.letters = Some((least.min(letters), most.max(letters)));
    let Some(codes) = read.codes else { return };
    let into = match codes.lists(text) {
        true => &mut field.codes,
        false if form::looks_like_a_code(text) => &mut field.strange,
        false => {
            field.hidden += 1;
            return;
        }
    };
    if let Some(count) = into.get_mut(text) {
        *count += 1;
    } else if into.len() < CODES_MAX {
        into.insert(text.to_owned(), 1);
    } else {
        field.hidden += 1;
    }
}
