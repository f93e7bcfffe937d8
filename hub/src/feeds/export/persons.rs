//! Personal members in an export of records: for a reader who says what for, of the records that
//! are its own. The log of accesses has them, page by page, before a line of the page is written.

use std::collections::HashMap;

use contracts::schema;
use serde_json::{Map, Value};

use super::{Unwritten, event::Event};
use crate::{
    feeds::Fed,
    operations::{About, Operations, Persons, Reader, owners},
    store::StoreError,
};

/// The member of an event that says what became of its personal members.
pub(super) const PERSONAL: &str = "personal";

/// What an event has of persons, for a reader.
enum Found {
    /// Nothing, or nothing that is the reader's to see.
    Said(Persons),
    /// Those of the entry at a position.
    At(u64),
}

/// The lines of a page's events, in their order, with the personal members that are the reader's
/// to see: `data` holds both sides, `personal` says what became of these. What was erased is not
/// there.
///
/// # Errors
/// When the store cannot answer, or cannot write the log: then nothing is given.
pub(super) async fn joined(
    operations: &Operations,
    reader: &Reader,
    taken: &[(&Fed, Event<'_>)],
) -> Result<Vec<Vec<u8>>, Unwritten> {
    let (mut found, mut asked) = (Vec::with_capacity(taken.len()), Vec::new());
    for (fed, event) in taken {
        found.push(if !event.has_personal()? {
            Found::Said(Persons::None)
        } else if !fed.audience.is_party(reader.who()) {
            Found::Said(Persons::Withheld)
        } else {
            let position = event.position()?;
            let agencies = owners(fed.audience.agencies.iter().flatten().map(String::as_str));
            asked.push(About { position, agencies, subject: event.about()? });
            Found::At(position)
        });
    }
    let texts = operations.persons(reader, asked).await?;
    let mut texts: HashMap<u64, _> = texts.into_iter().collect();
    let lines = taken.iter().zip(found).map(|((_, event), found)| match found {
        Found::Said(persons) => line(event.text(), persons, None),
        Found::At(position) => match texts.remove(&position) {
            None => line(event.text(), Persons::Erased, None),
            Some(text) => line(event.text(), Persons::Included, Some(&text)),
        },
    });
    lines.collect()
}

/// An event with what became of its personal members, and with these where they are given.
fn line(text: &[u8], persons: Persons, personal: Option<&[u8]>) -> Result<Vec<u8>, Unwritten> {
    let damaged = |error: serde_json::Error| {
        StoreError::fault(format!("a record with persons is damaged: {error}"))
    };
    let mut event: Map<String, Value> = serde_json::from_slice(text).map_err(damaged)?;
    if let Some(personal) = personal {
        let personal = serde_json::from_slice(personal).map_err(damaged)?;
        let data = event.get_mut("data").map(Value::take).unwrap_or_default();
        event.insert("data".to_owned(), schema::join(data, personal));
    }
    let word = serde_json::to_value(persons).map_err(damaged)?;
    event.insert(PERSONAL.to_owned(), word);
    Ok(serde_json::to_vec(&event).map_err(damaged)?)
}
