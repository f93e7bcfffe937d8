//! The composition root: the only place that puts the hub's parts together and spawns them.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use adapters::rest::{
    push,
    server::{self, ServerLimits},
};
use contracts::Contracts;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    api::{self, Api},
    auth::Keys,
    catalog::{self, Catalog},
    config::{Config, StoreAddress},
    console::{self, Console},
    journey::Journey,
    operations::Operations,
    store::{
        Store, StoreError,
        postgres::PostgresStore,
        schema::{Migration, Outlook},
        sqlite::SqliteStore,
    },
    telemetry::Telemetry,
};

/// How often keys are read anew: a key revoked elsewhere ends within it.
const KEYS_EVERY: Duration = Duration::from_secs(2);

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
        error: std::io::Error,
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

/// Opens a store that may take part in a move: for `lienthong move` alone.
///
/// # Errors
/// When it cannot be opened.
pub async fn open_to_move(address: &StoreAddress) -> Result<Arc<dyn Store>, StoreError> {
    match address {
        StoreAddress::Sqlite(path) => Ok(Arc::new(SqliteStore::open_to_move(path)?)),
        StoreAddress::Postgres(server) => Ok(Arc::new(PostgresStore::open_to_move(server).await?)),
    }
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
    server: JoinHandle<std::io::Result<()>>,
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
        let store = open_store(&config.store).await?;
        if store.adopt(catalog.rules(config.settings)).await? {
            tracing::info!("the rules in force are new: every fold was made with them");
        }
        let keys = Keys::default();
        keys.refresh(&*store).await?;
        let catalog = Arc::new(catalog);
        let operations = Operations { catalog: catalog.clone(), store: store.clone() };
        let telemetry = Arc::new(Telemetry::default());
        let journey =
            Journey::start(catalog, Arc::new(contracts), Arc::new(gazetteer), store.clone());
        let api = Api { operations: operations.clone(), keys: keys.clone(), telemetry };
        let door = Arc::new(keys.clone());
        let app = push::router(Arc::new(journey), door, push::Limits::default())
            .merge(api::router(api))
            .merge(console::router(Console {
                operations: operations.clone(),
                open: config.listen.ip().is_loopback(),
            }));
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|error| HubError::Listen { address: config.listen, error })?;
        let address = listener
            .local_addr()
            .map_err(|error| HubError::Listen { address: config.listen, error })?;
        let stop = CancellationToken::new();
        tokio::spawn(refresh_keys(keys.clone(), store, stop.clone()));
        let limits = ServerLimits::default();
        let server = tokio::spawn(server::serve(listener, app, limits, stop.clone()));
        tracing::info!(%address, "listening");
        Ok(Self { address, operations, keys, stop, server })
    }

    /// Ends in good order: requests under way finish, then everything stops.
    ///
    /// # Errors
    /// When the server had failed.
    pub async fn stop(self) -> std::io::Result<()> {
        self.stop.cancel();
        self.server.await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
    }

    /// Runs until the process is told to end (SIGTERM, SIGINT).
    ///
    /// # Errors
    /// When the server fails.
    pub async fn run(self) -> std::io::Result<()> {
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping");
        self.stop().await
    }
}

async fn refresh_keys(keys: Keys, store: Arc<dyn Store>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(KEYS_EVERY) => {}
        }
        if let Err(error) = keys.refresh(&*store).await {
            tracing::warn!(error = %error, "the keys could not be read; those known stay in force");
        }
    }
}

/// Reads a configuration.
///
/// # Errors
/// Every fault of the file.
pub fn configuration(path: &Path) -> Result<Config, HubError> {
    Config::read(path).map_err(HubError::Faulty)
}
