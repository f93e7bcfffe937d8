//! Rollups follow the deltas: they are written together for many entries, and readers add what
//! they do not hold yet. So a commit touches no row of a rollup, most times.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use rusqlite::{Connection, TransactionBehavior};

use super::write;
use crate::registry::Place;
use crate::store::{
    StoreError, audit,
    batch::{Delta, Rollups},
};

/// Entries whose deltas the rollups may lack: readers add them up at every question.
const ENTRIES_BEHIND_MAX: u64 = 1_024;

/// Sums of the deltas that the rollups lack.
#[derive(Debug, Default)]
pub(super) struct Rolling {
    sums: Rollups,
    /// The positions whose deltas are in the sums.
    from: u64,
    to: u64,
}

/// Adds the deltas of some positions to sums.
pub(super) fn add_sums(
    connection: &Connection,
    positions: (u64, u64),
    sums: &mut Rollups,
) -> Result<(), StoreError> {
    deltas(connection, positions, &mut |delta| sums.add(delta))
}

/// Reads the deltas of some positions.
pub(super) fn deltas(
    connection: &Connection,
    (from, to): (u64, u64),
    take: &mut dyn FnMut(&Delta),
) -> Result<(), StoreError> {
    let sql = "SELECT position, day, place, measure, n FROM deltas
               WHERE position >= ?1 AND position < ?2";
    let mut places: HashMap<i64, Arc<Place>> = HashMap::new();
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([from, to])?;
    while let Some(row) = rows.next()? {
        let number = row.get(2)?;
        let place = match places.entry(number) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(vacant) => vacant.insert(Arc::new(place(connection, number)?)),
        };
        let name =
            row.get_ref(3)?.as_str().map_err(|error| StoreError::fault(error.to_string()))?;
        let measure = audit::measure(name)?;
        let (position, day, n) = (row.get(0)?, row.get(1)?, row.get(4)?);
        take(&Delta { position, day, place: place.clone(), measure, n });
    }
    Ok(())
}

/// The place of a number.
pub(super) fn place(connection: &Connection, number: i64) -> Result<Place, StoreError> {
    let sql = "SELECT agency, procedure, field, channel, commune FROM places WHERE place = ?1";
    let found = connection.prepare_cached(sql)?.query_row([number], |row| {
        Ok(Place {
            agency: row.get(0)?,
            procedure: row.get(1)?,
            field: row.get(2)?,
            channel: row.get(3)?,
            commune: row.get(4)?,
        })
    });
    Ok(found?)
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
            let mut sums = Rollups::default();
            add_sums(connection, (rolled, before), &mut sums)?;
            *self = Self { sums, from: rolled, to: before };
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
