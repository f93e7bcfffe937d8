//! A generation: all that is made of one configuration. One is in force; an older one ends in good
//! order, as a process does, while the new one answers already (decision 44).

use std::{sync::Arc, time::Duration};

use adapters::{
    Inbox,
    dialect::{dvcqg, lgsp},
    rest::{exchange, intake::Intake, push, server::App, tls::TlsTerms, token},
    soap,
};
use axum::Router;
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{process::Process, reading::Parts};
use crate::{
    api::{self, Api, Proxies},
    behind,
    catalog::{self, Catalog},
    config::Config,
    console::{self, Console},
    delivery::Deliveries,
    doors::Doors,
    drops::Drops,
    journey::{Journey, route::Routes},
    links,
    operations::Operations,
    polls::Polls,
    profiling::Profiling,
    registry::{Catalogue, Settings},
    store::StoreError,
    watching::Watching,
    webhooks::Going,
};

/// How long what an older generation has under way may go on: then it is as after a crash, and
/// what it had leased is free when its leases have run out. Less than a hub may take to end.
const RETIRE_WITHIN: Duration = Duration::from_secs(8);

/// Addresses whose channels are the hub's own: what the portal sends of citizens, and what agencies
/// answer.
pub(crate) const OWN: [(&str, &str); 2] =
    [("/v1/feedback", "feedback"), ("/v1/feedback/answers", catalog::ANSWERS)];

/// Addresses at which tokens are given.
pub(crate) const TOKENS: [&str; 2] = ["/token", "/lgsp/token"];

/// A generation that is ready, and nothing of which goes on yet.
pub(super) struct Ready {
    /// What it answers with.
    pub(super) app: Router,
    pub(super) operations: Operations,
    routes: Arc<Routes>,
    journey: Arc<Journey>,
    behind: (Profiling, Watching),
    moving: (Deliveries, Drops, Polls),
    webhooks: Going,
    tls: Option<TlsTerms>,
    links: links::Going,
}

impl Ready {
    /// Puts it together, and puts in force in the store what the configuration declares there.
    ///
    /// # Errors
    /// When the store does not answer: then nothing goes by it.
    pub(super) async fn of(
        parts: Parts,
        config: &Config,
        process: &Process,
    ) -> Result<Self, StoreError> {
        let Parts { catalog, published, routes, deliveries, drops, polls, tls } = parts;
        let (catalog, routes, store) = (Arc::new(catalog), Arc::new(routes), process.store());
        let profiling = Profiling::begin(catalog.clone(), store.clone()).await?;
        in_force(config, &catalog, published, process).await?;
        let operations = Operations {
            catalog: catalog.clone(),
            drop_folders: drops.standings.clone(),
            drift: Default::default(),
            few: config.hide_of_fewer_than,
            ..process.operations.clone()
        };
        let (telemetry, repeats) = (process.telemetry.clone(), process.repeats.clone());
        let watching = Watching::new(operations.clone(), telemetry, repeats);
        let known = process.operations.published.clone();
        let journey = process.journey.by(catalog.clone(), routes.clone(), known);
        let journey = Arc::new(journey.beside(&process.repeats, &profiling.holding));
        let doors = Arc::new(Doors { catalog, keys: process.keys.clone() });
        let intake = process.intake.into_inbox(journey.clone());
        let proxies = Proxies::from(&config.trusted_proxies[..]);
        let api = process.calls(&operations, proxies);
        let called = api::guarded(api.clone(), agencies(&intake, &doors, &api));
        let app = called.merge(readers(api, process.open));
        let behind = (profiling, watching);
        let webhooks = Going::new(config.private_networks.clone(), config.webhooks.clone())?;
        let links = links::Going::new(config.private_networks.clone(), config.links.clone())?;
        let moving = (deliveries, drops, polls);
        Ok(Self { app, operations, routes, journey, behind, moving, webhooks, links, tls })
    }

    /// Answers from the next request on, and begins what goes on by itself. Nothing of it waits:
    /// it is done whole or not at all.
    pub(super) fn begin(self, app: &App, process: &Process) -> Generation {
        let stop = process.lasting.stop().child_token();
        let (lasting, store) = (process.lasting.until(stop.clone()), process.store());
        let (deliveries, drops, polls) = self.moving;
        let inbox: Arc<dyn Inbox> = self.journey.clone();
        let mut tasks = JoinSet::new();
        for work in behind::configured((store, &inbox), self.behind, &lasting) {
            tasks.spawn(work);
        }
        let named = process.gazetteer.clone();
        tasks.spawn(deliveries.run(store.clone(), self.journey.clone(), named, lasting.clone()));
        for work in drops.begin(&inbox, &lasting) {
            tasks.spawn(work);
        }
        for work in polls.begin(store, &self.journey, &lasting) {
            tasks.spawn(work);
        }
        self.operations.webhooks.change(self.webhooks);
        self.operations.links.change(self.links);
        process.quotas.change(self.operations.catalog.requests_at_once());
        if let (Some(tls), Some(terms)) = (&process.tls, self.tls) {
            tls.change(terms);
        }
        app.change(self.app);
        Generation { routes: self.routes, stop, tasks }
    }
}

/// A generation at work.
pub(super) struct Generation {
    /// What wakes who delivers: the next generation takes it over.
    pub(super) routes: Arc<Routes>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Generation {
    /// Ends what goes on by itself, in good order: what is read, dropped or sent just now comes to
    /// its end, and leases are given back. The requests that it has go on by themselves.
    pub(super) async fn retire(mut self) {
        self.stop.cancel();
        if timeout(RETIRE_WITHIN, self.ended()).await.is_err() {
            let left = self.tasks.len();
            tracing::warn!(left, "what the older configuration had under way is broken off");
            self.tasks.abort_all();
        }
    }

    /// Waits until all that went on has ended.
    pub(super) async fn ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

/// The doors of agencies over HTTP: all lead to one inbox, and share its limits.
fn agencies(intake: &Arc<Intake>, doors: &Arc<Doors>, api: &Api) -> Router {
    let keys = Arc::new(doors.keys.clone());
    push::router(intake.clone(), keys.clone(), &OWN)
        .merge(exchange::router(intake.clone(), keys.clone()))
        .merge(token::router(intake.clone(), keys.clone(), &TOKENS))
        .merge(soap::router(intake.clone(), doors.clone()))
        .merge(lgsp::router(intake.clone(), doors.clone(), api.files()))
        .merge(dvcqg::router(intake.clone(), doors.clone(), keys))
}

/// Where the hub is asked: over HTTP, and on its console, which is `open` where only its own
/// machine reaches it.
fn readers(api: Api, open: bool) -> Router {
    let console = Console { operations: api.operations.clone(), open };
    api::router(api).merge(console::router(console))
}

/// Puts in force what the configuration declares: the catalogue first, since which codes it gives
/// again decides where dossiers count. Either changes nothing where it is in force already.
async fn in_force(
    config: &Config,
    catalog: &Catalog,
    published: Option<Catalogue>,
    process: &Process,
) -> Result<(), StoreError> {
    let (store, held) = (process.store(), &process.operations.published);
    if let Some(published) = published
        && store.publish(published.content()).await?
    {
        tracing::info!("the catalogue is new: it is in force from now on");
    }
    held.refresh(&**store).await?;
    let units = held.get().map(|held| held.edition.units().versions().clone());
    let settings = Settings { units: units.unwrap_or_default(), ..config.settings.clone() };
    if store.adopt(catalog.rules(settings)).await? {
        tracing::info!("the rules in force are new: every fold was made with them");
    }
    Ok(())
}
