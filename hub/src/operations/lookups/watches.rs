//! Watches: who has shown to be a dossier's applicant follows it (decision 54).

use jiff::{Timestamp, civil::Date, tz};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Claim, PublicView};
use crate::{
    auth::Principal,
    operations::{Operations, carry},
    registry::{DossierState, Identity, lookup},
    store::{
        DossierRow, StoreError,
        watches::{Added, Most, WATCHES_READ, WatchQuery, WatchRow, Watched},
    },
};

/// Watches of one principal at once, and of one dossier by one principal.
pub const WATCHES_MAX: Most = Most { of_owner: 100_000, of_dossier: 20 };

/// How many days a watch lasts at most.
pub const WATCH_DAYS_MAX: u32 = 400;

/// How many days it lasts where nobody says.
pub const WATCH_DAYS: u32 = 180;

const DAY_MILLIS: i64 = 86_400_000;

/// A watch as its owner is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ToldWatch {
    /// Its name, which nobody guesses: events of the feed `notices` bear it.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub watch: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    /// When it ends, unless its dossier is finished for so long before.
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
}

/// What came of asking for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watching {
    /// It is there. Its dossier is as the position says that it is true at: what changes from there
    /// on is told.
    Made(ToldWatch, Box<PublicView>),
    /// There is no such dossier, or the claim is wrong.
    Nothing,
    /// There are as many as there may be: of the dossier, or of the owner.
    Full(Added),
}

fn instant(millis: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(millis).map_err(|_| StoreError::fault("a watch is damaged"))
}

fn told(row: &WatchRow) -> Result<ToldWatch, StoreError> {
    let (made_at, ends_at) = (instant(row.made_at)?, instant(row.ends_at)?);
    Ok(ToldWatch { watch: row.id.clone(), made_at, ends_at })
}

fn day_of(at: Timestamp) -> Date {
    tz::offset(7).to_datetime(at).date()
}

/// Whether a watch has ended: by its age, for its dossier has been finished for long, or is gone.
fn is_over(one: &Watched, now: Timestamp) -> Result<bool, StoreError> {
    if one.watch.ends_at <= now.as_millisecond() {
        return Ok(true);
    }
    let Some(DossierRow { public: Some(text), key, .. }) = &one.dossier else { return Ok(true) };
    let state: DossierState = serde_json::from_slice(text)
        .map_err(|error| StoreError::fault(format!("the dossier `{key}` is damaged: {error}")))?;
    Ok(lookup::is_over(&state, day_of(instant(one.watch.made_at)?), day_of(now)))
}

impl Operations {
    /// Lets who shows to be a dossier's applicant follow it, for so many days.
    ///
    /// # Errors
    /// When the store cannot answer, or takes part in a move.
    pub async fn watch(
        &self,
        who: &Principal,
        claim: &Claim,
        days: u32,
    ) -> Result<Watching, StoreError> {
        let now = Timestamp::now();
        let Some((key, view)) = self.recognised(claim, day_of(now)).await? else {
            return Ok(Watching::Nothing);
        };
        // A source has no slash in its name: the first one ends it.
        let (source, source_code) = key.split_once('/').unwrap_or((&key, ""));
        let of = Identity { source: source.to_owned(), source_code: source_code.to_owned() };
        let made_at = now.as_millisecond();
        let row = WatchRow {
            id: carry::name()?,
            owner: who.to_string(),
            of,
            since: view.as_of,
            made_at,
            ends_at: made_at + i64::from(days.min(WATCH_DAYS_MAX)) * DAY_MILLIS,
        };
        let made = told(&row)?;
        Ok(match self.store.add_watch(row, WATCHES_MAX).await? {
            Added::Added => Watching::Made(made, Box::new(view)),
            full => Watching::Full(full),
        })
    }

    /// A watch of the asker's that has not ended.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn watched(
        &self,
        who: &Principal,
        id: &str,
    ) -> Result<Option<ToldWatch>, StoreError> {
        let query = WatchQuery { id: Some(id.to_owned()), ..WatchQuery::default() };
        let found = self.store.watches(query).await?.into_iter().next();
        let owns =
            |one: &Watched| *who == Principal::Operator || one.watch.owner == who.to_string();
        match found.filter(owns) {
            Some(one) if !is_over(&one, Timestamp::now())? => told(&one.watch).map(Some),
            _ => Ok(None),
        }
    }

    /// Ends a watch of the asker's; false where there is none.
    ///
    /// # Errors
    /// When the store cannot answer, or takes part in a move.
    pub async fn unwatch(&self, who: &Principal, id: &str) -> Result<bool, StoreError> {
        match self.watched(who, id).await? {
            Some(_) => Ok(self.store.end_watches(vec![id.to_owned()]).await? > 0),
            None => Ok(false),
        }
    }

    /// Takes away what has ended by itself; gives how many that were.
    ///
    /// # Errors
    /// When the store cannot answer, or takes part in a move.
    pub(crate) async fn end_watches(&self, now: Timestamp) -> Result<u64, StoreError> {
        let (mut after, mut ended) = (String::new(), 0);
        loop {
            let query = WatchQuery { id: None, after: after.clone() };
            let found = self.store.watches(query).await?;
            let Some(last) = found.last() else { return Ok(ended) };
            let whole = found.len() < WATCHES_READ as usize;
            after.clone_from(&last.watch.id);
            let mut over = Vec::new();
            for one in found {
                if is_over(&one, now)? {
                    over.push(one.watch.id);
                }
            }
            if !over.is_empty() {
                ended += self.store.end_watches(over).await?;
            }
            if whole {
                return Ok(ended);
            }
        }
    }
}
