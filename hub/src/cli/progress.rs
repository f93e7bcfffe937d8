//! Progress of long work: on a terminal a line that moves, else plain lines now and then.

use std::{
    io::{IsTerminal, Write, stderr},
    time::{Duration, Instant},
};

/// Between two lines about one thing where no terminal shows them.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Tells on standard error how far work has come.
pub(super) struct Lines {
    terminal: bool,
    told: Option<(String, Instant)>,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { terminal: stderr().is_terminal(), told: None }
    }

    /// Tells what begins.
    pub(super) fn step(&mut self, what: &str) {
        // A closed stderr ends no work.
        let _ = match self.terminal {
            true => writeln!(stderr(), "\r\x1b[K{what}"),
            false => writeln!(stderr(), "{what}"),
        };
    }

    /// Tells how many of something are done.
    pub(super) fn count(&mut self, what: &str, done: u64, of: u64) {
        let line = format!("{what}: {done} of {of}");
        if done >= of {
            return self.step(&line);
        }
        if self.terminal {
            let _ = write!(stderr(), "\r\x1b[K{line}");
            return;
        }
        let due =
            self.told.as_ref().is_none_or(|(last, at)| last != what || at.elapsed() >= LINE_EVERY);
        if due {
            self.told = Some((what.to_owned(), Instant::now()));
            self.step(&line);
        }
    }
}
