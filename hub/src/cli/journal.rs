//! `lienthong verify`, `rebuild` and `migrate`: the store, without a running hub.

use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use super::{Exit, block_on};
use crate::{
    hub::{HubError, configuration, open_store},
    store::{Store, StoreError},
};

/// Opens the configured store and works with it, or says why it cannot be opened.
pub(super) fn with_store<T>(
    config: &Path,
    err: &mut impl Write,
    work: impl AsyncFnOnce(Arc<dyn Store>) -> T,
) -> io::Result<Option<T>> {
    let done = match configuration(config) {
        Ok(config) => block_on(async {
            let store = open_store(&config.store).await.map_err(HubError::from)?;
            Ok(work(store).await)
        })?,
        Err(error) => Err(error),
    };
    match done {
        Ok(done) => Ok(Some(done)),
        Err(error) => {
            writeln!(err, "{error}")?;
            Ok(None)
        }
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
    let read = async |store: Arc<dyn Store>| (store.head().await, store.verify().await);
    let Some(read) = with_store(config, err, read)? else { return Ok(Exit::Faulty) };
    let (head, verdict) = match read {
        (Ok(head), Ok(verdict)) => (head, verdict),
        (Err(error), _) | (_, Err(error)) => {
            writeln!(err, "{error}")?;
            return Ok(Exit::Faulty);
        }
    };
    writeln!(out, "log        {}", head.log_id)?;
    writeln!(out, "entries    {}", verdict.entries)?;
    writeln!(out, "root       {}", head.tree.root)?;
    writeln!(out, "dossiers   {}", verdict.dossiers)?;
    writeln!(out, "fold root  {}", verdict.fold_root)?;
    for fault in &verdict.faults {
        writeln!(err, "{fault}")?;
    }
    match verdict.faults.len() {
        0 => writeln!(out, "all holds: leaves, commitments, dossiers, numbers")?,
        count => writeln!(err, "{count} faults")?,
    }
    Ok(if verdict.faults.is_empty() { Exit::Done } else { Exit::Faulty })
}

pub(super) fn rebuild(
    config: &Path,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let rebuild = async |store: Arc<dyn Store>| store.rebuild().await;
    let Some(rebuilt) = with_store(config, err, rebuild)? else { return Ok(Exit::Faulty) };
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

/// Opening brings the schema up to date.
pub(super) fn migrate(
    config: &Path,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let Some(()) = with_store(config, err, async |_| ())? else { return Ok(Exit::Faulty) };
    writeln!(out, "the schema is up to date")?;
    Ok(Exit::Done)
}
