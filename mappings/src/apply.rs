//! Running a compiled mapping over one payload.

use std::{borrow::Cow, cell::Cell, sync::atomic::Ordering};

use contracts::{Body, Draft, Members, Part, Place, Problem, problem};
use serde_json::Value as Json;

pub(crate) use self::{
    body::{put, to_part},
    member::{missing, produce},
};

use crate::{
    document::{Document, NodeId},
    format::{
        Fault as FormatFault, FaultKind, Format, Limits,
        sheet::{self, Sheet},
    },
    functions::{Scene, Value},
    gazetteer::Gazetteer,
    mapping::{List, Mapping, RecordMapping},
    origin::{Origin, Places},
    text::charset::Charset,
};

mod body;
mod member;

/// What became of one record: its drafts, or every problem found in it.
pub type Outcome<'a> = Result<Vec<Draft<'a>>, Vec<Problem>>;

/// One file to translate: a payload, or a file of an archive that the payload is.
pub struct File<'a> {
    /// Its name within the archive.
    pub member: Option<&'a str>,
    /// How many records of the payload stand before it.
    pub before: u32,
    /// What it holds.
    pub content: Content<'a>,
}

/// What a file holds.
pub enum Content<'a> {
    /// Its bytes.
    Bytes(&'a [u8]),
    /// The sheet of a workbook, which is open.
    Sheet(&'a mut dyn Sheet),
}

/// Translates one payload, handing over the outcome of each record with its place.
///
/// Total: whatever the bytes, it returns, and every record is handed over once or lies behind the
/// place that the error names. Nothing is kept, so memory is bounded by the payload and a record.
///
/// # Errors
/// Why the payload could not be read, or not to its end.
pub fn apply(
    mapping: &Mapping,
    payload: &[u8],
    gazetteer: &Gazetteer,
    on_record: &mut dyn FnMut(&Origin<'_>, Outcome<'_>),
) -> Result<(), Box<Problem>> {
    let file = File { member: None, before: 0, content: Content::Bytes(payload) };
    apply_file(mapping, file, gazetteer, on_record)
}

/// Translates one file, as [`apply`] does a payload. The sheet of a workbook comes to it open.
///
/// # Errors
/// Why the file could not be read, or not to its end.
pub fn apply_file(
    mapping: &Mapping,
    file: File<'_>,
    gazetteer: &Gazetteer,
    on_record: &mut dyn FnMut(&Origin<'_>, Outcome<'_>),
) -> Result<(), Box<Problem>> {
    let run = Run::new(mapping, gazetteer, file.before);
    read_file(mapping, file, &mut |places, item| run.record(places, item, on_record))
}

/// What receives each record of a file, with where it stands.
pub(crate) type OnItem<'a> = dyn FnMut(&Places<'_>, Result<(&Document, NodeId), FormatFault>) + 'a;

/// Reads one file as its channel declares it, record by record.
///
/// # Errors
/// Why the file could not be read, or not to its end.
pub(crate) fn read_file(
    mapping: &Mapping,
    file: File<'_>,
    on_item: &mut OnItem<'_>,
) -> Result<(), Box<Problem>> {
    let member = file.member;
    let limits = Limits::default();
    let told = |places: &Places<'_>, fault: FormatFault| {
        let mut problem = format_problem(&fault, places.place(fault.offset));
        places.complete(&mut problem.place);
        Box::new(problem)
    };
    match (&mapping.format, file.content) {
        (Format::Sheet(options), Content::Sheet(sheet)) => {
            let places = Places::of_sheet(member);
            let read = sheet::read(options, sheet, &limits, &places, &mut |item| {
                on_item(&places, item);
            });
            read.map_err(|fault| told(&places, fault))
        }
        (format, Content::Bytes(payload)) => {
            let source = format.text(mapping.charset, payload).map_err(|error| {
                let mut at = undecoded(mapping.charset, payload, error.offset);
                Places::of_text("", member).complete(&mut at);
                Box::new(Problem::new(&problem::WRONG_CHARSET).in_place(at))
            })?;
            let places = Places::of_text(&source, member);
            let read = format.read(&source, &mapping.each, &limits, &mut |item| {
                on_item(&places, item);
            });
            read.map_err(|fault| told(&places, fault))
        }
        (_, Content::Sheet(sheet)) => {
            let fault = FormatFault::syntax(1, "a workbook where another format is declared");
            let places = Places::of_sheet(member);
            places.in_sheet(sheet.name());
            Err(told(&places, fault))
        }
    }
}

/// One file under way.
struct Run<'a> {
    mapping: &'a Mapping,
    gazetteer: &'a Gazetteer,
    number: Cell<u32>,
    stopped: Cell<bool>,
}

impl<'a> Run<'a> {
    fn new(mapping: &'a Mapping, gazetteer: &'a Gazetteer, before: u32) -> Self {
        let (number, stopped) = (Cell::new(before), Cell::new(false));
        Self { mapping, gazetteer, number, stopped }
    }

    /// Translates one record, or places the fault of one that could not be read.
    fn record(
        &self,
        places: &Places<'_>,
        item: Result<(&Document, NodeId), FormatFault>,
        on_record: &mut dyn FnMut(&Origin<'_>, Outcome<'_>),
    ) {
        let Self { mapping, gazetteer, number, stopped } = self;
        if stopped.get() {
            return;
        }
        let record = number.get().saturating_add(1);
        number.set(record);
        let mut place = |offset: usize| places.place(offset);
        let offset = match &item {
            Ok((document, record)) => document.offset(*record),
            Err(fault) => fault.offset,
        };
        let native = item.as_ref().ok().copied();
        let mut key = None;
        let mut outcome = match item {
            Ok((document, record)) => {
                let scene = Scene { document, record, gazetteer, day: None };
                translate(mapping, scene, &mut place, &mut key)
            }
            Err(fault) => Err(vec![format_problem(&fault, place(fault.offset))]),
        };
        if let Err(problems) = &mut outcome {
            for problem in problems {
                problem.place.record = Some(record);
                places.complete(&mut problem.place);
            }
        }
        let key = key.as_deref();
        on_record(&Origin { record, key, native, offset, mapping, places, stopped }, outcome);
    }
}

/// The place of a byte: exact by its number, and by line and column where bytes tell lines.
fn undecoded(charset: Charset, payload: &[u8], offset: usize) -> Place {
    let path = Some(format!("byte {offset}"));
    if charset == Charset::Utf16 {
        return Place { path, ..Place::default() };
    }
    let before = payload.get(..offset).unwrap_or(payload);
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let own = before.get(start..).unwrap_or_default();
    // In UTF-8 all before it is sound; in the others a byte is a letter, or nearly.
    let column = std::str::from_utf8(own).map_or(own.len(), |text| text.chars().count()) + 1;
    let number = |count: usize| u32::try_from(count).ok();
    Place { line: number(line), column: number(column), path, record: None }
}

fn format_problem(fault: &FormatFault, (line, column): (u32, u32)) -> Problem {
    let kind = match fault.kind {
        FaultKind::NotTheFormat => &problem::NOT_THE_FORMAT,
        FaultKind::DuplicateKey => &problem::DUPLICATE_KEY,
        FaultKind::ForbiddenMarkup => &problem::FORBIDDEN_MARKUP,
        FaultKind::WrongCharset => &problem::WRONG_CHARSET,
        FaultKind::LimitExceeded { .. } => &problem::LIMIT_EXCEEDED,
        FaultKind::ListAbsent { .. } => &problem::LIST_ABSENT,
    };
    let place = match &fault.kind {
        FaultKind::ListAbsent { path } => Place { path: Some(path.clone()), ..Place::default() },
        _ => Place { line: Some(line), column: Some(column), ..Place::default() },
    };
    Problem::new(kind).in_place(place).by_rule(fault.detail.clone())
}

pub(crate) type PlaceOf<'a> = dyn FnMut(usize) -> (u32, u32) + 'a;

/// `refused` takes the key of a record that is refused, where it can be read.
fn translate<'a>(
    mapping: &'a Mapping,
    scene: Scene<'a>,
    place: &mut PlaceOf<'_>,
    refused: &mut Option<String>,
) -> Outcome<'a> {
    let Scene { document, record, .. } = scene;
    let mut drafts = Vec::new();
    let mut problems = Vec::new();
    let mut taken = false;
    for rules in &mapping.records {
        match rules.when.as_ref().map_or(Ok(true), |when| when.holds(document, record)) {
            Ok(true) => {
                rules.taken.fetch_add(1, Ordering::Relaxed);
                taken = true;
            }
            Ok(false) => {
                rules.passed.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            Err(message) => {
                let (line, column) = place(document.offset(record));
                let at = Place { line: Some(line), column: Some(column), ..Place::default() };
                let fault = Problem::new(&problem::UNDECIDED_RECORD).in_place(at).by_rule(message);
                problems.push(fault);
                taken = true;
                continue;
            }
        }
        match draft(rules, scene, place, refused) {
            Ok(draft) => drafts.push(draft),
            Err(found) => problems.extend(found),
        }
    }
    if !taken {
        let (line, column) = place(document.offset(record));
        let at = Place { line: Some(line), column: Some(column), ..Place::default() };
        problems.push(Problem::new(&problem::UNDECIDED_RECORD).in_place(at));
    }
    if problems.is_empty() { Ok(drafts) } else { Err(problems) }
}

fn draft<'a>(
    rules: &'a RecordMapping,
    mut scene: Scene<'a>,
    place: &mut PlaceOf<'_>,
    refused: &mut Option<String>,
) -> Result<Draft<'a>, Vec<Problem>> {
    let found = rules.paths.find(scene.document, scene.record);
    let mut day_unreadable = false;
    if let Some(rule) = rules.day.and_then(|at| rules.rules.get(at)) {
        match produce(rule, &scene, &found, place) {
            Ok(Some(Value::Moment(at))) => scene.day = Some(at.day()),
            Ok(_) => {}
            Err(_) => day_unreadable = true,
        }
    }
    let mut body = Members::with_room_for(rules.rules.len() + rules.lists.len());
    let mut key = Cow::Borrowed("");
    let mut problems = Vec::new();
    for (at, rule) in rules.rules.iter().enumerate() {
        match produce(rule, &scene, &found, place) {
            Ok(Some(value)) => {
                let part = to_part(value, rule.wants);
                if at == rules.key {
                    key = key_of(&part);
                }
                put(&mut body, (&rule.segments, rule.alone), part);
            }
            Ok(None) if rule.required => problems.push(missing(rule, &scene, place)),
            Ok(None) => {}
            Err(problem) => problems.push(*problem),
        }
    }
    for list in &rules.lists {
        items(list, scene, place, &mut body, &mut problems);
    }
    if day_unreadable {
        // Whether a unit stood on a day that cannot be read is no question for the agency.
        problems.retain(|problem| !is_about_units(problem));
    }
    if !problems.is_empty() {
        if refused.is_none() && !key.is_empty() {
            *refused = Some(key.into_owned());
        }
        return Err(problems);
    }
    let body = Part::Object(body);
    let body = if rules.retracts { Body::Retraction(body) } else { Body::Whole(body) };
    Ok(Draft { contract: rules.contract.clone(), key, body })
}

/// The key of a record whose key member is that.
fn key_of<'a>(part: &Part<'a>) -> Cow<'a, str> {
    match part {
        Part::Text(text) => text.clone(),
        Part::Moment(at) => at.to_string().into(),
        other => Json::from(other).to_string().into(),
    }
}

fn is_about_units(problem: &Problem) -> bool {
    [problem::UNKNOWN_UNIT.code, problem::AMBIGUOUS_UNIT.code].contains(&problem.code.as_str())
}

/// Maps each node of a list to an item; one without any value adds nothing.
pub(crate) fn items<'a>(
    list: &'a List,
    scene: Scene<'a>,
    place: &mut PlaceOf<'_>,
    body: &mut Members<'a>,
    problems: &mut Vec<Problem>,
) {
    let mut items = Vec::new();
    for node in list.path.find_all(scene.document, scene.record) {
        let scene = Scene { record: node, ..scene };
        let mut item = Members::with_room_for(list.rules.len());
        let mut found = Vec::new();
        for rule in &list.rules {
            match produce(rule, &scene, &[], place) {
                Ok(Some(value)) => {
                    put(&mut item, (&rule.segments, rule.alone), to_part(value, rule.wants))
                }
                Ok(None) if rule.required => found.push(missing(rule, &scene, place)),
                Ok(None) => {}
                Err(problem) => found.push(*problem),
            }
        }
        let silent = found.iter().all(|problem| problem.code == problem::MISSING_MEMBER.code);
        if silent && item.is_empty() {
            continue;
        }
        let number = items.len();
        for problem in &mut found {
            problem.pointer =
                format!("/{}/{number}{}", list.target.replace('.', "/"), problem.pointer);
        }
        problems.extend(found);
        items.push(Part::Object(item));
    }
    if !items.is_empty() {
        put(body, (&list.segments, false), Part::Array(items));
    }
}
