//! Connections and what runs over them.

use std::{fmt::Display, time::Duration};

use deadpool_postgres::{
    ClientWrapper, GenericClient, Hook, HookError, Manager, ManagerConfig, Object, Pool,
    RecyclingMethod, Runtime, Transaction,
};
use futures_util::future::try_join_all;
use rustls_platform_verifier::ConfigVerifierExt;
use tokio_postgres::{Client, Config, IsolationLevel, Row, types::ToSql};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::{self, Failure};
use crate::store::StoreError;

/// Connections that write: the batches under way, what is done under a lease, and what an operator
/// does beside it.
const WRITERS_MAX: usize = 4;
/// Connections that read.
const READERS_MAX: usize = 8;
/// How long anything waits for a connection.
pub(super) const CONNECTION_WAIT: Duration = Duration::from_secs(5);
/// How long a connection that lay idle may take to show that it still works: shorter, so that
/// whoever waits gets to a new one.
const RECYCLE_WAIT: Duration = Duration::from_secs(2);
/// After so long without use a connection is asked whether it still works.
const FRESH: Duration = Duration::from_millis(500);
/// How long a step that is small may stay without an answer. A server that lives says no by itself
/// before that, its statement timeout being shorter; one that says nothing is frozen, or the line
/// to it is.
pub(super) const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// What every session is told. Plans go by indexes from the first row on, when no statistics are
/// there yet, and are made once for each statement. A session that its process has left in the
/// middle of a transaction, stopped or cut off, the server ends: it waits 5 s for the next
/// statement, and 10 s for a result to be taken. So long at most are others held by it.
const SESSION: &str = "-c search_path=lienthong -c statement_timeout=8s -c lock_timeout=5s \
                       -c idle_in_transaction_session_timeout=5s -c tcp_user_timeout=10s \
                       -c DateStyle=ISO -c TimeZone=UTC -c jit=off \
                       -c plan_cache_mode=force_generic_plan -c enable_seqscan=off \
                       -c enable_hashjoin=off -c enable_mergejoin=off";

/// The connections of one store.
#[derive(Clone)]
pub(super) struct Sessions {
    writers: Pool,
    readers: Pool,
}

fn away(error: impl Display) -> StoreError {
    StoreError::away(format!("PostgreSQL: {error}"))
}

fn tls() -> Result<MakeRustlsConnect, StoreError> {
    Ok(MakeRustlsConnect::new(rustls::ClientConfig::with_platform_verifier().map_err(away)?))
}

/// A connection with nothing of what the store tells its own sessions: for what is measured beside
/// a hub. It ends when it is dropped, or with its runtime.
///
/// # Errors
/// When there is none to be had.
pub(crate) async fn connect(address: &Config) -> Result<Client, StoreError> {
    let opened =
        within(CONNECTION_WAIT, async { address.connect(tls()?).await.map_err(Failure::from) });
    let (client, connection) = opened.await?;
    // What ends it, whoever uses it is told.
    tokio::spawn(async { connection.await.ok() });
    Ok(client)
}

fn pool(config: &Config, size: usize) -> Result<Pool, StoreError> {
    let tls = tls()?;
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(config.clone(), tls, recycling);
    Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(CONNECTION_WAIT))
        .create_timeout(Some(CONNECTION_WAIT))
        .recycle_timeout(Some(RECYCLE_WAIT))
        .pre_recycle(Hook::async_fn(|client, metrics| Box::pin(works(client, metrics.last_used()))))
        .build()
        .map_err(away)
}

/// Whether a connection still works. A server that has ended meanwhile is noticed before work
/// begins; one that was heard a moment ago need not be asked.
async fn works(client: &ClientWrapper, unused: Duration) -> Result<(), HookError> {
    if unused < FRESH {
        return Ok(());
    }
    match tokio::time::timeout(RECYCLE_WAIT, client.simple_query("")).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(HookError::Backend(error)),
        Err(_) => Err(HookError::message("the server says nothing")),
    }
}

impl Sessions {
    /// Connections to an address; none is opened yet.
    pub(super) fn new(address: &Config) -> Result<Self, StoreError> {
        let mut config = address.clone();
        let own = address.get_options().unwrap_or_default();
        config.options(format!("{SESSION} {own}").trim());
        config.application_name("lienthong").connect_timeout(CONNECTION_WAIT);
        config.keepalives_idle(Duration::from_secs(10)).tcp_user_timeout(Duration::from_secs(20));
        Ok(Self { writers: pool(&config, WRITERS_MAX)?, readers: pool(&config, READERS_MAX)? })
    }

    pub(super) async fn writer(&self) -> Result<Object, Failure> {
        within(CONNECTION_WAIT, async { self.writers.get().await.map_err(Failure::from) }).await
    }

    pub(super) async fn reader(&self) -> Result<Object, Failure> {
        within(CONNECTION_WAIT, async { self.readers.get().await.map_err(Failure::from) }).await
    }
}

/// Work of which the server must be heard in time: else it is given up. What was under way may
/// have been done; its connection shows that it works before anyone uses it again.
pub(super) async fn within<T, E: From<Failure>>(
    wait: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match tokio::time::timeout(wait, work).await {
        Ok(done) => done,
        Err(_) => Err(Failure::silent(wait).into()),
    }
}

/// A small step: see [`ANSWER_WAIT`].
pub(super) async fn soon<T, E: From<Failure>>(
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    within(ANSWER_WAIT, work).await
}

/// Begins a transaction of small steps.
pub(super) async fn begin(client: &mut Object) -> Result<Transaction<'_>, Failure> {
    soon(async { client.transaction().await.map_err(Failure::from) }).await
}

/// Ends a transaction of small steps for good. Without the server's word nobody knows whether it
/// was kept.
pub(super) async fn commit(transaction: Transaction<'_>) -> Result<(), Failure> {
    match tokio::time::timeout(ANSWER_WAIT, transaction.commit()).await {
        Ok(done) => done.map_err(failure::of_commit),
        Err(_) => Err(Failure::silent(ANSWER_WAIT).in_doubt()),
    }
}

/// A transaction that reads the store as it stands at one moment.
pub(super) async fn at_one_moment(client: &mut Object) -> Result<Transaction<'_>, Failure> {
    let transaction = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead);
    Ok(transaction.read_only(true).start().await?)
}

/// A value of a statement.
pub(super) type Value<'a> = &'a (dyn ToSql + Sync);

/// The rows of a statement.
pub(super) async fn rows(
    client: &impl GenericClient,
    sql: &str,
    values: &[Value<'_>],
) -> Result<Vec<Row>, Failure> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query(&statement, values).await?)
}

/// The row of a statement that gives one at most.
pub(super) async fn row(
    client: &impl GenericClient,
    sql: &str,
    values: &[Value<'_>],
) -> Result<Option<Row>, Failure> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query_opt(&statement, values).await?)
}

/// Rows to write: one array a column, so that however many there are, they are one statement.
pub(super) struct Rows<'a> {
    sql: &'static str,
    columns: Vec<Box<dyn ToSql + Sync + Send + 'a>>,
    count: usize,
    bytes: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn new(sql: &'static str, count: usize) -> Self {
        Self { sql, columns: Vec::new(), count, bytes: 0 }
    }

    /// Adds a column.
    pub(super) fn with<T: ToSql + Sync + Send + 'a>(mut self, column: Vec<T>) -> Self {
        self.columns.push(Box::new(column));
        self
    }

    /// Says how large they are, where that is much.
    pub(super) fn of_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    async fn send(&self, client: &impl GenericClient) -> Result<(), Failure> {
        let statement = client.prepare_cached(self.sql).await?;
        let values: Vec<Value<'_>> =
            self.columns.iter().map(|column| &**column as Value<'_>).collect();
        client.execute(&statement, &values).await?;
        Ok(())
    }
}

/// Bytes on their way at once, roughly: they are held twice meanwhile.
const FLIGHT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Writes rows of several tables: all statements are on their way before the first is answered,
/// unless they are too large for that.
pub(super) async fn write(client: &impl GenericClient, all: Vec<Rows<'_>>) -> Result<(), Failure> {
    for flight in flights(all) {
        land(client, flight).await?;
    }
    Ok(())
}

/// The same where each flight is a small step.
pub(super) async fn write_soon(
    client: &impl GenericClient,
    all: Vec<Rows<'_>>,
) -> Result<(), Failure> {
    for flight in flights(all) {
        soon(land(client, flight)).await?;
    }
    Ok(())
}

/// What goes out together.
fn flights(all: Vec<Rows<'_>>) -> Vec<Vec<Rows<'_>>> {
    let (mut flights, mut flight, mut bytes) = (Vec::new(), Vec::new(), 0);
    for rows in all.into_iter().filter(|rows| rows.count > 0) {
        if bytes + rows.bytes > FLIGHT_BYTES_MAX && !flight.is_empty() {
            flights.push(std::mem::take(&mut flight));
            bytes = 0;
        }
        bytes += rows.bytes;
        flight.push(rows);
    }
    flights.push(flight);
    flights
}

async fn land(client: &impl GenericClient, flight: Vec<Rows<'_>>) -> Result<(), Failure> {
    try_join_all(flight.iter().map(|rows| rows.send(client))).await.map(drop)
}

/// A number as PostgreSQL has it: none of the hub's is beyond 2^63.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number back from PostgreSQL; none that the hub wrote is negative.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// 32 bytes of a column.
pub(super) fn hash(row: &Row, column: usize) -> Result<[u8; 32], Failure> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes.try_into().map_err(|_| StoreError::fault("a stored hash is damaged").into())
}

/// The same where there may be none.
pub(super) fn hash_or_none(row: &Row, column: usize) -> Result<Option<[u8; 32]>, Failure> {
    let bytes: Option<&[u8]> = row.try_get(column)?;
    bytes.map(|_| hash(row, column)).transpose()
}
