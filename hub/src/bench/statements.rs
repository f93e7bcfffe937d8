//! What PostgreSQL does with statements alone: no hub on it does more.

use std::{
    cell::Cell,
    iter::repeat_n,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{TryStreamExt, future::try_join_all};
use tokio::time::timeout;
use tokio_postgres::{Client, Config, Statement};

use super::{
    BenchError, child,
    floors::Rate,
    server::{Database, Server},
    stop,
    wire::ANSWER_MAX,
    workload::Random,
};
use crate::store::postgres::connect;

/// Bytes of a row: about what a message adds to its largest table.
const ROW_BYTES: usize = 1_024;
/// Keys among which look-ups choose, at most.
const KEYS_MAX: i64 = 100_000;

/// Connections, and what is under way on each at once.
#[derive(Clone, Copy)]
struct Lanes {
    connections: usize,
    each: usize,
}

/// Rows of 1 KB under a random key, inserted through `unnest` into one table, each statement a
/// transaction; a part is measured before the hub and a part after it.
#[derive(Debug, Default)]
pub(super) struct Inserts {
    /// One connection, one row a statement.
    pub(super) alone: Rate,
    /// 32 connections, one row a statement.
    pub(super) many: Rate,
    /// Four connections, 64 rows a statement.
    pub(super) groups: Rate,
}

impl Inserts {
    /// Measures all three, each for `time`, in a database of their own.
    pub(super) fn measure(
        &mut self,
        server: &Arc<Server>,
        time: Duration,
    ) -> Result<(), BenchError> {
        let database = server.database()?;
        child::wait(async {
            self.alone.add(insert(&database, (1, 1), time).await?);
            self.many.add(insert(&database, (32, 1), time).await?);
            self.groups.add(insert(&database, (4, 64), time).await?);
            Ok(())
        })?
    }
}

/// So many rows a statement on each of so many connections, into a new table.
async fn insert(
    database: &Database,
    (connections, group): (usize, u64),
    time: Duration,
) -> Result<Rate, BenchError> {
    let table = "DROP TABLE IF EXISTS floor;
                 CREATE TABLE floor (key bigint PRIMARY KEY, body bytea NOT NULL)";
    connect(&database.config).await?.batch_execute(table).await?;
    let sql = "INSERT INTO floor SELECT * FROM unnest($1::bigint[], $2::bytea[])";
    let (next, body) = (Cell::new(0), [7_u8; ROW_BYTES]);
    let bodies = vec![body.as_slice(); group as usize];
    let insert = async |client: &Client, statement: &Statement| {
        let first = next.replace(next.get() + group);
        let random = |number| Random::new(0, number).next().cast_signed();
        let keys: Vec<i64> = (first..first + group).map(random).collect();
        Ok(client.execute(statement, &[&keys, &bodies]).await?)
    };
    repeat(&database.config, Lanes { connections, each: 1 }, sql, time, insert).await
}

/// Look-ups of the public text of a dossier by its number, in the store that a hub has filled.
#[derive(Debug, Default)]
pub(super) struct Lookups {
    /// 64 connections, each with one under way.
    pub(super) single: Rate,
    /// Four connections, each with 16 under way.
    pub(super) pipelined: Rate,
}

impl Lookups {
    /// Measures both, each for `time`.
    pub(super) fn measure(
        &mut self,
        database: &Database,
        time: Duration,
    ) -> Result<(), BenchError> {
        child::wait(async {
            let sql = "SELECT dossier FROM lienthong.dossiers ORDER BY dossier LIMIT $1";
            let found = connect(&database.config).await?.query(sql, &[&KEYS_MAX]).await?;
            let keys: Result<Vec<i64>, _> = found.iter().map(|row| row.try_get(0)).collect();
            let (keys, next) = (keys?, Cell::new(0));
            let sql = "SELECT public FROM lienthong.dossiers WHERE dossier = $1";
            let look_up = async |client: &Client, statement: &Statement| {
                let number = next.replace(next.get() + 1);
                let at = Random::new(0, number).below(keys.len() as u64) as usize;
                let key = keys.get(at).copied().unwrap_or_default();
                let row = client.query_one(statement, &[&key]).await?;
                let text: &[u8] = row.try_get(0)?;
                Ok(u64::from(!text.is_empty()))
            };
            let (wide, deep) =
                (Lanes { connections: 64, each: 1 }, Lanes { connections: 4, each: 16 });
            self.single.add(repeat(&database.config, wide, sql, time, &look_up).await?);
            self.pipelined.add(repeat(&database.config, deep, sql, time, &look_up).await?);
            Ok(())
        })?
    }
}

/// Reads every row of every table of a store, in the server's binary form: rows, bytes and
/// seconds.
pub(super) fn scan(database: &Database) -> Result<(u64, u64, f64), BenchError> {
    child::wait(async {
        let client = connect(&database.config).await?;
        // Of a table in parts, the parts alone have rows.
        let sql = "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c
                   JOIN pg_namespace n ON n.oid = c.relnamespace
                   WHERE n.nspname = 'lienthong' AND c.relkind = 'r' ORDER BY 1";
        let names = client.query(sql, &[]).await?;
        let (began, mut rows, mut bytes) = (Instant::now(), 0, 0);
        for name in &names {
            let name: &str = name.try_get(0)?;
            let copy = format!("COPY {name} TO STDOUT (FORMAT binary)");
            let mut copied = pin!(client.copy_out(&copy).await?);
            // Each row is a message of its own, and so is the end.
            let mut messages = 0_u64;
            while let Some(part) = copied.try_next().await? {
                messages += 1;
                bytes += part.len() as u64;
            }
            rows += messages.saturating_sub(1);
            stop::check()?;
        }
        Ok((rows, bytes, began.elapsed().as_secs_f64()))
    })?
}

/// Does one thing after another on each lane until the time is over; `step` says how much it has
/// done.
async fn repeat(
    address: &Config,
    Lanes { connections, each }: Lanes,
    sql: &str,
    time: Duration,
    step: impl AsyncFn(&Client, &Statement) -> Result<u64, BenchError>,
) -> Result<Rate, BenchError> {
    let mut clients = Vec::new();
    for _ in 0..connections {
        let client = connect(address).await?;
        let statement = client.prepare(sql).await?;
        clients.push((client, statement));
    }
    let (began, count) = (Instant::now(), Cell::new(0));
    let lane = async |(client, statement): &(Client, Statement)| {
        while began.elapsed() < time && !stop::told() {
            let done = step(client, statement).await?;
            count.set(count.get() + done);
        }
        Ok::<_, BenchError>(())
    };
    let lanes = clients.iter().flat_map(|client| repeat_n(client, each)).map(&lane);
    let done = timeout(time + ANSWER_MAX, try_join_all(lanes)).await;
    done.map_err(|_| BenchError::Unreachable("PostgreSQL does not answer".to_owned()))??;
    stop::check()?;
    Ok(Rate::new(count.get(), began.elapsed()))
}
