//! A session on SQL Server: `place` reads the address, `column` asks for each column by its type,
//! `value` turns values into JSON.
//!
//! The server has no sessions that only read, and no limit on a statement: what the account may do
//! keeps it from writing, and a statement that takes too long ends with its connection.

mod column;
mod place;
#[cfg(test)]
mod tests;
mod value;

use std::{io, time::Duration};

use tiberius::{AuthMethod, Client, ColumnData, Config, EncryptionLevel, Query, Row, error::Error};
use tokio::{net::TcpStream, time::timeout};
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

use super::{
    Found, Settings,
    cell::{Cell, Member, object},
    fault,
    statement::{Dialect, Wanted},
};
use crate::{
    reach::{Reach, Unreached, is_public},
    reading::Trouble,
};
use column::Column;
use place::Place;

/// How long connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Said once to each session: how long a statement may wait for a lock, that long texts come
/// whole, and what indexes over computed columns want.
const SAID: &str = "SET LOCK_TIMEOUT 10000; SET TEXTSIZE 2147483647; SET ARITHABORT ON;";

/// What the server makes of a query without running it.
const DESCRIBED: &str = "SELECT name, system_type_name, collation_name, error_number, error_message
    FROM sys.dm_exec_describe_first_result_set(@P1, NULL, 0) ORDER BY column_ordinal";

/// A connection of which the server knows who asks.
pub(super) type Connected = Client<Compat<TcpStream>>;

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    Read,
    Write,
}

/// A session, ended with its value.
pub(super) struct Session {
    line: Connected,
    host: String,
    columns: Vec<Column>,
    statement_max: Duration,
}

/// Connects to what was judged of an address.
pub(super) async fn connect(
    address: &str,
    intent: Intent,
    reach: &Reach,
) -> Result<(Connected, String), Trouble> {
    let place = Place::read(address).ok_or_else(fault::address)?;
    let host = format!("{}:{}", place.host, place.port);
    let found = reach.addresses(&place.host, place.port).await.map_err(|why| match why {
        Unreached::NotAllowed(_) => Trouble::not_allowed(&host),
        Unreached::NoAddress(why) => Trouble::unreachable(&host, &why),
    })?;
    // What was judged is connected to; the certificate is for the name.
    let one = *found.first().ok_or_else(fault::address)?;
    if !place.is_encrypted && is_public(one.ip().to_canonical()) {
        return Err(fault::in_clear(&host));
    }
    let connecting = async {
        let stream = TcpStream::connect(one).await?;
        stream.set_nodelay(true)?;
        let mut line = Client::connect(config(place, intent), stream.compat_write()).await?;
        line.simple_query(SAID).await?.into_results().await?;
        Ok(line)
    };
    let connected = timeout(CONNECT_MAX, connecting).await;
    let line = connected
        .map_err(|_| Trouble::unreachable(&host, "timeout"))?
        .map_err(|error| unconnected(&host, error))?;
    Ok((line, host))
}

fn config(place: Place, intent: Intent) -> Config {
    let mut config = Config::new();
    config.host(&place.host);
    config.port(place.port);
    config.database(&place.database);
    config.authentication(AuthMethod::sql_server(&place.user, &place.password));
    config.application_name("lienthong");
    // What may be read from a replica is.
    config.readonly(intent == Intent::Read);
    config.encryption(match place.is_encrypted {
        true => EncryptionLevel::Required,
        false => EncryptionLevel::NotSupported,
    });
    // Our own limits hold.
    config.handshake_timeout(None);
    config.command_timeout(None);
    // A half of a character in one row does not keep all the others from being read.
    config.lossy_utf16_decoding(true);
    config
}

impl Session {
    pub(super) async fn open(
        address: &str,
        settings: &Settings,
        reach: &Reach,
    ) -> Result<Self, Trouble> {
        let query = settings.query.trim().trim_end_matches(';');
        if query.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("with")) {
            return Err(fault::with());
        }
        let (line, host) = connect(address, Intent::Read, reach).await?;
        let statement_max = settings.statement_max;
        let mut session = Self { line, host, columns: Vec::new(), statement_max };
        session.columns = session.describe(query).await?;
        Ok(session)
    }

    async fn ask(&mut self, query: Query<'_>) -> Result<Vec<Row>, Trouble> {
        let asking = async { query.query(&mut self.line).await?.into_first_result().await };
        match timeout(self.statement_max, asking).await {
            Ok(rows) => rows.map_err(|error| failed(&self.host, &error)),
            Err(_) => Err(fault::too_long(&self.host)),
        }
    }

    /// The columns of the channel's query.
    async fn describe(&mut self, query: &str) -> Result<Vec<Column>, Trouble> {
        let mut asked = Query::new(DESCRIBED);
        asked.bind(format!("SELECT * FROM (\n{query}\n) q"));
        let rows = self.ask(asked).await?;
        rows.iter().map(|row| described(&self.host, row)).collect()
    }

    pub(super) async fn rows(&mut self, wanted: &Wanted<'_>) -> Result<Vec<Found>, Trouble> {
        let (query, statement) = {
            let selected: Vec<String> = self.columns.iter().map(Column::selected).collect();
            let place = |number: usize, name: &str| {
                let column = self.columns.iter().find(|column| column.name == name);
                column.map_or_else(|| format!("@P{number}"), |column| column.place(number))
            };
            let made = wanted.statement(Dialect::SqlServer, &selected.join(", "), &place);
            (made.sql, made.values)
        };
        let mut asked = Query::new(query);
        for cell in statement {
            match cell {
                Cell::Number(number) => asked.bind(*number),
                Cell::Text(text) => asked.bind(text.as_str()),
            }
        }
        let rows = self.ask(asked).await?;
        let found = |row| found(row, &self.columns, wanted.settings());
        rows.into_iter().map(found).collect()
    }
}

/// A column as the server has described it, or why it cannot describe the query.
fn described(host: &str, row: &Row) -> Result<Column, Trouble> {
    let text = |at: usize| {
        let value = row.try_get::<&str, _>(at).map_err(|error| failed(host, &error))?;
        Ok(value.map(str::to_owned))
    };
    let code: Option<i32> = row.try_get(3).map_err(|error| failed(host, &error))?;
    if let Some(code) = code {
        let words = text(4)?.unwrap_or_default();
        return Err(fault::query(host, &code.to_string(), &words));
    }
    Ok(Column {
        name: text(0)?.unwrap_or_default(),
        kind: text(1)?.unwrap_or_default().to_lowercase(),
        collation: text(2)?,
    })
}

fn found(row: Row, columns: &[Column], settings: &Settings) -> Result<Found, Trouble> {
    let values: Vec<ColumnData<'static>> = row.into_token_row().into_iter().collect();
    let cell = |name: &String| {
        let at = columns.iter().position(|column| column.name == *name);
        let found = at.and_then(|at| Some((values.get(at)?, columns.get(at)?)));
        let cell = found.and_then(|(value, column)| value::ordered(value, column.is_version()));
        cell.ok_or_else(|| fault::without(name))
    };
    let watermark = settings.watermark.as_ref().map(cell).transpose()?;
    let key: Result<Vec<Cell>, Trouble> = settings.key.iter().map(cell).collect();
    let mut members = Vec::with_capacity(columns.len());
    for (column, value) in columns.iter().zip(&values) {
        let value = value::json(value).ok_or_else(|| fault::beyond(&column.name))?;
        members.push((&column.name, Member::Json(value)));
    }
    Ok(Found { watermark, key: key?, text: object(members.into_iter()) })
}

/// Why no session began, in words.
fn unconnected(host: &str, error: Error) -> Trouble {
    match &error {
        Error::Server(_) => failed(host, &error),
        // The server wants another to be asked; the hub goes where it was told to and nowhere else.
        Error::Routing { host: other, port } => fault::elsewhere(host, &format!("{other}:{port}")),
        Error::Io { kind, message } => Trouble::unreachable(
            host,
            match kind {
                io::ErrorKind::UnexpectedEof => "it hangs up, as what is no SQL Server does",
                _ => message,
            },
        ),
        // The client's advice to programmers is none to officers.
        Error::Tls(why) => {
            let why = why.split(" To connect anyway").next().unwrap_or_default();
            Trouble::unreachable(host, &format!("TLS: {why}"))
        }
        other => Trouble::unreachable(host, &format!("no answer of a SQL Server: {other}")),
    }
}

/// An error in words; those of the server only where they cannot hold data.
pub(super) fn failed(host: &str, error: &Error) -> Trouble {
    match error {
        Error::Server(told) => said(host, (told.code(), told.class()), told.message()),
        Error::Io { message, .. } => Trouble::broke_off(host, message),
        other => Trouble::broke_off(host, &other.to_string()),
    }
}

/// What the server says: a number, how grave it is, words.
pub(super) fn said(host: &str, (number, class): (u32, u8), words: &str) -> Trouble {
    let code = number.to_string();
    match number {
        18_401 | 18_450..=18_452 | 18_456..=18_458 | 18_470 | 18_486..=18_488 => {
            Trouble::credentials(host)
        }
        number if is_away(number) => Trouble::unreachable(host, words),
        1_205 | 1_222 => fault::too_long(host),
        number if is_refused(number) => fault::query(host, &code, words),
        _ if class >= 20 => Trouble::broke_off(host, words),
        _ => fault::failed(host, &code),
    }
}

/// Out of memory or workers, paused, starting, recovering, a replica that is not ready.
fn is_away(code: u32) -> bool {
    matches!(
        code,
        701 | 802 | 921
            ..=924
                | 927
                | 942
                | 945
                | 976
                | 979
                | 982
                | 983
                | 6_005
                | 8_645
                | 10_928
                | 10_929
                | 17_142
                | 17_188
                | 17_809
                | 18_461
                | 40_197
                | 40_501
                | 40_613
    )
}

/// Syntax, names of databases, tables and columns, types that do not go together, rights.
fn is_refused(code: u32) -> bool {
    matches!(
        code,
        102..=109 | 116 | 121 | 134 | 137 | 156 | 164 | 174 | 195 | 201 | 205..=209 | 229
            | 230 | 262 | 297 | 300 | 305 | 306 | 319 | 402 | 421 | 911 | 916 | 978 |
            1_033 | 1_038 | 2_812 | 4_060 | 4_064 | 4_104 | 4_121 | 4_145 | 8_114..=8_117
            | 8_120 | 8_155 | 8_156 | 11_501..=11_550
    )
}
