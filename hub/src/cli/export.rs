//! `lienthong export`: a feed as a file, out of the store, without a running hub.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::ValueEnum;
use jiff::civil::Date;
use tokio_util::sync::CancellationToken;

use super::{Configured, Exit, journal};
use crate::{
    auth::Principal,
    cursor::{self, Astray},
    feeds::{
        Feed,
        export::{Export, Filter, Format, Told, Unwritten, contracts},
    },
    operations::{Operations, Reader},
    store::{Store, StoreError},
};

/// Bytes gathered before they are written.
const ROOM: usize = 256 * 1024;

/// Which feed, and where to.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The feed.
    feed: Named,
    /// How it is written.
    #[arg(long)]
    format: Written,
    /// The file to write, whole or not at all; standard output if left out.
    #[arg(short, long)]
    output: Option<PathBuf>,
    /// Go on from this cursor, which an earlier export told.
    #[arg(long)]
    after: Option<String>,
    /// Only what was recorded, or last changed, before this position of the journal.
    #[arg(long)]
    until: Option<u64>,
    /// Only this agency, by its id.
    #[arg(long)]
    agency: Option<String>,
    /// Only records of this contract, such as dossier/1, with its columns.
    #[arg(long)]
    contract: Option<String>,
    /// The first day, in Vietnam: of records when they were recorded, of dossiers when they were
    /// accepted, of findings when they were opened.
    #[arg(long)]
    from: Option<Date>,
    /// The last day.
    #[arg(long)]
    to: Option<Date>,
    #[command(flatten)]
    configured: Configured,
}

/// A feed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Named {
    /// All that agencies sent, in journal order.
    Records,
    /// The present state of every dossier.
    Dossiers,
    /// What there is to ask about.
    Findings,
    /// What each edition of the catalogue changes.
    Catalogue,
    /// By how much each entry changes numbers.
    Statistics,
}

/// A format.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Written {
    /// The events of the feed, one a line.
    Ndjson,
    /// Comma-separated values.
    Csv,
    /// A workbook.
    Xlsx,
    /// Columns.
    Parquet,
}

impl From<Named> for Feed {
    fn from(named: Named) -> Self {
        match named {
            Named::Records => Self::Records,
            Named::Dossiers => Self::Dossiers,
            Named::Findings => Self::Findings,
            Named::Catalogue => Self::Catalogue,
            Named::Statistics => Self::Statistics,
        }
    }
}

impl From<Written> for Format {
    fn from(written: Written) -> Self {
        match written {
            Written::Ndjson => Self::Ndjson,
            Written::Csv => Self::Csv,
            Written::Xlsx => Self::Xlsx,
            Written::Parquet => Self::Parquet,
        }
    }
}

/// Why nothing was exported.
#[derive(Debug, thiserror::Error)]
enum NoExport {
    /// An option is wrong.
    #[error("{0}")]
    Faulty(String),
    #[error(transparent)]
    Unwritten(#[from] Unwritten),
}

impl From<StoreError> for NoExport {
    fn from(error: StoreError) -> Self {
        Self::Unwritten(error.into())
    }
}

impl NoExport {
    fn exit(&self) -> Exit {
        match self {
            Self::Unwritten(Unwritten::Store(error)) => journal::exit_of(error),
            Self::Faulty(_) | Self::Unwritten(_) => Exit::Faulty,
        }
    }
}

impl Options {
    fn filter(&self) -> Result<Filter, NoExport> {
        if let Some(asked) = &self.contract {
            let known: Vec<&str> = contracts().collect();
            if !matches!(self.feed, Named::Records) {
                let told = "--contract is for the feed records: leave it out";
                return Err(NoExport::Faulty(told.to_owned()));
            }
            if !known.contains(&asked.as_str()) {
                let known = known.join(", ");
                return Err(NoExport::Faulty(format!("--contract {asked}: write one of {known}")));
            }
        }
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            return Err(NoExport::Faulty(format!("--to {to} is before --from {from}")));
        }
        let (agency, contract) = (self.agency.clone(), self.contract.clone());
        Ok(Filter { agency, contract, days: (self.from, self.to) })
    }

    /// The export of a store as it is now.
    async fn export(&self, operations: &Operations) -> Result<Export, NoExport> {
        let (feed, filter) = (Feed::from(self.feed), self.filter()?);
        let head = operations.store.head().await?;
        let from = match &self.after {
            None => (0, String::new()),
            Some(text) => cursor::follow(&head.log, &feed.list(), text).map_err(|astray| {
                NoExport::Faulty(match astray {
                    Astray::NotOurs => "--after: no cursor of this store and feed; use it as it \
                                        was told, or leave it out to begin anew"
                        .to_owned(),
                    Astray::Refolded => {
                        "--after: how this feed is derived has changed since; drop \
                                         what you have of it, leave --after out and begin anew"
                            .to_owned()
                    }
                    Astray::Lost(old) => format!(
                        "--after: lies behind what was restored of the log {}, {} entries; drop \
                         what you have from there on, and begin anew",
                        old.log_id, old.size
                    ),
                })
            })?,
        };
        let end = feed.end(operations, head.tree.size).await?;
        let end = self.until.map_or(end.clone(), |until| end.min((until, String::new())));
        let reader = Reader::of_public(Principal::Operator);
        let (format, log) = (self.format.into(), head.log);
        Ok(Export { feed, format, reader, log, from, end, filter })
    }

    /// Writes it, where a thread may wait.
    async fn written(&self, store: Arc<dyn Store>, out: Out) -> Result<Told, NoExport> {
        let operations = Operations::of(store);
        let export = self.export(&operations).await?;
        let out = out.open()?;
        let work = move || export.write(&operations, &CancellationToken::new(), out);
        let done = tokio::task::spawn_blocking(work).await;
        Ok(done.map_err(|error| Unwritten::Out(io::Error::other(error)))??)
    }
}

/// Where to.
#[derive(Clone)]
enum Out {
    Standard,
    /// The name that a file has until it is whole.
    Part(PathBuf),
}

impl Out {
    /// Opened once the options are known to be sound.
    fn open(self) -> Result<Box<dyn Write + Send>, NoExport> {
        match self {
            Self::Standard => Ok(Box::new(io::BufWriter::with_capacity(ROOM, io::stdout()))),
            Self::Part(part) => {
                let file = File::create(&part).map_err(|error| {
                    NoExport::Faulty(format!("{} cannot be written: {error}", part.display()))
                })?;
                Ok(Box::new(io::BufWriter::with_capacity(ROOM, file)))
            }
        }
    }
}

/// The name that a file has until it is whole.
fn part(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Gives a file its name, once it is on the disk.
fn kept(part: &Path, file: &Path) -> io::Result<()> {
    File::open(part)?.sync_all()?;
    fs::rename(part, file)
}

pub(super) fn run(
    options: &Options,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let part = options.output.as_deref().map(part);
    let to = part.clone().map_or(Out::Standard, Out::Part);
    let work = async |store: Arc<dyn Store>| options.written(store, to).await;
    let told = match journal::with_store(&options.configured.config, err, work)? {
        Err(exit) => return Ok(exit),
        Ok(Ok(told)) => told,
        Ok(Err(NoExport::Unwritten(Unwritten::Out(error))))
            if part.is_none() && error.kind() == io::ErrorKind::BrokenPipe =>
        {
            return Err(error);
        }
        Ok(Err(none)) => {
            writeln!(err, "{none}")?;
            // Half a file is of no use, and none may be there at all.
            if let Some(part) = &part
                && let NoExport::Unwritten(_) = &none
            {
                let _ = fs::remove_file(part);
            }
            return Ok(none.exit());
        }
    };
    let Told { rows, position, next, .. } = told;
    let sum = format!("{rows} rows, true at position {position}\nto go on: --after {next}");
    match (&options.output, &part) {
        (Some(file), Some(part)) => {
            if let Err(error) = kept(part, file) {
                let (part, file) = (part.display(), file.display());
                writeln!(err, "{part} is whole, but cannot be named {file}: {error}")?;
                return Ok(Exit::Faulty);
            }
            writeln!(out, "{}: {sum}", file.display())?;
        }
        _ => writeln!(err, "{sum}")?,
    }
    Ok(Exit::Done)
}
