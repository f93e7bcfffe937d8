//! Subscriptions: who is sent which feed where, how that stands, and what is decided of it.

mod standing;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Operations, carry};
use crate::{
    auth::Principal,
    feeds::{Feed, Place},
    journal::{entry::Entry, log::Log},
    store::{
        StoreError,
        subscriptions::{Change, SubscriptionQuery, SubscriptionRow},
    },
    webhooks::{self, Going, SWITCHED_OFF, Scheme, TooMany, event, secrets},
};

pub(crate) use standing::WEBHOOK;
pub use standing::{SubscriptionStanding, ToldAttempt};

/// Subscriptions of one principal, at most.
pub const SUBSCRIPTIONS_MAX: u32 = 20;

/// How long a secret signs beside the one that takes its place, at most: seven days.
pub const OVERLAP_SECONDS_MAX: u64 = 7 * 86_400;

/// What is subscribed to. Not shown: its address may hold a secret.
#[derive(Clone)]
pub struct NewSubscription {
    /// Where events are sent; looked at before.
    pub url: String,
    /// The feed.
    pub feed: Feed,
    /// Where sending begins.
    pub place: Place,
    /// Only what this agency may read.
    pub agency: Option<String>,
    /// Only records of this contract.
    pub contract: Option<String>,
    /// Only what is about dossiers of this code.
    pub dossier: Option<String>,
    /// How they are signed.
    pub scheme: Scheme,
}

/// A subscription with what its receiver is shown once. Nothing of it is logged.
#[derive(Serialize, ToSchema)]
pub struct Subscribed {
    /// How it stands.
    #[serde(flatten)]
    pub standing: SubscriptionStanding,
    /// The secret (`whsec_…`), or the public key (`whpk_…`).
    pub secret: String,
}

/// From where on events are sent again.
#[derive(Debug, Clone)]
pub enum Since {
    /// From what was recorded then.
    Time(Timestamp),
    /// From a place of the feed.
    Place(Place),
}

/// What came of what somebody asked.
pub enum Done<T> {
    /// It is done.
    Done(T),
    /// There is no such subscription, or it is not the asker's.
    NoSubscription,
    /// There is no such event in the feed now, or it is not the owner's.
    NoEvent,
    /// The place lies ahead of where sending is.
    Ahead,
    /// As many secrets sign already as may.
    TooManySecrets,
    /// Many are asked for just now.
    Later,
}

fn owns(who: &Principal, row: &SubscriptionRow) -> bool {
    *who == Principal::Operator || who.to_string() == row.owner
}

impl Operations {
    /// The subscriptions of the asker's, without their attempts.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn subscriptions(
        &self,
        who: &Principal,
    ) -> Result<Vec<SubscriptionStanding>, StoreError> {
        let owner = (*who != Principal::Operator).then(|| who.to_string());
        let query = SubscriptionQuery { owner, ..SubscriptionQuery::default() };
        let rows = self.store.subscriptions(query).await?;
        self.as_they_stand(rows).await
    }

    /// One subscription of the asker's.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn subscription(
        &self,
        who: &Principal,
        id: &str,
    ) -> Result<Option<SubscriptionStanding>, StoreError> {
        let Some(row) = self.own(who, id).await? else { return Ok(None) };
        Ok(self.as_they_stand(vec![row]).await?.pop())
    }

    async fn own(&self, who: &Principal, id: &str) -> Result<Option<SubscriptionRow>, StoreError> {
        let found = self.store.subscriptions(SubscriptionQuery::one(id)).await?;
        Ok(found.into_iter().find(|row| owns(who, row)))
    }

    /// Subscribes; nothing where the asker has as many subscriptions as it may.
    ///
    /// # Errors
    /// When the store cannot answer, or takes part in a move.
    pub async fn subscribe(
        &self,
        who: &Principal,
        new: NewSubscription,
    ) -> Result<Option<Subscribed>, StoreError> {
        let (id, head) = (carry::name()?, self.store.head().await?);
        let made = secrets::first(&*self.store, &id, new.scheme)?;
        let row = SubscriptionRow {
            owner: who.to_string(),
            feed: new.feed.name().to_owned(),
            agency: new.agency,
            contract: new.contract,
            dossier: new.dossier,
            url: new.url,
            signature: new.scheme.name().to_owned(),
            secrets: made.stored,
            place: event::stored(&head.log, new.feed.fold(), new.place),
            made_at: Timestamp::now().as_millisecond(),
            id: id.clone(),
            ..SubscriptionRow::default()
        };
        if !self.store.add_subscription(row, SUBSCRIPTIONS_MAX).await? {
            return Ok(None);
        }
        tracing::info!(subscription = id, owner = %who, "somebody has subscribed");
        let standing = self.subscription(who, &id).await?;
        Ok(standing.map(|standing| Subscribed { standing, secret: made.shown }))
    }

    /// Ends a subscription of the asker's; false where there is none.
    ///
    /// # Errors
    /// When the store cannot answer, or takes part in a move.
    pub async fn unsubscribe(&self, who: &Principal, id: &str) -> Result<bool, StoreError> {
        match self.own(who, id).await? {
            None => Ok(false),
            Some(_) => self.store.remove_subscription(id.to_owned()).await,
        }
    }

    /// Gives a subscription another secret; the one before it signs beside it for a time.
    ///
    /// # Errors
    /// When the store cannot answer, or takes part in a move.
    pub async fn rotate(
        &self,
        who: &Principal,
        id: &str,
        overlap: Duration,
    ) -> Result<Done<Subscribed>, StoreError> {
        let overlap = i64::try_from(overlap.as_millis()).unwrap_or(i64::MAX);
        loop {
            let Some(row) = self.own(who, id).await? else { return Ok(Done::NoSubscription) };
            let scheme = Scheme::from_name(&row.signature).unwrap_or(Scheme::V1);
            let of = (&*self.store, id, scheme);
            let made = match secrets::rotated(of, &row.secrets, (row.now, overlap))? {
                Ok(made) => made,
                Err(TooMany) => return Ok(Done::TooManySecrets),
            };
            let change = Change::Secrets { was: row.secrets, now: made.stored };
            // Where another was quicker, its secret is one of those before this one.
            if self.store.change_subscription(id.to_owned(), change).await? {
                let standing = self.subscription(who, id).await?;
                return Ok(standing.map_or(Done::NoSubscription, |standing| {
                    Done::Done(Subscribed { standing, secret: made.shown })
                }));
            }
        }
    }

    /// Switches a subscription of the asker's on, from where it stands, or off; false where there
    /// is none.
    ///
    /// # Errors
    /// When the store cannot answer, or takes part in a move.
    pub async fn switch(&self, who: &Principal, id: &str, on: bool) -> Result<bool, StoreError> {
        if self.own(who, id).await?.is_none() {
            return Ok(false);
        }
        let change = if on { Change::On } else { Change::Off(SWITCHED_OFF.to_owned()) };
        self.store.change_subscription(id.to_owned(), change).await
    }

    /// Has events sent again from a time or a place on.
    ///
    /// # Errors
    /// When the store cannot answer, or takes part in a move.
    pub async fn recover(
        &self,
        who: &Principal,
        id: &str,
        since: Since,
    ) -> Result<Done<SubscriptionStanding>, StoreError> {
        let Some(row) = self.own(who, id).await? else { return Ok(Done::NoSubscription) };
        let head = self.store.head().await?;
        let place = match since {
            Since::Place(place) => place,
            Since::Time(at) => (self.recorded_from(at, head.tree.size).await?, String::new()),
        };
        let fold = Feed::from_name(&row.feed).map_or(row.place.fold, Feed::fold);
        // Who has begun anew from a snapshot goes on behind it, wherever sending was.
        if fold == row.place.fold && place > event::followed(&head.log, &row.place)? {
            return Ok(Done::Ahead);
        }
        let change = Change::Place(event::stored(&head.log, fold, place));
        if !self.store.change_subscription(id.to_owned(), change).await? {
            return Ok(Done::NoSubscription);
        }
        let standing = self.subscription(who, id).await?;
        Ok(standing.map_or(Done::NoSubscription, Done::Done))
    }

    /// The first position of what was recorded at a time or later. Times never go back.
    async fn recorded_from(&self, at: Timestamp, size: u64) -> Result<u64, StoreError> {
        let (mut low, mut high) = (0, size);
        while low < high {
            let middle = low + (high - low) / 2;
            let found = self.store.entries(middle, 1).await?;
            let Some(row) = found.first() else { break };
            let entry: Entry = serde_json::from_slice(&row.text).map_err(|error| {
                StoreError::fault(format!("entry {} is damaged: {error}", row.position))
            })?;
            if entry.recorded_at < at {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Sends one event again, now, beside the order of the feed.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn resend(
        &self,
        who: &Principal,
        id: &str,
        asked: &str,
    ) -> Result<Done<ToldAttempt>, StoreError> {
        let Some(row) = self.own(who, id).await? else { return Ok(Done::NoSubscription) };
        let head = self.store.head().await?;
        let found = match Feed::from_name(&row.feed) {
            None => None,
            Some(feed) => self.of_feed((feed, &head.log), &row, asked).await?,
        };
        let Some(text) = found else { return Ok(Done::NoEvent) };
        self.send_now(&row, (asked, &text)).await
    }

    async fn of_feed(
        &self,
        feed: (Feed, &Log),
        row: &SubscriptionRow,
        id: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let found = event::found(self, feed, &webhooks::owner(row)?, id).await?;
        Ok(found.map(|fed| fed.text))
    }

    /// Sends an event that is of no feed, now, to try the receiver.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn ping(&self, who: &Principal, id: &str) -> Result<Done<ToldAttempt>, StoreError> {
        let Some(row) = self.own(who, id).await? else { return Ok(Done::NoSubscription) };
        let (event, text) = event::ping(&row, Timestamp::now());
        self.send_now(&row, (&event, &text)).await
    }

    async fn send_now(
        &self,
        row: &SubscriptionRow,
        event: (&str, &[u8]),
    ) -> Result<Done<ToldAttempt>, StoreError> {
        let going: Option<Arc<Going>> = self.webhooks.going();
        let (Some(going), Some(_room)) = (going, self.webhooks.room()) else {
            return Ok(Done::Later);
        };
        let signing = webhooks::signing(&*self.store, row)?;
        let (_, attempt) = webhooks::send(&going, (&row.url, &signing), event).await?;
        self.store.note_attempts(row.id.clone(), vec![attempt.clone()]).await?;
        Ok(Done::Done(attempt.into()))
    }
}
