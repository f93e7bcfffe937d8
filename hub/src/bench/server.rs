//! A PostgreSQL server, and databases of the benchmark's own in it.

use std::{
    fs,
    io::{Write, stderr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use tokio_postgres::Config;

use super::{BenchError, child, clock};
use crate::{config::StoreAddress, store::postgres::connect};

/// What every database of the benchmark begins with; whatever bears another name is not touched.
const DATABASES: &str = "lienthong_bench";

/// How long a session may take to end that was told to.
const END_MILLIS_MAX: u32 = 5_000;
/// How often a database is dropped that is still in use: the server itself waits 5 s each time.
const DROPS_MAX: u32 = 4;

/// A server in which databases may be made.
pub(super) struct Server {
    /// The address as it was told, with its password.
    line: String,
    address: StoreAddress,
    config: Config,
}

impl Server {
    /// The server of an address, once it has let us in and says that we may make databases.
    pub(super) fn reach(line: &str, config: &Config) -> Result<Self, BenchError> {
        let address = StoreAddress::Postgres(Box::new(config.clone()));
        let server = Self { line: line.to_owned(), address, config: config.clone() };
        let told = child::wait(async {
            let sql = "SELECT rolcreatedb OR rolsuper, rolname FROM pg_roles
                       WHERE rolname = current_user";
            let row = connect(config).await?.query_one(sql, &[]).await?;
            Ok::<(bool, String), BenchError>((row.try_get(0)?, row.try_get(1)?))
        })?;
        let address = &server.address;
        let (may, role) = match told {
            Ok(told) => told,
            Err(error) => return Err(BenchError::Unreachable(format!("{address}: {error}"))),
        };
        if !may {
            return Err(BenchError::Input(format!(
                "{address}: role {role} may make no databases, and a benchmark works in databases \
                 of its own: ALTER ROLE {role} CREATEDB"
            )));
        }
        Ok(server)
    }

    /// Makes an empty database.
    pub(super) fn database(self: &Arc<Self>) -> Result<Database, BenchError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{DATABASES}_{}_{count}", std::process::id());
        // Whatever the server's own language is, the store's texts are UTF-8.
        let sql = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
        self.order(&sql)?;
        let (mut config, line) = (Box::new(self.config.clone()), naming(&self.line, &name));
        config.dbname(&name);
        let server = self.clone();
        let mut database = Database { line, config, server_process: None, name, server };
        database.server_process = database.server_process()?;
        Ok(database)
    }

    /// Drops a database with the sessions that a hub killed a moment ago has left in it. Not by
    /// `WITH (FORCE)`: that fails where the server is vacuuming there, which a plain DROP ends.
    fn drop_database(&self, name: &str) -> Result<(), BenchError> {
        let end = format!(
            "SELECT pg_terminate_backend(pid, {END_MILLIS_MAX}) FROM pg_stat_activity
             WHERE datname = '{name}' AND usename = current_user"
        );
        let mut dropped = Ok(());
        for _ in 0..DROPS_MAX {
            self.order(&end)?;
            dropped = self.order(&format!("DROP DATABASE IF EXISTS {name}"));
            if dropped.is_ok() {
                break;
            }
        }
        dropped
    }

    fn order(&self, sql: &str) -> Result<(), BenchError> {
        child::wait(async { Ok(connect(&self.config).await?.batch_execute(sql).await?) })?
    }
}

/// A database that is dropped at the end, whatever that is.
pub(super) struct Database {
    /// Its address as `hub.toml` has it, with the password.
    pub(super) line: String,
    pub(super) config: Box<Config>,
    /// The process that has started all others of the server, where they run on this machine.
    pub(super) server_process: Option<u32>,
    name: String,
    server: Arc<Server>,
}

impl Database {
    /// A session shows the name of its database in the list of processes: only a process here that
    /// has the session's number and shows that name is the session's.
    fn server_process(&self) -> Result<Option<u32>, BenchError> {
        child::wait(async {
            let client = connect(&self.config).await?;
            let session: i32 =
                client.query_one("SELECT pg_backend_pid()", &[]).await?.try_get(0)?;
            let title = fs::read_to_string(format!("/proc/{session}/cmdline")).unwrap_or_default();
            let here = title.contains(&self.name);
            Ok(u32::try_from(session).ok().filter(|_| here).and_then(clock::parent))
        })?
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Self { name, server, .. } = self;
        if let Err(error) = server.drop_database(name) {
            // Nothing is left to tell it on when stderr itself fails.
            let _ = writeln!(
                stderr(),
                "{error}; database {name} is left at {}: DROP DATABASE {name}",
                server.address
            );
        }
    }
}

/// An address with another database: of what names one, the last counts.
fn naming(line: &str, database: &str) -> String {
    let line = line.trim_end_matches(['?', '&']);
    // A password may hold a question mark.
    let place = line.split_once('@').map_or(line, |(_, place)| place);
    let before = if place.contains('?') { '&' } else { '?' };
    format!("{line}{before}dbname={database}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_the_database_that_was_made_and_keeps_all_else() {
        for line in [
            "postgres://hub:s3cret?@db.example:5433/province",
            "postgres://hub:s3cret?@db.example:5433/province?",
            "postgres://hub:s3cret?@db.example:5433",
            "postgres://hub:s3cret?@db.example:5433/a?dbname=b&connect_timeout=7",
        ] {
            let address = StoreAddress::told(&naming(line, "made")).unwrap();
            let StoreAddress::Postgres(config) = address else { panic!("{line}") };
            assert_eq!(config.get_dbname(), Some("made"), "{line}");
            assert_eq!(config.get_password(), Some(b"s3cret?".as_slice()), "{line}");
            assert_eq!(config.get_ports(), [5433], "{line}");
            assert_eq!(config.get_connect_timeout().is_some(), line.contains("timeout"));
        }
    }
}
