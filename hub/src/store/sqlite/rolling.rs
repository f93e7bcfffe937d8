//! Rollups follow the deltas: they are written together for many entries, and readers add what
//! they do not hold yet. So a commit touches no row of a rollup, most times.

use rusqlite::{Connection, TransactionBehavior};

use super::{
    deltas::{ReadSums, add_sums},
    write,
};
use crate::store::{
    StoreError,
    batch::{Delta, Rollups},
};

/// Entries whose deltas the rollups may lack: readers add them up at every question.
const ENTRIES_BEHIND_MAX: u64 = 4_096;

/// ReadSums of the deltas that the rollups lack.
#[derive(Debug, Default)]
pub(super) struct Rolling {
    sums: Rollups,
    /// The positions whose deltas are in the sums.
    from: u64,
    to: u64,
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
            let mut read = ReadSums::default();
            add_sums(connection, (rolled, before), &mut read)?;
            let sums = read.sums;
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
