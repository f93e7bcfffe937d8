//! The files that records of a dossier name: which go with it, and which something else names too.

use deadpool_postgres::{GenericClient, Transaction};

use crate::store::{
    erasures::Erasable,
    postgres::{
        failure::Failure,
        session::{self, signed, unsigned},
    },
};

/// Files that some records name: how large each is, and whether another record names it.
const NAMED: &str = "
    SELECT w.digest, max(a.size), EXISTS (
        SELECT FROM named_files o WHERE o.digest = w.digest AND o.position <> ALL ($1))
    FROM (SELECT DISTINCT digest FROM named_files WHERE position = ANY ($1)) w
    JOIN attachments a ON a.digest = w.digest GROUP BY w.digest";

/// Adds them to what is erased.
pub(super) async fn add(client: &impl GenericClient, found: &mut Erasable) -> Result<(), Failure> {
    let texts: Vec<i64> = found.texts.iter().copied().map(signed).collect();
    for row in session::rows(client, NAMED, &[&texts]).await? {
        if row.try_get(2)? {
            found.files.staying += 1;
        } else {
            found.files.bytes += unsigned(row.try_get(1)?);
            found.files.going.insert(row.try_get(0)?);
        }
    }
    Ok(())
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
