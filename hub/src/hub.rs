//! The composition root: the only place that puts the hub's parts together and spawns them.

use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use adapters::{
    Inbox,
    dialect::{dvcqg, lgsp},
    rest::{
        exchange,
        intake::{Intake, Limits},
        push,
        quota::Quotas,
        server::{self, ServerLimits},
        token,
    },
    soap,
};
use contracts::Contracts;
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    api::{self, Api, Streams},
    attachments::Attachments,
    auth::Keys,
    behind, bus,
    catalog::{self, Catalog},
    catalogue::{self, Held},
    config::{Config, StoreAddress},
    console::{self, Console},
    delivery::Deliveries,
    descriptors,
    doors::Doors,
    drops::Drops,
    feeds::Live,
    journey::{Journey, route::Routes},
    lasting::Lasting,
    operations::Operations,
    polls::Polls,
    profiling::Profiling,
    registry::{Catalogue, Settings},
    store::{
        Store, StoreError,
        portable::{Backup, Snapshot},
        postgres::PostgresStore,
        schema::{Migration, Outlook},
        sqlite::SqliteStore,
    },
    telemetry::Telemetry,
    watching::Watching,
};

/// How long a hub may take to end once told to; its process is gone a second later at the latest.
/// Requests under way have 6 s of it, then they are told to come again; connections are cut after
/// 8 s ([`ServerLimits`]).
const STOP_WITHIN: Duration = Duration::from_secs(9);

/// Addresses whose channels are the hub's own: what the portal sends of citizens, and what agencies
/// answer.
const OWN: [(&str, &str); 2] =
    [("/v1/feedback", "feedback"), ("/v1/feedback/answers", catalog::ANSWERS)];

/// Addresses at which tokens are given.
const TOKENS: [&str; 2] = ["/token", "/lgsp/token"];

/// Why a hub does not start or run.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// Configuration or mappings are faulty.
    #[error("{}", list(.0))]
    Faulty(Vec<mappings::Diagnostic>),
    /// The compiled-in contracts or units are damaged: a fault of the program.
    #[error("{0}")]
    Damaged(String),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address cannot be listened on.
    #[error("failed to listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
}

fn list(found: &[mappings::Diagnostic]) -> String {
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    format!("{}\n{} problems", lines.join("\n"), found.len())
}

/// Opens the store that a configuration names.
///
/// # Errors
/// When it cannot be opened.
pub async fn open_store(address: &StoreAddress) -> Result<Arc<dyn Store>, StoreError> {
    match address {
        StoreAddress::Sqlite(path) => Ok(Arc::new(SqliteStore::open(path)?)),
        StoreAddress::Postgres(server) => Ok(Arc::new(PostgresStore::open(server).await?)),
    }
}

/// Opens a store that may take part in a move, or is being filled: for the commands that do it.
///
/// # Errors
/// When it cannot be opened.
pub async fn open_to_move(address: &StoreAddress) -> Result<Arc<dyn Store>, StoreError> {
    match address {
        StoreAddress::Sqlite(path) => Ok(Arc::new(SqliteStore::open_to_move(path)?)),
        StoreAddress::Postgres(server) => Ok(Arc::new(PostgresStore::open_to_move(server).await?)),
    }
}

/// What a backup's file holds, and what it is of. Nothing is written to it.
///
/// # Errors
/// When it is no backup, or cannot be read.
pub async fn open_backup(file: &Path) -> Result<(Backup, Box<dyn Snapshot>), StoreError> {
    SqliteStore::backup(file).await
}

/// Makes the file of a backup, closed by who filled it, one that stands alone on the disk.
///
/// # Errors
/// When the disk fails.
pub fn seal_backup(file: &Path) -> Result<(), StoreError> {
    SqliteStore::seal(file)
}

/// How far the schema of a store is.
///
/// # Errors
/// When it cannot be read.
pub async fn outlook(address: &StoreAddress) -> Result<Outlook, StoreError> {
    match address {
        StoreAddress::Sqlite(path) => SqliteStore::outlook(path),
        StoreAddress::Postgres(server) => PostgresStore::outlook(server).await,
    }
}

/// Applies the next migration to a store, if there is one.
///
/// # Errors
/// When it cannot be applied: nothing of it is then.
pub async fn migrate_next(
    address: &StoreAddress,
) -> Result<Option<(usize, &'static Migration)>, StoreError> {
    match address {
        StoreAddress::Sqlite(path) => SqliteStore::migrate_next(path),
        StoreAddress::Postgres(server) => PostgresStore::migrate_next(server).await,
    }
}

/// A running hub.
pub struct Hub {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its answers.
    pub operations: Operations,
    /// The keys in force.
    pub keys: Keys,
    stop: CancellationToken,
    server: JoinHandle<io::Result<()>>,
    beside: TaskTracker,
    journey: Arc<Journey>,
    tending: JoinHandle<()>,
}

/// Listens at an address; gives that which it came to be.
async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), HubError> {
    let fault = |error| HubError::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(fault)?;
    let address = listener.local_addr().map_err(fault)?;
    Ok((listener, address))
}

impl Hub {
    /// Starts a hub.
    ///
    /// # Errors
    /// [`HubError`], before anything is accepted.
    pub async fn start(config: &Config) -> Result<Self, HubError> {
        let contracts =
            Contracts::builtin().map_err(|error| HubError::Damaged(error.to_string()))?;
        let catalog = Catalog::load(&config.agencies, &contracts).map_err(HubError::Faulty)?;
        let gazetteer = catalog::gazetteer().map_err(HubError::Damaged)?;
        let published = config.catalogue.as_deref().map(|told| catalogue::load(told, &contracts));
        let published = published.transpose().map_err(HubError::Faulty)?;
        let routes = routes(config, &catalog, &contracts).map_err(HubError::Faulty)?;
        let deliveries =
            Deliveries::prepare(&catalog, &routes, &config.endpoints).map_err(HubError::Faulty)?;
        let store = open_store(&config.store).await?;
        let drops =
            Drops::prepare(&catalog, config.drops.as_deref(), &store).map_err(HubError::Faulty)?;
        let polls = Polls::prepare(&catalog, config).map_err(HubError::Faulty)?;
        let held = in_force(config, &catalog, published, &*store).await?;
        let keys = Keys::default();
        keys.refresh(&*store).await?;
        let operations = Operations {
            catalog: Arc::new(catalog),
            published: held.clone(),
            store: store.clone(),
            drop_folders: drops.standings.clone(),
            drift: Default::default(),
            answers: Default::default(),
            written_reports: Default::default(),
            scans: Default::default(),
            bus: Default::default(),
        };
        let telemetry = Arc::new(Telemetry::default());
        let (contracts, gazetteer) = (Arc::new(contracts), Arc::new(gazetteer));
        let (stop, appended) = (CancellationToken::new(), Arc::new(Notify::new()));
        let lasting = Lasting::new(telemetry.clone(), stop.clone());
        let live = Live::start(operations.clone(), appended.clone(), lasting.clone());
        let catalog = operations.catalog.clone();
        let doors = Arc::new(Doors { catalog: catalog.clone(), keys: keys.clone() });
        let profiling = Profiling::begin(catalog.clone(), store.clone()).await?;
        let watching = Watching::new(operations.clone(), telemetry.clone());
        let (written, known) = ((Arc::new(routes), appended), held.clone());
        let (kept, named) = (store.clone(), gazetteer.clone());
        let journey = Journey::start(catalog, contracts, gazetteer, kept, written, known);
        let journey = Arc::new(journey.beside(&watching.repeats, &profiling.holding));
        let delivering = deliveries.run(store.clone(), journey.clone(), named, lasting.clone());
        let api = calls(config, (&operations, live), (&keys, telemetry));
        let quotas = Quotas::new(operations.catalog.requests_at_once());
        let intake = Intake::with_quotas(journey.clone(), Limits::default(), quotas);
        let open = config.listen.ip().is_loopback();
        let app = agencies(&intake, &doors, &api).merge(readers(api, open));
        let (listener, address) = listen(config.listen).await?;
        let beside = TaskTracker::new();
        let inbox: Arc<dyn Inbox> = journey.clone();
        let (work, known) = ((profiling, watching), (keys.clone(), held));
        behind::all((&store, &inbox), work, known, &lasting).into_iter().for_each(|work| {
            beside.spawn(work);
        });
        beside.spawn(delivering);
        beside.spawn(bus::run(config, &operations, &lasting));
        for task in drops.begin(&inbox, &lasting) {
            beside.spawn(task);
        }
        for task in polls.begin(&store, &journey, &lasting).await? {
            beside.spawn(task);
        }
        beside.close();
        let tending = tokio::spawn(lasting.keep("store", move |stop| store.tend(stop)));
        let connections_max = descriptors::connections();
        let limits = ServerLimits { connections_max, ..ServerLimits::default() };
        let server = tokio::spawn(server::serve(listener, app, limits, stop.clone()));
        tracing::info!(%address, "listening");
        Ok(Self { address, operations, keys, stop, server, beside, journey, tending })
    }

    /// Ends in good order, within [`STOP_WITHIN`]: nothing new is taken, requests and messages
    /// under way finish, what this process alone was doing is left to others. What is not done by
    /// then is as after a crash: nothing that was acknowledged is lost.
    ///
    /// # Errors
    /// When the server had failed.
    pub async fn stop(self) -> io::Result<()> {
        self.stop.cancel();
        let ending = async {
            let served = self.server.await.unwrap_or_else(|error| Err(io::Error::other(error)));
            self.beside.wait().await;
            self.journey.finished().await;
            // A fault in it was told when it happened; there is nothing left to leave.
            let _ = self.tending.await;
            served
        };
        timeout(STOP_WITHIN, ending).await.unwrap_or_else(|_| {
            tracing::warn!("not everything under way has ended by the deadline");
            Ok(())
        })
    }

    /// Runs until the process is told to end, and ends; told so again, at once.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn run(self, mut told: ToldToEnd) -> io::Result<()> {
        told.wait().await;
        tracing::info!("stopping");
        tokio::select! {
            ended = self.stop() => ended,
            () = told.wait() => {
                tracing::warn!("told to end again: ending at once");
                Ok(())
            }
        }
    }
}

/// SIGTERM and SIGINT, heard from the moment it is made: make it before the hub listens, so that
/// who hears it answer can end it in good order.
pub struct ToldToEnd {
    terminate: Signal,
    interrupt: Signal,
}

impl ToldToEnd {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the system does not let it.
    pub fn new() -> io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits until one of them comes.
    pub async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// What the calls act through.
fn calls(
    config: &Config,
    (operations, live): (&Operations, Live),
    (keys, telemetry): (&Keys, Arc<Telemetry>),
) -> Api {
    let store = &operations.store;
    let attachments = config.attachments.clone();
    let attachments = attachments.map(|told| Arc::new(Attachments::new(told, store.clone())));
    let (operations, keys, streams) = (operations.clone(), keys.clone(), Streams::default());
    Api { operations, live, streams, keys, telemetry, attachments }
}

/// The doors of agencies over HTTP: all lead to one inbox, and share its limits.
fn agencies(intake: &Arc<Intake>, doors: &Arc<Doors>, api: &Api) -> axum::Router {
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
fn readers(api: Api, open: bool) -> axum::Router {
    let console = Console { operations: api.operations.clone(), open };
    api::router(api).merge(console::router(console))
}

/// Puts in force what the configuration declares: the catalogue first, since which codes it gives
/// again decides where dossiers count.
async fn in_force(
    config: &Config,
    catalog: &Catalog,
    published: Option<Catalogue>,
    store: &dyn Store,
) -> Result<Held, HubError> {
    if let Some(published) = published
        && store.publish(published.content()).await?
    {
        tracing::info!("the catalogue is new: it is in force from now on");
    }
    let held = Held::default();
    held.refresh(store).await?;
    let units = held.get().map(|held| held.edition.units().versions().clone());
    let settings = Settings { units: units.unwrap_or_default(), ..config.settings.clone() };
    if store.adopt(catalog.rules(settings)).await? {
        tracing::info!("the rules in force are new: every fold was made with them");
    }
    Ok(held)
}

/// The routes that the configuration names; none where it names none.
///
/// # Errors
/// Every fault of them.
pub fn routes(
    config: &Config,
    catalog: &Catalog,
    contracts: &Contracts,
) -> Result<Routes, Vec<mappings::Diagnostic>> {
    let file = config.routes.as_deref();
    let read = file.map(|file| Routes::load(file, catalog, contracts)).transpose()?;
    Ok(read.unwrap_or_default().beside(catalog))
}

/// Reads a configuration.
///
/// # Errors
/// Every fault of the file.
pub fn configuration(path: &Path) -> Result<Config, HubError> {
    Config::read(path).map_err(HubError::Faulty)
}
