//! Records about no dossier: what a batch needs of them, writing them, and reading them.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use crate::{
    registry::{RecordName, RecordRow, Telling},
    store::{
        Answer, StoreError, Verdict, batch,
        records::{AgencyKey, Expected, RecordFound, RecordQuery, Records, Span},
    },
};

const COLUMNS: &str =
    "position, until, contract, agency, key, day, version, recorded_at, withdraws, hash";

/// A row of all columns, and the text of the time it was recorded at.
fn stored(row: &Row<'_>) -> Result<(RecordRow, String), rusqlite::Error> {
    let name = RecordName { contract: row.get(2)?, agency: row.get(3)?, key: row.get(4)? };
    let telling = Telling { name, day: row.get(5)?, version: row.get(6)?, withdraws: row.get(8)? };
    let kept = RecordRow {
        position: row.get(0)?,
        until: row.get(1)?,
        telling,
        recorded_at: jiff::Timestamp::UNIX_EPOCH,
        content_hash: row.get(9)?,
    };
    Ok((kept, row.get(7)?))
}

fn complete((row, recorded_at): (RecordRow, String)) -> Result<RecordRow, StoreError> {
    let position = row.position;
    let damaged = |_| StoreError::fault(format!("the record at position {position} is damaged"));
    Ok(RecordRow { recorded_at: recorded_at.parse().map_err(damaged)?, ..row })
}

/// The current tellings of the records that a batch may touch.
pub(super) fn known(
    connection: &Connection,
    names: &BTreeSet<RecordName>,
) -> Result<batch::Records, StoreError> {
    let mut records = batch::Records::default();
    let mut current = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM records
         WHERE contract = ?1 AND agency = ?2 AND key = ?3 AND until IS NULL"
    ))?;
    for RecordName { contract, agency, key } in names {
        if let Some(found) = current.query_row([contract, agency, key], stored).optional()? {
            records.known(complete(found)?);
        }
    }
    Ok(records)
}

/// Writes what a batch does to them: what was replaced first, for one telling is current.
pub(super) fn write(
    connection: &Connection,
    fresh: &[RecordRow],
    replaced: &[batch::Replaced],
) -> Result<(), StoreError> {
    let mut end = connection.prepare_cached("UPDATE records SET until = ?2 WHERE position = ?1")?;
    for (position, until) in replaced {
        end.execute([position, until])?;
    }
    let mut insert = connection.prepare_cached(&format!(
        "INSERT INTO records ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
    ))?;
    for row in fresh {
        let Telling { name, day, version, withdraws } = &row.telling;
        insert.execute(params![
            row.position,
            row.until,
            name.contract,
            name.agency,
            name.key,
            day,
            version,
            row.recorded_at.to_string(),
            withdraws,
            row.content_hash,
        ])?;
    }
    Ok(())
}

/// Compares what is stored with what the journal tells.
pub(super) fn verify(
    connection: &Connection,
    rows: Vec<RecordRow>,
    verdict: &mut Verdict,
) -> Result<(), StoreError> {
    let mut expected = Expected::new(rows);
    let mut all =
        connection.prepare(&format!("SELECT {COLUMNS} FROM records ORDER BY position"))?;
    for found in all.query_map([], stored)? {
        expected.stored(&complete(found?)?, verdict);
    }
    expected.missing(verdict);
    Ok(())
}

fn found(row: &Row<'_>) -> Result<RecordFound, rusqlite::Error> {
    Ok(RecordFound {
        position: row.get(0)?,
        day: row.get(1)?,
        agency: row.get(2)?,
        key: row.get(3)?,
        public: row.get(4)?,
    })
}

const FOUND: &str = "SELECT r.position, r.day, r.agency, r.key, e.public
                     FROM records r JOIN entries e ON e.position = r.position WHERE";

fn end(as_of: Option<u64>) -> i64 {
    as_of.and_then(|end| i64::try_from(end).ok()).unwrap_or(i64::MAX)
}

/// What was current before the position `?1`: what still is, and what was replaced since.
const STANDING: [&str; 2] = ["r.until IS NULL", "r.until >= ?1"];

fn page(connection: &Connection, query: &RecordQuery) -> Result<Vec<RecordFound>, StoreError> {
    let about = query.agency.as_ref().map_or("?7 IS NULL", |_| "r.agency = ?7");
    let Span { compares: [beyond, until], order, beyond: (day, position), end: last } =
        query.span();
    let [is, was] = STANDING.map(|standing| {
        format!(
            "{FOUND} {standing} AND r.position < ?1 AND r.contract = ?2 AND r.withdraws = 0
               AND {about} AND r.day {until} ?5 AND (r.day, r.position) {beyond} (?3, ?4)"
        )
    });
    let sql = format!("{is} UNION ALL {was} ORDER BY 2 {order}, 1 {order} LIMIT ?6");
    let mut statement = connection.prepare_cached(&sql)?;
    let (as_of, limit, agency) = (end(query.as_of), query.limit, &query.agency);
    let values = params![as_of, query.contract, day, position, last, limit, agency];
    let rows = statement.query_map(values, found)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Records for SqliteStore {
    fn records(&self, query: RecordQuery) -> Answer<'_, Result<Vec<RecordFound>, StoreError>> {
        self.read(move |connection| page(connection, &query))
    }

    fn named(
        &self,
        contract: &'static str,
        names: Vec<AgencyKey>,
        as_of: Option<u64>,
    ) -> Answer<'_, Result<Vec<RecordFound>, StoreError>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "{FOUND} (r.until IS NULL OR r.until >= ?1) AND r.position < ?1
                   AND r.contract = ?2 AND r.agency = ?3 AND r.key = ?4 AND r.withdraws = 0"
            ))?;
            let mut all = Vec::new();
            for (agency, key) in names {
                let values = params![end(as_of), contract, agency, key];
                all.extend(statement.query_row(values, found).optional()?);
            }
            Ok(all)
        })
    }
}
