//! How long it rests between two turns, while there is more.

use std::time::Duration;

use tokio::time::Instant;

/// Rests for the time that a turn took: it leaves the machine to what is being accepted.
const REST: u32 = 2;
const REST_MAX: Duration = Duration::from_secs(5);

/// While entries come as fast as these a second, which is more than a province sends all day long,
/// it takes but a small part of a core, and catches up later.
const BUSY_ENTRIES: u64 = 200;
const REST_BUSY: u32 = 40;
const REST_BUSY_MAX: Duration = Duration::from_secs(10);

/// How fast the journal grew of late.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When the journal's size was seen last, and that size.
    seen: Option<(Instant, u64)>,
}

impl Pace {
    /// How long to rest after a turn, at which the journal has a size.
    pub(super) fn rest(&mut self, began: Instant, now: Instant, size: u64) -> Duration {
        let worked = now.saturating_duration_since(began);
        let busy = self.seen.replace((now, size)).is_some_and(|(at, before)| {
            let most = now.saturating_duration_since(at).as_secs_f64() * BUSY_ENTRIES as f64;
            size.saturating_sub(before) as f64 > most
        });
        let (times, most) = if busy { (REST_BUSY, REST_BUSY_MAX) } else { (REST, REST_MAX) };
        (worked * times).min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_longer_while_much_is_accepted_and_not_while_it_only_catches_up() {
        let mut pace = Pace::default();
        let start = Instant::now();
        let worked = Duration::from_millis(100);
        let mut rest = |second: u64, size| {
            let began = start + Duration::from_secs(second);
            pace.rest(began, began + worked, size)
        };
        // Much is there when it begins: it has to catch up.
        assert_eq!(rest(0, 1_000_000), worked * 2);
        assert_eq!(rest(1, 1_000_200), worked * 2, "as fast as it may come");
        assert_eq!(rest(2, 1_004_000), worked * 40, "4,000 a second");
        assert_eq!(rest(3, 1_004_010), worked * 2, "hardly any");
    }

    #[test]
    fn no_rest_is_too_long_for_who_waits_for_findings() {
        let mut pace = Pace::default();
        let start = Instant::now();
        let minute = Duration::from_secs(60);
        assert_eq!(pace.rest(start, start + minute, 0), REST_MAX);
        assert_eq!(pace.rest(start, start + minute * 2, 1_000_000), REST_BUSY_MAX);
    }
}
