//! `lienthong verify` and `rebuild`: the store, without a running hub.

use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use super::{Exit, block_on};
use crate::{
    attachments,
    config::StoreAddress,
    hub::{configuration, open_store},
    judging,
    store::{Store, StoreError},
};

/// Opens the configured store and works with it, or says why it cannot be opened.
pub(super) fn with_store<T>(
    config: &Path,
    err: &mut impl Write,
    work: impl AsyncFnOnce(Arc<dyn Store>) -> T,
) -> io::Result<Result<T, Exit>> {
    at_store(config, None, err, work)
}

/// The same with another store than the configured one, where one is named.
pub(super) fn at_store<T>(
    config: &Path,
    instead: Option<&str>,
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
    let done = block_on(async {
        let store = open_store(&address).await?;
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

pub(super) fn verify(
    config: &Path,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let folder = configuration(config).ok().and_then(|told| told.attachments);
    let folder = folder.map(|told| told.folder);
    let read = async |store: Arc<dyn Store>| {
        let (head, verdict) = (store.head().await, store.verify().await);
        let files = attachments::verify(&*store, folder.as_deref()).await;
        (head, verdict, files, judging::recount(store).await)
    };
    let read = match with_store(config, err, read)? {
        Ok(done) => done,
        Err(exit) => return Ok(exit),
    };
    let (head, mut verdict, files, findings) = match read {
        (Ok(head), Ok(verdict), Ok(files), Ok(findings)) => (head, verdict, files, findings),
        (Err(error), ..) | (_, Err(error), ..) | (_, _, Err(error), _) | (.., Err(error)) => {
            writeln!(err, "{error}")?;
            return Ok(Exit::Faulty);
        }
    };
    writeln!(out, "log        {}", head.log_id)?;
    writeln!(out, "entries    {}", verdict.entries)?;
    writeln!(out, "root       {}", head.tree.root)?;
    writeln!(out, "dossiers   {}", verdict.dossiers)?;
    writeln!(out, "fold root  {}", verdict.fold_root)?;
    if verdict.pruned > 0 {
        writeln!(out, "pruned     the raw bytes of {} messages", verdict.pruned)?;
    }
    let ((open, all), judged) = (findings.counts, findings.judged);
    writeln!(out, "findings   {open} open of {all}, judged up to entry {judged}")?;
    verdict.faults.extend(findings.faults);
    let (count, faults) = files;
    if count > 0 {
        writeln!(out, "files      {count} attachments")?;
    }
    verdict.faults.extend(faults);
    for fault in &verdict.faults {
        writeln!(err, "{fault}")?;
    }
    match verdict.faults.len() {
        0 => writeln!(out, "all holds: leaves, commitments, dossiers, numbers, findings")?,
        count => writeln!(err, "{count} faults")?,
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
