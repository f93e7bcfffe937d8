//! Who follows which dossier, and what there is to tell of it.

use deadpool_postgres::{GenericClient, Transaction};
use tokio_postgres::Row;

use super::{
    PostgresStore,
    failure::{self, Failure},
    session::{self, Value, signed, soon, unsigned},
};
use crate::{
    registry::Identity,
    store::{
        Answer, DossierRow, StoreError,
        subscriptions::in_a_move,
        watches::{Added, Most, Noticed, WATCHES_READ, WatchQuery, WatchRow, Watched, Watches},
    },
};

/// Nothing is changed in the middle of a move.
async fn stays(client: &impl GenericClient) -> Result<(), Failure> {
    let sql = "SELECT 1 WHERE EXISTS (SELECT FROM head WHERE leaving IS NULL AND arriving IS NULL)";
    session::row(client, sql, &[]).await?.map(drop).ok_or_else(|| in_a_move().into())
}

async fn add(transaction: &Transaction<'_>, row: &WatchRow, most: Most) -> Result<Added, Failure> {
    stays(transaction).await?;
    // Two of one owner that are added at once count one after the other.
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended('watches of ' || $1::text, 0))";
    session::row(transaction, sql, &[&row.owner]).await?;
    let sql = "SELECT count(*), count(*) FILTER (WHERE source = $3 AND source_code = $4)
               FROM watches WHERE owner = $1 AND ends_at > $2";
    let of = &row.of;
    let values: [Value<'_>; 4] = [&row.owner, &row.made_at, &of.source, &of.source_code];
    if let Some(counted) = session::row(transaction, sql, &values).await? {
        let (owner, dossier): (i64, i64) = (counted.try_get(0)?, counted.try_get(1)?);
        if dossier >= i64::from(most.of_dossier) {
            return Ok(Added::DossierFull);
        }
        if owner >= i64::from(most.of_owner) {
            return Ok(Added::OwnerFull);
        }
    }
    let sql = "INSERT INTO watches (id, owner, source, source_code, since, made_at, ends_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values: [Value<'_>; 7] = [
        &row.id,
        &row.owner,
        &of.source,
        &of.source_code,
        &signed(row.since),
        &row.made_at,
        &row.ends_at,
    ];
    session::rows(transaction, sql, &values).await?;
    Ok(Added::Added)
}

/// The dossier of a row, whose columns of it begin at `at`.
fn dossier(row: &Row, at: usize) -> Result<DossierRow, Failure> {
    let key = Identity { source: row.try_get(at)?, source_code: row.try_get(at + 1)? }.key();
    let position = unsigned(row.try_get(at + 2)?);
    Ok(DossierRow { key, position, public: row.try_get(at + 3)? })
}

async fn some(client: &impl GenericClient, query: &WatchQuery) -> Result<Vec<Watched>, Failure> {
    let sql = "SELECT w.id, w.owner, w.source, w.source_code, w.since, w.made_at, w.ends_at,
                   k.source, k.source_code, d.position, d.public
               FROM watches w
               LEFT JOIN members m ON m.source_code = w.source_code AND m.source = w.source
               LEFT JOIN members k ON k.member = m.dossier
               LEFT JOIN dossiers d ON d.dossier = k.member
               WHERE ($1::text IS NULL OR w.id = $1) AND w.id > $2 ORDER BY w.id LIMIT $3";
    let values: [Value<'_>; 3] = [&query.id, &query.after, &i64::from(WATCHES_READ)];
    let read = |row: &Row| {
        let watch = WatchRow {
            id: row.try_get(0)?,
            owner: row.try_get(1)?,
            of: Identity { source: row.try_get(2)?, source_code: row.try_get(3)? },
            since: unsigned(row.try_get(4)?),
            made_at: row.try_get(5)?,
            ends_at: row.try_get(6)?,
        };
        let known: Option<i64> = row.try_get(9)?;
        Ok(Watched { watch, dossier: known.map(|_| dossier(row, 7)).transpose()? })
    };
    session::rows(client, sql, &values).await?.iter().map(read).collect()
}

async fn noticed(
    client: &impl GenericClient,
    (from, after): (u64, String),
    to: u64,
    now: i64,
    limit: u32,
) -> Result<Vec<Noticed>, Failure> {
    let sql = "SELECT w.id, w.owner, k.source, k.source_code, d.position, d.public
               FROM changes c JOIN dossiers d ON d.dossier = c.dossier AND d.position = c.position
               JOIN members k ON k.member = d.dossier
               JOIN members m ON m.dossier = d.dossier
               JOIN watches w ON w.source_code = m.source_code AND w.source = m.source
               WHERE c.position >= $1 AND c.position < $3 AND (c.position > $1 OR w.id > $2)
                 AND w.since <= c.position AND w.ends_at > $4 AND d.public IS NOT NULL
               ORDER BY c.position, w.id LIMIT $5";
    let values: [Value<'_>; 5] = [&signed(from), &after, &signed(to), &now, &i64::from(limit)];
    let read = |row: &Row| {
        let (watch, owner) = (row.try_get(0)?, row.try_get(1)?);
        Ok(Noticed { watch, owner, dossier: dossier(row, 2)? })
    };
    session::rows(client, sql, &values).await?.iter().map(read).collect()
}

async fn end(transaction: &Transaction<'_>, ids: &[String]) -> Result<u64, Failure> {
    stays(transaction).await?;
    let sql = "DELETE FROM watches WHERE id = ANY($1::text[]) RETURNING id";
    Ok(session::rows(transaction, sql, &[&ids]).await?.len() as u64)
}

impl Watches for PostgresStore {
    fn add_watch(&self, row: WatchRow, most: Most) -> Answer<'_, Result<Added, StoreError>> {
        alone!(self, |transaction| soon(add(&transaction, &row, most)).await?)
    }

    fn watches(&self, query: WatchQuery) -> Answer<'_, Result<Vec<Watched>, StoreError>> {
        Box::pin(soon(async move { Ok(some(&self.sessions.reader().await?, &query).await?) }))
    }

    fn notices(
        &self,
        from: (u64, String),
        to: u64,
        now: i64,
        limit: u32,
    ) -> Answer<'_, Result<Vec<Noticed>, StoreError>> {
        Box::pin(soon(async move {
            Ok(noticed(&self.sessions.reader().await?, from, to, now, limit).await?)
        }))
    }

    fn end_watches(&self, ids: Vec<String>) -> Answer<'_, Result<u64, StoreError>> {
        alone!(self, |transaction| soon(end(&transaction, &ids)).await?)
    }
}
