//! Writing rows to MySQL or MariaDB.

use std::time::Duration;

use mysql_async::{Conn, Error, Params, Value as Sent, prelude::Queryable};
use serde_json::Value;
use tokio::time::timeout;

use super::{Dialect, Line, taken, unfit};
use crate::{
    database::mysql as reading,
    outbound::{Class, Failure},
    reach::Reach,
    reading::Trouble,
};

/// A unique key has the row already.
const UNIQUE: u16 = 1062;

/// A session.
pub(super) struct Session {
    connection: Conn,
    host: String,
    timeout: Duration,
}

impl Session {
    pub(super) async fn open(
        address: &str,
        limit: Duration,
        reach: &Reach,
    ) -> Result<Self, Trouble> {
        let (mut connection, host) = reading::connect(address, reach).await?;
        // What does not fit is refused, and not cut to fit.
        let strict = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')";
        let asking = timeout(limit, connection.query_drop(strict)).await;
        asking
            .map_err(|_| Trouble::broke_off(&host, "timeout"))?
            .map_err(|error| reading::failed(&host, &error))?;
        Ok(Self { connection, host, timeout: limit })
    }

    pub(super) async fn insert(&mut self, line: &Line) -> Result<(), Failure> {
        let sql = line.insert(Dialect::Mysql, &|_, _| "?".to_owned());
        let values = Params::Positional(line.values().map(sent).collect());
        let silent = |_| Failure::new(Class::Unknown, "no answer in time");
        let writing = timeout(self.timeout, self.connection.exec_drop(sql, values)).await;
        let error = match writing.map_err(silent)? {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        match &error {
            Error::Server(told) if told.code == UNIQUE => {}
            _ => return Err(self.failed(&error)),
        }
        let sql = line.exists(Dialect::Mysql, "?");
        let asking = self.connection.exec_first::<u8, _, _>(sql, (line.id(),));
        let found = timeout(self.timeout, asking).await.map_err(silent)?;
        let found = found.map_err(|error| self.failed(&error))?;
        found.map(|_| ()).ok_or_else(|| taken(&self.host, &UNIQUE.to_string()))
    }

    /// What an error means for the message.
    fn failed(&self, error: &Error) -> Failure {
        let trouble = reading::failed(&self.host, error);
        match error {
            Error::Server(told) => match told.code {
                // Values and rules of the table.
                1048 | 1062 | 1136 | 1216 | 1264 | 1265 | 1292 | 1364 | 1366 | 1406 | 1452
                | 3819 | 4025 => unfit(&self.host, &told.code.to_string(), None),
                1053 | 1077..=1079 | 1152..=1161 => Failure::new(Class::Unknown, trouble.told.en),
                _ => trouble.into(),
            },
            _ => Failure::new(Class::Unknown, trouble.told.en),
        }
    }
}

/// A value as the protocol has it.
fn sent(value: &Value) -> Sent {
    match value {
        Value::Null => Sent::NULL,
        Value::Bool(told) => Sent::Int(i64::from(*told)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Sent::Int(whole),
            None => Sent::Bytes(number.to_string().into_bytes()),
        },
        Value::String(text) => Sent::Bytes(text.clone().into_bytes()),
        other => Sent::Bytes(other.to_string().into_bytes()),
    }
}
