//! How often somebody may try: so many times within a while, then not for as long.
//!
//! Who shows wrong secrets of a key again and again is not heard for a while, counted by the
//! address that asks and the key that it names: nobody locks a key's own bearer out from elsewhere.
//! Public look-ups are counted by address, and those that fail by code. Each process counts for
//! itself.

use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use quick_cache::sync::Cache;

/// Those who try that are remembered; the least seen go first.
const REMEMBERED_MAX: usize = 16_384;

/// From where somebody tries, as it is counted: an IPv4 address, or the first 64 bits of an IPv6
/// one. So much a household or a server is given, to have as many addresses in it as it likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Origin(IpAddr);

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) & (u128::MAX << 64);
                Self(IpAddr::V6(Ipv6Addr::from(network)))
            }
            address => Self(address),
        }
    }
}

/// How often one tried of late.
#[derive(Clone, Copy)]
struct Tried {
    count: u32,
    since: Instant,
}

/// The attempts of late, by who makes them.
pub(crate) struct Attempts<K> {
    max: u32,
    window: Duration,
    tried: Cache<K, Tried>,
    /// Held by who counts.
    counting: Mutex<()>,
}

impl<K: Hash + Eq + Clone> Attempts<K> {
    /// At most `max` within `window`; then none for as long as that.
    pub(crate) fn new(max: u32, window: Duration) -> Self {
        Self { max, window, tried: Cache::new(REMEMBERED_MAX), counting: Mutex::new(()) }
    }

    /// How long somebody may not try yet; nothing where they may.
    pub(crate) fn left(&self, who: &K, now: Instant) -> Option<Duration> {
        let tried = self.tried.get(who)?;
        if tried.count < self.max {
            return None;
        }
        let left = (tried.since + self.window).checked_duration_since(now);
        left.filter(|left| !left.is_zero())
    }

    /// Counts an attempt, and gives how long somebody may not try yet, since too many came before
    /// it: it is not counted then. Of any number at once no more than those are counted.
    pub(crate) fn count(&self, who: K, now: Instant) -> Option<Duration> {
        let _alone = self.counting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left) = self.left(&who, now) {
            return Some(left);
        }
        let before = self.tried.get(&who);
        let before = before.filter(|one| now.duration_since(one.since) < self.window);
        let count = before.map_or(0, |one| one.count).saturating_add(1);
        // The last one begins the time in which there is none.
        let since = match before {
            Some(before) if count < self.max => before.since,
            _ => now,
        };
        self.tried.insert(who, Tried { count, since });
        None
    }

    /// Forgets somebody's attempts.
    pub(crate) fn forget(&self, who: &K) {
        self.tried.remove(who);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_one_network_are_one_origin() {
        let of = |text: &str| Origin::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(of("2001:db8:0:7::1"), of("2001:db8:0:7:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:0:7::1"), of("2001:db8:0:8::1"));
        assert_eq!(of("::ffff:198.51.100.1"), of("198.51.100.1"));
        assert_ne!(of("198.51.100.1"), of("198.51.100.2"));
    }

    #[test]
    fn of_many_at_once_no_more_are_counted_than_may_try() {
        let attempts = Attempts::new(10, Duration::from_secs(60));
        let now = Instant::now();
        let try_some = || (0..50).filter(|_| attempts.count("a", now).is_none()).count();
        let counted: usize = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(try_some)).collect();
            all.into_iter().map(|one| one.join().unwrap()).sum()
        });
        assert_eq!(counted, 10);
    }

    #[test]
    fn who_tries_again_and_again_may_not_for_a_while_and_nobody_else() {
        let window = Duration::from_secs(60);
        let attempts = Attempts::new(10, window);
        let (began, second) = (Instant::now(), Duration::from_secs(1));
        for attempt in 0..10 {
            assert_eq!(attempts.left(&"a", began), None, "{attempt}");
            attempts.count("a", began + second * attempt);
        }
        let last = began + second * 9;
        assert_eq!(attempts.left(&"a", last), Some(window));
        assert_eq!(attempts.left(&"b", last), None);
        assert_eq!(attempts.left(&"a", last + window - second), Some(second));
        assert_eq!(attempts.left(&"a", last + window), None);
        // The next one begins a new count.
        attempts.count("a", last + window);
        assert_eq!(attempts.left(&"a", last + window), None);
        // Few and far between are no many.
        for attempt in 0..30 {
            attempts.count("b", began + window * attempt);
            assert_eq!(attempts.left(&"b", began + window * attempt), None);
        }
        for _ in 1..10 {
            attempts.count("c", began);
        }
        attempts.forget(&"c");
        attempts.count("c", began);
        assert_eq!(attempts.left(&"c", began), None);
    }
}
