//! Reading ahead: what arriving batches need is read beside the writer, so that its thread only
//! decides and writes.
//!
//! A reader takes all that waits, reads as of one moment, and hands it on; the writer takes all
//! that was read meanwhile into one transaction, in the order in which it arrived. What was read is
//! read again only where a transaction since then may have touched it.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

use contracts::Later;
use jiff::Timestamp;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    barrier::Barrier,
    erasures, known, open, records,
    resequencer::{Place, Resequencer},
    touched::Finished,
    writer::Task,
};
use crate::store::{
    Reply, Rules, StoreError, Submission,
    batch::{self, Attempts, Erased, Known, Marks, Needs, Records, Subjects},
};

/// Readers at most; they share the cores with what translates.
const READERS_MAX: usize = 4;

/// Chunks and records that one reader takes at a time; the batch that passes one of them is the
/// last.
const CHUNKS_MAX: usize = 32;
const RECORDS_MAX: usize = 512;

/// What a batch is answered.
pub(super) type Replies = Result<Vec<Result<Reply, Later>>, StoreError>;

/// A batch that has arrived, and whom to answer.
pub(super) type Arrived = (Vec<Submission>, oneshot::Sender<Replies>);

/// What some chunks need, as of one moment.
pub(super) struct Read {
    /// The number of the last transaction that it surely saw.
    pub(super) after: u64,
    /// All that it is about.
    pub(super) marks: Marks,
    pub(super) attempts: Attempts,
    pub(super) subjects: Subjects,
    pub(super) records: Records,
    pub(super) erased: Erased,
}

impl Read {
    /// What it holds beside the marks.
    pub(super) fn needs(self) -> Needs {
        (self.attempts, self.subjects, self.records, self.erased)
    }
}

/// Batches read together.
#[derive(Default)]
pub(super) struct Group {
    /// The chunks of all of them, one batch after the other.
    pub(super) chunks: Vec<Submission>,
    /// How many are each batch's, and whom to answer.
    askers: Vec<(usize, oneshot::Sender<Replies>)>,
    /// What they need; nothing where it could not be read here.
    pub(super) read: Option<Read>,
}

impl Group {
    fn add(&mut self, (chunks, asker): Arrived) {
        self.askers.push((chunks.len(), asker));
        self.chunks.extend(chunks);
    }

    /// How many chunks its batches have.
    pub(super) fn asked_for(&self) -> usize {
        self.askers.iter().map(|(count, _)| count).sum()
    }

    pub(super) fn records(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.items.len()).sum()
    }

    /// Answers every batch its own part, in order.
    fn answer(self, replies: &mut impl Iterator<Item = Result<Reply, Later>>) {
        for (count, asker) in self.askers {
            // One that has gone away was served all the same.
            let _ = asker.send(Ok(replies.take(count).collect()));
        }
    }

    /// Tells every batch that nothing of it was written.
    pub(super) fn fail(self, error: &StoreError) {
        for (_, asker) in self.askers {
            let _ = asker.send(Err(error.clone()));
        }
    }
}

/// Answers groups, each its own part, in order; or tells them that the disk failed.
pub(super) fn answer(
    groups: Vec<Group>,
    replies: Vec<Result<Reply, Later>>,
    on_disk: Result<(), StoreError>,
) {
    let mut replies = replies.into_iter();
    match on_disk {
        Ok(()) => groups.into_iter().for_each(|group| group.answer(&mut replies)),
        Err(error) => groups.into_iter().for_each(|group| group.fail(&error)),
    }
}

/// Reads what chunks need.
pub(super) fn read(
    connection: &Connection,
    after: u64,
    chunks: &[Submission],
) -> Result<Read, StoreError> {
    let attempts = known::attempts(connection, chunks)?;
    let wanted = batch::wanted(chunks, &attempts);
    let subjects = known::subjects(connection, &wanted)?;
    let records = records::known(connection, &wanted.records)?;
    let marks = Marks::of(chunks, &subjects);
    let erased = erasures::known(connection, chunks, &subjects)?;
    Ok(Read { after, marks, attempts, subjects, records, erased })
}

/// One reader.
struct Reader {
    connection: Connection,
    arrived: Arc<Mutex<mpsc::Receiver<Arrived>>>,
    finished: Finished,
    barrier: Barrier,
    order: Resequencer,
}

/// Starts the readers; they end when nothing can arrive any more.
pub(super) fn start(
    path: &Path,
    (finished, barrier): (&Finished, &Barrier),
    writer: &mpsc::Sender<Task>,
) -> Result<mpsc::Sender<Arrived>, StoreError> {
    let (send, arrived) = mpsc::channel();
    let arrived = Arc::new(Mutex::new(arrived));
    let order = Resequencer::before(writer.clone());
    let count = thread::available_parallelism().map_or(1, Into::into).min(READERS_MAX);
    for number in 1..=count {
        let reader = Reader {
            connection: open::reader(path)?,
            arrived: arrived.clone(),
            finished: finished.clone(),
            barrier: barrier.clone(),
            order: order.clone(),
        };
        thread::Builder::new()
            .name(format!("lienthong-ahead-{number}"))
            .spawn(move || reader.work())
            .map_err(|error| StoreError::away(format!("a reader does not start: {error}")))?;
    }
    Ok(send)
}

impl Reader {
    fn work(mut self) {
        while let Some((mut group, place)) = self.next() {
            match self.look(&mut group) {
                Ok(Some(replies)) => {
                    self.barrier.then(move |on_disk| answer(vec![group], replies, on_disk));
                    continue;
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(error = %error, "not read ahead: the writer reads it itself");
                }
            }
            place.take(group);
        }
    }

    /// All that waits, up to a limit, and its place in the order; `None` at the end.
    fn next(&self) -> Option<(Group, Place)> {
        let arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let mut group = Group::default();
        group.add(arrived.recv().ok()?);
        while group.chunks.len() < CHUNKS_MAX && group.records() < RECORDS_MAX {
            let Ok(one) = arrived.try_recv() else { break };
            group.add(one);
        }
        Some((group, self.order.place()))
    }

    /// Reads what a group needs. Where all of it was sent before, nothing is to be written, and
    /// the answer is given.
    fn look(&mut self, group: &mut Group) -> Result<Option<Vec<Result<Reply, Later>>>, StoreError> {
        // The number comes first: a moment that begins later sees at least so much.
        let after = self.finished.number();
        let moment = self.connection.transaction()?;
        let read = read(&moment, after, &group.chunks)?;
        // A cursor moves even where nothing is stored.
        let writes = |chunk: &Submission| chunk.advance.is_some() || read.attempts.may_store(chunk);
        if group.chunks.iter().any(writes) {
            group.read = Some(read);
            return Ok(None);
        }
        let (attempts, subjects, records, erased) = read.needs();
        let known = Known {
            tip: known::tip(&moment)?,
            attempts,
            subjects,
            records,
            turns: Default::default(),
            erased,
        };
        // No record is folded, so no rules are asked for.
        let (changes, replies) =
            batch::run(known, &group.chunks, &Rules::default(), Timestamp::now());
        Ok(changes.is_empty().then_some(replies))
    }
}
