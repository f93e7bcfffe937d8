//! Dropping raw bytes for their age.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{SqliteStore, Task, erasures};
use crate::store::{
    Answer, StoreError, Verdict,
    pruning::{self, BATCH_BYTES_MAX, BATCH_PIECES_MAX, Old, Pruning, Raw},
};

/// When a message was recorded; the next one there is, where it is none.
fn recorded(connection: &Connection, message: u64) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT recorded_at FROM messages WHERE message >= ?1 ORDER BY message LIMIT 1";
    let text: Option<String> =
        connection.prepare_cached(sql)?.query_row([message], |row| row.get(0)).optional()?;
    let damaged = |_| StoreError::fault(format!("the time of message {message} is damaged"));
    text.map(|text| text.parse().map_err(damaged)).transpose()
}

fn older(connection: &Connection, than: Timestamp) -> Result<Old, StoreError> {
    let messages: u64 = connection.query_row("SELECT messages FROM head", [], |row| row.get(0))?;
    let mut between = (1, messages + 1);
    while let Some(middle) = pruning::middle(between) {
        match recorded(connection, middle)? {
            Some(at) if at < than => between.0 = middle + 1,
            _ => between.1 = middle,
        }
    }
    let first_kept = between.0;
    let sql = "SELECT count(DISTINCT message), coalesce(sum(length(bytes)), 0) FROM payloads
               WHERE message < ?1";
    let raw = connection.query_row(sql, [first_kept], |row| {
        Ok(Raw { messages: row.get(0)?, bytes: row.get(1)? })
    })?;
    Ok(Old { first_kept, raw })
}

fn prune(transaction: &Transaction<'_>, first_kept: u64) -> Result<Option<Raw>, StoreError> {
    let sql = "SELECT leaving IS NULL AND arriving IS NULL FROM head";
    if !transaction.query_row(sql, [], |row| row.get(0))? {
        return Err(pruning::moving());
    }
    let sql = "SELECT rowid, piece = 0, length(bytes) FROM payloads WHERE message < ?1
               ORDER BY message, piece LIMIT ?2";
    let mut statement = transaction.prepare_cached(sql)?;
    let mut rows = statement.query(params![first_kept, BATCH_PIECES_MAX])?;
    let (mut old, mut raw): (Vec<i64>, Raw) = Default::default();
    while let Some(row) = rows.next()? {
        old.push(row.get(0)?);
        raw.messages += u64::from(row.get::<_, bool>(1)?);
        raw.bytes += row.get::<_, u64>(2)?;
        if raw.bytes >= BATCH_BYTES_MAX {
            break;
        }
    }
    let mut delete = transaction.prepare_cached("DELETE FROM payloads WHERE rowid = ?1")?;
    for row in &old {
        delete.execute([row])?;
    }
    Ok((!old.is_empty()).then_some(raw))
}

/// What `verify` tells: raw bytes that were pruned, and those that are missing all the same.
pub(super) fn verify(connection: &Connection, verdict: &mut Verdict) -> Result<(), StoreError> {
    let missing = "FROM messages m LEFT JOIN payloads p ON p.message = m.message AND p.piece = 0
                   WHERE p.message IS NULL AND m.erased IS NULL AND m.message";
    let sql = format!("SELECT count(*) {missing} < (SELECT pruned FROM head)");
    let pruned = connection.query_row(&sql, [], |row| row.get(0))?;
    let sql = format!("SELECT m.message {missing} >= (SELECT pruned FROM head) LIMIT 10");
    let mut statement = connection.prepare(&sql)?;
    let lost = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<u64>, _>>()?;
    pruning::tell(verdict, pruned, &lost);
    Ok(())
}

impl Pruning for SqliteStore {
    fn older(&self, than: Timestamp) -> Answer<'_, Result<Old, StoreError>> {
        self.read(move |connection| older(connection, than))
    }

    fn mark_pruned(&self, first_kept: u64) -> Answer<'_, Result<(), StoreError>> {
        self.alone(Task::Job, move |transaction| {
            let sql = "UPDATE head SET pruned = max(pruned, ?1)
                       WHERE leaving IS NULL AND arriving IS NULL";
            match transaction.execute(sql, [first_kept])? {
                1 => Ok(()),
                _ => Err(pruning::moving()),
            }
        })
    }

    fn prune(&self, first_kept: u64) -> Answer<'_, Result<Option<Raw>, StoreError>> {
        self.alone(Task::Job, move |transaction| prune(transaction, first_kept))
    }

    /// Writes the file anew without its free pages: as much room again is needed meanwhile.
    fn compact(&self) -> Answer<'_, Result<(), StoreError>> {
        self.write(Task::Job, move |writer| {
            // The copy that it makes meanwhile is as large as the file: not in memory.
            let vacuum = "PRAGMA temp_store = FILE; VACUUM; PRAGMA temp_store = MEMORY;";
            writer.connection.execute_batch(vacuum)?;
            erasures::empty_wal(&writer.connection)
        })
    }
}
