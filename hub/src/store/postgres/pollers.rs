//! Turns of reading, cursors, and what was read.

use std::{collections::BTreeMap, time::Duration};

use adapters::inbound::Mark;
use deadpool_postgres::GenericClient;

use super::{
    PostgresStore,
    failure::Failure,
    session::{self, Rows, Value, signed, soon, unsigned},
};
use crate::store::{
    Answer, StoreError, Submission,
    batch::Moved,
    pollers::{self, Kept, LEASE, PollEnd, PollTurn, PollerRow, Pollers, Taken, millis},
};

/// Milliseconds since 1970, by the server's clock.
const NOW: &str = "(extract(epoch from clock_timestamp()) * 1000)::bigint";

fn count(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A turn that ends further ahead than one can last is nobody's, and one that ended ahead of now is
/// over: the clock has been set back.
async fn take(
    client: &impl GenericClient,
    channel: &str,
    every: Duration,
) -> Result<Taken, Failure> {
    let sql = format!(
        "UPDATE pollers SET token = token + 1, ends_at = {NOW} + $3, holder =
             'process ' || $2::text || ' at ' || coalesce(host(inet_client_addr()), 'this machine')
         WHERE channel = $1 AND ends_at NOT BETWEEN {NOW} + 1 AND {NOW} + $3
         AND (due_at <= {NOW} OR ended_at > {NOW}
             OR (failures = 0 AND coalesce(ended_at, 0) + $4 <= {NOW}))
         AND EXISTS (SELECT FROM head WHERE leaving IS NULL AND arriving IS NULL)
         RETURNING token, cursor, failures"
    );
    let process = std::process::id().to_string();
    let values: [Value<'_>; 4] = [&channel, &process, &millis(LEASE), &millis(every)];
    if let Some(row) = session::row(client, &sql, &values).await? {
        let (token, cursor) = (unsigned(row.try_get(0)?), row.try_get(1)?);
        return Ok(Taken::Turn(PollTurn { token, cursor, failures: count(row.try_get(2)?) }));
    }
    let sql = format!("SELECT greatest(ends_at, due_at), {NOW} FROM pollers WHERE channel = $1");
    if let Some(row) = session::row(client, &sql, &[&channel]).await? {
        return Ok(Taken::After(pollers::until(row.try_get(0)?, row.try_get(1)?).min(every)));
    }
    let sql = "INSERT INTO pollers (channel) SELECT $1 FROM head
               WHERE leaving IS NULL AND arriving IS NULL ON CONFLICT (channel) DO NOTHING";
    session::rows(client, sql, &[&channel]).await?;
    Ok(Taken::After(Duration::from_millis(50)))
}

async fn keep(client: &impl GenericClient, turns: Vec<Kept>) -> Result<Vec<String>, Failure> {
    let sql = format!(
        "UPDATE pollers p SET ends_at = {NOW} + $4,
             succeeded_at = CASE WHEN w.well THEN {NOW} ELSE succeeded_at END,
             failures = CASE WHEN w.well THEN 0 ELSE failures END,
             trouble = CASE WHEN w.well THEN NULL ELSE trouble END
         FROM unnest($1::text[], $2::bigint[], $3::boolean[]) w (channel, token, well)
         WHERE p.channel = w.channel AND p.token = w.token AND p.ends_at > {NOW}
         RETURNING p.channel"
    );
    let (mut channels, mut tokens, mut well) = (Vec::new(), Vec::new(), Vec::new());
    for turn in turns {
        channels.push(turn.channel);
        tokens.push(signed(turn.token));
        well.push(turn.well);
    }
    let values: [Value<'_>; 4] = [&channels, &tokens, &well, &millis(LEASE)];
    let rows = session::rows(client, &sql, &values).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

async fn move_cursor(
    client: &impl GenericClient,
    (channel, token): (&str, u64),
    cursor: &str,
) -> Result<bool, Failure> {
    let sql = format!(
        "UPDATE pollers SET ends_at = {NOW} + $3, moved_at = {NOW}, cursor = $4
         WHERE channel = $1 AND token = $2 AND ends_at > {NOW}
         AND EXISTS (SELECT FROM head WHERE leaving IS NULL AND arriving IS NULL)
         RETURNING token"
    );
    let values: [Value<'_>; 4] = [&channel, &signed(token), &millis(LEASE), &cursor];
    Ok(session::row(client, &sql, &values).await?.is_some())
}

async fn end(client: &impl GenericClient, end: &PollEnd) -> Result<bool, Failure> {
    let sql = format!(
        "UPDATE pollers SET ends_at = {NOW}, due_at = {NOW} + $3, ended_at = {NOW},
             trouble = $4,
             failures = CASE WHEN $4::text IS NULL THEN 0 WHEN $5 THEN 1 ELSE failures + 1 END,
             succeeded_at = CASE WHEN $4::text IS NULL THEN {NOW} ELSE succeeded_at END
         WHERE channel = $1 AND token = $2 AND ends_at > {NOW} RETURNING token"
    );
    let trouble = pollers::text(end.trouble.as_ref());
    let (token, pause) = (signed(end.token), millis(end.pause));
    let values: [Value<'_>; 5] = [&end.channel, &token, &pause, &trouble, &end.moved];
    Ok(session::row(client, &sql, &values).await?.is_some())
}

async fn polled(
    client: &impl GenericClient,
    channel: &str,
    keys: &[Mark],
) -> Result<Vec<(Mark, Mark)>, Failure> {
    let sql = "SELECT p.key, p.content FROM unnest($2::bytea[]) w (key)
               JOIN polled p ON p.channel = $1 AND p.key = w.key";
    let keys: Vec<&[u8]> = keys.iter().map(<[u8; 16]>::as_slice).collect();
    let mut found = Vec::new();
    for row in session::rows(client, sql, &[&channel, &keys]).await? {
        found.push((pollers::mark(row.try_get(0)?)?, pollers::mark(row.try_get(1)?)?));
    }
    Ok(found)
}

async fn all(client: &impl GenericClient) -> Result<Vec<PollerRow>, Failure> {
    let sql = format!(
        "SELECT channel, ends_at > {NOW}, holder, succeeded_at, moved_at, due_at, failures, trouble
         FROM pollers ORDER BY channel"
    );
    let mut found = Vec::new();
    for row in session::rows(client, &sql, &[]).await? {
        found.push(PollerRow {
            channel: row.try_get(0)?,
            under_way: row.try_get(1)?,
            holder: row.try_get(2)?,
            succeeded_at: row.try_get(3)?,
            moved_at: row.try_get(4)?,
            due_at: row.try_get(5)?,
            failures: count(row.try_get(6)?),
            trouble: pollers::trouble(row.try_get(7)?),
        });
    }
    Ok(found)
}

/// Which turns of a batch's channels are in force. Their rows are held until the transaction ends:
/// nobody takes one over meanwhile.
pub(super) async fn in_force(
    client: &impl GenericClient,
    chunks: &[Submission],
) -> Result<BTreeMap<String, u64>, Failure> {
    let read = chunks.iter().filter(|chunk| chunk.advance.is_some());
    let channels: Vec<&str> = read.map(|chunk| chunk.channel.as_str()).collect();
    let mut found = BTreeMap::new();
    if channels.is_empty() {
        return Ok(found);
    }
    let sql = format!(
        "SELECT channel, token FROM pollers WHERE channel = ANY ($1) AND ends_at > {NOW}
         ORDER BY channel FOR UPDATE"
    );
    for row in session::rows(client, &sql, &[&channels]).await? {
        found.insert(row.try_get(0)?, unsigned(row.try_get(1)?));
    }
    Ok(found)
}

const CURSORS: &str = "
    UPDATE pollers p SET cursor = w.cursor, moved_at = w.now,
        ends_at = greatest(p.ends_at, w.now + w.lease)
    FROM (SELECT channel, cursor, lease, (extract(epoch from clock_timestamp()) * 1000)::bigint
          FROM unnest($1::text[], $2::text[], $3::bigint[]) u (channel, cursor, lease))
        w (channel, cursor, lease, now)
    WHERE p.channel = w.channel";

const POLLED: &str = "
    INSERT INTO polled (channel, key, content)
    SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[])
    ON CONFLICT (channel, key) DO UPDATE SET content = excluded.content";

/// Cursors that move; the turns are in force. Of a channel only the last counts.
pub(super) fn moved(all: &[Moved]) -> Vec<Rows<'_>> {
    let mut cursors: BTreeMap<&str, &str> = BTreeMap::new();
    let mut marks: BTreeMap<(&str, &Mark), &Mark> = BTreeMap::new();
    for Moved { channel, advance } in all {
        cursors.insert(channel, &advance.cursor);
        marks.extend(advance.polled.iter().map(|(key, content)| ((&**channel, key), content)));
    }
    let leases = vec![millis(LEASE); cursors.len()];
    let (channels, texts): (Vec<&str>, Vec<&str>) = cursors.into_iter().unzip();
    let cursors = Rows::new(CURSORS, channels.len()).with(channels).with(texts).with(leases);
    let (mut channels, mut keys, mut contents) = (Vec::new(), Vec::new(), Vec::new());
    for ((channel, key), content) in marks {
        channels.push(channel);
        keys.push(key.as_slice());
        contents.push(content.as_slice());
    }
    let polled = Rows::new(POLLED, keys.len()).with(channels).with(keys).with(contents);
    vec![cursors, polled]
}

impl Pollers for PostgresStore {
    fn take_turn(&self, channel: String, every: Duration) -> Answer<'_, Result<Taken, StoreError>> {
        Box::pin(soon(
            async move { Ok(take(&self.sessions.writer().await?, &channel, every).await?) },
        ))
    }

    fn begin_turns(&self) -> Answer<'_, Result<(), StoreError>> {
        // Other processes may be at work: what one has left ends by itself.
        Box::pin(async { Ok(()) })
    }

    fn keep_turns(&self, turns: Vec<Kept>) -> Answer<'_, Result<Vec<String>, StoreError>> {
        Box::pin(soon(async move { Ok(keep(&self.sessions.writer().await?, turns).await?) }))
    }

    fn move_cursor(
        &self,
        channel: String,
        token: u64,
        cursor: String,
    ) -> Answer<'_, Result<bool, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.writer().await?;
            Ok(move_cursor(&client, (&channel, token), &cursor).await?)
        }))
    }

    fn end_turn(&self, turn: PollEnd) -> Answer<'_, Result<bool, StoreError>> {
        Box::pin(soon(async move { Ok(end(&self.sessions.writer().await?, &turn).await?) }))
    }

    fn polled(
        &self,
        channel: String,
        keys: Vec<Mark>,
    ) -> Answer<'_, Result<Vec<(Mark, Mark)>, StoreError>> {
        Box::pin(soon(
            async move { Ok(polled(&self.sessions.reader().await?, &channel, &keys).await?) },
        ))
    }

    fn pollers(&self) -> Answer<'_, Result<Vec<PollerRow>, StoreError>> {
        Box::pin(soon(async move { Ok(all(&self.sessions.reader().await?).await?) }))
    }
}
