//! What was seen of what channels send.

use deadpool_postgres::GenericClient;

use super::{
    PostgresStore, at_rest,
    failure::Failure,
    holds,
    session::{self, Rows, Value, signed, soon, unsigned},
};
use crate::store::{
    Answer, StoreError,
    at_rest::Place,
    profiles::{self, Beginning, ProfileRow, Profiles, Received, Turn, Unprofiled},
};

async fn unprofiled(client: &impl GenericClient, limit: u32) -> Result<Unprofiled, Failure> {
    let sql = "SELECT coalesce((SELECT next FROM profiled), 1), messages FROM head";
    let row = session::row(client, sql, &[]).await?;
    let row = row.ok_or_else(|| StoreError::fault("the head is lost"))?;
    let next: i64 = row.try_get(0)?;
    let sql = "SELECT message, channel, recorded_at FROM messages WHERE message >= $1
               ORDER BY message LIMIT $2";
    let mut received = Vec::new();
    for row in session::rows(client, sql, &[&next, &i64::from(limit)]).await? {
        received.push(Received {
            message: unsigned(row.try_get(0)?),
            channel: row.try_get(1)?,
            recorded_at: row.try_get(2)?,
        });
    }
    Ok(Unprofiled { next: unsigned(next), messages: unsigned(row.try_get(1)?), received })
}

async fn beginning(
    client: &impl GenericClient,
    message: u64,
    bytes: u64,
) -> Result<Option<Beginning>, Failure> {
    let sql = "SELECT bytes, key_id, wrapped_key, piece FROM payloads WHERE message = $1
               ORDER BY piece LIMIT $2";
    let pieces = signed(profiles::pieces(bytes));
    let mut found = Vec::new();
    for row in session::rows(client, sql, &[&signed(message), &pieces]).await? {
        let piece: i32 = row.try_get(3)?;
        let place = Place::Raw(message, unsigned(piece.into()));
        found.extend(at_rest::text(&row, place, (0, 1))?);
    }
    Ok(profiles::beginning(found, bytes))
}

async fn keep(client: &impl GenericClient, turn: Turn) -> Result<bool, Failure> {
    let sql = "INSERT INTO profiled AS p (one, next)
               SELECT 1, $2 FROM head WHERE leaving IS NULL AND arriving IS NULL
               ON CONFLICT (one) DO UPDATE SET next = excluded.next WHERE p.next = $1
               RETURNING next";
    let ends: [Value<'_>; 2] = [&signed(turn.from), &signed(turn.to)];
    if session::row(client, sql, &ends).await?.is_none() {
        return Ok(false);
    }
    let kept = "INSERT INTO profiles (channel, period, profile)
                SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
                ON CONFLICT (channel, period) DO UPDATE SET profile = excluded.profile";
    let bytes = turn.kept.iter().map(|row| row.profile.len()).sum();
    let (mut channels, mut periods, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    for ProfileRow { channel, period, profile } in turn.kept {
        channels.push(channel);
        periods.push(period);
        texts.push(profile);
    }
    let kept = Rows::new(kept, channels.len()).with(channels).with(periods).with(texts);
    let dropped = "DELETE FROM profiles p USING unnest($1::text[], $2::text[]) d (channel, period)
                   WHERE p.channel = d.channel AND p.period = d.period";
    let (channels, periods): (Vec<String>, Vec<String>) = turn.dropped.into_iter().unzip();
    let dropped = Rows::new(dropped, channels.len()).with(channels).with(periods);
    let held = holds::begin(turn.held)?;
    session::write(client, vec![kept.of_bytes(bytes), dropped, held]).await?;
    Ok(true)
}

async fn all(
    client: &impl GenericClient,
    channels: Option<Vec<String>>,
) -> Result<Vec<ProfileRow>, Failure> {
    let sql = "SELECT channel, period, profile FROM profiles
               WHERE $1::text[] IS NULL OR channel = ANY ($1) ORDER BY channel, period";
    let mut all = Vec::new();
    for row in session::rows(client, sql, &[&channels]).await? {
        let (channel, period, profile) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        all.push(ProfileRow { channel, period, profile });
    }
    Ok(all)
}

impl Profiles for PostgresStore {
    fn unprofiled(&self, limit: u32) -> Answer<'_, Result<Unprofiled, StoreError>> {
        Box::pin(soon(async move { Ok(unprofiled(&self.sessions.reader().await?, limit).await?) }))
    }

    fn beginning(
        &self,
        message: u64,
        bytes: u64,
    ) -> Answer<'_, Result<Option<Beginning>, StoreError>> {
        Box::pin(soon(async move {
            Ok(beginning(&self.sessions.reader().await?, message, bytes).await?)
        }))
    }

    fn keep(&self, turn: Turn) -> Answer<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let work = async {
                let mut client = self.sessions.writer().await?;
                let transaction = session::begin(&mut client).await?;
                let kept = soon(keep(&transaction, turn)).await?;
                session::commit(transaction).await?;
                Ok::<_, Failure>(kept)
            };
            work.await.map_err(StoreError::from)
        })
    }

    fn profiles(
        &self,
        channels: Option<Vec<String>>,
    ) -> Answer<'_, Result<Vec<ProfileRow>, StoreError>> {
        Box::pin(soon(async move { Ok(all(&self.sessions.reader().await?, channels).await?) }))
    }
}
