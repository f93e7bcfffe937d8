//! How outbound channels stand, and what waits for them.

use std::{collections::BTreeMap, sync::Arc};

use deadpool_postgres::GenericClient;

use super::{NOW, small};
use crate::store::{
    deliveries::{
        Course, DeadId, Decided, Decision, Due, LinePlace, Running, Waiting, from_to,
        leases::Leases,
    },
    postgres::{
        failure::Failure,
        session::{self, Value, signed, unsigned},
    },
};

/// Lines that are delivered while a channel drains: those that begin before a position.
pub(super) const BEFORE: &str = "EXISTS (SELECT FROM outbox o WHERE o.channel = l.channel
    AND o.key = l.key AND o.position < $3::bigint)";

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

/// What was decided of a channel, where anything may be delivered: none while the store takes part
/// in a move.
pub(super) async fn at_work(
    client: &impl GenericClient,
    channel: &str,
) -> Result<Option<Option<(Running, Option<i64>)>>, Failure> {
    let sql = "SELECT c.state, c.up_to FROM head LEFT JOIN outbound_channels c ON c.channel = $1
               WHERE leaving IS NULL AND arriving IS NULL";
    let Some(row) = session::row(client, sql, &[&channel]).await? else { return Ok(None) };
    let state: Option<String> = row.try_get(0)?;
    let up_to = row.try_get(1)?;
    Ok(Some(state.map(|state| (Running::named(&state), up_to))))
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

/// What has become of the deliveries of some records. Asked in the order in which a delivery goes
/// on, so that none is missed between two steps.
pub(super) async fn courses(
    client: &impl GenericClient,
    of: &[LinePlace],
) -> Result<Vec<Course>, Failure> {
    let places: Vec<i64> = (0..).take(of.len()).collect();
    let channels: Vec<&str> = of.iter().map(|(channel, _, _)| channel.as_str()).collect();
    let keys: Vec<&str> = of.iter().map(|(_, key, _)| key.as_str()).collect();
    let positions: Vec<i64> = of.iter().map(|(_, _, position)| signed(*position)).collect();
    let mut courses: Vec<Option<Course>> = vec![None; of.len()];
    let mut note = |row: &tokio_postgres::Row, course: Course| {
        let at = usize::try_from(row.try_get::<_, i64>(0)?).unwrap_or(usize::MAX);
        if let Some(known) = courses.get_mut(at) {
            known.get_or_insert(course);
        }
        Ok::<_, Failure>(())
    };
    let sql = "SELECT w.place, l.attempts, l.told
               FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[])
                   w (place, channel, key, position)
               JOIN outbox o
                 ON o.channel = w.channel AND o.key = w.key AND o.position = w.position
               JOIN outbox_lines l ON l.channel = o.channel AND l.key = o.key";
    let values: [Value<'_>; 4] = [&places, &channels, &keys, &positions];
    for row in session::rows(client, sql, &values).await? {
        let (attempts, told) = (small(row.try_get(1)?), row.try_get(2)?);
        note(&row, Course::Waiting { attempts, told })?;
    }
    let sql = "SELECT w.place, s.at FROM unnest($1::bigint[], $2::bigint[]) w (place, position)
               JOIN settled s ON s.position = w.position";
    for row in session::rows(client, sql, &[&places, &positions]).await? {
        note(&row, Course::Settled { at: unsigned(row.try_get(1)?) })?;
    }
    let sql = "SELECT w.place, w.channel, w.position, d.number, d.cause, d.state
               FROM unnest($1::bigint[], $2::text[], $3::bigint[]) w (place, channel, position)
               CROSS JOIN LATERAL (SELECT number, cause, state FROM dead_letters d
                   WHERE d.channel = w.channel AND d.position = w.position
                   ORDER BY number DESC LIMIT 1) d";
    for row in session::rows(client, sql, &[&places, &channels, &positions]).await? {
        let (channel, position) = (row.try_get(1)?, unsigned(row.try_get(2)?));
        let id = DeadId { channel, position, number: unsigned(row.try_get(3)?) };
        note(&row, Course::Buried { id, cause: row.try_get(4)?, state: row.try_get(5)? })?;
    }
    Ok(courses.into_iter().map(|one| one.unwrap_or(Course::None)).collect())
}

/// How some channels stand.
pub(super) async fn due(
    client: &impl GenericClient,
    channels: &[Arc<str>],
) -> Result<Vec<Due>, Failure> {
    let sql = format!(
        "SELECT w.place, c.state, c.up_to, l.key, l.attempt_at, h.leases, {NOW}
         FROM unnest($1::bigint[], $2::text[]) w (place, channel)
         LEFT JOIN outbound_channels c ON c.channel = w.channel
         LEFT JOIN outbox_leases h ON h.channel = w.channel
         LEFT JOIN LATERAL (SELECT key, attempt_at FROM outbox_lines l
             WHERE l.channel = w.channel AND (c.state IS DISTINCT FROM 'draining' OR EXISTS (
                 SELECT FROM outbox o WHERE o.channel = l.channel AND o.key = l.key
                     AND o.position < c.up_to))
             ORDER BY attempt_at LIMIT 1) l ON true
         ORDER BY w.place"
    );
    let places: Vec<i64> = (0..).take(channels.len()).collect();
    let names: Vec<&str> = channels.iter().map(|name| &**name).collect();
    let rows = session::rows(client, &sql, &[&places, &names]).await?;
    let mut all = Vec::with_capacity(channels.len());
    for (row, channel) in rows.iter().zip(names) {
        let state: Option<String> = row.try_get(1)?;
        let state = state.as_deref().map_or(Running::Running, Running::named);
        let up_to = row.try_get::<_, Option<i64>>(2)?.filter(|_| state == Running::Draining);
        let (key, mut at): (Option<String>, Option<i64>) = (row.try_get(3)?, row.try_get(4)?);
        let (leases, now): (Option<&[u8]>, i64) = (row.try_get(5)?, row.try_get(6)?);
        let leases = Leases::read(leases.unwrap_or_default())?;
        if key.is_some_and(|key| !leases.is_free(&key, now)) {
            at = behind(client, (channel, up_to), (&leases, now)).await?;
        }
        let within = at.map(|at| from_to(now, at));
        all.push(Due { state, within });
    }
    Ok(all)
}

/// When the next line is due that is not leased, or else the first lease ends. Those that are
/// leased are at the front.
async fn behind(
    client: &impl GenericClient,
    (channel, up_to): (&str, Option<i64>),
    (leases, now): (&Leases, i64),
) -> Result<Option<i64>, Failure> {
    let filter = if up_to.is_none() { "$3::bigint IS NULL" } else { BEFORE };
    let sql = format!(
        "SELECT key, attempt_at FROM outbox_lines l WHERE channel = $1 AND {filter}
         ORDER BY attempt_at LIMIT $2"
    );
    let most = i64::try_from(leases.count(now)).unwrap_or(i64::MAX).saturating_add(1);
    let values: [Value<'_>; 3] = [&channel, &most, &up_to];
    let mut at = leases.first_end(now);
    for row in session::rows(client, &sql, &values).await? {
        let (key, due): (&str, i64) = (row.try_get(0)?, row.try_get(1)?);
        if leases.is_free(key, now) {
            at = Some(at.map_or(due, |end| end.min(due)));
            break;
        }
    }
    Ok(at)
}

/// Sets whether a channel delivers.
pub(super) async fn decide(
    client: &impl GenericClient,
    channel: &str,
    decision: &Decision,
) -> Result<bool, Failure> {
    let before = decided(client, channel).await?;
    let now = session::row(client, &format!("SELECT {NOW}"), &[]).await?;
    let now: i64 = now.map(|row| row.try_get(0)).transpose()?.unwrap_or_default();
    if !decision.changes(before.as_ref(), unsigned(now)) {
        return Ok(false);
    }
    let Decision { state, reason, .. } = decision;
    if *state == Running::Running {
        // It was paused or drained, so it has a row.
        let sql = "UPDATE outbound_channels SET state = $2, up_to = NULL, since = $3, reason = $4
                   WHERE channel = $1 AND state <> $2 RETURNING channel";
        let values: [Value<'_>; 4] = [&channel, &state.name(), &now, reason];
        return Ok(session::row(client, sql, &values).await?.is_some());
    }
    let sql = format!(
        "INSERT INTO outbound_channels AS c (channel, state, up_to, since, reason)
         SELECT $1, $2::text, CASE $2::text WHEN 'draining' THEN size END, {NOW}, $3 FROM head
         WHERE leaving IS NULL AND arriving IS NULL
         ON CONFLICT (channel) DO UPDATE SET state = excluded.state, up_to = excluded.up_to,
             since = excluded.since, reason = excluded.reason
         WHERE c.state <> excluded.state RETURNING c.channel"
    );
    let values: [Value<'_>; 3] = [&channel, &state.name(), reason];
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
    let sql = "SELECT channel, state, up_to, since, reason FROM outbound_channels
               WHERE state <> 'running'";
    for row in session::rows(client, sql, &[]).await? {
        let (channel, decided) = read(&row)?;
        let one = Waiting { decided: Some(decided), ..of(&mut all, &channel) };
        all.insert(channel, one);
    }
    Ok(all.into_values().collect())
}
