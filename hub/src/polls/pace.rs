//! How long to rest between turns. Pure.

use std::time::Duration;

use adapters::reading::Pace;

/// Rests grow at most to so much, or to what lies between two turns where that is more.
const REST_MAX: Duration = Duration::from_secs(15 * 60);
/// The first rest after a turn that failed.
const REST_FIRST: Duration = Duration::from_secs(1);
/// What only people can mend is tried so often.
const MENDED_EVERY: Duration = Duration::from_secs(60);

/// How long to rest after a turn: `every` where it went well; else twice as long from failure to
/// failure, shared out by `chance` from 0 to 1 over its latter half, so that what failed together
/// does not come back together.
pub(super) fn rest(every: Duration, failed: Option<Pace>, failures: u32, chance: f64) -> Duration {
    let Some(pace) = failed else { return every };
    let most = REST_MAX.max(every);
    let grown = |first: Duration| first.saturating_mul(1 << failures.min(12)).min(most);
    let shared = |rest: Duration| rest.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0));
    match pace {
        Pace::Soon => shared(grown(REST_FIRST.min(every))),
        Pace::Mended => shared(grown(MENDED_EVERY.min(every))),
        // The other side said when; a little later, never sooner.
        Pace::After(told) => told + told.min(REST_FIRST).mul_f64(chance.clamp(0.0, 1.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow_to_a_maximum_and_heed_what_the_other_side_says() {
        let every = Duration::from_secs(60);
        let soon = |failures| rest(every, Some(Pace::Soon), failures, 1.0).as_secs();
        assert_eq!((soon(0), soon(1), soon(5), soon(40)), (1, 2, 32, 900));
        let mended = |failures| rest(every, Some(Pace::Mended), failures, 0.0).as_secs();
        assert_eq!((mended(0), mended(1), mended(40)), (30, 60, 450));
        let hour = Duration::from_secs(3_600);
        for chance in [0.0, 0.5, 1.0] {
            let told = rest(every, Some(Pace::After(hour)), 9, chance);
            assert!(told >= hour && told <= hour + Duration::from_secs(1));
            assert_eq!(rest(every, None, 9, chance), every);
        }
        let daily = Duration::from_secs(86_400);
        assert_eq!(rest(daily, Some(Pace::Soon), 40, 1.0).as_secs(), 4_096, "capped by doublings");
    }
}
