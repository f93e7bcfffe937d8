//! Backups, made while the hub writes, and stores made of them.
//!
//! A backup is a store in one file, without its folds, as it was at one moment; beside it lie the
//! attachments that it names. What becomes of it goes on as a new log: nobody can know what the old
//! one had behind the backup, and who heard of that must not take other entries for it.

use std::path::Path;

use jiff::Timestamp;

use super::carry::{self, End, Step, Tell, copy, holds, of_parts, refused};
use crate::{
    attachments::{self, Carried, Listed},
    store::{
        Head, StoreError, Verdict,
        portable::{Backup, Counter, Filled, FilledBy, Origin, PARTS, Snapshot, Value},
    },
};

/// What a backup holds.
#[derive(Debug)]
pub struct Made {
    /// The journal's end.
    pub head: Head,
    /// The rows of each table.
    pub counters: Vec<Counter>,
    /// Attachments beside it.
    pub files: Carried,
}

/// What was made of a backup.
#[derive(Debug)]
pub struct Restored {
    /// When the backup was made.
    pub taken_at: Timestamp,
    /// The journal's end: the first entry of the new log is its last.
    pub head: Head,
    /// What `verify` said before that.
    pub verdict: Verdict,
    /// The rows of each table.
    pub counters: Vec<Counter>,
    /// Attachments.
    pub files: Carried,
}

/// Folders of attachments: where they are, if there is one, and where they go.
pub type Folders<'a> = (Option<&'a Path>, Option<&'a Path>);

/// Makes a backup of a store that may be in use, in a store that is empty.
///
/// # Errors
/// When a store cannot answer, the target holds something, or what came to be there does not hold:
/// says which.
pub async fn make(
    (from, to): (End<'_>, End<'_>),
    folders: Folders<'_>,
    tell: &mut Tell<'_>,
) -> Result<Made, StoreError> {
    let source = from.store.snapshot().await.map_err(|error| from.says(error))?;
    let taken_at = Timestamp::now();
    let (origin, counters) = (source.origin().await?, source.counters().await?);
    let id = carry::name()?;
    let mark = carry::before_all(FilledBy::Backup, id.clone(), from.name);
    to.store.welcome(origin.clone(), mark.clone()).await?;
    let mark = copy(&*source, to, &origin, mark, &counters, tell).await?;
    let listed = listed(&*source).await?;
    drop(source);
    tell(Step::Comparing);
    holds(to, &to.store.audit().await?)?;
    let counters = same(to, &origin, &counters).await?;
    tell(Step::Files { files: listed.len() as u64 });
    let files = attachments::carry(listed, folders).await?;
    let backup = Backup { id, from: from.name.to_owned(), taken_at };
    to.store.complete(mark, Filled::Backup(backup)).await?;
    Ok(Made { head: to.store.head().await?, counters, files })
}

/// Makes a store of a backup, or goes on with it: one that is empty becomes a hub's.
///
/// # Errors
/// When a store cannot answer, the target holds something else, or what came to be there does not
/// hold or is not what the backup holds: says which.
pub async fn restore(
    (from, backup, source): (&str, &Backup, &dyn Snapshot),
    to: End<'_>,
    folders: Folders<'_>,
    tell: &mut Tell<'_>,
) -> Result<Restored, StoreError> {
    let (origin, counters) = (source.origin().await?, source.counters().await?);
    let there = to.store.standing().await?;
    let mark = match there.arriving {
        Some(mark) if mark.id == backup.id => mark,
        None => {
            if !there.is_empty && goes_on(&to.store.head().await?, &origin) {
                return refused(format!("{from} was restored to {} before", to.name));
            }
            let mark = carry::before_all(FilledBy::Restore, backup.id.clone(), from);
            let welcome = to.store.welcome(origin.clone(), mark.clone()).await;
            welcome.map_err(|error| to.says(error))?;
            mark
        }
        Some(mark) => {
            let (name, other) = (to.name, mark.from);
            return refused(format!("{name} holds a part of {other}: name an empty store"));
        }
    };
    let mark = copy(source, to, &origin, mark, &counters, tell).await?;
    tell(Step::Rebuilding);
    to.store.rebuild().await.map_err(|error| to.says(error))?;
    tell(Step::Comparing);
    let verdict = to.store.verify().await.map_err(|error| to.says(error))?;
    holds(to, &verdict)?;
    let counters = same(to, &origin, &counters).await?;
    let listed = listed(source).await?;
    tell(Step::Files { files: listed.len() as u64 });
    let files = attachments::carry(listed, folders).await?;
    let taken_at = backup.taken_at;
    let filled = Filled::Restored { log_id: carry::name()?, taken_at };
    to.store.complete(mark, filled).await?;
    Ok(Restored { taken_at, head: to.store.head().await?, verdict, counters, files })
}

/// Whether a journal goes on from the end of another.
fn goes_on(head: &Head, origin: &Origin) -> bool {
    head.log.ended(&origin.log_id).is_some_and(|old| old.size == origin.size)
}

/// Compares what is there with what was to come there; gives the rows of each table.
async fn same(
    to: End<'_>,
    origin: &Origin,
    counters: &[Counter],
) -> Result<Vec<Counter>, StoreError> {
    let there = to.store.snapshot().await?;
    let (found, rows) = (there.origin().await?, there.counters().await?);
    for ((name, expected), (_, found)) in of_parts(counters).iter().zip(of_parts(&rows)) {
        if expected != found {
            return refused(format!("{} has {found} rows of {name}, not {expected}", to.name));
        }
    }
    match found == *origin {
        true => Ok(of_parts(&rows).to_vec()),
        false => refused(format!("the journal's end at {} is another one", to.name)),
    }
}

/// The attachments that a store names, each once.
async fn listed(source: &dyn Snapshot) -> Result<Vec<Listed>, StoreError> {
    let Some(part) = PARTS.iter().find(|part| part.name == "attachments") else {
        return Ok(Vec::new());
    };
    let (mut listed, mut after): (Vec<Listed>, _) = (Vec::new(), None);
    loop {
        let rows = source.export(part, after).await?;
        let Some(last) = rows.last() else { return Ok(listed) };
        after = Some(part.key_of(last));
        for row in &rows {
            // By the columns of the part: digest, holder, size.
            let [Value::Text(digest), _, Value::Number(size), ..] = &row[..] else {
                return refused("a row of attachments is damaged".to_owned());
            };
            if listed.last().is_none_or(|last| last.digest != *digest) {
                let size = size.unsigned_abs();
                listed.push(Listed { digest: digest.clone(), size });
            }
        }
    }
}
