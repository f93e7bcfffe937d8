//! Refusals that are open.

use std::collections::{BTreeMap, HashMap};

use contracts::Refusal;
use deadpool_postgres::GenericClient;

use super::super::{
    PostgresStore,
    failure::Failure,
    session::{self, Rows, signed, soon, unsigned},
};
use crate::store::{
    Answer, StoreError,
    batch::{OpenRefusal, Refused},
    refusals::{self, ANY_CODE, RefusalCount, RefusalQuery, RefusalRow, Refusals},
};

/// What a batch does to them. In whatever order these are done, the same is open and counted.
pub(in super::super) fn rows(refused: &Refused) -> Vec<Rows<'_>> {
    let mut all = vec![replaced(refused), mended(refused)];
    all.extend(opened(&refused.opened));
    all
}

fn replaced(refused: &Refused) -> Rows<'static> {
    let sql = "WITH gone AS (
                   DELETE FROM refused WHERE message = ANY ($1::bigint[]) RETURNING channel, code)
               INSERT INTO refused_counts AS c (channel, code, refusals)
               SELECT channel, code, -count(*) FROM gone GROUP BY channel, code
               ON CONFLICT (channel, code) DO UPDATE SET refusals = c.refusals + excluded.refusals";
    Rows::new(sql, refused.replaced.len())
        .with(refused.replaced.iter().map(|one| signed(*one)).collect())
}

fn mended(refused: &Refused) -> Rows<'_> {
    let sql = "WITH gone AS (
                   DELETE FROM refused r
                   USING unnest($1::text[], $2::text[], $3::bigint[]) w (channel, key, position)
                   WHERE r.channel = w.channel AND r.key = w.key AND r.position < w.position
                   RETURNING r.channel, r.code)
               INSERT INTO refused_counts AS c (channel, code, refusals)
               SELECT channel, code, -count(*) FROM gone GROUP BY channel, code
               ON CONFLICT (channel, code) DO UPDATE SET refusals = c.refusals + excluded.refusals";
    let told = refused.told.iter();
    let told: Vec<(&str, &str, i64)> = told
        .flat_map(|(channel, keys)| {
            keys.iter().map(|(key, last)| (channel.as_str(), key.as_str(), signed(*last)))
        })
        .collect();
    Rows::new(sql, told.len())
        .with(told.iter().map(|one| one.0).collect())
        .with(told.iter().map(|one| one.1).collect())
        .with(told.iter().map(|one| one.2).collect())
}

fn opened(opened: &[OpenRefusal]) -> [Rows<'_>; 2] {
    let mut rows: Vec<(&OpenRefusal, &str)> = Vec::new();
    let mut tally: HashMap<(&str, &str), i64> = HashMap::new();
    for one in opened {
        let codes = one.codes.iter().map(String::as_str).filter(|code| *code != ANY_CODE);
        for code in codes.chain([ANY_CODE]) {
            rows.push((one, code));
            *tally.entry((&one.channel, code)).or_default() += 1;
        }
    }
    let sql = "INSERT INTO refused (channel, code, position, place, message, key)
               SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[],
                                    $5::bigint[], $6::text[])";
    let all = Rows::new(sql, rows.len())
        .with(rows.iter().map(|(one, _)| one.channel.as_str()).collect())
        .with(rows.iter().map(|(_, code)| *code).collect())
        .with(rows.iter().map(|(one, _)| signed(one.position)).collect())
        .with(rows.iter().map(|(one, _)| i64::from(one.place)).collect())
        .with(rows.iter().map(|(one, _)| signed(one.message)).collect())
        .with(rows.iter().map(|(one, _)| one.key.as_deref()).collect());
    let sql = "INSERT INTO refused_counts AS c (channel, code, refusals)
               SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
               ON CONFLICT (channel, code) DO UPDATE SET refusals = c.refusals + excluded.refusals";
    let tally: Vec<_> = tally.into_iter().collect();
    let counts = Rows::new(sql, tally.len())
        .with(tally.iter().map(|((channel, _), _)| *channel).collect())
        .with(tally.iter().map(|((_, code), _)| *code).collect())
        .with(tally.iter().map(|(_, more)| *more).collect());
    [all, counts]
}

async fn open(
    client: &impl GenericClient,
    query: &RefusalQuery,
) -> Result<Vec<RefusalRow>, Failure> {
    let sql = "SELECT r.position, r.place, r.key, m.id, m.recorded_at
               FROM refused r JOIN messages m ON m.message = r.message
               WHERE r.channel = $1 AND r.code = $2 AND (r.position, r.place) < ($3, $4)
               ORDER BY r.position DESC, r.place DESC LIMIT $5";
    let (position, place) = query.before.map_or((i64::MAX, 0), |(position, place)| {
        (i64::try_from(position).unwrap_or(i64::MAX), i64::from(place))
    });
    let limit = i64::from(query.limit);
    let values: [session::Value<'_>; 5] = [&query.channel, &query.code, &position, &place, &limit];
    let rows = session::rows(client, sql, &values).await?;
    let mut positions = Vec::new();
    for row in &rows {
        positions.push(row.try_get::<_, i64>(0)?);
    }
    positions.dedup();
    let sql = "SELECT position, public FROM entries WHERE position = ANY ($1::bigint[])";
    let mut told: BTreeMap<u64, Vec<Refusal>> = BTreeMap::new();
    for row in session::rows(client, sql, &[&positions]).await? {
        let position = unsigned(row.try_get(0)?);
        told.insert(position, refusals::told(position, row.try_get(1)?)?);
    }
    let mut found = Vec::new();
    for row in rows {
        let position = unsigned(row.try_get(0)?);
        let place = u32::try_from(row.try_get::<_, i64>(1)?).unwrap_or(u32::MAX);
        let all = told.get(&position).map(Vec::as_slice).unwrap_or_default();
        found.push(RefusalRow {
            position,
            place,
            key: row.try_get(2)?,
            message: row.try_get(3)?,
            recorded_at: row.try_get(4)?,
            refusal: refusals::at(position, all, place)?,
        });
    }
    Ok(found)
}

async fn counts(
    client: &impl GenericClient,
    channel: Option<String>,
) -> Result<Vec<RefusalCount>, Failure> {
    let sql = "SELECT channel, code, refusals FROM refused_counts
               WHERE refusals > 0 AND ($1::text IS NULL OR channel = $1) ORDER BY channel, code";
    let mut counts = Vec::new();
    for row in session::rows(client, sql, &[&channel]).await? {
        let refusals = unsigned(row.try_get(2)?);
        counts.push(RefusalCount { channel: row.try_get(0)?, code: row.try_get(1)?, refusals });
    }
    Ok(counts)
}

async fn settle(client: &impl GenericClient, channel: &str, id: &str) -> Result<u64, Failure> {
    let sql = "WITH gone AS (
                   DELETE FROM refused WHERE channel = $1 AND message IN (
                       SELECT message FROM message_keys WHERE channel = $1 AND id = $2
                       UNION ALL
                       SELECT message FROM message_conflicts WHERE channel = $1 AND id = $2)
                   RETURNING channel, code),
               fewer AS (
                   INSERT INTO refused_counts AS c (channel, code, refusals)
                   SELECT channel, code, -count(*) FROM gone GROUP BY channel, code
                   ON CONFLICT (channel, code)
                   DO UPDATE SET refusals = c.refusals + excluded.refusals)
               SELECT count(*) FROM gone WHERE code = ''";
    let row = session::row(client, sql, &[&channel, &id]).await?;
    let row = row.ok_or_else(|| StoreError::fault("a count has no row"))?;
    Ok(unsigned(row.try_get(0)?))
}

impl Refusals for PostgresStore {
    fn open_refusals(
        &self,
        query: RefusalQuery,
    ) -> Answer<'_, Result<Vec<RefusalRow>, StoreError>> {
        Box::pin(soon(async move {
            let mut client = self.sessions.reader().await?;
            let moment = session::at_one_moment(&mut client).await?;
            Ok(open(&moment, &query).await?)
        }))
    }

    fn refusal_counts(
        &self,
        channel: Option<String>,
    ) -> Answer<'_, Result<Vec<RefusalCount>, StoreError>> {
        Box::pin(soon(async move { Ok(counts(&self.sessions.reader().await?, channel).await?) }))
    }

    fn settle_refusals(&self, channel: String, id: String) -> Answer<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let work = async {
                let mut client = self.sessions.writer().await?;
                let transaction = session::begin(&mut client).await?;
                let settled = soon(settle(&transaction, &channel, &id)).await?;
                session::commit(transaction).await?;
                Ok::<_, Failure>(settled)
            };
            work.await.map_err(StoreError::from)
        })
    }
}
