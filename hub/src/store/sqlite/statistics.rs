//! Numbers from the rollups, taken back to an earlier position by the deltas after it.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params, params_from_iter, types::Value};

use crate::{
    registry::Measure,
    store::{CellQuery, CellRow, StoreError},
};

/// Measure, agency, procedure, day.
type Key = (String, String, String, i32);

/// Numbers by day. Read in one transaction, so that the position is the one they are true at.
pub(super) fn rows(
    connection: &Connection,
    query: &CellQuery,
) -> Result<(u64, Vec<CellRow>), StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let size: u64 = transaction.query_row("SELECT size FROM head", [], |row| row.get(0))?;
    let as_of = query.as_of.map_or(size, |position| position.min(size));
    let mut sums: BTreeMap<Key, i64> = BTreeMap::new();
    let by_agency = query.by_agency || query.agency.is_some();
    let by_procedure = query.by_procedure || query.procedure.is_some();
    let level = u8::from(by_agency) + 2 * u8::from(by_procedure);
    for measure in measures(&transaction, level)? {
        let first = if Measure::is_gauge_name(&measure) { i32::MIN } else { query.from };
        rollups(&transaction, query, (level, &measure, first), &mut sums)?;
    }
    if as_of < size {
        later(&transaction, query, as_of, &mut sums)?;
    }
    let row =
        |((measure, agency, procedure, day), n)| CellRow { measure, agency, procedure, day, n };
    Ok((as_of, sums.into_iter().filter(|(_, n)| *n != 0).map(row).collect()))
}

fn measures(connection: &Connection, level: u8) -> Result<Vec<String>, StoreError> {
    // Hops from one measure to the next in the key: few rows are read, however many there are.
    let sql = "WITH RECURSIVE m (measure) AS (
                   SELECT min(measure) FROM rollups WHERE level = ?1
                   UNION ALL
                   SELECT (SELECT min(r.measure) FROM rollups r
                           WHERE r.level = ?1 AND r.measure > m.measure)
                   FROM m WHERE m.measure IS NOT NULL)
               SELECT measure FROM m WHERE measure IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([level], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Days before the first one are summed under the day before it.
const DAY: &str = "CASE WHEN day < ?3 THEN ?3 - 1 ELSE day END";

fn take(row: &Row<'_>) -> Result<(Key, i64), rusqlite::Error> {
    Ok(((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?), row.get(4)?))
}

fn rollups(
    connection: &Connection,
    query: &CellQuery,
    (level, measure, first): (u8, &str, i32),
    sums: &mut BTreeMap<Key, i64>,
) -> Result<(), StoreError> {
    let mut sql = format!(
        "SELECT measure, agency, procedure, {DAY} AS shown, sum(n) FROM rollups
         WHERE level = ?1 AND measure = ?2 AND day >= ?4 AND day <= ?5"
    );
    let mut values: Vec<Value> = vec![
        i64::from(level).into(),
        measure.to_owned().into(),
        i64::from(query.from).into(),
        i64::from(first).into(),
        i64::from(query.to).into(),
    ];
    for (column, wanted) in [("agency", &query.agency), ("procedure", &query.procedure)] {
        if let Some(wanted) = wanted {
            values.push(wanted.clone().into());
            sql.push_str(&format!(" AND {column} = ?{}", values.len()));
        }
    }
    sql.push_str(" GROUP BY agency, procedure, shown");
    let mut statement = connection.prepare_cached(&sql)?;
    for row in statement.query_map(params_from_iter(values), take)? {
        let (key, n) = row?;
        *sums.entry(key).or_default() += n;
    }
    Ok(())
}

/// Takes back what came at or after a position.
fn later(
    connection: &Connection,
    query: &CellQuery,
    as_of: u64,
    sums: &mut BTreeMap<Key, i64>,
) -> Result<(), StoreError> {
    let sql = "SELECT d.measure, p.agency, p.procedure, d.day, d.n
               FROM deltas d JOIN places p ON p.place = d.place
               WHERE d.position >= ?1 AND d.day <= ?2";
    let mut statement = connection.prepare_cached(sql)?;
    for row in statement.query_map(params![as_of, query.to], take)? {
        let ((measure, agency, procedure, day), n) = row?;
        let other = |wanted: &Option<String>, value: &String| {
            wanted.as_ref().is_some_and(|wanted| wanted != value)
        };
        let outside = day < query.from && !Measure::is_gauge_name(&measure);
        if outside || other(&query.agency, &agency) || other(&query.procedure, &procedure) {
            continue;
        }
        let kept = |by: bool, value: String| if by { value } else { String::new() };
        let agency = kept(query.by_agency || query.agency.is_some(), agency);
        let procedure = kept(query.by_procedure || query.procedure.is_some(), procedure);
        let day = day.max(query.from - 1);
        *sums.entry((measure, agency, procedure, day)).or_default() -= n;
    }
    Ok(())
}
