//! The files that records of a dossier name: which go with it, and which something else names too.

use std::collections::BTreeSet;

use deadpool_postgres::{GenericClient, Transaction};

use crate::store::{
    attachments::Digests,
    erasures::Erasable,
    postgres::{
        failure::Failure,
        session::{self, signed, unsigned},
    },
};

/// Files that some records or raw bytes name: how large each is, and whether another record names
/// it.
const NAMED: &str = "
    SELECT w.digest, max(a.size), EXISTS (
        SELECT FROM named_files o WHERE o.digest = w.digest AND o.position <> ALL ($1))
    FROM (SELECT digest FROM named_files WHERE position = ANY ($1)
          UNION SELECT * FROM unnest($2::text[])) w (digest)
    JOIN attachments a ON a.digest = w.digest GROUP BY w.digest";

/// Adds them to what is erased.
pub(super) async fn add(client: &impl GenericClient, found: &mut Erasable) -> Result<(), Failure> {
    let texts: Vec<i64> = found.texts.iter().copied().map(signed).collect();
    let raw: Vec<String> = raw(client, found).await?.into_iter().collect();
    for row in session::rows(client, NAMED, &[&texts, &raw]).await? {
        if row.try_get(2)? {
            found.files.staying += 1;
        } else {
            found.files.bytes += unsigned(row.try_get(1)?);
            found.files.going.insert(row.try_get(0)?);
        }
    }
    Ok(())
}

/// Digests that raw bytes name which go: of records that were refused, or told otherwise. What is
/// received still may name more.
async fn raw(client: &impl GenericClient, found: &Erasable) -> Result<BTreeSet<String>, Failure> {
    let messages: Vec<i64> = found.messages.iter().copied().map(signed).collect();
    let sql = "SELECT p.message, p.piece FROM payloads p JOIN messages m ON m.message = p.message
               WHERE p.message = ANY ($1) AND m.outcome IS NOT NULL
               ORDER BY p.message, p.piece";
    let (mut all, mut digests, mut last) = (BTreeSet::new(), Digests::default(), None);
    for row in session::rows(client, sql, &[&messages]).await? {
        let (message, piece): (i64, i32) = (row.try_get(0)?, row.try_get(1)?);
        if last.replace(message).is_some_and(|last| last != message) {
            all.append(&mut std::mem::take(&mut digests).found);
        }
        digests.look(&super::piece(client, message, piece).await?);
    }
    all.append(&mut digests.found);
    Ok(all)
}

/// What was erased names nothing from then on; what goes is doubted.
pub(super) async fn unname(transaction: &Transaction<'_>, found: &Erasable) -> Result<(), Failure> {
    let texts: Vec<i64> = found.texts.iter().copied().map(signed).collect();
    let going: Vec<&String> = found.files.going.iter().collect();
    let sql = "DELETE FROM named_files WHERE position = ANY ($1)";
    transaction.execute(sql, &[&texts]).await?;
    let sql = "UPDATE attachments SET doubted = 1 WHERE digest = ANY ($1)";
    transaction.execute(sql, &[&going]).await?;
    Ok(())
}
