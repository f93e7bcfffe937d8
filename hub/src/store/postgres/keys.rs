//! API keys in PostgreSQL.

use deadpool_postgres::GenericClient;
use jiff::Timestamp;

use super::{
    failure::Failure,
    session::{self, hash},
};
use crate::{
    journal::merkle::Digest,
    store::{ApiKey, keys::time},
};

pub(super) async fn add(client: &impl GenericClient, key: &ApiKey) -> Result<(), Failure> {
    let sql = "INSERT INTO api_keys (id, hash, principal, created_at, name, scopes, expires_at,
                                     certificate)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let (hash, now) = (key.hash.as_bytes().as_slice(), Timestamp::now().to_string());
    let ends = key.expires_at.map(|end| end.to_string());
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 8] =
        [&key.id, &hash, &key.principal, &now, &key.name, &key.scopes, &ends, &key.certificate];
    session::rows(client, sql, &values).await?;
    Ok(())
}

/// Both in one statement, so in one transaction.
pub(super) async fn rotate(
    client: &impl GenericClient,
    old: &str,
    key: &ApiKey,
    until: Timestamp,
) -> Result<bool, Failure> {
    let sql = "WITH before AS (
                   UPDATE api_keys SET expires_at = least(expires_at COLLATE \"C\", $2)
                   WHERE id = $1 AND revoked_at IS NULL RETURNING id
               )
               INSERT INTO api_keys (id, hash, principal, created_at, name, scopes, expires_at,
                                     certificate)
               SELECT $3, $4, $5, $6, $7, $8, $9, $10 FROM before RETURNING id";
    let (hash, now) = (key.hash.as_bytes().as_slice(), Timestamp::now().to_string());
    let (until, ends) = (until.to_string(), key.expires_at.map(|end| end.to_string()));
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 10] = [
        &old,
        &until,
        &key.id,
        &hash,
        &key.principal,
        &now,
        &key.name,
        &key.scopes,
        &ends,
        &key.certificate,
    ];
    Ok(session::row(client, sql, &values).await?.is_some())
}

pub(super) async fn revoke(
    client: &impl GenericClient,
    id: &str,
    at: Timestamp,
) -> Result<bool, Failure> {
    let sql = "UPDATE api_keys SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1
               RETURNING id";
    Ok(session::row(client, sql, &[&id, &at.to_string()]).await?.is_some())
}

pub(super) async fn note_uses(
    client: &impl GenericClient,
    uses: &[(String, Timestamp)],
) -> Result<(), Failure> {
    let ids: Vec<&str> = uses.iter().map(|(id, _)| id.as_str()).collect();
    let times: Vec<String> = uses.iter().map(|(_, at)| at.to_string()).collect();
    let sql = "INSERT INTO key_uses (id, used_at) SELECT * FROM unnest($1::text[], $2::text[])
               ORDER BY 1
               ON CONFLICT (id) DO UPDATE
               SET used_at = greatest(key_uses.used_at COLLATE \"C\", excluded.used_at)";
    session::rows(client, sql, &[&ids, &times]).await?;
    Ok(())
}

pub(super) async fn all(client: &impl GenericClient) -> Result<Vec<ApiKey>, Failure> {
    let sql = "SELECT k.id, k.hash, k.principal, k.revoked_at, k.name, k.scopes, k.expires_at,
                      u.used_at, k.certificate
               FROM api_keys k LEFT JOIN key_uses u ON u.id = k.id ORDER BY k.id";
    let mut all = Vec::new();
    for row in session::rows(client, sql, &[]).await? {
        all.push(ApiKey {
            id: row.try_get(0)?,
            hash: Digest::from_bytes(hash(&row, 1)?),
            principal: row.try_get(2)?,
            revoked_at: row.try_get(3)?,
            name: row.try_get(4)?,
            scopes: row.try_get(5)?,
            expires_at: time(row.try_get(6)?)?,
            used_at: time(row.try_get(7)?)?,
            certificate: row.try_get(8)?,
        });
    }
    Ok(all)
}
