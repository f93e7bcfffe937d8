//! Messages that are kept are translated again after their channel's mapping was mended.
//!
//! What comes out as before stays as it is. A record that comes out otherwise supersedes what was
//! told of it; one that was refused is stored. Where the mended mapping would lose something that
//! stands (a record, or the key it stands under), the message is left as it is, and told: only its
//! agency can say what became of it.

mod plan;

use contracts::Later;
use serde::Serialize;

use super::Operations;
use crate::{
    journal::{entry::Mode, merkle::Digest},
    journey::{Journey, again::Kept},
    registry::{Content, Identity},
    store::{
        Item, StoreError,
        profiles::Beginning,
        retranslation::{KeptMessage, KeptQuery},
    },
};
use plan::{Before, Plan};

/// Messages read at a time.
const READ: u32 = 64;
/// Differences told.
const DIFFERENCES_MAX: usize = 10;

/// What is translated again, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retranslate {
    /// The channel.
    pub channel: String,
    /// Only messages of which something was refused.
    pub refused: bool,
    /// Only messages recorded at this time or later.
    pub since: Option<jiff::Timestamp>,
    /// Only tell what would change.
    pub dry_run: bool,
    /// Deliver what changes, as if it had just been sent.
    pub deliver: bool,
}

/// A record that comes out otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The message's id.
    pub message: String,
    /// The record.
    pub record: Option<u32>,
    /// What it is about.
    pub key: String,
    /// The members that differ, before and after; of personal ones only that they do.
    pub members: Vec<String>,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Retranslated {
    /// Messages translated again.
    pub messages: u64,
    /// Of those, the ones that come out as before.
    pub unchanged: u64,
    /// Of those, the ones that are taken again.
    pub taken: u64,
    /// Records that were refused before, or not there, and are stored.
    pub stored: u64,
    /// Records that supersede what was told of them.
    pub superseding: u64,
    /// Records that are refused still.
    pub refused: u64,
    /// Records of which their source has spoken since, and told no version: what it said since
    /// stands.
    pub overtaken: u64,
    /// Messages that are left as they are, for something that stands would be lost.
    pub left: u64,
    /// Messages whose raw bytes are gone.
    pub pruned: u64,
    /// Messages whose raw bytes are gone since a person was erased.
    pub erased: u64,
    /// The first records that come out otherwise.
    pub differences: Vec<Difference>,
}

fn not_taken(later: &Later) -> StoreError {
    StoreError::away(format!("{}; run it again: it goes on where it was", later.reason))
}

impl Operations {
    /// Translates messages of a channel again; `tell` is told how far it is. Run again after it was
    /// broken off, it goes on; run again after its end, it changes nothing.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn retranslate(
        &self,
        journey: &Journey,
        asked: &Retranslate,
        tell: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Retranslated, StoreError> {
        let channel = self.catalog.channel(&asked.channel);
        let mapping: Digest = channel
            .map(|channel| channel.hash)
            .ok_or_else(|| StoreError::fault(format!("there is no channel `{}`", asked.channel)))?;
        let mut done = Retranslated::default();
        let mut after = 0;
        loop {
            let query = KeptQuery {
                channel: asked.channel.clone(),
                mapping,
                after,
                since: asked.since.map(|since| since.to_string()),
                refused: asked.refused,
                limit: READ,
            };
            let found = self.store.kept_messages(query).await?;
            let Some(last) = found.last() else { break };
            after = last.message;
            for kept in found {
                self.translate_again(journey, asked, kept, &mut done).await?;
            }
            tell(done.messages);
        }
        Ok(done)
    }

    async fn translate_again(
        &self,
        journey: &Journey,
        asked: &Retranslate,
        kept: KeptMessage,
        done: &mut Retranslated,
    ) -> Result<(), StoreError> {
        done.messages += 1;
        let Some(Beginning { bytes, .. }) = self.store.beginning(kept.message, MOST_BYTES).await?
        else {
            match kept.erased {
                true => done.erased += 1,
                false => done.pruned += 1,
            }
            return Ok(());
        };
        let bytes = bytes::Bytes::from(bytes);
        let (own, raw, channel) = (journey.clone(), bytes.clone(), asked.channel.clone());
        let translating = tokio::task::spawn_blocking(move || own.translated(&channel, &raw));
        let mut items = translating.await.map_err(|error| StoreError::fault(error.to_string()))?;
        if !asked.deliver {
            let all = items.iter_mut().filter_map(|item| item.outcome.as_mut().ok()).flatten();
            all.for_each(|one| one.destinations.clear());
        }
        let mut before = Before::default();
        let mut attempt = Some(kept.told_by);
        while let Some(message) = attempt {
            let (entries, previous) = self.store.told_by(message).await?;
            before.add(&entries)?;
            attempt = previous;
        }
        before.personal(self.store.personal(before.positions()).await?);
        let Some(mut plan) = Plan::new(&kept.id, items, &before) else {
            done.left += 1;
            return Ok(());
        };
        for item in &mut plan.items {
            done.overtaken += self.without_overtaken(item, &before).await?;
        }
        plan.count();
        if plan.is_nothing() {
            done.unchanged += 1;
            return Ok(());
        }
        done.taken += 1;
        done.stored += plan.stored;
        done.superseding += plan.superseding;
        done.refused += plan.refused;
        let room = DIFFERENCES_MAX.saturating_sub(done.differences.len());
        done.differences.extend(plan.differences.into_iter().take(room));
        if asked.dry_run {
            return Ok(());
        }
        let kept = Kept {
            channel: asked.channel.clone(),
            id: kept.id,
            dedup: kept.dedup,
            mode: Mode::from_name(&kept.mode).unwrap_or(Mode::Live),
            bytes,
            content_type: kept.content_type,
        };
        journey.again(kept, plan.items).await.map(drop).map_err(|later| not_taken(&later))
    }

    /// Takes out of an item what its source has told again since, without a version: the time at
    /// which it is taken would stand for one, and put it above what was said later.
    async fn without_overtaken(&self, item: &mut Item, before: &Before) -> Result<u64, StoreError> {
        let Ok(prepared) = &mut item.outcome else { return Ok(0) };
        let mut kept = Vec::with_capacity(prepared.len());
        let mut overtaken = 0;
        for one in prepared.drain(..) {
            let versionless = match (&one.content, &one.telling) {
                (Some(Content::Snapshot(body)), _) => body.source_version.is_none(),
                (_, Some(telling)) => telling.version.is_none(),
                _ => false,
            };
            let name = one.content.as_ref().map(Content::identity);
            let spoke = match (versionless, name) {
                (false, _) => false,
                (true, Some(name)) => self.has_spoken(name, before.last).await?,
                (true, None) => true,
            };
            if spoke {
                overtaken += 1;
            } else {
                kept.push(one);
            }
        }
        *prepared = kept;
        Ok(overtaken)
    }

    /// Whether a source has spoken of a dossier behind a position, or nobody can tell.
    async fn has_spoken(&self, name: Identity, position: u64) -> Result<bool, StoreError> {
        let Identity { source, source_code } = name.clone();
        let found = self.store.find(source_code, Some(source)).await?;
        let mut said = found.observations.iter();
        let spoke = said.any(|one| one.position > position && one.identity() == name);
        Ok(found.dossiers.len() > 1 || spoke)
    }
}

/// Every message fits in this.
const MOST_BYTES: u64 = 1 << 40;
