//! Reading entries in bulk, each where its row lies: in order, or component by component.

use rusqlite::{Connection, Row};

use super::{at_rest, crew::Stretch};
use crate::{
    journal::commitment::{Commitment, Committing, Salt},
    registry::Observation,
    store::{
        StoreError,
        at_rest::{Place, compared},
        audit::{EntryRow, Unread},
        decode::{self, Stored},
    },
};

/// A row where it lies: SQLite has put it together, and it is looked at before the next one.
fn committed<'a>(
    row: &'a Row<'_>,
    personal: Option<([u8; 32], &'a [u8])>,
    (raw, unread): (Option<Commitment>, Unread),
) -> Result<EntryRow<'a>, rusqlite::Error> {
    Ok(EntryRow {
        position: row.get(0)?,
        kind: text(row, 1)?,
        text: blob(row, 2)?,
        public: blob(row, 3)?,
        personal,
        raw,
        unread,
    })
}

/// What the raw bytes of a message come to, piece by piece where they lie.
/// Tells too whether they are there, but sealed by a key that is not here.
fn raw(connection: &Connection, message: u64) -> Result<(Option<Commitment>, bool), StoreError> {
    let sql = "SELECT piece, salt, bytes, key_id, wrapped_key FROM payloads WHERE message = ?1
               ORDER BY piece";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([message])?;
    let mut whole: Option<Committing> = None;
    while let Some(row) = rows.next()? {
        let piece: u64 = row.get(0)?;
        // Without its first piece it is on its way out, which is looked at elsewhere.
        if whole.is_none() && piece != 0 {
            return Ok((None, false));
        }
        let Some(kept) = at_rest::kept(row, Some(1), 2, 3)? else { continue };
        let Some((salt, bytes)) = compared(Place::Raw(message, piece), kept) else {
            return Ok((None, true));
        };
        // What has lost its salt comes to something else than the entry says.
        let whole = whole.get_or_insert_with(|| Committing::new(&Salt::from_bytes(salt)));
        whole.add(&bytes);
    }
    Ok((whole.map(Committing::close), false))
}

/// How many positions the journal has.
pub(super) fn end(connection: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT coalesce(max(position) + 1, 0) FROM entries";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

fn stored<'a>(row: &'a Row<'_>) -> Result<Stored<'a>, rusqlite::Error> {
    Ok(Stored {
        position: row.get(0)?,
        kind: text(row, 1)?,
        text: blob(row, 2)?,
        public: blob(row, 3)?,
    })
}

const STORED: &str = "SELECT position, kind, text, public FROM entries
     WHERE position >= ?1 AND position < ?2 ORDER BY position";

/// The entries of some positions in order, as folds read them, one at a time.
pub(super) fn entries(
    connection: &Connection,
    (from, to): Stretch,
    take: &mut dyn FnMut(&Stored<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(STORED)?;
    let mut rows = statement.query([from, to])?;
    while let Some(row) = rows.next()? {
        take(&stored(row)?)?;
    }
    Ok(())
}

const COMMITTED: &str = "SELECT e.position, e.kind, e.text, e.public, p.salt, p.text, p.key_id,
         p.wrapped_key, m.message
     FROM entries e LEFT JOIN personal p ON p.position = e.position
     LEFT JOIN messages m ON m.message = e.message AND m.first_position = e.position
     WHERE e.position >= ?1 AND e.position < ?2 ORDER BY e.position";

/// The entries of some positions in order, each with what it commits to, one at a time.
pub(super) fn committed_entries(
    connection: &Connection,
    (from, to): Stretch,
    take: &mut dyn FnMut(EntryRow<'_>),
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(COMMITTED)?;
    let mut rows = statement.query([from, to])?;
    while let Some(row) = rows.next()? {
        let (raw, raw_unread) = match row.get(8)? {
            Some(message) => raw(connection, message)?,
            None => (None, false),
        };
        let kept = at_rest::kept(row, Some(4), 5, 6)?;
        let place = Place::Personal(row.get(0)?);
        let opened = kept.map(|kept| compared(place, kept));
        let unread = Unread { personal: matches!(opened, Some(None)), raw: raw_unread };
        let opened = opened.flatten();
        let personal = opened.as_ref().map(|(salt, text)| (*salt, &**text));
        take(committed(row, personal, (raw, unread))?);
    }
    Ok(())
}

const ONE: &str = "SELECT position, kind, text, public FROM entries WHERE position = ?1";

/// The observations at some positions, each read where its row lies.
pub(super) fn observations_at(
    connection: &Connection,
    positions: &[u64],
) -> Result<Vec<Observation>, StoreError> {
    let mut statement = connection.prepare_cached(ONE)?;
    let mut read = Vec::with_capacity(positions.len());
    for at in positions {
        let mut rows = statement.query([at])?;
        let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        read.extend(decode::observation(&stored(row)?)?);
    }
    Ok(decode::resolve(read))
}

fn text<'a>(row: &'a Row<'_>, at: usize) -> Result<&'a str, rusqlite::Error> {
    Ok(row.get_ref(at)?.as_str()?)
}

/// Bytes where they lie; `None` for those that are not there.
pub(super) fn blob_or_null<'a>(
    row: &'a Row<'_>,
    at: usize,
) -> Result<Option<&'a [u8]>, rusqlite::Error> {
    Ok(row.get_ref(at)?.as_blob_or_null()?)
}

fn blob<'a>(row: &'a Row<'_>, at: usize) -> Result<&'a [u8], rusqlite::Error> {
    Ok(row.get_ref(at)?.as_blob()?)
}
