//! A session on PostgreSQL. The server writes each row as JSON itself.

use std::{collections::HashMap, error::Error, time::Duration};

use bytes::Bytes;
use rustls_platform_verifier::ConfigVerifierExt;
use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{
    Client, Config,
    config::Host,
    types::{FromSql, ToSql, Type},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    Found, Settings,
    cell::{Cell, letters},
    fault,
    statement::{Dialect, Wanted},
};
use crate::{
    reach::{Reach, Unreached},
    reading::Trouble,
};

/// How long connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long a statement may wait for a lock.
const LOCK_SECONDS: u64 = 10;
/// What the server's own limit is given beyond it, before the connection is given up.
const GRACE: Duration = Duration::from_secs(5);

/// A session, ended with its value.
pub(super) struct Session {
    client: Client,
    connection: JoinHandle<()>,
    host: String,
    /// The types of key and watermark, as the server names them.
    types: HashMap<String, String>,
    statement_max: Duration,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// Any text as it came over the line.
struct Raw(Vec<u8>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw.to_vec()))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TEXT
    }
}

/// An address with what is said to the session, and the host for people.
async fn configured(
    address: &str,
    (statement_max, reads): (Duration, bool),
    reach: &Reach,
) -> Result<(Config, String), Trouble> {
    let mut config: Config = address.parse().map_err(|_| fault::address())?;
    // One host by its name: what was judged is what is connected to, and the certificate is for the
    // name.
    let host = match (config.get_hosts(), config.get_hostaddrs()) {
        ([Host::Tcp(host)], []) => host.clone(),
        _ => return Err(fault::address()),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let found = reach.addresses(&host, port).await.map_err(|why| match why {
        Unreached::NotAllowed(_) => Trouble::not_allowed(&host),
        Unreached::NoAddress(why) => Trouble::unreachable(&host, &why),
    })?;
    config.hostaddr(found.first().ok_or_else(fault::address)?.ip());
    let milliseconds = statement_max.as_millis();
    let only = if reads { "on" } else { "off" };
    config.options(format!(
        "-c default_transaction_read_only={only} -c statement_timeout={milliseconds} \
         -c lock_timeout={LOCK_SECONDS}s -c DateStyle=ISO -c TimeZone=UTC"
    ));
    config.application_name("lienthong").connect_timeout(CONNECT_MAX);
    Ok((config, format!("{host}:{port}")))
}

/// Connects; the limits are how long a statement may take, and whether it may only read.
pub(super) async fn connect(
    address: &str,
    limits: (Duration, bool),
    reach: &Reach,
) -> Result<(Client, JoinHandle<()>, String), Trouble> {
    let (config, host) = configured(address, limits, reach).await?;
    let tls = rustls::ClientConfig::with_platform_verifier()
        .map_err(|error| Trouble::unreachable(&host, &error.to_string()))?;
    let connecting = timeout(CONNECT_MAX, config.connect(MakeRustlsConnect::new(tls)));
    let (client, connection) = connecting
        .await
        .map_err(|_| Trouble::unreachable(&host, "timeout"))?
        .map_err(|error| failed(&host, &error))?;
    // What ends it, whoever uses it is told.
    let connection = tokio::spawn(async { drop(connection.await) });
    Ok((client, connection, host))
}

impl Session {
    pub(super) async fn open(
        address: &str,
        settings: &Settings,
        reach: &Reach,
    ) -> Result<Self, Trouble> {
        let limits = (settings.statement_max, true);
        let (client, connection, host) = connect(address, limits, reach).await?;
        let statement_max = settings.statement_max;
        let mut session = Self { client, connection, host, types: HashMap::new(), statement_max };
        session.types = session.types(settings).await?;
        Ok(session)
    }

    async fn soon<T>(
        &self,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Trouble> {
        match timeout(self.statement_max + GRACE, work).await {
            Ok(done) => done.map_err(|error| failed(&self.host, &error)),
            Err(_) => Err(Trouble::broke_off(&self.host, "timeout")),
        }
    }

    async fn types(&self, settings: &Settings) -> Result<HashMap<String, String>, Trouble> {
        let columns = settings.watermark.iter().chain(&settings.key);
        let names: Vec<String> =
            columns.map(|column| format!("q.{}", Dialect::Postgres.name(column))).collect();
        let query = settings.query.trim().trim_end_matches(';');
        let sql = format!("SELECT {} FROM (\n{query}\n) q LIMIT 0", names.join(", "));
        let statement = self.soon(self.client.prepare(&sql)).await?;
        let quoted = |name: &str| Dialect::Postgres.name(name);
        let types = statement.columns().iter().map(|column| {
            let kind = column.type_();
            let name = format!("{}.{}", quoted(kind.schema()), quoted(kind.name()));
            (column.name().to_owned(), name)
        });
        Ok(types.collect())
    }

    pub(super) async fn rows(&mut self, wanted: &Wanted<'_>) -> Result<Vec<Found>, Trouble> {
        let settings = wanted.settings();
        let ordered = settings.watermark.iter().chain(&settings.key);
        let mut columns = vec!["row_to_json(q)::text".to_owned()];
        columns.extend(ordered.map(|name| format!("q.{}::text", Dialect::Postgres.name(name))));
        let types = &self.types;
        let place = |number: usize, column: &str| match types.get(column) {
            Some(kind) => format!("${number}::text::{kind}"),
            None => format!("${number}::text"),
        };
        let statement = wanted.statement(Dialect::Postgres, &columns.join(", "), &place);
        let values: Vec<String> = statement.values.iter().map(|cell| cell.text()).collect();
        let values: Vec<&(dyn ToSql + Sync)> =
            values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let prepared = self.soon(self.client.prepare(&statement.sql)).await?;
        let rows = self.soon(self.client.query(&prepared, &values)).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let text: Raw = row.try_get(0).map_err(|error| failed(&self.host, &error))?;
            let cell = |at: usize, name: &str| {
                let value: Option<Raw> = row.try_get(at).ok().flatten();
                let value = value.ok_or_else(|| fault::without(name))?;
                Ok(Cell::Text(letters(&value.0).into_owned()))
            };
            let marks = usize::from(settings.watermark.is_some());
            let watermark = settings.watermark.as_ref().map(|name| cell(1, name)).transpose()?;
            let key: Result<Vec<Cell>, Trouble> =
                (1 + marks..).zip(&settings.key).map(|(at, name)| cell(at, name)).collect();
            let text = Bytes::from(letters(&text.0).into_owned());
            found.push(Found { watermark, key: key?, text });
        }
        Ok(found)
    }
}

/// An error in words; those of the server only where they cannot hold data.
pub(super) fn failed(host: &str, error: &tokio_postgres::Error) -> Trouble {
    let Some(told) = error.as_db_error() else {
        let cause = std::error::Error::source(error);
        let why = cause.map_or_else(|| error.to_string(), ToString::to_string);
        return match error.to_string().contains("connecting") {
            true => Trouble::unreachable(host, &why),
            false => Trouble::broke_off(host, &why),
        };
    };
    let code = told.code().code();
    match code {
        code if code.starts_with("28") => Trouble::credentials(host),
        "57014" | "55P03" => fault::too_long(host),
        code if code.starts_with("42") || code.starts_with("3D") || code == "25006" => {
            fault::query(host, code, told.message())
        }
        code if code.starts_with("53") || code == "57P03" => {
            Trouble::unreachable(host, told.message())
        }
        code if code.starts_with("57P") || code.starts_with("08") => {
            Trouble::broke_off(host, told.message())
        }
        code => fault::failed(host, code),
    }
}
