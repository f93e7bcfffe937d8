//! Putting a catalogue in force, and reading the one that is.

use rusqlite::{Connection, TransactionBehavior, params};

use super::{SqliteStore, Task, Writer, known, write};
use crate::{
    journal::merkle::Digest,
    store::{
        Answer, StoreError,
        catalogue::{Catalogues, Held, InForce},
        rules::{ReferenceName, ReferenceText},
    },
};

/// The position and hash of the catalogue in force before a position, or now.
fn newest(
    connection: &Connection,
    before: Option<u64>,
) -> Result<Option<(u64, Digest)>, StoreError> {
    let sql = "SELECT position, public FROM entries INDEXED BY entries_reference
               WHERE kind = 'reference' AND position < ?1 ORDER BY position DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let before = before.and_then(|before| i64::try_from(before).ok()).unwrap_or(i64::MAX);
    let mut rows = statement.query([before])?;
    while let Some(row) = rows.next()? {
        let text = ReferenceText::read(row.get_ref(1)?.as_bytes().unwrap_or_default())?;
        if text.name == ReferenceName::Catalogue {
            return Ok(Some((row.get(0)?, text.content)));
        }
    }
    Ok(None)
}

/// The position of the first catalogue at a position or after it.
fn next(connection: &Connection, from: u64) -> Result<Option<u64>, StoreError> {
    let sql = "SELECT position, public FROM entries INDEXED BY entries_reference
               WHERE kind = 'reference' AND position >= ?1 ORDER BY position";
    let mut statement = connection.prepare_cached(sql)?;
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let mut rows = statement.query([from])?;
    while let Some(row) = rows.next()? {
        let text = ReferenceText::read(row.get_ref(1)?.as_bytes().unwrap_or_default())?;
        if text.name == ReferenceName::Catalogue {
            return Ok(Some(row.get(0)?));
        }
    }
    Ok(None)
}

fn publish(writer: &mut Writer, content: &[u8]) -> Result<bool, StoreError> {
    // Nothing is added to the numbers at the position that comes.
    writer.rolling.forget();
    let behaviour = TransactionBehavior::Immediate;
    let transaction = writer.connection.transaction_with_behavior(behaviour)?;
    let hash = Digest::of(content);
    if newest(&transaction, None)?.is_some_and(|(_, held)| held == hash) {
        return Ok(false);
    }
    let mut tip = known::tip(&transaction)?;
    let sql = "INSERT INTO reference_contents (hash, content) VALUES (?1, ?2)
               ON CONFLICT (hash) DO NOTHING";
    transaction.execute(sql, params![hash.as_bytes(), content])?;
    let entry = tip.refer(jiff::Timestamp::now(), ReferenceName::Catalogue, hash)?;
    write::entry(&transaction, &entry)?;
    write::head(&transaction, &tip)?;
    transaction.commit()?;
    Ok(true)
}

fn catalogue(
    connection: &Connection,
    before: Option<u64>,
    known: Option<(u64, Digest)>,
) -> Result<Held, StoreError> {
    let newest = newest(connection, before)?;
    let Some((position, hash)) = newest else { return Ok(Held::Nothing) };
    if newest == known {
        return Ok(Held::Known);
    }
    let lost = || StoreError::fault(format!("the catalogue {hash} is lost"));
    let content = known::content(connection, hash)?.ok_or_else(lost)?;
    let log_id = known::tip(connection)?.log.id;
    Ok(Held::Other(InForce { log_id, position, hash, content }))
}

impl Catalogues for SqliteStore {
    fn publish(&self, content: Vec<u8>) -> Answer<'_, Result<bool, StoreError>> {
        self.write(Task::Job, move |writer| publish(writer, &content))
    }

    fn catalogue(
        &self,
        before: Option<u64>,
        known: Option<(u64, Digest)>,
    ) -> Answer<'_, Result<Held, StoreError>> {
        self.read(move |connection| catalogue(connection, before, known))
    }

    fn next_catalogue(&self, from: u64) -> Answer<'_, Result<Option<u64>, StoreError>> {
        self.read(move |connection| next(connection, from))
    }
}
