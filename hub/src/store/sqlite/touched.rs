//! Whether what was read beside the writer still holds.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use rusqlite::Connection;

use super::ahead::Read;
use crate::store::{StoreError, batch::Marks};

/// Transactions remembered; what was read before the oldest of them is read again.
const REMEMBERED_MAX: usize = 64;

/// The number of the last finished transaction of this process, as readers see it.
#[derive(Debug, Clone, Default)]
pub(super) struct Finished(Arc<AtomicU64>);

impl Finished {
    pub(super) fn number(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// What the last transactions have touched.
#[derive(Debug, Default)]
pub(super) struct Touched {
    finished: Finished,
    /// What each of the last transactions may have touched, by its number.
    last: VecDeque<(u64, Marks)>,
    /// Transactions up to this number may have touched anything.
    anything: u64,
    /// What SQLite counts up where another process has written.
    version: i64,
}

impl Touched {
    pub(super) fn finished(&self) -> &Finished {
        &self.finished
    }

    fn next(&mut self) -> u64 {
        self.finished.0.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// A transaction has finished that touched no more than this.
    pub(super) fn note(&mut self, marks: Marks) {
        let number = self.next();
        self.last.push_back((number, marks));
        if self.last.len() > REMEMBERED_MAX
            && let Some((oldest, _)) = self.last.pop_front()
        {
            self.anything = oldest;
        }
    }

    /// A transaction has finished that may have touched anything.
    pub(super) fn anything(&mut self) {
        self.last.clear();
        self.anything = self.next();
    }

    /// Looks whether another process has written since; called at the begin of a transaction.
    pub(super) fn look(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let sql = "PRAGMA data_version";
        let version = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        if self.version != version {
            self.version = version;
            self.anything();
        }
        Ok(())
    }

    /// Whether something that was read may have been touched since.
    pub(super) fn holds(&self, read: &Read) -> bool {
        let since = self.last.iter().rev().take_while(|(number, _)| *number > read.after);
        read.after >= self.anything && since.into_iter().all(|(_, marks)| !marks.meet(&read.marks))
    }
}
