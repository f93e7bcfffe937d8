//! What the disk and SQLite can do in the folder of the store: below it no durable hub gets.

use std::{
    fs,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::{Connection, params};

use super::{BenchError, stop};

/// Bytes of a record or a row: about what a message adds to its largest table.
const ROW_BYTES: usize = 1_024;
/// Rows in the larger transactions.
pub(super) const GROUP: u64 = 256;

/// Things done and the time they took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rate {
    count: u64,
    seconds: f64,
}

impl Rate {
    pub(super) fn new(count: u64, time: Duration) -> Self {
        Self { count, seconds: time.as_secs_f64() }
    }

    /// Two measurements of the same as one.
    pub(super) fn add(&mut self, other: Self) {
        self.count += other.count;
        self.seconds += other.seconds;
    }

    pub(super) fn each_second(self) -> f64 {
        if self.seconds > 0.0 { self.count as f64 / self.seconds } else { 0.0 }
    }

    /// Does something that counts as `count` until the time is over.
    fn repeat(
        &mut self,
        count: u64,
        time: Duration,
        mut work: impl FnMut() -> Result<(), BenchError>,
    ) -> Result<(), BenchError> {
        let began = Instant::now();
        while began.elapsed() < time && !stop::told() {
            work()?;
            self.count += count;
        }
        self.seconds += began.elapsed().as_secs_f64();
        stop::check()
    }
}

/// The floors, measured a part before the hub and a part after it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Floors {
    /// Records appended and synced one by one.
    pub(super) sync: Rate,
    /// Rows inserted into SQLite, one in a transaction.
    pub(super) row: Rate,
    /// Rows inserted, [`GROUP`] in a transaction.
    pub(super) group: Rate,
    /// The same with the checkpoints that SQLite makes by itself: what it can keep up.
    pub(super) kept_up: Rate,
}

impl Floors {
    /// Measures all three, each for `time`.
    pub(super) fn measure(&mut self, folder: &Path, time: Duration) -> Result<(), BenchError> {
        let record = [7; ROW_BYTES];
        let path = folder.join("floor.log");
        let mut file = fs::File::create(&path)?;
        self.sync.repeat(1, time, || {
            file.write_all(&record)?;
            Ok(file.sync_data()?)
        })?;
        fs::remove_file(path)?;
        insert(folder, 1, NO_CHECKPOINTS, time, &mut self.row)?;
        self.groups(folder, time)
    }

    /// Measures rows in groups alone.
    pub(super) fn groups(&mut self, folder: &Path, time: Duration) -> Result<(), BenchError> {
        insert(folder, GROUP, NO_CHECKPOINTS, time, &mut self.group)
    }

    /// Measures rows in groups, checkpoints included.
    pub(super) fn kept_up(&mut self, folder: &Path, time: Duration) -> Result<(), BenchError> {
        insert(folder, GROUP, OWN_CHECKPOINTS, time, &mut self.kept_up)
    }
}

/// Pages of the WAL after which the writer copies it back: none, as the hub leaves that to a thread
/// of its own.
const NO_CHECKPOINTS: u32 = 0;
/// As SQLite does unless told otherwise.
const OWN_CHECKPOINTS: u32 = 1_000;

/// The journal of SQLite is synced with every transaction, as in the hub's store.
fn insert(
    folder: &Path,
    group: u64,
    checkpoints: u32,
    time: Duration,
    rate: &mut Rate,
) -> Result<(), BenchError> {
    let folder = folder.join("floor");
    fs::create_dir_all(&folder)?;
    let mut connection = Connection::open(folder.join("floor.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", checkpoints)?;
    connection.execute_batch("CREATE TABLE row (number INTEGER PRIMARY KEY, body BLOB)")?;
    let row = [7_u8; ROW_BYTES];
    let mut number = 0_u64;
    rate.repeat(group, time, || {
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO row VALUES (?1, ?2)")?;
            for _ in 0..group {
                number += 1;
                insert.execute(params![number, row])?;
            }
        }
        Ok(transaction.commit()?)
    })?;
    drop(connection);
    Ok(fs::remove_dir_all(folder)?)
}
