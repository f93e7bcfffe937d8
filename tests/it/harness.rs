//! Hubs as their operators run them: a folder with `hub.toml` and the store, and a process.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use reqwest::Client;

use crate::lienthong::{binary, root, stderr, stdout};

pub(crate) use crate::{
    random::{Random, seed},
    sender::Sender,
};

/// How long a hub may take to answer for the first time.
const START_MAX: Duration = Duration::from_secs(20);
/// How long it may take to end in good order.
const STOP_MAX: Duration = Duration::from_secs(20);
/// How long one request may take.
const REQUEST_MAX: Duration = Duration::from_secs(20);
/// Ports tried for one start.
const PORTS_MAX: u32 = 50;

/// What `lienthong verify` says of a sound store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) entries: u64,
    pub(crate) dossiers: u64,
    pub(crate) fold_root: String,
}

/// The folder of one hub; gone at the end, unless the test fails.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// The address of its store, as `hub.toml` has it.
    store: String,
    /// The catalogue that its hub publishes.
    catalogue: Option<PathBuf>,
    /// What else stands in its `hub.toml`, at the end.
    more: String,
}

impl Folder {
    /// A hub of all agencies.
    pub(crate) fn new(name: &str) -> Self {
        Self::of(name, &["mappings/agencies"])
    }

    /// The same folder with its truth at an address.
    pub(crate) fn with_store(mut self, address: String) -> Self {
        self.store = address;
        self.configure(0);
        self
    }

    /// A catalogue of its own, the province's, to be changed.
    pub(crate) fn catalogue(&self) -> PathBuf {
        let copy = self.path().join("danh-muc");
        fs::create_dir_all(&copy).unwrap();
        let all = fs::read_dir(root().join("examples/dong-nai")).unwrap().flatten();
        for file in all.filter(|one| one.path().is_file()) {
            fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
        copy
    }

    /// The same folder with a catalogue to publish, or with none any more.
    pub(crate) fn publishing(&mut self, catalogue: Option<PathBuf>) {
        self.catalogue = catalogue;
        self.configure(0);
    }

    /// The same folder with more in its `hub.toml`, at the end.
    pub(crate) fn configured_with(&mut self, more: String) {
        self.more = more;
        self.configure(0);
    }

    /// A hub of the agencies in the given folders of the repository.
    pub(crate) fn of(name: &str, sources: &[&str]) -> Self {
        let folder = env::temp_dir().join(format!("lienthong-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.canonicalize().unwrap();
        // Some agencies drop files.
        fs::create_dir_all(path.join("drops")).unwrap();
        let folder =
            Self { path, store: "sqlite:hub.db".to_owned(), catalogue: None, more: String::new() };
        for source in sources {
            copy(&root().join(source), &folder.path.join("agencies"));
        }
        folder.configure(0);
        folder
    }

    fn configure(&self, port: u16) {
        let drops = self.path.join("drops").is_dir();
        let drops = if drops { "drops = \"drops\"\n" } else { "" };
        let text = format!(
            "listen = \"127.0.0.1:{port}\"\nstore = \"{}\"\nagencies = \"agencies\"\n\
             log = \"warn\"\n{drops}",
            self.store
        );
        let folder = self.catalogue.as_ref().map(|path| path.display());
        let catalogue = folder.map(|path| format!("catalogue = \"{path}\"\n"));
        // What tests play is a few dossiers: they are told whole, unless a test is about that.
        let few = "hide_of_fewer_than";
        let all = if self.more.contains(few) { "" } else { "hide_of_fewer_than = 0\n" };
        let text = text + &catalogue.unwrap_or_default() + all + &self.more;
        fs::write(self.path.join("hub.toml"), text).unwrap();
    }

    /// The same folder with more lines in its configuration.
    pub(crate) fn with_lines(mut self, lines: &str) -> Self {
        self.more.push_str(lines);
        self.configure(0);
        self
    }

    /// The address of its store, as its configuration has it.
    pub(crate) fn address(&self) -> &str {
        &self.store
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What its hub has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path.join("hub.log")).unwrap_or_default()
    }

    /// Where its store is, for whoever reads it past the hub.
    pub(crate) fn store_address(&self) -> String {
        match self.store.strip_prefix("sqlite:") {
            Some(file) => format!("sqlite:{}", self.path.join(file).display()),
            None => self.store.clone(),
        }
    }

    /// Runs a subcommand on this hub's configuration.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let config = self.path.join("hub.toml");
        let mut command = Command::new(binary());
        command.args(arguments).arg("--config").arg(config).current_dir(&self.path);
        command.output().unwrap()
    }

    /// A new key, known to a hub started later at once and to a running one within seconds.
    pub(crate) fn key(&self, principal: &str) -> String {
        let output = self.run(&["key", "new", principal]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let key = stdout(&output).trim().to_owned();
        assert!(key.starts_with("ltk_"), "{key}");
        key
    }

    /// The store must hold in all its parts.
    #[track_caller]
    pub(crate) fn verify(&self) -> Verified {
        let output = self.run(&["verify"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let told = stdout(&output);
        let value = |name: &str| {
            let line = told.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("no `{name}` in {told}")).trim().to_owned()
        };
        Verified {
            entries: value("entries").parse().unwrap(),
            dossiers: value("dossiers").parse().unwrap(),
            fold_root: value("fold root"),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("the hub's folder is kept: {}", self.path.display());
        } else {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Copies a folder with all it holds.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// A port that nobody listens on, below those the system gives to connections going out.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let base = (std::process::id() % 60) as u16 * 200;
    loop {
        let port = 20_000 + (base + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A running hub; killed when the test leaves it.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) url: String,
    client: Client,
    child: Child,
}

impl Hub {
    /// Starts a hub on a folder and waits until it answers.
    pub(crate) async fn start(folder: &Folder) -> Self {
        Self::start_among(folder, &[]).await
    }

    /// The same, with some variables of the environment set.
    pub(crate) async fn start_among(folder: &Folder, environment: &[(&str, &Path)]) -> Self {
        let client = Client::builder().timeout(REQUEST_MAX).no_proxy().build().unwrap();
        for _ in 0..PORTS_MAX {
            let port = free_port();
            folder.configure(port);
            let mut command = Command::new(binary());
            command.arg("serve").arg("--config").arg(folder.path.join("hub.toml"));
            let mut log = fs::File::options();
            let log = log.create(true).append(true).open(folder.path.join("hub.log")).unwrap();
            command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
            command.envs(environment.iter().copied());
            let child = command.current_dir(&folder.path).spawn().unwrap();
            let url = format!("http://127.0.0.1:{port}");
            let mut hub = Self { url, client: client.clone(), child };
            if hub.comes_up().await {
                return hub;
            }
        }
        let log = fs::read_to_string(folder.path.join("hub.log")).unwrap_or_default();
        panic!("the hub does not start:\n{log}");
    }

    /// Waits until it answers; false where it ended instead, its port being taken.
    async fn comes_up(&mut self) -> bool {
        let began = Instant::now();
        while began.elapsed() < START_MAX {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            let answer = self.client.get(format!("{}/healthz", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the hub did not answer /healthz within {START_MAX:?}");
    }

    /// A sender to this hub, and to the one that takes its place if `url` is changed.
    pub(crate) fn sender(&self, key: &str) -> Sender {
        Sender { url: self.url.clone(), key: key.to_owned(), client: self.client.clone() }
    }

    /// The process that runs it.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that it ever held.
    pub(crate) fn peak_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Whether it has ended.
    pub(crate) fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        assert!(signal(self.pid(), name), "there is no process {}", self.pid());
    }

    /// Ends it as its operator would.
    pub(crate) fn stop(self) {
        self.signal("TERM");
        self.ends();
    }

    /// Waits until it has ended by itself, in good order.
    pub(crate) fn ends(mut self) {
        let began = Instant::now();
        let ended: ExitStatus = loop {
            if let Some(ended) = self.child.try_wait().unwrap() {
                break ended;
            }
            assert!(began.elapsed() < STOP_MAX, "the hub did not end within {STOP_MAX:?}");
            std::thread::sleep(Duration::from_millis(20));
        };
        assert!(ended.success(), "the hub ended with {ended}");
    }
}

/// Sends a process a signal; false where there is no such process.
pub(crate) fn signal(process: u32, name: &str) -> bool {
    let mut command = Command::new("kill");
    command.arg(format!("-{name}")).arg(process.to_string()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
