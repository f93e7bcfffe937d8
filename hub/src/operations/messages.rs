//! Messages and what became of them.

use contracts::Refusal;
use serde::Serialize;

use super::{Operations, PAGE_MAX, agency_of};
use crate::{
    auth::Principal,
    store::{MessageRow, StoreError, Tally},
};

/// A message with its refusals.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = MessageTrace)]
pub struct Trace {
    /// The attempt.
    #[serde(flatten)]
    pub message: MessageRow,
    /// Its refusals, at most a page.
    #[schema(value_type = Vec<crate::described::Refusal>)]
    pub refusals: Vec<Refusal>,
}

impl Operations {
    /// A message under its id, newest attempt first, with its refusals.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn trace(
        &self,
        who: &Principal,
        channel: Option<&str>,
        id: &str,
    ) -> Result<Vec<Trace>, StoreError> {
        let rows = self.store.messages(channel.map(ToOwned::to_owned), id.to_owned()).await?;
        let mut traces = Vec::new();
        for message in rows.into_iter().filter(|row| who.owns(agency_of(&row.channel))) {
            let refusals = self.store.first_refusals(message.message, PAGE_MAX).await?;
            traces.push(Trace { message, refusals });
        }
        Ok(traces)
    }

    /// The latest messages, newest first, each with its first refusals.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn latest(
        &self,
        who: &Principal,
        limit: u32,
        refusals_max: u32,
    ) -> Result<Vec<Trace>, StoreError> {
        let rows = self.store.latest(None, limit.min(PAGE_MAX)).await?;
        let mut traces = Vec::new();
        for message in rows.into_iter().filter(|row| who.owns(agency_of(&row.channel))) {
            let refusals = match message.refused {
                0 => Vec::new(),
                _ => self.store.first_refusals(message.message, refusals_max).await?,
            };
            traces.push(Trace { message, refusals });
        }
        Ok(traces)
    }

    /// How many messages each channel of the asker's has had, by outcome.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn outcomes(&self, who: &Principal) -> Result<Vec<Tally>, StoreError> {
        let mut tallies = self.store.outcomes().await?;
        tallies.retain(|tally| who.owns(agency_of(&tally.channel)));
        Ok(tallies)
    }
}
