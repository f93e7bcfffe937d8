//! What was seen of what channels send.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{SqliteStore, Task, at_rest, holds};
use crate::store::{
    Answer, StoreError,
    at_rest::Place,
    profiles::{self, Beginning, ProfileRow, Profiles, Received, Turn, Unprofiled},
};

fn unprofiled(connection: &Connection, limit: u32) -> Result<Unprofiled, StoreError> {
    let next: Option<u64> = connection
        .prepare_cached("SELECT next FROM profiled")?
        .query_row([], |r| r.get(0))
        .optional()?;
    let next = next.unwrap_or(1);
    let messages =
        connection.prepare_cached("SELECT messages FROM head")?.query_row([], |row| row.get(0))?;
    let sql = "SELECT message, channel, recorded_at FROM messages WHERE message >= ?1
               ORDER BY message LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![next, limit], |row| {
        Ok(Received { message: row.get(0)?, channel: row.get(1)?, recorded_at: row.get(2)? })
    })?;
    Ok(Unprofiled { next, messages, received: rows.collect::<Result<_, _>>()? })
}

fn beginning(
    connection: &Connection,
    message: u64,
    bytes: u64,
) -> Result<Option<Beginning>, StoreError> {
    let sql = "SELECT bytes, key_id, wrapped_key, piece FROM payloads WHERE message = ?1
               ORDER BY piece LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([message, profiles::pieces(bytes)], |row| {
        at_rest::text(row, Place::Raw(message, row.get(3)?), (0, 1))
    })?;
    let pieces: Vec<Option<Vec<u8>>> = rows.collect::<Result<_, _>>()?;
    Ok(profiles::beginning(pieces.into_iter().flatten().collect(), bytes))
}

fn keep(transaction: &Transaction<'_>, turn: &Turn) -> Result<bool, StoreError> {
    let sql = "INSERT INTO profiled (one, next)
               SELECT 1, ?2 FROM head WHERE leaving IS NULL AND arriving IS NULL
               ON CONFLICT (one) DO UPDATE SET next = excluded.next WHERE next = ?1";
    if transaction.prepare_cached(sql)?.execute([turn.from, turn.to])? == 0 {
        return Ok(false);
    }
    let sql = "INSERT INTO profiles (channel, period, profile) VALUES (?1, ?2, ?3)
               ON CONFLICT (channel, period) DO UPDATE SET profile = excluded.profile";
    let mut keep = transaction.prepare_cached(sql)?;
    for row in &turn.kept {
        keep.execute(params![row.channel, row.period, row.profile])?;
    }
    let mut drop =
        transaction.prepare_cached("DELETE FROM profiles WHERE channel = ?1 AND period = ?2")?;
    for (channel, period) in &turn.dropped {
        drop.execute([channel, period])?;
    }
    holds::begin(transaction, &turn.held)?;
    Ok(true)
}

fn all(
    connection: &Connection,
    channels: Option<Vec<String>>,
) -> Result<Vec<ProfileRow>, StoreError> {
    let channels = match channels {
        Some(mut channels) => {
            channels.sort();
            channels.dedup();
            channels
        }
        None => {
            let sql = "SELECT DISTINCT channel FROM profiles ORDER BY channel";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| row.get(0))?;
            rows.collect::<Result<_, _>>()?
        }
    };
    let sql = "SELECT channel, period, profile FROM profiles WHERE channel = ?1 ORDER BY period";
    let mut statement = connection.prepare_cached(sql)?;
    let mut all = Vec::new();
    for channel in channels {
        let rows = statement.query_map([channel], |row| {
            Ok(ProfileRow { channel: row.get(0)?, period: row.get(1)?, profile: row.get(2)? })
        })?;
        for row in rows {
            all.push(row?);
        }
    }
    Ok(all)
}

impl Profiles for SqliteStore {
    fn unprofiled(&self, limit: u32) -> Answer<'_, Result<Unprofiled, StoreError>> {
        self.read(move |connection| unprofiled(connection, limit))
    }

    fn beginning(
        &self,
        message: u64,
        bytes: u64,
    ) -> Answer<'_, Result<Option<Beginning>, StoreError>> {
        self.read(move |connection| beginning(connection, message, bytes))
    }

    fn keep(&self, turn: Turn) -> Answer<'_, Result<bool, StoreError>> {
        self.alone(Task::Aside, move |transaction| keep(transaction, &turn))
    }

    fn profiles(
        &self,
        channels: Option<Vec<String>>,
    ) -> Answer<'_, Result<Vec<ProfileRow>, StoreError>> {
        self.read(move |connection| all(connection, channels))
    }
}
