//! A record's body, put together member by member.

use contracts::Moment;
use serde_json::{Map, Number, Value as Json};

use crate::{
    functions::Value,
    mapping::{Segment, Wants},
};

/// Room for the members of an object within a body, so that it seldom grows.
const MEMBERS_TYPICAL: usize = 12;

/// The JSON of a value, of the type that its member wants.
pub(super) fn to_json(value: Value<'_>, wants: Wants) -> Json {
    match value {
        Value::Integer(number) if wants != Wants::Text => Json::Number(number.into()),
        Value::Boolean(flag) if wants != Wants::Text => Json::Bool(flag),
        Value::Text(text) if wants == Wants::Number => {
            text.parse::<Number>().map_or_else(|_| Json::String(text.into_owned()), Json::Number)
        }
        Value::Text(text) => Json::String(text.into_owned()),
        Value::Integer(number) => Json::String(number.to_string()),
        Value::Boolean(flag) => Json::String(flag.to_string()),
        Value::Moment(Moment::Day(day)) => Json::String(day.to_string()),
        Value::Moment(at) => Json::String(at.to_string()),
    }
}

/// Puts a value in its place, with the objects and arrays on the way to it.
pub(super) fn put(members: &mut Map<String, Json>, segments: &[Segment], value: Json) {
    let Some((Segment::Member(name), rest)) = segments.split_first() else { return };
    if rest.is_empty() {
        members.insert(name.clone(), value);
        return;
    }
    // The members of an inner object come one after the other.
    let last = members.iter().next_back().is_some_and(|(last, _)| last == name);
    if !last && !members.contains_key(name) {
        members.insert(name.clone(), fresh(rest));
    }
    let held = match last {
        true => members.iter_mut().next_back().map(|(_, held)| held),
        false => members.get_mut(name),
    };
    match (held, rest) {
        (Some(Json::Object(members)), rest) => put(members, rest, value),
        (Some(Json::Array(items)), [Segment::Index(_), rest @ ..]) => {
            if items.is_empty() {
                items.push(fresh(rest));
            }
            match (items.last_mut(), rest) {
                (Some(last), []) => *last = value,
                (Some(Json::Object(members)), rest) => put(members, rest, value),
                _ => {}
            }
        }
        _ => {}
    }
}

/// What the segments that follow are put into.
fn fresh(rest: &[Segment]) -> Json {
    match rest.first() {
        Some(Segment::Index(_)) => Json::Array(Vec::new()),
        Some(Segment::Member(_)) => Json::Object(Map::with_capacity(MEMBERS_TYPICAL)),
        None => Json::Null,
    }
}
