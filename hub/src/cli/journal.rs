//! `lienthong verify`, `rebuild` and `migrate`: the store, without a running hub.

use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use super::{Exit, block_on};
use crate::{
    hub::{HubError, configuration, open_store},
    store::Store,
};

/// Opens the configured store, or says why not.
pub(super) fn open(config: &Path, err: &mut impl Write) -> io::Result<Option<Arc<dyn Store>>> {
    let opened =
        configuration(config).and_then(|config| open_store(&config.store).map_err(HubError::from));
    match opened {
        Ok(store) => Ok(Some(store)),
        Err(error) => {
            writeln!(err, "{error}")?;
            Ok(None)
        }
    }
}

pub(super) fn verify(
    config: &Path,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let Some(store) = open(config, err)? else { return Ok(Exit::Faulty) };
    let (head, verdict) = block_on(async { (store.head().await, store.verify().await) })?;
    let (head, verdict) = match (head, verdict) {
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
    let Some(store) = open(config, err)? else { return Ok(Exit::Faulty) };
    match block_on(store.rebuild())? {
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
    let Some(_) = open(config, err)? else { return Ok(Exit::Faulty) };
    writeln!(out, "the schema is up to date")?;
    Ok(Exit::Done)
}
