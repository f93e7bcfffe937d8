//! Deliveries that were given up.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params, types::Value};

use super::{DELIVERY, LINES, OUTBOX, PERSONAL, advance, at_rest, delivery, moving, now};
use crate::store::{
    StoreError,
    at_rest::keys,
    deliveries::{DeadId, DeadLetter, DeadQuery, Delivery, shortened},
};

/// Gives up a delivery.
pub(super) fn bury(
    transaction: &Transaction<'_>,
    channel: &str,
    (key, position): (&str, u64),
    (cause, told): (&str, String),
) -> Result<(), StoreError> {
    let sql = "INSERT INTO dead_letters (channel, position, number, key, personal, body, attempts,
                   cause, told, buried_at, state)
               SELECT o.channel, o.position, (SELECT coalesce(max(number), 0) + 1
                       FROM dead_letters d WHERE d.channel = ?1 AND d.position = ?3),
                   o.key, o.personal, o.body, l.attempts + 1, ?4, ?5, ?6, 'waiting'
               FROM outbox o JOIN outbox_lines l ON l.channel = o.channel AND l.key = o.key
               WHERE o.channel = ?1 AND o.key = ?2 AND o.position = ?3";
    let values = params![channel, key, position, cause, shortened(told), now()];
    transaction.prepare_cached(sql)?.execute(values)?;
    advance(transaction, channel, (key, position))
}

const DEAD: &str = "channel, position, number, key, personal, body, attempts, cause, told,
    buried_at, state, decided_at, reason";

fn letter(row: &Row<'_>) -> Result<DeadLetter, rusqlite::Error> {
    let position = row.get(1)?;
    Ok(DeadLetter {
        id: DeadId { channel: row.get(0)?, position, number: row.get(2)? },
        key: row.get(3)?,
        personal: row.get(4)?,
        body: at_rest::edited(row, position, 5)?,
        attempts: row.get(6)?,
        cause: row.get(7)?,
        told: row.get(8)?,
        buried_at: row.get(9)?,
        state: row.get(10)?,
        decided_at: row.get(11)?,
        reason: row.get(12)?,
    })
}

/// A number of the hub's as SQLite has it: none is beyond 2^63.
fn number(one: u64) -> Value {
    Value::Integer(i64::try_from(one).unwrap_or(i64::MAX))
}

/// Dead letters, in the order in which they were buried.
pub(super) fn letters(
    connection: &Connection,
    query: DeadQuery,
) -> Result<Vec<DeadLetter>, StoreError> {
    let (mut wanted, mut values) = (vec!["1".to_owned()], Vec::new());
    let named = [("channel", query.channel), ("state", query.state), ("cause", query.cause)];
    for (column, value) in named {
        if let Some(value) = value {
            values.push(Value::Text(value));
            wanted.push(format!("{column} = ?{}", values.len()));
        }
    }
    for (sign, value) in [(">=", query.from), ("<", query.to)] {
        if let Some(value) = value {
            values.push(number(value));
            wanted.push(format!("buried_at {sign} ?{}", values.len()));
        }
    }
    if let Some((buried_at, id)) = query.after {
        let first = values.len() + 1;
        values.extend([number(buried_at), Value::Text(id.channel)]);
        values.extend([number(id.position), number(id.number)]);
        wanted.push(format!(
            "(buried_at, channel, position, number) > (?{first}, ?{}, ?{}, ?{})",
            first + 1,
            first + 2,
            first + 3
        ));
    }
    values.push(Value::Integer(query.limit.into()));
    let sql = format!(
        "SELECT {DEAD} FROM dead_letters WHERE {}
         ORDER BY buried_at, channel, position, number LIMIT ?{}",
        wanted.join(" AND "),
        values.len()
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(rusqlite::params_from_iter(values), letter)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One of them, with the delivery as it would be announced again.
pub(super) fn one(
    connection: &Connection,
    id: &DeadId,
) -> Result<Option<(DeadLetter, Delivery)>, StoreError> {
    let named = params![id.channel, id.position, id.number];
    let sql = format!(
        "SELECT {DEAD} FROM dead_letters WHERE channel = ?1 AND position = ?2 AND number = ?3"
    );
    let found = connection.prepare_cached(&sql)?.query_row(named, letter).optional()?;
    let Some(found) = found else { return Ok(None) };
    let sql = format!(
        "SELECT o.position, {DELIVERY} FROM dead_letters o
         JOIN entries e ON e.position = o.position {PERSONAL}
         WHERE o.channel = ?1 AND o.position = ?2 AND o.number = ?3"
    );
    let read = connection.prepare_cached(&sql)?.query_row(named, delivery)?;
    let read = Delivery { key: found.key.clone(), attempts: found.attempts, ..read };
    Ok(Some((found, read)))
}

/// Notes what was decided of one.
pub(super) const CLOSE: &str = "UPDATE dead_letters SET state = ?4, decided_at = ?5, reason = ?6
    WHERE channel = ?1 AND position = ?2 AND number = ?3 AND state = 'waiting'";

/// Puts some back into the outbox.
pub(super) fn replay(
    transaction: &Transaction<'_>,
    ids: Vec<DeadId>,
    body: Option<&[u8]>,
    reason: &str,
) -> Result<u64, StoreError> {
    if moving(transaction)? {
        return Ok(0);
    }
    let (mut done, now) = (0, now());
    for id in ids {
        let named = params![id.channel, id.position, id.number, "replayed", now, reason];
        if transaction.prepare_cached(CLOSE)?.execute(named)? == 0 {
            continue;
        }
        done += 1;
        let body = body.map(|body| keys().edited(id.position, body)).transpose()?;
        let sql = "SELECT key, personal, coalesce(?4, body) FROM dead_letters
                   WHERE channel = ?1 AND position = ?2 AND number = ?3";
        let values = params![id.channel, id.position, id.number, body.as_deref()];
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let (key, personal, body): (String, bool, Option<Vec<u8>>) =
            transaction.prepare_cached(sql)?.query_row(values, read)?;
        let values = params![id.channel, key, id.position, personal, body];
        let added = transaction.prepare_cached(OUTBOX)?.execute(values)?;
        let values = params![id.channel, key, added, now];
        transaction.prepare_cached(LINES)?.execute(values)?;
    }
    Ok(done)
}
