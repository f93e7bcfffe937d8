//! Strides are made behind the journal (decision 35).

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::store::{Store, StoreError};

/// How often it is looked whether there is one to make.
const EVERY: Duration = Duration::from_secs(5);
/// How long it rests after work, in times of what that took: it is a small part of a core.
const REST: u32 = 8;

/// Makes strides until told to stop.
pub(crate) async fn run(store: Arc<dyn Store>, stop: CancellationToken) {
    loop {
        let began = Instant::now();
        let Some(made) = stop.run_until_cancelled(store.make_stride()).await else { return };
        let rest = match made {
            Ok(true) => began.elapsed() * REST,
            Ok(false) => EVERY,
            Err(error) => {
                tracing::warn!(%error, "strides wait; numbers as of old positions take longer");
                EVERY
            }
        };
        if stop.run_until_cancelled(sleep(rest)).await.is_none() {
            return;
        }
    }
}

/// Makes all there are to make, for a store without a running hub.
///
/// # Errors
/// When the store cannot answer.
pub async fn catch_up(store: &dyn Store) -> Result<(), StoreError> {
    while store.make_stride().await? {}
    Ok(())
}
