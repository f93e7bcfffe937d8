//! Deltas and rollups written alone, for who measures what they cost.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::{
    deltas::{self, NumbersSeen},
    open,
    rolling::Rolling,
};
use crate::store::{StoreError, batch::Delta};

/// Entries whose deltas are written in one transaction.
const ENTRIES_AT_ONCE: u64 = 512;

/// The deltas of some entries: the first position, the one behind the last, and all of them.
pub(crate) struct Group {
    positions: (u64, u64),
    deltas: Vec<Delta>,
}

/// Takes the numbers of one store to another, new one: nothing else.
pub(crate) struct Numbers {
    from: Connection,
    to: Connection,
    size: u64,
    next: u64,
    count: u64,
    numbers: NumbersSeen,
    rolling: Rolling,
}

impl Numbers {
    /// From a store to a file that is not there yet.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub(crate) fn between(from: &Path, to: &Path) -> Result<Self, StoreError> {
        let (from, (to, _)) = (open::reader(from)?, open::writer(to)?);
        let size = from.query_row("SELECT size FROM head", [], |row| row.get(0))?;
        let (next, count) = (0, 0);
        Ok(Self {
            from,
            to,
            size,
            next,
            count,
            numbers: Default::default(),
            rolling: Default::default(),
        })
    }

    /// The next entries; none at the end.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(crate) fn read(&mut self) -> Result<Option<Group>, StoreError> {
        let positions = (self.next, (self.next + ENTRIES_AT_ONCE).min(self.size));
        if positions.0 >= positions.1 {
            return Ok(None);
        }
        let mut all = Vec::new();
        deltas::read(&self.from, positions, &mut |delta| all.push(delta.clone()))?;
        self.next = positions.1;
        self.count += all.len() as u64;
        Ok(Some(Group { positions, deltas: all }))
    }

    /// Writes them, and the rollups behind them, as a commit does.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(crate) fn write(&mut self, group: &Group) -> Result<(), StoreError> {
        let transaction = self.to.transaction_with_behavior(TransactionBehavior::Immediate)?;
        deltas::write(&transaction, group.deltas.iter(), &mut self.numbers)?;
        self.rolling.add(&transaction, group.positions, &group.deltas)?;
        Ok(transaction.commit()?)
    }

    /// How many deltas were read.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }
}
