//! Running a compiled mapping over one payload.

use contracts::{Body, Draft, Place, Problem, problem};
use serde_json::{Map, Value as Json};

use self::{
    body::{put, to_json},
    member::{missing, produce},
};

use crate::{
    document::{Document, NodeId},
    format::{Fault as FormatFault, FaultKind, Limits},
    functions::{Scene, Value},
    gazetteer::Gazetteer,
    mapping::{List, Mapping, RecordMapping},
};

mod body;
mod member;

/// What became of one record: its drafts, or every problem found in it.
pub type Outcome = Result<Vec<Draft>, Vec<Problem>>;

/// Line starts of a text, so that placing a thousand problems reads the text once.
struct Lines<'a> {
    source: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(source: &'a str) -> Self {
        let breaks = source.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self { source, starts: std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect() }
    }

    fn place(&self, offset: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = self.source.get(start..offset).unwrap_or("");
        (clamp(line), clamp(before.chars().count() + 1))
    }
}

fn clamp(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Translates one payload, handing over the outcome of each record with its number, from 1.
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
    on_record: &mut dyn FnMut(u32, Outcome),
) -> Result<(), Box<Problem>> {
    let source = mapping.charset.decode(payload).map_err(|error| {
        let at = Place { path: Some(format!("byte {}", error.offset)), ..Place::default() };
        Box::new(Problem::new(&problem::WRONG_CHARSET).in_place(at))
    })?;
    let mut lines = None;
    let mut place = |offset: usize| lines.get_or_insert_with(|| Lines::new(&source)).place(offset);
    let mut number = 0_u32;
    let read = mapping.format.read(&source, &mapping.each, &Limits::default(), &mut |item| {
        number = number.saturating_add(1);
        let mut outcome = match item {
            Ok((document, record)) => translate(mapping, document, record, gazetteer, &mut place),
            Err(fault) => Err(vec![format_problem(&fault, place(fault.offset))]),
        };
        if let Err(problems) = &mut outcome {
            for problem in problems {
                problem.place.record = Some(number);
            }
        }
        on_record(number, outcome);
    });
    read.map_err(|fault| Box::new(format_problem(&fault, place(fault.offset))))
}

fn format_problem(fault: &FormatFault, (line, column): (u32, u32)) -> Problem {
    let kind = match fault.kind {
        FaultKind::NotTheFormat => &problem::NOT_THE_FORMAT,
        FaultKind::DuplicateKey => &problem::DUPLICATE_KEY,
        FaultKind::ForbiddenMarkup => &problem::FORBIDDEN_MARKUP,
        FaultKind::LimitExceeded { .. } => &problem::LIMIT_EXCEEDED,
    };
    let place = Place { line: Some(line), column: Some(column), ..Place::default() };
    Problem::new(kind).in_place(place).by_rule(fault.detail.clone())
}

type PlaceOf<'a> = dyn FnMut(usize) -> (u32, u32) + 'a;

fn translate(
    mapping: &Mapping,
    document: &Document,
    record: NodeId,
    gazetteer: &Gazetteer,
    place: &mut PlaceOf<'_>,
) -> Outcome {
    let mut drafts = Vec::new();
    let mut problems = Vec::new();
    let mut taken = false;
    for rules in &mapping.records {
        match rules.when.as_ref().map_or(Ok(true), |when| when.holds(document, record)) {
            Ok(true) => taken = true,
            Ok(false) => continue,
            Err(message) => {
                let (line, column) = place(document.offset(record));
                let at = Place { line: Some(line), column: Some(column), ..Place::default() };
                let fault = Problem::new(&problem::UNDECIDED_RECORD).in_place(at).by_rule(message);
                problems.push(fault);
                taken = true;
                continue;
            }
        }
        let scene = Scene { document, record, gazetteer, day: None };
        match draft(rules, scene, place) {
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

fn draft(
    rules: &RecordMapping,
    mut scene: Scene<'_>,
    place: &mut PlaceOf<'_>,
) -> Result<Draft, Vec<Problem>> {
    let mut day_unreadable = false;
    if let Some(rule) = rules.day.and_then(|at| rules.rules.get(at)) {
        match produce(rule, &scene, place) {
            Ok(Some(Value::Moment(at))) => scene.day = Some(at.day()),
            Ok(_) => {}
            Err(_) => day_unreadable = true,
        }
    }
    let mut body = Map::with_capacity(rules.rules.len() + rules.lists.len());
    let mut key = String::new();
    let mut problems = Vec::new();
    for (at, rule) in rules.rules.iter().enumerate() {
        match produce(rule, &scene, place) {
            Ok(Some(value)) => {
                let json = to_json(value, rule.wants);
                if at == rules.key {
                    key = json.as_str().map_or_else(|| json.to_string(), ToOwned::to_owned);
                }
                put(&mut body, &rule.segments, json);
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
        return Err(problems);
    }
    let body = Json::Object(body);
    let body = if rules.retracts { Body::Retraction(body) } else { Body::Whole(body) };
    Ok(Draft { contract: rules.contract.clone(), key, body })
}

fn is_about_units(problem: &Problem) -> bool {
    [problem::UNKNOWN_UNIT.code, problem::AMBIGUOUS_UNIT.code].contains(&problem.code.as_str())
}

/// Maps each node of a list to an item; one without any value adds nothing.
fn items(
    list: &List,
    scene: Scene<'_>,
    place: &mut PlaceOf<'_>,
    body: &mut Map<String, Json>,
    problems: &mut Vec<Problem>,
) {
    let mut items = Vec::new();
    for node in list.path.find_all(scene.document, scene.record) {
        let scene = Scene { record: node, ..scene };
        let mut item = Map::with_capacity(list.rules.len());
        let mut found = Vec::new();
        for rule in &list.rules {
            match produce(rule, &scene, place) {
                Ok(Some(value)) => put(&mut item, &rule.segments, to_json(value, rule.wants)),
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
        items.push(Json::Object(item));
    }
    if !items.is_empty() {
        put(body, &list.segments, Json::Array(items));
    }
}
