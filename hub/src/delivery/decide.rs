//! What is done after an attempt: pure, so that every case is tried without waiting.

use std::time::{Duration, Instant};

use adapters::outbound::{Class, Failure};

use crate::store::deliveries::End;

/// The longest wait before the second attempt; it doubles with every further one.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);

/// The longest wait of all.
const BACKOFF_MAX: Duration = Duration::from_secs(300);

/// Failures in a row that open a breaker.
const FAILURES_MAX: u32 = 5;

/// The longest that an open breaker waits before one attempt is let through.
const OPEN_FIRST: Duration = Duration::from_secs(2);
const OPEN_MAX: Duration = Duration::from_secs(60);

/// A number from 0 to 1, drawn anew for every wait.
pub(super) type Jitter = f64;

fn doubled(first: Duration, times: u32, max: Duration) -> Duration {
    let factor = 2_u32.saturating_pow(times.min(20));
    first.saturating_mul(factor).min(max)
}

/// How long to wait after so many attempts that failed: anything up to a bound that doubles, so
/// that those who fail together do not come again together.
pub(super) fn backoff(attempts: u32, jitter: Jitter) -> Duration {
    doubled(BACKOFF_FIRST, attempts.saturating_sub(1), BACKOFF_MAX).mul_f64(jitter.clamp(0.0, 1.0))
}

/// What else follows from a failure, for the whole channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing: the failure is this delivery's own.
    None,
    /// It is paused until an operator has set something right.
    Pause(String),
    /// It rests for a time.
    Rest(Duration),
    /// Nobody is there, or nobody knows: its breaker counts.
    Count,
}

/// How a delivery goes on whose attempt has failed.
pub(super) fn after(
    failure: &Failure,
    (attempts, failing): (u32, Option<Duration>),
    give_up: Duration,
    jitter: Jitter,
) -> (End, Effect) {
    let told = failure.told.clone();
    let own = backoff(attempts, jitter);
    // Who says when is believed, and not all come at that very moment.
    let wait = failure.retry_after.map_or(own, |said| said + own.min(said));
    let postponed = |wait, counts| End::Postponed { wait, told: told.clone(), counts };
    match failure.class {
        Class::Refused => (End::Buried { cause: "refused", told }, Effect::None),
        Class::Denied => (postponed(Duration::ZERO, false), Effect::Pause(told.clone())),
        Class::Busy => (postponed(wait, false), Effect::Rest(wait)),
        Class::Unavailable | Class::Unknown if failing.is_some_and(|long| long >= give_up) => {
            (End::Buried { cause: "expired", told }, Effect::Count)
        }
        Class::Unavailable | Class::Unknown => (postponed(wait, true), Effect::Count),
    }
}

/// Whether a channel is tried: closed while attempts succeed, open after some have failed in a row,
/// and then one is let through now and then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Breaker {
    failures: u32,
    /// Until when nothing is tried, and how often it was opened in a row.
    open: Option<(Instant, u32)>,
}

/// What a breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lets {
    /// Whatever there is.
    All,
    /// One, to see whether somebody is there again.
    One,
    /// Nothing before a moment.
    NothingBefore(Instant),
}

impl Breaker {
    /// What it lets through now.
    pub(super) fn lets(&self, now: Instant) -> Lets {
        match self.open {
            None => Lets::All,
            Some((until, _)) if until <= now => Lets::One,
            Some((until, _)) => Lets::NothingBefore(until),
        }
    }

    /// Whether it is open, be it that one is let through.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Somebody was there and said something. Gives whether that closed it.
    pub(super) fn reached(&mut self) -> bool {
        let was_open = self.is_open();
        *self = Self::default();
        was_open
    }

    /// Nobody was there, or nobody knows. Gives whether that opened it.
    pub(super) fn missed(&mut self, now: Instant, jitter: Jitter) -> bool {
        self.failures = self.failures.saturating_add(1);
        let times = match self.open {
            None if self.failures < FAILURES_MAX => return false,
            None => 0,
            // Those that were under way when it opened change nothing.
            Some((until, _)) if now < until => return false,
            Some((_, times)) => times.saturating_add(1),
        };
        let most = doubled(OPEN_FIRST, times, OPEN_MAX);
        // At least half of it, so that an agency that is down is left in peace.
        let wait = most / 2 + (most / 2).mul_f64(jitter.clamp(0.0, 1.0));
        self.open = Some((now + wait, times));
        times == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn failure(class: Class) -> Failure {
        Failure::new(class, "503")
    }

    #[test]
    fn waits_double_up_to_a_bound_and_are_drawn_from_zero_on() {
        assert_eq!(backoff(1, 1.0), BACKOFF_FIRST);
        assert_eq!(backoff(4, 1.0), 8 * BACKOFF_FIRST);
        assert_eq!(backoff(4, 0.5), 4 * BACKOFF_FIRST);
        assert_eq!(backoff(4, 0.0), Duration::ZERO);
        for attempts in [20, 1_000, u32::MAX] {
            assert_eq!(backoff(attempts, 1.0), BACKOFF_MAX);
        }
    }

    #[test]
    fn each_class_has_its_end() {
        let of = |class, failing| after(&failure(class), (3, failing), HOUR, 1.0);
        let told = || "503".to_owned();
        assert_eq!(of(Class::Refused, None).0, End::Buried { cause: "refused", told: told() });
        let (end, effect) = of(Class::Denied, None);
        assert_eq!(effect, Effect::Pause(told()));
        assert_eq!(end, End::Postponed { wait: Duration::ZERO, told: told(), counts: false });
        let wait = backoff(3, 1.0);
        assert_eq!(of(Class::Busy, None).1, Effect::Rest(wait));
        for class in [Class::Unavailable, Class::Unknown] {
            let (end, effect) = of(class, Some(HOUR / 2));
            assert_eq!(
                (effect, end),
                (Effect::Count, End::Postponed { wait, told: told(), counts: true })
            );
            let (end, _) = of(class, Some(HOUR));
            assert_eq!(end, End::Buried { cause: "expired", told: told() });
        }
        // However long an agency is busy or closed to us, that is not the delivery's fault.
        for class in [Class::Denied, Class::Busy] {
            assert!(matches!(of(class, Some(100 * HOUR)).0, End::Postponed { counts: false, .. }));
        }
    }

    /// An agency that is away for a day costs little meanwhile, loses nothing, and is found again
    /// within a minute or five of its return.
    #[test]
    fn a_day_away_is_outlived_with_few_attempts() {
        let (day, start) = (24 * HOUR, Instant::now());
        let mut random = (1..).map(|number: u32| f64::from(number.wrapping_mul(2_654_435_761)));
        let mut jitter = || random.next().unwrap_or(0.0) / f64::from(u32::MAX);
        let (mut breaker, mut attempts, mut now) = (Breaker::default(), 0, start);
        let mut lines = [(start, 0_u32); 40];
        while now < start + day {
            let next = lines.iter_mut().min_by_key(|(due, _)| *due).unwrap();
            now = now.max(next.0);
            if let Lets::NothingBefore(until) = breaker.lets(now) {
                now = until;
            }
            (next.1, attempts) = (next.1 + 1, attempts + 1);
            let failing = Some(now - start);
            let (end, _) =
                after(&failure(Class::Unavailable), (next.1, failing), 72 * HOUR, jitter());
            let End::Postponed { wait, counts: true, .. } = end else { panic!("{end:?}") };
            next.0 = now + wait;
            breaker.missed(now, jitter());
        }
        assert!(attempts < 24 * 60 * 3, "{attempts} attempts in a day");
        let Lets::NothingBefore(until) = breaker.lets(now) else { panic!("{breaker:?}") };
        assert!(until - now <= OPEN_MAX);
        let longest = lines.iter().map(|(due, _)| due.duration_since(now)).max().unwrap();
        assert!(longest <= BACKOFF_MAX, "{longest:?}");
    }

    #[test]
    fn who_says_when_is_not_asked_before() {
        let said = Duration::from_secs(30);
        let busy = Failure { retry_after: Some(said), ..failure(Class::Busy) };
        for jitter in [0.0, 0.5, 1.0] {
            let (end, effect) = after(&busy, (9, None), HOUR, jitter);
            let End::Postponed { wait, .. } = end else { panic!("{end:?}") };
            assert!(wait >= said && wait <= 2 * said, "{wait:?}");
            assert_eq!(effect, Effect::Rest(wait));
        }
    }

    #[test]
    fn a_breaker_opens_after_some_failures_lets_one_through_and_closes() {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        for _ in 1..FAILURES_MAX {
            assert!(!breaker.missed(start, 1.0));
            assert_eq!(breaker.lets(start), Lets::All);
        }
        assert!(breaker.missed(start, 1.0), "it opens once");
        assert!(!breaker.missed(start, 1.0), "what was under way changes nothing");
        assert_eq!(breaker.lets(start), Lets::NothingBefore(start + OPEN_FIRST));
        let mut now = start + OPEN_FIRST;
        let mut waited = Duration::ZERO;
        for _ in 0..12 {
            assert_eq!(breaker.lets(now), Lets::One);
            assert!(!breaker.missed(now, 1.0));
            let Lets::NothingBefore(until) = breaker.lets(now) else { panic!("{breaker:?}") };
            assert!(until - now >= waited);
            waited = until - now;
            now = until;
        }
        assert_eq!(waited, OPEN_MAX, "the wait has a bound");
        assert!(breaker.reached());
        assert!(!breaker.reached());
        assert_eq!(breaker.lets(now), Lets::All);
        // One that succeeds between others that fail keeps it closed.
        for _ in 0..100 {
            breaker.missed(now, 1.0);
            breaker.reached();
        }
        assert_eq!(breaker.lets(now), Lets::All);
    }
}
