//! Dossiers one after the other.

use rusqlite::Connection;

use super::SqliteStore;
use crate::{
    registry::Identity,
    store::{
        Answer, DossierRow, StoreError,
        listing::{Listed, Listing},
    },
};

fn listed(connection: &Connection, from: u64, limit: u32) -> Result<Vec<Listed>, StoreError> {
    let sql = "SELECT d.dossier, m.source, m.source_code, d.position, d.public
               FROM dossiers d JOIN members m ON m.member = d.dossier
               WHERE d.dossier >= ?1 AND d.public IS NOT NULL ORDER BY d.dossier LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([from, u64::from(limit)], |row| {
        let key = Identity { source: row.get(1)?, source_code: row.get(2)? }.key();
        let found = DossierRow { key, position: row.get(3)?, public: row.get(4)? };
        Ok(Listed { number: row.get(0)?, row: found })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn identities(
    connection: &Connection,
    from: u64,
    limit: u32,
) -> Result<Vec<(u64, Identity)>, StoreError> {
    let sql = "SELECT member, source, source_code FROM members
               WHERE member >= ?1 ORDER BY member LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([from, u64::from(limit)], |row| {
        Ok((row.get(0)?, Identity { source: row.get(1)?, source_code: row.get(2)? }))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Listing for SqliteStore {
    fn listed(&self, from: u64, limit: u32) -> Answer<'_, Result<Vec<Listed>, StoreError>> {
        self.read(move |connection| listed(connection, from, limit))
    }

    fn identities(
        &self,
        from: u64,
        limit: u32,
    ) -> Answer<'_, Result<Vec<(u64, Identity)>, StoreError>> {
        self.read(move |connection| identities(connection, from, limit))
    }
}
