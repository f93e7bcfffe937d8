//! Deltas as rows, and their sums over the listed lattice: all, agency, procedure, both; by day.

use std::collections::HashMap;

use jiff::civil::Date;
use rusqlite::{Connection, params};

use crate::registry::Cell;

/// A rolled-up cell: level, measure, agency, procedure, day.
type Key = (u8, String, String, String, i32);

/// Sums that a transaction writes once, however many deltas they have.
#[derive(Debug, Default)]
pub(super) struct Rollups {
    sums: HashMap<Key, i64>,
    /// What was added since the mark, so that a failed chunk can be taken back.
    since: Vec<(Key, i64)>,
}

/// Days since 1970-01-01.
pub(super) fn day_number(day: Date) -> i32 {
    const UNIX_EPOCH: Date = jiff::civil::date(1970, 1, 1);
    day.since(UNIX_EPOCH).map_or(0, |span| span.get_days())
}

/// The measure's name in the store; refusals tell which final status.
pub(super) fn measure_name(cell: &Cell) -> String {
    match cell.status {
        Some(status) => format!("{}-{}", cell.measure.name(), status.code()),
        None => cell.measure.name().to_owned(),
    }
}

impl Rollups {
    pub(super) fn mark(&mut self) {
        self.since.clear();
    }

    pub(super) fn rewind(&mut self) {
        for (key, n) in self.since.drain(..) {
            *self.sums.entry(key).or_default() -= n;
        }
    }

    /// Writes one delta and adds it to the sums.
    pub(super) fn add(
        &mut self,
        connection: &Connection,
        position: u64,
        cell: &Cell,
        n: i64,
    ) -> Result<(), rusqlite::Error> {
        let measure = measure_name(cell);
        let day = day_number(cell.day);
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let procedure = text(&cell.procedure);
        let sql = "INSERT INTO deltas (position, day, agency, procedure, field, channel, commune,
                   measure, n) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        connection.prepare_cached(sql)?.execute(params![
            position,
            day,
            cell.agency,
            procedure,
            text(&cell.field),
            text(&cell.channel),
            text(&cell.commune),
            measure,
            n
        ])?;
        self.sum(&measure, &cell.agency, &procedure, day, n);
        Ok(())
    }

    /// Adds to the sums of each level of the lattice.
    pub(super) fn sum(&mut self, measure: &str, agency: &str, procedure: &str, day: i32, n: i64) {
        let levels = [("", ""), (agency, ""), ("", procedure), (agency, procedure)];
        for (level, (agency, procedure)) in (0..).zip(levels) {
            let key = (level, measure.to_owned(), agency.to_owned(), procedure.to_owned(), day);
            *self.sums.entry(key.clone()).or_default() += n;
            self.since.push((key, n));
        }
    }

    /// Writes the sums.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), rusqlite::Error> {
        let sql = "INSERT INTO rollups (level, measure, agency, procedure, day, n)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                   ON CONFLICT (level, measure, agency, procedure, day)
                   DO UPDATE SET n = n + excluded.n";
        let mut statement = connection.prepare_cached(sql)?;
        for ((level, measure, agency, procedure, day), n) in self.sums.drain() {
            if n != 0 {
                statement.execute(params![level, measure, agency, procedure, day, n])?;
            }
        }
        Ok(())
    }
}
