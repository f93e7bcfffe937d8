//! Numbers from the rollups; the deltas that they lack, or hold too many of, make them exact. What
//! no rollup is kept for is summed from all deltas.

use std::collections::{HashMap, hash_map::Entry};

use foldhash::fast::RandomState;
use rusqlite::{Connection, params_from_iter};

use super::{
    deltas,
    names::{self, MeasureNames},
    strides::made,
};
use crate::store::{
    CellQuery, Cells, StoreError,
    batch::{Level, slot::Slot},
    numbers::{At, Counts, Sums},
    strides,
    walk::{Only, Step, Walk},
};

/// Numbers by day, or over all days asked for. Read in one transaction, so that the position is
/// the one they are true at.
pub(super) fn cells(connection: &Connection, query: &CellQuery) -> Result<Cells, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let connection = &*transaction;
    let sql = "SELECT size, rolled FROM head";
    let (size, rolled): (u64, u64) =
        connection.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let as_of = query.as_of.map_or(size, |position| position.min(size));
    let mut sums = Sums::new(query);
    let Some(level) = query.level() else {
        deltas::answer(connection, query, ((0, as_of), 1), &mut sums)?;
        return Ok(Cells { as_of, scanned: true, rows: sums.rows() });
    };
    let way = strides::way(as_of, rolled, made(connection)?);
    if let Some(only) = only(connection, query, level)? {
        let walk = Walk::new(query, level, only);
        let mut reading = Reading {
            connection,
            walk: &walk,
            measures: MeasureNames::read(connection)?,
            last: None,
            sums: &mut sums,
            places: HashMap::default(),
            names: HashMap::default(),
        };
        match &way.strides {
            None => reading.rows(None)?,
            Some(all) => all.iter().try_for_each(|stride| reading.rows(Some(*stride)))?,
        }
    }
    deltas::answer(connection, query, (way.deltas, way.sign), &mut sums)?;
    Ok(Cells { as_of, scanned: false, rows: sums.rows() })
}

/// The names asked for; `None` where no rollup bears one of them.
fn only(
    connection: &Connection,
    query: &CellQuery,
    level: &Level,
) -> Result<Option<Only>, StoreError> {
    let known = |text: &str| names::known(connection, text);
    let (outer, inner) = (query.only(level.outer), query.only(level.inner));
    let (outer, inner) = (outer.map(known).transpose()?, inner.map(known).transpose()?);
    let absent = outer == Some(None) || inner == Some(None);
    Ok((!absent).then_some(Only { outer: outer.flatten(), inner: inner.flatten() }))
}

/// Reading the rows that a question asks for.
struct Reading<'r, 'a> {
    connection: &'r Connection,
    walk: &'r Walk<'a>,
    measures: MeasureNames,
    /// The measure that was met last: rows come by measure.
    last: Option<(i64, Counts)>,
    sums: &'r mut Sums<'a>,
    /// Where rows count that were met, by the numbers of their outer and inner names.
    places: HashMap<(i64, i64), At, RandomState>,
    /// Names by their numbers, as far as they were met.
    names: HashMap<i64, String, RandomState>,
}

impl Reading<'_, '_> {
    /// Adds what a stride says, or the rollups do where it is none.
    fn rows(&mut self, stride: Option<u64>) -> Result<(), StoreError> {
        let days = if stride.is_none() && self.walk.of_whole_years() { "NULL" } else { "days" };
        let seeks = self.walk.seeks_inner();
        let key = if seeks { "(slot, inner) >= (?2, ?3)" } else { "slot >= ?2" };
        let sql = match stride {
            None => format!("SELECT slot, inner, n, {days} FROM rollups WHERE slot <= ?1"),
            Some(_) => format!(
                "SELECT slot, inner, NULL, {days} FROM strides
                 WHERE stride = {} AND slot <= ?1",
                if seeks { "?4" } else { "?3" },
            ),
        };
        let sql = format!("{sql} AND {key} ORDER BY slot, inner");
        let connection = self.connection;
        let mut statement = connection.prepare_cached(&sql)?;
        let (begin, end) = self.walk.ends();
        let stride = stride.map(strides::number).transpose()?;
        let mut next = Some(begin);
        while let Some((slot, inner)) = next.take() {
            let values = [end, slot].into_iter().chain(seeks.then_some(inner)).chain(stride);
            let mut rows = statement.query(params_from_iter(values))?;
            while let Some(row) = rows.next()? {
                match self.row(row)? {
                    Step::Take => {}
                    Step::Seek(key) => {
                        next = Some(key);
                        break;
                    }
                    Step::Over => break,
                }
            }
        }
        Ok(())
    }

    /// Adds a row where it is asked for.
    fn row(&mut self, row: &rusqlite::Row<'_>) -> Result<Step, StoreError> {
        let damaged = || StoreError::fault("a row of numbers has a slot that no hub writes");
        let slot = Slot::of(row.get(0)?).ok_or_else(damaged)?;
        let inner = row.get(1)?;
        let counts = match self.last {
            Some((last, counts)) if last == slot.measure => counts,
            _ => {
                let (_, measure) = self.measures.of(slot.measure).ok_or_else(damaged)?;
                self.sums.measure(measure)?
            }
        };
        self.last = Some((slot.measure, counts));
        let step = self.walk.at(slot, inner, counts);
        if step == Step::Take {
            let at = self.place(slot.outer, inner)?;
            let days = row.get_ref(3)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
            let of_year = (slot.year, row.get(2)?);
            self.walk.add(self.sums, (at, counts), of_year, days.unwrap_or_default())?;
        }
        Ok(step)
    }

    /// Where a row counts: a name is read where it is met first.
    fn place(&mut self, outer: i64, inner: i64) -> Result<At, StoreError> {
        if let Some(known) = self.places.get(&(outer, inner)) {
            return Ok(*known);
        }
        let level = self.walk.level;
        for number in [outer, inner] {
            if let Entry::Vacant(vacant) = self.names.entry(number) {
                vacant.insert(names::text(self.connection, number)?);
            }
        }
        let name = |number| self.names.get(&number).map_or("", String::as_str);
        let at = self.sums.named(level, (name(outer), name(inner)));
        self.places.insert((outer, inner), at);
        Ok(at)
    }
}
