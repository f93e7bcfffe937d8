//! Freezing reports, and reading what was frozen.

use rusqlite::{Connection, Row, TransactionBehavior, params};

use super::{SqliteStore, Task, Writer, known, write};
use crate::{
    registry::report::Frozen,
    store::{
        Answer, StoreError,
        freezes::{Freeze, Freezes, Freezing, FrozenReport},
    },
};

fn read(row: &Row<'_>) -> Result<Freeze, StoreError> {
    let bytes = |column: usize| -> Result<&[u8], StoreError> {
        Ok(row.get_ref(column)?.as_bytes().unwrap_or_default())
    };
    Freeze::read(row.get(0)?, bytes(1)?, bytes(2)?)
}

fn find(connection: &Connection, of: &Frozen) -> Result<Option<Freeze>, StoreError> {
    let sql = "SELECT position, text, public FROM entries INDEXED BY entries_freeze
               WHERE kind = 'freeze' AND public > ?1 AND public < ?2
               ORDER BY position LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![of.beginning().as_bytes(), of.end().as_bytes()])?;
    rows.next()?.map(read).transpose()
}

fn freeze(writer: &mut Writer, freezing: &Freezing) -> Result<(Freeze, bool), StoreError> {
    // Nothing is added to the numbers at the position that comes.
    writer.rolling.forget();
    let behaviour = TransactionBehavior::Immediate;
    let transaction = writer.connection.transaction_with_behavior(behaviour)?;
    if let Some(stands) = find(&transaction, &freezing.of)? {
        return Ok((stands, false));
    }
    let mut tip = known::tip(&transaction)?;
    let text = freezing.text();
    let entry = tip.freeze(jiff::Timestamp::now(), &text)?;
    let sql = "INSERT INTO reference_contents (hash, content) VALUES (?1, ?2)
               ON CONFLICT (hash) DO NOTHING";
    transaction.execute(sql, params![text.figures.as_bytes(), freezing.report])?;
    write::entry(&transaction, &entry)?;
    write::head(&transaction, &tip)?;
    transaction.commit()?;
    Ok((Freeze { position: entry.position, recorded_at: entry.recorded_at, text }, true))
}

fn frozen(connection: &Connection, of: &Frozen) -> Result<Option<FrozenReport>, StoreError> {
    let Some(freeze) = find(connection, of)? else { return Ok(None) };
    let report = known::content(connection, freeze.text.figures)?.ok_or_else(|| freeze.lost())?;
    Ok(Some((freeze, report)))
}

fn freezes(
    connection: &Connection,
    after: Option<u64>,
    limit: u32,
) -> Result<Vec<Freeze>, StoreError> {
    let sql = "SELECT position, text, public FROM entries INDEXED BY entries_freeze
               WHERE kind = 'freeze' AND position >= ?1 ORDER BY position LIMIT ?2";
    let from = after.map_or(0, |after| i64::try_from(after).unwrap_or(i64::MAX).saturating_add(1));
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![from, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

impl Freezes for SqliteStore {
    fn freeze(&self, freezing: Freezing) -> Answer<'_, Result<(Freeze, bool), StoreError>> {
        self.write(Task::Job, move |writer| freeze(writer, &freezing))
    }

    fn frozen(&self, of: Frozen) -> Answer<'_, Result<Option<FrozenReport>, StoreError>> {
        self.read(move |connection| frozen(connection, &of))
    }

    fn freezes(
        &self,
        after: Option<u64>,
        limit: u32,
    ) -> Answer<'_, Result<Vec<Freeze>, StoreError>> {
        self.read(move |connection| freezes(connection, after, limit))
    }
}
