//! A file's rows as of one moment.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, params_from_iter, types::ValueRef};

use super::{open, portable, schema};
use crate::store::{
    Answer, StoreError,
    portable::{
        self as parts, BATCH_BYTES_MAX, Backup, Counter, FOLDS, Origin, PARTS, Part, Row, Snapshot,
        Value,
    },
};

/// A connection in a transaction that only reads: it sees what was there when it first read.
struct Moment(Arc<Mutex<Connection>>);

fn begin(path: &Path) -> Result<Connection, StoreError> {
    let connection = open::reader(path)?;
    connection.execute_batch("BEGIN")?;
    connection.query_row("SELECT size FROM head", [], |_| Ok(()))?;
    Ok(connection)
}

async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreError::fault(error.to_string()))?
}

/// What a file holds now.
pub(super) async fn now(path: PathBuf) -> Result<Box<dyn Snapshot>, StoreError> {
    let connection = apart(move || begin(&path)).await?;
    Ok(Box::new(Moment(Arc::new(Mutex::new(connection)))))
}

/// What a backup holds, and what it is of. Nothing is written to it.
pub(super) async fn of_backup(path: PathBuf) -> Result<(Backup, Box<dyn Snapshot>), StoreError> {
    let (backup, connection) = apart(move || {
        if !path.is_file() {
            return Err(StoreError::fault(format!("there is no file {}", path.display())));
        }
        if let Some((number, _)) = schema::outlook(&path)?.next() {
            return Err(StoreError::fault(format!(
                "the backup was made by an older program: its schema lacks {number}; restore it \
                 with that program, then run `lienthong migrate` with this one"
            )));
        }
        let connection = begin(&path)?;
        let marks = portable::marks(&connection)?;
        match parts::standing(&marks, false)?.backup {
            Some(backup) => Ok((backup, connection)),
            None => {
                parts::open_for_all(&marks)?;
                Err(StoreError::fault(format!("{} is a store, and no backup", path.display())))
            }
        }
    })
    .await?;
    Ok((backup, Box::new(Moment(Arc::new(Mutex::new(connection))))))
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

fn origin(connection: &Connection) -> Result<Origin, StoreError> {
    let sql = "SELECT log_id, dedup_key, size, recorded_at, peaks, messages, rules, pruned,
                      ended_logs
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
            ended_logs: row.get(8)?,
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

fn counters(connection: &Connection) -> Result<Vec<Counter>, StoreError> {
    let count = |name: &'static str| {
        let sql = format!("SELECT count(*) FROM {name}");
        Ok((name, connection.query_row(&sql, [], |row| row.get(0))?))
    };
    PARTS.iter().map(|part| part.name).chain(FOLDS).map(count).collect()
}

impl Moment {
    /// Reads off the runtime's threads.
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'static, Result<T, StoreError>> {
        let connection = self.0.clone();
        Box::pin(apart(move || work(&connection.lock().unwrap_or_else(PoisonError::into_inner))))
    }
}

impl Snapshot for Moment {
    fn origin(&self) -> Answer<'_, Result<Origin, StoreError>> {
        self.read(origin)
    }

    fn export(
        &self,
        part: &'static Part,
        after: Option<Vec<Value>>,
    ) -> Answer<'_, Result<Vec<Row>, StoreError>> {
        self.read(move |connection| export(connection, part, after.as_deref()))
    }

    fn counters(&self) -> Answer<'_, Result<Vec<Counter>, StoreError>> {
        self.read(counters)
    }
}
