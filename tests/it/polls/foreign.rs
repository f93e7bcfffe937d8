//! Servers that are agencies' own: a MariaDB, a RabbitMQ, and OpenSSH's with its files.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use crate::{
    harness::signal,
    lienthong::{root, stderr, stdout},
};

#[track_caller]
fn told(output: &Output) -> String {
    assert!(output.status.success(), "{} {}", stdout(output), stderr(output));
    stdout(output).trim().to_owned()
}

fn script(name: &str, arguments: &[&str]) -> Output {
    Command::new(root().join("tests").join(name)).args(arguments).output().unwrap()
}

/// The MariaDB of these tests: the one that `tests/run` has started, or one of their own.
pub(crate) fn mariadb() -> &'static str {
    static SERVER: OnceLock<String> = OnceLock::new();
    SERVER.get_or_init(|| {
        let own = || told(&script("foreign", &["start", &std::process::id().to_string()]));
        env::var("LIENTHONG_TEST_MARIADB").unwrap_or_else(|_| own())
    })
}

/// What MariaDB answers to statements.
#[track_caller]
pub(crate) fn mysql(address: &str, sql: &str) -> String {
    let rest = address.strip_prefix("mysql://").unwrap();
    let (user, rest) = rest.split_once(':').unwrap();
    let (password, rest) = rest.split_once('@').unwrap();
    let (host, rest) = rest.split_once(':').unwrap();
    let (port, database) = rest.split_once('/').unwrap();
    let mut command = Command::new("mariadb");
    command.args(["--no-defaults", "--batch", "--skip-column-names", "-h", host, "-P", port]);
    command.args(["-u", user, "-e", sql, database]).env("MYSQL_PWD", password);
    told(&command.output().unwrap())
}

/// A RabbitMQ of a test's own: it may be killed. It ends with this process.
pub(crate) struct Broker {
    pub(crate) address: String,
    folder: PathBuf,
}

impl Broker {
    pub(crate) fn start() -> Self {
        Self::started(&[])
    }

    /// One that speaks TLS too, by what lies in a folder.
    pub(crate) fn secure(certificates: &Path) -> Self {
        Self::started(&[certificates.to_str().unwrap()])
    }

    /// Its address for who speaks TLS.
    pub(crate) fn secure_address(&self) -> String {
        let ports = fs::read_to_string(self.folder.join("ports")).unwrap();
        let port = ports.lines().find_map(|line| line.strip_prefix("secure=")).unwrap();
        let (user, _) = self.address.split_once('@').unwrap();
        format!("{}@localhost:{port}/%2f", user.replacen("amqp:", "amqps:", 1))
    }

    fn started(more: &[&str]) -> Self {
        let process = std::process::id().to_string();
        let arguments = [&["start", process.as_str()], more].concat();
        let address = told(&script("broker", &arguments));
        let folder = told(&script("broker", &["folder", &address])).into();
        Self { address, folder }
    }

    fn on(&self, command: &str, more: &[&str]) -> String {
        let arguments = [&[command, self.folder.to_str().unwrap()], more].concat();
        told(&script("broker", &arguments))
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&self) {
        self.on("kill", &[]);
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = fs::read_to_string(self.folder.join("pid")).unwrap();
        assert!(signal(pid.trim().parse().unwrap(), name), "there is no process {pid}");
    }

    /// Starts it again.
    pub(crate) fn resume(&self) {
        self.on("resume", &[]);
    }

    /// Ends it, and has it start without anything that it kept.
    pub(crate) fn wipe(&self) {
        self.kill();
        fs::remove_dir_all(self.folder.join("data")).unwrap();
        self.resume();
    }

    /// What its operator's command prints.
    pub(crate) fn control(&self, arguments: &[&str]) -> String {
        self.on("control", arguments)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = script("broker", &["stop", self.folder.to_str().unwrap()]);
    }
}

/// An SSH server of a test's own, and what it lets the hub at. It ends with this process.
pub(crate) struct Files(PathBuf);

impl Files {
    pub(crate) fn start() -> Self {
        Self(told(&script("sftp", &["start", &std::process::id().to_string()])).into())
    }

    /// What is written of it: `port`, `user`, `host_key.pub`, `user_key`, …
    pub(crate) fn told(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap().trim().to_owned()
    }

    /// A path below its files.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join("files").join(name)
    }

    /// Ends it and all its lines, as a power cut would.
    pub(crate) fn kill(&self) {
        told(&script("sftp", &["end", self.0.to_str().unwrap()]));
    }

    /// Starts it again.
    pub(crate) fn resume(&self) {
        told(&script("sftp", &["resume", self.0.to_str().unwrap()]));
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = script("sftp", &["stop", self.0.to_str().unwrap()]);
    }
}
