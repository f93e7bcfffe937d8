//! Turns with a token: whose it is to do what one process does for all.
//!
//! A turn is the one row of a table: `token` grows whenever somebody takes it, `ends_at` is when it
//! ends. What is written under a turn proves by [`Turn::in_force`] that it is still the writer's.

use std::time::Duration;

use rusqlite::{OptionalExtension, Transaction, params};

use crate::store::{StoreError, pollers::millis};

/// Milliseconds since 1970.
pub(super) const NOW: &str = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/// Nothing is changed in the middle of a move.
pub(super) const STAYS: &str =
    "EXISTS (SELECT 1 FROM head WHERE leaving IS NULL AND arriving IS NULL)";

/// One kind of turn.
pub(super) struct Turn {
    /// The table of its row.
    pub(super) table: &'static str,
    /// How long it lasts unless it is kept.
    pub(super) lease: Duration,
}

impl Turn {
    /// Whether the turn of a token is in force, as a condition; `token` is a statement's value.
    pub(super) fn in_force(&self, token: &str) -> String {
        let table = self.table;
        format!("EXISTS (SELECT 1 FROM {table} WHERE token = {token} AND ends_at > {NOW})")
    }

    /// Takes it where it is nobody's; gives its token. One that ends further ahead than one can
    /// last is nobody's: the clock has been set back.
    pub(super) fn take(&self, transaction: &Transaction<'_>) -> Result<Option<u64>, StoreError> {
        let table = self.table;
        let sql = format!(
            "INSERT INTO {table} (one) SELECT 1 WHERE {STAYS} ON CONFLICT (one) DO NOTHING"
        );
        transaction.prepare_cached(&sql)?.execute([])?;
        let sql = format!(
            "UPDATE {table} SET token = token + 1, holder = ?1, ends_at = {NOW} + ?2
             WHERE ends_at NOT BETWEEN {NOW} + 1 AND {NOW} + ?2 AND {STAYS} RETURNING token"
        );
        let holder = format!("process {}", std::process::id());
        let values = params![holder, millis(self.lease)];
        Ok(transaction.prepare_cached(&sql)?.query_row(values, |row| row.get(0)).optional()?)
    }

    /// Prolongs it; gives whether it was in force.
    pub(super) fn keep(
        &self,
        transaction: &Transaction<'_>,
        token: u64,
    ) -> Result<bool, StoreError> {
        let table = self.table;
        let sql = format!(
            "UPDATE {table} SET ends_at = {NOW} + ?2
             WHERE token = ?1 AND ends_at > {NOW} AND {STAYS}"
        );
        let values = params![token, millis(self.lease)];
        Ok(transaction.prepare_cached(&sql)?.execute(values)? > 0)
    }

    /// Leaves it to others.
    pub(super) fn leave(
        &self,
        transaction: &Transaction<'_>,
        token: u64,
    ) -> Result<(), StoreError> {
        let sql = format!("UPDATE {} SET ends_at = 0 WHERE token = ?1", self.table);
        transaction.prepare_cached(&sql)?.execute([token])?;
        Ok(())
    }
}
