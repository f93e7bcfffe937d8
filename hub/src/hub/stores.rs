//! Stores, opened by what a configuration names.

use std::{path::Path, sync::Arc};

use crate::{
    config::StoreAddress,
    cursor,
    store::{
        Store, StoreError, at_rest,
        portable::{Backup, Snapshot},
        postgres::PostgresStore,
        schema::{Migration, Outlook},
        sqlite::SqliteStore,
    },
};

/// Opens the store that a configuration names, where this process has the keys of what is sealed
/// in it.
///
/// # Errors
/// When it cannot be opened, or a key is missing or another.
pub async fn open_store(address: &StoreAddress) -> Result<Arc<dyn Store>, StoreError> {
    let store = open_unread(address).await?;
    at_rest::ready(&*store).await?;
    Ok(store)
}

/// Opens it without asking for keys: for who reads nothing of persons, or tells what it could not
/// read.
///
/// # Errors
/// When it cannot be opened.
pub async fn open_unread(address: &StoreAddress) -> Result<Arc<dyn Store>, StoreError> {
    let store: Arc<dyn Store> = match address {
        StoreAddress::Sqlite(path) => Arc::new(SqliteStore::open(path)?),
        StoreAddress::Postgres(server) => Arc::new(PostgresStore::open(server).await?),
    };
    cursor::begin(store.secret(cursor::LABEL));
    Ok(store)
}

/// Opens a store that may take part in a move, or is being filled: for the commands that do it.
///
/// # Errors
/// When it cannot be opened.
pub async fn open_to_move(address: &StoreAddress) -> Result<Arc<dyn Store>, StoreError> {
    match address {
        StoreAddress::Sqlite(path) => Ok(Arc::new(SqliteStore::open_to_move(path)?)),
        StoreAddress::Postgres(server) => Ok(Arc::new(PostgresStore::open_to_move(server).await?)),
    }
}

/// What a backup's file holds, and what it is of. Nothing is written to it.
///
/// # Errors
/// When it is no backup, or cannot be read.
pub async fn open_backup(file: &Path) -> Result<(Backup, Box<dyn Snapshot>), StoreError> {
    SqliteStore::backup(file).await
}

/// Makes the file of a backup, closed by who filled it, one that stands alone on the disk.
///
/// # Errors
/// When the disk fails.
pub fn seal_backup(file: &Path) -> Result<(), StoreError> {
    SqliteStore::seal(file)
}

/// How far the schema of a store is.
///
/// # Errors
/// When it cannot be read.
pub async fn outlook(address: &StoreAddress) -> Result<Outlook, StoreError> {
    match address {
        StoreAddress::Sqlite(path) => SqliteStore::outlook(path),
        StoreAddress::Postgres(server) => PostgresStore::outlook(server).await,
    }
}

/// Applies the next migration to a store, if there is one.
///
/// # Errors
/// When it cannot be applied: nothing of it is then.
pub async fn migrate_next(
    address: &StoreAddress,
) -> Result<Option<(usize, &'static Migration)>, StoreError> {
    match address {
        StoreAddress::Sqlite(path) => SqliteStore::migrate_next(path),
        StoreAddress::Postgres(server) => PostgresStore::migrate_next(server).await,
    }
}
