//! Rollups follow the deltas: they are written together for many entries, and readers add what
//! they do not hold yet. So a commit touches no row of a rollup, most times.

use std::sync::Arc;

use rusqlite::{Connection, Row, TransactionBehavior};

use super::write;
use crate::registry::{Place, measure::stored_name};
use crate::store::{
    StoreError,
    batch::{Delta, Rollups},
};

/// Entries whose deltas the rollups may lack: readers add them up at every question.
const ENTRIES_BEHIND_MAX: u64 = 256;

/// Sums of the deltas that the rollups lack.
#[derive(Debug, Default)]
pub(super) struct Rolling {
    sums: Rollups,
    /// The positions whose deltas are in the sums.
    from: u64,
    to: u64,
}

/// Reads one delta: position, day, measure, n and the place.
pub(super) fn delta(row: &Row<'_>) -> Result<Delta, rusqlite::Error> {
    let place = Place {
        agency: row.get(4)?,
        procedure: row.get(5)?,
        field: row.get(6)?,
        channel: row.get(7)?,
        commune: row.get(8)?,
    };
    let name: String = row.get(2)?;
    // A name that no measure has can only be of a newer program, which this one does not open.
    let measure = stored_name(&name).unwrap_or("unknown");
    let (position, day) = (row.get(0)?, row.get(1)?);
    Ok(Delta { position, day, place: Arc::new(place), measure, n: row.get(3)? })
}

pub(super) const DELTA: &str = "SELECT d.position, d.day, d.measure, d.n, p.agency, p.procedure,
                                       p.field, p.channel, p.commune
                                FROM deltas d JOIN places p ON p.place = d.place
                                WHERE d.position >= ?1 AND d.position < ?2";

/// The sums of the deltas of some positions.
pub(super) fn sums(connection: &Connection, from: u64, to: u64) -> Result<Rollups, StoreError> {
    let mut sums = Rollups::default();
    let mut statement = connection.prepare_cached(DELTA)?;
    for row in statement.query_map([from, to], delta)? {
        sums.add(&row?);
    }
    Ok(sums)
}

/// Where the rollups end.
pub(super) fn rolled(connection: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT rolled FROM head";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

impl Rolling {
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Adds a commit's deltas, and writes the sums where too many entries are behind.
    pub(super) fn add(
        &mut self,
        connection: &Connection,
        (before, size): (u64, u64),
        deltas: &[Delta],
    ) -> Result<(), StoreError> {
        let rolled = rolled(connection)?;
        if (self.from, self.to) != (rolled, before) {
            // Someone else has written meanwhile, or nothing is remembered.
            *self = Self { sums: sums(connection, rolled, before)?, from: rolled, to: before };
        }
        deltas.iter().for_each(|delta| self.sums.add(delta));
        self.to = size;
        if self.to - self.from >= ENTRIES_BEHIND_MAX { self.write(connection) } else { Ok(()) }
    }

    fn write(&mut self, connection: &Connection) -> Result<(), StoreError> {
        write::rollups(connection, &self.sums, self.to)?;
        *self = Self { sums: Rollups::default(), from: self.to, to: self.to };
        Ok(())
    }

    /// Writes what the rollups lack, while nothing else is to be done.
    pub(super) fn settle(&mut self, connection: &mut Connection) -> Result<(), StoreError> {
        if self.sums.is_empty() {
            return Ok(());
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if rolled(&transaction)? != self.from {
            self.forget();
            return Ok(());
        }
        self.write(&transaction)?;
        Ok(transaction.commit()?)
    }
}
