//! Turns with a token: whose it is to do what one process does for all; as on SQLite, but that the
//! server's clock judges.

use std::time::Duration;

use deadpool_postgres::GenericClient;

use super::{
    failure::Failure,
    session::{self, Value, signed, unsigned},
};
use crate::store::pollers::millis;

/// Milliseconds since 1970, by the server's clock.
pub(super) const NOW: &str = "(extract(epoch from clock_timestamp()) * 1000)::bigint";

/// Nothing is changed in the middle of a move.
pub(super) const STAYS: &str =
    "EXISTS (SELECT FROM head WHERE leaving IS NULL AND arriving IS NULL)";

/// One kind of turn.
pub(super) struct Turn {
    /// The table of its row.
    pub(super) table: &'static str,
    /// How long it lasts unless it is kept.
    pub(super) lease: Duration,
}

impl Turn {
    /// Whether the turn of a token is in force, as a condition; `token` is a statement's value.
    pub(super) fn in_force(&self, token: &str) -> String {
        let table = self.table;
        format!("EXISTS (SELECT FROM {table} WHERE token = {token}::bigint AND ends_at > {NOW})")
    }

    /// Takes it where it is nobody's; gives its token. One that ends further ahead than one can
    /// last is nobody's: the clock has been set back.
    pub(super) async fn take(&self, client: &impl GenericClient) -> Result<Option<u64>, Failure> {
        let table = self.table;
        let sql = format!(
            "UPDATE {table} SET token = token + 1, ends_at = {NOW} + $2, holder = 'process '
                 || $1::text || ' at ' || coalesce(host(inet_client_addr()), 'this machine')
             WHERE ends_at NOT BETWEEN {NOW} + 1 AND {NOW} + $2 AND {STAYS} RETURNING token"
        );
        let process = std::process::id().to_string();
        let values: [Value<'_>; 2] = [&process, &millis(self.lease)];
        if let Some(row) = session::row(client, &sql, &values).await? {
            return Ok(Some(unsigned(row.try_get(0)?)));
        }
        // The first time there is no row yet: whoever asks next takes the turn.
        let sql = format!(
            "INSERT INTO {table} (one) SELECT 1 WHERE {STAYS} ON CONFLICT (one) DO NOTHING"
        );
        session::rows(client, &sql, &[]).await?;
        Ok(None)
    }

    /// Prolongs it; gives whether it was in force.
    pub(super) async fn keep(
        &self,
        client: &impl GenericClient,
        token: u64,
    ) -> Result<bool, Failure> {
        let table = self.table;
        let sql = format!(
            "UPDATE {table} SET ends_at = {NOW} + $2
             WHERE token = $1 AND ends_at > {NOW} AND {STAYS} RETURNING token"
        );
        let values: [Value<'_>; 2] = [&signed(token), &millis(self.lease)];
        Ok(session::row(client, &sql, &values).await?.is_some())
    }

    /// Leaves it to others.
    pub(super) async fn leave(
        &self,
        client: &impl GenericClient,
        token: u64,
    ) -> Result<(), Failure> {
        let sql = format!("UPDATE {} SET ends_at = 0 WHERE token = $1", self.table);
        session::rows(client, &sql, &[&signed(token)]).await.map(drop)
    }
}
