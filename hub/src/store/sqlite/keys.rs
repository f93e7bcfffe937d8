//! API keys in SQLite.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    journal::merkle::Digest,
    store::{ApiKey, StoreError, keys::time},
};

fn insert(connection: &Connection, key: &ApiKey) -> Result<(), StoreError> {
    let sql = "INSERT INTO api_keys (id, hash, principal, created_at, name, scopes, expires_at,
                                     certificate)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let (hash, now) = (key.hash.as_bytes(), Timestamp::now().to_string());
    let ends = key.expires_at.map(|end| end.to_string());
    let told =
        params![key.id, hash, key.principal, now, key.name, key.scopes, ends, key.certificate];
    connection.execute(sql, told)?;
    Ok(())
}

pub(super) fn add(connection: &mut Connection, key: &ApiKey) -> Result<(), StoreError> {
    insert(connection, key)
}

pub(super) fn rotate(
    connection: &mut Connection,
    old: &str,
    key: &ApiKey,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let moment = connection.transaction()?;
    let sql = "UPDATE api_keys SET expires_at = min(coalesce(expires_at, ?2), ?2)
               WHERE id = ?1 AND revoked_at IS NULL RETURNING id";
    let found: Option<String> =
        moment.query_row(sql, params![old, until.to_string()], |row| row.get(0)).optional()?;
    if found.is_some() {
        insert(&moment, key)?;
    }
    moment.commit()?;
    Ok(found.is_some())
}

pub(super) fn revoke(
    connection: &mut Connection,
    id: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1
               RETURNING id";
    let found: Option<String> =
        connection.query_row(sql, params![id, at.to_string()], |row| row.get(0)).optional()?;
    Ok(found.is_some())
}

pub(super) fn note_uses(
    connection: &mut Connection,
    uses: &[(String, Timestamp)],
) -> Result<(), StoreError> {
    let moment = connection.transaction()?;
    let sql = "INSERT INTO key_uses (id, used_at) VALUES (?1, ?2)
               ON CONFLICT (id) DO UPDATE SET used_at = max(used_at, excluded.used_at)";
    for (id, at) in uses {
        moment.execute(sql, params![id, at.to_string()])?;
    }
    moment.commit()?;
    Ok(())
}

pub(super) fn all(connection: &Connection) -> Result<Vec<ApiKey>, StoreError> {
    let sql = "SELECT k.id, k.hash, k.principal, k.revoked_at, k.name, k.scopes, k.expires_at,
                      u.used_at, k.certificate
               FROM api_keys k LEFT JOIN key_uses u ON u.id = k.id ORDER BY k.id";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let hash: [u8; 32] = row.get(1)?;
        all.push(ApiKey {
            id: row.get(0)?,
            hash: Digest::from_bytes(hash),
            principal: row.get(2)?,
            revoked_at: row.get(3)?,
            name: row.get(4)?,
            scopes: row.get(5)?,
            expires_at: time(row.get(6)?)?,
            used_at: time(row.get(7)?)?,
            certificate: row.get(8)?,
        });
    }
    Ok(all)
}
