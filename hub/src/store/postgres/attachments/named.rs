//! Which records name which files, and what becomes of a file that none names any more.

use std::collections::BTreeSet;

use deadpool_postgres::{GenericClient, Transaction};
use jiff::Timestamp;

use super::ALONE;
use crate::store::{
    StoreError, Verdict,
    at_rest::Place,
    attachments::{NamedSum, Parted, READ_MAX, Remove, UNREAD, named_in, unremoved, unreplaced},
    batch::NewEntry,
    postgres::{
        PostgresStore, at_rest,
        failure::Failure,
        known as journal,
        portable::Marks,
        scan,
        session::{self, Rows, signed, soon, unsigned},
    },
    pruning,
};

/// Which files the records of a batch name.
pub(in crate::store::postgres) fn named(all: &[NewEntry]) -> Rows<'static> {
    let (mut digests, mut positions) = (Vec::new(), Vec::new());
    for one in all {
        let Some(personal) = &one.personal else { continue };
        let files = named_in(personal.text.as_bytes());
        positions.extend(files.iter().map(|_| signed(one.position)));
        digests.extend(files);
    }
    rows(digests, positions)
}

fn rows(digests: Vec<String>, positions: Vec<i64>) -> Rows<'static> {
    let sql = "INSERT INTO named_files (digest, position)
               SELECT * FROM unnest($1::text[], $2::bigint[])";
    Rows::new(sql, digests.len()).with(digests).with(positions)
}

/// Files that may have to go.
pub(in crate::store::postgres) fn doubt(digests: &BTreeSet<String>) -> Rows<'_> {
    let sql = "UPDATE attachments SET doubted = 1 WHERE digest = ANY ($1::text[])";
    Rows::new(sql, digests.len()).with(digests.iter().collect())
}

async fn is_named(client: &impl GenericClient, digest: &str) -> Result<bool, Failure> {
    let sql = "SELECT FROM named_files WHERE digest = $1 LIMIT 1";
    Ok(session::row(client, sql, &[&digest]).await?.is_some())
}

/// Begins with the journal's end held: nobody names a file meanwhile.
async fn held(transaction: &Transaction<'_>) -> Result<(), Failure> {
    soon(journal::tip_held(transaction)).await?;
    if Marks::read(transaction).await?.is_any() {
        return Err(pruning::moving().into());
    }
    Ok(())
}

/// Decides on a file; what it comes to is not for good yet.
async fn decide(
    transaction: &Transaction<'_>,
    digest: &str,
    remove: Remove,
) -> Result<Parted, Failure> {
    held(transaction).await?;
    session::rows(transaction, ALONE, &[&digest]).await?;
    if is_named(transaction, UNREAD).await? {
        return Err(StoreError::busy("what texts name has to be read before").into());
    }
    if is_named(transaction, digest).await? {
        let sql = "UPDATE attachments SET doubted = 0 WHERE digest = $1";
        session::rows(transaction, sql, &[&digest]).await?;
        return Ok(Parted::Stays);
    }
    let sql = "UPDATE attachment_totals t SET bytes = t.bytes - a.size FROM attachments a
               WHERE a.digest = $1 AND a.holder = t.holder AND a.sent <> 0 AND a.doubted <> 0";
    session::rows(transaction, sql, &[&digest]).await?;
    let sql = "DELETE FROM attachments WHERE digest = $1 AND doubted <> 0 RETURNING holder";
    if session::rows(transaction, sql, &[&digest]).await?.is_empty() {
        return Ok(Parted::Settled);
    }
    let sql = "SELECT FROM attachments WHERE digest = $1 LIMIT 1";
    if session::row(transaction, sql, &[&digest]).await?.is_some() {
        return Ok(Parted::Stays);
    }
    let removed = tokio::task::spawn_blocking(remove).await;
    let removed = removed.map_err(|error| StoreError::fault(error.to_string()))?;
    removed.map_err(|error| unremoved(digest, &error))?;
    Ok(Parted::Gone)
}

/// Decides on a file that is doubted.
pub(super) async fn part(
    store: &PostgresStore,
    digest: &str,
    remove: Remove,
) -> Result<Parted, Failure> {
    let mut client = store.sessions.writer().await?;
    let transaction = session::begin(&mut client).await?;
    let parted = soon(decide(&transaction, digest, remove)).await?;
    session::commit(transaction).await?;
    Ok(parted)
}

/// Puts other bytes in the place of a file's, in its turn.
pub(super) async fn replace(
    store: &PostgresStore,
    digest: &str,
    put: Remove,
) -> Result<bool, Failure> {
    let mut client = store.sessions.writer().await?;
    let transaction = session::begin(&mut client).await?;
    let look = async {
        session::rows(&transaction, ALONE, &[&digest]).await?;
        if Marks::read(&transaction).await?.is_any() {
            return Err(Failure::from(pruning::moving()));
        }
        let sql = "SELECT FROM attachments WHERE digest = $1 LIMIT 1";
        Ok(session::row(&transaction, sql, &[&digest]).await?.is_some())
    };
    let is_there = soon(look).await?;
    if is_there {
        // However long the disk takes: the turn is not given up before it has ended.
        let done = tokio::task::spawn_blocking(put).await;
        let done = done.map_err(|error| StoreError::fault(error.to_string()))?;
        done.map_err(|error| unreplaced(digest, &error))?;
    }
    session::commit(transaction).await?;
    Ok(is_there)
}

/// Files that no record names, and that nobody has sent since a time.
const UNNAMED: &str = "
    SELECT a.digest, max(a.size) AS size FROM attachments a
    WHERE NOT EXISTS (SELECT FROM named_files n WHERE n.digest = a.digest)
    GROUP BY a.digest HAVING max(a.since) < $1";

/// Counts them, and doubts them where told so. It may take long: all files are looked at.
pub(super) async fn unnamed(
    store: &PostgresStore,
    since: Timestamp,
    doubt: bool,
) -> Result<(u64, u64), Failure> {
    let mut client = store.sessions.writer().await?;
    let transaction = session::begin(&mut client).await?;
    scan::settings(&transaction).await?;
    let since = since.as_millisecond();
    if doubt {
        held(&transaction).await?;
        let sql = format!(
            "UPDATE attachments SET doubted = 1
             WHERE digest IN (SELECT digest FROM ({UNNAMED}) w)"
        );
        transaction.execute(&sql, &[&since]).await?;
    }
    let sql = format!("SELECT count(*), coalesce(sum(size), 0)::bigint FROM ({UNNAMED}) w");
    let row = session::row(&transaction, &sql, &[&since]).await?;
    let found = row.map(|row| Ok::<_, Failure>((row.try_get(0)?, row.try_get(1)?))).transpose()?;
    session::commit(transaction).await?;
    let (count, bytes): (i64, i64) = found.unwrap_or_default();
    Ok((unsigned(count), unsigned(bytes)))
}

/// Texts of which it is not known yet what they name.
const UNREAD_TEXTS: &str = "
    SELECT n.position, p.text, p.key_id, p.wrapped_key
    FROM named_files n LEFT JOIN personal p ON p.position = n.position
    WHERE n.digest = $1 ORDER BY n.position LIMIT $2";

async fn read_some(transaction: &Transaction<'_>) -> Result<bool, Failure> {
    held(transaction).await?;
    let (mut read, mut digests, mut positions) = (Vec::new(), Vec::new(), Vec::new());
    let found = session::rows(transaction, UNREAD_TEXTS, &[&UNREAD, &i64::from(READ_MAX)]).await?;
    for row in &found {
        let position: i64 = row.try_get(0)?;
        let text = at_rest::text(row, Place::Personal(unsigned(position)), (1, 2))?;
        let files = named_in(&text.unwrap_or_default());
        positions.extend(files.iter().map(|_| position));
        digests.extend(files);
        read.push(position);
    }
    let sql = "DELETE FROM named_files WHERE digest = $1 AND position = ANY ($2)";
    session::rows(transaction, sql, &[&UNREAD, &read]).await?;
    session::write(transaction, vec![rows(digests, positions)]).await?;
    Ok(!read.is_empty())
}

/// Reads some texts for what they name.
pub(super) async fn read_names(store: &PostgresStore) -> Result<bool, Failure> {
    let mut client = store.sessions.writer().await?;
    if !soon(is_named(&client, UNREAD)).await? {
        return Ok(false);
    }
    let transaction = session::begin(&mut client).await?;
    let more = soon(read_some(&transaction)).await?;
    session::commit(transaction).await?;
    Ok(more)
}

/// Compares which record names which file, as texts say it, with what is stored of that.
pub(in crate::store::postgres) async fn verify(
    client: &impl GenericClient,
    named: NamedSum,
    verdict: &mut Verdict,
) -> Result<(), Failure> {
    let (mut stored, mut after) = (NamedSum::default(), (String::new(), -1_i64));
    let sql = "SELECT digest, position FROM named_files WHERE (digest, position) > ($1, $2)
               ORDER BY digest, position LIMIT 10000";
    loop {
        let rows = session::rows(client, sql, &[&after.0, &after.1]).await?;
        let Some(last) = rows.last() else { break };
        after = (last.try_get(0)?, last.try_get(1)?);
        for row in &rows {
            let (digest, position): (&str, i64) = (row.try_get(0)?, row.try_get(1)?);
            if digest == UNREAD {
                return Ok(());
            }
            stored.add(digest, unsigned(position));
        }
    }
    named.compare(stored, verdict);
    Ok(())
}
