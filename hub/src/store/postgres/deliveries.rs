//! Deliveries: the outbox. The server's clock says what is due.
//!
//! A line is held by whoever changes it: a batch that adds to it, and who concludes its first
//! delivery. So none is taken for empty while something is added. Lines are held in the order of
//! their keys.

mod conclude;
mod dead;
mod standing;

use std::{collections::BTreeMap, sync::Arc};

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
        Concluded, Course, DeadId, DeadLetter, DeadQuery, Decision, Deliveries, Delivery, Due,
        LinePlace, Outgoing, Running, Waiting, Wanted, from_to, millis,
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
    (channel, decided): (&str, Option<(Running, Option<i64>)>),
    Wanted { most, lease }: Wanted,
) -> Result<Vec<Delivery>, Failure> {
    if most == 0 {
        return Ok(Vec::new());
    }
    let up_to = match decided {
        Some((Running::Paused, _)) => return Ok(Vec::new()),
        Some((Running::Draining, up_to)) => up_to,
        _ => None,
    };
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

    fn conclude_and_announce(
        &self,
        channel: Arc<str>,
        ended: Vec<Concluded>,
        wanted: Wanted,
    ) -> Answer<'_, Result<(u32, Vec<Delivery>), StoreError>> {
        in_one!(self, |transaction| async {
            let Some(decided) = standing::at_work(&transaction, &channel).await? else {
                return Ok((0, Vec::new()));
            };
            let concluded = conclude::all(&transaction, &channel, ended).await?;
            let channel = (&*channel, decided);
            Ok::<_, Failure>((concluded, announce(&transaction, channel, wanted).await?))
        })
    }

    fn decide(&self, channel: String, decision: Decision) -> Answer<'_, Result<bool, StoreError>> {
        in_one!(self, |transaction| standing::decide(&transaction, &channel, &decision))
    }

    fn courses(&self, of: Vec<LinePlace>) -> Answer<'_, Result<Vec<Course>, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            Ok(standing::courses(&client, &of).await?)
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
