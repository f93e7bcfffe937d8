//! What is sealed: rows of it, and their sealing in turns.

use rusqlite::{Connection, Row, Transaction, params, types::Type};
use serde_json::json;

use super::{SqliteStore, Task, erasures};
use crate::store::{
    Answer, StoreError,
    at_rest::{self, AtRest, Kept, KeyMark, Kind, Place, Sealed, SealedBy, Turn, Turned, rows_max},
    pruning,
};

/// A text where it lies: its bytes, then the name of its key and the wrapped key in the next two
/// columns; nothing where there are no bytes.
pub(super) fn kept<'a>(
    row: &'a Row<'_>,
    salt: Option<usize>,
    bytes: usize,
    key: usize,
) -> Result<Option<Kept<'a>>, rusqlite::Error> {
    let blob = |at: usize| row.get_ref(at)?.as_blob_or_null().map_err(rusqlite::Error::from);
    let Some(text) = blob(bytes)? else { return Ok(None) };
    let id = row.get_ref(key)?.as_str_or_null()?;
    let salt = salt.map(blob).transpose()?.flatten();
    Ok(Some(Kept { salt, bytes: text, key: id.zip(blob(key + 1)?) }))
}

/// What a store cannot tell, as SQLite's own reading would say it.
pub(super) fn unread(column: usize, error: StoreError) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, Box::new(error))
}

/// A text, opened.
pub(super) fn text(
    row: &Row<'_>,
    place: Place,
    (bytes, key): (usize, usize),
) -> Result<Option<Vec<u8>>, rusqlite::Error> {
    let kept = kept(row, None, bytes, key)?;
    let opened = kept.map(|kept| at_rest::text(place, kept)).transpose();
    opened.map_err(|error| unread(bytes, error))
}

/// An edited text, opened.
pub(super) fn edited(
    row: &Row<'_>,
    position: u64,
    column: usize,
) -> Result<Option<Vec<u8>>, rusqlite::Error> {
    let stored: Option<Vec<u8>> = row.get(column)?;
    let opened = stored.map(|stored| at_rest::keys().open_edited(position, stored)).transpose();
    opened.map_err(|error| unread(column, error))
}

fn marks(connection: &Connection) -> Result<Vec<KeyMark>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id, mark FROM at_rest_keys")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The rows of a kind that the first key does not seal, from a place on.
const PERSONAL: &str = "SELECT position, 0, salt, text, key_id, wrapped_key FROM personal
    WHERE position >= ?1 AND ?2 = ?2 AND key_id IS NOT ?3 ORDER BY position LIMIT ?4";
const RAW: &str = "SELECT message, piece, salt, bytes, key_id, wrapped_key FROM payloads
    WHERE (message, piece) >= (?1, ?2) AND key_id IS NOT ?3 ORDER BY message, piece LIMIT ?4";

/// What is written of them: sealed, or wrapped by another key.
const SEALED: [&str; 2] = [
    "UPDATE personal SET salt = x'', text = ?3, key_id = ?4, wrapped_key = ?5
     WHERE position = ?1 AND ?2 = ?2",
    "UPDATE payloads SET salt = NULL, bytes = ?3, key_id = ?4, wrapped_key = ?5
     WHERE message = ?1 AND piece = ?2",
];
const WRAPPED: [&str; 2] = [
    "UPDATE personal SET key_id = ?3, wrapped_key = ?4 WHERE position = ?1 AND ?2 = ?2",
    "UPDATE payloads SET key_id = ?3, wrapped_key = ?4 WHERE message = ?1 AND piece = ?2",
];

fn texts(
    transaction: &Transaction<'_>,
    (kind, place): (Kind, fn(u64, u64) -> Place),
    from: (u64, u64),
) -> Result<Turned, StoreError> {
    let (sql, table) = if kind == Kind::Personal { (PERSONAL, 0) } else { (RAW, 1) };
    let mut statement = transaction.prepare_cached(sql)?;
    let first = at_rest::keys().first();
    let mut rows = statement.query(params![from.0, from.1, first, rows_max(kind)])?;
    let mut turns = Vec::new();
    while let Some(row) = rows.next()? {
        let at: (u64, u64) = (row.get(0)?, row.get(1)?);
        let Some(kept) = kept(row, Some(2), 3, 4)? else { continue };
        turns.extend(at_rest::keys().turn(place(at.0, at.1), kept)?.map(|turn| (at, turn)));
    }
    let mut done = Turned::default();
    let mut sealed = transaction.prepare_cached(SEALED[table])?;
    let mut wrapped = transaction.prepare_cached(WRAPPED[table])?;
    for (at, turn) in turns {
        match turn {
            Turn::Sealed(Sealed { key_id, wrapped_key, bytes }) => {
                done.sealed += 1;
                sealed.execute(params![at.0, at.1, bytes, key_id, wrapped_key])?;
            }
            Turn::Wrapped(key_id, wrapped_key) => {
                done.wrapped += 1;
                wrapped.execute(params![at.0, at.1, key_id, wrapped_key])?;
            }
        }
        done.next = Some((at.0, at.1 + 1));
    }
    Ok(done)
}

/// Edited texts are few: all of them in one turn.
fn edited_texts(transaction: &Transaction<'_>) -> Result<Turned, StoreError> {
    let mut done = Turned::default();
    for table in ["outbox", "dead_letters"] {
        let sql = format!("SELECT channel, position, body FROM {table} WHERE body IS NOT NULL");
        let mut statement = transaction.prepare(&sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let all: Vec<(String, u64, Vec<u8>)> = rows.collect::<Result<_, _>>()?;
        let sql = format!(
            "UPDATE {table} SET body = ?4 WHERE channel = ?1 AND position = ?2 AND body = ?3"
        );
        let mut update = transaction.prepare(&sql)?;
        for (channel, position, stored) in all {
            if let Some(turned) = at_rest::keys().turn_edited(position, stored.clone())? {
                let count = update.execute(params![channel, position, stored, turned])?;
                done.sealed += count as u64;
            }
        }
    }
    Ok(done)
}

fn seal_some(
    transaction: &Transaction<'_>,
    kind: Kind,
    from: (u64, u64),
) -> Result<Turned, StoreError> {
    let sql = "SELECT leaving IS NULL AND arriving IS NULL FROM head";
    if !transaction.query_row(sql, [], |row| row.get::<_, bool>(0))? {
        return Err(pruning::moving());
    }
    match kind {
        Kind::Personal => texts(transaction, (kind, |position, _| Place::Personal(position)), from),
        Kind::Raw => texts(transaction, (kind, Place::Raw), from),
        Kind::Edited => edited_texts(transaction),
    }
}

fn sealed_by(connection: &Connection, kind: Kind) -> Result<Vec<SealedBy>, StoreError> {
    let table = match kind {
        Kind::Personal => "personal",
        Kind::Raw => "payloads",
        Kind::Edited => return Ok(Vec::new()),
    };
    let sql = format!("SELECT key_id, count(*) FROM {table} GROUP BY key_id ORDER BY key_id");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Drops the marks of keys by which nothing is sealed.
const DROP: &str = "DELETE FROM at_rest_keys WHERE id NOT IN (SELECT value FROM json_each(?1))
    AND NOT EXISTS (SELECT 1 FROM personal WHERE key_id = at_rest_keys.id)
    AND NOT EXISTS (SELECT 1 FROM payloads WHERE key_id = at_rest_keys.id)
    RETURNING id";

impl AtRest for SqliteStore {
    fn key_marks(&self) -> Answer<'_, Result<Vec<KeyMark>, StoreError>> {
        self.read(marks)
    }

    fn add_key_mark(&self, (id, mark): KeyMark) -> Answer<'_, Result<(), StoreError>> {
        self.alone(Task::Aside, move |transaction| {
            let sql = "INSERT INTO at_rest_keys (id, mark) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
            transaction.execute(sql, [id, mark])?;
            Ok(())
        })
    }

    fn seal_some(&self, kind: Kind, from: (u64, u64)) -> Answer<'_, Result<Turned, StoreError>> {
        let overwrite = self.write(Task::Aside, |writer| erasures::overwrite(&writer.connection));
        let turn = self.alone(Task::Aside, move |transaction| seal_some(transaction, kind, from));
        Box::pin(async {
            overwrite.await?;
            turn.await
        })
    }

    fn sealed_by(&self, kind: Kind) -> Answer<'_, Result<Vec<SealedBy>, StoreError>> {
        self.read(move |connection| sealed_by(connection, kind))
    }

    fn drop_key_marks(&self, but: Vec<String>) -> Answer<'_, Result<Vec<String>, StoreError>> {
        self.alone(Task::Aside, move |transaction| {
            let mut statement = transaction.prepare(DROP)?;
            let rows = statement.query_map([json!(but).to_string()], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
