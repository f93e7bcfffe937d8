//! The files that records of a dossier name: which go with it, and which something else names too.

use std::collections::BTreeSet;

use rusqlite::{Connection, Transaction};

use crate::store::{StoreError, erasures::Erasable};

/// Adds them to what is erased.
pub(super) fn add(connection: &Connection, found: &mut Erasable) -> Result<(), StoreError> {
    let sql = "SELECT digest FROM named_files WHERE position = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut named: BTreeSet<String> = BTreeSet::new();
    for position in &found.texts {
        let rows = statement.query_map([position], |row| row.get(0))?;
        named.extend(rows.collect::<Result<Vec<_>, _>>()?);
    }
    for digest in named {
        weigh(connection, digest, found)?;
    }
    Ok(())
}

/// Whether one goes.
fn weigh(connection: &Connection, digest: String, found: &mut Erasable) -> Result<(), StoreError> {
    let sql = "SELECT max(size) FROM attachments WHERE digest = ?1";
    let size = connection.prepare_cached(sql)?.query_row([&digest], |row| row.get(0))?;
    let Some(size): Option<u64> = size else { return Ok(()) };
    let mut others =
        connection.prepare_cached("SELECT position FROM named_files WHERE digest = ?1")?;
    let mut rows = others.query([&digest])?;
    while let Some(row) = rows.next()? {
        if !found.texts.contains(&row.get(0)?) {
            found.files.staying += 1;
            return Ok(());
        }
    }
    found.files.bytes += size;
    found.files.going.insert(digest);
    Ok(())
}

/// What was erased names nothing from then on; what goes is doubted.
pub(super) fn unname(transaction: &Transaction<'_>, found: &Erasable) -> Result<(), StoreError> {
    let mut names = transaction.prepare("DELETE FROM named_files WHERE position = ?1")?;
    for position in &found.texts {
        names.execute([position])?;
    }
    doubt(transaction, &found.files.going)
}

/// Files that may have to go.
pub(in crate::store::sqlite) fn doubt(
    connection: &Connection,
    digests: &BTreeSet<String>,
) -> Result<(), StoreError> {
    let sql = "UPDATE attachments SET doubted = 1 WHERE digest = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    for digest in digests {
        statement.execute([digest])?;
    }
    Ok(())
}
