//! One transaction: what a batch needs is read, [`batch::run`] decides, its changes are written.

use std::sync::Arc;

use contracts::Later;
use rusqlite::TransactionBehavior;

use super::{Writer, known, write};
use crate::store::{
    Reply, Rules, StoreError, Submission,
    batch::{self, Known},
};

/// Writes a batch; where it cannot be written as one, its chunks are tried one by one, so that
/// a bad one fails alone.
pub(super) fn batch(
    writer: &mut Writer,
    chunks: &[Submission],
) -> Result<Vec<Result<Reply, Later>>, StoreError> {
    match together(writer, chunks) {
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
    let mut replies =
        together(writer, std::slice::from_ref(chunk)).map_err(|error| later(&error))?;
    replies.pop().unwrap_or_else(|| Err(StoreError::fault("a chunk has no reply").later()))
}

fn together(
    writer: &mut Writer,
    chunks: &[Submission],
) -> Result<Vec<Result<Reply, Later>>, StoreError> {
    let Writer { connection, rules, places, rolling, .. } = writer;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let attempts = known::attempts(&transaction, chunks)?;
    let subjects = known::subjects(&transaction, &batch::wanted(chunks, &attempts))?;
    let tip = known::tip(&transaction)?;
    let rules: Arc<Rules> = rules.at(&transaction, tip.rules)?;
    let before = tip.next();
    let clock = jiff::Timestamp::now();
    let (changes, replies) = batch::run(Known { tip, attempts, subjects }, chunks, &rules, clock);
    if changes.is_empty() {
        return Ok(replies);
    }
    let written = write::changes(&transaction, &changes, places)
        .and_then(|()| rolling.add(&transaction, (before, changes.tip.next()), &changes.deltas))
        .and_then(|()| transaction.commit().map_err(StoreError::from));
    if written.is_err() {
        // Rows that were taken back must not be remembered.
        places.forget();
        rolling.forget();
    }
    written.map(|()| replies)
}
