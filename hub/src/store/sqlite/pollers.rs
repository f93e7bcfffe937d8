//! Turns of reading, cursors, and what was read.

use std::{collections::BTreeMap, time::Duration};

use adapters::inbound::Mark;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{SqliteStore, Task};
use crate::store::{
    Answer, StoreError, Submission,
    batch::Moved,
    pollers::{self, Kept, LEASE, PollEnd, PollTurn, PollerRow, Pollers, Taken, millis},
};

/// Milliseconds since 1970.
const NOW: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/// A turn that ends further ahead than one can last is nobody's, and one that ended ahead of now is
/// over: the clock has been set back, and nobody waits for a time that never was.
fn take(
    transaction: &Transaction<'_>,
    channel: &str,
    every: Duration,
) -> Result<Taken, StoreError> {
    let sql = "INSERT INTO pollers (channel) SELECT ?1 FROM head
               WHERE leaving IS NULL AND arriving IS NULL ON CONFLICT (channel) DO NOTHING";
    transaction.prepare_cached(sql)?.execute([channel])?;
    let sql = format!(
        "UPDATE pollers SET token = token + 1, holder = ?2, ends_at = {NOW} + ?3
         WHERE channel = ?1 AND ends_at NOT BETWEEN {NOW} + 1 AND {NOW} + ?3
         AND (due_at <= {NOW} OR ended_at > {NOW}
             OR (failures = 0 AND coalesce(ended_at, 0) + ?4 <= {NOW}))
         AND EXISTS (SELECT 1 FROM head WHERE leaving IS NULL AND arriving IS NULL)
         RETURNING token, cursor, failures"
    );
    let holder = format!("process {}", std::process::id());
    let values = params![channel, holder, millis(LEASE), millis(every)];
    let turn = transaction
        .prepare_cached(&sql)?
        .query_row(values, |row| {
            Ok(PollTurn { token: row.get(0)?, cursor: row.get(1)?, failures: row.get(2)? })
        })
        .optional()?;
    if let Some(turn) = turn {
        return Ok(Taken::Turn(turn));
    }
    let sql = format!("SELECT max(ends_at, due_at), {NOW} FROM pollers WHERE channel = ?1");
    let found: Option<(i64, i64)> = transaction
        .prepare_cached(&sql)?
        .query_row([channel], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(Taken::After(found.map_or(LEASE, |(at, now)| pollers::until(at, now)).min(every)))
}

/// Whatever writes has the file alone but for moments: who starts takes over.
fn begin(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    transaction.execute("UPDATE pollers SET ends_at = 0 WHERE ends_at > 0", [])?;
    Ok(())
}

fn keep(transaction: &Transaction<'_>, turns: &[Kept]) -> Result<Vec<String>, StoreError> {
    let sql = format!(
        "UPDATE pollers SET ends_at = {NOW} + ?3,
             succeeded_at = CASE WHEN ?4 THEN {NOW} ELSE succeeded_at END,
             failures = CASE WHEN ?4 THEN 0 ELSE failures END,
             trouble = CASE WHEN ?4 THEN NULL ELSE trouble END
         WHERE channel = ?1 AND token = ?2 AND ends_at > {NOW}"
    );
    let mut statement = transaction.prepare_cached(&sql)?;
    let mut kept = Vec::new();
    for Kept { channel, token, well } in turns {
        if statement.execute(params![channel, token, millis(LEASE), well])? > 0 {
            kept.push(channel.clone());
        }
    }
    Ok(kept)
}

fn move_cursor(
    transaction: &Transaction<'_>,
    (channel, token): (&str, u64),
    cursor: &str,
) -> Result<bool, StoreError> {
    let sql = format!(
        "UPDATE pollers SET ends_at = {NOW} + ?3, moved_at = {NOW}, cursor = ?4
         WHERE channel = ?1 AND token = ?2 AND ends_at > {NOW}
         AND EXISTS (SELECT 1 FROM head WHERE leaving IS NULL AND arriving IS NULL)"
    );
    let values = params![channel, token, millis(LEASE), cursor];
    Ok(transaction.prepare_cached(&sql)?.execute(values)? > 0)
}

fn end(transaction: &Transaction<'_>, end: &PollEnd) -> Result<bool, StoreError> {
    let sql = format!(
        "UPDATE pollers SET ends_at = {NOW}, due_at = {NOW} + ?3, ended_at = {NOW}, trouble = ?4,
             failures = CASE WHEN ?4 IS NULL THEN 0 WHEN ?5 THEN 1 ELSE failures + 1 END,
             succeeded_at = CASE WHEN ?4 IS NULL THEN {NOW} ELSE succeeded_at END
         WHERE channel = ?1 AND token = ?2 AND ends_at > {NOW}"
    );
    let trouble = pollers::text(end.trouble.as_ref());
    let values = params![end.channel, end.token, millis(end.pause), trouble, end.moved];
    Ok(transaction.prepare_cached(&sql)?.execute(values)? > 0)
}

fn polled(
    connection: &Connection,
    channel: &str,
    keys: &[Mark],
) -> Result<Vec<(Mark, Mark)>, StoreError> {
    let sql = "SELECT content FROM polled WHERE channel = ?1 AND key = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = Vec::new();
    for key in keys {
        let content: Option<Vec<u8>> =
            statement.query_row(params![channel, key], |row| row.get(0)).optional()?;
        if let Some(content) = content {
            found.push((*key, pollers::mark(&content)?));
        }
    }
    Ok(found)
}

fn all(connection: &Connection) -> Result<Vec<PollerRow>, StoreError> {
    let sql = format!(
        "SELECT channel, ends_at > {NOW}, holder, succeeded_at, moved_at, due_at, failures, trouble
         FROM pollers ORDER BY channel"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([], |row| {
        Ok(PollerRow {
            channel: row.get(0)?,
            under_way: row.get(1)?,
            holder: row.get(2)?,
            succeeded_at: row.get(3)?,
            moved_at: row.get(4)?,
            due_at: row.get(5)?,
            failures: row.get(6)?,
            trouble: pollers::trouble(row.get(7)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Which turns of a batch's channels are in force.
pub(super) fn in_force(
    connection: &Connection,
    chunks: &[Submission],
) -> Result<BTreeMap<String, u64>, StoreError> {
    let mut found = BTreeMap::new();
    let sql = format!("SELECT token FROM pollers WHERE channel = ?1 AND ends_at > {NOW}");
    for chunk in chunks.iter().filter(|chunk| chunk.advance.is_some()) {
        let mut statement = connection.prepare_cached(&sql)?;
        let token = statement.query_row([&chunk.channel], |row| row.get(0)).optional()?;
        found.extend(token.map(|token| (chunk.channel.clone(), token)));
    }
    Ok(found)
}

/// Moves cursors; the turns are in force.
pub(super) fn moved(connection: &Connection, all: &[Moved]) -> Result<(), StoreError> {
    let cursor = format!(
        "UPDATE pollers SET cursor = ?2, ends_at = max(ends_at, {NOW} + ?3), moved_at = {NOW}
         WHERE channel = ?1"
    );
    let polled = "INSERT INTO polled (channel, key, content) VALUES (?1, ?2, ?3)
                  ON CONFLICT (channel, key) DO UPDATE SET content = excluded.content";
    for Moved { channel, advance } in all {
        let values = params![channel, advance.cursor, millis(LEASE)];
        connection.prepare_cached(&cursor)?.execute(values)?;
        let mut statement = connection.prepare_cached(polled)?;
        // In the order of the keys, so that each page is gone to once; of one key the last holds.
        let mut marks: Vec<&(Mark, Mark)> = advance.polled.iter().collect();
        marks.sort_by_key(|(key, _)| key);
        for (key, content) in marks {
            statement.execute(params![channel, key, content])?;
        }
    }
    Ok(())
}

impl Pollers for SqliteStore {
    fn take_turn(&self, channel: String, every: Duration) -> Answer<'_, Result<Taken, StoreError>> {
        self.alone(Task::Aside, move |transaction| take(transaction, &channel, every))
    }

    fn begin_turns(&self) -> Answer<'_, Result<(), StoreError>> {
        self.alone(Task::Aside, begin)
    }

    fn keep_turns(&self, turns: Vec<Kept>) -> Answer<'_, Result<Vec<String>, StoreError>> {
        self.alone(Task::Aside, move |transaction| keep(transaction, &turns))
    }

    fn move_cursor(
        &self,
        channel: String,
        token: u64,
        cursor: String,
    ) -> Answer<'_, Result<bool, StoreError>> {
        self.alone(Task::Aside, move |transaction| {
            move_cursor(transaction, (&channel, token), &cursor)
        })
    }

    fn end_turn(&self, turn: PollEnd) -> Answer<'_, Result<bool, StoreError>> {
        self.alone(Task::Aside, move |transaction| end(transaction, &turn))
    }

    fn polled(
        &self,
        channel: String,
        keys: Vec<Mark>,
    ) -> Answer<'_, Result<Vec<(Mark, Mark)>, StoreError>> {
        self.read(move |connection| polled(connection, &channel, &keys))
    }

    fn pollers(&self) -> Answer<'_, Result<Vec<PollerRow>, StoreError>> {
        self.read(all)
    }
}
