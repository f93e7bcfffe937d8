//! One channel's task: takes its turns and says in the store how they ended.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use adapters::{
    Inbox,
    reading::{Ended, Memory, Reader, Trouble, Turn},
};
use tokio::time::sleep;

use super::{Keeper, PAUSE_MIN, memory::Kept, pace};
use crate::{
    lasting::{Lasting, Work},
    store::{
        Store,
        pollers::{LEASE, PollEnd, PollTrouble, PollTurn, Taken},
    },
};

/// How long to rest where the store cannot say whose turn it is.
const STORE_REST: Duration = Duration::from_secs(2);

/// One channel that is read.
pub(super) struct Poll {
    /// The channel.
    pub(super) channel: String,
    /// How often.
    pub(super) every: Duration,
    /// Keeps its turns.
    pub(super) keeper: Keeper,
    /// By what.
    pub(super) reader: Arc<dyn Reader>,
}

impl Poll {
    /// Takes turns until told to stop; then what is under way comes to its end.
    pub(super) async fn run(
        &self,
        store: Arc<dyn Store>,
        inbox: Arc<dyn Inbox>,
        lasting: &Lasting,
    ) {
        let (work, stop) = (Work { task: "read", channel: &self.channel }, lasting.stop());
        let memory: Arc<dyn Memory> = Arc::new(Kept(store.clone()));
        let mut trouble = None;
        while !stop.is_cancelled() {
            let rest = match store.take_turn(self.channel.clone(), self.every).await {
                Ok(Taken::Turn(taken)) => {
                    let (stop, well) = (stop.child_token(), Arc::default());
                    let moved = Arc::<AtomicBool>::default();
                    let turn = Turn {
                        channel: self.channel.clone(),
                        token: taken.token,
                        cursor: taken.cursor.clone(),
                        inbox: inbox.clone(),
                        memory: memory.clone(),
                        stop: stop.clone(),
                        well: Arc::clone(&well),
                        moved: Arc::clone(&moved),
                    };
                    self.keeper.begins(&self.channel, taken.token, (stop, well));
                    // A client library that panics makes it a turn that failed.
                    let read = async { self.reader.clone().turn(turn).await };
                    let ended = lasting.caught(work, read).await;
                    let ended = ended.unwrap_or_else(|| Err(Trouble::fault()));
                    self.keeper.ends(&self.channel);
                    self.tell(&mut trouble, ended.as_ref().err());
                    self.end(&store, &taken, moved.load(Ordering::Acquire), ended).await
                }
                Ok(Taken::After(rest)) => rest,
                Err(error) => {
                    tracing::warn!(channel = self.channel, %error, "whose turn it is is not known");
                    STORE_REST
                }
            };
            stop.run_until_cancelled(sleep(rest.max(PAUSE_MIN))).await;
        }
    }

    /// Notes how a turn ended, and says how long to rest. One that moved the cursor before it
    /// failed got on: rests do not grow from it.
    async fn end(
        &self,
        store: &Arc<dyn Store>,
        taken: &PollTurn,
        moved: bool,
        ended: Result<Ended, Trouble>,
    ) -> Duration {
        let trouble = ended.err();
        let pace = trouble.as_ref().map(|trouble| trouble.pace);
        let failures = if moved { 0 } else { taken.failures };
        let pause = pace::rest(self.every, pace, failures, chance()).max(PAUSE_MIN);
        let end = PollEnd {
            channel: self.channel.clone(),
            token: taken.token,
            moved,
            trouble: trouble.map(|one| PollTrouble { code: one.code.to_owned(), told: one.told }),
            pause,
        };
        if let Err(error) = store.end_turn(end).await {
            tracing::warn!(channel = self.channel, %error, "how a turn ended could not be noted");
            // It ends by itself.
            return pause.max(LEASE);
        }
        pause
    }

    /// Says in the log when what is wrong changes, and no sooner.
    fn tell(&self, before: &mut Option<String>, trouble: Option<&Trouble>) {
        let now = trouble.map(|trouble| trouble.told.en.clone());
        if *before != now {
            match &now {
                Some(why) => tracing::warn!(channel = self.channel, "reading: {why}"),
                None => tracing::info!(channel = self.channel, "reading goes on"),
            }
        }
        *before = now;
    }
}

/// A number from 0 to 1 that differs from process to process and from turn to turn.
fn chance() -> f64 {
    f64::from(RandomState::new().hash_one(0) as u32) / f64::from(u32::MAX)
}
