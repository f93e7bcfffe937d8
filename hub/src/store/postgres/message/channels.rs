//! How channels stand.

use std::collections::HashMap;

use deadpool_postgres::GenericClient;
use tokio_postgres::Row;

use super::super::{
    PostgresStore,
    failure::Failure,
    session::{self, Rows, signed, soon, unsigned},
};
use crate::store::{
    Answer, StoreError, Tally, Verdict,
    batch::{
        Written,
        days::{DayCounts, days, outcomes},
    },
    channels::{self, Alert, Channels, DayRow},
};

/// What attempts add to the days of their channels.
pub(in super::super) fn added(attempts: &[Written]) -> Rows<'static> {
    let sql = "INSERT INTO channel_days AS d (channel, day, messages, refused, records,
                   refused_records, repeats, first_at, last_at, pause)
               SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[],
                   $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
                   $10::bigint[])
               ON CONFLICT (channel, day) DO UPDATE SET
                   messages = d.messages + excluded.messages,
                   refused = d.refused + excluded.refused,
                   records = d.records + excluded.records,
                   refused_records = d.refused_records + excluded.refused_records,
                   pause = CASE WHEN d.messages = 0 THEN excluded.pause ELSE
                       greatest(d.pause, excluded.pause, excluded.first_at - d.last_at) END,
                   first_at = CASE WHEN d.messages = 0 THEN excluded.first_at ELSE
                       least(d.first_at, excluded.first_at) END,
                   last_at = greatest(d.last_at, excluded.last_at)";
    let days: Vec<_> = days(attempts).into_iter().collect();
    let column = |of: fn(&DayCounts) -> i64| -> Vec<i64> {
        days.iter().map(|(_, counts)| of(counts)).collect()
    };
    Rows::new(sql, days.len())
        .with(days.iter().map(|((channel, _), _)| channel.clone()).collect())
        .with(days.iter().map(|((_, day), _)| i64::from(*day)).collect())
        .with(column(|one| signed(one.messages)))
        .with(column(|one| signed(one.refused)))
        .with(column(|one| signed(one.records)))
        .with(column(|one| signed(one.refused_records)))
        .with(column(|_| 0))
        .with(column(|one| one.first_at))
        .with(column(|one| one.last_at))
        .with(column(|one| one.pause))
}

/// What attempts add to the counts of outcomes.
pub(in super::super) fn counted(attempts: &[Written]) -> Rows<'static> {
    let sql = "INSERT INTO channel_outcomes AS o (channel, outcome, messages, last_at)
               SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[])
               ON CONFLICT (channel, outcome) DO UPDATE SET
                   messages = o.messages + excluded.messages,
                   last_at = greatest(o.last_at, excluded.last_at)";
    let (keys, counts): (Vec<_>, Vec<_>) = outcomes(attempts).into_iter().unzip();
    let (channels, outcomes): (Vec<String>, Vec<&'static str>) = keys.into_iter().unzip();
    let (messages, last_at): (Vec<u64>, Vec<String>) = counts.into_iter().unzip();
    Rows::new(sql, channels.len())
        .with(channels)
        .with(outcomes)
        .with(messages.into_iter().map(signed).collect())
        .with(last_at)
}

/// Messages by channel and outcome; those that are being received have none.
pub(in super::super) async fn tallies(client: &impl GenericClient) -> Result<Vec<Tally>, Failure> {
    let sql = "SELECT channel, NULL AS outcome, count(*) AS messages, max(recorded_at) AS last_at
               FROM messages WHERE outcome IS NULL GROUP BY channel
               UNION ALL SELECT channel, outcome, messages, last_at FROM channel_outcomes
               ORDER BY channel, outcome NULLS FIRST";
    let found = session::rows(client, sql, &[]).await?;
    let tally = |row: &Row| {
        Ok(Tally {
            channel: row.try_get(0)?,
            outcome: row.try_get(1)?,
            messages: unsigned(row.try_get(2)?),
            last_at: row.try_get(3)?,
        })
    };
    found.iter().map(tally).collect()
}

/// Counts outcomes anew.
pub(in super::super) async fn recount(client: &impl GenericClient) -> Result<(), Failure> {
    let sql = "DELETE FROM channel_outcomes;
               INSERT INTO channel_outcomes
               SELECT channel, outcome, count(*), max(recorded_at) FROM messages
               WHERE outcome IS NOT NULL GROUP BY channel, outcome";
    Ok(client.batch_execute(sql).await?)
}

/// Compares the counts of outcomes with the messages.
pub(in super::super) async fn verify(
    client: &impl GenericClient,
    verdict: &mut Verdict,
) -> Result<(), Failure> {
    let sql = "SELECT channel, outcome, coalesce(o.messages, 0), coalesce(m.messages, 0)
               FROM (SELECT channel, outcome, count(*) AS messages FROM messages
                     WHERE outcome IS NOT NULL GROUP BY channel, outcome) m
               FULL JOIN channel_outcomes o USING (channel, outcome)
               WHERE o.messages IS DISTINCT FROM m.messages";
    for row in session::rows(client, sql, &[]).await? {
        let (channel, outcome): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        let (stored, counted) = (unsigned(row.try_get(2)?), unsigned(row.try_get(3)?));
        verdict.add(channels::miscounted((channel, outcome), stored, counted));
    }
    Ok(())
}

async fn latest(
    client: &impl GenericClient,
    channels: Vec<String>,
    most: u32,
) -> Result<Vec<Vec<DayRow>>, Failure> {
    let sql = "SELECT w.channel, d.day, d.messages, d.refused, d.records, d.refused_records,
                      d.first_at, d.last_at, d.pause, d.repeats
               FROM unnest($1::text[]) w (channel) CROSS JOIN LATERAL (
                   SELECT * FROM channel_days
                   WHERE channel = w.channel ORDER BY day DESC LIMIT $2) d
               ORDER BY w.channel, d.day DESC";
    let mut found: HashMap<String, Vec<DayRow>> = HashMap::new();
    for row in session::rows(client, sql, &[&channels, &i64::from(most)]).await? {
        let number = |column: usize| row.try_get::<_, i64>(column);
        let counts = DayCounts {
            messages: unsigned(number(2)?),
            refused: unsigned(number(3)?),
            records: unsigned(number(4)?),
            refused_records: unsigned(number(5)?),
            first_at: number(6)?,
            last_at: number(7)?,
            pause: number(8)?,
        };
        let day = i32::try_from(number(1)?).unwrap_or(i32::MAX);
        let day = DayRow { day, counts, repeats: unsigned(number(9)?) };
        found.entry(row.try_get(0)?).or_default().push(day);
    }
    Ok(channels.iter().map(|channel| found.get(channel).cloned().unwrap_or_default()).collect())
}

async fn repeats(
    client: &impl GenericClient,
    day: i32,
    all: Vec<(String, u64)>,
) -> Result<(), Failure> {
    let sql = "INSERT INTO channel_days AS d
               SELECT channel, $1, 0, 0, 0, 0, more, 0, 0, 0
               FROM unnest($2::text[], $3::bigint[]) w (channel, more)
               ON CONFLICT (channel, day) DO UPDATE SET repeats = d.repeats + excluded.repeats";
    let (channels, more): (Vec<String>, Vec<i64>) =
        all.into_iter().map(|(channel, more)| (channel, signed(more))).unzip();
    session::rows(client, sql, &[&i64::from(day), &channels, &more]).await.map(drop)
}

fn alert(row: &Row) -> Result<Alert, Failure> {
    Ok(Alert {
        channel: row.try_get(0)?,
        kind: row.try_get(1)?,
        opened_at: row.try_get(2)?,
        closed_at: row.try_get(3)?,
        told: channels::words(row.try_get(4)?)?,
    })
}

const COLUMNS: &str = "channel, kind, opened_at, closed_at, told";

async fn stand(
    client: &impl GenericClient,
    kinds: Vec<&'static str>,
    standing: Vec<Alert>,
    now: i64,
) -> Result<Vec<Alert>, Failure> {
    let column = |of: fn(&Alert) -> &str| -> Vec<&str> { standing.iter().map(of).collect() };
    let (names, words) = (column(|one| &one.channel), column(|one| &one.kind));
    let close = format!(
        "UPDATE alerts a SET closed_at = $4
         WHERE closed_at IS NULL AND kind = ANY ($1::text[]) AND NOT EXISTS (
             SELECT 1 FROM unnest($2::text[], $3::text[]) w (channel, kind)
             WHERE w.channel = a.channel AND w.kind = a.kind)
         RETURNING {COLUMNS}"
    );
    let mut changed = Vec::new();
    for row in session::rows(client, &close, &[&kinds, &names, &words, &now]).await? {
        changed.push(alert(&row)?);
    }
    let open = format!(
        "INSERT INTO alerts (channel, kind, opened_at, told)
         SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[])
         ON CONFLICT DO NOTHING RETURNING {COLUMNS}"
    );
    let since: Vec<i64> = standing.iter().map(|one| one.opened_at).collect();
    let told: Vec<String> = standing.iter().map(|one| channels::text(&one.told)).collect();
    for row in session::rows(client, &open, &[&names, &words, &since, &told]).await? {
        changed.push(alert(&row)?);
    }
    Ok(changed)
}

async fn open(client: &impl GenericClient) -> Result<Vec<Alert>, Failure> {
    let sql =
        format!("SELECT {COLUMNS} FROM alerts WHERE closed_at IS NULL ORDER BY channel, kind");
    session::rows(client, &sql, &[]).await?.iter().map(alert).collect()
}

impl Channels for PostgresStore {
    fn channel_days(
        &self,
        channels: Vec<String>,
        days: u32,
    ) -> Answer<'_, Result<Vec<Vec<DayRow>>, StoreError>> {
        Box::pin(soon(
            async move { Ok(latest(&self.sessions.reader().await?, channels, days).await?) },
        ))
    }

    fn add_repeats(&self, day: i32, all: Vec<(String, u64)>) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(soon(async move { Ok(repeats(&self.sessions.writer().await?, day, all).await?) }))
    }

    fn stand(
        &self,
        kinds: Vec<&'static str>,
        standing: Vec<Alert>,
        now: i64,
    ) -> Answer<'_, Result<Vec<Alert>, StoreError>> {
        Box::pin(async move {
            let work = async {
                let mut client = self.sessions.writer().await?;
                let transaction = session::begin(&mut client).await?;
                let changed = soon(stand(&transaction, kinds, standing, now)).await?;
                session::commit(transaction).await?;
                Ok::<_, Failure>(changed)
            };
            work.await.map_err(StoreError::from)
        })
    }

    fn alerts(&self) -> Answer<'_, Result<Vec<Alert>, StoreError>> {
        Box::pin(soon(async move { Ok(open(&self.sessions.reader().await?).await?) }))
    }
}
