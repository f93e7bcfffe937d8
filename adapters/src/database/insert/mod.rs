//! To an agency's own database: each message is a row of a table, in a column of it the message's
//! id, by which one that was sent before is known.
//!
//! The statement writes nothing where the id is there already. Where the table has a unique key
//! over that column, not even two processes at the same moment write it twice.

mod mysql;
mod postgres;
mod sqlite;
mod sqlserver;

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::sync::Mutex;

use super::{Address, statement::Dialect};
use crate::{
    outbound::{Answer, Class, Failure, Message, Outbound, Secret},
    reach::Reach,
};

/// Connections that lie idle, at most.
const IDLE_MAX: usize = 4;

/// Columns of a row, at most.
const COLUMNS_MAX: usize = 256;

/// Where messages of a channel go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsertSettings {
    /// The table, with its schema where that is to be said.
    pub table: String,
    /// The column of the message's id.
    pub message: String,
    /// How long one message may take.
    pub timeout: Duration,
}

/// A session that writes.
enum Session {
    Postgres(postgres::Session),
    Mysql(Box<mysql::Session>),
    Sqlite(sqlite::Session),
    SqlServer(Box<sqlserver::Session>),
}

/// The way to a table.
pub struct DatabaseInsert {
    settings: InsertSettings,
    address: Secret,
    reach: Reach,
    idle: Mutex<Vec<Session>>,
}

/// A row to write: its columns with their values, that of the message's id at the end.
struct Line {
    table: String,
    columns: Vec<String>,
    values: Vec<Value>,
}

impl Line {
    /// Reads what a form has made: a JSON object whose members are columns.
    fn read(settings: &InsertSettings, message: &Message) -> Result<Self, Failure> {
        let refused = |told: String| Failure::new(Class::Refused, told);
        let Ok(Value::Object(members)) = serde_json::from_slice(&message.payload) else {
            return Err(refused("a row wants a JSON object of columns".to_owned()));
        };
        if members.len() >= COLUMNS_MAX {
            return Err(refused(format!("a row has at most {COLUMNS_MAX} columns")));
        }
        let mut line = Self { table: settings.table.clone(), columns: vec![], values: vec![] };
        for (column, value) in members {
            if column == settings.message {
                return Err(refused(format!("`{column}` is the column of the message's id")));
            }
            line.columns.push(column);
            line.values.push(match value {
                // What has members of its own goes as its text.
                Value::Array(_) | Value::Object(_) => Value::String(value.to_string()),
                plain => plain,
            });
        }
        line.columns.push(settings.message.clone());
        line.values.push(Value::String(message.id.clone()));
        Ok(line)
    }

    fn id(&self) -> &str {
        self.values.last().and_then(Value::as_str).unwrap_or_default()
    }

    fn column_of_id(&self) -> &str {
        self.columns.last().map_or("", String::as_str)
    }

    /// The table as a statement names it.
    fn table(&self, dialect: Dialect) -> String {
        let parts: Vec<String> = self.table.split('.').map(|part| dialect.name(part)).collect();
        parts.join(".")
    }

    /// The statement that writes it; `place` says how the value of a column stands in it.
    fn insert(&self, dialect: Dialect, place: &dyn Fn(usize, &str) -> String) -> String {
        let table = self.table(dialect);
        let names: Vec<String> = self.columns.iter().map(|name| dialect.name(name)).collect();
        let places: Vec<String> =
            self.columns.iter().enumerate().map(|(at, name)| place(at + 1, name)).collect();
        // MySQL wants a table where there is a condition.
        let dual = if dialect == Dialect::Mysql { " FROM DUAL" } else { "" };
        let id = dialect.name(self.column_of_id());
        let again = place(self.columns.len() + 1, self.column_of_id());
        format!(
            "INSERT INTO {table} ({}) SELECT {}{dual} \
             WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {id} = {again})",
            names.join(", "),
            places.join(", ")
        )
    }

    /// The statement that asks whether the message is there.
    fn exists(&self, dialect: Dialect, place: &str) -> String {
        let id = dialect.name(self.column_of_id());
        format!("SELECT 1 FROM {} WHERE {id} = {place}", self.table(dialect))
    }

    /// All values in the order of the statement's places: the id stands in it twice.
    fn values(&self) -> impl Iterator<Item = &Value> {
        self.values.iter().chain(self.values.last())
    }
}

/// A unique key has refused a row, and it is not that of the message's id.
fn taken(host: &str, code: &str) -> Failure {
    let told = format!("a unique key of the table at {host} has another row of it (code {code})");
    Failure::new(Class::Refused, told)
}

/// A value does not fit its column; the server's words might hold it.
fn unfit(host: &str, code: &str, column: Option<&str>) -> Failure {
    let column = column.map(|name| format!(", column `{name}`")).unwrap_or_default();
    Failure::new(Class::Refused, format!("{host} does not take the row (code {code}{column})"))
}

impl DatabaseInsert {
    /// Puts settings to work; connects to nothing. The secret is the database's address.
    pub fn new(settings: InsertSettings, address: Secret, reach: Reach) -> Self {
        Self { settings, address, reach, idle: Mutex::default() }
    }

    async fn session(&self) -> Result<Session, Failure> {
        if let Some(session) = self.idle.lock().await.pop() {
            return Ok(session);
        }
        let address: Address =
            self.address.read()?.parse().map_err(|_| {
                Failure::new(Class::Denied, "the secret is no address of a database")
            })?;
        let (text, timeout) = (&address.text, self.settings.timeout);
        Ok(match address.dialect {
            Dialect::Postgres => {
                Session::Postgres(postgres::Session::open(text, timeout, &self.reach).await?)
            }
            Dialect::Mysql => {
                let session = mysql::Session::open(text, timeout, &self.reach).await?;
                Session::Mysql(Box::new(session))
            }
            Dialect::Sqlite => Session::Sqlite(sqlite::Session::open(text, timeout)?),
            Dialect::SqlServer => {
                let session = sqlserver::Session::open(text, timeout, &self.reach).await?;
                Session::SqlServer(Box::new(session))
            }
        })
    }

    async fn deliver(&self, message: &Message) -> Result<Answer, Failure> {
        let line = Line::read(&self.settings, message)?;
        let mut session = self.session().await?;
        let done = match &mut session {
            Session::Postgres(session) => session.insert(&line).await,
            Session::Mysql(session) => session.insert(&line).await,
            Session::Sqlite(session) => session.insert(line).await,
            Session::SqlServer(session) => session.insert(&line).await,
        };
        // Of what has failed otherwise nobody knows in which state it is.
        if done.is_ok() {
            let mut idle = self.idle.lock().await;
            if idle.len() < IDLE_MAX {
                idle.push(session);
            }
        }
        done.map(|()| Answer::default())
    }
}

impl Outbound for DatabaseInsert {
    fn send(self: Arc<Self>, message: Message) -> BoxFuture<'static, Result<Answer, Failure>> {
        Box::pin(async move { self.deliver(&message).await })
    }
}

#[cfg(test)]
mod tests;
