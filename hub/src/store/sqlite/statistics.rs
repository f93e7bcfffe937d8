//! Numbers from the rollups; the deltas that they lack, or hold too many of, make them exact. What
//! no rollup is kept for is summed from all deltas.

use std::collections::{HashMap, hash_map::Entry};

use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::{deltas, names, rolling, strides::made};
use crate::store::{
    CellQuery, CellRow, Cells, StoreError,
    batch::{
        Level,
        slot::Slot,
        year::{Years, each_day},
    },
    numbers::{Scan, Sums},
    strides,
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
    let way = strides::way(as_of, rolling::rolled(connection)?, made(connection)?);
    match &way.strides {
        None => asked.rolled()?,
        Some(all) => asked.strides(all)?,
    }
    asked.deltas(way.deltas, way.sign)?;
    Ok(Cells { as_of, scanned: false, rows: asked.sums.rows() })
}

/// The sums of all deltas before a position.
fn scanned(
    connection: &Connection,
    query: &CellQuery,
    as_of: u64,
    mut sums: Sums<'_>,
) -> Result<Vec<CellRow>, StoreError> {
    let mut scan = Scan::new(query);
    deltas::each(connection, (0, as_of), &mut |stored| {
        let change = (stored.measure, stored.day, stored.n);
        scan.add(change, stored.place, || deltas::place(connection, stored.place))
    })?;
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
        let mut next = Slot { level, measure: 0, outer: 0, year: Slot::YEAR_MIN };
        while let Some(found) = self.first_from(next)? {
            let measure = names::measure(self.connection, found.measure)?;
            let outers =
                if self.query.wants(&measure) { self.outers(found, only)? } else { Vec::new() };
            for outer in outers {
                let of = Slot { outer, ..found };
                for (years, by_day) in self.query.years(&measure) {
                    self.years(&measure, (of, only.inner), years, by_day)?;
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

    /// The first slot at or after one, of the same level.
    fn first_from(&self, from: Slot) -> Result<Option<Slot>, StoreError> {
        let (measure, outer) = (Slot::MEASURE_MAX, Slot::OUTER_MAX);
        let end = Slot { measure, outer, year: Slot::YEAR_MAX, ..from };
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
            let after = Slot { outer: found.outer + 1, year: Slot::YEAR_MIN, ..found };
            next = self.first_from(after)?;
        }
        Ok(outers)
    }

    /// Adds what some years come to: their totals, or the days of them that are asked for.
    fn years(
        &mut self,
        measure: &str,
        (of, inner): (Slot, Option<i64>),
        years: Years,
        by_day: bool,
    ) -> Result<(), StoreError> {
        let at = |year: i16| Slot { year, ..of }.number();
        let (Some(first), Some(last)) = (at(years.first), at(years.last)) else { return Ok(()) };
        let only = if inner.is_some() { "AND inner = ?3" } else { "" };
        let (told, group) = match years.days {
            Some(_) => ("days", ""),
            None => ("sum(n)", "GROUP BY inner"),
        };
        let sql = format!(
            "SELECT inner, {told} FROM rollups WHERE slot BETWEEN ?1 AND ?2 {only} {group}"
        );
        let (outer, end) = (self.name(of.outer)?, years.last_day());
        let connection = self.connection;
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter([first, last].into_iter().chain(inner)))?;
        while let Some(row) = rows.next()? {
            let inner = self.name(row.get(0)?)?;
            let names = (measure, &*outer, &*inner);
            let (level, sums) = (self.level, &mut self.sums);
            let Some((from, until)) = years.days else {
                sums.rolled(level, names, end, row.get(1)?);
                continue;
            };
            let damaged = || StoreError::fault("the days of a rollup are damaged");
            let packed = row.get_ref(1)?.as_blob().map_err(|_| damaged())?;
            let mut total = 0;
            let day = |day: i32, n: i64| match (from..=until).contains(&day) {
                true if by_day => sums.rolled(level, names, day, n),
                true => total += n,
                false => {}
            };
            each_day(packed, day).ok_or_else(damaged)?;
            if !by_day {
                sums.rolled(level, names, end, total);
            }
        }
        Ok(())
    }

    fn name(&mut self, number: i64) -> Result<String, StoreError> {
        Ok(match self.names.entry(number) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(vacant) => vacant.insert(names::text(self.connection, number)?).clone(),
        })
    }

    /// Adds what strides say of every measure.
    fn strides(&mut self, all: &[u64]) -> Result<(), StoreError> {
        let Some(Only { outer, inner }) = self.only()? else { return Ok(()) };
        let asked = strides::Asked::new(self.query, self.level);
        super::strides::add(self.connection, &asked, (outer, inner), all, &mut self.sums)
    }

    /// Adds, or takes back, the deltas of some positions.
    fn deltas(&mut self, positions: (u64, u64), sign: i64) -> Result<(), StoreError> {
        let sums = &mut self.sums;
        deltas::read(self.connection, positions, &mut |delta| sums.delta(delta, sign))
    }
}
