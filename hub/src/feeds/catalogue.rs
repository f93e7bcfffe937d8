//! The feed of the catalogue: what each edition changes of the one before it, version by version.

use super::{Audience, Fed, Place, event};
use crate::{journal::log::Log, operations::Operations, store::StoreError};

/// The changes after a place. A place is the position of an edition and how many of its changes
/// were read.
pub(super) async fn scan(
    operations: &Operations,
    log: &Log,
    from: &Place,
    rows: u32,
) -> Result<(Vec<Fed>, Place), StoreError> {
    let (mut position, mut read) = (from.0, from.1.parse().unwrap_or(0));
    // What an edition changes may be nothing that is told here.
    while let Some(changes) = operations.published.changes(&*operations.store, position).await? {
        if changes.position != position {
            (position, read) = (changes.position, 0);
        }
        let left = changes.all.iter().enumerate().skip(read);
        let fed = |(turn, change)| {
            let text = event::change(log, &changes, (turn, change))?;
            let after = (position, format!("{:010}", turn + 1));
            Ok(Fed { after, audience: Audience::all(), dossier: None, text })
        };
        let fed: Vec<Fed> = left.take(rows as usize).map(fed).collect::<Result<_, StoreError>>()?;
        if let Some(next) = fed.last().map(|last| last.after.clone()) {
            return Ok((fed, next));
        }
        (position, read) = (position + 1, 0);
    }
    Ok((Vec::new(), from.clone()))
}
