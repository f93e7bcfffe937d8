//! Who has which attachment.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{SqliteStore, Task};
use crate::store::{
    Answer, StoreError,
    attachments::{Attachments, HeldFile},
};

/// Writes a row; nothing where the store takes part in a move.
const WRITE: &str = "INSERT INTO attachments (digest, holder, size, media_type, sent, since)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6 FROM head WHERE leaving IS NULL AND arriving IS NULL
    ON CONFLICT (digest, holder) DO UPDATE SET sent = max(sent, excluded.sent)";

fn write(transaction: &Transaction<'_>, file: &HeldFile, sent: bool) -> Result<(), StoreError> {
    let HeldFile { digest, holder, size, media_type } = file;
    let now = jiff::Timestamp::now().as_millisecond();
    let values = params![digest, holder, size, media_type, sent, now];
    match transaction.prepare_cached(WRITE)?.execute(values)? {
        0 => Err(StoreError::busy("the store takes part in a move")),
        _ => Ok(()),
    }
}

fn has_sent(connection: &Connection, file: &HeldFile) -> Result<bool, StoreError> {
    let sql = "SELECT sent FROM attachments WHERE digest = ?1 AND holder = ?2";
    let sent = connection
        .prepare_cached(sql)?
        .query_row([&file.digest, &file.holder], |row| row.get::<_, bool>(0))
        .optional()?;
    Ok(sent == Some(true))
}

fn hold(transaction: &Transaction<'_>, file: &HeldFile, most: u64) -> Result<bool, StoreError> {
    if has_sent(transaction, file)? {
        return Ok(true);
    }
    let sql = "INSERT INTO attachment_totals (holder, bytes) SELECT ?1, ?2 WHERE ?2 <= ?3
               ON CONFLICT (holder) DO UPDATE SET bytes = bytes + excluded.bytes
               WHERE bytes + excluded.bytes <= ?3";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let values = params![file.holder, file.size, most];
    if transaction.prepare_cached(sql)?.execute(values)? == 0 {
        return Ok(false);
    }
    write(transaction, file, true)?;
    Ok(true)
}

fn file(row: &Row<'_>) -> Result<HeldFile, rusqlite::Error> {
    Ok(HeldFile {
        digest: row.get(0)?,
        holder: row.get(1)?,
        size: row.get(2)?,
        media_type: row.get(3)?,
    })
}

impl Attachments for SqliteStore {
    fn hold(&self, file: HeldFile, most: u64) -> Answer<'_, Result<bool, StoreError>> {
        self.alone(Task::Aside, move |transaction| hold(transaction, &file, most))
    }

    fn share(&self, file: HeldFile) -> Answer<'_, Result<(), StoreError>> {
        self.alone(Task::Aside, move |transaction| write(transaction, &file, false))
    }

    fn held(
        &self,
        digest: String,
        holder: String,
    ) -> Answer<'_, Result<Option<HeldFile>, StoreError>> {
        self.read(move |connection| {
            let sql = "SELECT digest, holder, size, media_type FROM attachments
                       WHERE digest = ?1 AND holder = ?2";
            Ok(connection.prepare_cached(sql)?.query_row([digest, holder], file).optional()?)
        })
    }

    fn senders(&self, digest: String) -> Answer<'_, Result<Vec<String>, StoreError>> {
        self.read(move |connection| {
            let sql = "SELECT holder FROM attachments WHERE digest = ?1 AND sent ORDER BY holder";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([digest], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn files(
        &self,
        after: String,
        limit: u32,
    ) -> Answer<'_, Result<Vec<(String, u64)>, StoreError>> {
        self.read(move |connection| {
            let sql = "SELECT digest, max(size) FROM attachments WHERE digest > ?1
                       GROUP BY digest ORDER BY digest LIMIT ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let rows =
                statement.query_map(params![after, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
