//! Files that nothing names any more since a person was erased: they are removed.

use std::{path::Path, time::Duration};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    Attachments, PAGE,
    file::{place, remove},
};
use crate::store::{
    Store, StoreError,
    attachments::{Parted, names_read},
};

/// How often it is looked whether any are doubted.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long it rests after a file could not be removed.
const REST: Duration = Duration::from_secs(60);

/// Decides on all files that are doubted, and removes those that nothing names; gives how many.
///
/// # Errors
/// When the store cannot answer or write, or a file cannot be removed: what was not decided on
/// stays doubted, and is decided on the next time.
pub async fn clear(store: &dyn Store, folder: Option<&Path>) -> Result<u64, StoreError> {
    let mut removed = 0;
    loop {
        let doubted = store.doubted(PAGE).await?;
        if doubted.is_empty() {
            return Ok(removed);
        }
        names_read(store).await?;
        for digest in doubted {
            let Some(place) = folder.and_then(|folder| place(folder, &digest)) else {
                let reason = "attached files are to be removed, but hub.toml names no folder of \
                              them: write [attachments] with folder";
                return Err(StoreError::fault(reason));
            };
            let parted = store.part(digest, Box::new(move || remove(&place))).await?;
            removed += u64::from(parted == Parted::Gone);
        }
    }
}

impl Attachments {
    /// Removes what is doubted, as long as the hub runs: what an erasure that was ended before its
    /// end has left, and what is sent again of who was erased.
    pub(crate) async fn parting(&self, stop: CancellationToken) {
        let work = async {
            loop {
                let rest = match clear(&*self.store, Some(&self.settings.folder)).await {
                    Ok(0) => LOOK_EVERY,
                    Ok(removed) => {
                        tracing::info!(removed, "attachments of who was erased are removed");
                        LOOK_EVERY
                    }
                    Err(error) => {
                        tracing::warn!(%error, "attachments of who was erased wait");
                        REST
                    }
                };
                sleep(rest).await;
            }
        };
        stop.run_until_cancelled(work).await;
    }
}
