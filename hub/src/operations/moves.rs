//! Taking a log from one store to another, whatever the two are.
//!
//! The store that is left is shut first, so its end stands still; then its rows are copied batch by
//! batch, each with the mark of how far it goes; the folds are made anew from what was copied; and
//! only when both sides are shown to hold the same is the new store a hub's. Ended at any moment,
//! the same command goes on where the marks say.

use futures_util::future::try_join;

use crate::{
    journal::commitment::Salt,
    store::{
        Head, Store, StoreError, Verdict,
        portable::{Arriving, Counter, Leaving, Origin, PARTS, Part, Standing},
    },
};

/// One end of a move.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// Its address, without a password.
    pub name: &'a str,
}

impl End<'_> {
    /// Why a store cannot answer, and which.
    fn says(&self, error: StoreError) -> StoreError {
        StoreError { reason: format!("{}: {}", self.name, error.reason), ..error }
    }
}

/// What a move does now.
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
    /// Both sides are verified and compared.
    Comparing,
}

/// What both sides were shown to hold.
#[derive(Debug, PartialEq, Eq)]
pub struct Proof {
    /// The journal's end.
    pub head: Head,
    /// What `verify` said of both.
    pub verdict: Verdict,
    /// The rows of each table.
    pub counters: Vec<Counter>,
}

/// Is told each step.
pub type Tell<'a> = dyn FnMut(Step) + Send + 'a;

fn refused<T>(reason: String) -> Result<T, StoreError> {
    Err(StoreError::fault(reason))
}

/// Moves a log, or goes on with it; `None` where the move was finished before.
///
/// # Errors
/// When a store cannot answer, the target holds something else, either end takes part in another
/// move, the old store does not hold, or the two are not shown to hold the same: says which.
pub async fn run(
    from: End<'_>,
    to: End<'_>,
    tell: &mut Tell<'_>,
) -> Result<Option<Proof>, StoreError> {
    let (here, there) = (from.store.standing().await?, to.store.standing().await?);
    let leaving = match stage(from, to, &here, &there).await? {
        Stage::Finished => return Ok(None),
        Stage::Begun(leaving) => leaving,
        Stage::New => shut(from, to, tell).await?,
    };
    let origin = from.store.origin().await?;
    let mark = match there.arriving {
        Some(arriving) => arriving,
        None => welcome(from, to, &origin, &leaving).await?,
    };
    let counters = from.store.counters().await?;
    let mark = copy(from, to, &origin, mark, &counters, tell).await?;
    let proof = prove(from, to, counters, tell).await?;
    to.store.complete(mark).await?;
    from.store.leave(Some(Leaving { finished: true, ..leaving })).await?;
    Ok(Some(proof))
}

/// How far a move has come.
enum Stage {
    New,
    Begun(Leaving),
    Finished,
}

/// Whether the two may be the ends of this move, and how far it has come.
async fn stage(
    from: End<'_>,
    to: End<'_>,
    here: &Standing,
    there: &Standing,
) -> Result<Stage, StoreError> {
    if let Some(mark) = &here.arriving {
        return refused(format!("a move from {} into {} is not finished", mark.from, from.name));
    }
    if let Some(mark) = &there.leaving {
        return refused(format!("{} is itself left: its log goes on at {}", to.name, mark.to));
    }
    match (&here.leaving, &there.arriving) {
        (Some(mark), _) if mark.to != to.name => {
            refused(format!("{} is being moved to {}, not to {}", from.name, mark.to, to.name))
        }
        (Some(mark), Some(arriving)) if mark.id == arriving.id => Ok(Stage::Begun(mark.clone())),
        (_, Some(arriving)) => refused(format!(
            "{} holds part of another move, from {}: empty it, or name another",
            to.name, arriving.from
        )),
        (Some(mark), None) if !there.is_empty => {
            let (old, new) = try_join(from.store.head(), to.store.head()).await?;
            if old.log_id != new.log_id {
                return refused(in_use(to));
            }
            // Ended between its last two steps.
            from.store.leave(Some(Leaving { finished: true, ..mark.clone() })).await?;
            Ok(Stage::Finished)
        }
        (None, None) if !there.is_empty => refused(in_use(to)),
        (None, None) if here.is_empty => refused(format!("{} holds nothing to move", from.name)),
        (None, None) => Ok(Stage::New),
        (Some(mark), None) => Ok(Stage::Begun(mark.clone())),
    }
}

fn in_use(to: End<'_>) -> String {
    format!(
        "{} holds something that is not of this move: name an empty database or a new file",
        to.name
    )
}

/// Shows that the old store holds, then shuts it.
async fn shut(from: End<'_>, to: End<'_>, tell: &mut Tell<'_>) -> Result<Leaving, StoreError> {
    tell(Step::Verifying);
    holds(from, &from.store.verify().await.map_err(|error| from.says(error))?)?;
    let id = Salt::random().map_err(|_| StoreError::fault("no randomness"))?;
    let id = id.as_bytes().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let leaving = Leaving { id, to: to.name.to_owned(), finished: false };
    from.store.leave(Some(leaving.clone())).await?;
    Ok(leaving)
}

fn holds(end: End<'_>, verdict: &Verdict) -> Result<(), StoreError> {
    match verdict.faults.first() {
        None => Ok(()),
        Some(fault) => refused(format!(
            "{} does not hold, and is not moved; `lienthong verify` tells all faults, the first \
             of {} is: {fault}",
            end.name,
            verdict.faults.len()
        )),
    }
}

async fn welcome(
    from: End<'_>,
    to: End<'_>,
    origin: &Origin,
    leaving: &Leaving,
) -> Result<Arriving, StoreError> {
    let mark = Arriving {
        id: leaving.id.clone(),
        from: from.name.to_owned(),
        part: PARTS.first().map(|part| part.name.to_owned()),
        after: None,
        rows: 0,
    };
    to.store.welcome(origin.clone(), mark.clone()).await?;
    Ok(mark)
}

/// Copies what is not there yet, part by part, and sets the journal's end.
async fn copy(
    from: End<'_>,
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
    from: End<'_>,
    to: End<'_>,
    part: &'static Part,
    mut mark: Arriving,
    of: u64,
    tell: &mut Tell<'_>,
) -> Result<Arriving, StoreError> {
    let mut batch = from.store.export(part, mark.after.clone()).await?;
    while let Some(last) = batch.last() {
        let after = Some(part.key_of(last));
        let rows = mark.rows + batch.len() as u64;
        let next = Arriving { after: after.clone(), rows, ..mark.clone() };
        let taken = to.store.import(part, batch, (mark, next.clone()));
        ((), batch) = try_join(taken, from.store.export(part, after)).await?;
        mark = next;
        tell(Step::Copying { part: part.name, rows, of });
    }
    Ok(mark)
}

/// Makes the folds anew and compares both sides in all that can be compared.
async fn prove(
    from: End<'_>,
    to: End<'_>,
    counters: Vec<Counter>,
    tell: &mut Tell<'_>,
) -> Result<Proof, StoreError> {
    tell(Step::Rebuilding);
    to.store.rebuild().await.map_err(|error| to.says(error))?;
    tell(Step::Comparing);
    let read = async |end: End<'_>| end.store.verify().await.map_err(|error| end.says(error));
    let (old, new) = try_join(read(from), read(to)).await?;
    holds(from, &old)?;
    holds(to, &new)?;
    let mut differ = Vec::new();
    let mut compare = |what: &str, old: String, new: String| {
        if old != new {
            differ.push(format!("{what} {old} against {new}"));
        }
    };
    let (head, arrived) = try_join(from.store.head(), to.store.head()).await?;
    compare("log", head.log_id.clone(), arrived.log_id);
    compare("entries", head.tree.size.to_string(), arrived.tree.size.to_string());
    compare("root", head.tree.root.to_string(), arrived.tree.root.to_string());
    compare("dossiers", old.dossiers.to_string(), new.dossiers.to_string());
    compare("fold root", old.fold_root.clone(), new.fold_root);
    for ((name, old), (_, new)) in counters.iter().zip(to.store.counters().await?) {
        compare(&format!("rows of {name}"), old.to_string(), new.to_string());
    }
    let (was, is) = try_join(from.store.origin(), to.store.origin()).await?;
    if was != is {
        differ.push("the heads differ".to_owned());
    }
    match differ.is_empty() {
        true => Ok(Proof { head, verdict: old, counters }),
        false => refused(format!(
            "{} and {} do not hold the same: {}",
            from.name,
            to.name,
            differ.join("; ")
        )),
    }
}

/// Opens the old store again, where the new one is not a hub's yet. What was copied stays where it
/// is, and is no store.
///
/// # Errors
/// When a store cannot answer, there is no such move, or it is finished.
pub async fn abandon(from: End<'_>, to: End<'_>) -> Result<(), StoreError> {
    let (here, there) = (from.store.standing().await?, to.store.standing().await?);
    let Some(mark) = here.leaving.filter(|mark| mark.to == to.name) else {
        return refused(format!("{} is not being moved to {}", from.name, to.name));
    };
    let same_log = || async {
        let (old, new) = try_join(from.store.head(), to.store.head()).await?;
        Ok::<_, StoreError>(old.log_id == new.log_id)
    };
    if mark.finished || (there.arriving.is_none() && !there.is_empty && same_log().await?) {
        return refused(format!(
            "the move is finished: the log goes on at {}; to go back, move it from there",
            to.name
        ));
    }
    from.store.leave(None).await
}
