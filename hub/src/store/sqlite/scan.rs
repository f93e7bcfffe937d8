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
    let salted = |salt: usize, bytes: usize| -> Result<Salted, rusqlite::Error> {
        Ok(row.get::<_, Option<[u8; 32]>>(salt)?.zip(row.get(bytes)?))
    };
    Ok(EntryCopy { personal: salted(4, 5)?, raw: salted(6, 7)?, ..plain(row)? })
}

const PLAIN: &str = "SELECT position, kind, text, public FROM entries ORDER BY position";

const COMMITTED: &str =
    "SELECT e.position, e.kind, e.text, e.public, p.salt, p.text, y.salt, y.bytes
     FROM entries e LEFT JOIN personal p ON p.position = e.position
     LEFT JOIN messages m ON m.message = e.message AND m.first_position = e.position
     LEFT JOIN payloads y ON y.message = m.message
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
        let entry = if with_commitments { committed(row)? } else { plain(row)? };
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
