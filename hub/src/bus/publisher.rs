//! Publishes the journal, from where the store says, for as long as the hub runs.
//!
//! One process at a time has the turn; it opens a line, has it prove itself, and publishes what is
//! appended. Whatever breaks the line, another one is opened after a rest, without end: the
//! client library's own recovery, which gives up after some minutes, is not used. What was
//! published and not confirmed is published again under its id.

use std::{sync::Arc, time::Duration};

use adapters::reading::{Pace, Trouble};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Bus, Line, Sent, Standing, State};
use crate::{
    feeds::{Outgoing, outgoing},
    store::{Store, StoreError, published::Publishing},
};

/// How often a turn is said to go on; it is somebody's for longer.
const KEEP_EVERY: Duration = Duration::from_secs(2);

/// How often whose turn it is is asked.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// How often the journal's end is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How often the journal is read at most where little was there the last time: what is accepted
/// meanwhile comes as one batch, which costs the store and the broker less than many.
const READ_EVERY: Duration = Duration::from_millis(25);

/// How often the position moves at most: each time is a transaction of the store, beside those of
/// senders. After a crash so much is published again.
const MOVE_EVERY: Duration = Duration::from_millis(250);

/// Entries read at once.
const ROWS: u32 = 500;

/// How long a batch under way may go on when the hub ends.
const GRACE: Duration = Duration::from_secs(2);

/// The first rest after a line broke, and the longest.
const REST_FIRST: Duration = Duration::from_millis(250);
const REST_MAX: Duration = Duration::from_secs(10);

/// The rest where only people can mend it, and where the store does not answer.
const REST_MENDED: Duration = Duration::from_secs(10);
const STORE_REST: Duration = Duration::from_secs(2);

/// Why a turn ended.
enum Ended {
    /// The hub ends.
    Stopped,
    /// The turn is another's.
    Lost,
    /// The bus failed.
    Bus(Trouble),
    /// The store failed.
    Store(StoreError),
}

impl From<Trouble> for Ended {
    fn from(trouble: Trouble) -> Self {
        Self::Bus(trouble)
    }
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What was read and is published next.
struct Batch {
    events: Vec<Outgoing>,
    /// The position after it.
    to: u64,
    /// When it was read, and whether there was more.
    read_at: Instant,
    full: bool,
}

/// How far this turn is.
struct Progress {
    token: u64,
    /// All before it is confirmed.
    confirmed: u64,
    /// All before it is so in the store.
    moved: u64,
    moved_at: Instant,
}

/// Publishes the journal.
pub struct Publisher {
    bus: Arc<dyn Bus>,
    store: Arc<dyn Store>,
    standing: Standing,
}

impl Publisher {
    /// To a bus, from a store.
    pub fn new(bus: Arc<dyn Bus>, store: Arc<dyn Store>, standing: Standing) -> Self {
        Self { bus, store, standing }
    }

    /// Publishes until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut failures = 0;
        while !stop.is_cancelled() {
            let rest = match self.store.take_publishing().await {
                Ok(Some(turn)) => {
                    let began = Instant::now();
                    let ended = self.turn(turn, &stop).await;
                    // It runs out by itself where this cannot be told.
                    let _ = self.store.leave_publishing(turn.token).await;
                    // A line that stood for long has proved that trying is worth while.
                    failures = if began.elapsed() > REST_MAX { 0 } else { failures + 1 };
                    self.told(ended, failures)
                }
                Ok(None) => {
                    self.standing.tell(State::Elsewhere, None);
                    ASK_EVERY
                }
                Err(error) => self.told(Ended::Store(error), 0),
            };
            stop.run_until_cancelled(sleep(rest)).await;
        }
    }

    /// Tells why a turn ended; gives how long to rest.
    fn told(&self, ended: Ended, failures: u32) -> Duration {
        match ended {
            Ended::Stopped => Duration::ZERO,
            Ended::Lost => {
                self.standing.tell(State::Elsewhere, None);
                ASK_EVERY
            }
            Ended::Bus(trouble) => {
                self.standing.tell(State::Away, Some(&trouble));
                match trouble.pace {
                    Pace::Soon => (REST_FIRST * (1 << failures.min(6))).min(REST_MAX),
                    Pace::After(rest) => rest,
                    Pace::Mended => REST_MENDED,
                }
            }
            Ended::Store(error) => {
                tracing::warn!(%error, "publishing waits for the store");
                STORE_REST
            }
        }
    }

    /// One turn, to its end.
    async fn turn(&self, turn: Publishing, stop: &CancellationToken) -> Ended {
        self.standing.tell(State::Connecting, None);
        let mut line = match self.kept(turn.token, stop, self.bus.open()).await {
            Ok(Ok(Some(line))) => line,
            // There is nothing to publish to.
            Ok(Ok(None)) => return Ended::Stopped,
            Ok(Err(trouble)) => return Ended::Bus(trouble),
            Err(ended) => return ended,
        };
        let ended = match self.publish(&mut *line, turn, stop).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        };
        line.close().await;
        ended
    }

    async fn publish(
        &self,
        line: &mut dyn Line,
        turn: Publishing,
        stop: &CancellationToken,
    ) -> Result<std::convert::Infallible, Ended> {
        let (token, from) = (turn.token, turn.position);
        if line.begins_anew() && from > 0 {
            tracing::error!(
                position = from,
                "the broker has lost the feed: it has nothing before this position until \
                 `lienthong bus rebuild` publishes it again"
            );
            if !self.store.lose_published(token).await? {
                return Err(Ended::Lost);
            }
        }
        self.kept(token, stop, line.prepare()).await??;
        self.standing.tell(State::Publishing, None);
        let now = Instant::now();
        let mut progress = Progress { token, confirmed: from, moved: from, moved_at: now };
        let mut ready = self.read(from).await?;
        loop {
            if stop.is_cancelled() {
                self.moves(&mut progress, true).await?;
                return Err(Ended::Stopped);
            }
            if ready.to == progress.confirmed {
                self.moves(&mut progress, true).await?;
                self.kept(token, stop, self.idle(line, &progress, stop)).await??;
                ready = self.read(progress.confirmed).await?;
                continue;
            }
            let work = async {
                let (sending, reading) = (line.publish(&ready.events), self.read_after(&ready));
                tokio::join!(sending, reading, self.moves(&mut progress, false))
            };
            let (sent, read, moved) = self.kept(token, stop, work).await?;
            progress.confirmed = ready.confirmed(&sent);
            if let Some(trouble) = sent.trouble {
                self.moves(&mut progress, true).await?;
                return Err(Ended::Bus(trouble));
            }
            moved?;
            ready = read?;
        }
    }

    async fn read(&self, from: u64) -> Result<Batch, StoreError> {
        let read_at = Instant::now();
        let (events, to) = outgoing(&*self.store, from, ROWS).await?;
        Ok(Batch { events, to, read_at, full: to - from >= u64::from(ROWS) })
    }

    /// Reads what comes after a batch, in its time.
    async fn read_after(&self, batch: &Batch) -> Result<Batch, StoreError> {
        if !batch.full {
            sleep_until(batch.read_at + READ_EVERY).await;
        }
        self.read(batch.to).await
    }

    /// Moves the position to what is confirmed, if it is time.
    async fn moves(&self, progress: &mut Progress, now: bool) -> Result<(), Ended> {
        let due = now || progress.moved_at.elapsed() >= MOVE_EVERY;
        if progress.confirmed == progress.moved || !due {
            return Ok(());
        }
        if !self.store.move_published(progress.token, progress.confirmed).await? {
            return Err(Ended::Lost);
        }
        (progress.moved, progress.moved_at) = (progress.confirmed, Instant::now());
        Ok(())
    }

    /// Waits until there may be something to publish.
    async fn idle(
        &self,
        line: &mut dyn Line,
        progress: &Progress,
        stop: &CancellationToken,
    ) -> Result<(), Ended> {
        let grown = async {
            loop {
                sleep(LOOK_EVERY).await;
                if self.store.head().await?.tree.size > progress.confirmed {
                    return Ok::<(), Ended>(());
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            trouble = line.broken() => Err(Ended::Bus(trouble)),
            grown = grown => grown,
        }
    }

    /// Works, and says meanwhile that the turn goes on. Where it is lost, or the hub ends and the
    /// work does not soon, what is under way is left.
    async fn kept<T>(
        &self,
        token: u64,
        stop: &CancellationToken,
        work: impl Future<Output = T>,
    ) -> Result<T, Ended> {
        let ending = async {
            stop.cancelled().await;
            sleep(GRACE).await;
        };
        let lost = async {
            loop {
                sleep(KEEP_EVERY).await;
                // Where the store does not answer, it may well be in force still: moving proves it.
                if let Ok(false) = self.store.keep_publishing(token).await {
                    return;
                }
            }
        };
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = ending => Err(Ended::Stopped),
            () = lost => Err(Ended::Lost),
        }
    }
}

impl Batch {
    /// Up to where all is confirmed, of what became of it.
    fn confirmed(&self, sent: &Sent) -> u64 {
        match &sent.trouble {
            None => self.to,
            Some(_) => self.events.get(sent.kept).map_or(self.to, |event| event.position),
        }
    }
}
