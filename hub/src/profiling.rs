//! Profiles of what channels send, gathered behind the journal (decision 19).
//!
//! It looks at messages in the order of their numbers, after they were received and whatever became
//! of them, and keeps what it has seen together with where it stands. What it looks at is bounded:
//! of a channel's messages of one day the first ones and then ever fewer, of a message its first
//! records. That is told by their numbers alone, so that every process would look at the same.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use jiff::{Timestamp, ToSpan, civil::Date, tz};
use mappings::profile::{Gatherer, Profile};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    catalog::Catalog,
    container,
    holding::Holding,
    store::{
        Store, StoreError,
        profiles::{Beginning, ProfileRow, Received, Turn},
    },
};

/// How often new messages are looked for.
const EVERY: Duration = Duration::from_secs(1);
/// How long it rests for the time that a turn took: it is never more than a small part of the load.
const REST: u32 = 20;
/// How long it rests at most.
const REST_MAX: Duration = Duration::from_secs(60);
/// How long it rests at least after a turn that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(10);

/// Messages counted in one turn, and looked at, and bytes read for that.
const MESSAGES_MAX: u32 = 8_192;
const LOOKED_MAX: u64 = 256;
const BYTES_MAX: usize = 8 << 20;

/// From so many messages of a channel and a day on, only every second is looked at, from twice as
/// many on every fourth, and so on.
const ALL_UP_TO: u64 = 512;

/// Bytes looked at of a message; a container is looked at whole or not at all.
const BEGINNING_BYTES: u64 = 1 << 20;
const CONTAINER_BYTES: u64 = 16 << 20;

/// Days that are kept by themselves; earlier ones are put together by months.
const DAYS_KEPT: i32 = 35;

/// What was seen of a channel in a period.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Seen {
    /// Messages received, whatever became of them.
    pub messages: u64,
    /// Messages looked at.
    pub looked: u64,
    /// Of those, the ones of which no record could be read.
    pub unreadable: u64,
    /// Of those, the ones whose raw bytes were gone already, or are too many.
    pub missed: u64,
    /// Records that could not be read, in messages of which others could.
    pub broken: u64,
    /// What the records hold.
    pub profile: Profile,
}

impl Seen {
    /// Reads a row.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn read(row: &ProfileRow) -> Result<Self, StoreError> {
        let damaged = |error| {
            let (channel, period) = (&row.channel, &row.period);
            StoreError::fault(format!("the profile of {channel} in {period}: {error}"))
        };
        serde_json::from_str(&row.profile).map_err(damaged)
    }

    /// Adds another one.
    pub fn merge(&mut self, other: &Self) {
        self.messages += other.messages;
        self.looked += other.looked;
        self.unreadable += other.unreadable;
        self.missed += other.missed;
        self.broken += other.broken;
        self.profile.merge(&other.profile);
    }

    fn row(&self, channel: String, period: String) -> Result<ProfileRow, StoreError> {
        let told = serde_json::to_string(self);
        let profile = told.map_err(|error| StoreError::fault(error.to_string()))?;
        Ok(ProfileRow { channel, period, profile })
    }
}

/// Whether a message is looked at, by its number among those of its channel and day, from 1.
fn is_looked_at(number: u64) -> bool {
    let doubled = (number / ALL_UP_TO).checked_ilog2().map_or(0, |times| times + 1);
    number.is_multiple_of(1 << doubled)
}

/// The day in Vietnam of a message.
fn day(recorded_at: &str) -> Result<Date, StoreError> {
    let damaged = |_| StoreError::fault(format!("`{recorded_at}` is no time"));
    let at: Timestamp = recorded_at.parse().map_err(damaged)?;
    Ok(tz::offset(7).to_datetime(at).date())
}

/// What a channel had on a day, so far.
type Kept = HashMap<String, (Date, Seen)>;

/// Gathers profiles.
#[derive(Clone)]
pub(crate) struct Profiling {
    catalog: Arc<Catalog>,
    store: Arc<dyn Store>,
    /// Where the store stood after the last turn of this process: what is remembered holds only
    /// while it still stands there.
    at: u64,
    kept: Kept,
    /// Which channels are held because of what was seen.
    pub(crate) holding: Holding,
}

impl Profiling {
    /// Puts it together, and learns which channels are held.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub(crate) async fn begin(
        catalog: Arc<Catalog>,
        store: Arc<dyn Store>,
    ) -> Result<Self, StoreError> {
        let holding = Holding::begin(catalog.clone(), store.clone()).await?;
        Ok(Self { catalog, store, at: 0, kept: Kept::new(), holding })
    }

    /// Gathers, and asks what is held, until told to stop. What is under way then is looked at
    /// again.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let holding = self.holding.clone();
        tokio::join!(holding.run(&stop), self.gather(&stop));
    }

    async fn gather(mut self, stop: &CancellationToken) {
        loop {
            let began = Instant::now();
            let Some(turn) = stop.run_until_cancelled(self.turn()).await else { return };
            let least = match turn {
                Ok(true) => Duration::ZERO,
                Ok(false) => EVERY,
                Err(error) => {
                    tracing::warn!(%error, "profiles wait; they are tried again");
                    self.at = 0;
                    AFTER_FAILURE
                }
            };
            let rest = (began.elapsed() * REST).clamp(least, REST_MAX);
            if stop.run_until_cancelled(sleep(rest)).await.is_none() {
                return;
            }
        }
    }

    /// Looks at what is next; gives whether there was more than one turn takes.
    async fn turn(&mut self) -> Result<bool, StoreError> {
        let found = self.store.unprofiled(MESSAGES_MAX).await?;
        if found.next != self.at {
            self.kept.clear();
        }
        // Whatever fails from here on, what is remembered by then is not to be built upon.
        self.at = 0;
        let mut turn = Turn { from: found.next, to: found.next, ..Turn::default() };
        let (mut looked, mut bytes) = (0, 0);
        let mut more = found.received.len() == MESSAGES_MAX as usize;
        let mut touched: BTreeMap<(String, Date), Seen> = BTreeMap::new();
        for one in found.received {
            if looked >= LOOKED_MAX || bytes >= BYTES_MAX {
                more = true;
                break;
            }
            turn.to = one.message + 1;
            let day = day(&one.recorded_at)?;
            let seen = self.seen(&one.channel, day, &mut touched, &mut turn).await?;
            seen.messages += 1;
            if is_looked_at(seen.messages) {
                let mut seen = std::mem::take(seen);
                bytes += self.look(&one, &mut seen).await?;
                looked += 1;
                touched.insert((one.channel, day), seen);
            }
        }
        let (from, to) = (turn.from, turn.to);
        for ((channel, day), seen) in touched {
            turn.kept.push(seen.row(channel.clone(), day.to_string())?);
            // In the order of days: the last one of a channel is what is remembered.
            self.kept.insert(channel, (day, seen));
        }
        if from == to {
            self.at = to;
            return Ok(false);
        }
        turn.held = self.holding.told(&turn).await?;
        let held = !turn.held.is_empty();
        if !self.store.keep(turn).await? {
            return Ok(false);
        }
        if held {
            self.holding.ask().await?;
        }
        self.at = to;
        Ok(more)
    }

    /// What was seen of a channel on a day, before the message that is looked at now.
    async fn seen<'t>(
        &self,
        channel: &str,
        day: Date,
        touched: &'t mut BTreeMap<(String, Date), Seen>,
        turn: &mut Turn,
    ) -> Result<&'t mut Seen, StoreError> {
        let key = (channel.to_owned(), day);
        if !touched.contains_key(&key) {
            let seen = match self.kept.get(channel) {
                Some((known, seen)) if *known == day => seen.clone(),
                _ => self.stored(channel, day, turn).await?,
            };
            touched.insert(key.clone(), seen);
        }
        Ok(touched.entry(key).or_default())
    }

    /// What the store has of a channel on a day. Where it has nothing, a day begins: then what has
    /// grown old is put together.
    async fn stored(&self, channel: &str, day: Date, turn: &mut Turn) -> Result<Seen, StoreError> {
        let rows = self.store.profiles(Some(vec![channel.to_owned()])).await?;
        let period = day.to_string();
        if let Some(row) = rows.iter().find(|row| row.period == period) {
            // One that cannot be read holds up no channel: it is begun anew.
            return Ok(Seen::read(row).unwrap_or_else(|error| {
                tracing::error!(%error, "a profile is begun anew");
                Seen::default()
            }));
        }
        for (month, (seen, days)) in by_month(&rows, day) {
            // Two days that begin in one turn both say so.
            turn.kept.retain(|row| row.channel != channel || row.period != month);
            turn.kept.push(seen.row(channel.to_owned(), month)?);
            turn.dropped.extend(days.into_iter().map(|day| (channel.to_owned(), day)));
        }
        Ok(Seen::default())
    }

    /// Looks at a message; gives the bytes that it read.
    async fn look(&self, one: &Received, seen: &mut Seen) -> Result<usize, StoreError> {
        let Some(channel) = self.catalog.channels.get(&one.channel) else { return Ok(0) };
        seen.looked += 1;
        let is_container = container::is_for(&channel.mapping);
        let most = if is_container { CONTAINER_BYTES } else { BEGINNING_BYTES };
        let beginning = self.store.beginning(one.message, most).await?;
        let Some(Beginning { bytes, whole }) = beginning.filter(|one| one.whole || !is_container)
        else {
            seen.missed += 1;
            return Ok(0);
        };
        let read = bytes.len();
        let (catalog, name) = (self.catalog.clone(), one.channel.clone());
        let gathering = tokio::task::spawn_blocking(move || {
            let channel = catalog.channels.get(&name)?;
            let mut gatherer = Gatherer::new(&channel.mapping);
            let bytes = if whole { &bytes } else { channel.mapping.readable(&bytes) };
            let sound = container::gather(&channel.mapping, bytes, &mut gatherer);
            let (profile, broken) = gatherer.finish();
            Some((profile, broken, sound))
        });
        let gathered = gathering.await.unwrap_or_else(|error| {
            tracing::error!(%error, message = one.message, "a message is not looked at");
            None
        });
        let Some((profile, broken, sound)) = gathered else {
            seen.missed += 1;
            return Ok(read);
        };
        seen.unreadable += u64::from(!sound && profile.records() == 0);
        seen.broken += broken;
        seen.profile.merge(&profile);
        Ok(read)
    }
}

/// Days that have grown old, put together by months with what is there of them.
type Months = BTreeMap<String, (Seen, Vec<String>)>;

/// Rows that cannot be read stay as they are.
fn by_month(rows: &[ProfileRow], today: Date) -> Months {
    let first_kept = today.saturating_sub(DAYS_KEPT.days());
    let mut months = Months::new();
    for row in rows {
        let Ok(day) = row.period.parse::<Date>() else { continue };
        if day >= first_kept {
            continue;
        }
        let month = day.strftime("%Y-%m").to_string();
        let Ok(seen) = Seen::read(row) else { continue };
        if !months.contains_key(&month) {
            let known = rows.iter().find(|row| row.period == month).map(Seen::read);
            let Ok(known) = known.unwrap_or_else(|| Ok(Seen::default())) else { continue };
            months.insert(month.clone(), (known, Vec::new()));
        }
        if let Some((all, days)) = months.get_mut(&month) {
            all.merge(&seen);
            days.push(row.period.clone());
        }
    }
    months
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ever_fewer_of_a_days_messages_are_looked_at() {
        let looked = |from: u64, to: u64| (from..to).filter(|one| is_looked_at(*one)).count();
        assert_eq!(looked(1, 512), 511);
        assert_eq!(looked(512, 1_024), 256);
        assert_eq!(looked(1_024, 2_048), 256);
        assert_eq!(looked(1, 1_000_001), 3_304);
    }

    #[test]
    fn days_that_have_grown_old_are_put_together_by_months() {
        let seen = |messages| Seen { messages, ..Seen::default() };
        let rows: Vec<ProfileRow> = [("2026-08", 5), ("2026-09-01", 7), ("2026-09-30", 1)]
            .into_iter()
            .chain([("2026-10-01", 2), ("2026-10-21", 4), ("2026-10-22", 9)])
            .map(|(period, count)| seen(count).row("a.b".to_owned(), period.to_owned()).unwrap())
            .collect();
        let months = by_month(&rows, "2026-11-26".parse().unwrap());
        let told: Vec<_> = months
            .iter()
            .map(|(month, (seen, days))| (month.as_str(), seen.messages, days.len()))
            .collect();
        assert_eq!(told, [("2026-09", 8, 2), ("2026-10", 6, 2)]);
    }
}
