//! One end of a move.

use deadpool_postgres::{GenericClient, Transaction};
use tokio_postgres::types::ToSql;

use super::{
    PostgresStore,
    failure::{self, Failure},
    open, pruning, scan,
    session::{self, signed, unsigned},
};
use crate::store::{
    Answer, StoreError,
    portable::{
        self, Arriving, BATCH_BYTES_MAX, Counter, FOLDS, Kind, Leaving, Origin, PARTS, Part,
        Portable, Row, Standing, Value,
    },
};

/// Rows fetched between two looks at how many bytes there are: raw bytes come in pieces of 1 MiB.
const ROWS_AT_ONCE: i32 = 16;

type Column = Box<dyn ToSql + Sync + Send>;

/// What the store knows of a move that it takes part in.
pub(super) struct Marks {
    leaving: Option<String>,
    arriving: Option<String>,
}

impl Marks {
    pub(super) async fn read(client: &impl GenericClient) -> Result<Self, Failure> {
        let row = client.query_one("SELECT leaving, arriving FROM head", &[]).await?;
        Ok(Self { leaving: row.try_get(0)?, arriving: row.try_get(1)? })
    }

    /// Refuses a store that takes part in a move.
    pub(super) fn open_for_all(&self) -> Result<(), StoreError> {
        portable::open_for_all(self.leaving.as_deref(), self.arriving.as_deref())
    }

    /// Whether the store is one end of a move.
    pub(super) fn is_any(&self) -> bool {
        self.leaving.is_some() || self.arriving.is_some()
    }

    pub(super) fn is_arriving(&self) -> bool {
        self.arriving.is_some()
    }
}

async fn is_empty(client: &impl GenericClient) -> Result<bool, Failure> {
    let any: Vec<String> =
        PARTS.iter().map(|part| format!("EXISTS (SELECT FROM {})", part.name)).collect();
    let sql = format!(
        "SELECT size = 0 AND messages = 0 AND NOT ({}) FROM head FOR UPDATE",
        any.join(" OR ")
    );
    Ok(client.query_one(&sql, &[]).await?.try_get(0)?)
}

async fn origin(client: &impl GenericClient) -> Result<Origin, Failure> {
    let sql = "SELECT log_id, dedup_key, size, recorded_at, peaks, messages, rules, pruned
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

/// One column of some rows, as an array.
fn column(rows: &mut [Row], at: usize, kind: Kind) -> Column {
    let values = rows.iter_mut().map(|row| std::mem::replace(&mut row[at], Value::Null));
    match kind {
        Kind::Number => Box::new(
            values
                .map(|value| if let Value::Number(number) = value { Some(number) } else { None })
                .collect::<Vec<_>>(),
        ),
        Kind::Text => Box::new(
            values
                .map(|value| if let Value::Text(text) = value { Some(text) } else { None })
                .collect::<Vec<_>>(),
        ),
        Kind::Bytes => Box::new(
            values
                .map(|value| if let Value::Bytes(bytes) = value { Some(bytes) } else { None })
                .collect::<Vec<_>>(),
        ),
    }
}

async fn import(
    transaction: &Transaction<'_>,
    part: &Part,
    mut rows: Vec<Row>,
) -> Result<(), Failure> {
    let mut arrays = Vec::new();
    let mut columns = Vec::new();
    for (at, (_, kind)) in part.columns.iter().enumerate() {
        let array = match kind {
            Kind::Number => "bigint",
            Kind::Text => "text",
            Kind::Bytes => "bytea",
        };
        arrays.push(format!("${}::{array}[]", at + 1));
        columns.push(column(&mut rows, at, *kind));
    }
    let (name, all, arrays) = (part.name, part.all(), arrays.join(", "));
    let sql = format!("INSERT INTO {name} ({all}) SELECT * FROM unnest({arrays})");
    let statement = transaction.prepare_cached(&sql).await?;
    let values: Vec<session::Value<'_>> = columns.iter().map(|one| &**one as _).collect();
    transaction.execute(&statement, &values).await?;
    Ok(())
}

/// Puts a mark in the place of another.
async fn advance(
    transaction: &Transaction<'_>,
    before: &Arriving,
    after: Option<&Arriving>,
) -> Result<(), Failure> {
    let sql = "UPDATE head SET arriving = $2 WHERE arriving = $1";
    let statement = transaction.prepare_cached(sql).await?;
    let (before, after) = (portable::text(before), after.map(portable::text));
    match transaction.execute(&statement, &[&before, &after]).await? {
        1 => Ok(()),
        _ => Err(portable::not_as_left().into()),
    }
}

async fn welcome(
    transaction: &Transaction<'_>,
    origin: &Origin,
    mark: &Arriving,
) -> Result<(), Failure> {
    let empty = is_empty(transaction).await?;
    let Marks { leaving, arriving } = Marks::read(transaction).await?;
    if leaving.is_some() || arriving.is_some() || !empty {
        return Err(portable::not_empty().into());
    }
    let sql = "UPDATE head SET log_id = $1, dedup_key = $2, arriving = $3";
    let values: [session::Value<'_>; 3] =
        [&origin.log_id, &origin.dedup_key, &portable::text(mark)];
    transaction.execute(sql, &values).await?;
    open::partitions_for(transaction, (origin.size, origin.messages)).await
}

async fn settle(
    transaction: &Transaction<'_>,
    origin: &Origin,
    before: &Arriving,
    after: &Arriving,
) -> Result<(), Failure> {
    let sql = "UPDATE head SET size = $1, recorded_at = $2, peaks = $3, messages = $4, rules = $5,
                   pruned = $8, arriving = $7 WHERE arriving = $6";
    let (size, messages) = (signed(origin.size), signed(origin.messages));
    let values: [session::Value<'_>; 8] = [
        &size,
        &origin.recorded_at,
        &origin.peaks,
        &messages,
        &origin.rules,
        &portable::text(before),
        &portable::text(after),
        &signed(origin.pruned),
    ];
    match transaction.execute(sql, &values).await? {
        1 => Ok(()),
        _ => Err(portable::not_as_left().into()),
    }
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

impl Portable for PostgresStore {
    fn standing(&self) -> Answer<'_, Result<Standing, StoreError>> {
        alone!(self, |transaction| {
            let is_empty = is_empty(&transaction).await?;
            let Marks { leaving, arriving } = Marks::read(&transaction).await?;
            Standing {
                leaving: portable::mark(leaving.as_deref())?,
                arriving: portable::mark(arriving.as_deref())?,
                is_empty,
            }
        })
    }

    fn leave(&self, mark: Option<Leaving>) -> Answer<'_, Result<(), StoreError>> {
        alone!(self, |transaction| {
            pruning::hold_off(&transaction).await?;
            let text = mark.as_ref().map(portable::text);
            transaction.execute("UPDATE head SET leaving = $1", &[&text]).await?;
        })
    }

    fn origin(&self) -> Answer<'_, Result<Origin, StoreError>> {
        alone!(self, |transaction| origin(&transaction).await?)
    }

    fn welcome(&self, origin: Origin, mark: Arriving) -> Answer<'_, Result<(), StoreError>> {
        alone!(self, |transaction| welcome(&transaction, &origin, &mark).await?)
    }

    fn export(
        &self,
        part: &'static Part,
        after: Option<Vec<Value>>,
    ) -> Answer<'_, Result<Vec<Row>, StoreError>> {
        alone!(self, |transaction| export(&transaction, part, after).await?)
    }

    fn import(
        &self,
        part: &'static Part,
        rows: Vec<Row>,
        (before, after): (Arriving, Arriving),
    ) -> Answer<'_, Result<(), StoreError>> {
        alone!(self, |transaction| {
            advance(&transaction, &before, Some(&after)).await?;
            import(&transaction, part, rows).await?;
        })
    }

    fn settle(
        &self,
        origin: Origin,
        (before, after): (Arriving, Arriving),
    ) -> Answer<'_, Result<(), StoreError>> {
        alone!(self, |transaction| settle(&transaction, &origin, &before, &after).await?)
    }

    fn complete(&self, mark: Arriving) -> Answer<'_, Result<(), StoreError>> {
        alone!(self, |transaction| advance(&transaction, &mark, None).await?)
    }

    fn counters(&self) -> Answer<'_, Result<Vec<Counter>, StoreError>> {
        alone!(self, |transaction| counters(&transaction).await?)
    }
}
