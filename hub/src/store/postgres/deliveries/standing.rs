//! How outbound channels stand, and what waits for them.

use std::{collections::BTreeMap, sync::Arc};

use deadpool_postgres::GenericClient;

use super::{NOW, small};
use crate::store::{
    deliveries::{Course, DeadId, Decided, Due, Running, Waiting, from_to},
    postgres::{
        failure::Failure,
        session::{self, Value, signed, unsigned},
    },
};

/// Lines that are delivered while a channel drains: those that begin before a position.
pub(super) const BEFORE: &str = "EXISTS (SELECT FROM outbox o WHERE o.channel = l.channel
    AND o.key = l.key AND o.position < $4::bigint)";

fn read(row: &tokio_postgres::Row) -> Result<(String, Decided), Failure> {
    let state: String = row.try_get(1)?;
    let decided = Decided {
        state: Running::named(&state),
        up_to: row.try_get::<_, Option<i64>>(2)?.map(unsigned),
        since: unsigned(row.try_get(3)?),
        reason: row.try_get(4)?,
    };
    Ok((row.try_get(0)?, decided))
}

/// What was decided of a channel.
pub(super) async fn decided(
    client: &impl GenericClient,
    channel: &str,
) -> Result<Option<Decided>, Failure> {
    let sql = "SELECT channel, state, up_to, since, reason FROM outbound_channels
               WHERE channel = $1";
    let row = session::row(client, sql, &[&channel]).await?;
    Ok(row.as_ref().map(read).transpose()?.map(|(_, decided)| decided))
}

/// Keeps when the deliveries of some positions were settled.
pub(super) async fn keep(
    client: &impl GenericClient,
    channel: &str,
    positions: Vec<i64>,
) -> Result<(), Failure> {
    if positions.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO settled (position, channel, at)
         SELECT position, $1, {NOW} FROM unnest($2::bigint[]) w (position)
         ON CONFLICT (position, channel) DO NOTHING"
    );
    session::rows(client, &sql, &[&channel, &positions]).await.map(drop)
}

/// What has become of the delivery of a record, in a line of a channel. Asked in the order in
/// which a delivery goes on, so that none is missed between two steps.
pub(super) async fn course(
    client: &impl GenericClient,
    channel: &str,
    (key, position): (&str, u64),
) -> Result<Course, Failure> {
    let at = signed(position);
    let sql = "SELECT l.attempts, l.told FROM outbox o
               JOIN outbox_lines l ON l.channel = o.channel AND l.key = o.key
               WHERE o.channel = $1 AND o.key = $2 AND o.position = $3";
    if let Some(row) = session::row(client, sql, &[&channel, &key, &at]).await? {
        return Ok(Course::Waiting { attempts: small(row.try_get(0)?), told: row.try_get(1)? });
    }
    let sql = "SELECT at FROM settled WHERE position = $1";
    if let Some(row) = session::row(client, sql, &[&at]).await? {
        return Ok(Course::Settled { at: unsigned(row.try_get(0)?) });
    }
    let sql = "SELECT number, cause, state FROM dead_letters
               WHERE channel = $1 AND position = $2 ORDER BY number DESC LIMIT 1";
    let Some(row) = session::row(client, sql, &[&channel, &at]).await? else {
        return Ok(Course::None);
    };
    let id = DeadId { channel: channel.to_owned(), position, number: unsigned(row.try_get(0)?) };
    Ok(Course::Buried { id, cause: row.try_get(1)?, state: row.try_get(2)? })
}

/// How some channels stand.
pub(super) async fn due(
    client: &impl GenericClient,
    channels: &[Arc<str>],
) -> Result<Vec<Due>, Failure> {
    let sql = format!(
        "SELECT w.place, c.state, l.attempt_at, {NOW}
         FROM unnest($1::bigint[], $2::text[]) w (place, channel)
         LEFT JOIN outbound_channels c ON c.channel = w.channel
         LEFT JOIN LATERAL (SELECT attempt_at FROM outbox_lines l
             WHERE l.channel = w.channel AND (c.state IS DISTINCT FROM 'draining' OR EXISTS (
                 SELECT FROM outbox o WHERE o.channel = l.channel AND o.key = l.key
                     AND o.position < c.up_to))
             ORDER BY attempt_at LIMIT 1) l ON true
         ORDER BY w.place"
    );
    let places: Vec<i64> = (0..).take(channels.len()).collect();
    let names: Vec<&str> = channels.iter().map(|name| &**name).collect();
    let mut all = Vec::with_capacity(channels.len());
    for row in session::rows(client, &sql, &[&places, &names]).await? {
        let state: Option<String> = row.try_get(1)?;
        let (at, now): (Option<i64>, i64) = (row.try_get(2)?, row.try_get(3)?);
        let state = state.as_deref().map_or(Running::Running, Running::named);
        all.push(Due { state, within: at.map(|at| from_to(now, at)) });
    }
    Ok(all)
}

/// Sets whether a channel delivers.
pub(super) async fn decide(
    client: &impl GenericClient,
    channel: &str,
    state: Running,
    reason: &str,
) -> Result<bool, Failure> {
    let before = decided(client, channel).await?.map_or(Running::Running, |known| known.state);
    if before == state || (before == Running::Paused && state == Running::Draining) {
        return Ok(false);
    }
    if state == Running::Running {
        let sql = "DELETE FROM outbound_channels WHERE channel = $1 RETURNING channel";
        return Ok(session::row(client, sql, &[&channel]).await?.is_some());
    }
    let sql = format!(
        "INSERT INTO outbound_channels AS c (channel, state, up_to, since, reason)
         SELECT $1, $2::text, CASE $2::text WHEN 'draining' THEN size END, {NOW}, $3 FROM head
         WHERE leaving IS NULL AND arriving IS NULL
         ON CONFLICT (channel) DO UPDATE SET state = excluded.state, up_to = excluded.up_to,
             since = excluded.since, reason = excluded.reason
         WHERE c.state <> excluded.state RETURNING c.channel"
    );
    let values: [Value<'_>; 3] = [&channel, &state.name(), &reason];
    Ok(session::row(client, &sql, &values).await?.is_some())
}

/// What waits, by channel.
pub(super) async fn waiting(client: &impl GenericClient) -> Result<Vec<Waiting>, Failure> {
    let mut all: BTreeMap<String, Waiting> = BTreeMap::new();
    let sql = "SELECT channel, sum(waiting)::bigint, count(failing_since), min(failing_since),
                   max(told) FROM outbox_lines GROUP BY channel";
    for row in session::rows(client, sql, &[]).await? {
        let channel: String = row.try_get(0)?;
        let one = Waiting {
            waiting: unsigned(row.try_get(1)?),
            failing: unsigned(row.try_get(2)?),
            failing_since: row.try_get::<_, Option<i64>>(3)?.map(unsigned),
            told: row.try_get(4)?,
            ..Waiting::of(channel.clone())
        };
        all.insert(channel, one);
    }
    let of = |all: &mut BTreeMap<String, Waiting>, channel: &str| {
        all.remove(channel).unwrap_or_else(|| Waiting::of(channel.to_owned()))
    };
    let sql = "SELECT channel, count(*) FROM dead_letters WHERE state = 'waiting' GROUP BY channel";
    for row in session::rows(client, sql, &[]).await? {
        let channel: String = row.try_get(0)?;
        let dead = unsigned(row.try_get(1)?);
        let one = Waiting { dead, ..of(&mut all, &channel) };
        all.insert(channel, one);
    }
    let sql = "SELECT channel, state, up_to, since, reason FROM outbound_channels";
    for row in session::rows(client, sql, &[]).await? {
        let (channel, decided) = read(&row)?;
        let one = Waiting { decided: Some(decided), ..of(&mut all, &channel) };
        all.insert(channel, one);
    }
    Ok(all.into_values().collect())
}
