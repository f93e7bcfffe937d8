//! Messages as readers ask for them.

pub(super) mod channels;
mod controls;
mod kept;
pub(super) mod open_refusals;

use contracts::Refusal;
use rusqlite::{Connection, Row, params};

use crate::store::{MessageRow, StoreError};

/// The first refusals of a message.
pub(super) fn refusals(
    connection: &Connection,
    message: u64,
    limit: usize,
) -> Result<Vec<Refusal>, StoreError> {
    let sql =
        "SELECT public FROM entries WHERE message = ?1 AND kind = 'refusal' ORDER BY position";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([message])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let public: Vec<u8> = row.get(0)?;
        let found: Vec<Refusal> = serde_json::from_slice(&public).map_err(|error| {
            StoreError::fault(format!("a refusal of message {message}: {error}"))
        })?;
        all.extend(found.into_iter().take(limit - all.len()));
        if all.len() == limit {
            break;
        }
    }
    Ok(all)
}

const COLUMNS: &str = "message, channel, id, mode, recorded_at, outcome, previous, content_type, \
                       records, refused, first_position, last_position, erased, dropped";

fn message_row(row: &Row<'_>) -> Result<MessageRow, rusqlite::Error> {
    Ok(MessageRow {
        message: row.get(0)?,
        channel: row.get(1)?,
        id: row.get(2)?,
        mode: row.get(3)?,
        recorded_at: row.get(4)?,
        outcome: row.get(5)?,
        previous: row.get(6)?,
        content_type: row.get(7)?,
        records: row.get(8)?,
        refused: row.get(9)?,
        first_position: row.get(10)?,
        last_position: row.get(11)?,
        erased: row.get(12)?,
        dropped: row.get(13)?,
    })
}

/// Attempts under an id, newest first.
pub(super) fn by_id(
    connection: &Connection,
    channel: Option<&str>,
    id: &str,
) -> Result<Vec<MessageRow>, StoreError> {
    // Ids are few words of one channel each; the primary key leads with the channel.
    let channels: Vec<String> = match channel {
        Some(channel) => vec![channel.to_owned()],
        None => {
            let mut statement =
                connection.prepare_cached("SELECT DISTINCT channel FROM messages")?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect::<Result<_, _>>()?
        }
    };
    let mut found = Vec::new();
    for channel in channels {
        let sql = "SELECT message FROM message_keys WHERE channel = ?1 AND id = ?2
                   UNION ALL
                   SELECT message FROM message_conflicts WHERE channel = ?1 AND id = ?2";
        let mut statement = connection.prepare_cached(sql)?;
        let rows = statement.query_map([&channel, id], |row| row.get::<_, u64>(0))?;
        let mut wanted = rows.collect::<Result<Vec<_>, _>>()?;
        while let Some(message) = wanted.pop() {
            let sql = format!("SELECT {COLUMNS} FROM messages WHERE message = ?1");
            let row = connection.prepare_cached(&sql)?.query_row([message], message_row)?;
            // A conflict's `previous` is the message it conflicts with, listed by its own key.
            if row.outcome.as_deref() != Some("conflict") {
                wanted.extend(row.previous);
            }
            found.push(row);
        }
    }
    found.sort_by_key(|row| std::cmp::Reverse(row.message));
    Ok(found)
}

/// The latest messages of a channel or of all.
pub(super) fn latest(
    connection: &Connection,
    channel: Option<&str>,
    limit: u32,
) -> Result<Vec<MessageRow>, StoreError> {
    let filter = if channel.is_some() { "WHERE channel = ?1" } else { "WHERE ?1 IS NULL" };
    let sql = format!("SELECT {COLUMNS} FROM messages {filter} ORDER BY message DESC LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![channel, limit], message_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}
