//! Opening the file: versions, settings, schema, and checkpoints off the writer's path.

use std::{fs::File, path::Path, thread, time::Duration};

use rusqlite::{
    Connection, OpenFlags, OptionalExtension, TransactionBehavior, config::DbConfig, params,
};

use super::{StoreError, schema};
use crate::journal::commitment::{DedupKey, Salt};

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

/// Refuses a library that can lose what it has committed.
fn sound(number: i32, name: &str) -> Result<(), StoreError> {
    if number >= SQLITE_VERSION_MIN {
        return Ok(());
    }
    Err(StoreError::fault(format!("SQLite {name} can lose commits; 3.51.3 or later is needed")))
}

/// A connection that writes.
pub(super) fn connection(path: &Path) -> Result<Connection, StoreError> {
    sound(rusqlite::version_number(), rusqlite::version())?;
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    with_wal(&connection)?;
    // A store that is served asks for less, and waits for the disk before it answers (`barrier`).
    // What is moved between pages is overwritten where it lay, as far as that page is written
    // anyway: else an erasure could not reach it.
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 268435456; PRAGMA secure_delete = FAST;",
    )?;
    settings(&connection)?;
    Ok(connection)
}

/// Has the file have a WAL. Of several who do so with a new file, SQLite turns all but one away
/// without having them wait.
fn with_wal(connection: &Connection) -> Result<(), rusqlite::Error> {
    const TRIES: u32 = 100;
    const REST: Duration = Duration::from_millis(20);
    let mut tried = 0;
    loop {
        match connection.execute_batch("PRAGMA journal_mode = WAL") {
            Err(error) if is_busy(&error) && tried < TRIES => {
                tried += 1;
                thread::sleep(REST);
            }
            other => return other,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
}

/// The writing connection of a store, its schema made, and the key of content hashes.
pub(super) fn writer(path: &Path) -> Result<(Connection, DedupKey), StoreError> {
    let mut connection = connection(path)?;
    schema::made(&mut connection)?;
    let key = head(&mut connection)?;
    Ok((connection, key))
}

/// A connection that cannot write.
pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    settings(&connection)?;
    Ok(connection)
}

/// How often the last threads of who had a file open are waited for, and how long each time.
const SEAL_TRIES: u32 = 100;
const SEAL_REST: Duration = Duration::from_millis(50);

/// Puts what the WAL holds into the file and does without one.
pub(super) fn seal(path: &Path) -> Result<(), StoreError> {
    let alone = || -> Result<bool, StoreError> {
        let connection = Connection::open(path)?;
        let sql = "PRAGMA journal_mode = DELETE";
        let mode: String = connection.query_row(sql, [], |row| row.get(0))?;
        Ok(mode == "delete")
    };
    let mut tried = 0;
    while !alone().or_else(|error| if tried < SEAL_TRIES { Ok(false) } else { Err(error) })? {
        tried += 1;
        if tried > SEAL_TRIES {
            return Err(StoreError::away(format!("{} is in use", path.display())));
        }
        thread::sleep(SEAL_REST);
    }
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| StoreError::away(format!("{}: {error}", path.display())))
}

/// Reads the log's identity, or gives the log one: the first of those who open a new file does.
fn head(connection: &mut Connection) -> Result<DedupKey, StoreError> {
    if let Some(key) = key_of(connection)? {
        return Ok(key);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Some(key) = key_of(&transaction)? {
        return Ok(key);
    }
    let random = |_| StoreError::fault("no randomness".to_owned());
    let key = DedupKey::random().map_err(random)?;
    let name = Salt::random().map_err(random)?;
    let log_id: String =
        name.as_bytes().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    transaction.execute(
        "INSERT INTO head (one, log_id, dedup_key, size, recorded_at, peaks, messages, rules,
             rolled) VALUES (1, ?1, ?2, 0, NULL, x'', 0, NULL, 0)",
        params![log_id, key.as_bytes()],
    )?;
    transaction.commit()?;
    Ok(key)
}

/// The key of content hashes, where the log has its identity.
fn key_of(connection: &Connection) -> Result<Option<DedupKey>, StoreError> {
    let known: Option<Vec<u8>> =
        connection.query_row("SELECT dedup_key FROM head", [], |row| row.get(0)).optional()?;
    let Some(bytes) = known else { return Ok(None) };
    let bytes = <[u8; 32]>::try_from(bytes)
        .map_err(|_| StoreError::fault("the key of content hashes is damaged".to_owned()))?;
    Ok(Some(DedupKey::from_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_can_lose_commits_is_refused_by_its_name_and_the_one_at_hand_is_not() {
        for (number, name) in [(3_051_002, "3.51.2"), (3_046_001, "3.46.1"), (3_050_099, "3.50.99")]
        {
            let reason = sound(number, name).unwrap_err().reason;
            assert!(reason.contains(name) && reason.contains("3.51.3 or later"), "{reason}");
        }
        assert!(sound(SQLITE_VERSION_MIN, "3.51.3").is_ok());
        assert!(sound(rusqlite::version_number(), rusqlite::version()).is_ok());
    }
}
