//! Who has which attachment, and which records name it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{
    SqliteStore, Task, at_rest,
    erasures::{self, refuse_moving},
};
use crate::store::{
    Answer, StoreError, Verdict,
    at_rest::Place,
    attachments::{
        Attachments, HeldFile, NamedSum, Parted, READ_MAX, Remove, UNREAD, named_in, unremoved,
        unreplaced,
    },
};

/// Writes a row; nothing where the store takes part in a move, or what is shared is gone. What is
/// sent again after it was doubted is not any more.
const WRITE: &str = "INSERT INTO attachments (digest, holder, size, media_type, sent, since)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6 FROM head WHERE leaving IS NULL AND arriving IS NULL
        AND (?5 OR EXISTS (SELECT 1 FROM attachments WHERE digest = ?1))
    ON CONFLICT (digest, holder) DO UPDATE SET sent = max(sent, excluded.sent),
        since = CASE WHEN excluded.sent THEN excluded.since ELSE since END,
        doubted = CASE WHEN excluded.sent THEN 0 ELSE doubted END";

fn write(transaction: &Transaction<'_>, file: &HeldFile, sent: bool) -> Result<(), StoreError> {
    let HeldFile { digest, holder, size, media_type } = file;
    let now = Timestamp::now().as_millisecond();
    let values = params![digest, holder, size, media_type, sent, now];
    match transaction.prepare_cached(WRITE)?.execute(values)? {
        0 => Err(StoreError::busy("the store takes part in a move, or the file is gone")),
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
        let sql =
            "UPDATE attachments SET doubted = 0, since = ?3 WHERE digest = ?1 AND holder = ?2";
        let now = Timestamp::now().as_millisecond();
        transaction.prepare_cached(sql)?.execute(params![file.digest, file.holder, now])?;
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

/// Notes which files the record at a position names.
pub(super) fn name(
    connection: &Connection,
    files: &BTreeSet<String>,
    position: u64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO named_files (digest, position) VALUES (?1, ?2)";
    for digest in files {
        connection.prepare_cached(sql)?.execute(params![digest, position])?;
    }
    Ok(())
}

fn is_named(transaction: &Transaction<'_>, digest: &str) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM named_files WHERE digest = ?1)";
    Ok(transaction.prepare_cached(sql)?.query_row([digest], |row| row.get(0))?)
}

fn part(transaction: &Transaction<'_>, digest: &str, remove: Remove) -> Result<Parted, StoreError> {
    refuse_moving(transaction)?;
    if is_named(transaction, UNREAD)? {
        return Err(StoreError::busy("what texts name has to be read before"));
    }
    if is_named(transaction, digest)? {
        let sql = "UPDATE attachments SET doubted = 0 WHERE digest = ?1";
        transaction.execute(sql, [digest])?;
        return Ok(Parted::Stays);
    }
    erasures::overwrite(transaction)?;
    let sql = "UPDATE attachment_totals AS t SET bytes = t.bytes - a.size FROM attachments a
               WHERE a.digest = ?1 AND a.holder = t.holder AND a.sent AND a.doubted";
    transaction.execute(sql, [digest])?;
    let sql = "DELETE FROM attachments WHERE digest = ?1 AND doubted";
    if transaction.execute(sql, [digest])? == 0 {
        return Ok(Parted::Settled);
    }
    let sql = "SELECT EXISTS (SELECT 1 FROM attachments WHERE digest = ?1)";
    if transaction.query_row(sql, [digest], |row| row.get(0))? {
        return Ok(Parted::Stays);
    }
    remove().map_err(|error| unremoved(digest, &error))?;
    Ok(Parted::Gone)
}

fn replace(transaction: &Transaction<'_>, digest: &str, put: Remove) -> Result<bool, StoreError> {
    refuse_moving(transaction)?;
    let sql = "SELECT EXISTS (SELECT 1 FROM attachments WHERE digest = ?1)";
    let is_there = transaction.query_row(sql, [digest], |row| row.get(0))?;
    if is_there {
        put().map_err(|error| unreplaced(digest, &error))?;
    }
    Ok(is_there)
}

/// Files that no record names, and that nobody has sent since a time.
const UNNAMED: &str = "
    SELECT a.digest, max(a.size) AS size FROM attachments a
    WHERE NOT EXISTS (SELECT 1 FROM named_files n WHERE n.digest = a.digest)
    GROUP BY a.digest HAVING max(a.since) < ?1";

fn unnamed(connection: &Connection, since: Timestamp) -> Result<(u64, u64), StoreError> {
    let sql = format!("SELECT count(*), coalesce(sum(size), 0) FROM ({UNNAMED})");
    let since = since.as_millisecond();
    Ok(connection.query_row(&sql, [since], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Texts of which it is not known yet what they name.
const UNREAD_TEXTS: &str = "
    SELECT n.position, p.text, p.key_id, p.wrapped_key
    FROM named_files n LEFT JOIN personal p ON p.position = n.position
    WHERE n.digest = ?1 ORDER BY n.position LIMIT ?2";

fn read_names(transaction: &Transaction<'_>) -> Result<bool, StoreError> {
    if !is_named(transaction, UNREAD)? {
        return Ok(false);
    }
    refuse_moving(transaction)?;
    let mut texts = Vec::new();
    let mut statement = transaction.prepare(UNREAD_TEXTS)?;
    let mut rows = statement.query(params![UNREAD, READ_MAX])?;
    while let Some(row) = rows.next()? {
        let position: u64 = row.get(0)?;
        let text = at_rest::text(row, Place::Personal(position), (1, 2))?;
        texts.push((position, named_in(&text.unwrap_or_default())));
    }
    let mut read =
        transaction.prepare("DELETE FROM named_files WHERE digest = ?1 AND position = ?2")?;
    for (position, files) in &texts {
        read.execute(params![UNREAD, position])?;
        name(transaction, files, *position)?;
    }
    Ok(!texts.is_empty())
}

/// Compares which record names which file, as texts say it, with what is stored of that.
pub(super) fn verify(
    connection: &Connection,
    named: NamedSum,
    verdict: &mut Verdict,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT digest, position FROM named_files")?;
    let (mut rows, mut stored, mut unread) = (statement.query([])?, NamedSum::default(), false);
    while let Some(row) = rows.next()? {
        let digest = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        unread |= digest == UNREAD;
        stored.add(digest, row.get(1)?);
    }
    if !unread {
        named.compare(stored, verdict);
    }
    Ok(())
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

    fn doubted(&self, limit: u32) -> Answer<'_, Result<Vec<String>, StoreError>> {
        self.read(move |connection| {
            let sql = "SELECT DISTINCT digest FROM attachments WHERE doubted <> 0
                       ORDER BY digest LIMIT ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([limit], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn unnamed(&self, since: Timestamp, doubt: bool) -> Answer<'_, Result<(u64, u64), StoreError>> {
        if !doubt {
            return self.read(move |connection| unnamed(connection, since));
        }
        self.alone(Task::Job, move |transaction| {
            refuse_moving(transaction)?;
            let found = unnamed(transaction, since)?;
            let sql = format!(
                "UPDATE attachments SET doubted = 1
                 WHERE digest IN (SELECT digest FROM ({UNNAMED}))"
            );
            transaction.execute(&sql, [since.as_millisecond()])?;
            Ok(found)
        })
    }

    fn part(&self, digest: String, remove: Remove) -> Answer<'_, Result<Parted, StoreError>> {
        self.alone(Task::Job, move |transaction| part(transaction, &digest, remove))
    }

    fn replace(&self, digest: String, put: Remove) -> Answer<'_, Result<bool, StoreError>> {
        self.alone(Task::Job, move |transaction| replace(transaction, &digest, put))
    }

    fn read_names(&self) -> Answer<'_, Result<bool, StoreError>> {
        self.alone(Task::Job, read_names)
    }
}
