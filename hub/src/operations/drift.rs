//! What has changed in what channels send.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use mappings::profile::{Change, Profile, changes};
use serde::Serialize;

use super::{Operations, agency_of};
use crate::{
    auth::Principal,
    holding::{self, HoldState},
    profiling::Seen,
    store::{
        StoreError,
        channels::instant,
        holds::{HoldQuery, HoldRow},
        profiles::ProfileRow,
    },
};

/// Changes told of one channel, the newest.
const CHANGES_MAX: usize = 50;

/// How long what was told is told again.
const FRESH: Duration = Duration::from_secs(30);

/// What channels send, and what of it has changed.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Drift {
    /// Messages that were counted.
    pub counted: u64,
    /// Messages that there are: the others are counted soon.
    pub messages: u64,
    /// Every channel that has sent.
    pub channels: Vec<ChannelDrift>,
}

/// What one channel sends.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ChannelDrift {
    /// The channel.
    pub channel: String,
    /// The first and the last period in which it sent: days, or months of long ago.
    pub periods: (String, String),
    /// Messages, and records looked at.
    pub messages: u64,
    /// Messages looked at.
    pub looked: u64,
    /// Of those, the ones of which no record could be read.
    pub unreadable: u64,
    /// Of those, the ones whose raw bytes were gone already, or are too many.
    pub missed: u64,
    /// Records looked at.
    pub records: u64,
    /// What has changed, the newest first.
    #[schema(value_type = Vec<crate::described::Change>)]
    pub changes: Vec<Change>,
    /// What holds it, or did, the newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
    /// What it sends, all periods together.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub profile: Option<Profile>,
}

/// A change that holds its channel, or did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ChannelHold)]
pub struct Hold {
    /// How it stands.
    pub state: HoldState,
    /// Since when, in milliseconds since 1970; told as an instant.
    #[serde(serialize_with = "instant")]
    #[schema(value_type = String, format = DateTime)]
    pub held_at: i64,
    /// Who accepted it, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
    /// The change.
    #[schema(value_type = crate::described::Change)]
    pub change: Change,
}

/// Who accepted a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = HoldAccepted)]
pub struct Accepted {
    /// When, in milliseconds since 1970; told as an instant.
    #[serde(serialize_with = "instant")]
    #[schema(value_type = String, format = DateTime)]
    pub at: i64,
    /// The name that was told, or `operator`.
    pub by: String,
}

/// What was told last, and when: the whole of it is read again only now and then.
#[derive(Clone, Default)]
pub struct DriftSeen(Arc<Mutex<Option<Told>>>);

type Told = (Instant, Arc<Drift>);

impl Operations {
    /// What has changed in what channels send: all of the asker's, or one. `profile` adds what they
    /// send.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn drift(
        &self,
        who: &Principal,
        channel: Option<&str>,
        profile: bool,
    ) -> Result<Drift, StoreError> {
        let found = self.store.unprofiled(0).await?;
        let rows = self.store.profiles(channel.map(|one| vec![one.to_owned()])).await?;
        let rows = rows.into_iter().filter(|row| who.owns(agency_of(&row.channel))).collect();
        let told = tokio::task::spawn_blocking(move || channels(rows, profile)).await;
        let mut channels = told.map_err(|error| StoreError::fault(error.to_string()))??;
        for one in &mut channels {
            one.holds = self.holds_of(&one.channel).await?;
        }
        Ok(Drift { counted: found.next - 1, messages: found.messages, channels })
    }

    /// What holds a channel, or did, the newest first.
    async fn holds_of(&self, channel: &str) -> Result<Vec<Hold>, StoreError> {
        let query = HoldQuery { channel: Some(channel.to_owned()), open: false };
        let rows = self.store.drift_holds(query).await?;
        let mut holds: Vec<Hold> = rows.into_iter().map(|row| self.told_hold(row)).collect();
        holds.reverse();
        holds.truncate(CHANGES_MAX);
        Ok(holds)
    }

    fn told_hold(&self, row: HoldRow) -> Hold {
        let state = holding::state(self.catalog.channels.get(&row.channel), &row);
        let accepted = row.accepted.map(|(at, by)| Accepted { at, by });
        Hold { state, held_at: row.held_at, accepted, change: row.change }
    }

    /// What holds channels now, by channel.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub(crate) async fn held(&self) -> Result<Vec<(String, Hold)>, StoreError> {
        let open = self.store.drift_holds(HoldQuery { channel: None, open: true }).await?;
        let told = open.into_iter().map(|row| (row.channel.clone(), self.told_hold(row)));
        Ok(told.filter(|(_, hold)| hold.state == HoldState::Held).collect())
    }

    /// Accepts all changes that hold a channel: what it sends is taken again as its mapping reads
    /// it. Gives those that nobody had accepted.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn accept_drift(&self, channel: &str, by: &str) -> Result<Vec<Hold>, StoreError> {
        let at = Timestamp::now().as_millisecond();
        let rows = self.store.accept_drift(channel.to_owned(), at, by.to_owned()).await?;
        for row in &rows {
            let (kind, field) = (&row.change.detail.en, &row.change.path);
            tracing::info!(channel.id = channel, by, field, kind, "a change is accepted");
        }
        Ok(rows.into_iter().map(|row| self.told_hold(row)).collect())
    }

    /// The same of all channels for whoever looks often: it may be some seconds old.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn drift_lately(&self) -> Result<Arc<Drift>, StoreError> {
        let seen = || self.drift.0.lock().ok().and_then(|seen| seen.clone());
        if let Some((at, drift)) = seen()
            && at.elapsed() < FRESH
        {
            return Ok(drift);
        }
        let drift = Arc::new(self.drift(&Principal::Operator, None, false).await?);
        if let Ok(mut seen) = self.drift.0.lock() {
            *seen = Some((Instant::now(), drift.clone()));
        }
        Ok(drift)
    }
}

/// The channels of some rows, which are in the order of channels and periods.
fn channels(rows: Vec<ProfileRow>, profile: bool) -> Result<Vec<ChannelDrift>, StoreError> {
    let same = |a: &ProfileRow, b: &ProfileRow| a.channel == b.channel;
    rows.chunk_by(same).map(|rows| of_channel(rows, profile)).collect()
}

fn of_channel(rows: &[ProfileRow], profile: bool) -> Result<ChannelDrift, StoreError> {
    let (mut all, mut periods) = (Seen::default(), Vec::with_capacity(rows.len()));
    for row in rows {
        let mut seen = Seen::read(row)?;
        let sent = std::mem::take(&mut seen.profile);
        all.merge(&seen);
        if profile {
            all.profile.merge(&sent);
        }
        periods.push((row.period.clone(), sent));
    }
    let mut changes = changes(&periods);
    changes.truncate(CHANGES_MAX);
    let period = |row: Option<&ProfileRow>| row.map(|row| row.period.clone()).unwrap_or_default();
    Ok(ChannelDrift {
        channel: rows.first().map(|row| row.channel.clone()).unwrap_or_default(),
        periods: (period(rows.first()), period(rows.last())),
        messages: all.messages,
        looked: all.looked,
        unreadable: all.unreadable,
        missed: all.missed,
        records: periods.iter().map(|(_, profile)| profile.records()).sum(),
        changes,
        holds: Vec::new(),
        profile: profile.then_some(all.profile),
    })
}
