//! One transaction: what batches need was read ahead, [`batch::run`] decides, its changes are
//! written.

use std::{ops::Range, sync::Arc};

use contracts::Later;
use rusqlite::{Connection, TransactionBehavior};

use super::{
    ahead::{self, Group, Read},
    known, pollers,
    touched::{Touched, Trace},
    write,
    writer::Writer,
};
use crate::store::{
    Reply, Rules, StoreError, Submission,
    batch::{self, Known},
};

/// Chunks read together, and what they need where that is known.
pub(super) type Part = (Range<usize>, Option<Read>);

/// The chunks of all groups, and what each group needs.
pub(super) fn parts(groups: &mut [Group]) -> (Vec<Submission>, Vec<Part>) {
    let (mut chunks, mut parts) = (Vec::new(), Vec::new());
    for group in groups {
        let first = chunks.len();
        chunks.append(&mut group.chunks);
        parts.push((first..chunks.len(), group.read.take()));
    }
    (chunks, parts)
}

/// Writes groups in one transaction and answers them.
pub(super) fn groups(writer: &mut Writer, mut groups: Vec<Group>) {
    let (chunks, parts) = parts(&mut groups);
    match all(writer, &chunks, parts) {
        Ok(replies) => {
            writer.barrier.ended();
            writer.barrier.then(move |on_disk| ahead::answer(groups, replies, on_disk));
        }
        Err(error) => groups.into_iter().for_each(|group| group.fail(&error)),
    }
}

/// Writes chunks together; where they cannot be, each is tried by itself, so that a bad one fails
/// alone.
fn all(
    writer: &mut Writer,
    chunks: &[Submission],
    parts: Vec<Part>,
) -> Result<Vec<Result<Reply, Later>>, StoreError> {
    match together(writer, chunks, parts) {
        Err(error) if chunks.len() > 1 && !error.is_of_the_store() => {
            tracing::error!(error = %error, "a batch could not be written; its chunks go alone");
            Ok(chunks.iter().map(|chunk| alone(writer, chunk)).collect())
        }
        done => done,
    }
}

fn alone(writer: &mut Writer, chunk: &Submission) -> Result<Reply, Later> {
    let later = |error: &StoreError| {
        tracing::error!(error = %error, channel.id = chunk.channel, "a chunk could not be written");
        error.later()
    };
    let mut replies = together(writer, std::slice::from_ref(chunk), vec![(0..1, None)])
        .map_err(|error| later(&error))?;
    replies.pop().unwrap_or_else(|| Err(StoreError::fault("a chunk has no reply").later()))
}

fn together(
    writer: &mut Writer,
    chunks: &[Submission],
    parts: Vec<Part>,
) -> Result<Vec<Result<Reply, Later>>, StoreError> {
    let Writer { connection, rules, numbers, rolling, touched, .. } = writer;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    touched.look(&transaction, numbers)?;
    let known = known(&transaction, chunks, parts, touched)?;
    let rules: Arc<Rules> = rules.at(&transaction, known.tip.rules)?;
    let before = known.tip.next();
    let (changes, replies) = batch::run(known, chunks, &rules, jiff::Timestamp::now());
    if changes.is_empty() {
        return Ok(replies);
    }
    let written = write::changes(&transaction, &changes, numbers)
        .and_then(|()| rolling.add(&transaction, (before, changes.tip.next()), &changes.deltas))
        .and_then(|()| transaction.commit().map_err(StoreError::from));
    if written.is_err() {
        // Rows that were taken back must not be remembered.
        numbers.forget();
        rolling.forget();
        // Whether they were is not certain.
        touched.anything(connection)?;
    } else {
        touched.note(Trace::of(chunks, &changes), changes.tip.next());
    }
    written.map(|()| replies)
}

/// What all chunks need: what was read ahead, as far as it still holds, and the rest read now.
pub(super) fn known(
    connection: &Connection,
    chunks: &[Submission],
    parts: Vec<Part>,
    touched: &Touched,
) -> Result<Known, StoreError> {
    let tip = known::tip(connection)?;
    let turns = pollers::in_force(connection, chunks)?;
    let mut known = Known { turns, ..Known::at(tip) };
    for (range, early) in parts {
        let chunks = chunks.get(range).unwrap_or_default();
        let read = match early.and_then(|read| touched.brought_up(read, chunks)) {
            Some(read) => read,
            None => ahead::read(connection, 0, chunks)?,
        };
        known.absorb(read.needs());
    }
    Ok(known)
}
