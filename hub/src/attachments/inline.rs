//! Files that came inside messages: kept like those that are sent by themselves.

use std::sync::Arc;

use adapters::dialect::{Claim, Files};
use axum::body::Body;
use contracts::Later;
use futures_util::future::BoxFuture;

use super::{Attachments, BEGINNINGS, NotTaken};
use crate::operations::agency_of;

/// What a file is that begins like none that is known by that alone.
const BYTES: &str = "application/octet-stream";

/// When a sender may try again.
const RETRY_SECONDS: u32 = 5;

/// The attachment store, as doors ask it.
pub struct Inline(pub Arc<Attachments>);

/// What a file is, by how it begins: an archive may be many things.
fn media_type(beginning: &[u8]) -> &'static str {
    let begins = |(_, all): &&(&str, &[&[u8]])| all.iter().any(|one| beginning.starts_with(one));
    let mut known = BEGINNINGS.iter().filter(begins);
    match (known.next(), known.next()) {
        (Some((media_type, _)), None) => media_type,
        _ => BYTES,
    }
}

impl Attachments {
    /// Keeps a file that came inside a message of a holder's, whatever it is: nobody said.
    async fn enclosed(&self, holder: &str, file: Body) -> Result<Claim, NotTaken> {
        let _room = self.room.acquire().await;
        let written = self.write(file).await?;
        let media_type = media_type(&written.beginning).to_owned();
        let kept = self.keep(written, holder, media_type).await?;
        // It may have been sent before, as something else.
        let held = self.store.held(kept.digest.clone(), holder.to_owned()).await?;
        let kept = held.unwrap_or(kept);
        Ok(Claim { digest: kept.digest, size: kept.size, media_type: kept.media_type })
    }
}

impl Files for Inline {
    fn keep(&self, channel: &str, file: Body) -> BoxFuture<'static, Result<Option<Claim>, Later>> {
        let (kept, channel) = (self.0.clone(), channel.to_owned());
        Box::pin(async move {
            match kept.enclosed(agency_of(&channel), file).await {
                Ok(claim) => Ok(Some(claim)),
                Err(NotTaken::Later(reason)) => {
                    Err(Later { reason, retry_after_seconds: RETRY_SECONDS })
                }
                // The message goes on, with the file inside as it came.
                Err(why) => {
                    tracing::warn!(channel, ?why, "a file stays inside its message");
                    Ok(None)
                }
            }
        })
    }
}
