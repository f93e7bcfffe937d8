//! The value of one member: the first of its ways that gives one, or why there is none.

use std::{borrow::Cow, sync::atomic::Ordering};

use contracts::{Place, Problem, problem};

use super::PlaceOf;
use crate::{
    document::NodeId,
    functions::{Fault, Kind, Scene, Value},
    mapping::{Rule, Source, Way},
    path::{Found, Path},
    text::normalise,
};

/// The problem of a member that the contract requires and no way gives.
pub(crate) fn missing(rule: &Rule, scene: &Scene<'_>, place: &mut PlaceOf<'_>) -> Problem {
    let way = rule.ways.first();
    let path = way.and_then(|way| way.source.fields());
    let (line, column) = place(scene.document.offset(scene.record));
    let at = Place { line: Some(line), column: Some(column), path, record: None };
    let text = way.map_or("", |way| way.text.as_str());
    Problem::new(&problem::MISSING_MEMBER).at(rule.pointer.clone()).in_place(at).by_rule(text)
}

/// The first way that gives a value. `found` is what the record's plain paths find.
pub(crate) fn produce<'a>(
    rule: &'a Rule,
    scene: &Scene<'a>,
    found: &[Found],
    place: &mut PlaceOf<'_>,
) -> Result<Option<Value<'a>>, Box<Problem>> {
    for way in &rule.ways {
        let holds =
            way.when.as_ref().map_or(Ok(true), |when| when.holds(scene.document, scene.record));
        match holds {
            Ok(true) => {}
            Ok(false) => {
                way.passed.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            Err(message) => {
                let (line, column) = place(scene.document.offset(scene.record));
                let at = Place { line: Some(line), column: Some(column), ..Place::default() };
                let fault = Problem::new(&problem::UNDECIDED_RECORD).at(rule.pointer.clone());
                return Err(Box::new(fault.in_place(at).by_rule(message)));
            }
        }
        if let Some(value) = run(rule, way, scene, found, place)? {
            way.used.fetch_add(1, Ordering::Relaxed);
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn run<'a>(
    rule: &Rule,
    way: &'a Way,
    scene: &Scene<'a>,
    found: &[Found],
    place: &mut PlaceOf<'_>,
) -> Result<Option<Value<'a>>, Box<Problem>> {
    let mut node = None;
    let found_by = |path: &Path, at: Option<usize>| {
        let together = at.and_then(|at| found.get(at)).copied();
        together.unwrap_or_else(|| path.find(scene.document, scene.record))
    };
    let mut value = match &way.source {
        Source::Constant(text) => Value::Text(text.into()),
        Source::Path(path, at) => match found_by(path, *at) {
            Found::Several(id) => {
                return Err(fault(
                    rule,
                    way,
                    &problem::SEVERAL_VALUES,
                    (scene, Some(id)),
                    "",
                    place,
                ));
            }
            Found::One(id) if !scene.document.is_nil(id) => {
                node = Some(id);
                Value::Text(normalise::tidy_text(scene.document.text(id)))
            }
            _ => Value::Text(Cow::Borrowed("")),
        },
        Source::Computed(expression) => {
            let value = expression.evaluate(scene.document, scene.record);
            let given = value.and_then(|value| computed(value, expression.gives().into()));
            match given {
                Ok(Some(value)) => value,
                Ok(None) => Value::Text(Cow::Borrowed("")),
                Err(message) => {
                    let mut told =
                        fault(rule, way, &problem::NOT_COMPUTED, (scene, None), "", place);
                    (told.rule, told.value) = (message, None);
                    return Err(told);
                }
            }
        }
    };
    for call in &way.calls {
        // A function sees no empty text, but for the one that fills it.
        if matches!(&value, Value::Text(text) if text.is_empty()) && call.name != "default" {
            continue;
        }
        let shown = match &value {
            Value::Text(text) => text.clone(),
            _ => Cow::Borrowed(""),
        };
        match call.bound.apply.apply(value, scene) {
            Ok(Some(next)) => value = next,
            Ok(None) => return Ok(None),
            Err(Fault(kind)) => return Err(fault(rule, way, kind, (scene, node), &shown, place)),
        }
    }
    Ok(match value {
        Value::Text(text) if text.is_empty() => None,
        value => Some(value),
    })
}

/// The value of an expression, of the kind that was worked out when it was compiled. Where that
/// was not known it is text, as from a path.
fn computed(value: cel::Value, kind: Kind) -> Result<Option<Value<'static>>, String> {
    Ok(Some(match (value, kind) {
        (cel::Value::Null, _) => return Ok(None),
        (cel::Value::Int(number), Kind::Integer) => Value::Integer(number),
        (cel::Value::Bool(flag), Kind::Boolean) => Value::Boolean(flag),
        (cel::Value::String(text), Kind::Text) => normalise::tidy_text(&text).into_owned().into(),
        (cel::Value::Int(number), Kind::Text) => number.to_string().into(),
        (cel::Value::Bool(flag), Kind::Text) => flag.to_string().into(),
        (cel::Value::Float(number), Kind::Text) if number.is_finite() => number.to_string().into(),
        (_, kind) => return Err(format!("the expression gives no {kind:?}")),
    }))
}

fn fault(
    rule: &Rule,
    way: &Way,
    kind: &problem::Kind,
    (scene, node): (&Scene<'_>, Option<NodeId>),
    value: &str,
    place: &mut PlaceOf<'_>,
) -> Box<Problem> {
    let (line, column) = place(scene.document.offset(node.unwrap_or(scene.record)));
    let path = way.source.fields();
    let at = Place { line: Some(line), column: Some(column), path, record: None };
    let fault = Problem::new(kind).at(rule.pointer.clone()).in_place(at).by_rule(way.text.clone());
    Box::new(fault.with_value(value, rule.personal))
}
