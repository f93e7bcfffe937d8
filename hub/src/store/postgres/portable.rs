//! A database that rows are taken from, or that is filled with them.

use deadpool_postgres::{GenericClient, Transaction};
use jiff::Timestamp;
use tokio_postgres::types::ToSql;

use super::{
    PostgresStore,
    failure::{self, Failure},
    known, open, pruning,
    session::{self, signed},
    snapshot, write,
};
use crate::store::{
    Answer, StoreError,
    portable::{
        self, Arriving, Filled, Kind, Leaving, Origin, PARTS, Part, Portable, Row, Snapshot,
        Standing, Value,
    },
};

type Column = Box<dyn ToSql + Sync + Send>;

/// What the store knows of being left, filled, or a backup.
pub(super) struct Marks(portable::Marks<String>);

impl Marks {
    pub(super) async fn read(client: &impl GenericClient) -> Result<Self, Failure> {
        let row = client.query_one("SELECT leaving, arriving, backup FROM head", &[]).await?;
        Ok(Self([row.try_get(0)?, row.try_get(1)?, row.try_get(2)?]))
    }

    /// The same of a store of which it is not known how far its schema is.
    pub(super) async fn of_any_schema(client: &impl GenericClient) -> Result<Self, Failure> {
        let names = ["leaving", "arriving", "backup"];
        let sql = "SELECT attname::text FROM pg_attribute
                   WHERE attrelid = to_regclass('lienthong.head') AND attname = ANY ($1)";
        let known = session::rows(client, sql, &[&names.as_slice()]).await?;
        let known: Vec<&str> = known.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        if known.is_empty() {
            return Ok(Self([const { None }; 3]));
        }
        let all = names.map(|name| if known.contains(&name) { name } else { "NULL::text" });
        let row = client.query_one(&format!("SELECT {} FROM head", all.join(", ")), &[]).await?;
        Ok(Self([row.try_get(0)?, row.try_get(1)?, row.try_get(2)?]))
    }

    /// Refuses a store that has any.
    pub(super) fn open_for_all(&self) -> Result<(), StoreError> {
        portable::open_for_all(&self.0)
    }

    /// Whether there is any.
    pub(super) fn is_any(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    pub(super) fn is_arriving(&self) -> bool {
        let [_, arriving, _] = &self.0;
        arriving.is_some()
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
    if Marks::read(transaction).await?.is_any() || !empty {
        return Err(portable::not_empty().into());
    }
    let sql = "UPDATE head SET log_id = $1, dedup_key = $2, ended_logs = $3, arriving = $4";
    let Origin { log_id, dedup_key, ended_logs, .. } = origin;
    let values: [session::Value<'_>; 4] = [log_id, dedup_key, ended_logs, &portable::text(mark)];
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
                   pruned = $8, arriving = $7,
                   erased = (SELECT max(position) FROM erased) WHERE arriving = $6";
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

/// Makes a store that was filled what it was filled for.
async fn complete(
    transaction: &Transaction<'_>,
    mark: &Arriving,
    filled: Filled,
) -> Result<(), Failure> {
    advance(transaction, mark, None).await?;
    match filled {
        Filled::Moved => {}
        Filled::Backup(backup) => {
            let sql = "UPDATE head SET backup = $1";
            transaction.execute(sql, &[&portable::text(&backup)]).await?;
        }
        Filled::Restored { log_id, taken_at } => {
            let mut tip = known::tip_held(transaction).await?;
            let only = [tip.restore(Timestamp::now(), log_id, taken_at)?];
            let mut rows = write::entries(&only);
            rows.push(write::head(&tip));
            session::write_soon(transaction, rows).await?;
            let sql = "UPDATE head SET log_id = $1, ended_logs = $2";
            transaction.execute(sql, &[&tip.log.id, &tip.log.ended_text()]).await?;
        }
    }
    Ok(())
}

impl Portable for PostgresStore {
    fn standing(&self) -> Answer<'_, Result<Standing, StoreError>> {
        alone!(self, |transaction| {
            let is_empty = is_empty(&transaction).await?;
            portable::standing(&Marks::read(&transaction).await?.0, is_empty)?
        })
    }

    fn leave(&self, mark: Option<Leaving>) -> Answer<'_, Result<(), StoreError>> {
        alone!(self, |transaction| {
            pruning::hold_off(&transaction).await?;
            let text = mark.as_ref().map(portable::text);
            transaction.execute("UPDATE head SET leaving = $1", &[&text]).await?;
        })
    }

    fn snapshot(&self) -> Answer<'_, Result<Box<dyn Snapshot>, StoreError>> {
        Box::pin(async { Ok(snapshot::now(&self.sessions).await?) })
    }

    fn welcome(&self, origin: Origin, mark: Arriving) -> Answer<'_, Result<(), StoreError>> {
        alone!(self, |transaction| welcome(&transaction, &origin, &mark).await?)
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

    fn complete(&self, mark: Arriving, filled: Filled) -> Answer<'_, Result<(), StoreError>> {
        alone!(self, |transaction| complete(&transaction, &mark, filled).await?)
    }
}
