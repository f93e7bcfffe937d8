//! Deliveries: from the outbox to agencies.
//!
//! Every outbound channel has a task of its own ([`worker`]). One more looks now and then whether
//! something has become due: what was postponed, what another process accepted, what a process that
//! is gone had leased. Nothing is kept here that the store does not know.

mod answer;
mod decide;
mod hidden;
pub(crate) mod letter;
mod quota;
mod state;
#[cfg(test)]
mod tests;
mod way;
mod worker;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use adapters::{
    Inbox,
    outbound::{Outbound, Secret},
};
use mappings::{Diagnostic, Gazetteer};
use tokio::{sync::Notify, task::JoinSet, time::sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{
    catalog::{Catalog, OutboundChannel},
    config::Endpoints,
    journey::route::Routes,
    lasting::{Lasting, Work},
    store::{
        Store, StoreError,
        deliveries::{Decision, Running},
    },
};

use way::way;
use worker::{Task, Worker};

/// How long it takes at most until what has become due is noticed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long it takes at least from one look to the next.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// One outbound channel, ready.
struct Line {
    channel: Arc<OutboundChannel>,
    way: Arc<dyn Outbound>,
    awake: Arc<Notify>,
}

/// What the one who looks shares with a channel's task.
struct Seen {
    awake: Arc<Notify>,
    paused: Arc<AtomicBool>,
}

type Channels = BTreeMap<Arc<str>, Seen>;

/// All outbound channels that have an endpoint.
pub struct Deliveries {
    lines: Vec<Line>,
}

fn fault(message: String, advice: &str) -> Diagnostic {
    Diagnostic::at("hub.toml", "", &(0..0), message, advice)
}

impl Deliveries {
    /// Makes ready what the catalogue declares and the configuration has endpoints for; connects to
    /// nothing.
    ///
    /// # Errors
    /// Every channel that a route leads to and that has no endpoint, every endpoint that is of no
    /// channel or not of its transport, every address that lies in a private network.
    pub fn prepare(
        catalog: &Catalog,
        routes: &Routes,
        endpoints: &Endpoints,
    ) -> Result<Self, Vec<Diagnostic>> {
        let (mut lines, mut found) = (Vec::new(), Vec::new());
        for channel in routes.channels().filter(|channel| !endpoints.contains_key(&***channel)) {
            let message = format!("records go to {channel}, and there is no endpoint of it");
            let advice = "write [endpoints.\"AGENCY.CHANNEL\"] with url or folder";
            found.push(fault(message, advice));
        }
        for (name, endpoint) in endpoints {
            let Some(channel) = catalog.outbound.get(name) else {
                let message = format!("there is an endpoint of {name}, which is no such channel");
                found.push(fault(message, "declare [outbound.CHANNEL] in its agency.toml"));
                continue;
            };
            if let Some(Err(absent)) = endpoint.secret().map(Secret::read) {
                let message = format!("the endpoint of {name}: {}", absent.told);
                let advice = "write NAME = \"VALUE\" in the file that `secrets` names";
                found.push(fault(message, advice));
                continue;
            }
            match way(channel, endpoint) {
                Ok(way) => {
                    let awake = routes.awake(name).unwrap_or_default();
                    lines.push(Line { channel: channel.clone(), way, awake });
                }
                Err(message) => {
                    let advice = "write the endpoint as the channel's transport wants it; private \
                                  networks are named with private = [\"10.20.0.0/16\"]";
                    found.push(fault(format!("the endpoint of {name}: {message}"), advice));
                }
            }
        }
        if found.is_empty() { Ok(Self { lines }) } else { Err(found) }
    }

    /// Delivers until told to stop; answers that a channel of an agency's reads go into `inbox`.
    pub async fn run(
        self,
        store: Arc<dyn Store>,
        inbox: Arc<dyn Inbox>,
        gazetteer: Arc<Gazetteer>,
        lasting: Lasting,
    ) {
        if self.lines.is_empty() {
            return;
        }
        let mut awake = BTreeMap::new();
        let mut workers = JoinSet::new();
        for Line { channel, way, awake: own } in self.lines {
            let paused = Arc::new(AtomicBool::new(false));
            let seen = Seen { awake: own.clone(), paused: paused.clone() };
            awake.insert(channel.id.clone(), seen);
            let task = Task {
                channel,
                way,
                store: store.clone(),
                gazetteer: gazetteer.clone(),
                lasting: lasting.clone(),
                inbox: inbox.clone(),
                awake: own,
                paused,
            };
            let lasting = lasting.clone();
            workers.spawn(async move {
                let channel = task.channel.id.clone();
                let work = Work { task: "deliver", channel: &channel };
                let deliver = |stop| Worker::new(task.clone()).run(stop);
                lasting.keep_telling(work, deliver, || ()).await;
            });
        }
        let looking = |stop| {
            let (store, awake) = (&store, &awake);
            async move { look(&**store, awake, &stop).await }
        };
        lasting.keep("look for what is due", looking).await;
        workers.join_all().await;
    }
}

/// Wakes channels that have something due.
async fn look(store: &dyn Store, awake: &Channels, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let began = Instant::now();
        let next = match due(store, awake).await {
            Ok(within) => within.clamp(LOOK_PAUSE, LOOK_EVERY),
            Err(error) => {
                tracing::warn!(%error, "unknown what is due; it is looked again");
                LOOK_EVERY
            }
        };
        stop.run_until_cancelled(sleep_until((began + next).into())).await;
    }
}

/// Wakes channels that have something due; gives when the next may.
async fn due(store: &dyn Store, awake: &Channels) -> Result<Duration, StoreError> {
    let channels: Vec<Arc<str>> = awake.keys().cloned().collect();
    let mut next = LOOK_EVERY;
    for ((channel, seen), due) in awake.iter().zip(store.due(channels).await?) {
        seen.paused.store(due.state == Running::Paused, Ordering::Relaxed);
        match (due.state, due.within) {
            (Running::Paused, _) | (Running::Running, None) => {}
            (Running::Draining, None) => {
                let paused = Decision::of(Running::Paused, "đã xả hết; drained".to_owned());
                if store.decide(channel.to_string(), paused).await? {
                    tracing::info!(channel.id = &**channel, "the channel is drained and paused");
                }
            }
            (_, Some(Duration::ZERO)) => seen.awake.notify_one(),
            (_, Some(within)) => next = next.min(within),
        }
    }
    Ok(next)
}
