//! `lienthong verify` and `rebuild`: the store, without a running hub.

use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use clap::Args;
use mappings::Diagnostic;

use super::{Configured, Exit, block_on};
use crate::{
    attachments,
    config::Config,
    config::StoreAddress,
    hub::{configuration, open_store, open_unread},
    judging,
    store::{
        Store, StoreError, Verdict,
        at_rest::{self, Keyring},
    },
};

/// Opens the configured store and works with it, or says why it cannot be opened.
pub(super) fn with_store<T>(
    config: &Path,
    err: &mut impl Write,
    work: impl AsyncFnOnce(Arc<dyn Store>) -> T,
) -> io::Result<Result<T, Exit>> {
    at_store(config, None, err, work)
}

/// Whether work takes the keys of what is sealed in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// Without them it is not begun.
    Needed,
    /// It goes by those that there are.
    AtHand,
}

/// Gives this process the keys that a configuration names; those of the environment where there is
/// no configuration.
pub(super) fn keys_of(config: &Path) -> Result<(), String> {
    match configuration(config) {
        Ok(config) => begun(config.keys()),
        Err(_) => keys_of_environment(),
    }
}

/// Gives this process the keys of the environment.
pub(super) fn keys_of_environment() -> Result<(), String> {
    begun(Config::keys_of_environment())
}

fn begun(keys: Result<Keyring, Vec<Diagnostic>>) -> Result<(), String> {
    let lines = |found: Vec<Diagnostic>| {
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    at_rest::begin(keys.map_err(lines)?).map_err(|error| error.reason)
}

/// Tells how much was not compared, since its key is not here.
pub(super) fn unread(verdict: &Verdict, out: &mut impl Write) -> io::Result<()> {
    match verdict.unread {
        0 => Ok(()),
        count => writeln!(out, "sealed     {count} texts, not compared: their keys are not here"),
    }
}

/// Tells how many attachments there are, and how many were not compared.
pub(super) fn told_files(files: u64, unread: u64, out: &mut impl Write) -> io::Result<()> {
    if files > 0 {
        writeln!(out, "files      {files} attachments")?;
    }
    if unread > 0 {
        writeln!(out, "sealed     {unread} attachments, not compared: their keys are not here")?;
    }
    Ok(())
}

/// The same with another store than the configured one, where one is named.
pub(super) fn at_store<T>(
    config: &Path,
    instead: Option<&str>,
    err: &mut impl Write,
    work: impl AsyncFnOnce(Arc<dyn Store>) -> T,
) -> io::Result<Result<T, Exit>> {
    at_keys(config, (instead, Keys::Needed), err, work)
}

/// The same with or without the keys of the store.
pub(super) fn at_keys<T>(
    config: &Path,
    (instead, keys): (Option<&str>, Keys),
    err: &mut impl Write,
    work: impl AsyncFnOnce(Arc<dyn Store>) -> T,
) -> io::Result<Result<T, Exit>> {
    let address = match address(config, instead) {
        Ok(address) => address,
        Err(fault) => {
            writeln!(err, "{fault}")?;
            return Ok(Err(Exit::Faulty));
        }
    };
    if let Err(fault) = keys_of(config) {
        writeln!(err, "{fault}")?;
        return Ok(Err(Exit::Faulty));
    }
    let done = block_on(async {
        let store = match keys {
            Keys::Needed => open_store(&address).await?,
            Keys::AtHand => open_unread(&address).await?,
        };
        Ok(work(store).await)
    })?;
    match done {
        Ok(done) => Ok(Ok(done)),
        Err(error) => {
            let error: StoreError = error;
            writeln!(err, "{error}")?;
            Ok(Err(exit_of(&error)))
        }
    }
}

/// The store to work with.
pub(super) fn address(config: &Path, instead: Option<&str>) -> Result<StoreAddress, String> {
    match instead {
        Some(text) => StoreAddress::told(text),
        None => Ok(configuration(config).map_err(|error| error.to_string())?.store),
    }
}

/// How a command ends that a store could not answer.
pub(super) fn exit_of(error: &StoreError) -> Exit {
    if error.is_of_the_store() { Exit::Unreachable } else { Exit::Faulty }
}

/// What is verified.
#[derive(Debug, Args)]
pub(super) struct VerifyOptions {
    /// Only the statistics and the dossiers that they count: entries are taken as they stand.
    #[arg(long)]
    statistics: bool,
    /// Only the journal: leaves, commitments, and what entries refer to; no fold of it.
    #[arg(long, conflicts_with = "statistics")]
    journal: bool,
    #[command(flatten)]
    configured: Configured,
}

pub(super) fn verify(
    options: &VerifyOptions,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let VerifyOptions { statistics, journal, .. } = *options;
    let folder = configuration(&options.configured.config).ok().and_then(|told| told.attachments);
    let folder = folder.map(|told| told.folder);
    let read = async |store: Arc<dyn Store>| -> Result<_, StoreError> {
        let head = store.head().await?;
        if statistics {
            return Ok((head, store.recount().await?, None));
        }
        if journal {
            return Ok((head, store.audit().await?, None));
        }
        let verdict = store.verify().await?;
        let files = attachments::verify(&*store, folder.as_deref()).await?;
        Ok((head, verdict, Some((files, judging::recount(store).await?))))
    };
    let keys = (None, Keys::AtHand);
    let read = match at_keys(&options.configured.config, keys, err, read)? {
        Ok(done) => done,
        Err(exit) => return Ok(exit),
    };
    let (head, mut verdict, others) = match read {
        Ok(read) => read,
        Err(error) => {
            writeln!(err, "{error}")?;
            return Ok(Exit::Faulty);
        }
    };
    writeln!(out, "log        {}", head.log.id)?;
    for old in &head.log.ended {
        let (log_id, size) = (&old.log_id, old.size);
        writeln!(out, "before it  {log_id}, which it goes on from at entry {size}")?;
    }
    writeln!(out, "entries    {}", verdict.entries)?;
    if !statistics {
        writeln!(out, "root       {}", head.tree.root)?;
    }
    if !journal {
        writeln!(out, "dossiers   {}", verdict.dossiers)?;
        writeln!(out, "fold root  {}", verdict.fold_root)?;
    }
    if verdict.pruned > 0 {
        writeln!(out, "pruned     the raw bytes of {} messages", verdict.pruned)?;
    }
    unread(&verdict, out)?;
    if let Some((files, findings)) = others {
        let ((open, all), judged) = (findings.counts, findings.judged);
        writeln!(out, "findings   {open} open of {all}, judged up to entry {judged}")?;
        told_files(files.count, files.unread, out)?;
        verdict.faults.extend(findings.faults.into_iter().chain(files.faults));
    }
    for fault in &verdict.faults {
        writeln!(err, "{fault}")?;
    }
    match (verdict.faults.len(), statistics) {
        (0, _) if journal => {
            writeln!(out, "the journal holds: leaves, commitments, what entries refer to")?;
        }
        (0, false) => writeln!(out, "all holds: leaves, commitments, dossiers, numbers, findings")?,
        (0, true) => writeln!(out, "the statistics hold: dossiers and numbers equal a recount")?,
        (count, _) => writeln!(err, "{count} faults")?,
    }
    Ok(if verdict.faults.is_empty() { Exit::Done } else { Exit::Faulty })
}

pub(super) fn rebuild(
    config: &Path,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let rebuild = async |store: Arc<dyn Store>| {
        let read = store.rebuild().await?;
        judging::catch_up(store).await.map(|()| read)
    };
    let rebuilt = match with_store(config, err, rebuild)? {
        Ok(done) => done,
        Err(exit) => return Ok(exit),
    };
    match rebuilt {
        Ok(entries) => {
            writeln!(out, "{entries} entries read, every fold made anew")?;
            Ok(Exit::Done)
        }
        Err(error) => {
            writeln!(err, "{error}")?;
            Ok(Exit::Faulty)
        }
    }
}
