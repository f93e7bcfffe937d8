//! Compares what the bus keeps with the journal.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use adapters::reading::Trouble;
use tokio::time::timeout;

use super::{Bus, Start, embedded::unanswered};
use crate::{
    feeds::outgoing,
    journal::{log::Log, merkle::Digest},
    store::{Store, StoreError},
};

/// After so long without another event, the bus has no more.
const PATIENCE: Duration = Duration::from_secs(10);

/// Entries read at once.
const ROWS: u32 = 500;

/// Missing ids that are named.
const NAMED_MAX: usize = 10;

/// So many missing ones are enough to know.
const LACKING_MAX: usize = 100_000;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The first position that the bus is to have, and the one after the last.
    pub span: (u64, u64),
    /// Events of the journal between them.
    pub events: u64,
    /// Of those, the ones that the bus has, equal byte for byte.
    pub found: u64,
    /// Events that it has again, under an id that came before.
    pub repeated: u64,
    /// Events of a log that this one goes on from, behind where it does: the store was restored.
    pub lost: u64,
    /// Events of other logs, or that are not as the journal has them.
    pub strange: u64,
    /// Events that it does not have.
    pub lacking: u64,
    /// Ids of the first of them.
    pub missing: Vec<String>,
}

/// The journal, read as far as the bus has come: by position what is still to come of it.
struct Expected<'a> {
    store: &'a dyn Store,
    log: Log,
    read_to: u64,
    to: u64,
    wanted: BTreeMap<u64, Digest>,
    events: u64,
}

impl Expected<'_> {
    async fn read(&mut self) -> Result<(), StoreError> {
        let (events, next) = outgoing(self.store, self.read_to, ROWS).await?;
        // A journal that is shorter than it was told has no more.
        self.read_to = if next == self.read_to { self.to } else { next };
        for event in events.into_iter().filter(|event| event.position < self.to) {
            self.events += 1;
            self.wanted.insert(event.position, Digest::of(&event.text));
        }
        Ok(())
    }

    /// Whether there is more to read, and room for it.
    fn has_more(&self) -> bool {
        self.read_to < self.to && self.wanted.len() < LACKING_MAX
    }
}

/// Where an event belongs.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// To the journal, at a position.
    Of(u64),
    /// To what was lost with a log.
    Lost,
    /// Not here.
    Strange,
}

fn place(log: &Log, id: &str) -> Place {
    let Some((log_id, position)) = id.rsplit_once('/') else { return Place::Strange };
    match position.parse::<u64>() {
        Ok(position) if log.of(position) == log_id => Place::Of(position),
        Ok(position) if log.ended(log_id).is_some_and(|old| position >= old.size) => Place::Lost,
        _ => Place::Strange,
    }
}

/// Follows the bus from its first event and compares what lies between two positions.
///
/// # Errors
/// When the store does not answer, or the bus breaks.
pub async fn verify(
    bus: &dyn Bus,
    store: &Arc<dyn Store>,
    from: u64,
    to: u64,
) -> Result<Verdict, Trouble> {
    let fault = |error: StoreError| unanswered(&error);
    let log = store.head().await.map_err(fault)?.log;
    let wanted = BTreeMap::new();
    let mut expected = Expected { store: &**store, log, read_to: from, to, wanted, events: 0 };
    let mut verdict = Verdict { span: (from, to), ..Verdict::default() };
    let mut follower = bus.follow(Start::First).await?;
    loop {
        while expected.wanted.is_empty() && expected.has_more() {
            expected.read().await.map_err(fault)?;
        }
        if expected.wanted.is_empty() {
            break;
        }
        let Ok(next) = timeout(PATIENCE, follower.next()).await else { break };
        let next = next?;
        let position = match place(&expected.log, &next.id) {
            Place::Of(position) => position,
            Place::Lost => {
                verdict.lost += 1;
                continue;
            }
            Place::Strange => {
                verdict.strange += 1;
                continue;
            }
        };
        while position >= expected.read_to && expected.has_more() {
            expected.read().await.map_err(fault)?;
        }
        match expected.wanted.get(&position) {
            Some(digest) if *digest == Digest::of(&next.text) => {
                expected.wanted.remove(&position);
                verdict.found += 1;
            }
            Some(_) => verdict.strange += 1,
            None if position < expected.read_to => verdict.repeated += 1,
            // Published since, or before what is compared.
            None => {}
        }
    }
    while expected.has_more() {
        expected.read().await.map_err(fault)?;
    }
    verdict.events = expected.events;
    verdict.lacking = u64::try_from(expected.wanted.len()).unwrap_or(u64::MAX);
    let missing = expected.wanted.keys().take(NAMED_MAX);
    verdict.missing = missing.map(|at| format!("{}/{at}", expected.log.of(*at))).collect();
    Ok(verdict)
}
