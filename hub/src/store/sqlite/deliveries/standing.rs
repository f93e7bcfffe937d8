//! How outbound channels stand, and what waits for them.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{leases, now};
use crate::store::{
    StoreError,
    deliveries::{
        Course, DeadId, Decided, Decision, Due, Running, Waiting, from_to, leases::Leases,
    },
};

/// What was decided of a channel.
pub(super) fn decided(
    connection: &Connection,
    channel: &str,
) -> Result<Option<Decided>, StoreError> {
    let sql = "SELECT state, up_to, since, reason FROM outbound_channels WHERE channel = ?1";
    let read = |row: &Row<'_>| {
        let state: String = row.get(0)?;
        let state = Running::named(&state);
        Ok(Decided { state, up_to: row.get(1)?, since: row.get(2)?, reason: row.get(3)? })
    };
    Ok(connection.prepare_cached(sql)?.query_row([channel], read).optional()?)
}

/// Lines that are delivered while a channel drains: those that begin before a position.
pub(super) const BEFORE: &str = "EXISTS (SELECT 1 FROM outbox o WHERE o.channel = l.channel
    AND o.key = l.key AND o.position < ?2)";

/// How a channel stands.
pub(super) fn due(connection: &Connection, channel: &str) -> Result<Due, StoreError> {
    let decided = decided(connection, channel)?;
    let state = decided.as_ref().map_or(Running::Running, |decided| decided.state);
    let up_to = decided.and_then(|decided| decided.up_to).filter(|_| state == Running::Draining);
    let up_to = up_to.and_then(|up_to| i64::try_from(up_to).ok()).unwrap_or(i64::MAX);
    let leases = Leases::read(&leases(connection, channel)?)?;
    let filter = if up_to == i64::MAX { "?2 = ?2" } else { BEFORE };
    let sql = format!(
        "SELECT key, attempt_at FROM outbox_lines l WHERE channel = ?1 AND {filter}
         ORDER BY attempt_at"
    );
    let (now, mut at) = (now(), leases.first_end(now()));
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![channel, up_to])?;
    // Those that are leased are at the front, so not many are looked at.
    while let Some(row) = rows.next()? {
        let (key, due): (String, i64) = (row.get(0)?, row.get(1)?);
        if leases.is_free(&key, now) {
            at = Some(at.map_or(due, |end| end.min(due)));
            break;
        }
    }
    Ok(Due { state, within: at.map(|at| from_to(now, at)) })
}

/// Sets whether a channel delivers.
pub(super) fn decide(
    transaction: &Transaction<'_>,
    channel: &str,
    decision: &Decision,
) -> Result<bool, StoreError> {
    let (before, now) = (decided(transaction, channel)?, now());
    if !decision.changes(before.as_ref(), u64::try_from(now).unwrap_or_default()) {
        return Ok(false);
    }
    let Decision { state, reason, .. } = decision;
    if *state == Running::Running {
        // It was paused or drained, so it has a row.
        let sql = "UPDATE outbound_channels SET state = ?2, up_to = NULL, since = ?3, reason = ?4
                   WHERE channel = ?1";
        let values = params![channel, state.name(), now, reason];
        return Ok(transaction.prepare_cached(sql)?.execute(values)? > 0);
    }
    let sql = "INSERT INTO outbound_channels (channel, state, up_to, since, reason)
               SELECT ?1, ?2, CASE ?2 WHEN 'draining' THEN size END, ?3, ?4 FROM head
               WHERE leaving IS NULL AND arriving IS NULL
               ON CONFLICT (channel) DO UPDATE SET state = excluded.state, up_to = excluded.up_to,
                   since = excluded.since, reason = excluded.reason";
    let values = params![channel, state.name(), now, reason];
    Ok(transaction.prepare_cached(sql)?.execute(values)? > 0)
}

/// What has become of the delivery of a record, in a line of a channel.
pub(super) fn course(
    connection: &Connection,
    channel: &str,
    (key, position): (&str, u64),
) -> Result<Course, StoreError> {
    let sql = "SELECT l.attempts, l.told FROM outbox o
               JOIN outbox_lines l ON l.channel = o.channel AND l.key = o.key
               WHERE o.channel = ?1 AND o.key = ?2 AND o.position = ?3";
    let waits = |row: &Row<'_>| Ok(Course::Waiting { attempts: row.get(0)?, told: row.get(1)? });
    let values = params![channel, key, position];
    if let Some(course) = connection.prepare_cached(sql)?.query_row(values, waits).optional()? {
        return Ok(course);
    }
    // Asked in the order in which a delivery goes on, so that none is missed between two steps.
    let sql = "SELECT at FROM settled WHERE position = ?1";
    let settled = connection.prepare_cached(sql)?.query_row([position], |row| row.get(0));
    if let Some(at) = settled.optional()? {
        return Ok(Course::Settled { at });
    }
    let sql = "SELECT number, cause, state FROM dead_letters
               WHERE channel = ?1 AND position = ?2 ORDER BY number DESC LIMIT 1";
    let buried = |row: &Row<'_>| {
        let id = DeadId { channel: channel.to_owned(), position, number: row.get(0)? };
        Ok(Course::Buried { id, cause: row.get(1)?, state: row.get(2)? })
    };
    let found = connection.prepare_cached(sql)?.query_row(params![channel, position], buried);
    Ok(found.optional()?.unwrap_or(Course::None))
}

/// Channels that do not simply deliver.
const STEERED: &str = "SELECT channel FROM outbound_channels WHERE state <> 'running'";

/// What waits, by channel.
pub(super) fn waiting(connection: &Connection) -> Result<Vec<Waiting>, StoreError> {
    let mut all: BTreeMap<String, Waiting> = BTreeMap::new();
    let of = |all: &mut BTreeMap<String, Waiting>, channel: String| {
        all.entry(channel.clone()).or_insert_with(|| Waiting::of(channel));
    };
    let sql = "SELECT channel, sum(waiting), count(failing_since), min(failing_since), max(told)
               FROM outbox_lines GROUP BY channel";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let channel: String = row.get(0)?;
        let (waiting, failing) = (row.get(1)?, row.get(2)?);
        let (failing_since, told) = (row.get(3)?, row.get(4)?);
        let one = Waiting { waiting, failing, failing_since, told, ..Waiting::of(channel.clone()) };
        all.insert(channel, one);
    }
    let sql = "SELECT channel, count(*) FROM dead_letters WHERE state = 'waiting' GROUP BY channel";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let channel: String = row.get(0)?;
        of(&mut all, channel.clone());
        if let Some(one) = all.get_mut(&channel) {
            one.dead = row.get(1)?;
        }
    }
    let mut statement = connection.prepare_cached(STEERED)?;
    let channels = statement.query_map([], |row| row.get(0))?;
    for channel in channels.collect::<Result<Vec<String>, _>>()? {
        of(&mut all, channel.clone());
        if let Some(one) = all.get_mut(&channel) {
            one.decided = decided(connection, &channel)?;
        }
    }
    Ok(all.into_values().collect())
}
