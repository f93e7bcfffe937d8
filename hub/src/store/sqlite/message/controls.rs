//! Controls, and the keys of a source.

use rusqlite::{Connection, params};

use super::super::{SqliteStore, Task};
use crate::store::{
    Answer, StoreError,
    controls::{ControlKind, ControlRow, Controls, KeyRange},
};

fn keys(connection: &Connection, range: &KeyRange) -> Result<Vec<String>, StoreError> {
    let KeyRange { source, from: (from, included), to, limit } = range;
    let after = if *included { ">=" } else { ">" };
    let sql = format!(
        "SELECT m.source_code FROM members m LEFT JOIN dossiers d ON d.dossier = m.dossier
         WHERE m.source_code {after} ?1 AND m.source_code <= ?2 AND m.source = ?3
             AND (d.dossier IS NULL OR d.public IS NOT NULL)
         ORDER BY m.source_code LIMIT ?4"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![from, to, source, limit], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn keep(connection: &Connection, row: &ControlRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO controls (channel, at, kind, source, told, missing, extra)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (channel, kind, at) DO UPDATE
               SET source = excluded.source, told = excluded.told, missing = excluded.missing,
                   extra = excluded.extra";
    let (kind, at) = (row.kind.name(), row.at);
    let values = params![row.channel, at, kind, row.source, row.told, row.missing, row.extra];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

fn latest(connection: &Connection, channel: Option<&str>) -> Result<Vec<ControlRow>, StoreError> {
    let filter = if channel.is_some() { "channel = ?1" } else { "?1 IS NULL" };
    // With max, the other columns are those of its row.
    let sql = format!(
        "SELECT channel, max(at), source, told, missing, extra FROM controls
         WHERE kind = 'keys' AND {filter} GROUP BY channel"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([channel], |row| {
        Ok(ControlRow {
            channel: row.get(0)?,
            at: row.get(1)?,
            kind: ControlKind::Keys,
            source: row.get(2)?,
            told: row.get(3)?,
            missing: row.get(4)?,
            extra: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Controls for SqliteStore {
    fn keys_of(&self, range: KeyRange) -> Answer<'_, Result<Vec<String>, StoreError>> {
        self.read(move |connection| keys(connection, &range))
    }

    fn keep_control(&self, row: ControlRow) -> Answer<'_, Result<(), StoreError>> {
        self.alone(Task::Aside, move |transaction| keep(transaction, &row))
    }

    fn controls(&self, channel: Option<String>) -> Answer<'_, Result<Vec<ControlRow>, StoreError>> {
        self.read(move |connection| latest(connection, channel.as_deref()))
    }
}
