//! Dossiers one after the other.

use deadpool_postgres::GenericClient;

use super::{
    PostgresStore,
    failure::Failure,
    session::{self, signed, soon, unsigned},
};
use crate::{
    registry::Identity,
    store::{
        Answer, DossierRow, StoreError,
        listing::{Listed, Listing},
    },
};

async fn listed(
    client: &impl GenericClient,
    from: u64,
    limit: u32,
) -> Result<Vec<Listed>, Failure> {
    let sql = "SELECT d.dossier, m.source, m.source_code, d.position, d.public
               FROM dossiers d JOIN members m ON m.member = d.dossier
               WHERE d.dossier >= $1 AND d.public IS NOT NULL ORDER BY d.dossier LIMIT $2";
    let rows = session::rows(client, sql, &[&signed(from), &i64::from(limit)]).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let key = Identity { source: row.try_get(1)?, source_code: row.try_get(2)? }.key();
        let position = unsigned(row.try_get(3)?);
        let dossier = DossierRow { key, position, public: row.try_get(4)? };
        found.push(Listed { number: unsigned(row.try_get(0)?), row: dossier });
    }
    Ok(found)
}

async fn identities(
    client: &impl GenericClient,
    from: u64,
    limit: u32,
) -> Result<Vec<(u64, Identity)>, Failure> {
    let sql = "SELECT member, source, source_code FROM members
               WHERE member >= $1 ORDER BY member LIMIT $2";
    let rows = session::rows(client, sql, &[&signed(from), &i64::from(limit)]).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let name = Identity { source: row.try_get(1)?, source_code: row.try_get(2)? };
        found.push((unsigned(row.try_get(0)?), name));
    }
    Ok(found)
}

impl Listing for PostgresStore {
    fn listed(&self, from: u64, limit: u32) -> Answer<'_, Result<Vec<Listed>, StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.reader().await?;
            Ok(listed(&client, from, limit).await?)
        }))
    }

    fn identities(
        &self,
        from: u64,
        limit: u32,
    ) -> Answer<'_, Result<Vec<(u64, Identity)>, StoreError>> {
        Box::pin(soon(
            async move { Ok(identities(&self.sessions.reader().await?, from, limit).await?) },
        ))
    }
}
