//! Large loads: while one transaction is written, the next is decided.
//!
//! What is decided beside the writing builds upon what is being written as if it were durable: on
//! its journal's end, and on what it leaves of messages under way. So it is written only if that
//! was, and if no other process has written in between; else it is decided anew.

use std::{
    panic::resume_unwind,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use contracts::Later;
use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

use super::{
    ahead::{self, Group},
    barrier::Barrier,
    checkpoint::WalPages,
    deltas::NumbersSeen,
    rolling::Rolling,
    submit::{self, Part},
    touched::{Finished, Touched, Trace, data_version},
    write,
    writer::{Taken, Task, Writer},
};
use crate::store::{
    Reply, Rules, StoreError, Submission,
    batch::{self, Changes, Known, Tip},
};

/// Records from which this pays: smaller loads are better written together than one beside the
/// other.
pub(super) const RECORDS_MIN: usize = 256;

/// How long the thread that decides waits for work before it looks whether the writing is over.
const WAIT: Duration = Duration::from_millis(1);

/// What some groups come to.
struct Decided {
    groups: Vec<Group>,
    chunks: Vec<Submission>,
    changes: Changes,
    replies: Vec<Result<Reply, Later>>,
    trace: Arc<Trace>,
    /// The journal's size before.
    before: u64,
}

/// The number of a transaction, or its groups back.
type Written = Result<u64, Vec<Group>>;

/// What was decided, or its groups back where it could not be.
type Upon = Result<Decided, Vec<Group>>;

/// What deciding needs, and by which rules.
type Needed = (Known, Arc<Rules>);

impl Decided {
    /// Decides; gives the groups back where what that needs is not known.
    fn of(
        mut groups: Vec<Group>,
        needed: impl FnOnce(&[Submission], Vec<Part>) -> Option<Needed>,
    ) -> Result<Self, Vec<Group>> {
        let (chunks, parts) = submit::parts(&mut groups);
        let Some((known, rules)) = needed(&chunks, parts) else {
            return Err(given_back(groups, chunks));
        };
        let before = known.tip.next();
        let (changes, replies) = batch::run(known, &chunks, &rules, Timestamp::now());
        let trace = Arc::new(Trace::of(&chunks, &changes));
        Ok(Self { groups, chunks, changes, replies, trace, before })
    }

    /// The groups as they came.
    fn undone(self) -> Vec<Group> {
        given_back(self.groups, self.chunks)
    }
}

/// Groups as they came, to be decided anew.
fn given_back(mut groups: Vec<Group>, chunks: Vec<Submission>) -> Vec<Group> {
    let mut chunks = chunks.into_iter();
    for group in &mut groups {
        group.chunks = chunks.by_ref().take(group.asked_for()).collect();
    }
    groups
}

/// All that writing changes.
struct Pen<'a> {
    connection: &'a mut Connection,
    numbers: &'a mut NumbersSeen,
    rolling: &'a mut Rolling,
    wal: &'a WalPages,
    barrier: &'a Barrier,
    finished: Finished,
    /// What SQLite counted when the deciding began.
    version: i64,
}

impl Pen<'_> {
    /// Writes and answers.
    fn write(mut self, decided: Decided) -> Written {
        let Decided { groups, chunks, changes, replies, trace, before } = decided;
        if let Err(error) = self.commit(&changes, before) {
            tracing::warn!(error = %error, "not written as decided: it is decided anew");
            return Err(given_back(groups, chunks));
        }
        let number = self.finished.publish(&trace, changes.tip.next());
        self.barrier.ended();
        self.barrier.then(move |on_disk| ahead::answer(groups, replies, on_disk));
        self.wal.relieve(self.connection);
        self.barrier.pace();
        Ok(number)
    }

    fn commit(&mut self, changes: &Changes, before: u64) -> Result<(), StoreError> {
        let Self { connection, numbers, rolling, version, .. } = self;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if data_version(&transaction)? != *version {
            return Err(StoreError::fault("another process has written meanwhile"));
        }
        write::changes(&transaction, changes, numbers)?;
        rolling.add(&transaction, (before, changes.tip.next()), &changes.deltas)?;
        Ok(transaction.commit()?)
    }
}

/// Writes groups, and those that come meanwhile; gives back the job that ended it, if one did.
pub(super) fn groups(
    writer: &mut Writer,
    groups: Vec<Group>,
    tasks: &mpsc::Receiver<Task>,
) -> Option<Task> {
    let mut job = None;
    let mut next = Some(first(writer, groups));
    while let Some(decided) = next.take() {
        let now = match decided {
            Ok(now) => now,
            Err(groups) => {
                submit::groups(writer, groups);
                continue;
            }
        };
        let (trace, mut taken) = (now.trace.clone(), Taken::default());
        let more = job.is_none().then_some(tasks);
        let (written, upon) = round(writer, now, more, &mut taken);
        (job, next) = (job.or(taken.job), upon);
        match written {
            Ok(number) => writer.touched.remember(number, trace),
            Err(groups) => {
                writer.taken_back();
                submit::groups(writer, groups);
                // What was decided upon it is decided anew.
                next = next.map(|upon| Err(upon.map_or_else(|groups| groups, Decided::undone)));
            }
        }
    }
    job
}

/// Decides groups upon what is durable.
fn first(writer: &mut Writer, groups: Vec<Group>) -> Upon {
    let Writer { connection, rules, numbers, touched, .. } = writer;
    Decided::of(groups, |chunks, parts| {
        let needed = || -> Result<Needed, StoreError> {
            touched.look(connection, numbers)?;
            let moment = connection.transaction()?;
            let known = submit::known(&moment, chunks, parts, touched)?;
            let rules = rules.at(&moment, known.tip.rules)?;
            Ok((known, rules))
        };
        // What cannot be read is told where it is tried again.
        needed().ok()
    })
}

/// Writes what was decided, and decides beside it what comes meanwhile.
fn round(
    writer: &mut Writer,
    now: Decided,
    tasks: Option<&mpsc::Receiver<Task>>,
    taken: &mut Taken,
) -> (Written, Option<Upon>) {
    let Writer { connection, rules, numbers, rolling, touched, wal, barrier } = writer;
    let (finished, version) = (touched.finished().clone(), touched.version());
    let pen = Pen { connection, numbers, rolling, wal, barrier, finished, version };
    let (trace, end) = (now.trace.clone(), now.changes.tip.clone());
    thread::scope(|scope| {
        let writing = scope.spawn(move || pen.write(now));
        if let Some(tasks) = tasks {
            while taken.is_empty() && !writing.is_finished() {
                taken.await_one(tasks, WAIT);
            }
            taken.fill(tasks, RECORDS_MIN);
        }
        let groups = std::mem::take(&mut taken.groups);
        let upon = (!groups.is_empty()).then(|| {
            Decided::of(groups, |chunks, parts| {
                let rules = rules.seen(end.rules)?;
                Some((upon(touched, &trace, end, (chunks, parts))?, rules))
            })
        });
        let written = writing.join().unwrap_or_else(|panic| resume_unwind(panic));
        (written, upon)
    })
}

/// What chunks need, once what leaves a trace is durable; `None` where it is not known yet.
fn upon(
    touched: &Touched,
    trace: &Trace,
    tip: Tip,
    (chunks, parts): (&[Submission], Vec<Part>),
) -> Option<Known> {
    // Whose turn it is to read is asked of the store.
    if chunks.iter().any(|chunk| chunk.advance.is_some()) {
        return None;
    }
    let mut known = Known::at(tip);
    for (range, early) in parts {
        let chunks = chunks.get(range)?;
        let read = touched.brought_up(early?, chunks)?;
        known.absorb(trace.brought_up(read, chunks)?.needs());
    }
    Some(known)
}
