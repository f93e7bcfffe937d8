//! Whether what was read beside the writer, or answered before, still holds.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use rusqlite::Connection;

use super::{ahead::Read, deltas::NumbersSeen, known};
use crate::store::{
    Basis, StoreError, Submission,
    batch::{Attempt, Changes, Marks},
    slots::Slots,
};

/// Transactions remembered; what was read before the oldest of them is read again.
const REMEMBERED_MAX: usize = 64;

/// What this process has finished, as readers on any thread see it.
#[derive(Debug, Clone, Default)]
pub(super) struct Finished(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// The number of the last finished transaction.
    number: AtomicU64,
    /// The journal's size after it.
    size: AtomicU64,
    /// What was touched by which of them.
    slots: Slots,
}

impl Finished {
    pub(super) fn number(&self) -> u64 {
        self.0.number.load(Ordering::Acquire)
    }

    /// Tells all that a transaction has finished, with what it left and the journal's size; gives
    /// its number.
    pub(super) fn publish(&self, trace: &Trace, size: u64) -> u64 {
        let Seen { number: last, size: of_journal, slots } = &*self.0;
        let number = last.load(Ordering::Acquire) + 1;
        slots.touch(trace.marks.numbers(), number);
        of_journal.store(size, Ordering::Release);
        last.store(number, Ordering::Release);
        number
    }

    /// The journal's size, where nothing was touched since that an answer rests on.
    pub(super) fn holds(&self, basis: &Basis) -> Option<u64> {
        let Seen { size, slots, .. } = &*self.0;
        let moment = basis.moment?;
        // The size comes first: what was touched up to it is seen then.
        let size = size.load(Ordering::Acquire);
        slots.untouched(&basis.marks, moment).then(|| size.max(basis.size))
    }
}

/// What a transaction leaves for what was read before it.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// All that it may have touched, but for the messages below.
    marks: Marks,
    /// The messages of which it has taken a chunk, and more are to come: whoever brings the next
    /// one reads it before this one is durable, so these are carried on instead of read again.
    begun: Vec<Attempt>,
}

impl Trace {
    pub(super) fn of(chunks: &[Submission], changes: &Changes) -> Self {
        let attempts = || changes.attempts.iter().map(|one| &one.attempt);
        let alone = |one: &&Attempt| {
            let same = |other: &&Attempt| other.id == one.id && other.channel == one.channel;
            one.outcome.is_none() && attempts().filter(same).count() == 1
        };
        let begun: Vec<Attempt> = attempts().filter(alone).cloned().collect();
        let mut marks = Marks::named_by(chunks).moved(&changes.members);
        begun.iter().for_each(|one| marks.forget_message(&one.channel, &one.id));
        Self { marks, begun }
    }

    /// What was read before this as if it had been read after; `None` where that is not known.
    pub(super) fn brought_up(&self, mut read: Read, chunks: &[Submission]) -> Option<Read> {
        if self.marks.meet(&read.marks) {
            return None;
        }
        for one in &self.begun {
            if chunks.iter().any(|chunk| chunk.id == one.id && chunk.channel == one.channel) {
                read.attempts.deciding(one.clone());
            }
        }
        Some(read)
    }
}

/// What the last transactions have touched.
#[derive(Debug, Default)]
pub(super) struct Touched {
    finished: Finished,
    /// What each of the last transactions has left, by its number.
    last: VecDeque<(u64, Arc<Trace>)>,
    /// Transactions up to this number may have touched anything.
    anything: u64,
    /// What SQLite counts up where another process has written.
    version: i64,
}

impl Touched {
    pub(super) fn finished(&self) -> &Finished {
        &self.finished
    }

    /// A transaction has finished that left this, and a journal of that size. Called before it is
    /// answered, so that who hears of it finds no older answer.
    pub(super) fn note(&mut self, trace: Trace, size: u64) {
        let number = self.finished.publish(&trace, size);
        self.remember(number, Arc::new(trace));
    }

    /// Remembers what a transaction left that was published under a number.
    pub(super) fn remember(&mut self, number: u64, trace: Arc<Trace>) {
        self.last.push_back((number, trace));
        if self.last.len() > REMEMBERED_MAX
            && let Some((oldest, _)) = self.last.pop_front()
        {
            self.anything = oldest;
        }
    }

    /// A transaction has finished that may have touched anything.
    pub(super) fn anything(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let Seen { number: last, size, slots } = &*self.finished.0;
        let number = last.load(Ordering::Acquire) + 1;
        self.last.clear();
        self.anything = number;
        slots.touch_anything(number);
        last.store(number, Ordering::Release);
        size.store(known::tip(connection)?.next(), Ordering::Release);
        Ok(())
    }

    /// Looks whether another process has written since, which may have made all folds anew: then
    /// the numbers of places and names are other ones too. Called at the begin of a transaction,
    /// behind what goes aside, and where it is quiet.
    pub(super) fn look(
        &mut self,
        connection: &Connection,
        numbers: &mut NumbersSeen,
    ) -> Result<(), StoreError> {
        let version = data_version(connection)?;
        if self.version != version {
            numbers.forget();
            self.anything(connection)?;
            self.version = version;
        }
        Ok(())
    }

    /// What SQLite counted when it was last looked at.
    pub(super) fn version(&self) -> i64 {
        self.version
    }

    /// What was read as it stands after the last transaction; `None` where it must be read again.
    pub(super) fn brought_up(&self, read: Read, chunks: &[Submission]) -> Option<Read> {
        if read.after < self.anything {
            return None;
        }
        let after = read.after;
        let mut since = self.last.iter().filter(|(number, _)| *number > after);
        since.try_fold(read, |read, (_, trace)| trace.brought_up(read, chunks))
    }
}

/// What SQLite counts up where another connection has written.
pub(super) fn data_version(connection: &Connection) -> Result<i64, StoreError> {
    let sql = "PRAGMA data_version";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}
