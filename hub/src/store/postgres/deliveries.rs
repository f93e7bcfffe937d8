//! Deliveries: the outbox. The server's clock says what is due.
//!
//! A line is held by whoever changes it: a batch that adds to it, and who concludes its first
//! delivery. So none is taken for empty while something is added. Lines are held in the order of
//! their keys.

mod dead;
mod standing;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use deadpool_postgres::GenericClient;
use tokio_postgres::Row;

use super::{
    PostgresStore,
    failure::Failure,
    session::{self, Rows, Value, signed, soon, unsigned},
};
use crate::store::{
    Answer, StoreError,
    deliveries::{
        Concluded, Course, DeadId, DeadLetter, DeadQuery, Deliveries, Delivery, Due, End, Outgoing,
        Running, Waiting, from_to, millis, shortened,
    },
};

/// The server's time, in milliseconds since 1970.
const NOW: &str = "(extract(epoch from clock_timestamp()) * 1000)::bigint";

const OUTBOX: &str = "INSERT INTO outbox (channel, key, position, personal)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])";

const LINES: &str = "INSERT INTO outbox_lines AS l
        (channel, key, waiting, attempt_at, token, attempts)
    SELECT channel, key, waiting, (extract(epoch from clock_timestamp()) * 1000)::bigint, 0, 0
    FROM unnest($1::text[], $2::text[], $3::bigint[]) w (channel, key, waiting)
    ON CONFLICT (channel, key) DO UPDATE SET waiting = l.waiting + excluded.waiting";

/// What a batch makes, as rows.
pub(super) fn added(outgoing: &[Outgoing]) -> [Rows<'_>; 2] {
    let outbox = Rows::new(OUTBOX, outgoing.len())
        .with(outgoing.iter().map(|one| &*one.channel).collect())
        .with(outgoing.iter().map(|one| one.key.as_str()).collect())
        .with(outgoing.iter().map(|one| signed(one.position)).collect())
        .with(outgoing.iter().map(|one| i64::from(one.personal)).collect());
    let mut lines: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for one in outgoing {
        *lines.entry((&one.channel, &one.key)).or_default() += 1;
    }
    let (names, waiting): (Vec<_>, Vec<i64>) = lines.into_iter().unzip();
    let (channels, keys): (Vec<&str>, Vec<&str>) = names.into_iter().unzip();
    [outbox, Rows::new(LINES, keys.len()).with(channels).with(keys).with(waiting)]
}

/// Whether nothing may be delivered from here, because the store takes part in a move.
async fn moving(client: &impl GenericClient) -> Result<bool, Failure> {
    let sql = "SELECT leaving IS NOT NULL OR arriving IS NOT NULL FROM head";
    let row = session::row(client, sql, &[]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.unwrap_or(true))
}

/// A small number as it is stored.
fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What is read of a delivery beside its line; `o` has its record's position and what goes with it.
const DELIVERY: &str = "o.position, e.text, e.public,
    CASE o.personal WHEN 1 THEN (SELECT text FROM personal p WHERE p.position = o.position) END,
    o.body, (SELECT channel FROM messages m WHERE m.message = e.message)";

fn delivery(row: &Row) -> Result<Delivery, Failure> {
    Ok(Delivery {
        key: String::new(),
        position: unsigned(row.try_get(0)?),
        token: 0,
        attempts: 0,
        failing: None,
        text: row.try_get(1)?,
        public: row.try_get(2)?,
        personal: row.try_get(3)?,
        body: row.try_get(4)?,
        from: row.try_get(5)?,
    })
}

async fn announce(
    client: &impl GenericClient,
    (channel, most, lease): (&str, u32, Duration),
) -> Result<Vec<Delivery>, Failure> {
    let decided = standing::decided(client, channel).await?;
    let up_to = match decided.map(|decided| (decided.state, decided.up_to)) {
        Some((Running::Paused, _)) => return Ok(Vec::new()),
        Some((Running::Draining, Some(up_to))) => Some(signed(up_to)),
        _ => None,
    };
    if moving(client).await? {
        return Ok(Vec::new());
    }
    let filter = if up_to.is_none() { "$4::bigint IS NULL" } else { standing::BEFORE };
    let sql = format!(
        "WITH due AS (SELECT l.key FROM outbox_lines l
             WHERE l.channel = $1 AND l.attempt_at <= {NOW} AND {filter}
             ORDER BY l.attempt_at LIMIT $2 FOR UPDATE OF l SKIP LOCKED)
         UPDATE outbox_lines l SET attempt_at = {NOW} + $3, token = l.token + 1,
             attempts = l.attempts + 1
         FROM due WHERE l.channel = $1 AND l.key = due.key
         RETURNING l.key, l.token, l.attempts, l.failing_since, {NOW}"
    );
    let values: [Value<'_>; 4] = [&channel, &i64::from(most), &millis(lease), &up_to];
    let mut lines = BTreeMap::new();
    for row in session::rows(client, &sql, &values).await? {
        let (since, now): (Option<i64>, i64) = (row.try_get(3)?, row.try_get(4)?);
        let line: (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
        lines.insert(row.try_get::<_, String>(0)?, (line, since.map(|since| from_to(since, now))));
    }
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    // Each step is asked of its index, whatever the planner thinks of sizes.
    let sql = format!(
        "SELECT {DELIVERY}, w.key FROM unnest($2::text[]) w (key)
         CROSS JOIN LATERAL (SELECT position, personal, body FROM outbox
             WHERE channel = $1 AND key = w.key ORDER BY position LIMIT 1) o
         CROSS JOIN LATERAL (SELECT text, public, message FROM entries
             WHERE position = o.position OFFSET 0) e"
    );
    let keys: Vec<&str> = lines.keys().map(String::as_str).collect();
    let mut all = Vec::with_capacity(lines.len());
    for row in session::rows(client, &sql, &[&channel, &keys]).await? {
        let key: String = row.try_get(6)?;
        let Some(((token, attempts), failing)) = lines.get(&key).copied() else { continue };
        let (token, attempts) = (unsigned(token), small(attempts));
        all.push(Delivery { key, token, attempts, failing, ..delivery(&row)? });
    }
    Ok(all)
}

/// Takes the lines of some attempts; gives which are still the teller's to end.
async fn held(
    client: &impl GenericClient,
    channel: &str,
    ended: &[Concluded],
) -> Result<Vec<bool>, Failure> {
    let sql = "SELECT w.place FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::bigint[])
                   w (place, key, token, position)
               JOIN outbox_lines l ON l.channel = $1 AND l.key = w.key AND l.token = w.token
               WHERE EXISTS (SELECT FROM outbox o
                   WHERE o.channel = $1 AND o.key = w.key AND o.position = w.position)
               ORDER BY w.key FOR UPDATE OF l";
    let places: Vec<i64> = (0..).take(ended.len()).collect();
    let keys: Vec<&str> = ended.iter().map(|one| one.key.as_str()).collect();
    let tokens: Vec<i64> = ended.iter().map(|one| signed(one.token)).collect();
    let positions: Vec<i64> = ended.iter().map(|one| signed(one.position)).collect();
    let values: [Value<'_>; 5] = [&channel, &places, &keys, &tokens, &positions];
    let mut own = vec![false; ended.len()];
    for row in session::rows(client, sql, &values).await? {
        let place = usize::try_from(row.try_get::<_, i64>(0)?).unwrap_or(usize::MAX);
        if let Some(own) = own.get_mut(place) {
            *own = true;
        }
    }
    Ok(own)
}

async fn conclude(
    client: &impl GenericClient,
    channel: &str,
    ended: Vec<Concluded>,
) -> Result<u32, Failure> {
    if moving(client).await? {
        return Ok(0);
    }
    let own = held(client, channel, &ended).await?;
    let (mut gone, mut postponed, mut buried) = (Vec::new(), Postponed::default(), Vec::new());
    let (mut released, mut kept, mut done) = (Vec::new(), Vec::new(), 0);
    for one in ended.into_iter().zip(own).filter(|(_, own)| *own).map(|(one, _)| one) {
        done += 1;
        match one.end {
            End::Settled => gone.push((one.key, one.position)),
            End::SettledAndKept => {
                kept.push(signed(one.position));
                gone.push((one.key, one.position));
            }
            End::Postponed { wait, told, counts } => postponed.add(one.key, wait, told, counts),
            End::Released => released.push(one.key),
            End::Buried { cause, told } => {
                buried.push((one.key.clone(), one.position, cause, shortened(told)));
                gone.push((one.key, one.position));
            }
        }
    }
    dead::bury(client, channel, buried).await?;
    standing::keep(client, channel, kept).await?;
    advance(client, channel, gone).await?;
    postponed.write(client, channel).await?;
    if !released.is_empty() {
        let sql = format!(
            "UPDATE outbox_lines SET attempt_at = {NOW}, attempts = attempts - 1
             WHERE channel = $1 AND key = ANY ($2::text[])"
        );
        session::rows(client, &sql, &[&channel, &released]).await?;
    }
    Ok(done)
}

/// Lines that are put off, as columns.
#[derive(Default)]
struct Postponed {
    keys: Vec<String>,
    waits: Vec<i64>,
    told: Vec<String>,
    uncounted: Vec<i64>,
}

impl Postponed {
    fn add(&mut self, key: String, wait: Duration, told: String, counts: bool) {
        self.keys.push(key);
        self.waits.push(millis(wait));
        self.told.push(shortened(told));
        self.uncounted.push(i64::from(!counts));
    }

    async fn write(self, client: &impl GenericClient, channel: &str) -> Result<(), Failure> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "UPDATE outbox_lines l SET attempt_at = {NOW} + w.wait, told = w.told,
                 attempts = l.attempts - w.uncounted,
                 failing_since = CASE w.uncounted WHEN 1 THEN l.failing_since
                     ELSE coalesce(l.failing_since, {NOW}) END
             FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[])
                 w (key, wait, told, uncounted)
             WHERE l.channel = $1 AND l.key = w.key"
        );
        let values: [Value<'_>; 5] =
            [&channel, &self.keys, &self.waits, &self.told, &self.uncounted];
        session::rows(client, &sql, &values).await.map(drop)
    }
}

/// The first deliveries of some lines, which are held, are no more; what follows them is due.
async fn advance(
    client: &impl GenericClient,
    channel: &str,
    gone: Vec<(String, u64)>,
) -> Result<(), Failure> {
    if gone.is_empty() {
        return Ok(());
    }
    let (keys, positions): (Vec<String>, Vec<i64>) =
        gone.into_iter().map(|(key, position)| (key, signed(position))).unzip();
    let sql = "DELETE FROM outbox o USING unnest($2::text[], $3::bigint[]) w (key, position)
               WHERE o.channel = $1 AND o.key = w.key AND o.position = w.position";
    session::rows(client, sql, &[&channel, &keys, &positions]).await?;
    let sql = "DELETE FROM outbox_lines
               WHERE channel = $1 AND key = ANY ($2::text[]) AND waiting <= 1";
    session::rows(client, sql, &[&channel, &keys]).await?;
    let sql = format!(
        "UPDATE outbox_lines SET waiting = waiting - 1, attempt_at = {NOW}, attempts = 0,
             failing_since = NULL, told = NULL
         WHERE channel = $1 AND key = ANY ($2::text[])"
    );
    session::rows(client, &sql, &[&channel, &keys]).await.map(drop)
}

/// Runs work as one transaction of small steps.
macro_rules! in_one {
    ($store:expr, |$transaction:ident| $work:expr) => {
        Box::pin(async move {
            let work = async {
                let mut client = $store.sessions.writer().await?;
                let $transaction = session::begin(&mut client).await?;
                let done = soon($work).await?;
                session::commit($transaction).await?;
                Ok::<_, Failure>(done)
            };
            work.await.map_err(StoreError::from)
        })
    };
}

impl Deliveries for PostgresStore {
    fn due(&self, channels: Vec<Arc<str>>) -> Answer<'_, Result<Vec<Due>, StoreError>> {
        Box::pin(soon(async move {
            Ok(standing::due(&self.sessions.reader().await?, &channels).await?)
        }))
    }

    fn announce(
        &self,
        channel: Arc<str>,
        most: u32,
        lease: Duration,
    ) -> Answer<'_, Result<Vec<Delivery>, StoreError>> {
        in_one!(self, |transaction| announce(&transaction, (&channel, most, lease)))
    }

    fn conclude(
        &self,
        channel: Arc<str>,
        ended: Vec<Concluded>,
    ) -> Answer<'_, Result<u32, StoreError>> {
        in_one!(self, |transaction| conclude(&transaction, &channel, ended))
    }

    fn decide(
        &self,
        channel: String,
        state: Running,
        reason: String,
    ) -> Answer<'_, Result<bool, StoreError>> {
        in_one!(self, |transaction| standing::decide(&transaction, &channel, state, &reason))
    }

    fn course(
        &self,
        channel: String,
        key: String,
        position: u64,
    ) -> Answer<'_, Result<Course, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            Ok(standing::course(&client, &channel, (&key, position)).await?)
        }))
    }

    fn waiting(&self) -> Answer<'_, Result<Vec<Waiting>, StoreError>> {
        Box::pin(soon(async { Ok(standing::waiting(&self.sessions.reader().await?).await?) }))
    }

    fn dead(&self, query: DeadQuery) -> Answer<'_, Result<Vec<DeadLetter>, StoreError>> {
        Box::pin(soon(
            async move { Ok(dead::letters(&self.sessions.reader().await?, query).await?) },
        ))
    }

    fn dead_letter(
        &self,
        id: DeadId,
    ) -> Answer<'_, Result<Option<(DeadLetter, Delivery)>, StoreError>> {
        Box::pin(soon(async move { Ok(dead::one(&self.sessions.reader().await?, &id).await?) }))
    }

    fn replay(
        &self,
        ids: Vec<DeadId>,
        body: Option<Vec<u8>>,
        reason: String,
    ) -> Answer<'_, Result<u64, StoreError>> {
        in_one!(self, |transaction| dead::replay(&transaction, ids, body.as_deref(), &reason))
    }

    fn discard(&self, id: DeadId, reason: String) -> Answer<'_, Result<bool, StoreError>> {
        in_one!(self, |transaction| dead::discard(&transaction, &id, &reason))
    }
}
