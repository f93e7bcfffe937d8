//! Taking rows from one store to another: what moves, backups and restorations have in common.
//!
//! Rows go part by part and batch by batch, each with the mark of how far it goes, so that the same
//! command goes on where it was ended.

use futures_util::future::try_join;

use crate::{
    journal::commitment::Salt,
    store::{
        Store, StoreError, Verdict,
        portable::{Arriving, Counter, FilledBy, Origin, PARTS, Part, Snapshot},
    },
};

/// A store that rows are taken from, or that is filled.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// Its address, without a password.
    pub name: &'a str,
}

impl End<'_> {
    /// Why a store cannot answer, and which.
    pub(super) fn says(&self, error: StoreError) -> StoreError {
        StoreError { reason: format!("{}: {}", self.name, error.reason), ..error }
    }
}

/// What is done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The old store is read and compared with its recount; it may be in use meanwhile.
    Verifying,
    /// Rows are copied.
    Copying {
        /// The table.
        part: &'static str,
        /// Rows that are there.
        rows: u64,
        /// Rows that there will be.
        of: u64,
    },
    /// The folds are made anew.
    Rebuilding,
    /// What is there is verified, and compared with where it came from.
    Comparing,
    /// Attachments are copied.
    Files {
        /// How many.
        files: u64,
    },
}

/// Is told each step.
pub type Tell<'a> = dyn FnMut(Step) + Send + 'a;

pub(super) fn refused<T>(reason: String) -> Result<T, StoreError> {
    Err(StoreError::fault(reason))
}

/// A name that no other has: 16 bytes in hex.
pub(super) fn name() -> Result<String, StoreError> {
    let name = Salt::random().map_err(|_| StoreError::fault("no randomness"))?;
    Ok(name.as_bytes().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

/// The mark of a store before its first row.
pub(super) fn before_all(by: FilledBy, id: String, from: &str) -> Arriving {
    let part = PARTS.first().map(|part| part.name.to_owned());
    Arriving { id, by, from: from.to_owned(), part, after: None, rows: 0 }
}

/// The rows of the parts: not of folds.
pub(super) fn of_parts(counters: &[Counter]) -> &[Counter] {
    counters.get(..PARTS.len()).unwrap_or(counters)
}

pub(super) fn holds(end: End<'_>, verdict: &Verdict) -> Result<(), StoreError> {
    match verdict.faults.first() {
        None => Ok(()),
        Some(fault) => refused(format!(
            "{} does not hold, and is taken nowhere; `lienthong verify` tells all faults, the \
             first of {} is: {fault}",
            end.name,
            verdict.faults.len()
        )),
    }
}

/// Copies what is not there yet, part by part, and sets the journal's end.
pub(super) async fn copy(
    from: &dyn Snapshot,
    to: End<'_>,
    origin: &Origin,
    mut mark: Arriving,
    counters: &[Counter],
    tell: &mut Tell<'_>,
) -> Result<Arriving, StoreError> {
    while let Some(name) = &mark.part {
        let Some(at) = PARTS.iter().position(|part| part.name == name) else {
            return refused(format!("{} was filled by a newer program: use that", to.name));
        };
        let part = &PARTS[at];
        let of = counters.iter().find(|(name, _)| *name == part.name).map_or(0, |(_, n)| *n);
        mark = rows(from, to, part, mark, of, tell).await?;
        let following = PARTS.get(at + 1).map(|part| part.name.to_owned());
        let next = Arriving { part: following, after: None, rows: 0, ..mark.clone() };
        mark = if next.part.is_some() {
            to.store.import(part, Vec::new(), (mark, next.clone())).await?;
            next
        } else {
            to.store.settle(origin.clone(), (mark, next.clone())).await?;
            next
        };
    }
    Ok(mark)
}

/// Copies the rows of one part that are not there yet: one batch is read while the one before it
/// is written.
async fn rows(
    from: &dyn Snapshot,
    to: End<'_>,
    part: &'static Part,
    mut mark: Arriving,
    of: u64,
    tell: &mut Tell<'_>,
) -> Result<Arriving, StoreError> {
    let mut batch = from.export(part, mark.after.clone()).await?;
    while let Some(last) = batch.last() {
        let after = Some(part.key_of(last));
        let rows = mark.rows + batch.len() as u64;
        let next = Arriving { after: after.clone(), rows, ..mark.clone() };
        let taken = to.store.import(part, batch, (mark, next.clone()));
        ((), batch) = try_join(taken, from.export(part, after)).await?;
        mark = next;
        tell(Step::Copying { part: part.name, rows, of });
    }
    Ok(mark)
}
