//! Numbers from the rollups; the deltas that they lack, or hold too many of, make them exact. What
//! no rollup is kept for is summed from all deltas.

use std::collections::{HashMap, hash_map::Entry};

use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::{names, rolling};
use crate::store::{
    CellQuery, CellRow, Cells, StoreError, audit,
    batch::{
        Level,
        rollups::{Run, Span},
        slot::Slot,
    },
    numbers::{Scan, Sums},
};

/// Numbers by day, or over all days asked for. Read in one transaction, so that the position is
/// the one they are true at.
pub(super) fn cells(connection: &Connection, query: &CellQuery) -> Result<Cells, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let size: u64 = transaction.query_row("SELECT size FROM head", [], |row| row.get(0))?;
    let as_of = query.as_of.map_or(size, |position| position.min(size));
    let sums = Sums::new(query);
    let Some(level) = query.level() else {
        let rows = scanned(&transaction, query, as_of, sums)?;
        return Ok(Cells { as_of, scanned: true, rows });
    };
    let connection = &*transaction;
    let mut asked = Asked { connection, query, level, sums, names: HashMap::new() };
    asked.rolled()?;
    let rolled = rolling::rolled(&transaction)?;
    match as_of >= rolled {
        true => asked.deltas(rolled, as_of, 1)?,
        false => asked.deltas(as_of, rolled, -1)?,
    }
    Ok(Cells { as_of, scanned: false, rows: asked.sums.rows() })
}

/// The sums of all deltas before a position.
fn scanned(
    connection: &Connection,
    query: &CellQuery,
    as_of: u64,
    mut sums: Sums<'_>,
) -> Result<Vec<CellRow>, StoreError> {
    let sql = "SELECT place, measure, day, n FROM deltas WHERE position < ?1";
    let mut scan = Scan::new(query);
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([as_of])?;
    while let Some(row) = rows.next()? {
        let name =
            row.get_ref(1)?.as_str().map_err(|error| StoreError::fault(error.to_string()))?;
        let change = (audit::measure(name)?, row.get(2)?, row.get(3)?);
        let number = row.get(0)?;
        scan.add(change, number, || rolling::place(connection, number))?;
    }
    scan.close(&mut sums);
    Ok(sums.rows())
}

struct Asked<'a> {
    connection: &'a Connection,
    query: &'a CellQuery,
    level: &'static Level,
    sums: Sums<'a>,
    /// Names by their numbers, as far as asked for.
    names: HashMap<i64, String>,
}
/// The numbers of the names that a question asks for: all names where absent.
#[derive(Clone, Copy)]
struct Only {
    outer: Option<i64>,
    inner: Option<i64>,
}

impl Asked<'_> {
    /// Adds what the rollups say of every measure. Hops from one to the next in the key: few rows
    /// are read.
    fn rolled(&mut self) -> Result<(), StoreError> {
        let Some(only) = self.only()? else { return Ok(()) };
        let level = self.level.number;
        // A gauge that rose and fell again within a year or a month has rows of its days alone.
        let mut next = Slot { level, span: Span::Day, measure: 0, outer: 0, day: Slot::DAY_MIN };
        while let Some(found) = self.first_from(next)? {
            let measure = names::measure(self.connection, found.measure)?;
            let outers =
                if self.query.wants(&measure) { self.outers(found, only)? } else { Vec::new() };
            for outer in outers {
                let of = Slot { outer, ..found };
                for (run, by_day) in self.query.runs(&measure) {
                    self.run(&measure, (of, only.inner), run, by_day)?;
                }
            }
            next = Slot { measure: found.measure + 1, ..next };
        }
        Ok(())
    }

    /// The names asked for; `None` where no rollup bears one of them.
    fn only(&self) -> Result<Option<Only>, StoreError> {
        let known = |text: &str| names::known(self.connection, text);
        let (outer, inner) = (self.query.only(self.level.outer), self.query.only(self.level.inner));
        let (outer, inner) = (outer.map(known).transpose()?, inner.map(known).transpose()?);
        let absent = outer == Some(None) || inner == Some(None);
        Ok((!absent).then_some(Only { outer: outer.flatten(), inner: inner.flatten() }))
    }

    /// The first slot at or after one, of the same level and span.
    fn first_from(&self, from: Slot) -> Result<Option<Slot>, StoreError> {
        let (measure, outer) = (Slot::MEASURE_MAX, Slot::OUTER_MAX);
        let end = Slot { measure, outer, day: Slot::DAY_MAX, ..from };
        let (Some(from), Some(end)) = (from.number(), end.number()) else { return Ok(None) };
        let sql = "SELECT slot FROM rollups WHERE slot BETWEEN ?1 AND ?2 ORDER BY slot LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let found = statement.query_row([from, end], |row| row.get(0)).optional()?;
        Ok(found.and_then(Slot::of))
    }

    /// The outer names to ask for under a measure.
    fn outers(&self, first: Slot, only: Only) -> Result<Vec<i64>, StoreError> {
        if self.level.outer.is_none() || only.outer.is_some() {
            return Ok(vec![only.outer.unwrap_or(first.outer)]);
        }
        let (mut outers, mut next) = (Vec::new(), Some(first));
        while let Some(found) = next.filter(|slot| slot.measure == first.measure) {
            outers.push(found.outer);
            let after = Slot { outer: found.outer + 1, day: Slot::DAY_MIN, ..found };
            next = self.first_from(after)?;
        }
        Ok(outers)
    }

    fn run(
        &mut self,
        measure: &str,
        (of, inner): (Slot, Option<i64>),
        (span, first, last): Run,
        by_day: bool,
    ) -> Result<(), StoreError> {
        let at =
            |day: i32| Slot { span, day: day.clamp(Slot::DAY_MIN, Slot::DAY_MAX), ..of }.number();
        let (Some(from), Some(to)) = (at(first), at(last)) else { return Ok(()) };
        let only = if inner.is_some() { "AND inner = ?3" } else { "" };
        let (slot, group) = if by_day { ("slot", ", slot") } else { ("?2", "") };
        let sql = format!(
            "SELECT inner, {slot}, sum(n) FROM rollups
             WHERE slot BETWEEN ?1 AND ?2 {only} GROUP BY inner{group}"
        );
        let outer = self.name(of.outer)?;
        let connection = self.connection;
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter([from, to].into_iter().chain(inner)))?;
        while let Some(row) = rows.next()? {
            let day = Slot::of(row.get(1)?).map_or(last, |slot| slot.day);
            let inner = self.name(row.get(0)?)?;
            self.sums.rolled(self.level, (measure, &outer, &inner), day, row.get(2)?);
        }
        Ok(())
    }

    fn name(&mut self, number: i64) -> Result<String, StoreError> {
        Ok(match self.names.entry(number) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(vacant) => vacant.insert(names::text(self.connection, number)?).clone(),
        })
    }

    /// Adds, or takes back, the deltas of some positions.
    fn deltas(&mut self, from: u64, to: u64, sign: i64) -> Result<(), StoreError> {
        let sums = &mut self.sums;
        rolling::deltas(self.connection, (from, to), &mut |delta| sums.delta(delta, sign))
    }
}
