//! Subcommands. Exit codes: 0 done, 1 the user's input or configuration, 2 partly refused,
//! 3 cannot reach something, 70 a bug.

mod agency;
mod apply;
mod at_rest;
mod backup;
mod bench;
mod bus;
mod called;
mod channels;
mod check;
mod dead;
mod demo;
mod door;
mod drift;
mod erase;
mod export;
mod journal;
mod key;
mod lineage;
mod migrate;
mod moves;
mod offered;
mod progress;
mod prune;
mod receive;
mod refusals;
mod replies;
mod report;
mod requests;
mod retranslate;
mod roadmap;
mod running;
mod send;
mod serve;
mod simulate;
mod subscriptions;
mod system;
mod test;
mod trace;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use contracts::Contracts;
use mappings::{Diagnostic, format::sheet::Choice};

use self::running::block_on;
use crate::{
    catalog::{Catalog, Channel},
    container,
    store::deliveries::Running,
};

/// Liên Thông, the integration hub of Đồng Nai.
#[derive(Debug, Parser)]
#[command(name = "lienthong", version, about)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Where the agencies are, for commands that need no running hub.
#[derive(Debug, clap::Args)]
struct Folder {
    /// Folder of the agencies.
    #[arg(long, default_value = "mappings/agencies")]
    mappings: PathBuf,
}

/// Which hub, for commands that need its store.
#[derive(Debug, clap::Args)]
struct Configured {
    /// The hub's configuration.
    #[arg(long, global = true, default_value = "hub.toml")]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play the agencies into a hub on embedded defaults, and serve its pages.
    Demo(demo::Options),
    /// Run the hub.
    Serve(Configured),
    /// Validate configuration, contracts and mappings; all problems at once.
    Check {
        /// The hub's configuration; without it, the agencies alone are checked.
        #[arg(long)]
        config: Option<PathBuf>,
        #[command(flatten)]
        folder: Folder,
    },
    /// Run the fixtures of all agencies, or of those named.
    Test {
        /// Agencies by id.
        agencies: Vec<String>,
        #[command(flatten)]
        coverage: test::CoverageOptions,
        /// Keep what comes out as what is expected from now on.
        #[arg(long)]
        accept: bool,
        #[command(flatten)]
        folder: Folder,
    },
    /// Map a native file: drafts as NDJSON on stdout, refusals as NDJSON on stderr.
    Apply {
        /// Channel, as agency.channel.
        channel: String,
        /// The native file.
        file: PathBuf,
        #[command(flatten)]
        folder: Folder,
    },
    /// Propose a channel's mapping from a sample file, with reasons: JSON, XML, CSV, columns of
    /// fixed width, a workbook, a zip archive, or a SQL dump, of which it proposes the poll too.
    Infer {
        /// A file as the agency's system writes it.
        file: PathBuf,
        /// The table of a SQL dump; without it the biggest that looks like dossiers. Of JSON rows:
        /// the table that they are of, which makes them rows of a database.
        #[arg(long)]
        table: Option<String>,
        /// The agency's id.
        #[arg(long, default_value = "co-quan-moi")]
        agency: String,
    },
    /// Make the folder of a new agency, or play an agency.
    Agency {
        #[command(subcommand)]
        action: agency::Action,
    },
    /// Show which native field feeds which canonical member, and what nothing reads.
    Lineage(lineage::Options),
    /// Show what has changed in what channels send: fields, types, blanks, codes, forms.
    Drift(drift::Options),
    /// Show how every channel stands: heard from, due, silent, conforming; and open alerts. Or
    /// promote one.
    Channels(channels::Options),
    /// Compare the keys that an agency has with those that the hub has.
    Control(channels::ControlOptions),
    /// Show what the agency of a channel has yet to mend: its open refusals, by rule.
    Refusals(refusals::Options),
    /// Send a native file to a hub, as its agency would.
    Send {
        /// Channel, as agency.channel.
        channel: String,
        /// The native file.
        file: PathBuf,
        /// The hub.
        #[arg(long, default_value = "http://127.0.0.1:8080")]
        url: String,
        /// The agency's API key.
        #[arg(long)]
        key: String,
        /// The message's id; without it, equal bytes are the same message.
        #[arg(long)]
        id: Option<String>,
    },
    /// Show everything that happened to a message.
    Trace {
        /// The message's id.
        id: String,
        /// Only this channel.
        #[arg(long)]
        channel: Option<String>,
        #[command(flatten)]
        configured: Configured,
    },
    /// What could not be delivered: list, show, replay, discard.
    Dead {
        #[command(subcommand)]
        action: dead::Action,
        #[command(flatten)]
        configured: Configured,
    },
    /// Stop delivering to a channel; what comes waits.
    Pause(dead::Channel),
    /// Deliver to a channel again.
    Resume(dead::Channel),
    /// Deliver what waits for a channel now, and pause it then.
    Drain(dead::Channel),
    /// Translate kept messages again after a mapping was mended: what comes out otherwise
    /// supersedes what was told, what was refused is stored.
    Retranslate(retranslate::Options),
    /// What agencies ask one another and the portal hands to them: list, show.
    Requests {
        #[command(subcommand)]
        action: requests::Action,
        #[command(flatten)]
        configured: Configured,
    },
    /// Fill a form of the catalogue with the figures of a period; freeze it.
    Report(report::Options),
    /// Write a feed to a file: lines of JSON, CSV, a workbook or Parquet.
    Export(export::Options),
    /// Read everything and compare: leaves, commitments, dossiers, numbers, findings.
    Verify(journal::VerifyOptions),
    /// Make every fold anew from the journal.
    Rebuild(Configured),
    /// Show how far each agency is on the roadmap.
    Roadmap(roadmap::Options),
    /// Bring the store's schema up to date.
    Migrate(migrate::Options),
    /// Make a backup of the store, in a new folder, while hubs run: all but the configuration.
    Backup(backup::Options),
    /// Make the configured store, which is empty, of a backup; its journal goes on as a new log.
    Restore(backup::Options),
    /// Take a store's log with all that belongs to it to another store.
    Move(moves::Options),
    /// Drop raw bytes of messages that are old. Entries, records and numbers stay.
    Prune(prune::Options),
    /// Erase the persons of a dossier for good. Without --yes it is only told what would go.
    Erase(erase::Options),
    /// Keys by which what holds persons is sealed at rest: new, apply, status.
    AtRest {
        #[command(subcommand)]
        action: at_rest::Action,
        #[command(flatten)]
        configured: Configured,
    },
    /// What a broker has of the journal: publish it again, compare.
    Bus {
        #[command(subcommand)]
        action: bus::Action,
        #[command(flatten)]
        configured: Configured,
    },
    /// Who is sent events by webhooks: list, show, enable, disable.
    Subscriptions {
        #[command(subcommand)]
        action: subscriptions::Action,
        #[command(flatten)]
        configured: Configured,
    },
    /// Make and revoke API keys.
    Key {
        #[command(subcommand)]
        action: key::Action,
        #[command(flatten)]
        configured: Configured,
    },
    /// Read a workbook on standard input and tell its rows: what a hub has a process of its own do.
    #[command(hide = true, name = container::SUBCOMMAND)]
    ReadWorkbook {
        /// The sheet by its place among the visible ones.
        #[arg(long, required_unless_present = "name")]
        number: Option<u32>,
        /// The sheet by its name.
        #[arg(long)]
        name: Option<String>,
    },
    /// Measure this machine: what a hub does on it, beside what bounds it.
    Bench(bench::Options),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Done = 0,
    Faulty = 1,
    PartlyRefused = 2,
    Unreachable = 3,
}

/// Runs a command. Errors of the input are told on stderr.
pub fn run(arguments: Arguments) -> ExitCode {
    // Never locked for the whole command: a hub logs there from other threads.
    let (mut out, mut err) = (io::BufWriter::new(io::stdout()), io::stderr());
    let ended = dispatch(arguments.command, &mut out, &mut err);
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

fn dispatch(command: Command, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    match command {
        Command::Demo(options) => demo::run(&options, out, err),
        Command::Serve(configured) => serve::run(&configured.config, err),
        Command::Send { channel, file, url, key, id } => {
            send::run(&send::Letter { channel, file, url, key, id }, out, err)
        }
        Command::Trace { id, channel, configured } => {
            trace::run(&configured.config, channel.as_deref(), &id, out, err)
        }
        Command::Dead { action, configured } => dead::run(&configured.config, &action, out, err),
        Command::Pause(told) => dead::steer(&told, Running::Paused, out, err),
        Command::Resume(told) => dead::steer(&told, Running::Running, out, err),
        Command::Drain(told) => dead::steer(&told, Running::Draining, out, err),
        Command::Retranslate(options) => retranslate::run(&options, out, err),
        Command::Requests { action, configured } => {
            requests::run(&configured.config, &action, out, err)
        }
        Command::Report(options) => report::run(&options, out, err),
        Command::Export(options) => export::run(&options, out, err),
        Command::Verify(options) => journal::verify(&options, out, err),
        Command::Rebuild(configured) => journal::rebuild(&configured.config, out, err),
        Command::Migrate(options) => migrate::run(&options, out, err),
        Command::Prune(options) => prune::run(&options, out, err),
        Command::Erase(options) => erase::run(&options, out, err),
        Command::AtRest { action, configured } => at_rest::run(&configured, &action, out, err),
        Command::Move(options) => moves::run(&options, out, err),
        Command::Backup(options) => backup::backup(&options, out, err),
        Command::Restore(options) => backup::restore(&options, out, err),
        Command::ReadWorkbook { number, name } => read_workbook(number, name, out),
        Command::Bench(options) => bench::run(&options, out, err),
        Command::Bus { action, configured } => bus::run(&configured, &action, out, err),
        Command::Subscriptions { action, configured } => {
            subscriptions::run(&configured.config, &action, out, err)
        }
        Command::Key { action, configured } => key::run(&configured.config, &action, out, err),
        Command::Check { config: Some(config), .. } => check::configured(&config, out, err),
        Command::Check { config: None, folder } => {
            with_catalog(&folder, err, |catalog, _, err| check::run(catalog, out, err))
        }
        Command::Test { agencies, coverage, accept, folder } => {
            with_catalog(&folder, err, |catalog, contracts, err| {
                let asked = test::Asked { agencies, coverage, accept };
                test::run(catalog, contracts, &asked, out, err)
            })
        }
        Command::Apply { channel, file, folder } => {
            with_catalog(&folder, err, |catalog, contracts, err| {
                apply::run(catalog, contracts, &channel, &file, out, err)
            })
        }
        Command::Infer { file, table, agency } => {
            agency::proposed((&file, table.as_deref()), &agency, out, err)
        }
        Command::Agency { action } => agency::run(&action, out, err),
        Command::Lineage(options) => {
            with_catalog(&options.folder, err, |catalog, contracts, err| {
                lineage::run(catalog, contracts, &options, out, err)
            })
        }
        Command::Drift(options) => drift::run(&options, out, err),
        Command::Channels(options) => channels::run(&options, out, err),
        Command::Control(options) => channels::control(&options, out, err),
        Command::Refusals(options) => refusals::run(&options, out, err),
        Command::Roadmap(options) => roadmap::run(&options, out, err),
    }
}

/// Loads the agencies, or tells every fault of theirs.
fn with_catalog<E: Write>(
    folder: &Folder,
    err: &mut E,
    work: impl FnOnce(&Catalog, &Contracts, &mut E) -> io::Result<Exit>,
) -> io::Result<Exit> {
    let contracts = Contracts::builtin().map_err(io::Error::other)?;
    match Catalog::load(&folder.mappings, &contracts) {
        Ok(catalog) => work(&catalog, &contracts, err),
        Err(found) => faulty(&found, err),
    }
}

fn read_workbook(
    number: Option<u32>,
    name: Option<String>,
    out: &mut impl Write,
) -> io::Result<Exit> {
    let choice = name.map_or(Choice::Number(number.unwrap_or(1).max(1)), Choice::Name);
    container::reader::run(&choice, &mut io::stdin().lock(), out)?;
    Ok(Exit::Done)
}

/// Tells every fault.
fn faulty(found: &[Diagnostic], err: &mut impl Write) -> io::Result<Exit> {
    for diagnostic in found {
        writeln!(err, "{diagnostic}")?;
    }
    writeln!(err, "{} problems", found.len())?;
    Ok(Exit::Faulty)
}

fn find<'a>(
    catalog: &'a Catalog,
    id: &str,
    err: &mut impl Write,
) -> io::Result<Option<&'a Channel>> {
    let channel = catalog.channels.get(id);
    if channel.is_none() {
        let known: Vec<_> = catalog.channels.keys().map(String::as_str).collect();
        writeln!(err, "there is no channel `{id}`; channels: {}", known.join(", "))?;
    }
    Ok(channel)
}
