//! Who follows which dossier, and what there is to tell of it.

use rusqlite::{Connection, Row, Transaction, params};

use super::{SqliteStore, Task};
use crate::{
    registry::Identity,
    store::{
        Answer, DossierRow, StoreError,
        subscriptions::in_a_move,
        watches::{Added, Most, Noticed, WATCHES_READ, WatchQuery, WatchRow, Watched, Watches},
    },
};

/// Nothing is changed in the middle of a move.
fn stays(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM head WHERE leaving IS NULL AND arriving IS NULL)";
    let stays: bool = transaction.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    if stays { Ok(()) } else { Err(in_a_move()) }
}

fn add(transaction: &Transaction<'_>, row: &WatchRow, most: Most) -> Result<Added, StoreError> {
    stays(transaction)?;
    let sql = "SELECT count(*), count(*) FILTER (WHERE source = ?3 AND source_code = ?4)
               FROM watches WHERE owner = ?1 AND ends_at > ?2";
    let of = &row.of;
    let values = params![row.owner, row.made_at, of.source, of.source_code];
    let counted = |row: &Row<'_>| Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?));
    let (owner, dossier) = transaction.prepare_cached(sql)?.query_row(values, counted)?;
    if dossier >= most.of_dossier {
        return Ok(Added::DossierFull);
    }
    if owner >= most.of_owner {
        return Ok(Added::OwnerFull);
    }
    let sql = "INSERT INTO watches (id, owner, source, source_code, since, made_at, ends_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    transaction.prepare_cached(sql)?.execute(params![
        row.id,
        row.owner,
        of.source,
        of.source_code,
        row.since,
        row.made_at,
        row.ends_at,
    ])?;
    Ok(Added::Added)
}

/// The dossier of a row, whose columns of it begin at `at`.
fn dossier(row: &Row<'_>, at: usize) -> rusqlite::Result<DossierRow> {
    let key = Identity { source: row.get(at)?, source_code: row.get(at + 1)? }.key();
    Ok(DossierRow { key, position: row.get(at + 2)?, public: row.get(at + 3)? })
}

fn some(connection: &Connection, query: &WatchQuery) -> Result<Vec<Watched>, StoreError> {
    let sql = "SELECT w.id, w.owner, w.source, w.source_code, w.since, w.made_at, w.ends_at,
                   k.source, k.source_code, d.position, d.public
               FROM watches w
               LEFT JOIN members m ON m.source_code = w.source_code AND m.source = w.source
               LEFT JOIN members k ON k.member = m.dossier
               LEFT JOIN dossiers d ON d.dossier = k.member
               WHERE (?1 IS NULL OR w.id = ?1) AND w.id > ?2 ORDER BY w.id LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![query.id, query.after, WATCHES_READ], |row| {
        let watch = WatchRow {
            id: row.get(0)?,
            owner: row.get(1)?,
            of: Identity { source: row.get(2)?, source_code: row.get(3)? },
            since: row.get(4)?,
            made_at: row.get(5)?,
            ends_at: row.get(6)?,
        };
        let known: Option<u64> = row.get(9)?;
        Ok(Watched { watch, dossier: known.map(|_| dossier(row, 7)).transpose()? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn noticed(
    connection: &Connection,
    (from, after): (u64, &str),
    to: u64,
    now: i64,
    limit: u32,
) -> Result<Vec<Noticed>, StoreError> {
    let sql = "SELECT w.id, w.owner, k.source, k.source_code, d.position, d.public
               FROM changes c JOIN dossiers d ON d.dossier = c.dossier AND d.position = c.position
               JOIN members k ON k.member = d.dossier
               JOIN members m ON m.dossier = d.dossier
               JOIN watches w ON w.source_code = m.source_code AND w.source = m.source
               WHERE c.position >= ?1 AND c.position < ?3 AND (c.position > ?1 OR w.id > ?2)
                 AND w.since <= c.position AND w.ends_at > ?4 AND d.public IS NOT NULL
               ORDER BY c.position, w.id LIMIT ?5";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![from, after, to, now, limit], |row| {
        Ok(Noticed { watch: row.get(0)?, owner: row.get(1)?, dossier: dossier(row, 2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn end(transaction: &Transaction<'_>, ids: &[String]) -> Result<u64, StoreError> {
    stays(transaction)?;
    let mut statement = transaction.prepare_cached("DELETE FROM watches WHERE id = ?1")?;
    let mut ended = 0;
    for id in ids {
        ended += statement.execute([id])? as u64;
    }
    Ok(ended)
}

impl Watches for SqliteStore {
    fn add_watch(&self, row: WatchRow, most: Most) -> Answer<'_, Result<Added, StoreError>> {
        self.alone(Task::Aside, move |transaction| add(transaction, &row, most))
    }

    fn watches(&self, query: WatchQuery) -> Answer<'_, Result<Vec<Watched>, StoreError>> {
        self.read(move |connection| some(connection, &query))
    }

    fn notices(
        &self,
        (from, after): (u64, String),
        to: u64,
        now: i64,
        limit: u32,
    ) -> Answer<'_, Result<Vec<Noticed>, StoreError>> {
        self.read(move |connection| noticed(connection, (from, &after), to, now, limit))
    }

    fn end_watches(&self, ids: Vec<String>) -> Answer<'_, Result<u64, StoreError>> {
        self.alone(Task::Aside, move |transaction| end(transaction, &ids))
    }
}
