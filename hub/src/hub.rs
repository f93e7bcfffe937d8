//! The composition root: the only place that puts the hub's parts together and spawns them.
//!
//! What stays as long as a process is in `process.rs`; what is made of one configuration, and made
//! anew when that changes, in `generation.rs`.

pub(crate) mod generation;
mod process;
mod reading;
mod serving;
mod signals;
mod stores;

use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use adapters::rest::{
    server::{App, Server, ServerLimits},
    tls::Tls,
};
use contracts::Contracts;
use futures_util::future::try_join_all;
use mappings::Diagnostic;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, spawn_blocking},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    auth::Keys,
    bus, catalog,
    config::{Config, Sources},
    descriptors,
    drops::{self, Drops},
    journey::route::Routes,
    operations::Operations,
    store::{Store, StoreError, at_rest},
};

use generation::{Generation, Ready};
use process::Process;
use reading::{Parts, whole};
use serving::serving;

pub use reading::routes;
pub use signals::{ToldToEnd, ToldToReload};
pub use stores::{
    migrate_next, open_backup, open_store, open_to_move, open_unread, outlook, seal_backup,
};

/// How long a hub may take to end once told to; its process is gone a second later at the latest.
/// Requests under way have 6 s of it, then they are told to come again; connections are cut after
/// 8 s ([`ServerLimits`]).
const STOP_WITHIN: Duration = Duration::from_secs(9);

/// Faults of a configuration that one event of the log tells.
const FAULTS_LOGGED: usize = 500;

/// Why a hub does not start or run.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// Configuration or mappings are faulty.
    #[error("{}", list(.0))]
    Faulty(Vec<Diagnostic>),
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

fn list(found: &[Diagnostic]) -> String {
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    format!("{}\n{} problems", lines.join("\n"), found.len())
}

/// A running hub.
pub struct Hub {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its answers, by the configuration in force.
    pub operations: Operations,
    /// The keys in force.
    pub keys: Keys,
    stop: CancellationToken,
    server: JoinHandle<io::Result<Vec<()>>>,
    app: App,
    beside: TaskTracker,
    process: Process,
    read: Arc<(Config, Sources)>,
    generation: Generation,
    /// The one before it, as long as it ends.
    retiring: Option<JoinHandle<()>>,
    tending: JoinHandle<()>,
}

/// Listens at an address; gives that which it came to be.
async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), HubError> {
    let fault = |error| HubError::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(fault)?;
    let address = listener.local_addr().map_err(fault)?;
    Ok((listener, address))
}

/// The store, and the keys of what is sealed in it.
async fn opened(config: &Config) -> Result<Arc<dyn Store>, HubError> {
    at_rest::begin(config.keys().map_err(HubError::Faulty)?)?;
    Ok(open_store(&config.store).await?)
}

impl Hub {
    /// Starts a hub.
    ///
    /// # Errors
    /// [`HubError`], before anything is accepted.
    pub async fn start(config: &Config) -> Result<Self, HubError> {
        let contracts =
            Contracts::builtin().map_err(|error| HubError::Damaged(error.to_string()))?;
        let gazetteer = catalog::gazetteer().map_err(HubError::Damaged)?;
        // Nothing is made on the disk for a configuration that is faulty.
        let read = whole(
            || Ok(config.clone()),
            |config, _| {
                let nobody = (&Routes::default(), Vec::new());
                let root = config.drops.as_deref();
                Parts::read(config, &contracts, nobody, |catalog| {
                    drops::root(catalog, root).map(|_| Drops::default())
                })
            },
        );
        let (config, sources, mut parts) = read.map_err(HubError::Faulty)?;
        let store = opened(&config).await?;
        let drops = Drops::prepare(&parts.catalog, config.drops.as_deref(), &store);
        parts.drops = drops.map_err(HubError::Faulty)?;
        let stop = CancellationToken::new();
        let known = (Arc::new(contracts), Arc::new(gazetteer));
        let tls = parts.tls.clone().map(Tls::from);
        let process = Process::begin(&config, known, tls.clone(), store.clone(), stop.clone());
        process.keys.refresh(&*store).await?;
        if !parts.polls.is_empty() {
            store.begin_turns().await?;
        }
        let ready = Ready::of(parts, &config, &process).await?;
        let (listener, address) = listen(config.listen).await?;
        let encrypted = match (&config.tls, tls) {
            (Some(told), Some(tls)) => Some((listen(told.listen).await?.0, Some(tls))),
            _ => None,
        };
        process.operations.configuration.begins(sources.hash(&*store));
        let (operations, app) = (ready.operations.clone(), App::from(ready.app.clone()));
        let generation = ready.begin(&app, &process);
        let (keys, beside, lasting) = (process.keys.clone(), TaskTracker::new(), &process.lasting);
        for work in process.behind() {
            beside.spawn(work);
        }
        beside.spawn(bus::run(&config, &process.operations, lasting));
        beside.close();
        let tending = lasting.clone().keep("store", move |stop| store.tend(stop));
        let tending = tokio::spawn(tending);
        let connections_max = descriptors::connections();
        let limits = ServerLimits { connections_max, ..ServerLimits::default() };
        let listeners = [Some((listener, None)), encrypted].into_iter().flatten();
        let mut servers = Vec::new();
        for one in listeners {
            let server = Server::new(one, app.clone(), limits.clone(), stop.clone());
            let server = server.map_err(|error| HubError::Listen { address, error })?;
            servers.push(serving(lasting.clone(), server, Server::accept));
        }
        let server = tokio::spawn(try_join_all(servers));
        tracing::info!(%address, "listening");
        Ok(Self {
            address,
            operations,
            keys,
            stop,
            server,
            app,
            beside,
            process,
            read: Arc::new((config, sources)),
            generation,
            retiring: None,
            tending,
        })
    }

    /// Ends in good order, within [`STOP_WITHIN`]: nothing new is taken, requests and messages
    /// under way finish, what this process alone was doing is left to others. What is not done by
    /// then is as after a crash: nothing that was acknowledged is lost.
    ///
    /// # Errors
    /// When the server had failed.
    pub async fn stop(mut self) -> io::Result<()> {
        self.stop.cancel();
        let ending = async {
            let served = self.server.await.unwrap_or_else(|error| Err(io::Error::other(error)));
            self.beside.wait().await;
            self.generation.ended().await;
            if let Some(retiring) = self.retiring {
                // It tells itself what it leaves.
                let _ = retiring.await;
            }
            self.process.journey.finished().await;
            // A fault in it was told when it happened; there is nothing left to leave.
            let _ = self.tending.await;
            served.map(|_| ())
        };
        timeout(STOP_WITHIN, ending).await.unwrap_or_else(|_| {
            tracing::warn!("not everything under way has ended by the deadline");
            Ok(())
        })
    }

    /// Runs until the process is told to end, and ends; told so again, at once. Told to reload, it
    /// puts the configuration in force as it stands in its file then; told to end meanwhile, it
    /// does not.
    ///
    /// # Errors
    /// When the server fails.
    pub async fn run(
        mut self,
        mut told: ToldToEnd,
        mut reloads: Option<ToldToReload>,
    ) -> io::Result<()> {
        let reloading = async {
            match &mut reloads {
                None => std::future::pending::<()>().await,
                Some(reloads) => loop {
                    let file = reloads.wait().await;
                    self.reload(&file).await;
                },
            }
        };
        tokio::select! {
            () = told.wait() => {}
            () = reloading => {}
        }
        tracing::info!("stopping");
        tokio::select! {
            ended = self.stop() => ended,
            () = told.wait() => {
                tracing::warn!("told to end again: ending at once");
                Ok(())
            }
        }
    }

    /// Reads the configuration again, and goes by it where it is sound and another. Whatever is
    /// wrong, the one in force stays, untouched.
    pub async fn reload(&mut self, file: &Path) {
        // One at a time ends; it takes no longer than a hub that ends.
        if let Some(retiring) = &mut self.retiring {
            let _ = retiring.await;
            self.retiring = None;
        }
        let (standing, telemetry) =
            (self.operations.configuration.clone(), &self.process.telemetry);
        match self.newer(file).await {
            Ok(None) => {
                standing.stays();
                telemetry.reloaded("unchanged");
                tracing::info!("the configuration is the one in force: nothing is changed");
            }
            Ok(Some((ready, read))) => {
                telemetry.reloaded("changed");
                self.switch(ready, read);
            }
            Err(found) => {
                standing.refuses(&found);
                telemetry.reloaded("refused");
                let first: Vec<String> =
                    found.iter().take(FAULTS_LOGGED).map(ToString::to_string).collect();
                tracing::error!(
                    problems = found.len(),
                    "the new configuration is refused, the one before stays in force:\n{}",
                    first.join("\n")
                );
            }
        }
    }

    /// The generation of the configuration as it stands in its file now; none where that is the one
    /// in force.
    async fn newer(
        &self,
        file: &Path,
    ) -> Result<Option<(Ready, (Config, Sources))>, Vec<Diagnostic>> {
        let (path, now, routes) =
            (file.to_owned(), self.read.clone(), self.generation.routes.clone());
        let (contracts, store) = (self.process.contracts.clone(), self.process.store().clone());
        let reading = spawn_blocking(move || {
            let configuration = || Config::read(&path);
            whole(configuration, |config, sources| {
                if (config, sources) == (&now.0, &now.1) {
                    return Ok(None);
                }
                let fixed = now.0.written.fixed(&config.written);
                let root = config.drops.as_deref();
                let ready = Parts::read(config, &contracts, (&routes, fixed), |catalog| {
                    Drops::prepare(catalog, root, &store)
                });
                ready.map(Some)
            })
        });
        let elsewhere = |message: String, advice: &str| {
            vec![Diagnostic::at(&file.display().to_string(), "", &(0..0), message, advice)]
        };
        let read = reading.await.map_err(|error| {
            tracing::error!(%error, "a fault of the hub: the configuration cannot be read");
            elsewhere("a fault of the hub: its log says more".to_owned(), "restart the hub")
        })?;
        let (config, sources, Some(parts)) = read? else { return Ok(None) };
        let ready = Ready::of(parts, &config, &self.process).await.map_err(|error| {
            let advice = "have it read again when the store answers";
            elsewhere(format!("the store did not answer: {error}"), advice)
        })?;
        Ok(Some((ready, (config, sources))))
    }

    /// Goes by another generation from now on; the one before ends.
    fn switch(&mut self, ready: Ready, read: (Config, Sources)) {
        let hash = read.1.hash(&**self.process.store());
        self.operations = ready.operations.clone();
        let begun = ready.begin(&self.app, &self.process);
        let before = std::mem::replace(&mut self.generation, begun);
        self.retiring = Some(tokio::spawn(before.retire()));
        self.read = Arc::new(read);
        self.process.operations.configuration.begins(hash.clone());
        tracing::info!(hash, "another configuration is in force");
    }
}

/// Reads a configuration.
///
/// # Errors
/// Every fault of the file.
pub fn configuration(path: &Path) -> Result<Config, HubError> {
    Config::read(path).map_err(HubError::Faulty)
}
