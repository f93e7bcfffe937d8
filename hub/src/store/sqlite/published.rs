//! How far the journal was published, and whose turn that is.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{
    SqliteStore, Task,
    turns::{NOW, STAYS},
};
use crate::store::{
    Answer, StoreError,
    pollers::millis,
    published::{LEASE, Published, PublishedRow, Publishing},
};

/// A turn that ends further ahead than one can last is nobody's: the clock has been set back.
fn take(transaction: &Transaction<'_>) -> Result<Option<Publishing>, StoreError> {
    let sql =
        format!("INSERT INTO published (one) SELECT 1 WHERE {STAYS} ON CONFLICT (one) DO NOTHING");
    transaction.prepare_cached(&sql)?.execute([])?;
    let sql = format!(
        "UPDATE published SET token = token + 1, holder = ?1, ends_at = {NOW} + ?2
         WHERE ends_at NOT BETWEEN {NOW} + 1 AND {NOW} + ?2 AND {STAYS} RETURNING token, position"
    );
    let holder = format!("process {}", std::process::id());
    let taken = transaction
        .prepare_cached(&sql)?
        .query_row(params![holder, millis(LEASE)], |row| {
            Ok(Publishing { token: row.get(0)?, position: row.get(1)? })
        })
        .optional()?;
    Ok(taken)
}

/// Changes the row of a turn that is in force, and prolongs it.
fn change(
    transaction: &Transaction<'_>,
    set: &str,
    token: u64,
    value: u64,
) -> Result<bool, StoreError> {
    let sql = format!(
        "UPDATE published SET ends_at = {NOW} + ?3 {set}
         WHERE token = ?1 AND ?2 >= 0 AND ends_at > {NOW} AND {STAYS}"
    );
    Ok(transaction.prepare_cached(&sql)?.execute(params![token, value, millis(LEASE)])? > 0)
}

fn again(transaction: &Transaction<'_>, from: u64) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO published (one, position, since) SELECT 1, ?1, ?1 WHERE {STAYS}
         ON CONFLICT (one) DO UPDATE SET position = excluded.position, since = excluded.since,
             token = token + 1, ends_at = 0"
    );
    match transaction.execute(&sql, [from])? {
        0 => Err(StoreError::fault("this store takes part in a move")),
        _ => Ok(()),
    }
}

fn all(connection: &Connection) -> Result<PublishedRow, StoreError> {
    let sql = format!("SELECT position, since, ends_at > {NOW}, holder, moved_at FROM published");
    let row = connection.prepare_cached(&sql)?.query_row([], |row| {
        Ok(PublishedRow {
            position: row.get(0)?,
            since: row.get(1)?,
            under_way: row.get(2)?,
            holder: row.get(3)?,
            moved_at: row.get(4)?,
        })
    });
    Ok(row.optional()?.unwrap_or_default())
}

impl Published for SqliteStore {
    fn take_publishing(&self) -> Answer<'_, Result<Option<Publishing>, StoreError>> {
        self.alone(Task::Aside, take)
    }

    fn keep_publishing(&self, token: u64) -> Answer<'_, Result<bool, StoreError>> {
        self.alone(Task::Aside, move |transaction| change(transaction, "", token, 0))
    }

    fn move_published(&self, token: u64, to: u64) -> Answer<'_, Result<bool, StoreError>> {
        let set = ", position = ?2, moved_at = CAST(unixepoch('subsec') * 1000 AS INTEGER)";
        self.alone(Task::Aside, move |transaction| change(transaction, set, token, to))
    }

    fn lose_published(&self, token: u64) -> Answer<'_, Result<bool, StoreError>> {
        let set = ", since = position";
        self.alone(Task::Aside, move |transaction| change(transaction, set, token, 0))
    }

    fn leave_publishing(&self, token: u64) -> Answer<'_, Result<(), StoreError>> {
        self.alone(Task::Aside, move |transaction| {
            let sql = "UPDATE published SET ends_at = 0 WHERE token = ?1";
            transaction.prepare_cached(sql)?.execute([token])?;
            Ok(())
        })
    }

    fn publish_again(&self, from: u64) -> Answer<'_, Result<(), StoreError>> {
        self.alone(Task::Aside, move |transaction| again(transaction, from))
    }

    fn published(&self) -> Answer<'_, Result<PublishedRow, StoreError>> {
        self.read(all)
    }
}
