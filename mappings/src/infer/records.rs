//! The records of a sample: what repeats, its fields, and the values they have.

use std::collections::{BTreeMap, HashMap};

use super::{NotUnderstood, reading::Reading, workbook::unread};
use crate::{
    document::{Document, NodeId, NodeKind},
    format::{Fault, Format, Limits, Step, sheet},
    origin::Places,
    text::charset::Charset,
};

/// Records whose values are looked at.
const RECORDS_MAX: usize = 1_000;

/// Nodes of the part that is looked at to find what repeats.
const NODES_MAX: u32 = 2_000_000;

/// Fields of a record; more are no record of an office.
const FIELDS_MAX: usize = 1_000;

/// How deep fields of a record are looked for.
const DEPTH_MAX: usize = 6;

/// One native field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Field {
    /// Its path within a record, as the mapping language writes it.
    pub(super) path: String,
    /// Its name, and the names of what holds it.
    pub(super) names: Vec<String>,
    /// Its values in the records that were looked at, without empty ones.
    pub(super) values: Vec<String>,
    /// Whether the format says that it is a number.
    pub(super) is_number: bool,
    /// Whether a record may have several: a list.
    pub(super) is_list: bool,
    /// What its letters are written in, each standing for a byte.
    pub(super) charset: Option<Charset>,
}

impl Field {
    /// Decodes the values of a field of words, one letter of which stands for one byte.
    fn decode(&mut self, charset: Charset) {
        // What has no letters, and times such as 2013-12-02T08:10:00, read the same in all.
        let words = |value: &String| value.chars().filter(|one| one.is_alphabetic()).count() > 1;
        let switches = self.values.iter().all(|value| matches!(value.as_str(), "true" | "false"));
        if self.is_number || switches || !self.values.iter().any(words) {
            return;
        }
        self.charset = Some(charset);
        for value in &mut self.values {
            if let Ok(read) = charset.decode_latin1_text(value) {
                *value = read;
            }
        }
    }

    /// The path with the function that its letters need.
    pub(super) fn source(&self) -> String {
        match self.charset {
            Some(charset) => format!("{} | charset {charset}", self.path),
            None => self.path.clone(),
        }
    }
}

/// What repeats, and its fields in the order of their first appearance.
#[derive(Debug)]
pub(super) struct Records {
    /// The path to what repeats; empty where the whole is one record.
    pub(super) each: String,
    pub(super) count: usize,
    pub(super) fields: Vec<Field>,
}

fn limits() -> Limits {
    Limits { nodes_per_record_max: NODES_MAX, ..Limits::default() }
}

pub(super) fn of(reading: &Reading) -> Result<Records, NotUnderstood> {
    let each = match reading.format {
        Format::Csv(_) | Format::Sheet(_) | Format::Fixed(_) | Format::Rows(_) => Vec::new(),
        Format::Json(ref options) if options.lines => Vec::new(),
        _ => repeated(reading)?,
    };
    let steps: Vec<Step> =
        each.iter().map(|name| Step { name: name.clone(), namespace: None }).collect();
    let (mut fields, mut count) = (Fields::default(), 0);
    let mut take = |item: Result<(&Document, NodeId), Fault>| {
        count += 1;
        let few = count <= RECORDS_MAX && fields.list.len() <= FIELDS_MAX;
        if let (Ok((document, record)), true) = (item, few) {
            fields.add(document, record);
        }
    };
    let read = match (&reading.format, &reading.sheet) {
        (Format::Sheet(options), Some(held)) => {
            let places = Places::of_sheet(None);
            sheet::read(options, &mut held.again(), &limits(), &places, &mut take)
        }
        (format, _) => format.read(&reading.text, &steps, &limits(), &mut take),
    };
    read.map_err(|fault| unread(&fault))?;
    if fields.list.len() > FIELDS_MAX {
        return Err(NotUnderstood::new(
            format!("Bản ghi mẫu có hơn {FIELDS_MAX} trường: không phải bản ghi hồ sơ."),
            format!("The sample's records have more than {FIELDS_MAX} fields: no dossiers."),
        ));
    }
    if let Some(charset) = reading.source.as_ref().and_then(|source| source.charset) {
        fields.list.iter_mut().for_each(|field| field.decode(charset));
    }
    count += reading.sheet.as_ref().map_or(0, |held| held.more);
    count += reading.source.as_ref().map_or(0, |source| source.more);
    if fields.list.iter().all(|field| field.values.is_empty()) {
        return Err(NotUnderstood::new(
            "Không thấy bản ghi nào có dữ liệu trong tệp mẫu.",
            "No record with data is in the sample.",
        ));
    }
    let each = each.iter().map(|name| quoted(name)).collect::<Vec<_>>().join("/");
    Ok(Records { each, count, fields: fields.list })
}

/// Something that may repeat: the names that lead to it.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Weight {
    /// Fields that one of them has.
    fields: usize,
    /// How many there are.
    items: usize,
}

/// The names that lead to what repeats: what has the most fields, and of those, the most items.
fn repeated(reading: &Reading) -> Result<Vec<String>, NotUnderstood> {
    let mut found: BTreeMap<Vec<String>, Weight> = BTreeMap::new();
    let read = reading.format.read(&reading.text, &[], &limits(), &mut |item| {
        if let Ok((document, root)) = item {
            let mut way = Vec::new();
            if document.kind(root) == NodeKind::Element {
                way.push(document.name(root).to_owned());
            }
            weigh(document, root, &mut way, &mut found);
        }
    });
    read.map_err(|fault| unread(&fault))?;
    let best = found.into_iter().max_by(|(a, of_a), (b, of_b)| {
        // Of equals the outermost.
        of_a.cmp(of_b).then_with(|| b.len().cmp(&a.len()))
    });
    Ok(best.map(|(way, _)| way).unwrap_or_default())
}

fn weigh(
    document: &Document,
    node: NodeId,
    way: &mut Vec<String>,
    found: &mut BTreeMap<Vec<String>, Weight>,
) {
    if way.len() > DEPTH_MAX {
        return;
    }
    let is_array = document.kind(node) == NodeKind::Array;
    if !is_array && leaves(document, node, DEPTH_MAX) > 0 {
        let weight = found.entry(way.clone()).or_default();
        weight.items += 1;
        weight.fields = weight.fields.max(own_leaves(document, node));
    }
    for child in document.children(node) {
        if matches!(document.kind(child), NodeKind::Object | NodeKind::Element | NodeKind::Array) {
            // An array's items are reached by the array's own name.
            let named = !document.name(child).is_empty();
            if named {
                way.push(document.name(child).to_owned());
            }
            weigh(document, child, way, found);
            if named {
                way.pop();
            }
        }
    }
}

fn is_leaf(document: &Document, node: NodeId) -> bool {
    match document.kind(node) {
        NodeKind::Object | NodeKind::Array => false,
        NodeKind::Element => {
            document.children(node).all(|child| document.kind(child) == NodeKind::Attribute)
        }
        _ => true,
    }
}

/// How many children of a node bear each name: a root may hold a hundred thousand.
fn names(document: &Document, node: NodeId) -> HashMap<&str, usize> {
    let mut names = HashMap::new();
    for child in document.children(node) {
        *names.entry(document.name(child)).or_default() += 1;
    }
    names
}

/// Fields of a node and of what it holds once.
fn own_leaves(document: &Document, node: NodeId) -> usize {
    let names = names(document, node);
    let once = |child: &NodeId| names.get(document.name(*child)) == Some(&1);
    let of = |child: &NodeId| match document.kind(*child) {
        NodeKind::Array => 0,
        _ if is_leaf(document, *child) => 1,
        _ => own_leaves(document, *child),
    };
    document.children(node).filter(|child| once(child)).map(|child| of(&child)).sum()
}

fn leaves(document: &Document, node: NodeId, depth: usize) -> usize {
    let below = |child: NodeId| match is_leaf(document, child) {
        true => 1,
        false => depth.checked_sub(1).map_or(0, |depth| leaves(document, child, depth)),
    };
    document.children(node).map(below).sum()
}

/// Fields by their paths, in the order of their first appearance.
#[derive(Default)]
struct Fields {
    list: Vec<Field>,
    places: BTreeMap<String, usize>,
}

impl Fields {
    fn add(&mut self, document: &Document, record: NodeId) {
        self.walk(document, record, &mut Vec::new());
    }

    fn walk(&mut self, document: &Document, node: NodeId, way: &mut Vec<String>) {
        if way.len() >= DEPTH_MAX || self.list.len() > FIELDS_MAX {
            return;
        }
        let names = names(document, node);
        for child in &document.children(node).collect::<Vec<_>>() {
            let name = document.name(*child);
            if name.is_empty() || self.list.len() > FIELDS_MAX {
                continue;
            }
            let kind = document.kind(*child);
            let several = names.get(name).is_some_and(|count| *count > 1);
            let step = match kind {
                NodeKind::Attribute => format!("@{name}"),
                _ => quoted(name),
            };
            way.push(step);
            if kind == NodeKind::Array || several {
                self.field(way, name).is_list = true;
            } else {
                if is_leaf(document, *child) {
                    let text = document.text(*child).trim().to_owned();
                    let field = self.field(way, name);
                    field.is_number |= kind == NodeKind::Number;
                    if !text.is_empty() && kind != NodeKind::Null {
                        field.values.push(text);
                    }
                }
                self.walk(document, *child, way);
            }
            way.pop();
        }
    }

    fn field(&mut self, way: &[String], name: &str) -> &mut Field {
        // A name that must be quoted begins a path only after `./`.
        let path = way.join("/");
        let path = if path.starts_with('\'') { format!("./{path}") } else { path };
        let next = self.list.len();
        let at = *self.places.entry(path.clone()).or_insert(next);
        if at == next {
            let mut names: Vec<String> = way.iter().map(|step| bare(step).to_owned()).collect();
            if let Some(last) = names.last_mut() {
                name.clone_into(last);
            }
            self.list.push(Field { path, names, ..Field::default() });
        }
        &mut self.list[at]
    }
}

fn bare(step: &str) -> &str {
    step.trim_start_matches('@').trim_matches('\'')
}

/// A name as a step of a path.
fn quoted(name: &str) -> String {
    let plain = name.chars().all(|letter| letter.is_alphanumeric() || "_-.".contains(letter))
        && name.chars().next().is_some_and(|letter| letter.is_alphabetic() || letter == '_');
    if plain { name.to_owned() } else { format!("'{name}'") }
}
