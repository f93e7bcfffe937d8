//! What was found at the addresses that links lead to, and whose turn it is to look.

use deadpool_postgres::GenericClient;
use tokio_postgres::Row;

use super::{
    PostgresStore,
    failure::Failure,
    session::{self, Value, signed, soon},
    turns::{NOW, STAYS, Turn},
};
use crate::store::{
    Answer, StoreError,
    pollers::millis,
    visits::{LEASE, Visit, VisitRow, Visits},
};

/// Whose turn it is to look.
const TURN: Turn = Turn { table: "visit_turn", lease: LEASE };

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
         WHERE {} AND {STAYS}
         ON CONFLICT (url) DO UPDATE SET visited_at = excluded.visited_at,
             status = excluded.status, reason = excluded.reason, leads_to = excluded.leads_to,
             failures = CASE WHEN excluded.reason IS NULL THEN 0 ELSE v.failures + 1 END,
             failing_since = CASE WHEN excluded.reason IS NOT NULL
                 THEN coalesce(v.failing_since, excluded.failing_since) END,
             due_at = excluded.due_at
         RETURNING url",
        TURN.in_force("$6")
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
        Box::pin(soon(async move { Ok(TURN.take(&self.sessions.writer().await?).await?) }))
    }

    fn keep_visits(&self, token: u64) -> Answer<'_, Result<bool, StoreError>> {
        Box::pin(soon(async move { Ok(TURN.keep(&self.sessions.writer().await?, token).await?) }))
    }

    fn leave_visits(&self, token: u64) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(soon(async move { Ok(TURN.leave(&self.sessions.writer().await?, token).await?) }))
    }
}
