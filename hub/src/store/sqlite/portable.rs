//! One end of a move.

use rusqlite::{
    Connection, Transaction, TransactionBehavior, params, params_from_iter, types::ValueRef,
};

use super::{Job, SqliteStore, Task};
use crate::store::{
    Answer, StoreError,
    portable::{
        self, Arriving, BATCH_BYTES_MAX, Counter, FOLDS, Leaving, Origin, PARTS, Part, Portable,
        Row, Standing, Value,
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

fn value(found: ValueRef<'_>) -> Result<Value, StoreError> {
    let damaged = |what: &str| StoreError::fault(format!("a row holds {what}"));
    match found {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Number(number)),
        ValueRef::Text(text) => match str::from_utf8(text) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(_) => Err(damaged("a text that is not UTF-8")),
        },
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        ValueRef::Real(_) => Err(damaged("a number that is not whole")),
    }
}

/// Refuses a file that takes part in a move.
pub(super) fn open_for_all(connection: &Connection) -> Result<(), StoreError> {
    let (leaving, arriving) = marks(connection)?;
    portable::open_for_all(leaving.as_deref(), arriving.as_deref())
}

/// Whether a file is one end of a move.
pub(super) fn takes_part(connection: &Connection) -> Result<bool, StoreError> {
    let (leaving, arriving) = marks(connection)?;
    Ok(leaving.is_some() || arriving.is_some())
}

type Marks = (Option<String>, Option<String>);

fn marks(connection: &Connection) -> Result<Marks, StoreError> {
    let sql = "SELECT leaving, arriving FROM head";
    Ok(connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
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

fn standing(connection: &Connection) -> Result<Standing, StoreError> {
    let (leaving, arriving) = marks(connection)?;
    Ok(Standing {
        leaving: portable::mark(leaving.as_deref())?,
        arriving: portable::mark(arriving.as_deref())?,
        is_empty: is_empty(connection)?,
    })
}

fn origin(connection: &Connection) -> Result<Origin, StoreError> {
    let sql = "SELECT log_id, dedup_key, size, recorded_at, peaks, messages, rules, pruned
               FROM head";
    let origin = |row: &rusqlite::Row<'_>| {
        Ok(Origin {
            log_id: row.get(0)?,
            dedup_key: row.get(1)?,
            size: row.get(2)?,
            recorded_at: row.get(3)?,
            peaks: row.get(4)?,
            messages: row.get(5)?,
            rules: row.get(6)?,
            pruned: row.get(7)?,
        })
    };
    Ok(connection.query_row(sql, [], origin)?)
}

fn export(
    connection: &Connection,
    part: &Part,
    after: Option<&[Value]>,
) -> Result<Vec<Row>, StoreError> {
    let following = part.following(after.is_some(), |number, _| format!("?{number}"));
    let sql = format!("SELECT {} FROM {following}", part.all());
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(params_from_iter(after.unwrap_or_default()))?;
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while let Some(row) = found.next()? {
        let row: Row = (0..part.columns.len())
            .map(|column| value(row.get_ref(column)?))
            .collect::<Result<_, _>>()?;
        bytes += row.iter().map(Value::bytes).sum::<usize>();
        rows.push(row);
        if bytes >= BATCH_BYTES_MAX {
            break;
        }
    }
    Ok(rows)
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

impl Portable for SqliteStore {
    fn standing(&self) -> Answer<'_, Result<Standing, StoreError>> {
        self.read(standing)
    }

    fn leave(&self, mark: Option<Leaving>) -> Answer<'_, Result<(), StoreError>> {
        self.alone(Task::Job, move |transaction| {
            let text = mark.as_ref().map(portable::text);
            transaction.execute("UPDATE head SET leaving = ?1", [text])?;
            Ok(())
        })
    }

    fn origin(&self) -> Answer<'_, Result<Origin, StoreError>> {
        self.read(origin)
    }

    fn welcome(&self, origin: Origin, mark: Arriving) -> Answer<'_, Result<(), StoreError>> {
        self.alone(Task::Job, move |transaction| {
            let (leaving, arriving) = marks(transaction)?;
            if leaving.is_some() || arriving.is_some() || !is_empty(transaction)? {
                return Err(portable::not_empty());
            }
            let sql = "UPDATE head SET log_id = ?1, dedup_key = ?2, arriving = ?3";
            let mark = portable::text(&mark);
            transaction.execute(sql, params![origin.log_id, origin.dedup_key, mark])?;
            Ok(())
        })
    }

    fn export(
        &self,
        part: &'static Part,
        after: Option<Vec<Value>>,
    ) -> Answer<'_, Result<Vec<Row>, StoreError>> {
        self.read(move |connection| export(connection, part, after.as_deref()))
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
                           rules = ?5, pruned = ?8, arriving = ?7 WHERE arriving = ?6";
            let Origin { size, recorded_at, peaks, messages, rules, pruned, .. } = origin;
            let (before, after) = (portable::text(&before), portable::text(&after));
            let values = params![size, recorded_at, peaks, messages, rules, before, after, pruned];
            match transaction.execute(sql, values)? {
                1 => Ok(()),
                _ => Err(portable::not_as_left()),
            }
        })
    }

    fn complete(&self, mark: Arriving) -> Answer<'_, Result<(), StoreError>> {
        self.alone(Task::Job, move |transaction| advance(transaction, &mark, None))
    }

    fn counters(&self) -> Answer<'_, Result<Vec<Counter>, StoreError>> {
        self.read(|connection| {
            let count = |name: &'static str| {
                let sql = format!("SELECT count(*) FROM {name}");
                Ok((name, connection.query_row(&sql, [], |row| row.get(0))?))
            };
            PARTS.iter().map(|part| part.name).chain(FOLDS).map(count).collect()
        })
    }
}
