//! Reading entries in bulk: in order, or component by component.

use rusqlite::{Connection, Row};

use crate::{
    journal::commitment::{Commitment, Committing, Salt},
    registry::Observation,
    store::{
        StoreError,
        audit::{EntryCopy, EntryRow},
        decode::{self, Stored},
    },
};

/// Rows and bytes of a page; the row that passes one of them is its last.
const PAGE_ROWS_MAX: usize = 2_048;
const PAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

fn plain(row: &Row<'_>) -> Result<EntryCopy, rusqlite::Error> {
    Ok(EntryCopy {
        position: row.get(0)?,
        kind: row.get(1)?,
        text: row.get(2)?,
        public: row.get(3)?,
        personal: None,
        raw: None,
    })
}

/// A row where it lies: SQLite has put it together, and it is looked at before the next one.
fn committed<'a>(
    row: &'a Row<'_>,
    raw: Option<Commitment>,
) -> Result<EntryRow<'a>, rusqlite::Error> {
    Ok(EntryRow {
        position: row.get(0)?,
        kind: text(row, 1)?,
        text: blob(row, 2)?,
        public: blob(row, 3)?,
        personal: row.get::<_, Option<[u8; 32]>>(4)?.zip(blob_or_null(row, 5)?),
        raw,
    })
}

/// What the raw bytes of a message come to, piece by piece where they lie.
fn raw(connection: &Connection, message: u64) -> Result<Option<Commitment>, StoreError> {
    let sql = "SELECT salt, bytes, piece = 0 FROM payloads WHERE message = ?1 ORDER BY piece";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([message])?;
    let mut whole: Option<Committing> = None;
    while let Some(row) = rows.next()? {
        if whole.is_none() {
            // Without its first piece it is on its way out, which is looked at elsewhere.
            if !row.get::<_, bool>(2)? {
                return Ok(None);
            }
            // What has lost its salt comes to something else than the entry says.
            let salt: Option<[u8; 32]> = row.get(0)?;
            whole = Some(Committing::new(&Salt::from_bytes(salt.unwrap_or_default())));
        }
        let bytes = row.get_ref(1)?.as_blob().unwrap_or_default();
        whole.iter_mut().for_each(|whole| whole.add(bytes));
    }
    Ok(whole.map(Committing::close))
}

const PLAIN: &str = "SELECT position, kind, text, public FROM entries ORDER BY position";

/// All entries in order, page by page, without what they commit to.
pub(super) fn pages(
    connection: &Connection,
    take: &mut dyn FnMut(Vec<EntryCopy>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare(PLAIN)?;
    let mut rows = statement.query([])?;
    let (mut page, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let entry = plain(row)?;
        bytes += entry.bytes();
        page.push(entry);
        if page.len() >= PAGE_ROWS_MAX || bytes >= PAGE_BYTES_MAX {
            bytes = 0;
            take(std::mem::take(&mut page))?;
        }
    }
    take(page)
}

const COMMITTED: &str = "SELECT e.position, e.kind, e.text, e.public, p.salt, p.text, m.message
     FROM entries e LEFT JOIN personal p ON p.position = e.position
     LEFT JOIN messages m ON m.message = e.message AND m.first_position = e.position
     WHERE e.position >= ?1 AND e.position < ?2 ORDER BY e.position";

/// The entries of some positions in order, each with what it commits to, one at a time.
pub(super) fn committed_entries(
    connection: &Connection,
    (from, to): (u64, u64),
    take: &mut dyn FnMut(EntryRow<'_>),
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(COMMITTED)?;
    let mut rows = statement.query([from, to])?;
    while let Some(row) = rows.next()? {
        let raw = match row.get(6)? {
            Some(message) => raw(connection, message)?,
            None => None,
        };
        take(committed(row, raw)?);
    }
    Ok(())
}

const ONE: &str = "SELECT position, kind, text, public FROM entries WHERE position = ?1";

/// The entries at some positions.
pub(super) fn entries_at(
    connection: &Connection,
    positions: &[u64],
) -> Result<Vec<EntryCopy>, StoreError> {
    let mut statement = connection.prepare_cached(ONE)?;
    positions.iter().map(|at| Ok(statement.query_row([at], plain)?)).collect()
}

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
        let stored = Stored {
            position: row.get(0)?,
            kind: text(row, 1)?,
            text: blob(row, 2)?,
            public: blob(row, 3)?,
        };
        read.extend(decode::observation(&stored)?);
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

/// Some components, each with its entries in order.
pub(super) type Groups = Vec<Vec<EntryCopy>>;

/// Reads the next components: about a page of entries.
pub(super) fn groups(
    connection: &Connection,
    wanted: &mut impl Iterator<Item = Vec<u64>>,
) -> Result<Groups, StoreError> {
    let (mut groups, mut rows, mut bytes) = (Vec::new(), 0, 0);
    while rows < PAGE_ROWS_MAX && bytes < PAGE_BYTES_MAX {
        let Some(positions) = wanted.next() else { break };
        let group = entries_at(connection, &positions)?;
        bytes += group.iter().map(EntryCopy::bytes).sum::<usize>();
        rows += group.len();
        groups.push(group);
    }
    Ok(groups)
}
