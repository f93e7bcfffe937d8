//! Subcommands. Exit codes: 0 done, 1 the user's input or configuration, 2 partly refused,
//! 3 cannot reach something, 70 a bug.

mod apply;
mod check;
mod test;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use contracts::Contracts;

use crate::catalog::Catalog;

/// Liên Thông, the integration hub of Đồng Nai.
#[derive(Debug, Parser)]
#[command(name = "lienthong", version, about)]
pub struct Arguments {
    /// Folder of the agencies.
    #[arg(long, global = true, default_value = "mappings/agencies")]
    mappings: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Validate contracts and mappings; all problems at once.
    Check,
    /// Run the fixtures of all agencies, or of those named.
    Test {
        /// Agencies by id.
        agencies: Vec<String>,
        /// Show which rules no fixture uses.
        #[arg(long)]
        coverage: bool,
    },
    /// Map a native file: drafts as NDJSON on stdout, refusals as NDJSON on stderr.
    Apply {
        /// Channel, as agency.channel.
        channel: String,
        /// The native file.
        file: PathBuf,
    },
    /// Show which native field feeds which canonical member.
    Lineage {
        /// Channel, as agency.channel.
        channel: String,
    },
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Done = 0,
    Faulty = 1,
    PartlyRefused = 2,
}

/// Runs a command. Errors of the input are told on stderr.
pub fn run(arguments: Arguments) -> ExitCode {
    let (mut out, mut err) = (io::BufWriter::new(io::stdout().lock()), io::stderr().lock());
    let ended = dispatch(&arguments, &mut out, &mut err);
    match ended.and_then(|exit| out.flush().map(|()| exit)) {
        Ok(exit) => ExitCode::from(exit as u8),
        // The reader of a pipe may go early; that is its right.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell it on when stderr itself fails.
            let _ = writeln!(err, "lienthong: {error}");
            ExitCode::from(Exit::Faulty as u8)
        }
    }
}

fn dispatch(arguments: &Arguments, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let contracts = Contracts::builtin().map_err(io::Error::other)?;
    let contracts = &contracts;
    let catalog = match Catalog::load(&arguments.mappings, contracts) {
        Ok(catalog) => catalog,
        Err(found) => {
            for diagnostic in &found {
                writeln!(err, "{diagnostic}")?;
            }
            writeln!(err, "{} problems", found.len())?;
            return Ok(Exit::Faulty);
        }
    };
    match &arguments.command {
        Command::Check => check::run(&catalog, out),
        Command::Test { agencies, coverage } => {
            test::run(&catalog, contracts, agencies, *coverage, out)
        }
        Command::Apply { channel, file } => {
            apply::run(&catalog, contracts, channel, file, out, err)
        }
        Command::Lineage { channel } => lineage(&catalog, channel, out, err),
    }
}

fn lineage(
    catalog: &Catalog,
    channel: &str,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let Some(channel) = find(catalog, channel, err)? else { return Ok(Exit::Faulty) };
    for line in channel.mapping.lineage() {
        let functions = line.functions.join(" | ");
        writeln!(out, "{}\t{}\t{}\t{functions}", line.contract, line.target, line.source)?;
    }
    Ok(Exit::Done)
}

fn find<'a>(
    catalog: &'a Catalog,
    id: &str,
    err: &mut impl Write,
) -> io::Result<Option<&'a crate::catalog::Channel>> {
    let channel = catalog.channels.get(id);
    if channel.is_none() {
        let known: Vec<_> = catalog.channels.keys().map(String::as_str).collect();
        writeln!(err, "there is no channel `{id}`; channels: {}", known.join(", "))?;
    }
    Ok(channel)
}
