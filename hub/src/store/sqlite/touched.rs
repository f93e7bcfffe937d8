//! Whether what was read beside the writer, or answered before, still holds.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use rusqlite::Connection;

use super::{ahead::Read, known};
use crate::store::{Basis, StoreError, batch::Marks};

/// Transactions remembered; what was read before the oldest of them is read again.
const REMEMBERED_MAX: usize = 64;

/// Slots among which marks are spread; marks that share one are touched together.
const SLOTS: usize = 1 << 16;

/// What this process has finished, as readers on any thread see it.
#[derive(Debug, Clone)]
pub(super) struct Finished(Arc<Seen>);

#[derive(Debug)]
struct Seen {
    /// The number of the last finished transaction.
    number: AtomicU64,
    /// The journal's size after it.
    size: AtomicU64,
    /// The last transaction that may have touched anything.
    anything: AtomicU64,
    /// The last transaction that touched each slot.
    slots: Box<[AtomicU64]>,
}

impl Default for Finished {
    fn default() -> Self {
        let (number, size, anything) = Default::default();
        let slots = (0..SLOTS).map(|_| AtomicU64::default()).collect();
        Self(Arc::new(Seen { number, size, anything, slots }))
    }
}

impl Finished {
    pub(super) fn number(&self) -> u64 {
        self.0.number.load(Ordering::Acquire)
    }

    /// The journal's size, where nothing was touched since that an answer rests on.
    pub(super) fn holds(&self, basis: &Basis) -> Option<u64> {
        let Seen { size, anything, slots, .. } = &*self.0;
        let moment = basis.moment?;
        // The size comes first: what was touched up to it is seen then.
        let size = size.load(Ordering::Acquire);
        let untouched = |mark: &u64| {
            slots.get(slot(*mark)).is_some_and(|slot| slot.load(Ordering::Acquire) <= moment)
        };
        let holds = anything.load(Ordering::Acquire) <= moment && basis.marks.iter().all(untouched);
        holds.then(|| size.max(basis.size))
    }
}

fn slot(mark: u64) -> usize {
    usize::try_from(mark % SLOTS as u64).unwrap_or_default()
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

    /// A transaction has finished that touched no more than this, and left a journal of that size.
    /// Called before it is answered, so that who hears of it finds no older answer.
    pub(super) fn note(&mut self, marks: Marks, size: u64) {
        let Seen { number: last, size: of_journal, slots, .. } = &*self.finished.0;
        let number = last.load(Ordering::Acquire) + 1;
        for slot in marks.numbers().filter_map(|mark| slots.get(slot(mark))) {
            slot.store(number, Ordering::Release);
        }
        of_journal.store(size, Ordering::Release);
        last.store(number, Ordering::Release);
        self.last.push_back((number, marks));
        if self.last.len() > REMEMBERED_MAX
            && let Some((oldest, _)) = self.last.pop_front()
        {
            self.anything = oldest;
        }
    }

    /// A transaction has finished that may have touched anything.
    pub(super) fn anything(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let Seen { number: last, size, anything, .. } = &*self.finished.0;
        let number = last.load(Ordering::Acquire) + 1;
        self.last.clear();
        self.anything = number;
        anything.store(number, Ordering::Release);
        last.store(number, Ordering::Release);
        size.store(known::tip(connection)?.next(), Ordering::Release);
        Ok(())
    }

    /// Looks whether another process has written since; called at the begin of a transaction, and
    /// where it is quiet.
    pub(super) fn look(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let sql = "PRAGMA data_version";
        let version = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        if self.version != version {
            self.version = version;
            self.anything(connection)?;
        }
        Ok(())
    }

    /// Whether something that was read may have been touched since.
    pub(super) fn holds(&self, read: &Read) -> bool {
        let since = self.last.iter().rev().take_while(|(number, _)| *number > read.after);
        read.after >= self.anything && since.into_iter().all(|(_, marks)| !marks.meet(&read.marks))
    }
}
