//! Who is sent which feed where, and whose turn it is to send.

use deadpool_postgres::{GenericClient, Transaction};
use tokio_postgres::Row;

use super::{
    PostgresStore,
    failure::{self, Failure},
    session::{self, Value, signed, soon, unsigned},
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

async fn stays(client: &impl GenericClient) -> Result<(), Failure> {
    let stays = session::row(client, &format!("SELECT 1 WHERE {STAYS}"), &[]).await?;
    stays.map(drop).ok_or_else(|| subscriptions::in_a_move().into())
}

async fn add(
    transaction: &Transaction<'_>,
    row: &SubscriptionRow,
    most: u32,
) -> Result<bool, Failure> {
    stays(transaction).await?;
    // Two of one owner that are added at once count one after the other.
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended('subscriptions of ' || $1::text, 0))";
    session::row(transaction, sql, &[&row.owner]).await?;
    let sql = "INSERT INTO subscriptions (id, owner, feed, agency, contract, url, signature,
                   secrets, log_id, position, beside, made_at, fold, dossier)
               SELECT $1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text,
                   $8::text, $9::text, $10::bigint, $11::text, $12::bigint, $13::bigint,
                   $14::text
               WHERE (SELECT count(*) FROM subscriptions WHERE owner = $2) < $15::bigint
               RETURNING id";
    let place = &row.place;
    let values: [Value<'_>; 15] = [
        &row.id,
        &row.owner,
        &row.feed,
        &row.agency,
        &row.contract,
        &row.url,
        &row.signature,
        &row.secrets,
        &place.log_id,
        &signed(place.position),
        &place.beside,
        &row.made_at,
        &i64::from(place.fold),
        &row.dossier,
        &i64::from(most),
    ];
    Ok(session::row(transaction, sql, &values).await?.is_some())
}

fn read(row: &Row) -> Result<SubscriptionRow, Failure> {
    let attempts: i64 = row.try_get(13)?;
    let (log_id, beside, fold) = (row.try_get(9)?, row.try_get(11)?, row.try_get::<_, i64>(19)?);
    let fold = u32::try_from(fold).unwrap_or(u32::MAX);
    Ok(SubscriptionRow {
        id: row.try_get(0)?,
        owner: row.try_get(1)?,
        feed: row.try_get(2)?,
        agency: row.try_get(3)?,
        contract: row.try_get(4)?,
        dossier: row.try_get(20)?,
        url: row.try_get(5)?,
        signature: row.try_get(6)?,
        secrets: row.try_get(7)?,
        disabled: row.try_get(8)?,
        place: FeedPlace { log_id, position: unsigned(row.try_get(10)?), beside, fold },
        version: unsigned(row.try_get(12)?),
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        failing_since: row.try_get(14)?,
        due_at: row.try_get(15)?,
        tried: subscriptions::attempts(row.try_get(16)?),
        made_at: row.try_get(17)?,
        now: row.try_get(18)?,
    })
}

async fn some(
    client: &impl GenericClient,
    query: SubscriptionQuery,
) -> Result<Vec<SubscriptionRow>, Failure> {
    let sql = format!(
        "SELECT id, owner, feed, agency, contract, url, signature, secrets, disabled, log_id,
             position, beside, version, attempts, failing_since, due_at,
             CASE WHEN $3::boolean THEN tried ELSE '[]' END, made_at, {NOW}, fold, dossier
         FROM subscriptions
         WHERE ($1::text IS NULL OR owner = $1) AND ($2::text IS NULL OR id = $2)
         ORDER BY made_at, id"
    );
    let rows = session::rows(client, &sql, &[&query.owner, &query.id, &query.tried]).await?;
    rows.iter().map(read).collect()
}

async fn change(transaction: &Transaction<'_>, id: &str, change: &Change) -> Result<bool, Failure> {
    stays(transaction).await?;
    let changed = match change {
        Change::Secrets { was, now } => {
            let sql = "UPDATE subscriptions SET secrets = $3 WHERE id = $1 AND secrets = $2
                       RETURNING id";
            session::row(transaction, sql, &[&id, was, now]).await?
        }
        Change::On => {
            let sql = "UPDATE subscriptions SET disabled = NULL, attempts = 0,
                           failing_since = NULL, due_at = 0 WHERE id = $1 RETURNING id";
            session::row(transaction, sql, &[&id]).await?
        }
        Change::Off(reason) => {
            let sql = "UPDATE subscriptions SET disabled = coalesce(disabled, $2::text)
                       WHERE id = $1 RETURNING id";
            session::row(transaction, sql, &[&id, reason]).await?
        }
        Change::Refolded(fold) => {
            let sql = "UPDATE subscriptions SET disabled = coalesce(disabled, $3::text)
                       WHERE id = $1 AND fold = $2 RETURNING id";
            session::row(transaction, sql, &[&id, &i64::from(*fold), &REFOLDED]).await?
        }
        Change::Place(place) => {
            let sql = "UPDATE subscriptions SET log_id = $2, position = $3, beside = $4, fold = $5,
                           version = version + 1, due_at = 0,
                           disabled = nullif(disabled, $6::text) WHERE id = $1 RETURNING id";
            let (position, fold) = (signed(place.position), i64::from(place.fold));
            let values: [Value<'_>; 6] =
                [&id, &place.log_id, &position, &place.beside, &fold, &REFOLDED];
            session::row(transaction, sql, &values).await?
        }
    };
    Ok(changed.is_some())
}

async fn remove(transaction: &Transaction<'_>, id: &str) -> Result<bool, Failure> {
    stays(transaction).await?;
    let sql = "DELETE FROM subscriptions WHERE id = $1 RETURNING id";
    Ok(session::row(transaction, sql, &[&id]).await?.is_some())
}

/// The attempts of a subscription with some more behind them; none where it is gone. Its row is
/// held until the transaction ends.
async fn tried(
    transaction: &Transaction<'_>,
    id: &str,
    more: &[Attempt],
) -> Result<Option<String>, Failure> {
    let sql = "SELECT tried FROM subscriptions WHERE id = $1 FOR UPDATE";
    let Some(row) = session::row(transaction, sql, &[&id]).await? else { return Ok(None) };
    Ok(Some(subscriptions::appended(row.try_get(0)?, more)))
}

async fn note(transaction: &Transaction<'_>, id: &str, more: &[Attempt]) -> Result<(), Failure> {
    stays(transaction).await?;
    if let Some(tried) = tried(transaction, id, more).await? {
        let sql = "UPDATE subscriptions SET tried = $2 WHERE id = $1";
        session::rows(transaction, sql, &[&id, &tried]).await?;
    }
    Ok(())
}

async fn sent_on(transaction: &Transaction<'_>, sent: &SentOn) -> Result<bool, Failure> {
    let Some(tried) = tried(transaction, &sent.id, &sent.tried).await? else { return Ok(false) };
    let sql = format!(
        "UPDATE subscriptions SET log_id = $4, position = $5, beside = $6, tried = $7,
             attempts = $8,
             due_at = CASE WHEN $9::bigint IS NULL THEN 0 ELSE {NOW} + $9 END,
             failing_since = CASE WHEN $9::bigint IS NULL THEN NULL
                 ELSE least(coalesce(failing_since, {NOW}), {NOW}) END,
             disabled = coalesce(disabled, $10::text)
         WHERE id = $1 AND version = $2 AND {STAYS} AND {}
         RETURNING id",
        TURN.in_force("$3")
    );
    let (place, failed) = (&sent.place, sent.failed.as_ref());
    let disabled: Option<&String> = failed.and_then(|failed| failed.disabled.as_ref());
    let values: [Value<'_>; 10] = [
        &sent.id,
        &signed(sent.version),
        &signed(sent.token),
        &place.log_id,
        &signed(place.position),
        &place.beside,
        &tried,
        &failed.map_or(0, |failed| i64::from(failed.attempts)),
        &failed.map(|failed| millis(failed.wait)),
        &disabled,
    ];
    Ok(session::row(transaction, &sql, &values).await?.is_some())
}

impl Subscriptions for PostgresStore {
    fn add_subscription(
        &self,
        row: SubscriptionRow,
        most: u32,
    ) -> Answer<'_, Result<bool, StoreError>> {
        alone!(self, |transaction| soon(add(&transaction, &row, most)).await?)
    }

    fn subscriptions(
        &self,
        query: SubscriptionQuery,
    ) -> Answer<'_, Result<Vec<SubscriptionRow>, StoreError>> {
        Box::pin(soon(async move { Ok(some(&self.sessions.reader().await?, query).await?) }))
    }

    fn change_subscription(
        &self,
        id: String,
        told: Change,
    ) -> Answer<'_, Result<bool, StoreError>> {
        alone!(self, |transaction| soon(change(&transaction, &id, &told)).await?)
    }

    fn remove_subscription(&self, id: String) -> Answer<'_, Result<bool, StoreError>> {
        alone!(self, |transaction| soon(remove(&transaction, &id)).await?)
    }

    fn note_attempts(&self, id: String, tried: Vec<Attempt>) -> Answer<'_, Result<(), StoreError>> {
        alone!(self, |transaction| soon(note(&transaction, &id, &tried)).await?)
    }

    fn sent_on(&self, sent: SentOn) -> Answer<'_, Result<bool, StoreError>> {
        alone!(self, |transaction| soon(sent_on(&transaction, &sent)).await?)
    }

    fn take_webhooks(&self) -> Answer<'_, Result<Option<u64>, StoreError>> {
        Box::pin(soon(async move { Ok(TURN.take(&self.sessions.writer().await?).await?) }))
    }

    fn keep_webhooks(&self, token: u64) -> Answer<'_, Result<bool, StoreError>> {
        Box::pin(soon(async move { Ok(TURN.keep(&self.sessions.writer().await?, token).await?) }))
    }

    fn leave_webhooks(&self, token: u64) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(soon(async move { Ok(TURN.leave(&self.sessions.writer().await?, token).await?) }))
    }
}
