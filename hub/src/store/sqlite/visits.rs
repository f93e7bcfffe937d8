//! What was found at the addresses that links lead to, and whose turn it is to look.

use rusqlite::{Connection, Transaction, params};

use super::{
    SqliteStore, Task,
    turns::{NOW, STAYS, Turn},
};
use crate::store::{
    Answer, StoreError,
    pollers::millis,
    visits::{LEASE, Visit, VisitRow, Visits},
};

/// Whose turn it is to look.
const TURN: Turn = Turn { table: "visit_turn", lease: LEASE };

fn all(connection: &Connection) -> Result<Vec<VisitRow>, StoreError> {
    let sql = format!(
        "SELECT url, visited_at, status, reason, leads_to, failures, failing_since, due_at, {NOW}
         FROM visits ORDER BY url"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([], |row| {
        Ok(VisitRow {
            url: row.get(0)?,
            visited_at: row.get(1)?,
            status: row.get(2)?,
            reason: row.get(3)?,
            leads_to: row.get(4)?,
            failures: row.get(5)?,
            failing_since: row.get(6)?,
            due_at: row.get(7)?,
            now: row.get(8)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn note(transaction: &Transaction<'_>, token: u64, visit: &Visit) -> Result<bool, StoreError> {
    let sql = format!(
        "INSERT INTO visits
             (url, visited_at, status, reason, leads_to, failures, failing_since, due_at)
         SELECT ?1, {NOW}, ?2, ?3, ?4, ?3 IS NOT NULL, CASE WHEN ?3 IS NOT NULL THEN {NOW} END,
             {NOW} + ?5
         WHERE {} AND {STAYS}
         ON CONFLICT (url) DO UPDATE SET visited_at = excluded.visited_at,
             status = excluded.status, reason = excluded.reason, leads_to = excluded.leads_to,
             failures = CASE WHEN excluded.reason IS NULL THEN 0 ELSE failures + 1 END,
             failing_since = CASE WHEN excluded.reason IS NOT NULL
                 THEN coalesce(failing_since, excluded.failing_since) END,
             due_at = excluded.due_at",
        TURN.in_force("?6")
    );
    let Visit { url, status, reason, leads_to, wait } = visit;
    let values = params![url, status, reason, leads_to, millis(*wait), token];
    Ok(transaction.prepare_cached(&sql)?.execute(values)? > 0)
}

fn forget(transaction: &Transaction<'_>, token: u64, urls: &[String]) -> Result<bool, StoreError> {
    if !TURN.keep(transaction, token)? {
        return Ok(false);
    }
    let mut statement = transaction.prepare_cached("DELETE FROM visits WHERE url = ?1")?;
    for url in urls {
        statement.execute([url])?;
    }
    Ok(true)
}

impl Visits for SqliteStore {
    fn visits(&self) -> Answer<'_, Result<Vec<VisitRow>, StoreError>> {
        self.read(all)
    }

    fn visited(&self, token: u64, visit: Visit) -> Answer<'_, Result<bool, StoreError>> {
        self.alone(Task::Aside, move |transaction| note(transaction, token, &visit))
    }

    fn forget_visits(&self, token: u64, urls: Vec<String>) -> Answer<'_, Result<bool, StoreError>> {
        self.alone(Task::Aside, move |transaction| forget(transaction, token, &urls))
    }

    fn take_visits(&self) -> Answer<'_, Result<Option<u64>, StoreError>> {
        self.alone(Task::Aside, |transaction| TURN.take(transaction))
    }

    fn keep_visits(&self, token: u64) -> Answer<'_, Result<bool, StoreError>> {
        self.alone(Task::Aside, move |transaction| TURN.keep(transaction, token))
    }

    fn leave_visits(&self, token: u64) -> Answer<'_, Result<(), StoreError>> {
        self.alone(Task::Aside, move |transaction| TURN.leave(transaction, token))
    }
}
