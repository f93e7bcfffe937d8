//! How far the journal was published, and whose turn that is.

use deadpool_postgres::GenericClient;

use super::{
    PostgresStore,
    failure::Failure,
    session::{self, Value, signed, soon, unsigned},
    turns::{NOW, STAYS},
};
use crate::store::{
    Answer, StoreError,
    pollers::millis,
    published::{LEASE, Published, PublishedRow, Publishing},
};

/// A turn that ends further ahead than one can last is nobody's: the clock has been set back.
async fn take(client: &impl GenericClient) -> Result<Option<Publishing>, Failure> {
    let sql = format!(
        "UPDATE published SET token = token + 1, ends_at = {NOW} + $2, holder =
             'process ' || $1::text || ' at ' || coalesce(host(inet_client_addr()), 'this machine')
         WHERE ends_at NOT BETWEEN {NOW} + 1 AND {NOW} + $2 AND {STAYS}
         RETURNING token, position"
    );
    let process = std::process::id().to_string();
    let values: [Value<'_>; 2] = [&process, &millis(LEASE)];
    if let Some(row) = session::row(client, &sql, &values).await? {
        let (token, position) = (unsigned(row.try_get(0)?), unsigned(row.try_get(1)?));
        return Ok(Some(Publishing { token, position }));
    }
    // The first time there is no row yet: whoever asks next takes the turn.
    let sql =
        format!("INSERT INTO published (one) SELECT 1 WHERE {STAYS} ON CONFLICT (one) DO NOTHING");
    session::rows(client, &sql, &[]).await?;
    Ok(None)
}

/// Changes the row of a turn that is in force, and prolongs it.
async fn change(
    client: &impl GenericClient,
    set: &str,
    token: u64,
    value: u64,
) -> Result<bool, Failure> {
    let sql = format!(
        "UPDATE published SET ends_at = {NOW} + $3 {set}
         WHERE token = $1 AND $2::bigint >= 0 AND ends_at > {NOW} AND {STAYS} RETURNING token"
    );
    let values: [Value<'_>; 3] = [&signed(token), &signed(value), &millis(LEASE)];
    Ok(session::row(client, &sql, &values).await?.is_some())
}

async fn again(client: &impl GenericClient, from: u64) -> Result<(), Failure> {
    let sql = format!(
        "INSERT INTO published AS p (one, position, since)
         SELECT 1, $1::bigint, $1::bigint WHERE {STAYS}
         ON CONFLICT (one) DO UPDATE SET position = excluded.position, since = excluded.since,
             token = p.token + 1, ends_at = 0
         RETURNING token"
    );
    match session::row(client, &sql, &[&signed(from)]).await? {
        None => Err(StoreError::fault("this store takes part in a move").into()),
        Some(_) => Ok(()),
    }
}

async fn all(client: &impl GenericClient) -> Result<PublishedRow, Failure> {
    let sql = format!("SELECT position, since, ends_at > {NOW}, holder, moved_at FROM published");
    let Some(row) = session::row(client, &sql, &[]).await? else {
        return Ok(PublishedRow::default());
    };
    Ok(PublishedRow {
        position: unsigned(row.try_get(0)?),
        since: unsigned(row.try_get(1)?),
        under_way: row.try_get(2)?,
        holder: row.try_get(3)?,
        moved_at: row.try_get(4)?,
    })
}

impl PostgresStore {
    fn change_published(
        &self,
        set: &'static str,
        token: u64,
        value: u64,
    ) -> Answer<'_, Result<bool, StoreError>> {
        Box::pin(soon(async move {
            Ok(change(&self.sessions.writer().await?, set, token, value).await?)
        }))
    }
}

impl Published for PostgresStore {
    fn take_publishing(&self) -> Answer<'_, Result<Option<Publishing>, StoreError>> {
        Box::pin(soon(async move { Ok(take(&self.sessions.writer().await?).await?) }))
    }

    fn keep_publishing(&self, token: u64) -> Answer<'_, Result<bool, StoreError>> {
        self.change_published("", token, 0)
    }

    fn move_published(&self, token: u64, to: u64) -> Answer<'_, Result<bool, StoreError>> {
        let set = ", position = $2,
                   moved_at = (extract(epoch from clock_timestamp()) * 1000)::bigint";
        self.change_published(set, token, to)
    }

    fn lose_published(&self, token: u64) -> Answer<'_, Result<bool, StoreError>> {
        self.change_published(", since = position", token, 0)
    }

    fn leave_publishing(&self, token: u64) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.writer().await?;
            let sql = "UPDATE published SET ends_at = 0 WHERE token = $1";
            session::rows(&client, sql, &[&signed(token)]).await?;
            Ok(())
        }))
    }

    fn publish_again(&self, from: u64) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(soon(async move { Ok(again(&self.sessions.writer().await?, from).await?) }))
    }

    fn published(&self) -> Answer<'_, Result<PublishedRow, StoreError>> {
        Box::pin(soon(async move { Ok(all(&self.sessions.reader().await?).await?) }))
    }
}
