//! Who is sent which feed where, and whose turn it is to send.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{
    SqliteStore, Task,
    turns::{NOW, STAYS, Turn},
};
use crate::store::{
    Answer, StoreError,
    pollers::millis,
    subscriptions::{
        self, Attempt, Change, FeedPlace, LEASE, REFOLDED, SentOn, SubscriptionQuery,
        SubscriptionRow, Subscriptions,
    },
};

/// Whose turn it is to send.
const TURN: Turn = Turn { table: "webhook_turn", lease: LEASE };

fn stays(connection: &Connection) -> Result<(), StoreError> {
    let sql = format!("SELECT {STAYS}");
    let stays: bool = connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
    if stays { Ok(()) } else { Err(subscriptions::in_a_move()) }
}

fn add(
    transaction: &Transaction<'_>,
    row: &SubscriptionRow,
    most: u32,
) -> Result<bool, StoreError> {
    stays(transaction)?;
    let sql = "INSERT INTO subscriptions (id, owner, feed, agency, contract, url, signature,
                   secrets, log_id, position, beside, made_at, fold, dossier)
               SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14
               WHERE (SELECT count(*) FROM subscriptions WHERE owner = ?2) < ?15";
    let place = &row.place;
    let values = params![
        row.id,
        row.owner,
        row.feed,
        row.agency,
        row.contract,
        row.url,
        row.signature,
        row.secrets,
        place.log_id,
        place.position,
        place.beside,
        row.made_at,
        place.fold,
        row.dossier,
        most,
    ];
    Ok(transaction.prepare_cached(sql)?.execute(values)? > 0)
}

fn read(row: &Row<'_>) -> rusqlite::Result<SubscriptionRow> {
    let tried: String = row.get(16)?;
    let (log_id, position, beside) = (row.get(9)?, row.get(10)?, row.get(11)?);
    Ok(SubscriptionRow {
        id: row.get(0)?,
        owner: row.get(1)?,
        feed: row.get(2)?,
        agency: row.get(3)?,
        contract: row.get(4)?,
        dossier: row.get(20)?,
        url: row.get(5)?,
        signature: row.get(6)?,
        secrets: row.get(7)?,
        disabled: row.get(8)?,
        place: FeedPlace { log_id, position, beside, fold: row.get(19)? },
        version: row.get(12)?,
        attempts: row.get(13)?,
        failing_since: row.get(14)?,
        due_at: row.get(15)?,
        tried: subscriptions::attempts(&tried),
        made_at: row.get(17)?,
        now: row.get(18)?,
    })
}

fn some(
    connection: &Connection,
    query: &SubscriptionQuery,
) -> Result<Vec<SubscriptionRow>, StoreError> {
    let sql = format!(
        "SELECT id, owner, feed, agency, contract, url, signature, secrets, disabled, log_id,
             position, beside, version, attempts, failing_since, due_at,
             CASE WHEN ?3 THEN tried ELSE '[]' END, made_at, {NOW}, fold, dossier
         FROM subscriptions WHERE (?1 IS NULL OR owner = ?1) AND (?2 IS NULL OR id = ?2)
         ORDER BY made_at, id"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![query.owner, query.id, query.tried], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn change(transaction: &Transaction<'_>, id: &str, change: &Change) -> Result<bool, StoreError> {
    stays(transaction)?;
    let changed = match change {
        Change::Secrets { was, now } => {
            let sql = "UPDATE subscriptions SET secrets = ?3 WHERE id = ?1 AND secrets = ?2";
            transaction.prepare_cached(sql)?.execute(params![id, was, now])?
        }
        Change::On => {
            let sql = "UPDATE subscriptions SET disabled = NULL, attempts = 0,
                           failing_since = NULL, due_at = 0 WHERE id = ?1";
            transaction.prepare_cached(sql)?.execute([id])?
        }
        Change::Off(reason) => {
            let sql = "UPDATE subscriptions SET disabled = coalesce(disabled, ?2) WHERE id = ?1";
            transaction.prepare_cached(sql)?.execute(params![id, reason])?
        }
        Change::Refolded(fold) => {
            let sql = "UPDATE subscriptions SET disabled = coalesce(disabled, ?3)
                       WHERE id = ?1 AND fold = ?2";
            transaction.prepare_cached(sql)?.execute(params![id, fold, REFOLDED])?
        }
        Change::Place(place) => {
            let sql = "UPDATE subscriptions SET log_id = ?2, position = ?3, beside = ?4, fold = ?5,
                           version = version + 1, due_at = 0, disabled = nullif(disabled, ?6)
                       WHERE id = ?1";
            let FeedPlace { log_id, position, beside, fold } = place;
            let values = params![id, log_id, position, beside, fold, REFOLDED];
            transaction.prepare_cached(sql)?.execute(values)?
        }
    };
    Ok(changed > 0)
}

fn remove(transaction: &Transaction<'_>, id: &str) -> Result<bool, StoreError> {
    stays(transaction)?;
    let sql = "DELETE FROM subscriptions WHERE id = ?1";
    Ok(transaction.prepare_cached(sql)?.execute([id])? > 0)
}

/// The attempts of a subscription with some more behind them; none where it is gone.
fn tried(
    transaction: &Transaction<'_>,
    id: &str,
    more: &[Attempt],
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT tried FROM subscriptions WHERE id = ?1";
    let stored: Option<String> =
        transaction.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()?;
    Ok(stored.map(|stored| subscriptions::appended(&stored, more)))
}

fn note(transaction: &Transaction<'_>, id: &str, more: &[Attempt]) -> Result<(), StoreError> {
    stays(transaction)?;
    if let Some(tried) = tried(transaction, id, more)? {
        let sql = "UPDATE subscriptions SET tried = ?2 WHERE id = ?1";
        transaction.prepare_cached(sql)?.execute([id, &tried])?;
    }
    Ok(())
}

fn sent_on(transaction: &Transaction<'_>, sent: &SentOn) -> Result<bool, StoreError> {
    let Some(tried) = tried(transaction, &sent.id, &sent.tried)? else { return Ok(false) };
    let sql = format!(
        "UPDATE subscriptions SET log_id = ?4, position = ?5, beside = ?6, tried = ?7,
             attempts = ?8, due_at = CASE WHEN ?9 IS NULL THEN 0 ELSE {NOW} + ?9 END,
             failing_since = CASE WHEN ?9 IS NULL THEN NULL
                 ELSE min(coalesce(failing_since, {NOW}), {NOW}) END,
             disabled = coalesce(disabled, ?10)
         WHERE id = ?1 AND version = ?2 AND {STAYS} AND {}",
        TURN.in_force("?3")
    );
    let (place, failed) = (&sent.place, sent.failed.as_ref());
    let values = params![
        sent.id,
        sent.version,
        sent.token,
        place.log_id,
        place.position,
        place.beside,
        tried,
        failed.map_or(0, |failed| failed.attempts),
        failed.map(|failed| millis(failed.wait)),
        failed.and_then(|failed| failed.disabled.as_ref()),
    ];
    Ok(transaction.prepare_cached(&sql)?.execute(values)? > 0)
}

impl Subscriptions for SqliteStore {
    fn add_subscription(
        &self,
        row: SubscriptionRow,
        most: u32,
    ) -> Answer<'_, Result<bool, StoreError>> {
        self.alone(Task::Aside, move |transaction| add(transaction, &row, most))
    }

    fn subscriptions(
        &self,
        query: SubscriptionQuery,
    ) -> Answer<'_, Result<Vec<SubscriptionRow>, StoreError>> {
        self.read(move |connection| some(connection, &query))
    }

    fn change_subscription(
        &self,
        id: String,
        told: Change,
    ) -> Answer<'_, Result<bool, StoreError>> {
        self.alone(Task::Aside, move |transaction| change(transaction, &id, &told))
    }

    fn remove_subscription(&self, id: String) -> Answer<'_, Result<bool, StoreError>> {
        self.alone(Task::Aside, move |transaction| remove(transaction, &id))
    }

    fn note_attempts(&self, id: String, tried: Vec<Attempt>) -> Answer<'_, Result<(), StoreError>> {
        self.alone(Task::Aside, move |transaction| note(transaction, &id, &tried))
    }

    fn sent_on(&self, sent: SentOn) -> Answer<'_, Result<bool, StoreError>> {
        self.alone(Task::Aside, move |transaction| sent_on(transaction, &sent))
    }

    fn take_webhooks(&self) -> Answer<'_, Result<Option<u64>, StoreError>> {
        self.alone(Task::Aside, |transaction| TURN.take(transaction))
    }

    fn keep_webhooks(&self, token: u64) -> Answer<'_, Result<bool, StoreError>> {
        self.alone(Task::Aside, move |transaction| TURN.keep(transaction, token))
    }

    fn leave_webhooks(&self, token: u64) -> Answer<'_, Result<(), StoreError>> {
        self.alone(Task::Aside, move |transaction| TURN.leave(transaction, token))
    }
}
