//! Changes that hold channels.

use rusqlite::{Connection, Row, Transaction, params};

use super::{SqliteStore, Task};
use crate::store::{
    Answer, StoreError,
    holds::{self, HoldQuery, HoldRow, Holds},
};

/// Writes what begins.
pub(super) fn begin(transaction: &Transaction<'_>, held: &[HoldRow]) -> Result<(), StoreError> {
    let sql = "INSERT INTO drift_holds (channel, held_at, place, reading, told)
               VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut insert = transaction.prepare_cached(sql)?;
    for one in held {
        let told = holds::text(&one.change)?;
        insert.execute(params![one.channel, one.held_at, one.place, one.reading, told])?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<HoldRow, StoreError> {
    let (channel, told): (String, String) = (row.get(0)?, row.get(4)?);
    let (at, by): (Option<i64>, Option<String>) = (row.get(5)?, row.get(6)?);
    let change = holds::change(&channel, &told)?;
    let (held_at, place, reading) = (row.get(1)?, row.get(2)?, row.get(3)?);
    Ok(HoldRow { channel, held_at, place, reading, change, accepted: at.zip(by) })
}

fn some(connection: &Connection, query: &HoldQuery) -> Result<Vec<HoldRow>, StoreError> {
    let sql = "SELECT channel, held_at, place, reading, told, accepted_at, accepted_by
               FROM drift_holds WHERE (?1 IS NULL OR channel = ?1)
               AND (NOT ?2 OR accepted_at IS NULL) ORDER BY channel, held_at, place";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![query.channel, query.open])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn accept(
    transaction: &Transaction<'_>,
    channel: String,
    (at, by): (i64, String),
) -> Result<Vec<HoldRow>, StoreError> {
    let mut open = some(transaction, &HoldQuery { channel: Some(channel), open: true })?;
    let sql = "UPDATE drift_holds SET accepted_at = ?4, accepted_by = ?5
               WHERE channel = ?1 AND held_at = ?2 AND place = ?3";
    let mut update = transaction.prepare_cached(sql)?;
    for one in &mut open {
        update.execute(params![one.channel, one.held_at, one.place, at, by])?;
        one.accepted = Some((at, by.clone()));
    }
    Ok(open)
}

impl Holds for SqliteStore {
    fn drift_holds(&self, query: HoldQuery) -> Answer<'_, Result<Vec<HoldRow>, StoreError>> {
        self.read(move |connection| some(connection, &query))
    }

    fn accept_drift(
        &self,
        channel: String,
        at: i64,
        by: String,
    ) -> Answer<'_, Result<Vec<HoldRow>, StoreError>> {
        self.alone(Task::Aside, move |transaction| accept(transaction, channel, (at, by)))
    }
}
