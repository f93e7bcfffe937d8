//! What is counted of webhooks: attempts, how far they lag, and how many stand how. Labels are
//! feeds and states, never whose a subscription is.

use std::collections::BTreeMap;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Tried {
    feed: String,
    end: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    feed: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stands {
    state: &'static str,
}

/// The states that a subscription may have.
const STATES: [&str; 3] = ["active", "paused", "disabled"];

/// The metrics of webhooks.
pub(crate) struct Webhooks {
    attempts: Family<Tried, Counter>,
    lag: Family<Of, Gauge>,
    subscriptions: Family<Stands, Gauge>,
}

impl Webhooks {
    pub(super) fn in_registry(registry: &mut Registry) -> Self {
        let attempts = Family::<Tried, Counter>::default();
        let help = "Attempts to send events to who subscribed, by feed and how they ended";
        registry.register("lienthong_webhook_attempts", help, attempts.clone());
        let lag = Family::<Of, Gauge>::default();
        let help =
            "Entries that the subscription furthest behind is behind, by feed; of active ones";
        registry.register("lienthong_webhook_lag", help, lag.clone());
        let subscriptions = Family::<Stands, Gauge>::default();
        let help = "Subscriptions, by state";
        registry.register("lienthong_webhook_subscriptions", help, subscriptions.clone());
        Self { attempts, lag, subscriptions }
    }

    /// Counts an attempt: `delivered` or `failed`.
    pub(crate) fn attempted(&self, feed: &str, end: &'static str) {
        self.attempts.get_or_create(&Tried { feed: feed.to_owned(), end }).inc();
    }

    /// Notes how subscriptions stand: feed, state and lag of each.
    pub(crate) fn stand<'a>(&self, all: impl Iterator<Item = (&'a str, &'static str, u64)>) {
        let mut states: BTreeMap<&str, i64> = STATES.map(|state| (state, 0)).into();
        let mut lags: BTreeMap<&str, u64> = BTreeMap::new();
        for (feed, state, lag) in all {
            *states.entry(state).or_default() += 1;
            if state == "active" {
                let most = lags.entry(feed).or_default();
                *most = lag.max(*most);
            }
        }
        for state in STATES {
            let number = states.get(state).copied().unwrap_or_default();
            self.subscriptions.get_or_create(&Stands { state }).set(number);
        }
        self.lag.clear();
        for (feed, lag) in lags {
            let gauge = self.lag.get_or_create(&Of { feed: feed.to_owned() });
            gauge.set(i64::try_from(lag).unwrap_or(i64::MAX));
        }
    }
}
