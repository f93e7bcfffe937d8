//! `lienthong backup` and `lienthong restore`.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use super::{
    Configured, Exit, block_on,
    journal::{exit_of, keys_of, told_files},
    moves::{opened, tell},
    progress::Lines,
};
use crate::{
    config::{Config, StoreAddress},
    hub::{configuration, open_backup, open_unread, seal_backup},
    operations::{
        backups::{self, Made, Restored},
        carry::End,
    },
    store::StoreError,
};

/// The store within a backup's folder, and its attachments.
const STORE: &str = "store.db";
const ATTACHMENTS: &str = "attachments";

/// Where the backup is.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The backup's folder: to `backup` a new one, to `restore` one that it made.
    folder: PathBuf,
    /// This store instead of the configured one: for the role that owns it.
    #[arg(long)]
    store: Option<String>,
    #[command(flatten)]
    configured: Configured,
}

/// Makes the folder of a backup, which only its owner may read: there are persons in it, and keys.
fn made(folder: &Path) -> Result<(), StoreError> {
    let told = |error: io::Error| StoreError::away(format!("{}: {error}", folder.display()));
    if folder.exists() && fs::read_dir(folder).map_err(told)?.next().is_some() {
        let folder = folder.display();
        return Err(StoreError::fault(format!("{folder} holds something: name a new folder")));
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(told)
}

async fn make(config: &Config, folder: &Path) -> Result<Made, StoreError> {
    let from = open_unread(&config.store).await?;
    made(folder)?;
    let file = folder.join(STORE);
    let (address, target) = (config.store.to_string(), StoreAddress::Sqlite(file.clone()));
    let to = opened(&target).await?;
    let name = target.to_string();
    let ends = (End { store: &*from, name: &address }, End { store: &*to, name: &name });
    let kept = config.attachments.as_ref().map(|told| &*told.folder);
    let beside = folder.join(ATTACHMENTS);
    let mut lines = Lines::new();
    let mut told = |step| tell(&mut lines, step);
    let made = backups::make(ends, (kept, Some(&beside)), &mut told).await?;
    drop(to);
    seal_backup(&file)?;
    Ok(made)
}

async fn restored(config: &Config, folder: &Path) -> Result<Restored, StoreError> {
    let (backup, source) = open_backup(&folder.join(STORE)).await?;
    let to = opened(&config.store).await?;
    let (from, name) = (folder.display().to_string(), config.store.to_string());
    let to = End { store: &*to, name: &name };
    let kept = config.attachments.as_ref().map(|told| &*told.folder);
    let beside = folder.join(ATTACHMENTS);
    let mut lines = Lines::new();
    let mut told = |step| tell(&mut lines, step);
    backups::restore((&from, &backup, &*source), to, (Some(&beside), kept), &mut told).await
}

/// The configuration, with another store where one is named.
fn configured(options: &Options) -> Result<Config, String> {
    let config = configuration(&options.configured.config).map_err(|error| error.to_string())?;
    match &options.store {
        None => Ok(config),
        Some(text) => Ok(Config { store: StoreAddress::told(text)?, ..config }),
    }
}

/// Runs one of the two, or says why not.
fn done<T>(
    options: &Options,
    err: &mut impl Write,
    work: impl AsyncFnOnce(&Config, &Path) -> Result<T, StoreError>,
) -> io::Result<Result<T, Exit>> {
    let config = match configured(options) {
        Ok(config) => config,
        Err(fault) => {
            writeln!(err, "{fault}")?;
            return Ok(Err(Exit::Faulty));
        }
    };
    if let Err(fault) = keys_of(&options.configured.config) {
        writeln!(err, "{fault}")?;
        return Ok(Err(Exit::Faulty));
    }
    match block_on(work(&config, &options.folder))? {
        Ok(done) => Ok(Ok(done)),
        Err(error) => {
            writeln!(err, "{}", error.reason)?;
            Ok(Err(exit_of(&error)))
        }
    }
}

pub(super) fn backup(
    options: &Options,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let Made { head, counters, files } = match done(options, err, make)? {
        Ok(made) => made,
        Err(exit) => return Ok(exit),
    };
    writeln!(out, "log        {}", head.log.id)?;
    writeln!(out, "entries    {}", head.tree.size)?;
    writeln!(out, "root       {}", head.tree.root)?;
    let rows: u64 = counters.iter().map(|(_, rows)| rows).sum();
    writeln!(out, "rows       {rows} of {} tables", counters.len())?;
    told_files(files.files, files.unread, out)?;
    let folder = options.folder.display();
    writeln!(out, "all of it is in {folder}, and its journal holds")?;
    Ok(Exit::Done)
}

pub(super) fn restore(
    options: &Options,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let done = match done(options, err, restored)? {
        Ok(done) => done,
        Err(exit) => return Ok(exit),
    };
    let Restored { taken_at, head, verdict, files, .. } = done;
    if let Some(old) = head.log.ended.last() {
        writeln!(out, "before it  {}, as of {taken_at}", old.log_id)?;
        writeln!(out, "entries    {}", old.size)?;
        writeln!(out, "root       {}", old.root)?;
    }
    writeln!(out, "dossiers   {}", verdict.dossiers)?;
    writeln!(out, "fold root  {}", verdict.fold_root)?;
    told_files(files.files, files.unread, out)?;
    writeln!(out, "log        {}: entry {} says so", head.log.id, head.tree.size - 1)?;
    writeln!(
        out,
        "all that the backup holds is there, and holds. What came after {taken_at} is not: have \
         agencies send it again. Keys revoked since are in force again: see `lienthong key list`."
    )?;
    Ok(Exit::Done)
}
