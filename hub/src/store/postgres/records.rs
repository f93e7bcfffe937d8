//! Records about no dossier: what a batch needs of them, writing them, and reading them.

use std::collections::BTreeSet;

use deadpool_postgres::{GenericClient, Transaction};
use tokio_postgres::Row;

use super::{
    PostgresStore,
    failure::Failure,
    session::{self, Rows, Value, hash, signed, soon, unsigned},
};
use crate::{
    registry::{RecordName, RecordRow, Telling},
    store::{
        Answer, StoreError, Verdict, batch,
        records::{AgencyKey, Expected, RecordFound, RecordQuery, Records, Span},
    },
};

/// Rows read at once.
const PAGE_ROWS_MAX: usize = 4_096;

const COLUMNS: &str = "r.position, r.until, r.contract, r.agency, r.key, r.day, r.version, \
                       r.recorded_at, r.withdraws, r.hash";

fn stored(row: &Row) -> Result<RecordRow, Failure> {
    let position = unsigned(row.try_get(0)?);
    let damaged = |_| StoreError::fault(format!("the record at position {position} is damaged"));
    let recorded_at: &str = row.try_get(7)?;
    let name =
        RecordName { contract: row.try_get(2)?, agency: row.try_get(3)?, key: row.try_get(4)? };
    let telling = Telling {
        name,
        day: row.try_get(5)?,
        version: row.try_get(6)?,
        withdraws: row.try_get(8)?,
    };
    Ok(RecordRow {
        position,
        until: row.try_get::<_, Option<i64>>(1)?.map(unsigned),
        telling,
        recorded_at: recorded_at.parse().map_err(damaged)?,
        content_hash: hash(row, 9)?,
    })
}

/// The current tellings of the records that a batch may touch. Asked with the journal's end held.
pub(super) async fn known(
    client: &impl GenericClient,
    names: &BTreeSet<RecordName>,
) -> Result<batch::Records, Failure> {
    let mut records = batch::Records::default();
    if names.is_empty() {
        return Ok(records);
    }
    let column = |of: fn(&RecordName) -> &str| -> Vec<&str> { names.iter().map(of).collect() };
    let (contracts, agencies) = (column(|name| &name.contract), column(|name| &name.agency));
    let keys = column(|name| &name.key);
    let sql = format!(
        "SELECT {COLUMNS} FROM unnest($1::text[], $2::text[], $3::text[]) w (contract, agency, key)
         JOIN records r ON r.contract = w.contract AND r.agency = w.agency AND r.key = w.key
         WHERE r.until IS NULL"
    );
    let values: [Value<'_>; 3] = [&contracts, &agencies, &keys];
    for row in session::rows(client, &sql, &values).await? {
        records.known(stored(&row)?);
    }
    Ok(records)
}

/// What a batch does to them.
pub(super) fn rows<'a>(fresh: &'a [RecordRow], replaced: &[batch::Replaced]) -> [Rows<'a>; 2] {
    let sql = "UPDATE records r SET until = w.until
               FROM unnest($1::bigint[], $2::bigint[]) w (position, until)
               WHERE r.position = w.position";
    let ended: Rows<'a> = Rows::new(sql, replaced.len())
        .with(replaced.iter().map(|(position, _)| signed(*position)).collect())
        .with(replaced.iter().map(|(_, until)| signed(*until)).collect());
    let sql = "INSERT INTO records (position, until, contract, agency, key, day, version,
                   recorded_at, withdraws, hash)
               SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[],
                   $6::integer[], $7::text[], $8::text[], $9::boolean[], $10::bytea[])";
    let told = || fresh.iter().map(|row| &row.telling);
    let added = Rows::new(sql, fresh.len())
        .with(fresh.iter().map(|row| signed(row.position)).collect())
        .with(fresh.iter().map(|row| row.until.map(signed)).collect())
        .with(told().map(|told| told.name.contract.as_str()).collect())
        .with(told().map(|told| told.name.agency.as_str()).collect())
        .with(told().map(|told| told.name.key.as_str()).collect())
        .with(told().map(|told| told.day).collect())
        .with(told().map(|told| told.version.as_deref()).collect())
        .with(fresh.iter().map(|row| row.recorded_at.to_string()).collect())
        .with(told().map(|told| told.withdraws).collect())
        .with(fresh.iter().map(|row| row.content_hash.as_slice()).collect());
    [ended, added]
}

/// Compares what is stored with what the journal tells.
pub(super) async fn verify(
    transaction: &Transaction<'_>,
    rows: Vec<RecordRow>,
    verdict: &mut Verdict,
) -> Result<(), Failure> {
    let mut expected = Expected::new(rows);
    let sql = format!(
        "SELECT {COLUMNS} FROM records r WHERE r.position > $1 ORDER BY r.position
         LIMIT {PAGE_ROWS_MAX}"
    );
    let mut after = -1_i64;
    loop {
        let found = session::rows(transaction, &sql, &[&after]).await?;
        for row in &found {
            let row = stored(row)?;
            after = signed(row.position);
            expected.stored(&row, verdict);
        }
        if found.len() < PAGE_ROWS_MAX {
            break;
        }
    }
    expected.missing(verdict);
    Ok(())
}

fn found(row: &Row) -> Result<RecordFound, Failure> {
    Ok(RecordFound {
        position: unsigned(row.try_get(0)?),
        day: row.try_get(1)?,
        agency: row.try_get(2)?,
        key: row.try_get(3)?,
        public: row.try_get(4)?,
    })
}

const FOUND: &str = "SELECT r.position, r.day, r.agency, r.key, e.public
                     FROM records r JOIN entries e ON e.position = r.position WHERE";

/// What was current before the position `$1`: what still is, and what was replaced since.
const STANDING: [&str; 2] = ["r.until IS NULL", "r.until >= $1"];

async fn page(
    client: &impl GenericClient,
    query: &RecordQuery,
) -> Result<Vec<RecordFound>, Failure> {
    let about = query.agency.as_ref().map_or("$7::text IS NULL", |_| "r.agency = $7");
    let Span { compares: [beyond, until], order, beyond: (day, position), end: last } =
        query.span();
    let [is, was] = STANDING.map(|standing| {
        format!(
            "{FOUND} {standing} AND r.position < $1 AND r.contract = $2 AND NOT r.withdraws
               AND {about} AND r.day {until} $5 AND (r.day, r.position) {beyond} ($3, $4)"
        )
    });
    let sql = format!("{is} UNION ALL {was} ORDER BY 2 {order}, 1 {order} LIMIT $6");
    let values: [Value<'_>; 7] = [
        &query.as_of.map_or(i64::MAX, signed),
        &query.contract,
        &day,
        &position,
        &last,
        &i64::from(query.limit),
        &query.agency,
    ];
    session::rows(client, &sql, &values).await?.iter().map(found).collect()
}

async fn named(
    client: &impl GenericClient,
    contract: &str,
    names: Vec<AgencyKey>,
    as_of: Option<u64>,
) -> Result<Vec<RecordFound>, Failure> {
    let sql = "SELECT r.position, r.day, r.agency, r.key, e.public
               FROM unnest($3::text[], $4::text[]) w (agency, key)
               JOIN records r ON r.contract = $2 AND r.agency = w.agency AND r.key = w.key
               JOIN entries e ON e.position = r.position
               WHERE (r.until IS NULL OR r.until >= $1) AND r.position < $1 AND NOT r.withdraws";
    let (agencies, keys): (Vec<String>, Vec<String>) = names.into_iter().unzip();
    let values: [Value<'_>; 4] = [&as_of.map_or(i64::MAX, signed), &contract, &agencies, &keys];
    session::rows(client, sql, &values).await?.iter().map(found).collect()
}

impl Records for PostgresStore {
    fn records(&self, query: RecordQuery) -> Answer<'_, Result<Vec<RecordFound>, StoreError>> {
        Box::pin(soon(async move { Ok(page(&self.sessions.reader().await?, &query).await?) }))
    }

    fn named(
        &self,
        contract: &'static str,
        names: Vec<AgencyKey>,
        as_of: Option<u64>,
    ) -> Answer<'_, Result<Vec<RecordFound>, StoreError>> {
        Box::pin(soon(async move {
            let reader = self.sessions.reader().await?;
            Ok(named(&reader, contract, names, as_of).await?)
        }))
    }
}
