//! What stays for the life of a hub's process, whatever its configuration becomes: the store and
//! what counts, holds or is under way.

use std::sync::Arc;

use adapters::rest::{
    intake::{Intake, Limits},
    quota::Quotas,
    tls::Tls,
};
use contracts::Contracts;
use futures_util::future::BoxFuture;
use mappings::Gazetteer;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    api::{Api, Exports, Lookups, Means, Proxies, Streams},
    attachments::Attachments,
    auth::Keys,
    behind,
    config::Config,
    feeds::Live,
    journey::Journey,
    lasting::Lasting,
    operations::Operations,
    store::Store,
    telemetry::Telemetry,
    watching::Repeats,
};

/// All of it.
pub(super) struct Process {
    pub(super) contracts: Arc<Contracts>,
    pub(super) gazetteer: Arc<Gazetteer>,
    /// The answers that hang on no configuration.
    pub(super) operations: Operations,
    pub(super) keys: Keys,
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) lasting: Lasting,
    /// A journey to no channel, of which all others are made.
    pub(super) journey: Journey,
    /// The way in with its limits; of those the quotas change.
    pub(super) intake: Arc<Intake>,
    pub(super) quotas: Arc<Quotas>,
    pub(super) repeats: Repeats,
    /// What it shows who speaks TLS, where it does.
    pub(super) tls: Option<Tls>,
    live: Live,
    streams: Streams,
    lookups: Lookups,
    exports: Exports,
    attachments: Option<Arc<Attachments>>,
    /// Whether only its own machine reaches it.
    pub(super) open: bool,
}

impl Process {
    /// Begins what looks at the journal's end and what commits, and nothing else.
    pub(super) fn begin(
        config: &Config,
        (contracts, gazetteer): (Arc<Contracts>, Arc<Gazetteer>),
        tls: Option<Tls>,
        store: Arc<dyn Store>,
        stop: CancellationToken,
    ) -> Self {
        let operations = Operations::of(store.clone());
        let telemetry = Arc::new(Telemetry::default());
        let lasting = Lasting::new(telemetry.clone(), stop);
        let appended = Arc::new(Notify::new());
        let live = Live::start(operations.clone(), appended.clone(), lasting.clone());
        let attachments = config.attachments.clone();
        let attachments = attachments.map(|told| Arc::new(Attachments::new(told, store.clone())));
        let journey = Journey::start(
            operations.catalog.clone(),
            contracts.clone(),
            gazetteer.clone(),
            store,
            (Arc::default(), appended, &lasting),
            operations.published.clone(),
        );
        let quotas = Arc::<Quotas>::default();
        let inbox = Arc::new(journey.clone());
        let intake = Intake::with_quotas(inbox, Limits::default(), quotas.clone());
        Self {
            contracts,
            gazetteer,
            operations,
            keys: Keys::default(),
            telemetry,
            lasting,
            journey,
            intake,
            quotas,
            repeats: Repeats::default(),
            tls,
            live,
            streams: Streams::default(),
            lookups: Lookups::default(),
            exports: Exports::default(),
            attachments,
            open: config.is_local(),
        }
    }

    /// What goes on behind the answers, to run until told to stop.
    pub(super) fn behind(&self) -> [BoxFuture<'static, ()>; 6] {
        let (keys, files) = (self.keys.clone(), self.attachments.clone());
        behind::always(&self.operations, (keys, files), &self.lasting)
    }

    /// What the calls act through.
    pub(super) fn calls(&self, operations: &Operations, proxies: Proxies) -> Api {
        Api::from(Means {
            operations: operations.clone(),
            live: self.live.clone(),
            streams: self.streams.clone(),
            exports: self.exports.clone(),
            keys: self.keys.clone(),
            proxies,
            lookups: self.lookups.clone(),
            telemetry: self.telemetry.clone(),
            attachments: self.attachments.clone(),
        })
    }

    pub(super) fn store(&self) -> &Arc<dyn Store> {
        &self.operations.store
    }
}
