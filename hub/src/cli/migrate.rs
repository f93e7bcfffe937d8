//! `lienthong migrate`: a store's schema, brought to what this program needs.

use std::io::{self, Write};

use super::{Configured, Exit, block_on, journal};
use crate::{
    config::StoreAddress,
    hub,
    store::{StoreError, schema::Outlook},
};

/// Which store.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Only tell what would be done.
    #[arg(long)]
    dry_run: bool,
    /// This store instead of the configured one: for the role that owns it.
    #[arg(long)]
    store: Option<String>,
    #[command(flatten)]
    configured: Configured,
}

/// What is to be done, in words.
fn told(outlook: &Outlook) -> String {
    let missing: Vec<String> =
        outlook.missing().map(|(number, one)| format!("{number} {}", one.name)).collect();
    match (outlook.have, missing.is_empty()) {
        (have, true) => format!("the schema is up to date: {have}"),
        (0, false) => format!("a new store; to do: {}", missing.join(", ")),
        (have, false) => {
            let of = outlook.known.len();
            format!("schema {have} of {of}; to do: {}", missing.join(", "))
        }
    }
}

async fn work(
    address: &StoreAddress,
    dry_run: bool,
    out: &mut impl Write,
) -> Result<io::Result<()>, StoreError> {
    let outlook = hub::outlook(address).await?;
    let mut lines = vec![told(&outlook)];
    if outlook.next().is_some() && !dry_run {
        if outlook.have > 0 {
            if let Err(error) = writeln!(out, "{}", lines.remove(0)).and_then(|()| out.flush()) {
                return Ok(Err(error));
            }
            while let Some((number, migration)) = hub::migrate_next(address).await? {
                lines.push(format!("{number} {}: done", migration.name));
            }
        }
        // What a new store needs beside its schema, and whether the journal ends as it should.
        drop(hub::open_unread(address).await?);
        lines.push(told(&hub::outlook(address).await?));
    }
    Ok(lines.iter().try_for_each(|line| writeln!(out, "{line}")))
}

pub(super) fn run(
    options: &Options,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let address = match journal::address(&options.configured.config, options.store.as_deref()) {
        Ok(address) => address,
        Err(fault) => {
            writeln!(err, "{fault}")?;
            return Ok(Exit::Faulty);
        }
    };
    match block_on(work(&address, options.dry_run, out))? {
        Ok(written) => written.map(|()| Exit::Done),
        Err(error) => {
            writeln!(err, "{}", error.reason)?;
            Ok(journal::exit_of(&error))
        }
    }
}
