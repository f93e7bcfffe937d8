//! One transaction: chunks of messages become rows, entries, dossiers and numbers.

use contracts::{Later, Outcome, Problem, Refusal, problem};
use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

use super::{
    component,
    entry::{Body, Tip},
    message::{self, Decision},
    rollup::Rollups,
};
use crate::{
    journal::{entry::EntryKind, merkle::Digest},
    registry::Content,
    store::{Item, Prepared, Reply, Rules, StoreError, Submission},
};

/// What chunks of one transaction share.
pub(super) struct Work<'a> {
    pub(super) tip: Tip,
    pub(super) rollups: Rollups,
    pub(super) rules: &'a Rules,
    pub(super) clock: Timestamp,
}

/// Writes a batch. One chunk that fails is rolled back alone and answered with `Later`.
pub(super) fn batch(
    connection: &mut Connection,
    batch: &[Submission],
    rules: &Rules,
) -> Result<Vec<Result<Reply, Later>>, rusqlite::Error> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tip = Tip::read(&transaction)?;
    let mut work = Work { tip, rollups: Rollups::default(), rules, clock: Timestamp::now() };
    let mut replies = Vec::with_capacity(batch.len());
    for submission in batch {
        let tip = work.tip.clone();
        work.rollups.mark();
        let savepoint = transaction.savepoint()?;
        match chunk(&savepoint, &mut work, submission) {
            Ok(reply) => {
                savepoint.commit()?;
                replies.push(Ok(reply));
            }
            Err(error) => {
                drop(savepoint);
                if is_fatal(&error) {
                    return Err(error);
                }
                tracing::error!(error = %error, channel.id = submission.channel,
                    "a chunk could not be written");
                work.tip = tip;
                work.rollups.rewind();
                let reason = "the store cannot take this message".to_owned();
                replies.push(Err(Later { reason, retry_after_seconds: 30 }));
            }
        }
    }
    work.rollups.write(&transaction)?;
    work.tip.write(&transaction)?;
    transaction.commit()?;
    Ok(replies)
}

/// Whether the fault is the file's and not the chunk's.
fn is_fatal(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase,
        OutOfMemory, ReadOnly, SystemIoFailure,
    };
    matches!(
        error.sqlite_error_code(),
        Some(
            CannotOpen
                | DatabaseBusy
                | DatabaseCorrupt
                | DatabaseLocked
                | DiskFull
                | NotADatabase
                | OutOfMemory
                | ReadOnly
                | SystemIoFailure
        )
    )
}

pub(super) fn unreadable(error: StoreError) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, Box::new(error))
}

fn chunk(
    connection: &Connection,
    work: &mut Work<'_>,
    chunk: &Submission,
) -> Result<Reply, rusqlite::Error> {
    let done = |message, again| {
        message::receipt(connection, message, again).map(Reply::Done).map_err(unreadable)
    };
    match message::decide(connection, chunk)? {
        Decision::Known { message } => done(message, true),
        Decision::Skip { next } => Ok(Reply::Next(next)),
        Decision::Conflict { kept: Some(message), .. } => done(message, true),
        Decision::Conflict { known, kept: None } => {
            let message = keep_conflict(connection, work, chunk, known)?;
            done(message, false)
        }
        // A later chunk of an attempt that is not there: begin with the first.
        Decision::Fresh { .. } if chunk.chunk > 0 => Ok(Reply::Next(0)),
        Decision::Fresh { previous } => {
            let at = work.tip.now(work.clock);
            let message = message::insert(connection, chunk, previous, &at.to_string())?;
            message::point(connection, chunk, message)?;
            items(connection, work, chunk, message)?;
            if chunk.last { done(message, false) } else { Ok(Reply::Next(1)) }
        }
        Decision::Continue { message } => {
            items(connection, work, chunk, message)?;
            if chunk.last { done(message, false) } else { Ok(Reply::Next(chunk.chunk + 1)) }
        }
    }
}

/// Keeps other content under a known id, shown and never applied.
fn keep_conflict(
    connection: &Connection,
    work: &mut Work<'_>,
    chunk: &Submission,
    known: i64,
) -> Result<i64, rusqlite::Error> {
    let at = work.tip.now(work.clock);
    let message = message::insert(connection, chunk, Some(known), &at.to_string())?;
    message::conflict(connection, chunk, message)?;
    let problems = vec![Problem::new(&problem::ID_REUSED).by_rule(chunk.id.clone())];
    let position =
        refuse(connection, work, (message, chunk), vec![Refusal { record: None, problems }])?;
    let last = Submission { last: false, ..chunk.clone() };
    message::advance(connection, message, &last, (0, 1), Some((position, position)))?;
    message::settle(connection, message, Outcome::Conflict)?;
    Ok(message)
}

/// Writes the records of a chunk, each an entry and its effect; refusals share one entry.
fn items(
    connection: &Connection,
    work: &mut Work<'_>,
    chunk: &Submission,
    message: i64,
) -> Result<(), rusqlite::Error> {
    let first = work.tip.next();
    let mut refusals = Vec::new();
    let mut records = 0;
    for Item { record, outcome } in &chunk.items {
        match outcome {
            Ok(prepared) => {
                for one in prepared {
                    observe(connection, work, (message, chunk), *record, one)?;
                    records += 1;
                }
            }
            Err(problems) => {
                refusals.push(Refusal { record: *record, problems: problems.clone() });
            }
        }
    }
    let refused = refusals.len() as u64;
    if refused > 0 {
        refuse(connection, work, (message, chunk), refusals)?;
    }
    let next = work.tip.next();
    let positions = (next > first).then(|| (first, next - 1));
    message::advance(connection, message, chunk, (records, refused), positions)
}

fn observe(
    connection: &Connection,
    work: &mut Work<'_>,
    sent: (i64, &Submission),
    record: Option<u32>,
    one: &Prepared,
) -> Result<(), rusqlite::Error> {
    let kind = match one.content {
        Some(Content::Retraction { .. }) => EntryKind::Retraction,
        _ => EntryKind::Observation,
    };
    let at = work.tip.now(work.clock);
    let body = Body {
        kind,
        record,
        contract: Some(one.contract.to_string()),
        key: Some(one.key.clone()),
        public: &one.public,
        public_hash: one.public_hash,
        personal: one.personal.as_ref(),
        supersedes: None,
    };
    let position = work.tip.append(connection, sent, at, &body)?;
    if let Some(content) = &one.content {
        let counted = sent.1.mode != crate::journal::entry::Mode::Trial;
        let seen = component::Seen { position, at, counted, content, hash: one.content_hash };
        component::apply(connection, work, &seen)?;
    }
    Ok(())
}

fn refuse(
    connection: &Connection,
    work: &mut Work<'_>,
    sent: (i64, &Submission),
    refusals: Vec<Refusal>,
) -> Result<u64, rusqlite::Error> {
    let public = serde_json::to_string(&refusals)
        .map_err(|error| unreadable(StoreError(error.to_string())))?;
    let at = work.tip.now(work.clock);
    let body = Body {
        kind: EntryKind::Refusal,
        record: None,
        contract: None,
        key: None,
        public: &public,
        public_hash: Digest::of(public.as_bytes()),
        personal: None,
        supersedes: None,
    };
    work.tip.append(connection, sent, at, &body)
}
