//! Strides: made by a reader, written by the writer in pieces.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{
    SqliteStore, Task,
    deltas::{self, ReadSums},
    names, rolling,
};
use crate::store::{
    Answer, StoreError,
    strides::{self, Page, ROWS_AT_ONCE, Row, Strides, merged, unpacked},
};

/// A key of rows.
type Key = (i64, i64);

/// Before any row.
const START: Key = (i64::MIN, i64::MIN);

/// A piece of the stride that is being made.
struct Piece {
    /// How many were made when it was read, and behind which row it begins.
    begun: (u64, Key),
    rows: Vec<Row>,
    /// Whether the stride is whole with it.
    last: bool,
}

/// How many are made.
pub(super) fn made(connection: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT made FROM strided";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// How many are made, and the last row that is written of the next.
fn begun(connection: &Connection) -> Result<(u64, Key), StoreError> {
    let made = made(connection)?;
    let sql = "SELECT slot, inner FROM strides WHERE stride = ?1
               ORDER BY slot DESC, inner DESC LIMIT 1";
    let last = connection
        .prepare_cached(sql)?
        .query_row([made + 1], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok((made, last.unwrap_or(START)))
}

/// The next piece, where the rollups have passed its stride.
fn piece(connection: &Connection) -> Result<Option<Piece>, StoreError> {
    let moment = connection.unchecked_transaction()?;
    let (made, after) = begun(&moment)?;
    let stride = made + 1;
    if rolling::rolled(&moment)? < strides::own(stride).1 {
        return Ok(None);
    }
    let mut parts = vec![page(own(&moment, stride)?, after)];
    for one in strides::within(stride) {
        parts.push(stored(&moment, one, after)?);
    }
    let (rows, last) = merged(parts);
    Ok(Some(Piece { begun: (made, after), rows, last }))
}

/// What the entries at a stride's end come to.
fn own(connection: &Connection, stride: u64) -> Result<Vec<Row>, StoreError> {
    let mut read = ReadSums::default();
    deltas::add_sums(connection, strides::own(stride), &mut read)?;
    let mut rows = Vec::new();
    let mut numbers = names::Known::default();
    for (key, sums) in read.sums.lattice() {
        rows.push((numbers.of(connection, &key)?, sums));
    }
    rows.sort_by_key(|(key, _)| *key);
    Ok(rows)
}

fn page(mut rows: Vec<Row>, after: Key) -> Page {
    rows.retain(|(key, _)| *key > after);
    let more = rows.len() > ROWS_AT_ONCE;
    rows.truncate(ROWS_AT_ONCE);
    (rows, more)
}

/// Rows of a stride behind one.
fn stored(connection: &Connection, stride: u64, after: Key) -> Result<Page, StoreError> {
    let sql = "SELECT slot, inner, days FROM strides
               WHERE stride = ?1 AND (slot, inner) > (?2, ?3) ORDER BY slot, inner LIMIT ?4";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(params![stride, after.0, after.1, ROWS_AT_ONCE + 1])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let days: Vec<u8> = row.get(2)?;
        rows.push(((row.get(0)?, row.get(1)?), unpacked(&days)?));
    }
    Ok(page(rows, after))
}

/// Writes a piece where nothing was written since it was read.
fn write(transaction: &Transaction<'_>, piece: &Piece) -> Result<bool, StoreError> {
    if begun(transaction)? != piece.begun {
        return Ok(false);
    }
    let stride = piece.begun.0 + 1;
    let sql = "INSERT INTO strides (stride, slot, inner, days) VALUES (?1, ?2, ?3, ?4)";
    let mut statement = transaction.prepare_cached(sql)?;
    for ((slot, inner), sums) in &piece.rows {
        statement.execute(params![stride, slot, inner, sums.packed()])?;
    }
    if piece.last {
        transaction.execute("UPDATE strided SET made = ?1", [stride])?;
    }
    Ok(true)
}

/// Compares every stride with its parts.
pub(super) fn verify(
    connection: &Connection,
    told: &mut dyn FnMut(String),
) -> Result<(), StoreError> {
    for stride in 1..=made(connection)? {
        let mut after = START;
        let own = own(connection, stride)?;
        loop {
            let mut parts = vec![page(own.clone(), after)];
            for one in strides::within(stride) {
                parts.push(stored(connection, one, after)?);
            }
            let (expected, last) = merged(parts);
            let end = expected.last().map(|(key, _)| *key);
            if !holds(connection, stride, (after, end.filter(|_| !last)), &expected)? {
                told(strides::differs(stride));
                break;
            }
            match end.filter(|_| !last) {
                Some(end) => after = end,
                None => break,
            }
        }
    }
    Ok(())
}

/// Whether these are all rows of a stride behind one, up to another.
fn holds(
    connection: &Connection,
    stride: u64,
    (after, end): (Key, Option<Key>),
    expected: &[Row],
) -> Result<bool, StoreError> {
    let end = end.unwrap_or((i64::MAX, i64::MAX));
    let sql = "SELECT slot, inner, days FROM strides
               WHERE stride = ?1 AND (slot, inner) > (?2, ?3) AND (slot, inner) <= (?4, ?5)
               ORDER BY slot, inner";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(params![stride, after.0, after.1, end.0, end.1])?;
    let mut expected = expected.iter();
    while let Some(row) = found.next()? {
        let days: Vec<u8> = row.get(2)?;
        let stored = ((row.get(0)?, row.get(1)?), unpacked(&days)?);
        if expected.next() != Some(&stored) {
            return Ok(false);
        }
    }
    Ok(expected.next().is_none())
}

impl Strides for SqliteStore {
    fn make_stride(&self) -> Answer<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let Some(piece) = self.read(piece).await? else { return Ok(false) };
            self.alone(Task::Aside, move |transaction| write(transaction, &piece)).await
        })
    }

    fn strides(&self) -> Answer<'_, Result<u64, StoreError>> {
        self.read(made)
    }
}
