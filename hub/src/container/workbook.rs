//! A workbook, opened by a child process of the same program.

use std::{
    cell::Cell,
    io::{BufRead, BufReader, Read, Write},
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{self, Receiver, SyncSender},
    thread,
    time::Duration,
};

use mappings::format::{
    Fault, FaultKind,
    sheet::{Area, Choice, Row, Sheet},
};

use super::{
    cells::{LINE_BYTES_MAX, Line, areas, row},
    reader::{CPU_SECONDS_MAX, MEMORY_BYTES_MAX},
};

/// The subcommand that the child runs.
pub(crate) const SUBCOMMAND: &str = "read-workbook";

/// How long the child may be silent while someone waits for it, in seconds.
const SILENT_SECONDS_MAX: u64 = 30;

/// Rows told ahead.
const ROWS_AHEAD: usize = 16;

/// How a process ends that is out of memory, and out of time.
const ABORTED: i32 = 6;
const KILLED: i32 = 9;
const OUT_OF_TIME: i32 = 24;
/// How a command says that it has failed.
const FAILED: i32 = 1;

fn broken(detail: impl Into<String>) -> Fault {
    Fault { kind: FaultKind::NotTheFormat, offset: 1, detail: detail.into() }
}

fn limit(limit: &'static str, max: u64) -> Fault {
    let detail = format!("{limit} = {max}");
    Fault { kind: FaultKind::LimitExceeded { limit, max }, offset: 1, detail }
}

/// This program, also where its file has been replaced since it was started.
fn program() -> PathBuf {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() { running } else { std::env::current_exe().unwrap_or(running) }
}

/// The command of the child.
pub(super) fn command(choice: &Choice) -> Command {
    let mut command = Command::new(program());
    command.arg(SUBCOMMAND);
    match choice {
        Choice::Number(number) => command.arg(format!("--number={number}")),
        Choice::Name(name) => command.arg(format!("--name={name}")),
    };
    // It is to know nothing and to reach nothing but its pipes.
    command.env_clear().current_dir("/");
    command
}

fn start(choice: &Choice) -> std::io::Result<Child> {
    let mut command = command(choice);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
}

/// Opens a workbook and hands its sheet over. Rows stop coming once `stopped` says so.
///
/// # Errors
/// Why there is no sheet to hand over.
pub(super) fn open(
    bytes: &[u8],
    choice: &Choice,
    stopped: &Cell<bool>,
    work: &mut dyn FnMut(&mut dyn Sheet),
) -> Result<(), Fault> {
    let failed = |error: std::io::Error| broken(format!("its reader does not start: {error}"));
    let mut child = start(choice).map_err(failed)?;
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(broken("its reader has no pipes"));
    };
    thread::scope(|scope| {
        // One that has stopped reading has said why, or its end will.
        scope.spawn(move || input.write_all(bytes).and_then(|()| input.flush()));
        let (send, lines) = mpsc::sync_channel(ROWS_AHEAD);
        scope.spawn(move || listen(output, &send));
        let mut open = Open { child, lines, name: String::new(), merged: Vec::new(), stopped };
        // Both threads end with the child, which ends with `open`.
        match open.line()? {
            Line::Sheet(name, merged) => (open.name, open.merged) = (name, areas(merged)),
            Line::Stopped(stop) => return Err(stop.into()),
            _ => return Err(broken("its reader tells no sheet")),
        }
        work(&mut open);
        Ok(())
    })
}

/// Reads what the child tells, as far as somebody wants it.
fn listen(output: ChildStdout, lines: &SyncSender<Line>) {
    let mut output = BufReader::new(output);
    let mut text = Vec::new();
    loop {
        text.clear();
        let read = output.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut text);
        let Some(line) = read.ok().and_then(|_| serde_json::from_slice(&text).ok()) else { return };
        if lines.send(line).is_err() {
            return;
        }
    }
}

/// A sheet that a child is reading.
struct Open<'a> {
    child: Child,
    lines: Receiver<Line>,
    name: String,
    merged: Vec<Area>,
    stopped: &'a Cell<bool>,
}

impl Open<'_> {
    fn line(&mut self) -> Result<Line, Fault> {
        match self.lines.recv_timeout(Duration::from_secs(SILENT_SECONDS_MAX)) {
            Ok(line) => Ok(line),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                Err(limit("workbook_seconds_max", SILENT_SECONDS_MAX))
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(self.ended()),
        }
    }

    /// Why the child ended without a word.
    fn ended(&mut self) -> Fault {
        let status = self.child.wait().ok();
        match status.map(|status| (status.signal(), status.code())) {
            // An allocation that fails aborts it, or is an error like another where it may be.
            Some((Some(ABORTED), _) | (_, Some(FAILED))) => {
                limit("workbook_memory_bytes_max", MEMORY_BYTES_MAX)
            }
            Some((Some(KILLED | OUT_OF_TIME), _)) => {
                limit("workbook_cpu_seconds_max", CPU_SECONDS_MAX)
            }
            _ => broken("its reader gave it up"),
        }
    }
}

impl Sheet for Open<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn merged(&self) -> &[Area] {
        &self.merged
    }

    fn row(&mut self) -> Result<Option<Row>, Fault> {
        if self.stopped.get() {
            return Ok(None);
        }
        match self.line()? {
            Line::Row(number, cells) => Ok(Some(row(number, cells))),
            Line::End => Ok(None),
            Line::Stopped(stop) => Err(stop.into()),
            Line::Sheet(..) => Err(broken("its reader tells two sheets")),
        }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        // It has ended already, or is to end now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
