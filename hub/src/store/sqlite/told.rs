//! What earlier attempts have told of messages that are sent again.

use rusqlite::{Connection, OptionalExtension, params};

use super::at_rest;
use crate::store::{
    StoreError,
    at_rest::Place,
    batch::{SentAgain, Told, ToldBefore},
};

/// Reads it, of the records of some chunks.
pub(super) fn before(
    connection: &Connection,
    again: &[SentAgain],
) -> Result<ToldBefore, StoreError> {
    let sql = "SELECT previous, first_position, last_position FROM messages
               WHERE message = ?1 AND dedup = ?2 AND mode = ?3";
    let mut attempt = connection.prepare_cached(sql)?;
    let mut before = ToldBefore::default();
    for one in again {
        let mut next = Some(one.last);
        while let Some(message) = next {
            let values = params![message, one.dedup.as_bytes(), one.mode.as_str()];
            let found = attempt.query_row(values, |row| {
                let (first, last): (Option<u64>, Option<u64>) = (row.get(1)?, row.get(2)?);
                Ok((row.get::<_, Option<u64>>(0)?, first.zip(last)))
            });
            let Some((previous, positions)) = found.optional()? else { break };
            if let Some(positions) = positions {
                before.ended(&one.key, positions.1);
                told(connection, one, (message, positions), &mut before)?;
            }
            next = previous;
        }
    }
    Ok(before)
}

/// What one attempt has told of the records.
fn told(
    connection: &Connection,
    one: &SentAgain,
    (message, (first, last)): (u64, (u64, u64)),
    before: &mut ToldBefore,
) -> Result<(), StoreError> {
    let sql = "SELECT position, record FROM entries
               WHERE position BETWEEN ?1 AND ?2 AND message = ?3 AND record IS NOT NULL
               ORDER BY position LIMIT 1";
    let mut probe = connection.prepare_cached(sql)?;
    // Records lie in the order of their numbers: the first is found by halves.
    let (mut from, mut to) = (first, last + 1);
    while from < to {
        let middle = from + (to - from) / 2;
        let found = probe.query_row([middle, last, message], |row| row.get::<_, u32>(1));
        match found.optional()? {
            Some(record) if record < *one.records.start() => from = middle + 1,
            _ => to = middle,
        }
    }
    let sql = "SELECT e.position, e.record, e.kind, e.text, p.text, p.key_id,
                      p.wrapped_key FROM entries e
               LEFT JOIN personal p ON p.position = e.position
               WHERE e.position BETWEEN ?1 AND ?2 AND e.message = ?3 AND e.record IS NOT NULL
               ORDER BY e.position";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([from, last, message])?;
    while let Some(row) = rows.next()? {
        let record = row.get(1)?;
        if record > *one.records.end() {
            break;
        }
        let (kind, text): (String, Vec<u8>) = (row.get(2)?, row.get(3)?);
        let position: u64 = row.get(0)?;
        let personal = at_rest::text(row, Place::Personal(position), (4, 5))?;
        if let Some(told) = Told::read((position, record), (&kind, &text), personal)? {
            before.add(&one.key, told);
        }
    }
    Ok(())
}
