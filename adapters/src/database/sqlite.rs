//! A session on a SQLite file, opened for reading.

use std::{path::PathBuf, time::Duration};

use rusqlite::{
    Connection, Error, ErrorCode, InterruptHandle, OpenFlags,
    types::{ToSqlOutput, Value, ValueRef},
};
use tokio::{task::spawn_blocking, time::timeout};

use super::{
    Found, Settings,
    cell::{Cell, Member, hexadecimal, letters, object, real},
    fault,
    statement::{Dialect, Wanted},
};
use crate::reading::Trouble;

/// How long a statement waits for who writes.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// A session.
pub(super) struct Session {
    /// Away while a statement runs on a thread of its own.
    connection: Option<Connection>,
    file: String,
    statement_max: Duration,
}

impl Session {
    pub(super) fn open(address: &str, settings: &Settings) -> Result<Self, Trouble> {
        let path = PathBuf::from(address.strip_prefix("sqlite:").ok_or_else(fault::address)?);
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let file = file.ok_or_else(fault::address)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(&path, flags).and_then(|connection| {
            connection.busy_timeout(BUSY_MAX)?;
            connection.pragma_update(None, "query_only", true)?;
            Ok(connection)
        });
        let connection = opened.map_err(|error| failed(&file, &error))?;
        let statement_max = settings.statement_max;
        Ok(Self { connection: Some(connection), file, statement_max })
    }

    pub(super) async fn rows(&mut self, wanted: &Wanted<'_>) -> Result<Vec<Found>, Trouble> {
        let statement = wanted.statement(Dialect::Sqlite, "q.*", &|_, _| "?".to_owned());
        let values: Vec<Value> = statement
            .values
            .iter()
            .map(|cell| match cell {
                Cell::Number(number) => Value::Integer(*number),
                Cell::Text(text) => Value::Text(text.clone()),
            })
            .collect();
        let broken = || Trouble::broke_off(&self.file, "the thread");
        let connection = self.connection.take().ok_or_else(broken)?;
        let interrupt: InterruptHandle = connection.get_interrupt_handle();
        let (sql, settings, file) = (statement.sql, wanted.settings().clone(), self.file.clone());
        let work = spawn_blocking(move || {
            let rows = read(&connection, &sql, &values, (&settings, &file));
            (connection, rows)
        });
        tokio::pin!(work);
        let done = match timeout(self.statement_max, &mut work).await {
            Ok(done) => done,
            Err(_) => {
                interrupt.interrupt();
                work.await
            }
        };
        let (connection, rows) = done.map_err(|_| broken())?;
        self.connection = Some(connection);
        rows
    }
}

fn read(
    connection: &Connection,
    sql: &str,
    values: &[Value],
    (settings, file): (&Settings, &str),
) -> Result<Vec<Found>, Trouble> {
    let wrong = |error: Error| failed(file, &error);
    let mut statement = connection.prepare_cached(sql).map_err(wrong)?;
    let names: Vec<String> = statement.column_names().map(ToOwned::to_owned).collect();
    let values = values.iter().map(|value| ToSqlOutput::Borrowed(value.into()));
    let mut rows = statement.query(rusqlite::params_from_iter(values)).map_err(wrong)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(wrong)? {
        let cell = |name: &String| {
            let at = names.iter().position(|one| one == name);
            let value = at.and_then(|at| row.get_ref(at).ok());
            match value {
                Some(ValueRef::Integer(number)) => Ok(Cell::Number(number)),
                Some(ValueRef::Text(text)) => Ok(Cell::Text(letters(text).into_owned())),
                _ => Err(fault::without(name)),
            }
        };
        let watermark = settings.watermark.as_ref().map(cell).transpose()?;
        let key: Result<Vec<Cell>, Trouble> = settings.key.iter().map(cell).collect();
        let columns = names.iter().enumerate().map(|(at, name)| {
            let value = match row.get_ref(at) {
                Ok(ValueRef::Integer(number)) => Member::Integer(number),
                Ok(ValueRef::Real(number)) => Member::Json(real(number)),
                Ok(ValueRef::Text(text)) => Member::Text(letters(text)),
                Ok(ValueRef::Blob(bytes)) => Member::Json(hexadecimal(bytes)),
                Ok(ValueRef::Null) | Err(_) => Member::Null,
            };
            (name, value)
        });
        let text = object(columns);
        found.push(Found { watermark, key: key?, text });
    }
    Ok(found)
}

/// An error in words; SQLite's name tables and columns.
pub(super) fn failed(file: &str, error: &Error) -> Trouble {
    let Error::SqliteFailure(told, words) = error else {
        return fault::query(file, "-", &error.to_string());
    };
    let words = words.clone().unwrap_or_else(|| told.to_string());
    match told.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::OperationInterrupted => {
            fault::too_long(file)
        }
        ErrorCode::CannotOpen | ErrorCode::NotADatabase | ErrorCode::PermissionDenied => {
            Trouble::unreachable(file, &words)
        }
        ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt => {
            Trouble::broke_off(file, &told.to_string())
        }
        ErrorCode::ReadOnly | ErrorCode::Unknown => fault::query(file, "1", &words),
        _ => fault::failed(file, &told.extended_code.to_string()),
    }
}
