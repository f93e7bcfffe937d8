//! Messages: what is known under an id, and what a sender is told.

use contracts::{Outcome, Receipt, Refusal};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::store::{MessageRow, StoreError, Submission, Tally, outcome_of, source_of};

/// What a chunk means to a message.
pub(super) enum Decision {
    /// A new attempt; the one before it under this id, if any.
    Fresh { previous: Option<i64> },
    /// The next chunk of a message being received.
    Continue { message: i64 },
    /// A chunk that is durable already; the one wanted.
    Skip { next: u32 },
    /// The message is known: repeat its outcome.
    Known { message: i64 },
    /// Other content under an id that has stored something; kept already or not.
    Conflict { known: i64, kept: Option<i64> },
}

struct Attempt {
    message: i64,
    dedup: Vec<u8>,
    mapping: Vec<u8>,
    next_chunk: u32,
    outcome: Option<String>,
}

fn attempt(
    connection: &Connection,
    channel: &str,
    id: &str,
) -> Result<Option<Attempt>, rusqlite::Error> {
    let sql = "SELECT m.message, m.dedup, m.mapping, m.next_chunk, m.outcome
               FROM message_keys k JOIN messages m ON m.message = k.message
               WHERE k.channel = ?1 AND k.id = ?2";
    let row = |row: &Row<'_>| {
        Ok(Attempt {
            message: row.get(0)?,
            dedup: row.get(1)?,
            mapping: row.get(2)?,
            next_chunk: row.get(3)?,
            outcome: row.get(4)?,
        })
    };
    connection.prepare_cached(sql)?.query_row([channel, id], row).optional()
}

/// Decides what a chunk means, by semantics §1.
pub(super) fn decide(
    connection: &Connection,
    chunk: &Submission,
) -> Result<Decision, rusqlite::Error> {
    let Some(known) = attempt(connection, &chunk.channel, &chunk.id)? else {
        return Ok(Decision::Fresh { previous: None });
    };
    let same = known.dedup == chunk.dedup.as_bytes();
    let same_mapping = known.mapping == chunk.mapping.as_bytes();
    let previous = Some(known.message);
    Ok(match known.outcome.as_deref() {
        None if same && same_mapping => match chunk.chunk.cmp(&known.next_chunk) {
            std::cmp::Ordering::Equal => Decision::Continue { message: known.message },
            _ => Decision::Skip { next: known.next_chunk },
        },
        // The mapping was mended while the message was being received: begin again.
        None if same => Decision::Fresh { previous },
        Some("refused") if !same || !same_mapping => Decision::Fresh { previous },
        Some("partial") if same && !same_mapping => Decision::Fresh { previous },
        Some(_) if same => Decision::Known { message: known.message },
        _ => {
            let sql = "SELECT message FROM message_conflicts
                       WHERE channel = ?1 AND id = ?2 AND dedup = ?3";
            let kept = connection
                .prepare_cached(sql)?
                .query_row(params![chunk.channel, chunk.id, chunk.dedup.as_bytes()], |row| {
                    row.get(0)
                })
                .optional()?;
            Decision::Conflict { known: known.message, kept }
        }
    })
}

/// Writes the row of a new attempt with its raw bytes.
pub(super) fn insert(
    connection: &Connection,
    chunk: &Submission,
    previous: Option<i64>,
    recorded_at: &str,
) -> Result<i64, rusqlite::Error> {
    let sql = "INSERT INTO messages (channel, id, previous, dedup, mode, mapping, content_type,
                   recorded_at, next_chunk, outcome, records, refused)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, NULL, 0, 0)";
    let message = connection.prepare_cached(sql)?.insert(params![
        chunk.channel,
        chunk.id,
        previous,
        chunk.dedup.as_bytes(),
        chunk.mode.as_str(),
        chunk.mapping.as_bytes(),
        chunk.payload.content_type,
        recorded_at,
    ])?;
    let sql = "INSERT INTO payloads (message, salt, bytes) VALUES (?1, ?2, ?3)";
    let bytes: &[u8] = &chunk.payload.bytes;
    connection.prepare_cached(sql)?.execute(params![
        message,
        chunk.payload.salt.as_bytes(),
        bytes
    ])?;
    Ok(message)
}

/// Makes an attempt the one that decides for its id.
pub(super) fn point(
    connection: &Connection,
    chunk: &Submission,
    message: i64,
) -> Result<(), rusqlite::Error> {
    let sql = "INSERT INTO message_keys (channel, id, message) VALUES (?1, ?2, ?3)
               ON CONFLICT (channel, id) DO UPDATE SET message = excluded.message";
    connection.prepare_cached(sql)?.execute(params![chunk.channel, chunk.id, message])?;
    Ok(())
}

/// Notes content that conflicts with what an id has stored.
pub(super) fn conflict(
    connection: &Connection,
    chunk: &Submission,
    message: i64,
) -> Result<(), rusqlite::Error> {
    let sql = "INSERT INTO message_conflicts (channel, id, dedup, message)
               VALUES (?1, ?2, ?3, ?4)";
    let dedup = chunk.dedup.as_bytes();
    connection.prepare_cached(sql)?.execute(params![chunk.channel, chunk.id, dedup, message])?;
    Ok(())
}

/// Adds a chunk's counts; the last chunk gives the message its outcome.
pub(super) fn advance(
    connection: &Connection,
    message: i64,
    chunk: &Submission,
    (records, refused): (u64, u64),
    positions: Option<(u64, u64)>,
) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE messages SET next_chunk = ?2, records = records + ?3, refused = refused + ?4,
                   first_position = coalesce(first_position, ?5),
                   last_position = coalesce(?6, last_position)
               WHERE message = ?1 RETURNING records, refused";
    let (first, last) = positions.unzip();
    let counts: (u64, u64) = connection
        .prepare_cached(sql)?
        .query_row(params![message, chunk.chunk + 1, records, refused, first, last], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    if chunk.last {
        settle(connection, message, outcome_of(counts.0, counts.1))?;
    }
    Ok(())
}

/// Gives a message its outcome.
pub(super) fn settle(
    connection: &Connection,
    message: i64,
    outcome: Outcome,
) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE messages SET outcome = ?2 WHERE message = ?1";
    connection.prepare_cached(sql)?.execute(params![message, outcome.as_str()])?;
    Ok(())
}

fn outcome(text: &str) -> Option<Outcome> {
    let all = [
        Outcome::Stored,
        Outcome::Duplicate,
        Outcome::Conflict,
        Outcome::Partial,
        Outcome::Refused,
    ];
    all.into_iter().find(|outcome| outcome.as_str() == text)
}

/// The receipt of a message that has its outcome; `again` says that it was sent once more.
pub(super) fn receipt(
    connection: &Connection,
    message: i64,
    again: bool,
) -> Result<Receipt, StoreError> {
    let sql = "SELECT channel, id, recorded_at, outcome, records, refused
               FROM messages WHERE message = ?1";
    let row = connection.prepare_cached(sql)?.query_row([message], |row| {
        let texts: [String; 4] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
        Ok((texts, row.get(4)?, row.get(5)?))
    })?;
    let ([channel, id, recorded_at, word], records, refused) = row;
    let damaged = || StoreError(format!("message {message} is damaged"));
    let first = outcome(&word).ok_or_else(damaged)?;
    let refusals = match refused {
        0 => Vec::new(),
        _ => refusals(connection, u64::try_from(message).unwrap_or(0), Receipt::REFUSALS_MAX)?,
    };
    Ok(Receipt {
        source: source_of(&channel),
        id,
        outcome: if again { Outcome::Duplicate } else { first },
        first: again.then_some(first),
        recorded_at: recorded_at.parse().map_err(|_| damaged())?,
        records,
        refused,
        refusals,
    })
}

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
        let found: Vec<Refusal> = serde_json::from_slice(&public)
            .map_err(|error| StoreError(format!("a refusal of message {message}: {error}")))?;
        all.extend(found.into_iter().take(limit - all.len()));
        if all.len() == limit {
            break;
        }
    }
    Ok(all)
}

const COLUMNS: &str = "message, channel, id, mode, recorded_at, outcome, previous, content_type, \
                       records, refused, first_position, last_position";

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

/// Messages by channel and outcome.
pub(super) fn outcomes(connection: &Connection) -> Result<Vec<Tally>, StoreError> {
    let sql = "SELECT channel, outcome, count(*), max(recorded_at) FROM messages
               GROUP BY channel, outcome ORDER BY channel, outcome";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        Ok(Tally {
            channel: row.get(0)?,
            outcome: row.get(1)?,
            messages: row.get(2)?,
            last_at: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
