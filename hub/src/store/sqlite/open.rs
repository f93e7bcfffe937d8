//! Opening the file: versions, settings, schema, and checkpoints off the writer's path.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, OptionalExtension, config::DbConfig, params};

use super::StoreError;
use crate::journal::commitment::{DedupKey, Salt};

/// The schema versions, in order; the file notes how many it has.
const MIGRATIONS: [&str; 4] = [
    include_str!("../../../migrations/sqlite/0001_first.sql"),
    include_str!("../../../migrations/sqlite/0002_rollups_by_number.sql"),
    include_str!("../../../migrations/sqlite/0003_moves.sql"),
    include_str!("../../../migrations/sqlite/0004_prune.sql"),
];

/// Older ones could lose commits when the WAL was reset (sqlite.org/wal.html#walresetbug).
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// How long a statement waits for another process's lock.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

fn settings(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(128);
    // Plans must not hang on the values of parameters: each new value would compile the statement
    // again.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // A commit walks its page cache, so a large one costs more than the reads that it saves.
    // Rows are written by one plan that names what it has written itself; looking each reference
    // up again would cost a tenth of every commit. `verify` finds what does not hold.
    connection.execute_batch(
        "PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;",
    )
}

/// The writing connection and the key of content hashes.
pub(super) fn writer(path: &Path) -> Result<(Connection, DedupKey), StoreError> {
    let version = rusqlite::version_number();
    if version < SQLITE_VERSION_MIN {
        return Err(StoreError::fault(format!(
            "SQLite {} can lose commits; 3.51.3 or later is needed",
            rusqlite::version()
        )));
    }
    let mut connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 268435456;",
    )?;
    settings(&connection)?;
    migrate(&mut connection)?;
    let key = head(&connection)?;
    Ok((connection, key))
}

/// A connection that cannot write.
pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    settings(&connection)?;
    Ok(connection)
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let have: usize = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if have > MIGRATIONS.len() {
        return Err(StoreError::fault(format!(
            "the file has schema {have}, this program knows up to {}: use the newer program",
            MIGRATIONS.len()
        )));
    }
    for migration in MIGRATIONS.iter().skip(have) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len())?;
    transaction.commit()?;
    Ok(())
}

/// Reads the log's identity, or gives the log one.
fn head(connection: &Connection) -> Result<DedupKey, StoreError> {
    let known: Option<Vec<u8>> =
        connection.query_row("SELECT dedup_key FROM head", [], |row| row.get(0)).optional()?;
    if let Some(bytes) = known {
        let bytes = <[u8; 32]>::try_from(bytes)
            .map_err(|_| StoreError::fault("the key of content hashes is damaged".to_owned()))?;
        return Ok(DedupKey::from_bytes(bytes));
    }
    let random = |_| StoreError::fault("no randomness".to_owned());
    let key = DedupKey::random().map_err(random)?;
    let name = Salt::random().map_err(random)?;
    let log_id: String =
        name.as_bytes().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    connection.execute(
        "INSERT INTO head (one, log_id, dedup_key, size, recorded_at, peaks, messages, rules,
             rolled) VALUES (1, ?1, ?2, 0, NULL, x'', 0, NULL, 0)",
        params![log_id, key.as_bytes()],
    )?;
    Ok(key)
}
