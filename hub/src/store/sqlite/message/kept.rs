//! Messages that are kept, for whoever translates them again.

use rusqlite::{Connection, OptionalExtension, params};

use super::super::SqliteStore;
use crate::{
    journal::commitment::DedupHash,
    store::{
        Answer, StoreError,
        retranslation::{KeptMessage, KeptQuery, Retranslation, ToldBy, ToldEntry},
    },
};

fn kept(connection: &Connection, query: &KeptQuery) -> Result<Vec<KeptMessage>, StoreError> {
    let sql = "SELECT m.message, m.id, m.dedup, m.content_type, m.mode,
                      CASE WHEN m.outcome IS NULL THEN m.previous ELSE m.message END,
                      m.erased IS NOT NULL
               FROM messages m JOIN message_keys k
                   ON k.channel = m.channel AND k.id = m.id AND k.message = m.message
               WHERE m.channel = ?1 AND m.message > ?2 AND (?3 IS NULL OR m.recorded_at >= ?3)
                   AND (m.outcome IN ('refused', 'partial', CASE WHEN ?4 THEN '' ELSE 'stored' END)
                            AND m.mapping <> ?5
                        OR m.outcome IS NULL AND m.previous IS NOT NULL AND m.mapping = ?5)
               ORDER BY m.message LIMIT ?6";
    let mut statement = connection.prepare_cached(sql)?;
    let KeptQuery { channel, mapping, after, since, refused, limit } = query;
    let values = params![channel, after, since, refused, mapping.as_bytes(), limit];
    let rows = statement.query_map(values, |row| {
        Ok(KeptMessage {
            message: row.get(0)?,
            id: row.get(1)?,
            dedup: DedupHash::from_bytes(row.get(2)?),
            content_type: row.get(3)?,
            mode: row.get(4)?,
            told_by: row.get(5)?,
            erased: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn told(connection: &Connection, message: u64) -> Result<ToldBy, StoreError> {
    type Row = (Option<u64>, Option<u64>, Option<u64>);
    let sql = "SELECT previous, first_position, last_position FROM messages WHERE message = ?1";
    let found: Option<Row> = connection
        .prepare_cached(sql)?
        .query_row([message], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((previous, first, last)) = found else { return Ok((Vec::new(), None)) };
    let (Some(first), Some(last)) = (first, last) else { return Ok((Vec::new(), previous)) };
    let sql = "SELECT position, record, kind, text, public FROM entries
               WHERE position BETWEEN ?1 AND ?2 AND message = ?3 ORDER BY position";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([first, last, message], |row| {
        Ok(ToldEntry {
            position: row.get(0)?,
            record: row.get(1)?,
            kind: row.get(2)?,
            text: row.get(3)?,
            public: row.get(4)?,
        })
    })?;
    Ok((rows.collect::<Result<_, _>>()?, previous))
}

impl Retranslation for SqliteStore {
    fn kept_messages(&self, query: KeptQuery) -> Answer<'_, Result<Vec<KeptMessage>, StoreError>> {
        self.read(move |connection| kept(connection, &query))
    }

    fn told_by(&self, message: u64) -> Answer<'_, Result<ToldBy, StoreError>> {
        self.read(move |connection| told(connection, message))
    }
}
