//! What was found at the addresses that links lead to, and whose turn it is to look.

use deadpool_postgres::GenericClient;
use tokio_postgres::Row;

use super::{
    PostgresStore,
    failure::Failure,
    session::{self, Value, signed, soon, unsigned},
};
use crate::store::{
    Answer, StoreError,
    pollers::millis,
    visits::{LEASE, Visit, VisitRow, Visits},
};

/// Milliseconds since 1970, by the server's clock.
const NOW: &str = "(extract(epoch from clock_timestamp()) * 1000)::bigint";

/// Nothing is changed in the middle of a move.
const STAYS: &str = "EXISTS (SELECT FROM head WHERE leaving IS NULL AND arriving IS NULL)";

fn read(row: &Row) -> Result<VisitRow, Failure> {
    let (status, failures): (Option<i64>, i64) = (row.try_get(2)?, row.try_get(5)?);
    Ok(VisitRow {
        url: row.try_get(0)?,
        visited_at: row.try_get(1)?,
        status: status.and_then(|status| u16::try_from(status).ok()),
        reason: row.try_get(3)?,
        leads_to: row.try_get(4)?,
        failures: u32::try_from(failures).unwrap_or(u32::MAX),
        failing_since: row.try_get(6)?,
        due_at: row.try_get(7)?,
        now: row.try_get(8)?,
    })
}

async fn all(client: &impl GenericClient) -> Result<Vec<VisitRow>, Failure> {
    let sql = format!(
        "SELECT url, visited_at, status, reason, leads_to, failures, failing_since, due_at, {NOW}
         FROM visits ORDER BY url"
    );
    session::rows(client, &sql, &[]).await?.iter().map(read).collect()
}

async fn note(client: &impl GenericClient, token: u64, visit: &Visit) -> Result<bool, Failure> {
    let sql = format!(
        "INSERT INTO visits AS v
             (url, visited_at, status, reason, leads_to, failures, failing_since, due_at)
         SELECT $1::text, {NOW}, $2::bigint, $3::text, $4::text,
             CASE WHEN $3::text IS NULL THEN 0 ELSE 1 END,
             CASE WHEN $3::text IS NOT NULL THEN {NOW} END, {NOW} + $5::bigint
         WHERE EXISTS (SELECT FROM visit_turn WHERE token = $6::bigint AND ends_at > {NOW})
             AND {STAYS}
         ON CONFLICT (url) DO UPDATE SET visited_at = excluded.visited_at,
             status = excluded.status, reason = excluded.reason, leads_to = excluded.leads_to,
             failures = CASE WHEN excluded.reason IS NULL THEN 0 ELSE v.failures + 1 END,
             failing_since = CASE WHEN excluded.reason IS NOT NULL
                 THEN coalesce(v.failing_since, excluded.failing_since) END,
             due_at = excluded.due_at
         RETURNING url"
    );
    let Visit { url, status, reason, leads_to, wait } = visit;
    let values: [Value<'_>; 6] =
        [url, &status.map(i64::from), reason, leads_to, &millis(*wait), &signed(token)];
    Ok(session::row(client, &sql, &values).await?.is_some())
}

async fn forget(client: &impl GenericClient, token: u64, urls: &[String]) -> Result<bool, Failure> {
    let sql = format!(
        "WITH mine AS (SELECT token FROM visit_turn
             WHERE token = $1::bigint AND ends_at > {NOW} AND {STAYS}),
         gone AS (DELETE FROM visits WHERE url = ANY($2::text[]) AND EXISTS (SELECT FROM mine))
         SELECT token FROM mine"
    );
    Ok(session::row(client, &sql, &[&signed(token), &urls]).await?.is_some())
}

/// A turn that ends further ahead than one can last is nobody's: the clock has been set back.
async fn take(client: &impl GenericClient) -> Result<Option<u64>, Failure> {
    let sql = format!(
        "UPDATE visit_turn SET token = token + 1, ends_at = {NOW} + $2, holder =
             'process ' || $1::text || ' at ' || coalesce(host(inet_client_addr()), 'this machine')
         WHERE ends_at NOT BETWEEN {NOW} + 1 AND {NOW} + $2 AND {STAYS} RETURNING token"
    );
    let process = std::process::id().to_string();
    if let Some(row) = session::row(client, &sql, &[&process, &millis(LEASE)]).await? {
        return Ok(Some(unsigned(row.try_get(0)?)));
    }
    // The first time there is no row yet: whoever asks next takes the turn.
    let sql =
        format!("INSERT INTO visit_turn (one) SELECT 1 WHERE {STAYS} ON CONFLICT (one) DO NOTHING");
    session::rows(client, &sql, &[]).await?;
    Ok(None)
}

impl Visits for PostgresStore {
    fn visits(&self) -> Answer<'_, Result<Vec<VisitRow>, StoreError>> {
        Box::pin(soon(async move { Ok(all(&self.sessions.reader().await?).await?) }))
    }

    fn visited(&self, token: u64, visit: Visit) -> Answer<'_, Result<bool, StoreError>> {
        Box::pin(soon(
            async move { Ok(note(&self.sessions.writer().await?, token, &visit).await?) },
        ))
    }

    fn forget_visits(&self, token: u64, urls: Vec<String>) -> Answer<'_, Result<bool, StoreError>> {
        Box::pin(soon(
            async move { Ok(forget(&self.sessions.writer().await?, token, &urls).await?) },
        ))
    }

    fn take_visits(&self) -> Answer<'_, Result<Option<u64>, StoreError>> {
        Box::pin(soon(async move { Ok(take(&self.sessions.writer().await?).await?) }))
    }

    fn keep_visits(&self, token: u64) -> Answer<'_, Result<bool, StoreError>> {
        let sql = format!(
            "UPDATE visit_turn SET ends_at = {NOW} + $2
             WHERE token = $1 AND ends_at > {NOW} AND {STAYS} RETURNING token"
        );
        Box::pin(soon(async move {
            let client = self.sessions.writer().await?;
            let values: [Value<'_>; 2] = [&signed(token), &millis(LEASE)];
            Ok(session::row(&client, &sql, &values).await?.is_some())
        }))
    }

    fn leave_visits(&self, token: u64) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(soon(async move {
            let client = self.sessions.writer().await?;
            let sql = "UPDATE visit_turn SET ends_at = 0 WHERE token = $1";
            session::rows(&client, sql, &[&signed(token)]).await?;
            Ok(())
        }))
    }
}
