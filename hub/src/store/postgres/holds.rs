//! Changes that hold channels.

use deadpool_postgres::GenericClient;
use tokio_postgres::Row;

use super::{
    PostgresStore,
    failure::Failure,
    session::{self, Rows, soon},
};
use crate::store::{
    Answer, StoreError,
    holds::{self, HoldQuery, HoldRow, Holds},
};

/// What begins, to be written.
pub(super) fn begin(held: Vec<HoldRow>) -> Result<Rows<'static>, Failure> {
    let sql = "INSERT INTO drift_holds (channel, held_at, place, reading, told)
               SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[],
                                    $5::text[])";
    let (mut channels, mut readings, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut times, mut places): (Vec<i64>, Vec<i64>) = Default::default();
    for one in held {
        texts.push(holds::text(&one.change)?);
        channels.push(one.channel);
        times.push(one.held_at);
        places.push(i64::from(one.place));
        readings.push(one.reading);
    }
    let rows = Rows::new(sql, channels.len()).with(channels).with(times).with(places);
    Ok(rows.with(readings).with(texts))
}

fn read(row: &Row) -> Result<HoldRow, Failure> {
    let (channel, told): (String, &str) = (row.try_get(0)?, row.try_get(4)?);
    let (at, by): (Option<i64>, Option<String>) = (row.try_get(5)?, row.try_get(6)?);
    let change = holds::change(&channel, told)?;
    let place: i64 = row.try_get(2)?;
    Ok(HoldRow {
        channel,
        held_at: row.try_get(1)?,
        place: u32::try_from(place).unwrap_or(u32::MAX),
        reading: row.try_get(3)?,
        change,
        accepted: at.zip(by),
    })
}

async fn some(client: &impl GenericClient, query: HoldQuery) -> Result<Vec<HoldRow>, Failure> {
    let sql = "SELECT channel, held_at, place, reading, told, accepted_at, accepted_by
               FROM drift_holds WHERE ($1::text IS NULL OR channel = $1)
               AND (NOT $2 OR accepted_at IS NULL) ORDER BY channel, held_at, place";
    let rows = session::rows(client, sql, &[&query.channel, &query.open]).await?;
    rows.iter().map(read).collect()
}

async fn accept(
    client: &impl GenericClient,
    channel: &str,
    (at, by): (i64, &str),
) -> Result<Vec<HoldRow>, Failure> {
    let sql = "UPDATE drift_holds SET accepted_at = $2, accepted_by = $3
               WHERE channel = $1 AND accepted_at IS NULL
               RETURNING channel, held_at, place, reading, told, accepted_at, accepted_by";
    let rows = session::rows(client, sql, &[&channel, &at, &by]).await?;
    let mut accepted = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    accepted.sort_by_key(|one| (one.held_at, one.place));
    Ok(accepted)
}

impl Holds for PostgresStore {
    fn drift_holds(&self, query: HoldQuery) -> Answer<'_, Result<Vec<HoldRow>, StoreError>> {
        Box::pin(soon(async move { Ok(some(&self.sessions.reader().await?, query).await?) }))
    }

    fn accept_drift(
        &self,
        channel: String,
        at: i64,
        by: String,
    ) -> Answer<'_, Result<Vec<HoldRow>, StoreError>> {
        Box::pin(async move {
            let work = async {
                let mut client = self.sessions.writer().await?;
                let transaction = session::begin(&mut client).await?;
                let accepted = soon(accept(&transaction, &channel, (at, &by))).await?;
                session::commit(transaction).await?;
                Ok::<_, Failure>(accepted)
            };
            work.await.map_err(StoreError::from)
        })
    }
}
