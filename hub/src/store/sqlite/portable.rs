//! A file that rows are taken from, or that is filled with them.

use jiff::Timestamp;
use rusqlite::{
    Connection, Transaction, TransactionBehavior, params, params_from_iter, types::ValueRef,
};

use super::{Job, SqliteStore, Task, known, snapshot, write};
use crate::store::{
    Answer, StoreError,
    portable::{
        self, Arriving, Filled, Leaving, Marks, Origin, PARTS, Part, Portable, Row, Snapshot,
        Standing, Value,
    },
};

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        let value = match self {
            Self::Null => ValueRef::Null,
            Self::Number(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        };
        Ok(rusqlite::types::ToSqlOutput::Borrowed(value))
    }
}

/// Refuses a file that is left, filled or a backup.
pub(super) fn open_for_all(connection: &Connection) -> Result<(), StoreError> {
    portable::open_for_all(&marks(connection)?)
}

/// The marks of a file of the whole schema.
pub(super) fn marks(connection: &Connection) -> Result<Marks<String>, StoreError> {
    let sql = "SELECT leaving, arriving, backup FROM head";
    Ok(connection.query_row(sql, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?)
}

/// Whether a file has one of the marks that its schema knows.
pub(super) fn is_marked(connection: &Connection) -> Result<bool, StoreError> {
    let known = "SELECT name FROM pragma_table_info('head')
                 WHERE name IN ('leaving', 'arriving', 'backup')";
    let mut statement = connection.prepare(known)?;
    let known: Vec<String> =
        statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let marked: Vec<String> = known.iter().map(|name| format!("{name} IS NOT NULL")).collect();
    let sql = format!("SELECT count(*) FROM head WHERE {}", marked.join(" OR "));
    Ok(!known.is_empty() && connection.query_row(&sql, [], |row| row.get::<_, u64>(0))? > 0)
}

fn is_empty(connection: &Connection) -> Result<bool, StoreError> {
    for part in &PARTS {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {})", part.name);
        if connection.query_row(&sql, [], |row| row.get(0))? {
            return Ok(false);
        }
    }
    let sql = "SELECT size = 0 AND messages = 0 FROM head";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// Puts a mark in the place of another.
fn advance(
    transaction: &Transaction<'_>,
    before: &Arriving,
    after: Option<&Arriving>,
) -> Result<(), StoreError> {
    let sql = "UPDATE head SET arriving = ?2 WHERE arriving = ?1";
    let values = params![portable::text(before), after.map(portable::text)];
    match transaction.prepare_cached(sql)?.execute(values)? {
        1 => Ok(()),
        _ => Err(portable::not_as_left()),
    }
}

fn import(transaction: &Transaction<'_>, part: &Part, rows: &[Row]) -> Result<(), StoreError> {
    let values: Vec<String> = (1..=part.columns.len()).map(|number| format!("?{number}")).collect();
    let (name, columns, values) = (part.name, part.all(), values.join(", "));
    let sql = format!("INSERT INTO {name} ({columns}) VALUES ({values})");
    let mut insert = transaction.prepare_cached(&sql)?;
    for row in rows {
        insert.execute(params_from_iter(row))?;
    }
    Ok(())
}

impl SqliteStore {
    /// Runs work as one transaction of the writer; `of`: which kind of task it is.
    pub(super) fn alone<T: Send + 'static>(
        &self,
        of: fn(Job) -> Task,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'static, Result<T, StoreError>> {
        self.write(of, move |writer| {
            let transaction =
                writer.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
    }
}

/// Makes a store that was filled what it was filled for.
fn complete(
    transaction: &Transaction<'_>,
    mark: &Arriving,
    filled: Filled,
) -> Result<(), StoreError> {
    advance(transaction, mark, None)?;
    match filled {
        Filled::Moved => {}
        Filled::Backup(backup) => {
            transaction.execute("UPDATE head SET backup = ?1", [portable::text(&backup)])?;
        }
        Filled::Restored { log_id, taken_at } => {
            let mut tip = known::tip(transaction)?;
            let entry = tip.restore(Timestamp::now(), log_id, taken_at)?;
            write::entry(transaction, &entry)?;
            write::head(transaction, &tip)?;
            let sql = "UPDATE head SET log_id = ?1, ended_logs = ?2";
            transaction.execute(sql, params![tip.log.id, tip.log.ended_text()])?;
        }
    }
    Ok(())
}

impl Portable for SqliteStore {
    fn standing(&self) -> Answer<'_, Result<Standing, StoreError>> {
        self.read(|connection| portable::standing(&marks(connection)?, is_empty(connection)?))
    }

    fn leave(&self, mark: Option<Leaving>) -> Answer<'_, Result<(), StoreError>> {
        self.alone(Task::Job, move |transaction| {
            let text = mark.as_ref().map(portable::text);
            transaction.execute("UPDATE head SET leaving = ?1", [text])?;
            Ok(())
        })
    }

    fn snapshot(&self) -> Answer<'_, Result<Box<dyn Snapshot>, StoreError>> {
        Box::pin(snapshot::now(self.path.clone()))
    }

    fn welcome(&self, origin: Origin, mark: Arriving) -> Answer<'_, Result<(), StoreError>> {
        self.alone(Task::Job, move |transaction| {
            if marks(transaction)?.iter().any(Option::is_some) || !is_empty(transaction)? {
                return Err(portable::not_empty());
            }
            let sql = "UPDATE head SET log_id = ?1, dedup_key = ?2, ended_logs = ?3, arriving = ?4";
            let Origin { log_id, dedup_key, ended_logs, .. } = origin;
            let mark = portable::text(&mark);
            transaction.execute(sql, params![log_id, dedup_key, ended_logs, mark])?;
            Ok(())
        })
    }

    fn import(
        &self,
        part: &'static Part,
        rows: Vec<Row>,
        (before, after): (Arriving, Arriving),
    ) -> Answer<'_, Result<(), StoreError>> {
        self.alone(Task::Job, move |transaction| {
            advance(transaction, &before, Some(&after))?;
            import(transaction, part, &rows)
        })
    }

    fn settle(
        &self,
        origin: Origin,
        (before, after): (Arriving, Arriving),
    ) -> Answer<'_, Result<(), StoreError>> {
        self.alone(Task::Job, move |transaction| {
            let sql = "UPDATE head SET size = ?1, recorded_at = ?2, peaks = ?3, messages = ?4,
                           rules = ?5, pruned = ?8, arriving = ?7,
                           erased = (SELECT max(position) FROM erased) WHERE arriving = ?6";
            let Origin { size, recorded_at, peaks, messages, rules, pruned, .. } = origin;
            let (before, after) = (portable::text(&before), portable::text(&after));
            let values = params![size, recorded_at, peaks, messages, rules, before, after, pruned];
            match transaction.execute(sql, values)? {
                1 => Ok(()),
                _ => Err(portable::not_as_left()),
            }
        })
    }

    fn complete(&self, mark: Arriving, filled: Filled) -> Answer<'_, Result<(), StoreError>> {
        self.write(Task::Job, move |writer| {
            // Nothing is added to the numbers at the position that comes.
            writer.rolling.forget();
            let behaviour = TransactionBehavior::Immediate;
            let transaction = writer.connection.transaction_with_behavior(behaviour)?;
            complete(&transaction, &mark, filled)?;
            Ok(transaction.commit()?)
        })
    }
}
