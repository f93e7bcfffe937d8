//! Numbers from the rollups; the deltas that they lack, or hold too many of, make them exact.

use rusqlite::{Connection, params_from_iter, types::Value};

use super::rolling;
use crate::store::{CellQuery, CellRow, StoreError, batch::rollups::Run, numbers::Sums};

/// Numbers by day, or over all days asked for. Read in one transaction, so that the position is
/// the one they are true at.
pub(super) fn rows(
    connection: &Connection,
    query: &CellQuery,
) -> Result<(u64, Vec<CellRow>), StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let size: u64 = transaction.query_row("SELECT size FROM head", [], |row| row.get(0))?;
    let as_of = query.as_of.map_or(size, |position| position.min(size));
    let mut asked = Asked { connection: &transaction, query, sums: Sums::new(query) };
    for measure in asked.measures()? {
        for outer in asked.outers(&measure)? {
            for (run, by_day) in query.runs(&measure) {
                asked.run(&measure, &outer, run, by_day)?;
            }
        }
    }
    let rolled = rolling::rolled(&transaction)?;
    match as_of >= rolled {
        true => asked.deltas(rolled, as_of, 1)?,
        false => asked.deltas(as_of, rolled, -1)?,
    }
    Ok((as_of, asked.sums.rows()))
}

struct Asked<'a> {
    connection: &'a Connection,
    query: &'a CellQuery,
    sums: Sums<'a>,
}

impl Asked<'_> {
    /// The measures there are. Hops from one to the next in the key: few rows are read.
    fn measures(&self) -> Result<Vec<String>, StoreError> {
        let sql = "WITH RECURSIVE m (measure) AS (
                       SELECT min(measure) FROM rollups WHERE level = ?1 AND span = 2
                       UNION ALL
                       SELECT (SELECT min(r.measure) FROM rollups r
                               WHERE r.level = ?1 AND r.span = 2 AND r.measure > m.measure)
                       FROM m WHERE m.measure IS NOT NULL)
                   SELECT measure FROM m WHERE measure IS NOT NULL";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([self.query.level()], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The agencies to ask for on the level of both; nothing to choose on the others.
    fn outers(&self, measure: &str) -> Result<Vec<String>, StoreError> {
        if self.query.level() != 3 {
            return Ok(vec![String::new()]);
        }
        if let Some(agency) = &self.query.agency {
            return Ok(vec![agency.clone()]);
        }
        let sql = "WITH RECURSIVE o (name) AS (
                       SELECT min(outer_key) FROM rollups
                       WHERE level = 3 AND span = 2 AND measure = ?1
                       UNION ALL
                       SELECT (SELECT min(r.outer_key) FROM rollups r
                               WHERE r.level = 3 AND r.span = 2 AND r.measure = ?1
                                 AND r.outer_key > o.name)
                       FROM o WHERE o.name IS NOT NULL)
                   SELECT name FROM o WHERE name IS NOT NULL";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map([measure], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn run(
        &mut self,
        measure: &str,
        outer: &str,
        (span, first, last): Run,
        by_day: bool,
    ) -> Result<(), StoreError> {
        let inner = self.query.inner();
        let mut values: Vec<Value> = vec![
            i64::from(self.query.level()).into(),
            i64::from(span as u8).into(),
            measure.to_owned().into(),
            outer.to_owned().into(),
            i64::from(first).into(),
            i64::from(last).into(),
        ];
        let only = if inner.is_some() { "AND inner_key = ?7" } else { "" };
        values.extend(inner.map(|inner| Value::from(inner.to_owned())));
        let (day, group) = if by_day { ("day", ", day") } else { ("?6", "") };
        let sql = format!(
            "SELECT inner_key, {day}, sum(n) FROM rollups
             WHERE level = ?1 AND span = ?2 AND measure = ?3 AND outer_key = ?4
               AND day BETWEEN ?5 AND ?6 {only} GROUP BY inner_key{group}"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            self.sums.rolled(measure, outer, row.get(0)?, row.get(1)?, row.get(2)?);
        }
        Ok(())
    }

    /// Adds, or takes back, the deltas of some positions.
    fn deltas(&mut self, from: u64, to: u64, sign: i64) -> Result<(), StoreError> {
        let sums = &mut self.sums;
        rolling::deltas(self.connection, (from, to), &mut |delta| sums.delta(delta, sign))
    }
}
