//! A database's rows as of one moment.
//!
//! One session holds the moment, and others read as of it: a transaction each, so that a session
//! that is lost in between costs one batch and not all of them.

use deadpool_postgres::{ClientWrapper, Object, Transaction};
use tokio_postgres::types::ToSql;

use super::{
    failure::{self, Failure},
    pruning, scan,
    session::{self, Sessions, unsigned},
};
use crate::store::{
    Answer, StoreError,
    portable::{BATCH_BYTES_MAX, Counter, FOLDS, Kind, Origin, PARTS, Part, Row, Snapshot, Value},
};

/// Rows fetched between two looks at how many bytes there are: raw bytes come in pieces of 1 MiB.
const ROWS_AT_ONCE: i32 = 16;

/// What the session that holds the moment is told: it waits long, and for nothing else.
const HOLDING: &str = "SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '60s';
                       SET statement_timeout = '70s'";

type Column = Box<dyn ToSql + Sync + Send>;

/// A moment, as long as its session lives.
struct Moment {
    sessions: Sessions,
    /// The moment's name.
    name: String,
    /// Taken out of its pool, so that it ends with this.
    _holds: ClientWrapper,
}

/// What a database holds now. Raw bytes are not pruned as long as it is held.
pub(super) async fn now(sessions: &Sessions) -> Result<Box<dyn Snapshot>, Failure> {
    let holds = Object::take(sessions.reader().await?);
    holds.batch_execute(HOLDING).await?;
    // Before the moment: what is dropped by who prunes is gone for every moment.
    pruning::keep_away(&holds).await?;
    holds.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let name = holds.query_one("SELECT pg_export_snapshot()", &[]).await?.try_get(0)?;
    Ok(Box::new(Moment { sessions: sessions.clone(), name, _holds: holds }))
}

/// Runs work as of a moment.
macro_rules! then {
    ($moment:expr, |$transaction:ident| $work:expr) => {
        Box::pin(async move {
            let work = async {
                let mut client = $moment.sessions.reader().await?;
                let $transaction = session::at_one_moment(&mut client).await?;
                let sql = format!("SET TRANSACTION SNAPSHOT '{}'", $moment.name);
                $transaction.batch_execute(&sql).await?;
                let done = $work;
                $transaction.commit().await.map_err(failure::of_commit)?;
                Ok::<_, Failure>(done)
            };
            work.await.map_err(StoreError::from)
        })
    };
}

async fn origin(client: &Transaction<'_>) -> Result<Origin, Failure> {
    let sql = "SELECT log_id, dedup_key, size, recorded_at, peaks, messages, rules, pruned,
                      ended_logs
               FROM head";
    let row = client.query_one(sql, &[]).await?;
    Ok(Origin {
        log_id: row.try_get(0)?,
        dedup_key: row.try_get(1)?,
        size: unsigned(row.try_get(2)?),
        recorded_at: row.try_get(3)?,
        peaks: row.try_get(4)?,
        messages: unsigned(row.try_get(5)?),
        rules: row.try_get(6)?,
        pruned: unsigned(row.try_get(7)?),
        ended_logs: row.try_get(8)?,
    })
}

/// A value as a parameter of a statement.
fn parameter(value: Value) -> Column {
    match value {
        Value::Null => Box::new(None::<i64>),
        Value::Number(number) => Box::new(number),
        Value::Text(text) => Box::new(text),
        Value::Bytes(bytes) => Box::new(bytes),
    }
}

fn row(part: &Part, found: &tokio_postgres::Row) -> Result<Row, Failure> {
    let mut row = Row::with_capacity(part.columns.len());
    for (at, (_, kind)) in part.columns.iter().enumerate() {
        let value = match kind {
            Kind::Number => found.try_get::<_, Option<i64>>(at)?.map(Value::Number),
            Kind::Text => found.try_get::<_, Option<String>>(at)?.map(Value::Text),
            Kind::Bytes => found.try_get::<_, Option<Vec<u8>>>(at)?.map(Value::Bytes),
        };
        row.push(value.unwrap_or(Value::Null));
    }
    Ok(row)
}

async fn export(
    transaction: &Transaction<'_>,
    part: &Part,
    after: Option<Vec<Value>>,
) -> Result<Vec<Row>, Failure> {
    let named = part.columns.iter().map(|(name, kind)| match kind {
        Kind::Number => format!("{name}::bigint"),
        Kind::Text | Kind::Bytes => (*name).to_owned(),
    });
    let columns = named.collect::<Vec<_>>().join(", ");
    let following = part.following(after.is_some(), |number, kind| match kind {
        Kind::Number => format!("${number}::bigint"),
        Kind::Text | Kind::Bytes => format!("${number}"),
    });
    let statement =
        transaction.prepare_cached(&format!("SELECT {columns} FROM {following}")).await?;
    let values: Vec<Column> = after.unwrap_or_default().into_iter().map(parameter).collect();
    let values: Vec<session::Value<'_>> = values.iter().map(|one| &**one as _).collect();
    let portal = transaction.bind(&statement, &values).await?;
    let (mut rows, mut bytes) = (Vec::new(), 0);
    while bytes < BATCH_BYTES_MAX {
        let found = transaction.query_portal(&portal, ROWS_AT_ONCE).await?;
        for one in &found {
            let row = row(part, one)?;
            bytes += row.iter().map(Value::bytes).sum::<usize>();
            rows.push(row);
        }
        if found.len() < ROWS_AT_ONCE as usize {
            break;
        }
    }
    Ok(rows)
}

async fn counters(transaction: &Transaction<'_>) -> Result<Vec<Counter>, Failure> {
    scan::settings(transaction).await?;
    scan::whole_tables(transaction).await?;
    let mut counters = Vec::new();
    for name in PARTS.iter().map(|part| part.name).chain(FOLDS) {
        let sql = format!("SELECT count(*) FROM {name}");
        counters.push((name, unsigned(transaction.query_one(&sql, &[]).await?.try_get(0)?)));
    }
    Ok(counters)
}

impl Snapshot for Moment {
    fn origin(&self) -> Answer<'_, Result<Origin, StoreError>> {
        then!(self, |transaction| origin(&transaction).await?)
    }

    fn export(
        &self,
        part: &'static Part,
        after: Option<Vec<Value>>,
    ) -> Answer<'_, Result<Vec<Row>, StoreError>> {
        then!(self, |transaction| export(&transaction, part, after).await?)
    }

    fn counters(&self) -> Answer<'_, Result<Vec<Counter>, StoreError>> {
        then!(self, |transaction| counters(&transaction).await?)
    }
}
