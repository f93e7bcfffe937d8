//! `lienthong move`: from one store to another.

use std::{
    io::{self, Write},
    sync::Arc,
};

use super::{
    Exit, block_on,
    journal::{exit_of, keys_of_environment, unread},
    progress::Lines,
};
use crate::{
    config::StoreAddress,
    hub,
    operations::{
        carry::{End, Step},
        moves::{self, Proof},
    },
    store::{Store, StoreError},
};

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

pub(super) fn tell(lines: &mut Lines, step: Step) {
    match step {
        Step::Verifying => lines.step("verifying the old store"),
        Step::Copying { part, rows, of } => lines.count(&format!("copying {part}"), rows, of),
        Step::Rebuilding => lines.step("making every fold anew"),
        Step::Comparing => lines.step("verifying and comparing what is there"),
        Step::Files { files: 0 } => {}
        Step::Files { files } => lines.step(&format!("copying {files} attachments")),
    }
}

pub(super) async fn opened(address: &StoreAddress) -> Result<Arc<dyn Store>, StoreError> {
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
    moves::run(from, to, &mut |step| tell(&mut lines, step)).await
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
    let keys = keys_of_environment();
    if let Err(fault) = keys {
        writeln!(err, "{fault}")?;
        return Ok(Exit::Faulty);
    }
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
            writeln!(out, "log        {}", proof.head.log.id)?;
            writeln!(out, "entries    {}", proof.head.tree.size)?;
            writeln!(out, "root       {}", proof.head.tree.root)?;
            writeln!(out, "dossiers   {}", proof.verdict.dossiers)?;
            writeln!(out, "fold root  {}", proof.verdict.fold_root)?;
            unread(&proof.verdict, out)?;
            for (name, rows) in &proof.counters {
                writeln!(out, "{name:<19}{rows} rows")?;
            }
            writeln!(out, "all is at {to}, and equal: set `store` in hub.toml to that address")?;
        }
    }
    Ok(Exit::Done)
}
