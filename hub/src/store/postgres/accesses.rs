//! Who was given personal data.

use deadpool_postgres::GenericClient;
use jiff::Timestamp;
use tokio_postgres::Row;

use super::{
    PostgresStore,
    failure::{self, Failure},
    session::{self, Value, signed, soon, unsigned},
};
use crate::store::{
    Answer, StoreError,
    accesses::{Access, AccessFound, AccessQuery, Accesses, before, millis, time},
};

/// Writes a row; nothing where the store takes part in a move.
const WRITE: &str = "INSERT INTO accesses
        (at, id, principal, key, purpose, reason, call, agency, subject, position)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM head
    WHERE leaving IS NULL AND arriving IS NULL RETURNING at";

async fn note(client: &impl GenericClient, all: &[Access]) -> Result<(), Failure> {
    for one in all {
        let (at, position) = (millis(one.at), one.position.map(signed));
        let values: [Value<'_>; 10] = [
            &at,
            &one.id,
            &one.principal,
            &one.key,
            &one.purpose,
            &one.reason,
            &one.call,
            &one.agency,
            &one.subject,
            &position,
        ];
        if session::row(client, WRITE, &values).await?.is_none() {
            return Err(StoreError::busy("the store takes part in a move").into());
        }
    }
    Ok(())
}

fn access(row: &Row) -> Result<AccessFound, Failure> {
    let access = Access {
        at: time(row.try_get(0)?)?,
        id: row.try_get(1)?,
        principal: row.try_get(2)?,
        key: row.try_get(3)?,
        purpose: row.try_get(4)?,
        reason: row.try_get(5)?,
        call: row.try_get(6)?,
        agency: row.try_get(7)?,
        subject: row.try_get(8)?,
        position: row.try_get::<_, Option<i64>>(9)?.map(unsigned),
    };
    Ok(AccessFound { access, key_name: row.try_get(10)? })
}

async fn read(
    client: &impl GenericClient,
    query: AccessQuery,
) -> Result<Vec<AccessFound>, Failure> {
    let sql = "SELECT a.at, a.id, a.principal, a.key, a.purpose, a.reason, a.call, a.agency,
                      a.subject, a.position, k.name
               FROM accesses a LEFT JOIN api_keys k ON k.id = a.key
               WHERE ($1::text IS NULL OR a.agency = $1)
                 AND ($2::text[] IS NULL OR a.subject = ANY($2))
                 AND (a.at, a.id) < ($3, $4)
               ORDER BY a.at DESC, a.id DESC LIMIT $5";
    let (at, id) = before(query.after);
    let limit = i64::from(query.limit);
    let values: [Value<'_>; 5] = [&query.agency, &query.subjects, &at, &id, &limit];
    session::rows(client, sql, &values).await?.iter().map(access).collect()
}

impl Accesses for PostgresStore {
    fn note_accesses(&self, all: Vec<Access>) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let work = async {
                let mut client = self.sessions.writer().await?;
                let transaction = session::begin(&mut client).await?;
                soon(note(&transaction, &all)).await?;
                session::commit(transaction).await
            };
            work.await.map_err(StoreError::from)
        })
    }

    fn accesses(&self, query: AccessQuery) -> Answer<'_, Result<Vec<AccessFound>, StoreError>> {
        Box::pin(soon(async move { Ok(read(&self.sessions.reader().await?, query).await?) }))
    }

    fn drop_accesses(&self, before: Timestamp) -> Answer<'_, Result<u64, StoreError>> {
        alone!(self, |transaction| {
            let sql = "DELETE FROM accesses WHERE at < $1";
            transaction.execute(sql, &[&millis(before)]).await?
        })
    }
}
