//! Controls, and the keys of a source.

use deadpool_postgres::GenericClient;

use super::super::{
    PostgresStore,
    failure::Failure,
    session::{self, signed, soon, unsigned},
};
use crate::store::{
    Answer, StoreError,
    controls::{ControlKind, ControlRow, Controls, KeyRange},
};

async fn keys(client: &impl GenericClient, range: &KeyRange) -> Result<Vec<String>, Failure> {
    let KeyRange { source, from: (from, included), to, limit } = range;
    let after = if *included { ">=" } else { ">" };
    let sql = format!(
        "SELECT m.source_code FROM members m LEFT JOIN dossiers d ON d.dossier = m.dossier
         WHERE m.source_code {after} $1 AND m.source_code <= $2 AND m.source = $3
             AND (d.dossier IS NULL OR d.public IS NOT NULL)
         ORDER BY m.source_code LIMIT $4"
    );
    let limit = i64::from(*limit);
    let mut keys = Vec::new();
    for row in session::rows(client, &sql, &[from, to, source, &limit]).await? {
        keys.push(row.try_get(0)?);
    }
    Ok(keys)
}

async fn keep(client: &impl GenericClient, row: &ControlRow) -> Result<(), Failure> {
    let sql = "INSERT INTO controls (channel, at, kind, source, told, missing, extra)
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (channel, kind, at) DO UPDATE
               SET source = excluded.source, told = excluded.told, missing = excluded.missing,
                   extra = excluded.extra";
    let (kind, counts) = (row.kind.name(), [row.told, row.missing, row.extra].map(signed));
    let [told, missing, extra] = &counts;
    let values: [session::Value<'_>; 7] =
        [&row.channel, &row.at, &kind, &row.source, told, missing, extra];
    session::rows(client, sql, &values).await.map(drop)
}

async fn latest(
    client: &impl GenericClient,
    channel: Option<String>,
) -> Result<Vec<ControlRow>, Failure> {
    let sql = "SELECT DISTINCT ON (channel) channel, at, source, told, missing, extra
               FROM controls WHERE kind = 'keys' AND ($1::text IS NULL OR channel = $1)
               ORDER BY channel, at DESC";
    let mut found = Vec::new();
    for row in session::rows(client, sql, &[&channel]).await? {
        found.push(ControlRow {
            channel: row.try_get(0)?,
            at: row.try_get(1)?,
            kind: ControlKind::Keys,
            source: row.try_get(2)?,
            told: unsigned(row.try_get(3)?),
            missing: unsigned(row.try_get(4)?),
            extra: unsigned(row.try_get(5)?),
        });
    }
    Ok(found)
}

impl Controls for PostgresStore {
    fn keys_of(&self, range: KeyRange) -> Answer<'_, Result<Vec<String>, StoreError>> {
        Box::pin(soon(async move { Ok(keys(&self.sessions.reader().await?, &range).await?) }))
    }

    fn keep_control(&self, row: ControlRow) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(soon(async move { Ok(keep(&self.sessions.writer().await?, &row).await?) }))
    }

    fn controls(&self, channel: Option<String>) -> Answer<'_, Result<Vec<ControlRow>, StoreError>> {
        Box::pin(soon(async move { Ok(latest(&self.sessions.reader().await?, channel).await?) }))
    }
}
