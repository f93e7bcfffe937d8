//! Writing rows to PostgreSQL.

use std::{collections::HashMap, time::Duration};

use serde_json::Value;
use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{Client, types::ToSql};

use super::{Dialect, Line, taken, unfit};
use crate::{
    database::postgres as reading,
    outbound::{Class, Failure},
    reach::Reach,
    reading::Trouble,
};

/// A unique key has the row already.
const UNIQUE: &str = "23505";

/// A session, ended with its value.
pub(super) struct Session {
    client: Client,
    connection: JoinHandle<()>,
    host: String,
    /// The types of the columns that were asked for, as the server names them.
    types: HashMap<String, String>,
    timeout: Duration,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Session {
    pub(super) async fn open(
        address: &str,
        limit: Duration,
        reach: &Reach,
    ) -> Result<Self, Trouble> {
        let (client, connection, host) = reading::connect(address, (limit, false), reach).await?;
        Ok(Self { client, connection, host, types: HashMap::new(), timeout: limit })
    }

    async fn soon<T>(
        &self,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Failure> {
        match timeout(self.timeout, work).await {
            Ok(done) => done.map_err(|error| self.failed(&error)),
            Err(_) => Err(Failure::new(Class::Unknown, "no answer in time")),
        }
    }

    /// Learns the types of columns: values go as text, and become what the column is there.
    async fn learn(&mut self, line: &Line) -> Result<(), Failure> {
        if line.columns.iter().all(|column| self.types.contains_key(column)) {
            return Ok(());
        }
        let quoted = |name: &str| Dialect::Postgres.name(name);
        let names: Vec<String> = line.columns.iter().map(|name| quoted(name)).collect();
        let table = line.table(Dialect::Postgres);
        let sql = format!("SELECT {} FROM {table} LIMIT 0", names.join(", "));
        let prepared = self.soon(self.client.prepare(&sql)).await?;
        for column in prepared.columns() {
            let kind = column.type_();
            let name = format!("{}.{}", quoted(kind.schema()), quoted(kind.name()));
            self.types.insert(column.name().to_owned(), name);
        }
        Ok(())
    }

    pub(super) async fn insert(&mut self, line: &Line) -> Result<(), Failure> {
        self.learn(line).await?;
        let place = |number: usize, column: &str| match self.types.get(column) {
            Some(kind) => format!("${number}::text::{kind}"),
            None => format!("${number}::text"),
        };
        let sql = line.insert(Dialect::Postgres, &place);
        let values: Vec<Option<String>> = line.values().map(text).collect();
        let values: Vec<&(dyn ToSql + Sync)> =
            values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let prepared = self.soon(self.client.prepare(&sql)).await?;
        let working = timeout(self.timeout, self.client.execute(&prepared, &values)).await;
        let error = match working {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error,
            Err(_) => return Err(Failure::new(Class::Unknown, "no answer in time")),
        };
        if error.code().is_none_or(|code| code.code() != UNIQUE) {
            return Err(self.failed(&error));
        }
        let kind = place(1, line.column_of_id());
        let sql = line.exists(Dialect::Postgres, &kind);
        let found = self.soon(self.client.query_opt(&sql, &[&line.id()])).await?;
        found.map(|_| ()).ok_or_else(|| taken(&self.host, UNIQUE))
    }

    /// What an error means for the message.
    fn failed(&self, error: &tokio_postgres::Error) -> Failure {
        let told = error.as_db_error();
        let code = told.map(|told| told.code().code()).unwrap_or_default();
        match code.get(..2) {
            // Values and rules of the table.
            Some("22" | "23") => {
                unfit(&self.host, code, told.and_then(|told| told.column().or(told.constraint())))
            }
            // It broke in the middle: nobody knows.
            None | Some("08" | "57") => {
                Failure::new(Class::Unknown, reading::failed(&self.host, error).told.en)
            }
            _ => reading::failed(&self.host, error).into(),
        }
    }
}

/// A value as its text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
