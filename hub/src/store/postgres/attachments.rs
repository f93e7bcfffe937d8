//! Who has which attachment, and which records name it.

mod named;

use deadpool_postgres::GenericClient;
use jiff::Timestamp;

pub(super) use named::{doubt, named, verify};

use super::{
    PostgresStore,
    failure::{Failure, Tries},
    session::{self, Value, signed, soon, unsigned},
};
use crate::store::{
    Answer, StoreError,
    attachments::{Attachments, HeldFile, Parted, Remove},
};

/// Milliseconds since 1970, by the server's clock.
const NOW: &str = "(extract(epoch from clock_timestamp()) * 1000)::bigint";

/// One at a time sends or removes a file.
const ALONE: &str = "SELECT pg_advisory_xact_lock(hashtextextended('attachment ' || $1::text, 0))";

/// Writes a row; nothing where the store takes part in a move, or what is shared is gone. What is
/// sent again after it was doubted is not any more. Gives whether it did.
async fn write(client: &impl GenericClient, file: &HeldFile, sent: bool) -> Result<bool, Failure> {
    let sql = format!(
        "INSERT INTO attachments AS a (digest, holder, size, media_type, sent, since)
         SELECT $1, $2, $3, $4, $5::bigint, {NOW} FROM head
         WHERE leaving IS NULL AND arriving IS NULL
             AND ($5::bigint = 1 OR EXISTS (SELECT FROM attachments WHERE digest = $1))
         ON CONFLICT (digest, holder) DO UPDATE SET sent = greatest(a.sent, excluded.sent),
             since = CASE WHEN excluded.sent = 1 THEN excluded.since ELSE a.since END,
             doubted = CASE WHEN excluded.sent = 1 THEN 0 ELSE a.doubted END
         RETURNING sent"
    );
    let HeldFile { digest, holder, size, media_type } = file;
    let values: [Value<'_>; 5] = [digest, holder, &signed(*size), media_type, &i64::from(sent)];
    Ok(session::row(client, &sql, &values).await?.is_some())
}

/// How a file was noted.
enum Noted {
    Held,
    TooMuch,
    Moving,
}

async fn hold(client: &impl GenericClient, file: &HeldFile, most: u64) -> Result<Noted, Failure> {
    session::rows(client, ALONE, &[&file.digest]).await?;
    // The total is held next, so that two who send at once are counted one after the other.
    let sql = "INSERT INTO attachment_totals (holder, bytes) VALUES ($1, 0)
               ON CONFLICT (holder) DO UPDATE SET bytes = attachment_totals.bytes RETURNING bytes";
    let total = session::row(client, sql, &[&file.holder]).await?;
    let total: i64 = total.map(|row| row.try_get(0)).transpose()?.unwrap_or(0);
    let sql = "SELECT sent FROM attachments WHERE digest = $1 AND holder = $2";
    let known = session::row(client, sql, &[&file.digest, &file.holder]).await?;
    if known.map(|row| row.try_get::<_, i64>(0)).transpose()? == Some(1) {
        let sql = format!(
            "UPDATE attachments SET doubted = 0, since = {NOW} WHERE digest = $1 AND holder = $2"
        );
        session::rows(client, &sql, &[&file.digest, &file.holder]).await?;
        return Ok(Noted::Held);
    }
    let total = total.saturating_add(signed(file.size));
    if total > i64::try_from(most).unwrap_or(i64::MAX) {
        return Ok(Noted::TooMuch);
    }
    let sql = "UPDATE attachment_totals SET bytes = $2 WHERE holder = $1";
    session::rows(client, sql, &[&file.holder, &total]).await?;
    Ok(if write(client, file, true).await? { Noted::Held } else { Noted::Moving })
}

fn moving() -> StoreError {
    StoreError::busy("the store takes part in a move, or the file is gone")
}

impl Attachments for PostgresStore {
    fn hold(&self, file: HeldFile, most: u64) -> Answer<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let work = async {
                let mut client = self.sessions.writer().await?;
                let transaction = session::begin(&mut client).await?;
                let noted = soon(hold(&transaction, &file, most)).await?;
                // What is not to be kept is taken back with the transaction.
                if matches!(noted, Noted::Held) {
                    session::commit(transaction).await?;
                }
                Ok::<_, Failure>(noted)
            };
            match work.await.map_err(StoreError::from)? {
                Noted::Held => Ok(true),
                Noted::TooMuch => Ok(false),
                Noted::Moving => Err(moving()),
            }
        })
    }

    fn share(&self, file: HeldFile) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let work = soon(async {
                let mut client = self.sessions.writer().await?;
                let transaction = session::begin(&mut client).await?;
                session::rows(&transaction, ALONE, &[&file.digest]).await?;
                let written = write(&transaction, &file, false).await?;
                session::commit(transaction).await?;
                Ok::<_, Failure>(written)
            });
            if work.await.map_err(StoreError::from)? { Ok(()) } else { Err(moving()) }
        })
    }

    fn held(
        &self,
        digest: String,
        holder: String,
    ) -> Answer<'_, Result<Option<HeldFile>, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            let sql = "SELECT size, media_type FROM attachments WHERE digest = $1 AND holder = $2";
            let Some(row) = session::row(&client, sql, &[&digest, &holder]).await? else {
                return Ok(None);
            };
            let read =
                || Ok::<_, Failure>((unsigned(row.try_get(0)?), row.try_get::<_, String>(1)?));
            let (size, media_type) = read()?;
            Ok(Some(HeldFile { digest, holder, size, media_type }))
        }))
    }

    fn senders(&self, digest: String) -> Answer<'_, Result<Vec<String>, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            let sql = "SELECT holder FROM attachments WHERE digest = $1 AND sent = 1
                       ORDER BY holder";
            let rows = session::rows(&client, sql, &[&digest]).await?;
            Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
        }))
    }

    fn files(
        &self,
        after: String,
        limit: u32,
    ) -> Answer<'_, Result<Vec<(String, u64)>, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            let sql = "SELECT digest, max(size) FROM attachments WHERE digest > $1
                       GROUP BY digest ORDER BY digest LIMIT $2";
            let rows = session::rows(&client, sql, &[&after, &i64::from(limit)]).await?;
            let read = |row: &tokio_postgres::Row| {
                Ok::<_, Failure>((row.try_get(0)?, unsigned(row.try_get(1)?)))
            };
            Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
        }))
    }

    fn doubted(&self, limit: u32) -> Answer<'_, Result<Vec<String>, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            let sql = "SELECT DISTINCT digest FROM attachments WHERE doubted <> 0
                       ORDER BY digest LIMIT $1";
            let rows = session::rows(&client, sql, &[&i64::from(limit)]).await?;
            Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
        }))
    }

    fn unnamed(&self, since: Timestamp, doubt: bool) -> Answer<'_, Result<(u64, u64), StoreError>> {
        Box::pin(async move { Ok(named::unnamed(self, since, doubt).await?) })
    }

    fn part(&self, digest: String, remove: Remove) -> Answer<'_, Result<Parted, StoreError>> {
        Box::pin(async move { Ok(named::part(self, &digest, remove).await?) })
    }

    fn replace(&self, digest: String, put: Remove) -> Answer<'_, Result<bool, StoreError>> {
        Box::pin(async move { Ok(named::replace(self, &digest, put).await?) })
    }

    fn read_names(&self) -> Answer<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let mut tries = Tries::default();
            loop {
                match named::read_names(self).await {
                    Err(failure) if tries.again(&failure).await => {}
                    ended => return ended.map_err(StoreError::from),
                }
            }
        })
    }
}
