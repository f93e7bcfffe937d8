//! A session on MySQL or MariaDB.

use std::time::Duration;

use mysql_async::{
    Column, Conn, Error, Opts, OptsBuilder, Params, Row, SslOpts, Value, consts::ColumnType,
    prelude::Queryable,
};
use tokio::time::timeout;

use super::{
    Found, Settings,
    cell::{Cell, Member, hexadecimal, letters, object, quoted, real},
    fault,
    statement::{Dialect, Wanted},
};
use crate::{
    reach::{Reach, Unreached},
    reading::Trouble,
};

/// How long connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// What the server's own limit is given beyond it, before the connection is given up.
const GRACE: Duration = Duration::from_secs(5);
/// The charset of columns that hold no text.
const BINARY: u16 = 63;

/// A session.
pub(super) struct Session {
    connection: Conn,
    host: String,
    statement_max: Duration,
}

/// Connects to what was judged of an address.
pub(super) async fn connect(address: &str, reach: &Reach) -> Result<(Conn, String), Trouble> {
    let address = address.replacen("mariadb:", "mysql:", 1);
    let options = Opts::from_url(&address).map_err(|_| fault::address())?;
    let (name, port) = (options.ip_or_hostname().to_owned(), options.tcp_port());
    let host = format!("{name}:{port}");
    let found = reach.addresses(&name, port).await.map_err(|why| match why {
        Unreached::NotAllowed(_) => Trouble::not_allowed(&host),
        Unreached::NoAddress(why) => Trouble::unreachable(&host, &why),
    })?;
    let one = found.first().ok_or_else(fault::address)?;
    // What was judged is what is connected to; the certificate is for the name.
    let tls = options
        .ssl_opts()
        .cloned()
        .map(|tls: SslOpts| tls.with_danger_tls_hostname_override(Some(name.clone())));
    let options = OptsBuilder::from_opts(options)
        .ip_or_hostname(one.ip().to_string())
        .resolved_ips(Some(vec![one.ip()]))
        .prefer_socket(Some(false))
        .ssl_opts(tls);
    let connecting = timeout(CONNECT_MAX, Conn::new(options)).await;
    let connection = connecting
        .map_err(|_| Trouble::unreachable(&host, "timeout"))?
        .map_err(|error| failed(&host, &error))?;
    Ok((connection, host))
}

impl Session {
    pub(super) async fn open(
        address: &str,
        settings: &Settings,
        reach: &Reach,
    ) -> Result<Self, Trouble> {
        let (connection, host) = connect(address, reach).await?;
        let statement_max = settings.statement_max;
        let mut session = Self { connection, host, statement_max };
        session.bind(settings.statement_max).await?;
        Ok(session)
    }

    /// Nothing is written, and nothing takes for ever. Servers know one of the two limits, old ones
    /// neither: then ours holds alone.
    async fn bind(&mut self, statement_max: Duration) -> Result<(), Trouble> {
        let (seconds, milliseconds) = (statement_max.as_secs(), statement_max.as_millis());
        for sql in [
            "SET SESSION TRANSACTION READ ONLY".to_owned(),
            format!("SET SESSION max_statement_time = {seconds}"),
            format!("SET SESSION max_execution_time = {milliseconds}"),
            "SET SESSION lock_wait_timeout = 10".to_owned(),
        ] {
            match timeout(CONNECT_MAX, self.connection.query_drop(sql)).await {
                Ok(Ok(()) | Err(Error::Server(_))) => {}
                Ok(Err(error)) => return Err(failed(&self.host, &error)),
                Err(_) => return Err(Trouble::broke_off(&self.host, "timeout")),
            }
        }
        Ok(())
    }

    pub(super) async fn rows(&mut self, wanted: &Wanted<'_>) -> Result<Vec<Found>, Trouble> {
        let statement = wanted.statement(Dialect::Mysql, "q.*", &|_, _| "?".to_owned());
        let values = statement.values.iter().map(|cell| match cell {
            Cell::Number(number) => Value::Int(*number),
            Cell::Text(text) => Value::Bytes(text.clone().into_bytes()),
        });
        let values = Params::Positional(values.collect());
        let asking = self.connection.exec::<Row, _, _>(statement.sql, values);
        let rows = match timeout(self.statement_max + GRACE, asking).await {
            Ok(rows) => rows.map_err(|error| failed(&self.host, &error))?,
            Err(_) => return Err(Trouble::broke_off(&self.host, "timeout")),
        };
        rows.iter().map(|row| found(row, wanted.settings())).collect()
    }
}

fn found(row: &Row, settings: &Settings) -> Result<Found, Trouble> {
    let cell = |name: &String| {
        let at = row.columns_ref().iter().position(|column| column.name_str() == *name);
        let value = at.and_then(|at| Some((row.as_ref(at)?, row.columns_ref().get(at)?)));
        value.and_then(|(value, column)| ordered(value, column)).ok_or_else(|| fault::without(name))
    };
    let watermark = settings.watermark.as_ref().map(cell).transpose()?;
    let key: Result<Vec<Cell>, Trouble> = settings.key.iter().map(cell).collect();
    let columns = row.columns_ref().iter().enumerate().map(|(at, column)| {
        let value = row.as_ref(at).unwrap_or(&Value::NULL);
        (column.name_str(), json(value, column))
    });
    let text = object(columns);
    Ok(Found { watermark, key: key?, text })
}

/// A day or a time; parts may be zero, as such servers have them.
fn time(value: &Value, column: &Column, between: char) -> Option<String> {
    let Value::Date(year, month, day, hour, minute, second, micros) = value else { return None };
    let date = format!("{year:04}-{month:02}-{day:02}");
    if matches!(column.column_type(), ColumnType::MYSQL_TYPE_DATE | ColumnType::MYSQL_TYPE_NEWDATE)
    {
        return Some(date);
    }
    let fraction = if *micros > 0 { format!(".{micros:06}") } else { String::new() };
    Some(format!("{date}{between}{hour:02}:{minute:02}:{second:02}{fraction}"))
}

/// A value by which rows are ordered.
fn ordered(value: &Value, column: &Column) -> Option<Cell> {
    Some(match value {
        Value::Int(number) => Cell::Number(*number),
        Value::UInt(number) => match i64::try_from(*number) {
            Ok(number) => Cell::Number(number),
            Err(_) => Cell::Text(number.to_string()),
        },
        Value::Date(..) => Cell::Text(time(value, column, ' ')?),
        Value::Bytes(bytes) if is_number(column) => {
            let text = letters(bytes);
            text.parse().map_or_else(|_| Cell::Text(text.into_owned()), Cell::Number)
        }
        Value::Bytes(bytes) => Cell::Text(std::str::from_utf8(bytes).ok()?.to_owned()),
        Value::NULL | Value::Float(_) | Value::Double(_) | Value::Time(..) => return None,
    })
}

fn is_number(column: &Column) -> bool {
    let kind = column.column_type();
    matches!(kind, ColumnType::MYSQL_TYPE_DECIMAL | ColumnType::MYSQL_TYPE_NEWDECIMAL)
}

fn json<'a>(value: &'a Value, column: &Column) -> Member<'a> {
    Member::Json(match value {
        Value::NULL => return Member::Null,
        Value::Int(number) => return Member::Integer(*number),
        Value::UInt(number) => number.to_string(),
        // The shortest text of a number of 32 bits, not of its 64.
        Value::Float(number) => number.to_string().parse().map_or_else(|_| real(0.0), real),
        Value::Double(number) => real(*number),
        Value::Date(..) => quoted(&time(value, column, 'T').unwrap_or_default()),
        Value::Time(negative, days, hours, minutes, seconds, micros) => {
            let sign = if *negative { "-" } else { "" };
            let hours = u32::from(*hours) + days * 24;
            let fraction = if *micros > 0 { format!(".{micros:06}") } else { String::new() };
            format!("\"{sign}{hours:02}:{minutes:02}:{seconds:02}{fraction}\"")
        }
        Value::Bytes(bytes) => match column.column_type() {
            _ if is_number(column) => letters(bytes).into_owned(),
            ColumnType::MYSQL_TYPE_BIT => {
                bytes.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte)).to_string()
            }
            ColumnType::MYSQL_TYPE_JSON => return Member::Text(letters(bytes)),
            _ if column.character_set() == BINARY => hexadecimal(bytes),
            _ => return Member::Text(letters(bytes)),
        },
    })
}

/// An error in words; those of the server only where they cannot hold data.
pub(super) fn failed(host: &str, error: &Error) -> Trouble {
    let told = match error {
        Error::Server(told) => told,
        Error::Io(why) => return Trouble::unreachable(host, &why.to_string()),
        Error::Url(_) => return fault::address(),
        other => return Trouble::broke_off(host, &other.to_string()),
    };
    let code = told.code.to_string();
    match told.code {
        1044 | 1045 | 1698 | 1820 | 1862 | 3118 => Trouble::credentials(host),
        1040 | 1041 | 1129 | 1130 | 1203 | 1226 => Trouble::unreachable(host, &told.message),
        1205 | 1213 | 1317 | 1969 | 3024 => fault::too_long(host),
        1053 | 1077 | 1078 | 1079 | 1152..=1161 => Trouble::broke_off(host, &told.message),
        // Names of databases, tables and columns, syntax, rights.
        1046 | 1049 | 1051 | 1052 | 1054 | 1060 | 1064 | 1109 | 1142 | 1143 | 1146 | 1305
        | 1370 | 1792 => fault::query(host, &code, &told.message),
        _ => fault::failed(host, &code),
    }
}
