//! A hub as its operator runs it: a process of its own, with its configuration in a folder.

use std::{
    fs,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    BenchError, load::Watched, stop, storage::Storage, surroundings::Surroundings, wire, workload,
};
use crate::{
    auth::{self, Principal},
    hub::open_store,
    store::Store,
};

/// How long a hub may take to answer for the first time; a large journal takes its time to open.
const START_MAX: Duration = Duration::from_secs(60);
/// Ports tried: one that was free may be taken before the hub has it.
const PORTS_MAX: u32 = 20;
/// How long one look whether it answers may take.
const PROBE_MAX: Duration = Duration::from_secs(2);
/// Between two looks whether it answers.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// A folder that is gone at the end, unless its user wants to keep it.
pub(super) struct Scratch {
    pub(super) folder: PathBuf,
    keep: bool,
}

impl Scratch {
    /// A folder among the system's temporary ones, or `kept`, which must be new or empty.
    pub(super) fn new(kept: Option<&Path>) -> Result<Self, BenchError> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("lienthong-bench-{}-{number}", std::process::id());
        let folder = kept.map_or_else(|| std::env::temp_dir().join(name), Path::to_owned);
        fs::create_dir_all(&folder)?;
        if fs::read_dir(&folder)?.next().is_some() {
            return Err(BenchError::Input(format!("{} is not empty", folder.display())));
        }
        Ok(Self { folder: folder.canonicalize()?, keep: kept.is_some() })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.keep {
            // What cannot be removed is in the system's own folder for such things.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// A running hub; killed when it is dropped.
pub(super) struct Hub {
    pub(super) address: SocketAddr,
    pub(super) keys: Keys,
    /// Seconds from the start of the process to its first answer.
    pub(super) start_seconds: f64,
    child: Child,
}

/// Opens a store in this process and works with it.
pub(super) fn at_store<T>(
    storage: &Storage,
    work: impl AsyncFnOnce(&dyn Store) -> Result<T, BenchError>,
) -> Result<T, BenchError> {
    // Its connections end with the runtime: they are of use within this work only.
    wait(async { work(&*open_store(&storage.address()).await?).await })?
}

/// Keys of those who speak with a hub.
#[derive(Clone)]
pub(super) struct Keys {
    /// Of the agency that sends the load.
    pub(super) agency: Arc<str>,
    /// Of the portal.
    pub(super) portal: Arc<str>,
}

impl Keys {
    /// Makes keys for a store; one that is new gets its schema first.
    pub(super) fn add(storage: &Storage) -> Result<Self, BenchError> {
        at_store(storage, async |store| {
            let agency = key(store, &Principal::Agency(workload::AGENCY.to_owned())).await?;
            Ok(Self { agency, portal: key(store, &Principal::Portal).await? })
        })
    }
}

async fn key(store: &dyn Store, principal: &Principal) -> Result<Arc<str>, BenchError> {
    let (key, shown) = auth::new_key(principal)?;
    store.add_key(key).await?;
    Ok(shown.into())
}

/// Runs work to its end.
pub(super) fn wait<T>(work: impl Future<Output = T>) -> io::Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work))
}

impl Hub {
    /// Starts a hub whose configuration and log are in `folder`, on a store that may lie elsewhere
    /// and has these keys.
    pub(super) fn start(folder: &Path, storage: &Storage, keys: &Keys) -> Result<Self, BenchError> {
        Self::start_among(&Surroundings::default(), folder, storage, keys)
    }

    /// The same with something beside the agency that sends the load.
    pub(super) fn start_among(
        surroundings: &Surroundings,
        folder: &Path,
        storage: &Storage,
        keys: &Keys,
    ) -> Result<Self, BenchError> {
        let agencies = folder.join("agencies");
        workload::write_agency(&agencies)?;
        let lines = surroundings.write(folder, &agencies)?;
        for _ in 0..PORTS_MAX {
            let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
            let config = folder.join("hub.toml");
            let store = storage.line();
            let text = format!(
                "listen = \"{address}\"\nstore = {store:?}\nagencies = {agencies:?}\n{lines}",
                agencies = agencies.display().to_string()
            );
            write_secret(&config, &text)?;
            let log = fs::File::options().create(true).append(true).open(folder.join("hub.log"))?;
            let began = Instant::now();
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("serve").arg("--config").arg(&config).stdin(Stdio::null());
            let child = command.stdout(log.try_clone()?).stderr(log).spawn()?;
            let mut hub = Self { address, keys: keys.clone(), start_seconds: 0.0, child };
            if hub.comes_up(began)? {
                return Ok(hub);
            }
        }
        let log = fs::read_to_string(folder.join("hub.log")).unwrap_or_default();
        Err(BenchError::Unreachable(format!("the hub does not start:\n{log}")))
    }

    /// Waits until it answers; false where it ended instead, its port being taken.
    fn comes_up(&mut self, began: Instant) -> Result<bool, BenchError> {
        let request = b"GET /healthz HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n";
        while began.elapsed() < START_MAX {
            stop::check()?;
            if self.child.try_wait()?.is_some() {
                return Ok(false);
            }
            let answer = wire::once(self.address, request, PROBE_MAX);
            if answer.is_ok_and(|(status, _, _)| status == 200) {
                self.start_seconds = began.elapsed().as_secs_f64();
                return Ok(true);
            }
            thread::sleep(LOOK_EVERY);
        }
        let told = format!("the hub did not answer within {} s", START_MAX.as_secs());
        Err(BenchError::Unreachable(told))
    }

    /// The number of its process.
    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    /// This hub and the server of its store, to be measured.
    pub(super) fn watched(&self, storage: &Storage) -> Watched {
        Watched {
            hubs: vec![self.process()],
            server: storage.server_process(),
            ..Watched::default()
        }
    }

    /// Reads a path as the portal does.
    pub(super) fn get(&self, path: &str) -> Result<(u16, String, Vec<u8>), BenchError> {
        let mut request = Vec::new();
        wire::get(path, &self.keys.portal, &mut request);
        self.ask(&request)
    }

    /// The answer to a request as it is written: status, head and body.
    pub(super) fn ask(&self, request: &[u8]) -> Result<(u16, String, Vec<u8>), BenchError> {
        Ok(wire::once(self.address, request, wire::ANSWER_MAX)?)
    }
}

/// Writes a file that its owner alone can read: it may hold a password.
pub(super) fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::File::options();
    options.create(true).write(true).truncate(true).mode(0o600);
    options.open(path)?.write_all(text.as_bytes())
}

impl Drop for Hub {
    fn drop(&mut self) {
        // What it has acknowledged is durable; it needs no good order to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
