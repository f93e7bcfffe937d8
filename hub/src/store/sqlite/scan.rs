//! Reading entries in bulk: in order, or component by component.

use rusqlite::{Connection, Row, params};

use crate::store::{StoreError, decode::Stored};

/// Rows and bytes of a page; the row that passes one of them is its last.
const PAGE_ROWS_MAX: usize = 2_048;
const PAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What a commitment commits to, with its salt.
pub(super) type Salted = Option<([u8; 32], Vec<u8>)>;

/// One entry, owned: other threads work at it.
pub(super) struct EntryCopy {
    pub(super) position: u64,
    pub(super) kind: String,
    pub(super) text: Vec<u8>,
    pub(super) public: Vec<u8>,
    pub(super) personal: Salted,
    /// The raw bytes of its message, at the message's first entry.
    pub(super) raw: Salted,
}

impl EntryCopy {
    /// What folds read of it.
    pub(super) fn stored(&self) -> Stored<'_> {
        Stored { position: self.position, kind: &self.kind, text: &self.text, public: &self.public }
    }

    fn bytes(&self) -> usize {
        let salted = |part: &Salted| part.as_ref().map_or(0, |(_, bytes)| bytes.len());
        self.text.len() + self.public.len() + salted(&self.personal) + salted(&self.raw)
    }
}

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

fn committed(row: &Row<'_>) -> Result<EntryCopy, rusqlite::Error> {
    let personal = row.get::<_, Option<[u8; 32]>>(4)?.zip(row.get(5)?);
    Ok(EntryCopy { personal, ..plain(row)? })
}

/// The raw bytes of a message, its pieces put together.
fn raw(connection: &Connection, message: u64) -> Result<Salted, StoreError> {
    let sql = "SELECT salt, bytes FROM payloads WHERE message = ?1 ORDER BY piece";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([message])?;
    let mut whole: Salted = None;
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(1)?.as_blob().unwrap_or_default();
        match &mut whole {
            None => whole = row.get::<_, Option<[u8; 32]>>(0)?.map(|salt| (salt, bytes.to_vec())),
            Some((_, all)) => all.extend_from_slice(bytes),
        }
    }
    Ok(whole)
}

const PLAIN: &str = "SELECT position, kind, text, public FROM entries ORDER BY position";

const COMMITTED: &str = "SELECT e.position, e.kind, e.text, e.public, p.salt, p.text, m.message
     FROM entries e LEFT JOIN personal p ON p.position = e.position
     LEFT JOIN messages m ON m.message = e.message AND m.first_position = e.position
     ORDER BY e.position";

/// All entries in order, page by page; with what they commit to, or without. `take` answers
/// whether to go on.
pub(super) fn pages(
    connection: &Connection,
    with_commitments: bool,
    take: &mut dyn FnMut(Vec<EntryCopy>) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare(if with_commitments { COMMITTED } else { PLAIN })?;
    let mut rows = statement.query([])?;
    let (mut page, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let mut entry = if with_commitments { committed(row)? } else { plain(row)? };
        if with_commitments && let Some(message) = row.get(6)? {
            entry.raw = raw(connection, message)?;
        }
        bytes += entry.bytes();
        page.push(entry);
        if page.len() >= PAGE_ROWS_MAX || bytes >= PAGE_BYTES_MAX {
            bytes = 0;
            if !take(std::mem::take(&mut page))? {
                return Ok(());
            }
        }
    }
    take(page).map(|_| ())
}

/// Some components, each with its entries in order.
pub(super) type Groups = Vec<Vec<EntryCopy>>;

/// Reads the next components: about a page of entries.
pub(super) fn groups(
    connection: &Connection,
    wanted: &mut impl Iterator<Item = Vec<u64>>,
) -> Result<Groups, StoreError> {
    let sql = "SELECT position, kind, text, public FROM entries WHERE position = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let (mut groups, mut rows, mut bytes) = (Vec::new(), 0, 0);
    while rows < PAGE_ROWS_MAX && bytes < PAGE_BYTES_MAX {
        let Some(positions) = wanted.next() else { break };
        let mut group = Vec::with_capacity(positions.len());
        for position in positions {
            let entry = statement.query_row(params![position], plain)?;
            bytes += entry.bytes();
            group.push(entry);
        }
        rows += group.len();
        groups.push(group);
    }
    Ok(groups)
}
