//! Messages as readers ask for them.

pub(super) mod channels;
mod controls;
mod kept;
pub(super) mod open_refusals;

use std::collections::HashMap;

use contracts::Refusal;
use deadpool_postgres::GenericClient;
use tokio_postgres::Row;

use super::{
    failure::Failure,
    session::{self, signed, unsigned},
};
use crate::store::{MessageRow, StoreError};

fn refusals_of(message: u64, public: &[u8]) -> Result<Vec<Refusal>, Failure> {
    let damaged = |error: serde_json::Error| {
        StoreError::fault(format!("a refusal of message {message}: {error}"))
    };
    Ok(serde_json::from_slice(public).map_err(damaged)?)
}

/// The first refusals of some messages.
pub(super) async fn first_refusals(
    client: &impl GenericClient,
    messages: &[i64],
    limit: usize,
) -> Result<HashMap<u64, Vec<Refusal>>, Failure> {
    // Every such entry holds at least one refusal.
    let sql = "SELECT w.message, e.public FROM unnest($1::bigint[]) w (message)
               CROSS JOIN LATERAL (
                   SELECT position, public FROM entries
                   WHERE message = w.message AND kind = 'refusal' ORDER BY position LIMIT $2) e
               ORDER BY w.message, e.position";
    let entries_max = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut all: HashMap<u64, Vec<Refusal>> = HashMap::new();
    for row in session::rows(client, sql, &[&messages, &entries_max]).await? {
        let message = unsigned(row.try_get(0)?);
        let told = all.entry(message).or_default();
        if told.len() < limit {
            let found = refusals_of(message, row.try_get(1)?)?;
            told.extend(found.into_iter().take(limit - told.len()));
        }
    }
    Ok(all)
}

const COLUMNS: &str = "message, channel, id, mode, recorded_at, outcome, previous, content_type, \
                       records, refused, first_position, last_position, erased, dropped";

fn message_row(row: &Row) -> Result<MessageRow, Failure> {
    let number = |column: usize| row.try_get::<_, Option<i64>>(column).map(|n| n.map(unsigned));
    Ok(MessageRow {
        message: unsigned(row.try_get(0)?),
        channel: row.try_get(1)?,
        id: row.try_get(2)?,
        mode: row.try_get(3)?,
        recorded_at: row.try_get(4)?,
        outcome: row.try_get(5)?,
        previous: number(6)?,
        content_type: row.try_get(7)?,
        records: unsigned(row.try_get(8)?),
        refused: unsigned(row.try_get(9)?),
        first_position: number(10)?,
        last_position: number(11)?,
        erased: number(12)?,
        dropped: unsigned(row.try_get(13)?),
    })
}

/// The channels there are: hops from one to the next in the index, so that few rows are read.
const CHANNELS: &str = "
    channels (channel) AS (
        (SELECT channel FROM messages ORDER BY channel LIMIT 1)
        UNION ALL
        SELECT (SELECT m.channel FROM messages m WHERE m.channel > c.channel
                ORDER BY m.channel LIMIT 1)
        FROM channels c WHERE c.channel IS NOT NULL)";

/// Attempts under an id, newest first.
pub(super) async fn by_id(
    client: &impl GenericClient,
    channel: Option<&str>,
    id: &str,
) -> Result<Vec<MessageRow>, Failure> {
    // The attempts that decide or conflict, and those before each; a conflict's `previous` is the
    // message it conflicts with, listed by its own key.
    let sql = format!(
        "WITH RECURSIVE {CHANNELS}, attempts AS (
             SELECT m.message, m.previous, m.outcome FROM channels c
             CROSS JOIN LATERAL (
                 SELECT k.message FROM message_keys k WHERE k.channel = c.channel AND k.id = $2
                 UNION ALL
                 SELECT k.message FROM message_conflicts k
                 WHERE k.channel = c.channel AND k.id = $2) k
             JOIN messages m ON m.message = k.message
             WHERE $1::text IS NULL OR c.channel = $1
             UNION
             SELECT m.message, m.previous, m.outcome
             FROM attempts a JOIN messages m ON m.message = a.previous
             WHERE a.outcome IS DISTINCT FROM 'conflict')
         SELECT {COLUMNS} FROM messages WHERE message IN (SELECT message FROM attempts)
         ORDER BY message DESC"
    );
    let found = session::rows(client, &sql, &[&channel, &id]).await?;
    found.iter().map(message_row).collect()
}

/// The latest messages of a channel or of all.
pub(super) async fn latest(
    client: &impl GenericClient,
    channel: Option<&str>,
    limit: u32,
) -> Result<Vec<MessageRow>, Failure> {
    let filter = if channel.is_some() { "channel = $1" } else { "$1::text IS NULL" };
    let sql =
        format!("SELECT {COLUMNS} FROM messages WHERE {filter} ORDER BY message DESC LIMIT $2");
    let found = session::rows(client, &sql, &[&channel, &i64::from(limit)]).await?;
    found.iter().map(message_row).collect()
}

/// The refusals of one message, in payload order.
pub(super) async fn refusals(
    client: &impl GenericClient,
    message: u64,
    limit: usize,
) -> Result<Vec<Refusal>, Failure> {
    let mut told = first_refusals(client, &[signed(message)], limit).await?;
    Ok(told.remove(&message).unwrap_or_default())
}
