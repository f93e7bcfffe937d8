//! Numbers from the rollups; the deltas that they lack, or hold too many of, make them exact.

use std::collections::BTreeMap;

use rusqlite::{Connection, params, params_from_iter, types::Value};

use super::rolling;
use crate::{
    registry::Measure,
    store::{
        CellQuery, CellRow, StoreError,
        batch::rollups::{Run, Span, runs},
    },
};

/// Measure, agency, procedure, day.
type Key = (String, String, String, i32);

/// Before any day on which something was counted: the first day of the calendar.
const DAY_MIN: i32 = -719_162;

/// Numbers by day, or over all days asked for. Read in one transaction, so that the position is
/// the one they are true at.
pub(super) fn rows(
    connection: &Connection,
    query: &CellQuery,
) -> Result<(u64, Vec<CellRow>), StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let size: u64 = transaction.query_row("SELECT size FROM head", [], |row| row.get(0))?;
    let as_of = query.as_of.map_or(size, |position| position.min(size));
    let mut asked = Asked {
        connection: &transaction,
        query,
        level: u8::from(query.of_agency()) + 2 * u8::from(query.of_procedure()),
        sums: BTreeMap::new(),
    };
    for measure in asked.measures()? {
        for outer in asked.outers(&measure)? {
            asked.measure(&measure, &outer)?;
        }
    }
    let rolled = rolling::rolled(&transaction)?;
    match as_of >= rolled {
        true => asked.deltas(rolled, as_of, 1)?,
        false => asked.deltas(as_of, rolled, -1)?,
    }
    let row =
        |((measure, agency, procedure, day), n)| CellRow { measure, agency, procedure, day, n };
    Ok((as_of, asked.sums.into_iter().filter(|(_, n)| *n != 0).map(row).collect()))
}

impl CellQuery {
    fn of_agency(&self) -> bool {
        self.by_agency || self.agency.is_some()
    }

    fn of_procedure(&self) -> bool {
        self.by_procedure || self.procedure.is_some()
    }

    /// The day that a number of a day is shown under.
    fn shown(&self, day: i32) -> i32 {
        if self.by_day { day.max(self.from - 1) } else { self.to }
    }
}

struct Asked<'a> {
    connection: &'a Connection,
    query: &'a CellQuery,
    level: u8,
    sums: BTreeMap<Key, i64>,
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
        let rows = statement.query_map([self.level], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The agencies to ask for on the level of both; nothing to choose on the others.
    fn outers(&self, measure: &str) -> Result<Vec<String>, StoreError> {
        if self.level != 3 {
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

    fn measure(&mut self, measure: &str, outer: &str) -> Result<(), StoreError> {
        let (from, to) = (self.query.from, self.query.to);
        let gauge = Measure::is_gauge_name(measure);
        let mut wanted: Vec<(Run, bool)> = Vec::new();
        if self.query.by_day {
            wanted.push(((Span::Day, from, to), true));
        }
        let whole = match (self.query.by_day, gauge) {
            (false, false) => runs(from, to),
            (false, true) => runs(DAY_MIN, to),
            (true, true) => runs(DAY_MIN, from - 1),
            (true, false) => Vec::new(),
        };
        wanted.extend(whole.into_iter().map(|run| (run, false)));
        for (run, by_day) in wanted {
            self.run(measure, outer, run, by_day)?;
        }
        Ok(())
    }

    fn run(
        &mut self,
        measure: &str,
        outer: &str,
        (span, first, last): Run,
        by_day: bool,
    ) -> Result<(), StoreError> {
        let inner = match self.level {
            1 => &self.query.agency,
            2 | 3 => &self.query.procedure,
            _ => &None,
        };
        let mut values: Vec<Value> = vec![
            i64::from(self.level).into(),
            i64::from(span as u8).into(),
            measure.to_owned().into(),
            outer.to_owned().into(),
            i64::from(first).into(),
            i64::from(last).into(),
        ];
        let only = if inner.is_some() { "AND inner_key = ?7" } else { "" };
        values.extend(inner.clone().map(Value::from));
        let (day, group) = if by_day { ("day", ", day") } else { ("?6", "") };
        let sql = format!(
            "SELECT inner_key, {day}, sum(n) FROM rollups
             WHERE level = ?1 AND span = ?2 AND measure = ?3 AND outer_key = ?4
               AND day BETWEEN ?5 AND ?6 {only} GROUP BY inner_key{group}"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            let inner: String = row.get(0)?;
            let (agency, procedure) = match self.level {
                1 => (inner, String::new()),
                3 => (outer.to_owned(), inner),
                _ => (String::new(), inner),
            };
            let day = self.query.shown(row.get(1)?);
            let key = (measure.to_owned(), agency, procedure, day);
            *self.sums.entry(key).or_default() += row.get::<_, i64>(2)?;
        }
        Ok(())
    }

    /// Adds, or takes back, the deltas of some positions.
    fn deltas(&mut self, from: u64, to: u64, sign: i64) -> Result<(), StoreError> {
        let query = self.query;
        let mut statement = self.connection.prepare_cached(rolling::DELTA)?;
        for delta in statement.query_map(params![from, to], rolling::delta)? {
            let delta = delta?;
            let other = |wanted: &Option<String>, value: &String| {
                wanted.as_ref().is_some_and(|wanted| wanted != value)
            };
            let before = delta.day < query.from && !Measure::is_gauge_name(delta.measure);
            if before
                || delta.day > query.to
                || other(&query.agency, &delta.place.agency)
                || other(&query.procedure, &delta.place.procedure)
            {
                continue;
            }
            let kept = |by: bool, value: &String| if by { value.clone() } else { String::new() };
            let agency = kept(query.of_agency(), &delta.place.agency);
            let procedure = kept(query.of_procedure(), &delta.place.procedure);
            let key = (delta.measure.to_owned(), agency, procedure, query.shown(delta.day));
            *self.sums.entry(key).or_default() += sign * delta.n;
        }
        Ok(())
    }
}
