//! How one outbound channel stands in this process: what it was given to deliver, what has ended,
//! and what lets more go. Whoever asks passes the moment.

#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use adapters::outbound::{Answer, Failure};

use super::{
    decide::{Breaker, Effect, Jitter, Lets, after},
    quota::Quota,
};
use crate::{
    catalog::OutboundChannel,
    registry::exchange,
    store::{
        StoreError,
        deliveries::{Concluded, DELIVERIES_MAX, Delivery, End, Wanted},
    },
};

/// How much longer a lease is than what it is taken for: until then all of it is concluded.
const LEASE_MARGIN: Duration = Duration::from_secs(10);

/// How long the store is left alone after it could not answer.
const REST: Duration = Duration::from_secs(1);

/// What waited here so long before it was sent went slowly: less is announced at a time.
const SLOW: Duration = Duration::from_secs(2);

/// What waited no longer went quickly: more is announced at a time.
const QUICK: Duration = Duration::from_millis(250);

/// How long what has ended waits to be concluded with more, while more is being sent.
const SOON: Duration = Duration::from_millis(50);

/// Deliveries that are held here at most: as many go on while the store is asked for more, however
/// long its disk takes, as it gives at once.
const HELD_MAX: usize = 2 * DELIVERIES_MAX as usize;

/// Deliveries that are held for each that may be under way, at most.
const EACH_MAX: usize = 64;

/// Deliveries that have ended are concluded from so many on, whatever else waits.
const MANY: usize = DELIVERIES_MAX as usize;

/// A moment at which nobody looks.
const FAR: Duration = Duration::from_secs(3_600);

/// A delivery announced, and since when.
struct Held {
    delivery: Delivery,
    since: Instant,
}

/// What may be sent now.
pub(super) enum Next {
    /// This one.
    Send(Box<Delivery>),
    /// Nothing, before a moment.
    Not(Instant),
}

/// How a channel stands.
pub(super) struct State {
    channel: Arc<OutboundChannel>,
    waiting: VecDeque<Held>,
    /// Messages under way.
    sending: usize,
    ended: Vec<Concluded>,
    /// Since when the first of those waits to be concluded.
    ended_since: Instant,
    /// Whether the store is being asked.
    asking: bool,
    /// Whether something may be due that was not announced.
    look: bool,
    /// How many are announced at a time.
    window: usize,
    /// How long the one that was sent last had waited here.
    waited: Duration,
    breaker: Breaker,
    quota: Quota,
    /// Until when nothing is sent, because the agency said so or the store is away.
    rests: Option<Instant>,
    /// Until when the store is left alone, because it could not answer.
    away: Instant,
    /// Whether nothing more is begun.
    ending: bool,
}

impl State {
    pub(super) fn new(channel: Arc<OutboundChannel>, now: Instant) -> Self {
        let (window, quota) = (channel.at_once, Quota::new(channel.per_second));
        Self {
            channel,
            waiting: VecDeque::new(),
            sending: 0,
            ended: Vec::new(),
            ended_since: now,
            asking: false,
            look: true,
            window,
            waited: Duration::ZERO,
            breaker: Breaker::default(),
            quota,
            rests: None,
            away: now,
            ending: false,
        }
    }

    /// Something may be due.
    pub(super) fn look(&mut self) {
        self.look = true;
    }

    /// How many may be under way now, and when that may change.
    fn room(&self, now: Instant) -> (usize, Instant) {
        let far = now + FAR;
        if self.ending {
            return (0, far);
        }
        if let Some(until) = self.rests.filter(|until| *until > now) {
            return (0, until);
        }
        match self.breaker.lets(now) {
            Lets::All => (self.channel.at_once, far),
            Lets::One => (1, far),
            Lets::NothingBefore(until) => (0, until),
        }
    }

    /// Takes what may be sent now; who takes it tells [`Self::left`] when it sends no more.
    pub(super) fn take(&mut self, now: Instant) -> Next {
        let (room, wake) = self.room(now);
        if room == 0 {
            // What was announced is not kept from others meanwhile.
            self.give_all_back(now);
        }
        while self.sending < room {
            let may = self.quota.next(now);
            if may > now && !self.waiting.is_empty() {
                return Next::Not(wake.min(may));
            }
            let Some(held) = self.waiting.pop_front() else { break };
            self.waited = now.duration_since(held.since);
            if self.waited > LEASE_MARGIN / 2 {
                // The rest of the lease may not be enough: somebody takes it anew.
                self.give_back(&held.delivery, now);
                continue;
            }
            self.quota.begun(now);
            self.sending += 1;
            return Next::Send(Box::new(held.delivery));
        }
        Next::Not(wake)
    }

    /// A message is under way no more, whatever became of it.
    pub(super) fn left(&mut self) {
        self.sending = self.sending.saturating_sub(1);
    }

    /// What is to be told to the store and asked of it now, if that is not at work; else when that
    /// may be.
    pub(super) fn ask(&mut self, now: Instant) -> Result<(Vec<Concluded>, Wanted), Instant> {
        if !self.asks(now) {
            let waits = !self.asking && !self.ended.is_empty();
            return Err(if waits { self.away.max(self.ended_since + SOON) } else { now + FAR });
        }
        let most = self.most(now);
        self.asking = true;
        self.look = most == 0;
        let many = self.ended.len().min(DELIVERIES_MAX as usize);
        self.ended_since = now;
        let lease = self.channel.timeout + LEASE_MARGIN;
        Ok((self.ended.drain(..many).collect(), Wanted { most, lease }))
    }

    /// Whether the store is to be asked: while half of what it gave is still to be sent, so that
    /// nobody waits for it, and what has ended meanwhile is concluded together.
    fn asks(&self, now: Instant) -> bool {
        if self.asking || now < self.away {
            return false;
        }
        let low = self.waiting.len() < self.channel.at_once.max(self.window / 2);
        if self.ended.is_empty() {
            return low && self.look && self.most(now) > 0;
        }
        let stands = self.room(now).0 == 0 || self.quota.next(now) > now;
        low || stands || self.ended.len() >= MANY || now >= self.ended_since + SOON
    }

    /// Whether who asks the store and begins to send is to look at it.
    pub(super) fn calls(&self, now: Instant) -> bool {
        // From the first on that has ended, it is to be concluded soon.
        let more = !self.waiting.is_empty() && self.sending < self.room(now).0;
        more || (!self.asking && self.ended.len() == 1) || self.asks(now)
    }

    /// How many more may be announced.
    fn most(&self, now: Instant) -> u32 {
        let room = self.room(now).0;
        let held = self.waiting.len() + self.sending;
        let most = self.window.min(room.saturating_mul(EACH_MAX)).max(room).saturating_sub(held);
        match (room, self.breaker.is_open()) {
            (0, _) => 0,
            (1, true) => 1_u32.saturating_sub(u32::try_from(held).unwrap_or(1)),
            _ => u32::try_from(most).unwrap_or(DELIVERIES_MAX).min(DELIVERIES_MAX),
        }
    }

    /// What the store gave.
    pub(super) fn announced(&mut self, all: Vec<Delivery>, most: u32, now: Instant) {
        self.asking = false;
        let full = most > 0 && all.len() as u64 >= u64::from(most);
        self.look |= full;
        // As much is announced at a time as goes quickly.
        self.window = match self.waited {
            long if long > SLOW => self.channel.at_once,
            short if full && short < QUICK => {
                let most = HELD_MAX.min(self.channel.at_once.saturating_mul(EACH_MAX));
                (self.window * 2).min(most)
            }
            _ => self.window,
        };
        self.waiting.extend(all.into_iter().map(|delivery| Held { delivery, since: now }));
    }

    /// The store could not be asked: what has ended is told again, under the same leases.
    pub(super) fn unheard(&mut self, ended: Vec<Concluded>, error: &StoreError, now: Instant) {
        self.asking = false;
        self.ended.splice(..0, ended);
        self.look = true;
        let channel = &*self.channel.id;
        tracing::warn!(channel.id = channel, %error, "deliveries wait for the store");
        self.away = now + REST;
        self.rests = Some(self.rests.map_or(self.away, |known| known.max(self.away)));
    }

    fn give_back(&mut self, delivery: &Delivery, now: Instant) {
        self.conclude(delivery, End::Released, now);
        self.look = true;
    }

    fn give_all_back(&mut self, now: Instant) {
        for held in std::mem::take(&mut self.waiting) {
            self.give_back(&held.delivery, now);
        }
    }

    fn conclude(&mut self, delivery: &Delivery, end: End, now: Instant) {
        if self.ended.is_empty() {
            self.ended_since = now;
        }
        let Delivery { key, position, token, .. } = delivery;
        self.ended.push(Concluded { key: key.clone(), position: *position, token: *token, end });
    }

    /// Notes how an attempt ended. Gives why the channel is to be paused, where it is.
    pub(super) fn ended(
        &mut self,
        (delivery, sent): (&Delivery, &Result<Answer, Failure>),
        now: Instant,
        jitter: impl Fn() -> Jitter,
    ) -> Option<String> {
        let failure = match sent {
            Ok(_) => {
                self.closed();
                let kept = exchange::is_addressed(&delivery.key);
                let end = if kept { End::SettledAndKept } else { End::Settled };
                self.conclude(delivery, end, now);
                return None;
            }
            Err(failure) => failure,
        };
        let so_far = (delivery.attempts, delivery.failing);
        let (end, effect) = after(failure, so_far, self.channel.give_up, jitter());
        let id = &*self.channel.id;
        if let End::Buried { cause, .. } = &end {
            let position = delivery.position;
            tracing::warn!(channel.id = id, position, cause, "a delivery was given up");
        }
        self.conclude(delivery, end, now);
        match effect {
            Effect::None => self.closed(),
            Effect::Pause(told) => {
                self.rests = Some(now + REST);
                self.give_all_back(now);
                return Some(told);
            }
            Effect::Rest(wait) => {
                self.closed();
                self.rests = Some(now + wait);
            }
            Effect::Count => {
                if self.breaker.missed(now, jitter()) {
                    let (id, class) = (&*self.channel.id, failure.class.name());
                    tracing::warn!(channel.id = id, class, "the agency does not answer");
                }
            }
        }
        None
    }

    fn closed(&mut self) {
        if self.breaker.reached() {
            tracing::info!(channel.id = &*self.channel.id, "the agency answers again");
            self.look = true;
        }
    }

    /// Nothing more is begun; what waits is given back.
    pub(super) fn end(&mut self, now: Instant) {
        self.ending = true;
        self.give_all_back(now);
    }

    /// What is to be concluded at the end, as much as goes together.
    pub(super) fn concluded_last(&mut self) -> Vec<Concluded> {
        let many = self.ended.len().min(DELIVERIES_MAX as usize);
        self.ended.drain(..many).collect()
    }
}
