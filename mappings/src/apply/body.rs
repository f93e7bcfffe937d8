//! A record's body, put together member by member.

use contracts::{Members, Part};
use serde_json::Number;

use crate::{
    functions::Value,
    mapping::{Segment, Wants},
};

/// Room for the members of an object within a body, so that it seldom grows.
const MEMBERS_TYPICAL: usize = 12;

/// A value as a part of a body, of the type that its member wants.
pub(crate) fn to_part(value: Value<'_>, wants: Wants) -> Part<'_> {
    match value {
        Value::Integer(number) if wants != Wants::Text => Part::Integer(number),
        Value::Boolean(flag) if wants != Wants::Text => Part::Boolean(flag),
        Value::Text(text) if wants == Wants::Number => {
            text.parse::<Number>().map_or_else(|_| Part::Text(text), Part::from)
        }
        Value::Number(text) if wants != Wants::Text => {
            text.parse::<Number>().map_or_else(|_| Part::Text(text.into()), Part::from)
        }
        Value::Text(text) => Part::Text(text),
        Value::Number(text) => Part::Text(text.into()),
        Value::Integer(number) => Part::Text(number.to_string().into()),
        Value::Boolean(flag) => Part::Text(flag.to_string().into()),
        Value::Moment(at) => Part::Moment(at),
    }
}

/// Puts a part in its place, with the objects and arrays on the way to it; `alone` where nothing
/// else is ever put there.
pub(crate) fn put<'a>(
    members: &mut Members<'a>,
    (segments, alone): (&'a [Segment], bool),
    part: Part<'a>,
) {
    let Some((Segment::Member(name), rest)) = segments.split_first() else { return };
    match rest {
        [] if alone => return members.push(name, part),
        [] => return members.put(name, part),
        _ => {}
    }
    match (members.get_or_put(name, || fresh(rest)), rest) {
        (Some(Part::Object(members)), rest) => put(members, (rest, alone), part),
        (Some(Part::Array(items)), [Segment::Index(_), rest @ ..]) => {
            if items.is_empty() {
                items.push(fresh(rest));
            }
            match (items.last_mut(), rest) {
                (Some(last), []) => *last = part,
                (Some(Part::Object(members)), rest) => put(members, (rest, alone), part),
                _ => {}
            }
        }
        _ => {}
    }
}

/// What the segments that follow are put into.
fn fresh<'a>(rest: &[Segment]) -> Part<'a> {
    match rest.first() {
        Some(Segment::Index(_)) => Part::Array(Vec::new()),
        Some(Segment::Member(_)) => Part::Object(Members::with_room_for(MEMBERS_TYPICAL)),
        None => Part::Null,
    }
}
