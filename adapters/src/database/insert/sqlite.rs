//! Writing rows to a SQLite file.

use std::{path::PathBuf, time::Duration};

use rusqlite::{Connection, Error, ErrorCode, OpenFlags, ffi, types::Value as Sent};
use serde_json::Value;
use tokio::task::spawn_blocking;

use super::{Dialect, Line, taken, unfit};
use crate::{
    database::{fault, sqlite as reading},
    outbound::{Class, Failure},
    reading::Trouble,
};

/// A session.
pub(super) struct Session {
    /// Away while a statement runs on a thread of its own.
    connection: Option<Connection>,
    file: String,
}

impl Session {
    /// Opens a file that is there.
    pub(super) fn open(address: &str, limit: Duration) -> Result<Self, Trouble> {
        let path = PathBuf::from(address.strip_prefix("sqlite:").ok_or_else(fault::address)?);
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let file = file.ok_or_else(fault::address)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(&path, flags).and_then(|connection| {
            connection.busy_timeout(limit)?;
            Ok(connection)
        });
        let connection = opened.map_err(|error| reading::failed(&file, &error))?;
        Ok(Self { connection: Some(connection), file })
    }

    pub(super) async fn insert(&mut self, line: Line) -> Result<(), Failure> {
        let broken = || Failure::new(Class::Unknown, "the writing was broken off");
        let connection = self.connection.take().ok_or_else(broken)?;
        let file = self.file.clone();
        let work = spawn_blocking(move || {
            let done = insert(&connection, &line, &file);
            (connection, done)
        });
        let (connection, done) = work.await.map_err(|_| broken())?;
        self.connection = Some(connection);
        done
    }
}

fn insert(connection: &Connection, line: &Line, file: &str) -> Result<(), Failure> {
    let sql = line.insert(Dialect::Sqlite, &|number, _| format!("?{number}"));
    let values = rusqlite::params_from_iter(line.values().map(sent));
    let written = connection.prepare_cached(&sql).and_then(|mut one| one.execute(values));
    let error = match written {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    let Error::SqliteFailure(told, _) = &error else {
        return Err(reading::failed(file, &error).into());
    };
    let code = told.extended_code;
    if !matches!(code, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) {
        return Err(match told.code {
            ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig => {
                unfit(file, &code.to_string(), None)
            }
            _ => reading::failed(file, &error).into(),
        });
    }
    let sql = line.exists(Dialect::Sqlite, "?1");
    let asked = connection.prepare_cached(&sql).and_then(|mut one| one.exists([line.id()]));
    match asked {
        Ok(true) => Ok(()),
        Ok(false) => Err(taken(file, &code.to_string())),
        Err(error) => Err(reading::failed(file, &error).into()),
    }
}

/// A value as the file has it.
fn sent(value: &Value) -> Sent {
    match value {
        Value::Null => Sent::Null,
        Value::Bool(told) => Sent::Integer(i64::from(*told)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Sent::Integer(whole),
            None => number.as_f64().map_or(Sent::Null, Sent::Real),
        },
        Value::String(text) => Sent::Text(text.clone()),
        other => Sent::Text(other.to_string()),
    }
}
