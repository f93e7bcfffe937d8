//! One outbound channel's deliveries: a task of its own, with room, quota and breaker of its own,
//! so that an agency that is slow, full or gone holds up no other.
//!
//! It asks the store and begins to send. Each message under way has a task that goes on with the
//! next that waits, so that sending costs nobody a wake-up; what has ended is concluded in the
//! transaction that announces what goes next.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use adapters::{
    Inbox,
    outbound::{Answer, Class, Failure, Outbound},
};
use aws_lc_rs::rand;
use mappings::Gazetteer;
use tokio::{sync::Notify, task::JoinSet, time::sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    answer,
    decide::Jitter,
    hidden::hidden,
    letter,
    state::{Next, State},
};
use crate::{
    catalog::OutboundChannel,
    lasting::{Lasting, Work},
    store::{
        Store, StoreError,
        deliveries::{Concluded, Decision, Delivery, Running},
    },
};

/// How long messages under way may go on when the hub ends.
const ENDING: Duration = Duration::from_secs(5);

/// What one channel's task is given.
#[derive(Clone)]
pub(super) struct Task {
    pub(super) channel: Arc<OutboundChannel>,
    pub(super) way: Arc<dyn Outbound>,
    pub(super) store: Arc<dyn Store>,
    pub(super) gazetteer: Arc<Gazetteer>,
    /// Keeps it going over what breaks down in it.
    pub(super) lasting: Lasting,
    /// Where answers go in that a channel of the agency's reads.
    pub(super) inbox: Arc<dyn Inbox>,
    /// Woken when something may be due.
    pub(super) awake: Arc<Notify>,
    /// Whether the channel was paused when that was last looked at: what is accepted meanwhile
    /// costs the store nothing then.
    pub(super) paused: Arc<AtomicBool>,
}

/// What those who send share with who asks the store.
struct Shared {
    task: Task,
    state: Mutex<State>,
    /// Told when the state calls for who asks the store.
    calls: Notify,
}

/// What the store was asked, and said.
struct Step {
    ended: Vec<Concluded>,
    most: u32,
    said: Result<Vec<Delivery>, StoreError>,
}

type Asking = Pin<Box<dyn Future<Output = Step> + Send>>;

/// One channel at work.
pub(super) struct Worker {
    shared: Arc<Shared>,
    under_way: JoinSet<()>,
    asking: Option<Asking>,
}

fn jitter() -> Jitter {
    let mut bytes = [0; 4];
    // Without randomness all wait as long as they may.
    match rand::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    }
}

impl Shared {
    /// It is held for moments only, and never across a wait.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends one delivery, and then what waits, as long as that may be.
    async fn send(self: Arc<Self>, mut delivery: Box<Delivery>) {
        loop {
            // Whatever breaks down in it, the attempt ends, and comes again as others do.
            let work = Work { task: "deliver", channel: &self.task.channel.id };
            let began = Instant::now();
            let sent = self.task.lasting.caught(work, self.attempt(&delivery)).await;
            let broken = || Failure::new(Class::Unknown, "a fault of the hub: its log says more");
            let sent = sent.unwrap_or_else(|| Err(broken()));
            match self.ended(&delivery, &sent, began) {
                Some(next) => delivery = next,
                None => return,
            }
        }
    }

    async fn attempt(&self, delivery: &Delivery) -> Result<Answer, Failure> {
        let Task { channel, way, gazetteer, inbox, .. } = &self.task;
        let message = letter::message(channel, delivery, gazetteer)?;
        let sent = answer::to(channel, &**inbox, message, way.clone()).await;
        let personal = delivery.personal.as_deref();
        sent.map_err(|failure| Failure { told: hidden(&failure.told, personal), ..failure })
    }

    /// Notes how an attempt ended; gives what its sender goes on with.
    fn ended(
        &self,
        delivery: &Delivery,
        sent: &Result<Answer, Failure>,
        began: Instant,
    ) -> Option<Box<Delivery>> {
        let name = match sent {
            Ok(_) => "settled",
            Err(failure) => failure.class.name(),
        };
        self.task.lasting.telemetry().delivery(&self.task.channel.id, name);
        let now = Instant::now();
        let mut state = self.state();
        let denied = state.ended((delivery, sent), now, jitter);
        state.left();
        let next = state.take(now);
        let calls = state.calls(now);
        drop(state);
        if let Some(told) = denied {
            self.pause(told, began);
        }
        if calls {
            self.calls.notify_one();
        }
        match next {
            Next::Send(next) => Some(next),
            Next::Not(_) => None,
        }
    }

    /// Pauses the channel, and says so once, whoever else finds the same; unless it was resumed
    /// since the attempt began.
    fn pause(&self, reason: String, began: Instant) {
        let (store, channel) = (self.task.store.clone(), self.task.channel.id.clone());
        tokio::spawn(async move {
            let age = Some(began.elapsed());
            let decision = Decision { state: Running::Paused, reason, age };
            match store.decide(channel.to_string(), decision).await {
                Ok(true) => tracing::error!(
                    channel.id = &*channel,
                    "an agency denies the hub: the channel is paused until it is resumed"
                ),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(channel.id = &*channel, %error, "a channel is not paused");
                }
            }
        });
    }
}

impl Worker {
    pub(super) fn new(task: Task) -> Self {
        let state = Mutex::new(State::new(task.channel.clone(), Instant::now()));
        let shared = Arc::new(Shared { task, state, calls: Notify::new() });
        Self { shared, under_way: JoinSet::new(), asking: None }
    }

    /// Delivers until told to stop; then what is under way may end, and the rest is given back.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let shared = self.shared.clone();
        let Task { awake, paused, .. } = &shared.task;
        while !stop.is_cancelled() {
            let wake = self.begin();
            tokio::select! {
                () = stop.cancelled() => break,
                Some(joined) = self.under_way.join_next() => {
                    // One whose task broke down is found again when its lease has ended.
                    if joined.is_err() {
                        shared.state().left();
                    }
                }
                step = asked(&mut self.asking), if self.asking.is_some() => self.stepped(step),
                () = shared.calls.notified() => {}
                () = awake.notified() => {
                    if !paused.load(Ordering::Relaxed) {
                        shared.state().look();
                    }
                }
                () = sleep_until(wake.into()) => {}
            }
        }
        // What is not concluded by then is as after a crash: its lease runs out.
        let _ = tokio::time::timeout(ENDING, self.end()).await;
    }

    /// Sends what may be sent and asks the store what is to be asked; gives when to look again.
    fn begin(&mut self) -> Instant {
        let (shared, now) = (self.shared.clone(), Instant::now());
        let mut state = shared.state();
        let wake = loop {
            match state.take(now) {
                Next::Send(delivery) => self.under_way.spawn(shared.clone().send(delivery)),
                Next::Not(before) => break before,
            };
        };
        match state.ask(now) {
            Err(before) => wake.min(before),
            Ok((ended, wanted)) => {
                let (store, channel) = (&shared.task.store, shared.task.channel.id.clone());
                let (store, told, most) = (store.clone(), ended.clone(), wanted.most);
                self.asking = Some(Box::pin(async move {
                    let said = store.conclude_and_announce(channel, told, wanted).await;
                    Step { ended, most, said: said.map(|(_, announced)| announced) }
                }));
                wake
            }
        }
    }

    fn stepped(&mut self, Step { ended, most, said }: Step) {
        self.asking = None;
        let (mut state, now) = (self.shared.state(), Instant::now());
        match said {
            Ok(all) => state.announced(all, most, now),
            Err(error) => state.unheard(ended, &error, now),
        }
    }

    async fn end(mut self) {
        self.shared.state().end(Instant::now());
        while self.under_way.join_next().await.is_some() {}
        if let Some(asking) = self.asking.take() {
            let step = asking.await;
            self.stepped(step);
            // What was announced meanwhile is given back with the rest.
            self.shared.state().end(Instant::now());
        }
        loop {
            let ended = self.shared.state().concluded_last();
            let channel = self.shared.task.channel.id.clone();
            if ended.is_empty() || self.shared.task.store.conclude(channel, ended).await.is_err() {
                return;
            }
        }
    }
}

/// What the store says, where it was asked.
async fn asked(asking: &mut Option<Asking>) -> Step {
    match asking {
        Some(asking) => asking.await,
        None => std::future::pending().await,
    }
}
