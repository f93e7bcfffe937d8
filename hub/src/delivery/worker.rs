//! One outbound channel's deliveries: a task of its own, with room, quota and breaker of its own,
//! so that an agency that is slow, full or gone holds up no other.
//!
//! Deliveries are announced a few at a time, sent side by side, and concluded together: what has
//! ended while the store was at work is concluded with the next. No timer waits for more.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use adapters::{
    Inbox,
    outbound::{Answer, Failure, Outbound},
};
use aws_lc_rs::rand;
use mappings::Gazetteer;
use tokio::{sync::Notify, task::JoinSet, time::sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    answer,
    decide::{Breaker, Effect, Jitter, Lets, after},
    letter,
    quota::Quota,
};
use crate::{
    catalog::OutboundChannel,
    registry::exchange,
    store::{
        Store, StoreError,
        deliveries::{Concluded, DELIVERIES_MAX, Delivery, End, Running},
    },
    telemetry::Telemetry,
};

/// How much longer a lease is than what it is taken for: until then all of it is concluded.
const LEASE_MARGIN: Duration = Duration::from_secs(10);

/// How long the store is left alone after it could not answer.
const REST: Duration = Duration::from_secs(1);

/// How long messages under way may go on when the hub ends.
const ENDING: Duration = Duration::from_secs(5);

/// A round that took so long was slow: less is announced at a time.
const SLOW: Duration = Duration::from_secs(2);

/// What one channel's task is given.
pub(super) struct Task {
    pub(super) channel: Arc<OutboundChannel>,
    pub(super) way: Arc<dyn Outbound>,
    pub(super) store: Arc<dyn Store>,
    pub(super) gazetteer: Arc<Gazetteer>,
    pub(super) telemetry: Arc<Telemetry>,
    /// Where answers go in that a channel of the agency's reads.
    pub(super) inbox: Arc<dyn Inbox>,
    pub(super) log_id: Arc<str>,
    /// Woken when something may be due.
    pub(super) awake: Arc<Notify>,
    /// Whether the channel was paused when that was last looked at: what is accepted meanwhile
    /// costs the store nothing then.
    pub(super) paused: Arc<AtomicBool>,
}

/// A delivery announced, and since when.
struct Held {
    delivery: Delivery,
    since: Instant,
}

/// What the store was asked, and said.
enum Step {
    Announced(Result<Vec<Delivery>, StoreError>, u32),
    Concluded(Result<u32, StoreError>, Vec<Concluded>),
}

type Asking = Pin<Box<dyn Future<Output = Step> + Send>>;

type Sent = (Delivery, Result<Answer, Failure>);

/// One channel at work.
pub(super) struct Worker {
    task: Task,
    waiting: VecDeque<Held>,
    under_way: JoinSet<Sent>,
    ended: Vec<Concluded>,
    asking: Option<Asking>,
    /// Whether something may be due that was not announced.
    look: bool,
    /// How many are announced at a time.
    window: usize,
    breaker: Breaker,
    quota: Quota,
    /// Until when nothing is sent, because the agency said so or the store is away.
    rests: Option<Instant>,
}

fn jitter() -> Jitter {
    let mut bytes = [0; 4];
    // Without randomness all wait as long as they may.
    match rand::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    }
}

impl Worker {
    pub(super) fn new(task: Task) -> Self {
        let (window, quota) = (task.channel.at_once, Quota::new(task.channel.per_second));
        Self {
            task,
            waiting: VecDeque::new(),
            under_way: JoinSet::new(),
            ended: Vec::new(),
            asking: None,
            look: true,
            window,
            breaker: Breaker::default(),
            quota,
            rests: None,
        }
    }

    /// Delivers until told to stop; then what is under way may end, and the rest is given back.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let wake = self.begin();
            let awake = self.task.awake.clone();
            tokio::select! {
                () = stop.cancelled() => break,
                Some(sent) = self.under_way.join_next() => self.sent(sent.ok()),
                step = asked(&mut self.asking), if self.asking.is_some() => self.stepped(step),
                () = awake.notified() => self.look |= !self.task.paused.load(Ordering::Relaxed),
                () = sleep_until(wake.into()) => {}
            }
        }
        // What is not concluded by then is as after a crash: its lease runs out.
        let _ = tokio::time::timeout(ENDING, self.end()).await;
    }

    /// How long one lease lasts.
    fn lease(&self) -> Duration {
        self.task.channel.timeout + LEASE_MARGIN
    }

    /// How many may be under way now, and when that may change.
    fn room(&self, now: Instant) -> (usize, Instant) {
        let far = now + Duration::from_secs(3_600);
        if let Some(until) = self.rests.filter(|until| *until > now) {
            return (0, until);
        }
        match self.breaker.lets(now) {
            Lets::All => (self.task.channel.at_once, far),
            Lets::One => (1, far),
            Lets::NothingBefore(until) => (0, until),
        }
    }

    /// Sends what may be sent and asks the store what is to be asked; gives when to look again.
    fn begin(&mut self) -> Instant {
        let now = Instant::now();
        let (room, mut wake) = self.room(now);
        while self.under_way.len() < room && !self.waiting.is_empty() {
            let next = self.quota.next(now);
            if next > now {
                wake = wake.min(next);
                break;
            }
            let Some(held) = self.waiting.pop_front() else { break };
            if now.duration_since(held.since) > LEASE_MARGIN / 2 {
                // The rest of the lease may not be enough: somebody takes it anew.
                self.give_back(&held.delivery);
                continue;
            }
            self.quota.begun(now);
            self.send(held.delivery);
        }
        if room == 0 {
            // What was announced is not kept from others meanwhile.
            let held: Vec<Held> = self.waiting.drain(..).collect();
            held.iter().for_each(|held| self.give_back(&held.delivery));
        }
        self.ask(room);
        wake
    }

    fn ask(&mut self, room: usize) {
        if self.asking.is_some() {
            return;
        }
        let (store, channel) = (self.task.store.clone(), self.task.channel.id.clone());
        if !self.ended.is_empty() {
            let most = self.ended.len().min(DELIVERIES_MAX as usize);
            let ended: Vec<Concluded> = self.ended.drain(..most).collect();
            self.asking = Some(Box::pin(async move {
                Step::Concluded(store.conclude(channel, ended.clone()).await, ended)
            }));
            return;
        }
        let held = self.waiting.len() + self.under_way.len();
        // The store is asked while half of what it gave is still to be sent: nobody waits for it.
        let low = self.waiting.len() < self.task.channel.at_once.max(self.window / 2);
        let most = self.window.min(room.saturating_mul(64)).max(room).saturating_sub(held);
        if self.look && room > 0 && low && most > 0 {
            self.look = false;
            let most = u32::try_from(most).unwrap_or(DELIVERIES_MAX).min(DELIVERIES_MAX);
            let most = if room == 1 && self.breaker.is_open() { 1 } else { most };
            let lease = self.lease();
            self.asking = Some(Box::pin(async move {
                Step::Announced(store.announce(channel, most, lease).await, most)
            }));
        }
    }

    fn stepped(&mut self, step: Step) {
        self.asking = None;
        match step {
            Step::Announced(Ok(all), most) => {
                let since = Instant::now();
                self.look |= all.len() as u64 >= u64::from(most);
                self.waiting.extend(all.into_iter().map(|delivery| Held { delivery, since }));
            }
            // The next of each line is due from now on.
            Step::Concluded(Ok(_), _) => self.look = true,
            Step::Announced(Err(error), _) => {
                self.look = true;
                self.rest_from(&error);
            }
            Step::Concluded(Err(error), ended) => {
                // Told again, under the same leases.
                self.ended.splice(..0, ended);
                self.rest_from(&error);
            }
        }
    }

    fn rest_from(&mut self, error: &StoreError) {
        let channel = &*self.task.channel.id;
        tracing::warn!(channel.id = channel, %error, "deliveries wait for the store");
        let until = Instant::now() + REST;
        self.rests = Some(self.rests.map_or(until, |known| known.max(until)));
    }

    fn give_back(&mut self, delivery: &Delivery) {
        self.conclude(delivery, End::Released);
        self.look = true;
    }

    fn conclude(&mut self, delivery: &Delivery, end: End) {
        let Delivery { key, position, token, .. } = delivery;
        self.ended.push(Concluded { key: key.clone(), position: *position, token: *token, end });
    }

    fn send(&mut self, delivery: Delivery) {
        let Task { channel, way, gazetteer, log_id, inbox, .. } = &self.task;
        let inbox = inbox.clone();
        let (channel, way) = (channel.clone(), way.clone());
        let (gazetteer, log_id) = (gazetteer.clone(), log_id.clone());
        self.under_way.spawn(async move {
            let made = letter::message(&channel, &delivery, (&log_id, &gazetteer));
            let sent = match made {
                Err(unfit) => Err(unfit),
                Ok(message) => answer::to(&channel, &*inbox, message, way).await,
            };
            (delivery, sent)
        });
    }

    fn sent(&mut self, sent: Option<Sent>) {
        let began = self.under_way.len();
        // One whose task broke down is found again when its lease has ended.
        if let Some(sent) = sent {
            self.note(sent);
        }
        while let Some(sent) = self.under_way.try_join_next() {
            if let Ok(sent) = sent {
                self.note(sent);
            }
        }
        // As much is announced at a time as goes quickly.
        let quick = self.waiting.front().is_none_or(|oldest| oldest.since.elapsed() < SLOW);
        let at_once = self.task.channel.at_once;
        self.window = match quick {
            true if began < at_once => (self.window * 2).min(DELIVERIES_MAX as usize),
            true => self.window,
            false => at_once,
        };
    }

    fn note(&mut self, (delivery, sent): Sent) {
        let (channel, now) = (self.task.channel.clone(), Instant::now());
        let name = match &sent {
            Ok(_) => "settled",
            Err(failure) => failure.class.name(),
        };
        self.task.telemetry.delivery(&channel.id, name);
        let failure = match sent {
            Ok(_) => {
                self.closed();
                let kept = exchange::is_addressed(&delivery.key);
                let end = if kept { End::SettledAndKept } else { End::Settled };
                return self.conclude(&delivery, end);
            }
            Err(failure) => failure,
        };
        let so_far = (delivery.attempts, delivery.failing);
        let (end, effect) = after(&failure, so_far, channel.give_up, jitter());
        if let End::Buried { cause, .. } = &end {
            let position = delivery.position;
            tracing::warn!(channel.id = &*channel.id, position, cause, "a delivery was given up");
        }
        self.conclude(&delivery, end);
        match effect {
            Effect::None => self.closed(),
            Effect::Pause(told) => self.pause(told),
            Effect::Rest(wait) => {
                self.closed();
                self.rests = Some(now + wait);
            }
            Effect::Count => {
                if self.breaker.missed(now, jitter()) {
                    let class = failure.class.name();
                    tracing::warn!(channel.id = &*channel.id, class, "the agency does not answer");
                }
            }
        }
    }

    fn closed(&mut self) {
        if self.breaker.reached() {
            tracing::info!(channel.id = &*self.task.channel.id, "the agency answers again");
            self.look = true;
        }
    }

    /// Pauses the channel, and says so once, whoever else finds the same.
    fn pause(&mut self, told: String) {
        self.rests = Some(Instant::now() + REST);
        let (store, channel) = (self.task.store.clone(), self.task.channel.id.clone());
        let waiting = std::mem::take(&mut self.waiting);
        waiting.iter().for_each(|held| self.give_back(&held.delivery));
        tokio::spawn(async move {
            match store.decide(channel.to_string(), Running::Paused, told).await {
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

    async fn end(mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        waiting.iter().for_each(|held| self.give_back(&held.delivery));
        while let Some(sent) = self.under_way.join_next().await {
            self.sent(sent.ok());
        }
        if let Some(asking) = self.asking.take() {
            let step = asking.await;
            if let Step::Announced(Ok(all), _) = &step {
                all.iter().for_each(|delivery| self.give_back(delivery));
            } else {
                self.stepped(step);
            }
        }
        while !self.ended.is_empty() {
            let most = self.ended.len().min(DELIVERIES_MAX as usize);
            let ended: Vec<Concluded> = self.ended.drain(..most).collect();
            if self.task.store.conclude(self.task.channel.id.clone(), ended).await.is_err() {
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
