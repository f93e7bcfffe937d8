//! `lienthong at-rest`: keys by which what holds persons is sealed, and what is sealed by which.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;

use super::{Configured, Exit, journal};
use crate::{
    attachments::{self, Sealed},
    hub::configuration,
    store::{
        Store, StoreError,
        at_rest::{self, Keyring, Kind, SealedBy, Turned},
    },
};

/// What is done.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// Put a new key at the head of a file of keys, which is made where there is none: hubs that
    /// start from then on seal by it. The keys below it go on opening what they sealed.
    New {
        /// The file, which `at_rest` of hub.toml names.
        file: PathBuf,
        /// The key's name; without one, the time.
        #[arg(long)]
        name: Option<String>,
        /// Put it below the first: where several processes are to have it before one seals by it.
        #[arg(long)]
        below: bool,
    },
    /// Seal what lies in the store, and attachments, by the first key, in turns, while hubs run. It
    /// may be ended at any time and begun again.
    Apply {
        /// Afterwards write a SQLite file anew, so that nothing is left in its free room.
        #[arg(long)]
        compact: bool,
        /// This store instead of the configured one: for the role that owns it.
        #[arg(long)]
        store: Option<String>,
    },
    /// Tell how much is sealed by which key, and how much is not sealed.
    Status,
}

fn add(file: &Path, name: Option<&str>, below: bool) -> Result<String, String> {
    let told = |error: io::Error| format!("{}: {error}", file.display());
    let before = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(told(error)),
    };
    let named = || Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string();
    let name = name.map_or_else(named, ToOwned::to_owned);
    let line = Keyring::line(&name).map_err(|error| error.reason)?;
    let is_key = |line: &str| !line.trim().is_empty() && !line.trim().starts_with('#');
    let first = before.lines().position(is_key).map_or(0, |at| at + usize::from(below));
    let mut lines: Vec<&str> = before.lines().collect();
    lines.insert(first, line.trim_end());
    let text = lines.join("\n") + "\n";
    let faulty = |(number, why)| format!("{}, line {number}: {why}", file.display());
    Keyring::parse(&text).map_err(faulty)?;
    // The file is the old one or the new one, whatever happens meanwhile.
    let beside = file.with_extension("new");
    let mut options = fs::OpenOptions::new();
    let made = options.write(true).create(true).truncate(true).mode(0o600).open(&beside);
    let mut made = made.map_err(told)?;
    made.set_permissions(fs::Permissions::from_mode(0o600)).map_err(told)?;
    made.write_all(text.as_bytes()).and_then(|()| made.sync_all()).map_err(told)?;
    fs::rename(&beside, file).map_err(told)?;
    Ok(name)
}

/// What `apply` has done.
struct Applied {
    key: String,
    all: Vec<(&'static str, Turned)>,
    files: Sealed,
    dropped: Vec<String>,
}

/// The folder of attachments, where a configuration names one.
fn folder(config: &Path) -> Option<PathBuf> {
    configuration(config).ok()?.attachments.map(|told| told.folder)
}

/// Drops the marks of keys that seal nothing any more; gives their names.
async fn drop_marks(
    store: &dyn Store,
    folder: Option<&Path>,
    key: &str,
) -> Result<Vec<String>, StoreError> {
    let by = attachments::sealed_by(store, folder).await?;
    let of_files = by.into_iter().filter_map(|(key, _)| key);
    store.drop_key_marks(of_files.chain([key.to_owned()]).collect()).await
}

async fn apply(
    store: &dyn Store,
    folder: Option<&Path>,
    compact: bool,
) -> Result<Applied, StoreError> {
    let Some(key) = at_rest::keys().first() else {
        return Err(StoreError::fault(
            "there is no key: make one by `lienthong at-rest new FILE`, and name the file by \
             `at_rest` of hub.toml",
        ));
    };
    let mut all = Vec::new();
    for kind in Kind::ALL {
        let mut sum = Turned::default();
        let mut next = Some((0, 0));
        while let Some(from) = next {
            let turned = store.seal_some(kind, from).await?;
            sum.sealed += turned.sealed;
            sum.wrapped += turned.wrapped;
            next = turned.next;
        }
        all.push((kind.words(), sum));
    }
    let files = attachments::seal_all(store, folder).await?;
    all.push((FILES, files.turned));
    // Of files that are not there nobody knows by which key they are sealed.
    let dropped = match files.some_are_missing {
        true => Vec::new(),
        false => drop_marks(store, folder, key).await?,
    };
    match compact {
        true => store.compact().await?,
        false => store.forget().await?,
    }
    Ok(Applied { key: key.to_owned(), all, files, dropped })
}

/// Attached files in words.
const FILES: &str = "attachments";

type Counts = Vec<(&'static str, Vec<SealedBy>)>;

async fn status(store: &dyn Store, folder: Option<&Path>) -> Result<Counts, StoreError> {
    let mut all = Vec::new();
    for kind in [Kind::Personal, Kind::Raw] {
        all.push((kind.words(), store.sealed_by(kind).await?));
    }
    all.push((FILES, attachments::sealed_by(store, folder).await?));
    Ok(all)
}

fn failed(error: &StoreError, err: &mut impl Write) -> io::Result<Exit> {
    writeln!(err, "{}", error.reason)?;
    Ok(journal::exit_of(error))
}

/// Tells what `apply` has done.
fn tell(applied: Applied, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    let Applied { key, all, files, dropped } = applied;
    for (kind, Turned { sealed, wrapped, .. }) in all {
        writeln!(out, "{kind}: {sealed} sealed, {wrapped} keys wrapped anew")?;
    }
    for key in dropped {
        writeln!(out, "nothing is sealed by the key {key} any more")?;
    }
    for fault in &files.faults {
        writeln!(err, "{fault}")?;
    }
    match files.faulty {
        0 => {
            writeln!(out, "all is sealed by the key {key}")?;
            Ok(Exit::Done)
        }
        count => {
            writeln!(err, "all is sealed by the key {key} but {count} attachments")?;
            Ok(Exit::Faulty)
        }
    }
}

pub(super) fn run(
    configured: &Configured,
    action: &Action,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let config = &configured.config;
    match action {
        Action::New { file, name, below } => match add(file, name.as_deref(), *below) {
            Ok(name) => {
                writeln!(out, "key        {name}, in {}", file.display())?;
                writeln!(
                    out,
                    "keep a copy apart from the store and its backups: without it what \
                               it seals is lost"
                )?;
                Ok(Exit::Done)
            }
            Err(fault) => {
                writeln!(err, "{fault}")?;
                Ok(Exit::Faulty)
            }
        },
        Action::Apply { compact, store } => {
            let folder = folder(config);
            let work =
                async |store: Arc<dyn Store>| apply(&*store, folder.as_deref(), *compact).await;
            match journal::at_store(config, store.as_deref(), err, work)? {
                Err(exit) => Ok(exit),
                Ok(Err(error)) => failed(&error, err),
                Ok(Ok(applied)) => tell(applied, out, err),
            }
        }
        Action::Status => {
            let folder = folder(config);
            let work = async |store: Arc<dyn Store>| status(&*store, folder.as_deref()).await;
            let keys = (None, journal::Keys::AtHand);
            match journal::at_keys(config, keys, err, work)? {
                Err(exit) => Ok(exit),
                Ok(Err(error)) => failed(&error, err),
                Ok(Ok(all)) => {
                    for (kind, counts) in all {
                        for (key, count) in counts {
                            let by = key.map_or("not sealed".to_owned(), |key| format!("by {key}"));
                            writeln!(out, "{kind:<20} {count} {by}")?;
                        }
                    }
                    let first = at_rest::keys().first();
                    let first = first.map_or("nothing: no key is configured".to_owned(), |key| {
                        format!("the key {key}")
                    });
                    writeln!(out, "what comes is sealed by {first}")?;
                    Ok(Exit::Done)
                }
            }
        }
    }
}
