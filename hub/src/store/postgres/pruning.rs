//! Dropping raw bytes for their age: a partition that is all old is emptied at once, which gives
//! its room back to the disk; of one that is partly old, rows are deleted.

use deadpool_postgres::{GenericClient, Transaction};
use jiff::Timestamp;
use tokio_postgres::Client;

use super::{
    PostgresStore,
    failure::{self, Failure},
    portable::Marks,
    scan,
    session::{self, signed, unsigned},
};
use crate::store::{
    Answer, StoreError, Verdict,
    pruning::{self, BATCH_BYTES_MAX, BATCH_PIECES_MAX, Old, Pruning, Raw},
};

/// Taken together by those that prune, and alone by a move that begins: so neither waits for the
/// journal's end, nor holds it.
const PRUNING_LOCK: i64 = 0x6c69_656e_7072_756e;

/// Held by everyone who holds a moment: what is dropped by who prunes is gone for every moment.
const MOMENTS_LOCK: i64 = 0x6c69_656e_6d6f_6d65;

/// Whether anybody has a lock: its key is told in two halves.
const IS_HELD: &str = "
    SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid::bigint << 32 | objid::bigint = $1::bigint)";

/// A partition that is read or written is left for the next turn.
const LOCK_WAIT: &str = "SET LOCAL lock_timeout = '2s'";

/// Waits for those that prune; they see then what was written by whom this is called.
pub(super) async fn hold_off(transaction: &Transaction<'_>) -> Result<(), Failure> {
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&PRUNING_LOCK]).await?;
    Ok(())
}

/// Keeps those that prune away until the session ends: who comes sees the lock, and who has begun
/// is waited for.
pub(super) async fn keep_away(client: &Client) -> Result<(), Failure> {
    client.execute("SELECT pg_advisory_lock_shared($1)", &[&MOMENTS_LOCK]).await?;
    client.execute("SELECT pg_advisory_lock($1)", &[&PRUNING_LOCK]).await?;
    client.execute("SELECT pg_advisory_unlock($1)", &[&PRUNING_LOCK]).await?;
    Ok(())
}

async fn older(transaction: &Transaction<'_>, than: Timestamp) -> Result<Old, Failure> {
    scan::settings(transaction).await?;
    let row = transaction.query_one("SELECT messages FROM head", &[]).await?;
    let mut between = (1, unsigned(row.try_get(0)?) + 1);
    let sql = "SELECT recorded_at FROM messages WHERE message >= $1 ORDER BY message LIMIT 1";
    while let Some(middle) = pruning::middle(between) {
        let damaged = |_| StoreError::fault(format!("the time of message {middle} is damaged"));
        let row = session::row(transaction, sql, &[&signed(middle)]).await?;
        let at: Option<Timestamp> = row
            .map(|row| Ok::<_, Failure>(row.try_get::<_, &str>(0)?.parse().map_err(damaged)?))
            .transpose()?;
        match at {
            Some(at) if at < than => between.0 = middle + 1,
            _ => between.1 = middle,
        }
    }
    let first_kept = between.0;
    let raw = raw(transaction, "payloads", first_kept).await?;
    Ok(Old { first_kept, raw })
}

/// The raw bytes in a table of messages before a number.
async fn raw(client: &impl GenericClient, table: &str, before: u64) -> Result<Raw, Failure> {
    let sql = format!(
        "SELECT count(DISTINCT message), coalesce(sum(octet_length(bytes)), 0)::bigint
         FROM {table} WHERE message < $1"
    );
    let row = client.query_one(&sql, &[&signed(before)]).await?;
    Ok(Raw { messages: unsigned(row.try_get(0)?), bytes: unsigned(row.try_get(1)?) })
}

/// Partitions that end before a number and hold something.
const WHOLLY_OLD: &str = "
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'lienthong.payloads'::regclass AND pg_relation_size(c.oid) > 0
      AND substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \\(''([0-9]+)''')::bigint <= $1
    ORDER BY c.relname LIMIT 1";

async fn prune(transaction: &Transaction<'_>, first_kept: u64) -> Result<Option<Raw>, Failure> {
    let shared = "SELECT pg_advisory_xact_lock_shared($1)";
    transaction.execute(shared, &[&PRUNING_LOCK]).await?;
    if transaction.query_one(IS_HELD, &[&MOMENTS_LOCK]).await?.try_get(0)? {
        return Err(pruning::held().into());
    }
    if Marks::read(transaction).await?.is_any() {
        return Err(pruning::moving().into());
    }
    scan::settings(transaction).await?;
    transaction.batch_execute(LOCK_WAIT).await?;
    let old = transaction.query_opt(WHOLLY_OLD, &[&signed(first_kept)]).await?;
    if let Some(row) = old {
        let table: String = row.try_get(0)?;
        let raw = raw(transaction, &table, first_kept).await?;
        transaction.batch_execute(&format!("TRUNCATE {table}")).await?;
        return Ok(Some(raw));
    }
    let sql = "WITH chosen AS (
                   SELECT message, piece, sum(octet_length(bytes)) OVER (ORDER BY message, piece)
                       - octet_length(bytes) AS before
                   FROM (SELECT message, piece, bytes FROM payloads WHERE message < $1
                         ORDER BY message, piece LIMIT $2) old),
               gone AS (
                   DELETE FROM payloads p USING chosen s
                   WHERE s.before < $3 AND p.message = s.message AND p.piece = s.piece
                   RETURNING p.piece, octet_length(p.bytes) AS bytes)
               SELECT count(*), count(*) FILTER (WHERE piece = 0),
                      coalesce(sum(bytes), 0)::bigint FROM gone";
    let limits = (BATCH_PIECES_MAX as i64, signed(BATCH_BYTES_MAX));
    let values: [session::Value<'_>; 3] = [&signed(first_kept), &limits.0, &limits.1];
    let row = transaction.query_one(sql, &values).await?;
    let raw = Raw { messages: unsigned(row.try_get(1)?), bytes: unsigned(row.try_get(2)?) };
    Ok((row.try_get::<_, i64>(0)? > 0).then_some(raw))
}

/// What `verify` tells: raw bytes that were pruned, and those that are missing all the same.
pub(super) async fn verify(
    transaction: &Transaction<'_>,
    verdict: &mut Verdict,
) -> Result<(), Failure> {
    let missing = "FROM messages m LEFT JOIN payloads p ON p.message = m.message AND p.piece = 0
                   WHERE p.message IS NULL AND m.erased IS NULL AND m.message";
    let sql = format!("SELECT count(*) {missing} < (SELECT pruned FROM head)");
    let pruned = unsigned(transaction.query_one(&sql, &[]).await?.try_get(0)?);
    let sql = format!("SELECT m.message {missing} >= (SELECT pruned FROM head) LIMIT 10");
    let mut lost = Vec::new();
    for row in transaction.query(&sql, &[]).await? {
        lost.push(unsigned(row.try_get(0)?));
    }
    pruning::tell(verdict, pruned, &lost);
    Ok(())
}

impl Pruning for PostgresStore {
    fn older(&self, than: Timestamp) -> Answer<'_, Result<Old, StoreError>> {
        alone!(self, |transaction| older(&transaction, than).await?)
    }

    fn mark_pruned(&self, first_kept: u64) -> Answer<'_, Result<(), StoreError>> {
        alone!(self, |transaction| {
            let sql = "UPDATE head SET pruned = greatest(pruned, $1)
                       WHERE leaving IS NULL AND arriving IS NULL";
            if transaction.execute(sql, &[&signed(first_kept)]).await? == 0 {
                return Err(pruning::moving().into());
            }
        })
    }

    fn prune(&self, first_kept: u64) -> Answer<'_, Result<Option<Raw>, StoreError>> {
        alone!(self, |transaction| prune(&transaction, first_kept).await?)
    }

    /// What is emptied goes back to the disk at once.
    fn compact(&self) -> Answer<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}
