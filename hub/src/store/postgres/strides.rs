//! Strides: made by one process at a time, in pieces.

use std::collections::{BTreeSet, HashMap};

use deadpool_postgres::{GenericClient, Transaction};

use super::{
    PostgresStore,
    failure::Failure,
    names::NamesSeen,
    rolling,
    session::{self, Rows, signed, soon, unsigned},
};
use crate::store::{
    Answer, CellQuery, StoreError,
    batch::{Level, slot::Slot},
    numbers::{At, Counts, Sums},
    strides::{self, Page, ROWS_AT_ONCE, Row, Strides, merged, unpacked},
    walk::{Only, Step, Walk},
};

/// A key of rows.
type Key = (i64, i64);

/// Before any row.
const START: Key = (i64::MIN, i64::MIN);

/// Makes the next piece, where the rollups have passed its stride and nobody else is at it.
async fn make(store: &PostgresStore) -> Result<bool, Failure> {
    let mut client = store.sessions.writer().await?;
    let transaction = session::begin(&mut client).await?;
    let sql = "SELECT s.made, r.position FROM strided s, rolled r FOR UPDATE OF s SKIP LOCKED";
    let Some(row) = session::row(&transaction, sql, &[]).await? else { return Ok(false) };
    let (made, rolled) = (unsigned(row.try_get(0)?), unsigned(row.try_get(1)?));
    let stride = made + 1;
    if rolled < strides::own(stride).1 {
        return Ok(false);
    }
    let sql = "SELECT slot, inside FROM strides WHERE stride = $1
               ORDER BY slot DESC, inside DESC LIMIT 1";
    let last = session::row(&transaction, sql, &[&signed(stride)]).await?;
    let after = last.map(|row| Ok::<_, Failure>((row.try_get(0)?, row.try_get(1)?))).transpose()?;
    let after = after.unwrap_or(START);
    let mut parts = vec![page(own(&transaction, &store.names, stride).await?, after)];
    for one in strides::within(stride) {
        parts.push(stored(&transaction, one, after).await?);
    }
    let (rows, last) = merged(parts);
    let sql = "INSERT INTO strides (stride, slot, inside, days)
               SELECT ($1::bigint[])[1], w.slot, w.inside, w.days
               FROM unnest($2::bigint[], $3::bigint[], $4::bytea[]) w (slot, inside, days)";
    let written = Rows::new(sql, rows.len())
        .with(vec![signed(stride)])
        .with(rows.iter().map(|((slot, _), _)| *slot).collect())
        .with(rows.iter().map(|((_, inside), _)| *inside).collect())
        .with(rows.iter().map(|(_, sums)| sums.packed()).collect());
    session::write_soon(&transaction, vec![written]).await?;
    if last {
        let sql = "UPDATE strided SET made = w.made FROM unnest($1::bigint[]) w (made)";
        let made = Rows::new(sql, 1).with(vec![signed(stride)]);
        session::write_soon(&transaction, vec![made]).await?;
    }
    session::commit(transaction).await?;
    Ok(true)
}

/// What the entries at a stride's end come to.
async fn own(
    client: &impl GenericClient,
    names: &NamesSeen,
    stride: u64,
) -> Result<Vec<Row>, Failure> {
    let (from, to) = strides::own(stride);
    let sums = rolling::sums(client, from, to).await?;
    let rows = names.rows(client, &sums).await?;
    Ok(rows.into_iter().map(|(slot, inside, sums)| ((slot, inside), sums)).collect())
}

fn page(mut rows: Vec<Row>, after: Key) -> Page {
    rows.retain(|(key, _)| *key > after);
    let more = rows.len() > ROWS_AT_ONCE;
    rows.truncate(ROWS_AT_ONCE);
    (rows, more)
}

fn row(row: &tokio_postgres::Row) -> Result<Row, Failure> {
    Ok(((row.try_get(0)?, row.try_get(1)?), unpacked(row.try_get(2)?)?))
}

/// Rows of a stride behind one.
async fn stored(client: &impl GenericClient, stride: u64, after: Key) -> Result<Page, Failure> {
    let sql = "SELECT slot, inside, days FROM strides
               WHERE stride = $1 AND (slot, inside) > ($2, $3) ORDER BY slot, inside LIMIT $4";
    let limit = i64::try_from(ROWS_AT_ONCE + 1).unwrap_or(i64::MAX);
    let values: [session::Value<'_>; 4] = [&signed(stride), &after.0, &after.1, &limit];
    let found = session::rows(client, sql, &values).await?;
    Ok(page(found.iter().map(row).collect::<Result<_, _>>()?, after))
}

/// Adds what strides say; names that are asked for by their numbers.
pub(super) async fn add(
    client: &impl GenericClient,
    (query, level): (&CellQuery, &'static Level),
    outer: Option<i64>,
    all: &[u64],
    sums: &mut Sums<'_>,
) -> Result<(), Failure> {
    let walk = Walk::new(query, level, Only { outer, inner: None });
    let ((first, _), last) = walk.ends();
    let sql = "SELECT slot, inside, days FROM strides
               WHERE stride = ANY ($1) AND slot BETWEEN $2 AND $3
                   AND ($4::text IS NULL OR inside = (SELECT name FROM names WHERE text = $4))";
    let all: Vec<i64> = all.iter().map(|one| signed(*one)).collect();
    let inner = query.only(level.inner);
    let values: [session::Value<'_>; 4] = [&all, &first, &last, &inner];
    let found = session::rows(client, sql, &values).await?;
    let damaged = || StoreError::fault("a stride has a slot that is none");
    let measures = texts(client, "SELECT measure, text FROM measures", &[]).await?;
    let mut rows: Vec<(Slot, i64, Counts, &[u8])> = Vec::with_capacity(found.len());
    for row in &found {
        let slot = Slot::of(row.try_get(0)?).ok_or_else(damaged)?;
        let inside = row.try_get(1)?;
        let counts = sums.measure(measures.get(&slot.measure).ok_or_else(damaged)?)?;
        if walk.at(slot, inside, counts) == Step::Take {
            rows.push((slot, inside, counts, row.try_get(2)?));
        }
    }
    let numbers: BTreeSet<i64> =
        rows.iter().flat_map(|(slot, inside, ..)| [slot.outer, *inside]).collect();
    let numbers: Vec<i64> = numbers.into_iter().collect();
    let sql = "SELECT name, text FROM names WHERE name = ANY ($1)";
    let names = texts(client, sql, &[&numbers]).await?;
    let mut places: HashMap<(i64, i64), At> = HashMap::new();
    for (slot, inside, counts, days) in rows {
        let at = match places.get(&(slot.outer, inside)) {
            Some(at) => *at,
            None => {
                let outer = names.get(&slot.outer).ok_or_else(damaged)?;
                let inner = names.get(&inside).ok_or_else(damaged)?;
                let at = sums.named(level, (outer, inner));
                places.insert((slot.outer, inside), at);
                at
            }
        };
        walk.add(sums, (at, counts), (slot.year, None), days)?;
    }
    Ok(())
}

async fn texts(
    client: &impl GenericClient,
    sql: &str,
    values: &[session::Value<'_>],
) -> Result<HashMap<i64, String>, Failure> {
    let text = |row: tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?));
    session::rows(client, sql, values).await?.into_iter().map(text).collect()
}

/// Compares every stride with its parts.
pub(super) async fn verify(
    transaction: &Transaction<'_>,
    told: &mut (dyn FnMut(String) + Send),
) -> Result<(), Failure> {
    let names = NamesSeen::default();
    for stride in 1..=made(transaction).await? {
        let (own, mut after) = (own(transaction, &names, stride).await?, START);
        loop {
            let mut parts = vec![page(own.clone(), after)];
            for one in strides::within(stride) {
                parts.push(stored(transaction, one, after).await?);
            }
            let (expected, last) = merged(parts);
            let end = expected.last().map(|(key, _)| *key).filter(|_| !last);
            if between(transaction, stride, (after, end)).await? != expected {
                told(strides::differs(stride));
                break;
            }
            match end {
                Some(end) => after = end,
                None => break,
            }
        }
    }
    Ok(())
}

/// All rows of a stride behind one, up to another.
async fn between(
    client: &impl GenericClient,
    stride: u64,
    (after, end): (Key, Option<Key>),
) -> Result<Vec<Row>, Failure> {
    let end = end.unwrap_or((i64::MAX, i64::MAX));
    let sql = "SELECT slot, inside, days FROM strides
               WHERE stride = $1 AND (slot, inside) > ($2, $3) AND (slot, inside) <= ($4, $5)
               ORDER BY slot, inside";
    let values: [session::Value<'_>; 5] = [&signed(stride), &after.0, &after.1, &end.0, &end.1];
    session::rows(client, sql, &values).await?.iter().map(row).collect()
}

/// How many are made.
async fn made(client: &impl GenericClient) -> Result<u64, Failure> {
    let row = session::row(client, "SELECT made FROM strided", &[]).await?;
    let row = row.ok_or_else(|| StoreError::fault("how many strides are made is lost"))?;
    Ok(unsigned(row.try_get(0)?))
}

impl Strides for PostgresStore {
    fn make_stride(&self) -> Answer<'_, Result<bool, StoreError>> {
        Box::pin(async move { Ok(make(self).await?) })
    }

    fn strides(&self) -> Answer<'_, Result<u64, StoreError>> {
        Box::pin(soon(async move { Ok(made(&self.sessions.reader().await?).await?) }))
    }
}
