//! How many messages a channel takes in a second: pure.

use std::time::{Duration, Instant};

/// A channel's quota: attempts are spread evenly, and none is saved up.
#[derive(Debug, Clone)]
pub(super) struct Quota {
    /// The time from one attempt to the next.
    every: Duration,
    next: Option<Instant>,
}

impl Quota {
    /// A quota of so many in a second; without one there is no bound.
    pub(super) fn new(per_second: Option<u32>) -> Self {
        let every = per_second.map_or(Duration::ZERO, |number| {
            Duration::from_secs(1).checked_div(number).unwrap_or_default()
        });
        Self { every, next: None }
    }

    /// When the next attempt may begin.
    pub(super) fn next(&self, now: Instant) -> Instant {
        self.next.map_or(now, |next| next.max(now))
    }

    /// Notes one that begins.
    pub(super) fn begun(&mut self, now: Instant) {
        self.next = Some(self.next(now) + self.every);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_spread_and_none_is_saved_up() {
        let (start, mut quota) = (Instant::now(), Quota::new(Some(4)));
        let quarter = Duration::from_millis(250);
        quota.begun(start);
        assert_eq!(quota.next(start), start + quarter);
        let later = start + 40 * quarter;
        assert_eq!(quota.next(later), later);
        quota.begun(later);
        assert_eq!(quota.next(later), later + quarter);
        let mut none = Quota::new(None);
        none.begun(start);
        assert_eq!(none.next(start), start);
    }
}
