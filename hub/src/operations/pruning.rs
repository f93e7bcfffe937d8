//! Dropping raw bytes for their age.

use jiff::Timestamp;

use crate::store::{
    Store, StoreError,
    pruning::{Old, Raw},
};

/// Drops the raw bytes of messages that are older, in many short transactions; gives all that was
/// dropped. Ended at any moment, the same call goes on.
///
/// # Errors
/// When the store cannot answer, or takes part in a move.
pub async fn run(
    store: &dyn Store,
    old: Old,
    tell: &mut (dyn FnMut(Raw) + Send),
) -> Result<Raw, StoreError> {
    store.mark_pruned(old.first_kept).await?;
    let mut all = Raw::default();
    while let Some(raw) = store.prune(old.first_kept).await? {
        all.messages += raw.messages;
        all.bytes += raw.bytes;
        tell(all);
    }
    Ok(all)
}

/// The time so many days before now.
pub fn days_ago(days: u32) -> Timestamp {
    let age = jiff::SignedDuration::from_hours(i64::from(days) * 24);
    Timestamp::now().checked_sub(age).unwrap_or(Timestamp::MIN)
}
