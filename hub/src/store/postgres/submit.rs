//! One transaction: what a batch needs is read, the journal's end is taken, [`batch::run`]
//! decides, its changes are written.

use contracts::Later;

use super::{
    PostgresStore,
    failure::{Failure, Tries},
    known, pollers, records,
    session::{self, soon},
    write,
};
use crate::store::{
    Reply, StoreError, Submission,
    batch::{self, Known},
};

/// Writes a batch; where it cannot be written as one, its chunks are tried one by one, so that
/// a bad one fails alone.
pub(super) async fn batch(
    store: &PostgresStore,
    chunks: &[Submission],
) -> Result<Vec<Result<Reply, Later>>, StoreError> {
    match whole(store, chunks).await {
        Err(error) if chunks.len() > 1 && !error.is_of_the_store() => {
            tracing::error!(error = %error, "a batch could not be written; its chunks go alone");
            let mut replies = Vec::with_capacity(chunks.len());
            for chunk in chunks {
                replies.push(alone(store, chunk).await);
            }
            Ok(replies)
        }
        done => done,
    }
}

async fn alone(store: &PostgresStore, chunk: &Submission) -> Result<Reply, Later> {
    let only = std::slice::from_ref(chunk);
    let later = |error: StoreError| {
        tracing::error!(error = %error, channel.id = chunk.channel, "a chunk could not be written");
        error.later()
    };
    let mut replies = whole(store, only).await.map_err(later)?;
    replies.pop().unwrap_or_else(|| Err(StoreError::fault("a chunk has no reply").later()))
}

/// Runs the transaction, and runs it again where it was taken back for another's sake.
async fn whole(
    store: &PostgresStore,
    chunks: &[Submission],
) -> Result<Vec<Result<Reply, Later>>, StoreError> {
    let mut tries = Tries::default();
    loop {
        match together(store, chunks).await {
            Err(failure) if tries.again(&failure).await => {}
            ended => return ended.map_err(StoreError::from),
        }
    }
}

async fn together(
    store: &PostgresStore,
    chunks: &[Submission],
) -> Result<Vec<Result<Reply, Later>>, Failure> {
    let mut client = store.sessions.writer().await?;
    let transaction = session::begin(&mut client).await?;
    let mut read = soon(known::read(&transaction, chunks)).await?;
    // A cursor moves even where nothing is stored.
    let moves = chunks.iter().any(|chunk| chunk.advance.is_some());
    if !read.may_store && !moves {
        // Most likely all was sent before: nothing is written then, and nothing need be held.
        let rules = soon(store.rules.at(&transaction, read.tip.rules)).await?;
        let (attempts, subjects, erased) = (read.attempts, read.subjects, read.erased);
        let known = Known { attempts, subjects, erased, ..Known::at(read.tip) };
        let (changes, replies) = batch::run(known, chunks, &rules, jiff::Timestamp::now());
        if changes.is_empty() {
            return Ok(replies);
        }
        read = soon(known::read(&transaction, chunks)).await?;
    }
    let tip = soon(known::tip_held(&transaction)).await?;
    if soon(read.is_stale(&transaction, &tip)).await? {
        read = soon(known::read(&transaction, chunks)).await?;
    }
    let rules = soon(store.rules.at(&transaction, tip.rules)).await?;
    let records = soon(records::known(&transaction, &read.records)).await?;
    let turns = soon(pollers::in_force(&transaction, chunks)).await?;
    let (attempts, subjects, erased) = (read.attempts, read.subjects, read.erased);
    let known = Known { tip, attempts, subjects, records, turns, erased };
    let (changes, replies) = batch::run(known, chunks, &rules, jiff::Timestamp::now());
    if changes.is_empty() {
        return Ok(replies);
    }
    let places = soon(store.places.numbers(&transaction, changes.deltas.iter())).await?;
    session::write_soon(&transaction, write::batch(&changes, &places)?).await?;
    session::commit(transaction).await?;
    store.places.remember(places);
    store.appended.to(changes.tip.next());
    Ok(replies)
}
