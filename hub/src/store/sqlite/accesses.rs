//! Who was given personal data.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};

use super::{SqliteStore, Task};
use crate::store::{
    Answer, StoreError,
    accesses::{Access, AccessFound, AccessQuery, Accesses, before, millis, time},
};

fn note(transaction: &Transaction<'_>, all: &[Access]) -> Result<(), StoreError> {
    let sql = "INSERT INTO accesses
                   (at, id, principal, key, purpose, reason, call, agency, subject, position)
               SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM head
               WHERE leaving IS NULL AND arriving IS NULL";
    let mut statement = transaction.prepare_cached(sql)?;
    for one in all {
        let values = params![
            millis(one.at),
            one.id,
            one.principal,
            one.key,
            one.purpose,
            one.reason,
            one.call,
            one.agency,
            one.subject,
            one.position
        ];
        if statement.execute(values)? == 0 {
            return Err(StoreError::busy("the store takes part in a move"));
        }
    }
    Ok(())
}

fn read(connection: &Connection, query: AccessQuery) -> Result<Vec<AccessFound>, StoreError> {
    let sql = "SELECT a.at, a.id, a.principal, a.key, a.purpose, a.reason, a.call, a.agency,
                      a.subject, a.position, k.name
               FROM accesses a LEFT JOIN api_keys k ON k.id = a.key
               WHERE (?1 IS NULL OR a.agency = ?1)
                 AND (?2 IS NULL OR a.subject IN (SELECT value FROM json_each(?2)))
                 AND (a.at, a.id) < (?3, ?4)
               ORDER BY a.at DESC, a.id DESC LIMIT ?5";
    let subjects = query.subjects.map(|all| serde_json::to_string(&all)).transpose();
    let subjects = subjects.map_err(|error| StoreError::fault(error.to_string()))?;
    let (at, id) = before(query.after);
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![query.agency, subjects, at, id, query.limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let access = Access {
            at: time(row.get(0)?)?,
            id: row.get(1)?,
            principal: row.get(2)?,
            key: row.get(3)?,
            purpose: row.get(4)?,
            reason: row.get(5)?,
            call: row.get(6)?,
            agency: row.get(7)?,
            subject: row.get(8)?,
            position: row.get(9)?,
        };
        found.push(AccessFound { access, key_name: row.get(10)? });
    }
    Ok(found)
}

impl Accesses for SqliteStore {
    fn note_accesses(&self, all: Vec<Access>) -> Answer<'_, Result<(), StoreError>> {
        self.alone(Task::Aside, move |transaction| note(transaction, &all))
    }

    fn accesses(&self, query: AccessQuery) -> Answer<'_, Result<Vec<AccessFound>, StoreError>> {
        self.read(move |connection| read(connection, query))
    }

    fn drop_accesses(&self, before: Timestamp) -> Answer<'_, Result<u64, StoreError>> {
        self.alone(Task::Aside, move |transaction| {
            let gone =
                transaction.execute("DELETE FROM accesses WHERE at < ?1", [millis(before)])?;
            Ok(gone as u64)
        })
    }
}
