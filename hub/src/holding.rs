//! Channels that are held because what they send has changed (decision 41).
//!
//! A hold is a row that the store keeps: which change, since when, and the hash of the rules that
//! read its field. Who runs a channel by those very rules takes nothing of it until somebody has
//! accepted the change. So a hold ends by an operator's word, by rules that were mended, or by
//! another policy, and whichever process asks finds the same.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, RwLock},
    time::Duration,
};

use contracts::Later;
use jiff::{Timestamp, tz};
use mappings::profile::{Change, ChangeKind, Profile, changes, reading};
use serde::Serialize;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    catalog::{Catalog, Channel},
    journal::merkle::Digest,
    profiling::Seen,
    store::{
        Store, StoreError,
        holds::{HoldQuery, HoldRow},
        profiles::{ProfileRow, Turn},
    },
};

/// How often it is asked whether a channel is held: what another process found, or somebody
/// accepted.
const EVERY: Duration = Duration::from_secs(1);

/// When whoever sends into a held channel may come again: people decide, not machines.
const RETRY_SECONDS: u32 = 60;

/// How a hold stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HoldState {
    /// Its channel is held.
    Held,
    /// Somebody accepted the change.
    Accepted,
    /// The rules that read the field are others now.
    Mended,
    /// Its channel is gone, or lets such changes pass.
    Passed,
}

/// The hash of the rules by which a channel reads a field.
fn read_by(channel: &Channel, field: &str) -> String {
    Digest::of(reading(&channel.mapping, field).as_bytes()).to_string()
}

/// How a hold stands with the channel as it is declared now.
pub fn state(channel: Option<&Channel>, hold: &HoldRow) -> HoldState {
    match channel {
        _ if hold.accepted.is_some() => HoldState::Accepted,
        Some(channel) if channel.holds_on.contains(&hold.change.kind) => {
            match read_by(channel, &hold.change.path) == hold.reading {
                true => HoldState::Held,
                false => HoldState::Mended,
            }
        }
        _ => HoldState::Passed,
    }
}

/// What is answered to who sends meanwhile.
fn later(change: &Change) -> Later {
    let (vi, en) = (&change.detail.vi, &change.detail.en);
    let reason = format!(
        "kênh đang tạm giữ vì dữ liệu gửi đến đã thay đổi: {vi} Đơn vị vận hành đang xem xét; \
         hãy gửi lại sau, không mất gì. / the channel is held, for what it sends has changed: {en} \
         The operator is looking at it; send again later, nothing is lost."
    );
    Later { reason, retry_after_seconds: RETRY_SECONDS }
}

/// Which channels are held.
#[derive(Clone)]
pub(crate) struct Holding {
    catalog: Arc<Catalog>,
    store: Arc<dyn Store>,
    held: Arc<RwLock<HashMap<String, Later>>>,
}

impl Holding {
    /// Asks the store: before anything is taken it is known what is held.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub(crate) async fn begin(
        catalog: Arc<Catalog>,
        store: Arc<dyn Store>,
    ) -> Result<Self, StoreError> {
        let holding = Self { catalog, store, held: Arc::default() };
        holding.ask().await?;
        Ok(holding)
    }

    /// What to answer to who sends into a channel, where it is held.
    pub(crate) fn of(&self, channel: &str) -> Option<Later> {
        self.held.read().ok()?.get(channel).cloned()
    }

    fn may_hold(&self) -> bool {
        self.catalog.channels.values().any(|channel| !channel.holds_on.is_empty())
    }

    /// Asks again and again, until told to stop. What is not known stays as it was.
    pub(crate) async fn run(&self, stop: &CancellationToken) {
        while self.may_hold() && stop.run_until_cancelled(sleep(EVERY)).await.is_some() {
            if let Err(error) = self.ask().await {
                tracing::warn!(%error, "which channels are held is not known; it is asked again");
            }
        }
    }

    pub(crate) async fn ask(&self) -> Result<(), StoreError> {
        if !self.may_hold() {
            return Ok(());
        }
        let open = self.store.drift_holds(HoldQuery { channel: None, open: true }).await?;
        let mut now = HashMap::new();
        for hold in open {
            let channel = self.catalog.channels.get(&hold.channel);
            if state(channel, &hold) == HoldState::Held {
                now.entry(hold.channel).or_insert_with(|| later(&hold.change));
            }
        }
        let Ok(mut held) = self.held.write() else { return Ok(()) };
        for (channel, later) in now.iter().filter(|(channel, _)| !held.contains_key(*channel)) {
            tracing::warn!(channel.id = channel, why = later.reason, "a channel is held");
        }
        for channel in held.keys().filter(|channel| !now.contains_key(*channel)) {
            tracing::info!(channel.id = channel, "a channel is held no more");
        }
        *held = now;
        Ok(())
    }

    /// The changes by which channels are to be held once a turn of gathering is kept.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub(crate) async fn told(&self, turn: &Turn) -> Result<Vec<HoldRow>, StoreError> {
        let mut held = Vec::new();
        let touched: BTreeSet<&String> = turn.kept.iter().map(|row| &row.channel).collect();
        for name in touched {
            let channel = self.catalog.channels.get(name);
            if channel.is_none_or(|channel| channel.holds_on.is_empty()) {
                continue;
            }
            let rows = self.store.profiles(Some(vec![name.clone()])).await?;
            let rows = after(rows, turn, name);
            let query = HoldQuery { channel: Some(name.clone()), open: false };
            let known = self.store.drift_holds(query).await?;
            let (catalog, name) = (self.catalog.clone(), name.clone());
            let comparing = tokio::task::spawn_blocking(move || {
                let now = Timestamp::now().as_millisecond();
                catalog.channels.get(&name).map(|channel| begun(channel, &rows, &known, now))
            });
            let begun = comparing.await.map_err(|error| StoreError::fault(error.to_string()))?;
            held.extend(begun.into_iter().flatten());
        }
        Ok(held)
    }
}

/// The rows of a channel as a turn leaves them, in the order of periods.
fn after(mut rows: Vec<ProfileRow>, turn: &Turn, channel: &str) -> Vec<ProfileRow> {
    let kept: Vec<&ProfileRow> = turn.kept.iter().filter(|row| row.channel == channel).collect();
    rows.retain(|row| {
        !kept.iter().any(|other| other.period == row.period)
            && !turn.dropped.iter().any(|(of, period)| of == channel && *period == row.period)
    });
    rows.extend(kept.into_iter().cloned());
    rows.sort_by(|a, b| a.period.cmp(&b.period));
    rows
}

/// The changes that hold a channel from now on: those of its latest period, of a kind that holds,
/// that are not known yet.
fn begun(channel: &Channel, rows: &[ProfileRow], known: &[HoldRow], now: i64) -> Vec<HoldRow> {
    // What cannot be read is begun anew by who gathers; it holds nothing up.
    let read = |row: &ProfileRow| Some((row.period.clone(), Seen::read(row).ok()?.profile));
    let periods: Vec<(String, Profile)> = rows.iter().filter_map(read).collect();
    let Some((latest, _)) = periods.last() else { return Vec::new() };
    let holds = |change: &Change| {
        change.until == *latest
            && channel.holds_on.contains(&change.kind)
            && (change.read || change.kind == ChangeKind::NewField)
            && !known.iter().any(|hold| covers(hold, change))
    };
    let found = changes(&periods).into_iter().filter(holds);
    let row = |(place, change): (u32, Change)| HoldRow {
        channel: channel.id.clone(),
        held_at: now,
        place,
        reading: read_by(channel, &change.path),
        change,
        accepted: None,
    };
    (0..).zip(found).map(row).collect()
}

/// Whether a change is one that holds, or was accepted, already. One that comes again later, after
/// it was over, is another.
fn covers(hold: &HoldRow, change: &Change) -> bool {
    let known = &hold.change;
    let same = (known.kind, &known.records, &known.path)
        == (change.kind, &change.records, &change.path)
        && known.fresh.is_empty() == change.fresh.is_empty()
        && change.fresh.iter().all(|one| known.fresh.contains(one));
    let at = hold.accepted.as_ref().map_or(hold.held_at, |(at, _)| *at);
    let day = Timestamp::from_millisecond(at).map(|at| tz::offset(7).to_datetime(at).date());
    same && day.is_ok_and(|day| change.since <= day.to_string())
}

#[cfg(test)]
mod tests {
    use contracts::problem::Bilingual;

    use super::*;

    fn change(since: &str, fresh: &[&str]) -> Change {
        let words = || Bilingual { vi: String::new(), en: String::new() };
        Change {
            kind: ChangeKind::NewForm,
            records: "dossier/1".to_owned(),
            path: "ngay".to_owned(),
            read: true,
            since: since.to_owned(),
            until: since.to_owned(),
            before: String::new(),
            after: String::new(),
            fresh: fresh.iter().map(|one| (*one).to_owned()).collect(),
            detail: words(),
            advice: words(),
        }
    }

    #[test]
    fn a_change_that_was_accepted_holds_again_only_with_something_new_or_when_it_comes_back() {
        // 2026-11-26 23:30 in Vietnam.
        let at = "2026-11-26T16:30:00Z".parse::<Timestamp>().unwrap().as_millisecond();
        let hold = HoldRow {
            channel: "a.b".to_owned(),
            held_at: 0,
            place: 0,
            reading: String::new(),
            change: change("2026-11-25", &["MM/dd/yyyy", "yyyyMMdd"]),
            accepted: Some((at, "operator".to_owned())),
        };
        let covers = |since, fresh: &[&str]| covers(&hold, &change(since, fresh));
        assert!(covers("2026-11-25", &["MM/dd/yyyy"]) && covers("2026-11-26", &["yyyyMMdd"]));
        // Days of long ago are put together by months.
        assert!(covers("2026-10", &["MM/dd/yyyy"]));
        assert!(!covers("2026-11-25", &["MM/dd/yyyy", "yyyy/MM/dd"]), "another form beside it");
        assert!(!covers("2026-11-27", &["MM/dd/yyyy"]), "it was over, and has come back");
        assert!(!covers("2026-11-25", &[]));
    }
}
