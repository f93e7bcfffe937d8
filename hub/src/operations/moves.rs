//! Taking a log from one store to another, whatever the two are.
//!
//! The store that is left is shut first, so its end stands still; then its rows are copied batch by
//! batch, each with the mark of how far it goes; the folds are made anew from what was copied; and
//! only when both sides are shown to hold the same is the new store a hub's. Ended at any moment,
//! the same command goes on where the marks say.

use futures_util::future::try_join;

use super::carry::{self, End, Step, Tell, copy, holds, refused};
use crate::store::{
    Head, StoreError, Verdict,
    portable::{Counter, Filled, FilledBy, Leaving, Origin, Standing},
};

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
    let source = from.store.snapshot().await?;
    let origin = source.origin().await?;
    let mark = match there.arriving {
        Some(arriving) => arriving,
        None => {
            let mark = carry::before_all(FilledBy::Move, leaving.id.clone(), from.name);
            to.store.welcome(origin.clone(), mark.clone()).await?;
            mark
        }
    };
    let counters = source.counters().await?;
    let mark = copy(&*source, to, &origin, mark, &counters, tell).await?;
    drop(source);
    let proof = prove(from, to, (origin, counters), tell).await?;
    to.store.complete(mark, Filled::Moved).await?;
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
    for (end, standing) in [(from, here), (to, there)] {
        if let Some(backup) = &standing.backup {
            return refused(format!("{} is a backup of {}", end.name, backup.from));
        }
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
            if old.log != new.log {
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
    format!("{} holds something else: name an empty database or a new file", to.name)
}

/// Shows that the old store holds, then shuts it.
async fn shut(from: End<'_>, to: End<'_>, tell: &mut Tell<'_>) -> Result<Leaving, StoreError> {
    tell(Step::Verifying);
    holds(from, &from.store.verify().await.map_err(|error| from.says(error))?)?;
    let leaving = Leaving { id: carry::name()?, to: to.name.to_owned(), finished: false };
    from.store.leave(Some(leaving.clone())).await?;
    Ok(leaving)
}

/// Makes the folds anew and compares both sides in all that can be compared.
async fn prove(
    from: End<'_>,
    to: End<'_>,
    (origin, counters): (Origin, Vec<Counter>),
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
    compare("log", head.log.id.clone(), arrived.log.id);
    compare("entries", head.tree.size.to_string(), arrived.tree.size.to_string());
    compare("root", head.tree.root.to_string(), arrived.tree.root.to_string());
    compare("dossiers", old.dossiers.to_string(), new.dossiers.to_string());
    compare("fold root", old.fold_root.clone(), new.fold_root);
    let source = to.store.snapshot().await?;
    let (is, arrived_rows) = try_join(source.origin(), source.counters()).await?;
    for ((name, old), (_, new)) in counters.iter().zip(arrived_rows) {
        compare(&format!("rows of {name}"), old.to_string(), new.to_string());
    }
    if origin != is {
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
        Ok::<_, StoreError>(old.log == new.log)
    };
    if mark.finished || (there.arriving.is_none() && !there.is_empty && same_log().await?) {
        return refused(format!(
            "the move is finished: the log goes on at {}; to go back, move it from there",
            to.name
        ));
    }
    from.store.leave(None).await
}
