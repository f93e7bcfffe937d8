//! What is done after an attempt that failed: pure, so that every case is tried without waiting.

use std::time::Duration;

use adapters::outbound::webhook::Ended;

use crate::{
    config::WebhookSettings,
    store::subscriptions::{Failed, SubscriptionRow},
};

/// Why nothing is sent any more: the receiver said that it is gone.
pub const GONE: &str = "gone";
/// Why nothing is sent any more: it failed for too long.
pub const FAILING: &str = "failing";
/// Why nothing is sent any more: somebody decided so.
pub const SWITCHED_OFF: &str = "switched-off";

/// By how much a wait is shorter or longer than it is written, at most.
const SPREAD: f64 = 0.2;

/// How much longer than said a receiver is left in peace, at most.
const AFTER_SAID: Duration = Duration::from_secs(5);

/// The longest wait that a receiver may ask for.
const SAID_MAX: Duration = Duration::from_secs(3_600);

/// How sending goes on after so many attempts in a row, this one included, that failed for so long.
/// `jitter` is a number from 0 to 1, drawn anew for every wait.
pub(super) fn after(
    ended: &Ended,
    (attempts, failing): (u32, Duration),
    settings: &WebhookSettings,
    jitter: f64,
) -> Failed {
    let jitter = jitter.clamp(0.0, 1.0);
    let place = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let last = settings.waits.last().copied().unwrap_or_default();
    let written = settings.waits.get(place).copied().unwrap_or(last);
    let wait = match ended.retry_after {
        // Who says when is not asked before.
        Some(said) => said + said.min(AFTER_SAID).mul_f64(jitter),
        None => written.mul_f64(1.0 - SPREAD + 2.0 * SPREAD * jitter),
    };
    let disabled = match ended.status {
        Some(410) => Some(GONE),
        _ if failing >= settings.give_up => Some(FAILING),
        _ => None,
    };
    Failed { attempts, wait, disabled: disabled.map(ToOwned::to_owned) }
}

/// Whether the next attempt is due. Nobody waits for a time that never was: where the clock was
/// ahead and was set back, the failure lies ahead, or the wait is longer than any.
pub(super) fn is_due(row: &SubscriptionRow, settings: &WebhookSettings) -> bool {
    let longest = settings.waits.iter().max().copied().unwrap_or_default();
    let longest = longest.mul_f64(1.0 + SPREAD).max(SAID_MAX + AFTER_SAID);
    let longest = i64::try_from(longest.as_millis()).unwrap_or(i64::MAX);
    row.due_at <= row.now
        || row.due_at - row.now > longest
        || row.failing_since.is_some_and(|since| since > row.now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(status: Option<u16>, retry_after: Option<Duration>) -> Ended {
        Ended { status, told: Some("HTTP".to_owned()), retry_after }
    }

    #[test]
    fn waits_are_as_written_with_some_spread_and_the_last_one_is_the_longest() {
        let settings = WebhookSettings::default();
        let mut all = Vec::new();
        for attempts in [1, 2, 3, 4, 5, 6, 7, 100, u32::MAX] {
            let of = |jitter| {
                let ended = failed(Some(500), None);
                after(&ended, (attempts, Duration::ZERO), &settings, jitter).wait.as_secs()
            };
            assert!(of(0.0) < of(1.0), "{attempts}");
            all.push(of(0.5));
        }
        let hours = |number: u64| number * 3_600;
        let longest = [hours(10); 4];
        assert_eq!(all[..5], [5, 300, 1_800, hours(2), hours(5)]);
        assert_eq!(all[5..], longest);
    }

    #[test]
    fn nobody_waits_for_a_time_that_never_was() {
        let settings = WebhookSettings::default();
        let (now, hour) = (1_000_000_000, 3_600_000);
        let of = |due_at, failing_since| {
            let row = SubscriptionRow { due_at, failing_since, now, ..SubscriptionRow::default() };
            is_due(&row, &settings)
        };
        assert!(of(0, None) && of(now, Some(now - hour)));
        assert!(!of(now + 1, Some(now)) && !of(now + 11 * hour, Some(now - hour)));
        assert!(of(now + 13 * hour, Some(now - hour)), "longer than any wait");
        assert!(of(now + 1, Some(now + hour)), "it failed when the clock was ahead");
    }

    #[test]
    fn who_says_when_is_not_asked_before_and_who_is_gone_is_asked_no_more() {
        let settings = WebhookSettings::default();
        let said = Duration::from_secs(60);
        for jitter in [0.0, 1.0] {
            let ended = failed(Some(503), Some(said));
            let next = after(&ended, (9, Duration::ZERO), &settings, jitter);
            assert!(next.wait >= said && next.wait <= said + AFTER_SAID, "{next:?}");
            assert_eq!(next.disabled, None);
        }
        let next = after(&failed(Some(410), None), (1, Duration::ZERO), &settings, 0.5);
        assert_eq!(next.disabled.as_deref(), Some(GONE));
        let of = |failing| after(&failed(None, None), (20, failing), &settings, 0.5).disabled;
        assert_eq!(of(settings.give_up - said), None);
        assert_eq!(of(settings.give_up).as_deref(), Some(FAILING));
    }
}
