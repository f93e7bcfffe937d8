//! The files that records of a dossier name: which go with it, and which something else names too.

use std::collections::BTreeSet;

use rusqlite::{Connection, Transaction};

use crate::store::{
    StoreError, at_rest::Place, attachments::Digests, erasures::Erasable, sqlite::at_rest,
};

/// Adds them to what is erased.
pub(super) fn add(connection: &Connection, found: &mut Erasable) -> Result<(), StoreError> {
    let sql = "SELECT digest FROM named_files WHERE position = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut named: BTreeSet<String> = BTreeSet::new();
    for position in &found.texts {
        let rows = statement.query_map([position], |row| row.get(0))?;
        named.extend(rows.collect::<Result<Vec<_>, _>>()?);
    }
    raw(connection, found, &mut named)?;
    for digest in named {
        weigh(connection, digest, found)?;
    }
    Ok(())
}

/// Those that raw bytes name which go: of records that were refused, or told otherwise. What is
/// received still may name more.
fn raw(
    connection: &Connection,
    found: &Erasable,
    named: &mut BTreeSet<String>,
) -> Result<(), StoreError> {
    let sql = "SELECT p.piece, p.bytes, p.key_id, p.wrapped_key
               FROM payloads p JOIN messages m ON m.message = p.message
               WHERE p.message = ?1 AND m.outcome IS NOT NULL ORDER BY p.piece";
    let mut statement = connection.prepare_cached(sql)?;
    for message in &found.messages {
        let (mut rows, mut digests) = (statement.query([message])?, Digests::default());
        while let Some(row) = rows.next()? {
            let bytes = at_rest::text(row, Place::Raw(*message, row.get(0)?), (1, 2))?;
            digests.look(&bytes.unwrap_or_default());
        }
        named.append(&mut digests.found);
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
