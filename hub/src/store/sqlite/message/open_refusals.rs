//! Refusals that are open.

use std::collections::{BTreeMap, HashMap, btree_map::Entry};

use contracts::Refusal;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::{SqliteStore, Task};
use crate::store::{
    Answer, StoreError,
    batch::Refused,
    refusals::{self, ANY_CODE, RefusalCount, RefusalQuery, RefusalRow, Refusals},
};

/// How many more there are, by channel and code.
type Tally = HashMap<(String, String), i64>;

fn gone(
    connection: &Connection,
    filter: &str,
    values: impl rusqlite::Params,
    tally: &mut Tally,
) -> Result<(), StoreError> {
    let sql = format!("DELETE FROM refused WHERE {filter} RETURNING channel, code");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(values)?;
    while let Some(row) = rows.next()? {
        *tally.entry((row.get(0)?, row.get(1)?)).or_default() -= 1;
    }
    Ok(())
}

fn count(connection: &Connection, tally: &Tally) -> Result<(), StoreError> {
    let sql = "INSERT INTO refused_counts (channel, code, refusals) VALUES (?1, ?2, ?3)
               ON CONFLICT (channel, code) DO UPDATE SET refusals = refusals + excluded.refusals";
    let mut statement = connection.prepare_cached(sql)?;
    for ((channel, code), more) in tally {
        statement.execute(params![channel, code, more])?;
    }
    Ok(())
}

/// Writes what a batch does to them.
pub(in super::super) fn write(
    connection: &Connection,
    refused: &Refused,
) -> Result<(), StoreError> {
    if refused.is_empty() {
        return Ok(());
    }
    let mut tally = Tally::new();
    for message in &refused.replaced {
        gone(connection, "message = ?1", [message], &mut tally)?;
    }
    let sql = "SELECT 1 FROM refused WHERE channel = ?1 LIMIT 1";
    let mut any = connection.prepare_cached(sql)?;
    for (channel, keys) in &refused.told {
        // Most channels have none that is open, and pay nothing for the keys.
        if any.query_row([channel], |_| Ok(())).optional()?.is_none() {
            continue;
        }
        for (key, position) in keys {
            let filter = "channel = ?1 AND key = ?2 AND position < ?3";
            gone(connection, filter, params![channel, key, position], &mut tally)?;
        }
    }
    let sql = "INSERT INTO refused (channel, code, position, place, message, key)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let mut statement = connection.prepare_cached(sql)?;
    for one in &refused.opened {
        let codes = one.codes.iter().map(String::as_str).filter(|code| *code != ANY_CODE);
        for code in codes.chain([ANY_CODE]) {
            let (position, place) = (one.position, one.place);
            let values = params![one.channel, code, position, place, one.message, one.key];
            statement.execute(values)?;
            *tally.entry((one.channel.clone(), code.to_owned())).or_default() += 1;
        }
    }
    count(connection, &tally)
}

fn open(connection: &Connection, query: &RefusalQuery) -> Result<Vec<RefusalRow>, StoreError> {
    let sql = "SELECT r.position, r.place, r.key, m.id, m.recorded_at
               FROM refused r JOIN messages m ON m.message = r.message
               WHERE r.channel = ?1 AND r.code = ?2 AND (r.position, r.place) < (?3, ?4)
               ORDER BY r.position DESC, r.place DESC LIMIT ?5";
    let mut statement = connection.prepare_cached(sql)?;
    let (position, place) = query.before.map_or((i64::MAX, 0), |(position, place)| {
        (i64::try_from(position).unwrap_or(i64::MAX), place)
    });
    let values = params![query.channel, query.code, position, place, query.limit];
    let mut rows = statement.query(values)?;
    let mut text = connection.prepare_cached("SELECT public FROM entries WHERE position = ?1")?;
    let mut told: BTreeMap<u64, Vec<Refusal>> = BTreeMap::new();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (position, place) = (row.get(0)?, row.get(1)?);
        let all = match told.entry(position) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(none) => {
                let public: Vec<u8> = text.query_row([position], |row| row.get(0))?;
                none.insert(refusals::told(position, &public)?)
            }
        };
        found.push(RefusalRow {
            position,
            place,
            key: row.get(2)?,
            message: row.get(3)?,
            recorded_at: row.get(4)?,
            refusal: refusals::at(position, all, place)?,
        });
    }
    Ok(found)
}

fn counts(connection: &Connection, channel: Option<&str>) -> Result<Vec<RefusalCount>, StoreError> {
    let filter = if channel.is_some() { "channel = ?1" } else { "?1 IS NULL" };
    let sql = format!(
        "SELECT channel, code, refusals FROM refused_counts WHERE refusals > 0 AND {filter}
         ORDER BY channel, code"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([channel], |row| {
        Ok(RefusalCount { channel: row.get(0)?, code: row.get(1)?, refusals: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn settle(connection: &Connection, channel: &str, id: &str) -> Result<u64, StoreError> {
    let mut tally = Tally::new();
    let filter = "channel = ?1 AND message IN (
                      SELECT message FROM message_keys WHERE channel = ?1 AND id = ?2
                      UNION ALL
                      SELECT message FROM message_conflicts WHERE channel = ?1 AND id = ?2)";
    gone(connection, filter, [channel, id], &mut tally)?;
    count(connection, &tally)?;
    let all = tally.get(&(channel.to_owned(), ANY_CODE.to_owned())).copied().unwrap_or_default();
    Ok(all.unsigned_abs())
}

impl Refusals for SqliteStore {
    fn open_refusals(
        &self,
        query: RefusalQuery,
    ) -> Answer<'_, Result<Vec<RefusalRow>, StoreError>> {
        self.read(move |connection| open(connection, &query))
    }

    fn refusal_counts(
        &self,
        channel: Option<String>,
    ) -> Answer<'_, Result<Vec<RefusalCount>, StoreError>> {
        self.read(move |connection| counts(connection, channel.as_deref()))
    }

    fn settle_refusals(&self, channel: String, id: String) -> Answer<'_, Result<u64, StoreError>> {
        self.alone(Task::Aside, move |transaction| settle(transaction, &channel, &id))
    }
}
