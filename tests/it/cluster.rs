//! PostgreSQL for tests: databases on the server they share, and servers of their own to ill-treat.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::lienthong::{root, stderr, stdout};

/// The server of these tests: the one that `tests/run` has started, or one of their own that
/// ends with them.
fn server() -> &'static str {
    static SERVER: OnceLock<String> = OnceLock::new();
    SERVER.get_or_init(|| {
        let own = || told(&script(&["start", &std::process::id().to_string()]));
        env::var("LIENTHONG_TEST_POSTGRES").unwrap_or_else(|_| own())
    })
}

/// Runs `tests/cluster`.
fn script(arguments: &[&str]) -> Output {
    Command::new(root().join("tests/cluster")).args(arguments).output().unwrap()
}

/// What a command that must succeed has printed.
#[track_caller]
fn told(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    stdout(output).trim().to_owned()
}

/// What a database answers to one statement.
#[track_caller]
pub(crate) fn psql(address: &str, sql: &str) -> String {
    let mut command = Command::new("psql");
    command.args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-d", address, "-c", sql]);
    told(&command.env("PGOPTIONS", "-c search_path=lienthong,public").output().unwrap())
}

/// Runs a file of statements, such as a dump, in a database.
#[track_caller]
pub(crate) fn psql_file(address: &str, file: &Path) {
    let mut command = Command::new("psql");
    command.args(["-qAtX", "-v", "ON_ERROR_STOP=1", "-d", address, "-f"]).arg(file);
    told(&command.output().unwrap());
}

/// The address of a new database; it goes with its server.
pub(crate) fn database(name: &str) -> String {
    database_on(server(), name)
}

/// The same on another server.
pub(crate) fn database_on(server: &str, name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("it_{}_{count}_{}", std::process::id(), name.replace('-', "_"));
    psql(&format!("{server}/postgres"), &format!("CREATE DATABASE {name}"));
    format!("{server}/{name}")
}

/// A server of a test's own: it may be killed, starved and cut off. It ends with its owner.
#[derive(Debug)]
pub(crate) struct Cluster {
    address: String,
    place: PathBuf,
}

impl Cluster {
    /// Starts one with options of `tests/cluster start`; why not, in words, where this machine
    /// cannot give it what it is to have.
    pub(crate) fn start(options: &[&str]) -> Result<Self, String> {
        let owner = std::process::id().to_string();
        let output = script(&[&["start", &owner][..], options].concat());
        if output.status.code() == Some(3) {
            return Err(stderr(&output));
        }
        let address = told(&output);
        let data = psql(&format!("{}/postgres", superuser(&address)), "SHOW data_directory");
        let place = Path::new(&data).parent().unwrap().to_owned();
        Ok(Self { address, place })
    }

    /// A new database on it.
    pub(crate) fn database(&self, name: &str) -> String {
        database_on(&self.address, name)
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.address.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// A file or folder of it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("server.log")).unwrap_or_default()
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&self) {
        told(&script(&["kill", self.place.to_str().unwrap()]));
    }

    /// Starts it again.
    pub(crate) fn resume(&self) {
        told(&script(&["resume", self.place.to_str().unwrap()]));
    }

    /// What a database of it tells its superuser.
    pub(crate) fn order(&self, database: &str, sql: &str) -> String {
        psql(&superuser(database), sql)
    }

    /// A session of its superuser that has run statements and holds what they took.
    pub(crate) fn occupy(&self, database: &str, sql: &str) -> Session {
        Session::start(&superuser(database), sql)
    }

    /// A session of the hub's own role, in the database that belongs to nobody.
    pub(crate) fn bystander(&self) -> Session {
        Session::start(&format!("{}/postgres", self.address), "")
    }
}

fn superuser(address: &str) -> String {
    address.replacen("//lienthong:", "//postgres:", 1)
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = script(&["stop", self.place.to_str().unwrap_or_default()]);
    }
}

/// A session that stays; the server ends it when it is dropped.
#[derive(Debug)]
pub(crate) struct Session(Child);

impl Session {
    fn start(address: &str, sql: &str) -> Self {
        let mut command = Command::new("psql");
        command.args(["-qAtX", "-d", address]).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // What it reads next never comes. One that was not let in may have ended already.
        let _ = writeln!(child.stdin.as_mut().unwrap(), "{sql}");
        Self(child)
    }

    /// Whether it has ended, because it was not let in or is done.
    pub(crate) fn is_over(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
