//! What the hub says of itself: metrics for Prometheus, and where its log goes. Neither holds
//! personal data: labels are routes, status numbers, channels and outcomes.

mod webhooks;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use prometheus_client::{
    encoding::{EncodeLabelSet, prometheus_text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

pub(crate) use webhooks::Webhooks;

/// Upper bounds of the latency buckets, in seconds.
const LATENCY_SECONDS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The route of a request that no route matches.
pub const UNMATCHED: &str = "unmatched";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Attempted {
    channel: String,
    end: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Alerted {
    channel: String,
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Broken {
    task: String,
    channel: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Carried {
    bus: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reloaded {
    end: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Received {
    channel: String,
    outcome: String,
}

/// The metrics of one hub. Shared: counting takes no lock of its own.
pub struct Telemetry {
    registry: Registry,
    requests: Family<Answered, Counter>,
    latency: Family<Route, Histogram, fn() -> Histogram>,
    messages: Family<Received, Counter>,
    attempts: Family<Attempted, Counter>,
    alerts: Family<Alerted, Gauge>,
    broken: Family<Broken, Counter>,
    faults: AtomicU64,
    reloads: Family<Reloaded, Counter>,
    webhooks: Webhooks,
    refused: Gauge,
    journal: Gauge,
    store: Gauge,
    /// Whether it is up, the position, how far that is behind, and since where the broker has it.
    bus: [Family<Carried, Gauge>; 4],
}

/// The gauges of the bus, and what each tells.
const BUS: [(&str, &str); 4] = [
    ("lienthong_bus_up", "Whether what is appended reaches the broker, as far as is known here"),
    ("lienthong_bus_position", "The entry that is published next"),
    ("lienthong_bus_behind", "Entries that are not published yet"),
    ("lienthong_bus_since", "The first entry that the broker has; 0 where it lost nothing"),
];

impl Default for Telemetry {
    fn default() -> Self {
        Self::new()
    }
}

fn histogram() -> Histogram {
    Histogram::new(LATENCY_SECONDS)
}

impl Telemetry {
    /// Metrics that begin at zero; the process counts as started now.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let requests = Family::<Answered, Counter>::default();
        let help = "Requests answered, by matched route and status";
        registry.register("lienthong_http_requests", help, requests.clone());
        let construct: fn() -> Histogram = histogram;
        let latency = Family::new_with_constructor(construct);
        let help = "Time from a request's headers to its answer, by matched route";
        registry.register("lienthong_http_request_duration_seconds", help, latency.clone());
        let messages = Family::<Received, Counter>::default();
        let help = "Messages taken since the start, by channel and outcome";
        registry.register("lienthong_messages", help, messages.clone());
        let attempts = Family::<Attempted, Counter>::default();
        let help = "Attempts to deliver since the start, by channel and how they ended";
        registry.register("lienthong_delivery_attempts", help, attempts.clone());
        let alerts = Family::<Alerted, Gauge>::default();
        let help = "Alerts that are open, by channel and kind";
        registry.register("lienthong_alert", help, alerts.clone());
        let broken = Family::<Broken, Counter>::default();
        let help = "Faults of the hub: work that broke down and was begun again, by channel";
        registry.register("lienthong_faults", help, broken.clone());
        let reloads = Family::<Reloaded, Counter>::default();
        let help = "Times that the configuration was read again, by what came of it";
        registry.register("lienthong_reloads", help, reloads.clone());
        let webhooks = Webhooks::in_registry(&mut registry);
        let refused = Gauge::default();
        let help = "Whether the newest configuration was refused, so that an older one is in force";
        registry.register("lienthong_configuration_refused", help, refused.clone());
        let journal = Gauge::default();
        registry.register("lienthong_journal_entries", "Entries in the journal", journal.clone());
        let store = Gauge::default();
        let help = "Whether the store answered the last scrape";
        registry.register("lienthong_store_up", help, store.clone());
        let bus = BUS.map(|(name, help)| {
            let gauges = Family::<Carried, Gauge>::default();
            registry.register(name, help, gauges.clone());
            gauges
        });
        let started: Gauge = Gauge::default();
        started.set(Timestamp::now().as_second());
        let help = "When the process started, in seconds since 1970";
        registry.register("process_start_time_seconds", help, started);
        Self {
            registry,
            requests,
            latency,
            messages,
            attempts,
            alerts,
            broken,
            faults: AtomicU64::new(0),
            reloads,
            webhooks,
            refused,
            journal,
            store,
            bus,
        }
    }

    /// The same, ready to be shared.
    pub fn shared() -> Arc<Self> {
        Arc::new(Self::new())
    }

    /// Counts an answered request. `route` is the matched path with its placeholders, never the
    /// concrete one.
    pub fn request(&self, route: &str, status: u16, took: Duration) {
        let route = route.to_owned();
        self.latency.get_or_create(&Route { route: route.clone() }).observe(took.as_secs_f64());
        self.requests.get_or_create(&Answered { route, status }).inc();
    }

    /// Counts a message. `channel` is a configured one: what a sender merely names is no label.
    pub fn message(&self, channel: &str, outcome: &str) {
        let (channel, outcome) = (channel.to_owned(), outcome.to_owned());
        self.messages.get_or_create(&Received { channel, outcome }).inc();
    }

    /// Counts an attempt to deliver, by a configured channel.
    pub fn delivery(&self, channel: &str, end: &str) {
        let (channel, end) = (channel.to_owned(), end.to_owned());
        self.attempts.get_or_create(&Attempted { channel, end }).inc();
    }

    /// Counts work that broke down by a fault of the hub; `channel` is a configured one, or empty.
    pub(crate) fn broken(&self, task: &str, channel: &str) {
        let (task, channel) = (task.to_owned(), channel.to_owned());
        self.broken.get_or_create(&Broken { task, channel }).inc();
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    /// How often any work broke down.
    pub(crate) fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    /// Counts a configuration that was read again: `changed`, `unchanged` or `refused`.
    pub(crate) fn reloaded(&self, end: &'static str) {
        self.reloads.get_or_create(&Reloaded { end }).inc();
        self.refused.set(i64::from(end == "refused"));
    }

    /// What is counted of webhooks.
    pub(crate) fn webhooks(&self) -> &Webhooks {
        &self.webhooks
    }

    /// Notes which alerts are open: channel and kind of each.
    pub fn alerts<'a>(&self, open: impl Iterator<Item = (&'a str, &'a str)>) {
        self.alerts.clear();
        for (channel, kind) in open {
            let (channel, kind) = (channel.to_owned(), kind.to_owned());
            self.alerts.get_or_create(&Alerted { channel, kind }).set(1);
        }
    }

    /// Notes the journal's size, or that the store does not answer.
    pub fn journal(&self, size: Option<u64>) {
        self.store.set(i64::from(size.is_some()));
        if let Some(size) = size {
            self.journal.set(i64::try_from(size).unwrap_or(i64::MAX));
        }
    }

    /// Notes how publishing to a broker stands: whether it does; position, entries behind, since.
    pub fn bus(&self, up: bool, [position, behind, since]: [u64; 3]) {
        let values = [u64::from(up), position, behind, since];
        for (gauges, value) in self.bus.iter().zip(values) {
            let gauge = gauges.get_or_create(&Carried { bus: "amqp" });
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }

    /// All metrics in the text format that Prometheus reads.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a text cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// The filter where the one given cannot be read.
const FILTER_DEFAULT: &str = "info";

/// Libraries that are never heard: this one logs what a SQL Server says of a query, in which values
/// of rows may stand. What the hub makes of it is in the log by itself.
const SILENT: [&str; 1] = ["tiberius=off"];

/// Sends the log to standard error, filtered by `filter` in the syntax of `RUST_LOG`. A filter
/// that cannot be read is told in the log and replaced by `info`; a second call changes nothing.
pub fn init_logging(filter: &str, json: bool) {
    use tracing_subscriber::{EnvFilter, fmt};
    let parsed = EnvFilter::builder().parse(filter);
    let fault = parsed.as_ref().err().map(ToString::to_string);
    let kept = parsed.unwrap_or_else(|_| EnvFilter::new(FILTER_DEFAULT));
    let kept =
        SILENT.iter().filter_map(|one| one.parse().ok()).fold(kept, EnvFilter::add_directive);
    let builder = fmt().with_env_filter(kept).with_writer(std::io::stderr);
    // Refused where a log is set up already, as in a test: that one stays.
    let _ = if json { builder.json().try_init() } else { builder.with_ansi(false).try_init() };
    if let Some(fault) = fault {
        tracing::warn!(filter, fault, "the log filter cannot be read; info is used");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_told() {
        let telemetry = Telemetry::new();
        telemetry.request("/v1/dossiers/{code}", 200, Duration::from_millis(3));
        telemetry.message("so-y-te.ho-so", "stored");
        telemetry.journal(Some(7));
        let text = telemetry.text();
        for line in [
            "lienthong_http_requests_total{route=\"/v1/dossiers/{code}\",status=\"200\"} 1",
            "lienthong_messages_total{channel=\"so-y-te.ho-so\",outcome=\"stored\"} 1",
            "lienthong_journal_entries 7",
            "lienthong_store_up 1",
            "le=\"0.005\"",
            "process_start_time_seconds ",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
        telemetry.journal(None);
        assert!(telemetry.text().contains("lienthong_store_up 0"));
    }
}
