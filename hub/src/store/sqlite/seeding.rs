//! What a transaction has decided, written without the care that a hub takes: for a benchmark that
//! wants a store larger than there is time and room to fill.

use std::{path::Path, thread, time::Duration};

use rusqlite::Connection;

use super::{deltas::NumbersSeen, known, open, write};
use crate::store::{
    Rules, StoreError,
    batch::{Changes, Rollups, Tip},
};

/// Entries that are written in one transaction, and whose deltas are rolled up together.
const ENTRIES_AT_ONCE: u64 = 65_536;

/// How often it is tried to have the file alone, and how long between.
const TRIES_MAX: u32 = 100;
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// A file that a crash may damage until it is closed: nothing is synced.
const HASTY: &str = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
    PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -131072;";

/// A store whose entries are not all there must not become a hub's: no fold could be made anew.
const STANDS: &str = "
    CREATE TRIGGER seeded_stands BEFORE UPDATE OF size ON head
    BEGIN SELECT RAISE(ABORT, 'a benchmark has seeded this store: nothing is added to it'); END;";

/// Writes into one store, alone.
pub(crate) struct Seeding {
    connection: Connection,
    numbers: NumbersSeen,
    sums: Rollups,
    /// The deltas before it are in the rollups.
    rolled: u64,
    /// The end of what was written.
    tip: Tip,
}

impl Seeding {
    /// Into a store that no hub works with; also the rules in force there.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(crate) fn of(file: &Path) -> Result<(Self, Rules), StoreError> {
        let (connection, _) = open::writer(file)?;
        // Who had it open may take a moment to let it go, and leaving the WAL waits for nobody.
        let mut tries = 0;
        while let Err(error) = connection.execute_batch(HASTY) {
            tries += 1;
            if tries > TRIES_MAX {
                return Err(error.into());
            }
            thread::sleep(BETWEEN_TRIES);
        }
        let tip = known::tip(&connection)?;
        let rules = tip.rules.map(|hash| known::rules(&connection, hash)).transpose()?;
        connection.execute_batch("BEGIN")?;
        let (rolled, numbers, sums) = (tip.next(), Default::default(), Default::default());
        Ok((Self { connection, numbers, sums, rolled, tip }, rules.unwrap_or_default()))
    }

    /// The end of what was written.
    pub(crate) fn tip(&self) -> &Tip {
        &self.tip
    }

    /// Writes what follows.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn write(&mut self, changes: &Changes) -> Result<(), StoreError> {
        write::changes(&self.connection, changes, &mut self.numbers)?;
        changes.deltas.iter().for_each(|delta| self.sums.add(delta));
        self.tip = changes.tip.clone();
        if self.tip.next() - self.rolled < ENTRIES_AT_ONCE {
            return Ok(());
        }
        self.roll()?;
        Ok(self.connection.execute_batch("COMMIT; BEGIN")?)
    }

    fn roll(&mut self) -> Result<(), StoreError> {
        self.rolled = self.tip.next();
        write::rollups(&self.connection, &std::mem::take(&mut self.sums), self.rolled)
    }

    /// Ends: what follows behind the journal is told that it has seen everything, and no entry is
    /// added any more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn close(mut self) -> Result<(), StoreError> {
        self.roll()?;
        for (table, next) in [("judged", self.tip.next()), ("profiled", self.tip.messages + 1)] {
            let sql = format!("INSERT OR REPLACE INTO {table} (one, next) VALUES (1, ?1)");
            self.connection.execute(&sql, [next])?;
        }
        self.connection.execute_batch(STANDS)?;
        self.connection.execute_batch("COMMIT; PRAGMA synchronous = FULL")?;
        let mode = self
            .connection
            .query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0))?;
        match mode.as_str() {
            "wal" => Ok(()),
            _ => Err(StoreError::fault("the file stays without a journal")),
        }
    }
}
