//! Deliveries: what waits, what was given up, and what an operator decides of both.

use std::time::Duration;

use adapters::outbound::Message;
use contracts::Contracts;
use jiff::Timestamp;
use serde::Serialize;

use super::{Operations, PAGE_MAX, Persons, Reader, agency_of, owners};
use crate::{
    auth::Principal,
    catalog,
    delivery::letter,
    store::{
        StoreError,
        deliveries::{
            DELIVERIES_MAX, DeadId, DeadLetter, DeadQuery, Decision, Delivery, Running, Waiting,
        },
    },
};

/// A dead letter as it is told: nothing of what was sent.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = DeadLetter)]
pub struct ToldLetter {
    /// Its name.
    pub id: String,
    /// What failed.
    pub component: &'static str,
    /// The outbound channel.
    pub channel: String,
    /// The record's position in the journal.
    pub position: u64,
    /// The key within which order is kept.
    pub key: String,
    /// `refused`, or `expired`.
    pub cause: String,
    /// What was said of the last attempt.
    pub told: String,
    /// Attempts made.
    pub attempts: u32,
    /// When it was given up.
    pub buried_at: String,
    /// Whether an operator's own text was sent in place of the record.
    pub edited: bool,
    /// `waiting`, `replayed` or `discarded`.
    pub state: String,
    /// When that was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

fn time(millis: u64) -> String {
    let at = i64::try_from(millis).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    at.unwrap_or_default().to_string()
}

impl From<DeadLetter> for ToldLetter {
    fn from(letter: DeadLetter) -> Self {
        Self {
            id: letter.id.to_string(),
            component: "delivery",
            channel: letter.id.channel,
            position: letter.id.position,
            key: letter.key,
            cause: letter.cause,
            told: letter.told,
            attempts: letter.attempts,
            buried_at: time(letter.buried_at),
            edited: letter.body.is_some(),
            state: letter.state,
            decided_at: letter.decided_at.map(time),
            reason: letter.reason,
        }
    }
}

/// A dead letter with what is sent of it when it is replayed.
#[derive(Debug)]
pub struct DeadWhole {
    /// What is told of it.
    pub letter: ToldLetter,
    /// What is sent; or why nothing can be made of it.
    pub message: Result<Message, String>,
}

/// The same as it is given to one reader.
#[derive(Debug)]
pub struct DeadRead {
    /// What is told of it.
    pub letter: ToldLetter,
    /// What is sent, or why nothing can be made of it; none where that is not given.
    pub message: Option<Result<Message, String>>,
    /// What became of persons in it.
    pub personal: Persons,
}

/// Dead letters of a list, and the place after which it goes on.
#[derive(Debug)]
pub struct DeadPage {
    /// The dead letters.
    pub letters: Vec<ToldLetter>,
    /// Where the next page begins; nothing at the end.
    pub next: Option<(u64, DeadId)>,
}

/// How a replay of many is done.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Only count them.
    pub dry_run: bool,
    /// How many are put back in a second, at most.
    pub per_second: u32,
}

/// What a replay of many came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Replayed {
    /// How many there were to put back.
    pub found: u64,
    /// How many were put back.
    pub replayed: u64,
}

impl Operations {
    /// What waits for each outbound channel; an agency sees its own.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn outbox(&self, who: &Principal) -> Result<Vec<Waiting>, StoreError> {
        let mut all = self.store.waiting().await?;
        for channel in self.catalog.outbound.keys() {
            if !all.iter().any(|one| one.channel == *channel) {
                all.push(Waiting::of(channel.clone()));
            }
        }
        all.retain(|one| who.owns(agency_of(&one.channel)));
        all.sort_by(|one, other| one.channel.cmp(&other.channel));
        Ok(all)
    }

    /// Whether there is such an outbound channel, as far as the hub or its store knows.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn has_outbound(&self, channel: &str) -> Result<bool, StoreError> {
        if self.catalog.outbound.contains_key(channel) {
            return Ok(true);
        }
        Ok(self.store.waiting().await?.iter().any(|one| one.channel == channel))
    }

    /// Pauses, resumes or drains an outbound channel; gives whether that changed it.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn steer(
        &self,
        channel: &str,
        state: Running,
        reason: &str,
    ) -> Result<bool, StoreError> {
        self.store.decide(channel.to_owned(), Decision::of(state, reason.to_owned())).await
    }

    /// Dead letters in the order in which they were buried; an agency sees those to itself.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn dead(&self, who: &Principal, query: DeadQuery) -> Result<DeadPage, StoreError> {
        let limit = query.limit;
        let found = self.store.dead(query).await?;
        let full = found.len() as u64 >= u64::from(limit);
        let next = found.last().filter(|_| full).map(|one| (one.buried_at, one.id.clone()));
        let own = found.into_iter().filter(|one| who.owns(agency_of(&one.id.channel)));
        Ok(DeadPage { letters: own.map(ToldLetter::from).collect(), next })
    }

    /// A dead letter with what would be sent of it.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn dead_letter(&self, id: DeadId) -> Result<Option<DeadWhole>, StoreError> {
        let Some((letter, delivery)) = self.store.dead_letter(id).await? else { return Ok(None) };
        let message = self.made(&letter.id.channel, &delivery)?;
        Ok(Some(DeadWhole { letter: letter.into(), message }))
    }

    /// The same for who asks by a key: where persons may be in what would be sent, that is given to
    /// who says what for, and is in the log of accesses then.
    ///
    /// # Errors
    /// When the store cannot answer, or cannot write the log.
    pub async fn dead_letter_read(
        &self,
        reader: &Reader,
        id: DeadId,
    ) -> Result<Option<DeadRead>, StoreError> {
        let Some((letter, delivery)) = self.store.dead_letter(id).await? else { return Ok(None) };
        // Nobody knows what an operator has written in place of a record.
        let personal = match letter.personal || letter.body.is_some() {
            true => reader.persons(),
            false => Persons::None,
        };
        let message = match personal {
            Persons::Unasked => None,
            _ => Some(self.made(&letter.id.channel, &delivery)?),
        };
        if personal == Persons::Included {
            let from = delivery.from.as_deref().unwrap_or(&letter.id.channel);
            let whose = owners([agency_of(from)]);
            self.note_letter(reader, whose, (&letter.key, letter.id.position)).await?;
        }
        Ok(Some(DeadRead { letter: letter.into(), message, personal }))
    }

    /// What would be sent; or why nothing can be made of it.
    fn made(
        &self,
        channel: &str,
        delivery: &Delivery,
    ) -> Result<Result<Message, String>, StoreError> {
        let gazetteer = catalog::gazetteer().map_err(StoreError::fault)?;
        Ok(match self.catalog.outbound.get(channel) {
            None => Err("kênh gửi không còn được khai báo; the channel is not declared".to_owned()),
            Some(channel) => {
                letter::message(channel, delivery, &gazetteer).map_err(|failure| failure.told)
            }
        })
    }

    /// Puts one dead letter back into the outbox, with an operator's own text where one is given.
    /// The original stays as it was. Gives whether it was: not where something was decided of it.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn replay(
        &self,
        id: DeadId,
        body: Option<Vec<u8>>,
        reason: &str,
    ) -> Result<bool, StoreError> {
        Ok(self.store.replay(vec![id], body, reason.to_owned()).await? > 0)
    }

    /// Puts back all dead letters that a query finds and of which nothing was decided, at a pace.
    ///
    /// # Errors
    /// When the store cannot answer: those put back until then are.
    pub async fn replay_all(
        &self,
        query: DeadQuery,
        reason: &str,
        pace: Pace,
    ) -> Result<Replayed, StoreError> {
        let mut done = Replayed { found: 0, replayed: 0 };
        // What is buried again meanwhile is another one, and not meant.
        let until = Timestamp::now().as_millisecond();
        let to = query.to.unwrap_or(u64::MAX).min(u64::try_from(until).unwrap_or(u64::MAX));
        let mut query = DeadQuery {
            state: Some("waiting".to_owned()),
            to: Some(to),
            limit: pace.per_second.clamp(1, DELIVERIES_MAX.min(PAGE_MAX)),
            ..query
        };
        loop {
            let found = self.store.dead(query.clone()).await?;
            let Some(last) = found.last() else { return Ok(done) };
            query.after = Some((last.buried_at, last.id.clone()));
            done.found += found.len() as u64;
            if pace.dry_run {
                continue;
            }
            let ids = found.into_iter().map(|one| one.id).collect();
            done.replayed += self.store.replay(ids, None, reason.to_owned()).await?;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Decides that a dead letter is never delivered; false where something was decided of it.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn discard(&self, id: DeadId, reason: &str) -> Result<bool, StoreError> {
        self.store.discard(id, reason.to_owned()).await
    }

    /// The same answers over a store alone, with the channels of some agencies.
    ///
    /// # Errors
    /// Every fault of the agencies' files.
    pub fn with_agencies(
        mut self,
        agencies: &std::path::Path,
        contracts: &Contracts,
    ) -> Result<Self, Vec<mappings::Diagnostic>> {
        self.catalog = std::sync::Arc::new(catalog::Catalog::load(agencies, contracts)?);
        Ok(self)
    }
}
