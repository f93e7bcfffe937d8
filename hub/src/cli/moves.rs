//! `lienthong move`: from one store to another.

use std::{
    io::{self, IsTerminal, Write, stderr},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Exit, block_on, journal::exit_of};
use crate::{
    config::StoreAddress,
    hub,
    operations::moves::{self, End, Proof, Step},
    store::{Store, StoreError},
};

/// Between two lines about rows where no terminal shows them.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// From where to where.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The store that is left: sqlite:FILE, postgres://…, or @FILE with that address.
    #[arg(long)]
    from: String,
    /// The store that is filled: a new file or an empty database.
    #[arg(long)]
    to: String,
    /// End an unfinished move: open the store that was being left again.
    #[arg(long)]
    abandon: bool,
}

/// Tells of steps: on a terminal a line that moves, else plain lines.
struct Lines {
    terminal: bool,
    told: Option<(&'static str, Instant)>,
}

impl Lines {
    fn new() -> Self {
        Self { terminal: stderr().is_terminal(), told: None }
    }

    fn tell(&mut self, step: Step) {
        let line = match step {
            Step::Verifying => "verifying the old store".to_owned(),
            Step::Rebuilding => "making every fold anew".to_owned(),
            Step::Comparing => "verifying and comparing both stores".to_owned(),
            Step::Copying { part, rows, of } => {
                let due = self.told.is_none_or(|(last, at)| {
                    last != part || self.terminal || at.elapsed() >= LINE_EVERY
                });
                if !due && rows < of {
                    return;
                }
                self.told = Some((part, Instant::now()));
                let line = format!("copying {part}: {rows} of {of}");
                if self.terminal && rows < of { format!("\r\x1b[K{line}") } else { line }
            }
        };
        // A closed stderr does not end a move.
        let _ = match line.strip_prefix('\r') {
            Some(_) => write!(stderr(), "{line}"),
            None if self.terminal => writeln!(stderr(), "\r\x1b[K{line}"),
            None => writeln!(stderr(), "{line}"),
        };
    }
}

async fn opened(address: &StoreAddress) -> Result<Arc<dyn Store>, StoreError> {
    hub::open_to_move(address)
        .await
        .map_err(|error| StoreError { reason: format!("{address}: {}", error.reason), ..error })
}

async fn work(
    (from, to): (&StoreAddress, &StoreAddress),
    abandon: bool,
) -> Result<Option<Proof>, StoreError> {
    if let StoreAddress::Sqlite(file) = from
        && !file.exists()
    {
        return Err(StoreError::fault(format!("there is no file {}", file.display())));
    }
    let (old, new) = (opened(from).await?, opened(to).await?);
    let names = (from.to_string(), to.to_string());
    let from = End { store: &*old, name: &names.0 };
    let to = End { store: &*new, name: &names.1 };
    if abandon {
        return moves::abandon(from, to).await.map(|()| None);
    }
    let mut lines = Lines::new();
    moves::run(from, to, &mut |step| lines.tell(step)).await
}

fn addresses(options: &Options) -> Result<(StoreAddress, StoreAddress), String> {
    let told = |name: &str, text: &str| {
        StoreAddress::told(text).map_err(|fault| format!("--{name}: {fault}"))
    };
    let (from, to) = (told("from", &options.from)?, told("to", &options.to)?);
    match from == to {
        true => Err("--from and --to are the same store".to_owned()),
        false => Ok((from, to)),
    }
}

pub(super) fn run(
    options: &Options,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let (from, to) = match addresses(options) {
        Ok(addresses) => addresses,
        Err(fault) => {
            writeln!(err, "{fault}")?;
            return Ok(Exit::Faulty);
        }
    };
    match block_on(work((&from, &to), options.abandon))? {
        Err(error) => {
            writeln!(err, "{}", error.reason)?;
            return Ok(exit_of(&error));
        }
        Ok(None) if options.abandon => {
            writeln!(out, "{from} is open again; what was copied to {to} is no store: remove it")?;
        }
        Ok(None) => writeln!(out, "the move was finished before")?,
        Ok(Some(proof)) => {
            writeln!(out, "log        {}", proof.head.log_id)?;
            writeln!(out, "entries    {}", proof.head.tree.size)?;
            writeln!(out, "root       {}", proof.head.tree.root)?;
            writeln!(out, "dossiers   {}", proof.verdict.dossiers)?;
            writeln!(out, "fold root  {}", proof.verdict.fold_root)?;
            for (name, rows) in &proof.counters {
                writeln!(out, "{name:<19}{rows} rows")?;
            }
            writeln!(out, "all is at {to}, and equal: set `store` in hub.toml to that address")?;
        }
    }
    Ok(Exit::Done)
}
