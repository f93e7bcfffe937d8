//! Opening: the server, its settings, the schema, and the journal's end.

use std::time::Duration;

use deadpool_postgres::{GenericClient, Transaction};
use jiff::Timestamp;

use super::{
    failure::Failure,
    known, schema,
    session::{self, hash, signed, unsigned},
};
use crate::{
    journal::{
        commitment::{DedupKey, Salt},
        entry::Entry,
        merkle::{Digest, Frontier, leaf_hash},
    },
    store::{StoreError, batch::Tip},
};

/// The oldest server whose behaviour the hub was tested with.
const SERVER_VERSION_MIN: i32 = 150_000;

/// How far the clocks of hub and server, or the journal's last time, may lie apart.
const SKEW_MAX: Duration = Duration::from_secs(60);

/// Entries between two looks at whether partitions are ready: far fewer than one holds.
const PARTITIONS_EVERY: u64 = 1 << 14;

/// The last entries are read again at every start.
const LAST_ENTRIES: u64 = 1_024;

fn fault<T>(reason: impl Into<String>) -> Result<T, Failure> {
    Err(StoreError::fault(reason).into())
}

/// Refuses a server that could lose what it has confirmed.
pub(super) async fn server(client: &impl GenericClient) -> Result<(), Failure> {
    let sql = "SELECT current_setting('server_version_num')::integer,
                      current_setting('server_version'), current_setting('server_encoding'),
                      current_setting('fsync'), current_setting('full_page_writes'),
                      current_setting('synchronous_commit'), pg_is_in_recovery(),
                      (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    let Some(row) = session::row(client, sql, &[]).await? else { return fault("no answer") };
    let (number, version): (i32, String) = (row.try_get(0)?, row.try_get(1)?);
    if number < SERVER_VERSION_MIN {
        return fault(format!("PostgreSQL {version} is too old; 15 or later is needed"));
    }
    let encoding: String = row.try_get(2)?;
    if encoding != "UTF8" {
        return fault(format!("the database is in {encoding}; make one with ENCODING 'UTF8'"));
    }
    for (column, name) in [(3, "fsync"), (4, "full_page_writes"), (5, "synchronous_commit")] {
        if row.try_get::<_, String>(column)? == "off" {
            return fault(format!(
                "PostgreSQL runs with {name} = off and can lose what was acknowledged; turn it on"
            ));
        }
    }
    if row.try_get(6)? {
        return fault("this PostgreSQL is a standby; the address must name the primary");
    }
    apart(row.try_get(7)?, "the clock of PostgreSQL")
}

fn apart(millis: i64, whose: &str) -> Result<(), Failure> {
    let apart = millis.abs_diff(Timestamp::now().as_millisecond());
    if u128::from(apart) > SKEW_MAX.as_millis() {
        return fault(format!(
            "{whose} and the clock of this machine are {} s apart; set them right",
            apart / 1_000
        ));
    }
    Ok(())
}

/// Makes the schema of a new database, gives a new log its name, and sees to partitions.
pub(super) async fn schema(transaction: &Transaction<'_>) -> Result<DedupKey, Failure> {
    schema::made(transaction).await?;
    let key = head(transaction).await?;
    partitions(transaction).await?;
    Ok(key)
}

/// Reads the key of content hashes, or gives the log its identity.
async fn head(transaction: &Transaction<'_>) -> Result<DedupKey, Failure> {
    if let Some(row) = transaction.query_opt("SELECT dedup_key FROM head", &[]).await? {
        return Ok(DedupKey::from_bytes(hash(&row, 0)?));
    }
    let random = |_| StoreError::fault("no randomness");
    let key = DedupKey::random().map_err(random)?;
    let name = Salt::random().map_err(random)?;
    let log_id: String =
        name.as_bytes().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let sql = "INSERT INTO head (one, log_id, dedup_key, size, peaks, messages)
               VALUES (1, $1, $2, 0, '', 0)";
    transaction.execute(sql, &[&log_id, &key.as_bytes().as_slice()]).await?;
    transaction.execute("INSERT INTO rolled (one, position) VALUES (1, 0)", &[]).await?;
    Ok(key)
}

/// Adds partitions so that the next entries and raw bytes have their place for a long time.
pub(super) async fn partitions(transaction: &Transaction<'_>) -> Result<(), Failure> {
    let row = transaction.query_one("SELECT size, messages FROM head", &[]).await?;
    partitions_for(transaction, (unsigned(row.try_get(0)?), unsigned(row.try_get(1)?))).await
}

/// The same for so many entries and messages.
pub(super) async fn partitions_for(
    transaction: &Transaction<'_>,
    (entries, messages): (u64, u64),
) -> Result<(), Failure> {
    let sql = "SELECT add_partitions($1, $2)";
    transaction.execute(sql, &[&signed(entries), &signed(messages)]).await?;
    Ok(())
}

/// Whether partitions are to be looked at, the journal having this size.
pub(super) fn wants_partition(size: u64, seen: u64) -> bool {
    size / PARTITIONS_EVERY != seen / PARTITIONS_EVERY
}

/// Refuses a journal whose last entries are not what the head says.
pub(super) async fn journal(client: &impl GenericClient) -> Result<(), Failure> {
    let tip = known::tip(client).await?;
    if let Some(last) = tip.recorded_at
        && last > Timestamp::now()
    {
        apart(last.as_millisecond(), "the journal's last entry")?;
    }
    let from = tip.next().saturating_sub(LAST_ENTRIES);
    let sql = "SELECT position, text, public FROM entries WHERE position >= $1 ORDER BY position";
    let rows = session::rows(client, sql, &[&signed(from)]).await?;
    let mut last = Vec::with_capacity(rows.len());
    for row in &rows {
        let position = unsigned(row.try_get(0)?);
        if position != from + last.len() as u64 {
            return fault(format!(
                "position {} of the journal is missing",
                from + last.len() as u64
            ));
        }
        let (text, public): (&[u8], &[u8]) = (row.try_get(1)?, row.try_get(2)?);
        let entry = str::from_utf8(text).ok().and_then(|text| Entry::parse(text).ok());
        if entry.is_none_or(|one| one.position != position || one.public != Digest::of(public)) {
            return fault(format!("position {position} of the journal was altered; run verify"));
        }
        last.push(leaf_hash(text));
    }
    if from + last.len() as u64 != tip.next() {
        return fault("the journal does not end where its head says; run verify");
    }
    match ends_in(&tip, &last) {
        true => Ok(()),
        false => fault("the root of the journal is not that of its last entries; run verify"),
    }
}

/// Whether the tree's last complete parts, as far as the last leaves make them up, are theirs.
fn ends_in(tip: &Tip, last: &[Digest]) -> bool {
    let (mut end, mut size) = (last.len(), tip.next());
    for peak in tip.frontier.peaks().iter().rev() {
        let leaves = 1_u64 << size.trailing_zeros();
        let Some(start) = usize::try_from(leaves).ok().and_then(|count| end.checked_sub(count))
        else {
            return true;
        };
        let mut part = Frontier::new();
        last[start..end].iter().for_each(|leaf| part.append(*leaf));
        if part.root() != *peak {
            return false;
        }
        end = start;
        size -= leaves;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_other_leaf_among_the_last_is_seen() {
        let leaves: Vec<Digest> = (0_u32..1_500).map(|n| Digest::of(&n.to_be_bytes())).collect();
        for size in [1, 2, 3, 1_023, 1_024, 1_025, 1_500] {
            let mut tip = Tip::empty("log".to_owned());
            leaves[..size].iter().for_each(|leaf| tip.frontier.append(*leaf));
            let from = size.saturating_sub(1_024);
            let mut last = leaves[from..size].to_vec();
            assert!(ends_in(&tip, &last), "{size}");
            let end = last.len() - 1;
            last[end] = Digest::of(b"other");
            assert!(!ends_in(&tip, &last), "{size}");
        }
    }
}
