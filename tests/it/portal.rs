//! The example portal as citizens meet it: in the distribution's Chromium, over its own server, on
//! the public interface of a hub.

mod figures;
mod follow;

use std::{
    fs,
    io::{BufRead, BufReader, Lines},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    harness::{free_port, signal},
    lienthong::{binary, root, stderr, stdout},
};

/// How long a program that was told to end may take.
const END_MAX: Duration = Duration::from_secs(20);

/// A program that is told to end when the test leaves it.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line that it prints.
    fn line(&mut self) -> String {
        self.lines.next().unwrap_or_else(|| panic!("it ended")).unwrap()
    }

    fn ends(&mut self) {
        signal(self.child.id(), "TERM");
        let began = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < END_MAX, "it does not end");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            signal(self.child.id(), "TERM");
            let _ = self.child.wait();
        }
    }
}

/// The page's own server, in front of a hub.
async fn serve_page(hub: &str, key: &Path, port: u16) -> Running {
    let mut command = Command::new("python3");
    command.arg(root().join("examples/portal/server.py")).arg(port.to_string());
    command.env("HUB", hub).env("PORTAL_KEY_FILE", key);
    let server = Running::start(&mut command);
    let began = Instant::now();
    while reqwest::get(format!("http://127.0.0.1:{port}/")).await.is_err() {
        assert!(began.elapsed() < END_MAX, "the page's server does not answer");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server
}

/// A program of `tests/browser` that goes on.
fn browser_program(arguments: &[&str]) -> Running {
    Running::start(Command::new(root().join("tests/browser/run")).args(arguments))
}

/// A program of `tests/browser`, which must succeed; what it prints.
fn browser(arguments: &[&str]) -> String {
    let mut command = Command::new(root().join("tests/browser/run"));
    let done = command.args(arguments).stdin(Stdio::null()).output().unwrap();
    let told = stdout(&done);
    assert!(done.status.success(), "{arguments:?}: {told} {}", stderr(&done));
    told
}

/// A folder of the test's own; gone at the end, unless the test fails.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("lienthong-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// The commands that run and name a word.
fn about(word: &str) -> Vec<String> {
    let running = fs::read_dir("/proc").unwrap().flatten();
    let commands = running.filter_map(|one| fs::read(one.path().join("cmdline")).ok());
    let commands = commands.map(|one| String::from_utf8_lossy(&one).replace('\0', " "));
    commands.filter(|one| one.contains(word)).collect()
}

#[test]
fn citizens_do_their_five_things_in_both_languages_and_the_example_leaves_nothing_behind() {
    let place = Place::new("portal");
    let mut command = Command::new(root().join("examples/portal/run"));
    let port = free_port().to_string();
    command.arg(&port).env("LIENTHONG", binary()).env("TMPDIR", &place.0);
    // Somebody else is at hand, who asks from another address.
    command.env("TRUSTED_PROXIES", "127.0.0.1");
    let mut example = Running::start(&mut command);
    let told = example.line();
    let words = format!("portal: http://127.0.0.1:{port} (hub http://127.0.0.1:");
    let hub = told.strip_prefix(&words).and_then(|rest| rest.split([',', ')']).next());
    let hub = format!("http://127.0.0.1:{}", hub.unwrap_or_else(|| panic!("{told}")));
    let told = browser(&["portal.mjs", &format!("http://127.0.0.1:{port}/")]);
    assert!(told.starts_with("all done, "), "{told}");
    // What the hub itself shows to people.
    let told = browser(&["pages.mjs", &hub]);
    assert!(told.starts_with("all done, "), "{told}");
    example.ends();
    let left: Vec<_> = fs::read_dir(&place.0).unwrap().flatten().map(|one| one.path()).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(about(&hub), Vec::<String>::new(), "what it began goes on");
}
