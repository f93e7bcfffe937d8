//! `lienthong retranslate`: kept messages once more, after a mapping was mended.

use std::{
    io::{self, Write},
    sync::Arc,
};

use contracts::Contracts;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Configured, Exit, faulty, journal, progress::Lines};
use crate::{
    catalog::{self, Catalog},
    catalogue::Held,
    hub::{configuration, routes},
    journey::Journey,
    lasting::Lasting,
    operations::{Operations, Retranslate, Retranslated},
    store::{Store, StoreError},
    telemetry::Telemetry,
};

/// How many messages later it is told again how far it is.
const TOLD_EVERY: u64 = 1_024;

/// What is translated again.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Channel, as agency.channel.
    channel: String,
    /// Only messages of which something was refused.
    #[arg(long)]
    refused: bool,
    /// Only messages recorded at this time or later, such as 2026-11-20T00:00:00Z.
    #[arg(long)]
    since: Option<jiff::Timestamp>,
    /// Only tell what would change.
    #[arg(long)]
    dry_run: bool,
    /// Deliver what changes, as if it had just been sent.
    #[arg(long)]
    deliver: bool,
    #[command(flatten)]
    configured: Configured,
}

async fn work(
    asked: &Retranslate,
    (catalog, contracts, ways): (Catalog, Contracts, crate::journey::route::Routes),
    store: Arc<dyn Store>,
) -> Result<Retranslated, StoreError> {
    let gazetteer = Arc::new(catalog::gazetteer().map_err(StoreError::fault)?);
    let (catalog, contracts) = (Arc::new(catalog), Arc::new(contracts));
    let operations = Operations { catalog: catalog.clone(), ..Operations::of(store.clone()) };
    let lasting = Lasting::new(Telemetry::shared(), CancellationToken::new());
    let ways = (Arc::new(ways), Arc::new(Notify::new()), &lasting);
    let held = Held::default();
    held.refresh(&*store).await?;
    let journey = Journey::start(catalog, contracts, gazetteer, store, ways, held);
    let mut lines = Lines::new();
    let mut tell = |messages: u64| {
        if messages.is_multiple_of(TOLD_EVERY) {
            lines.step(&format!("{messages} messages translated again"));
        }
    };
    operations.retranslate(&journey, asked, &mut tell).await
}

pub(super) fn run(
    options: &Options,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let config = match configuration(&options.configured.config) {
        Ok(config) => config,
        Err(error) => {
            writeln!(err, "{error}")?;
            return Ok(Exit::Faulty);
        }
    };
    let contracts = Contracts::builtin().map_err(io::Error::other)?;
    let loaded = Catalog::load(&config.agencies, &contracts).and_then(|catalog| {
        let ways = routes(&config, &catalog, &contracts)?;
        Ok((catalog, ways))
    });
    let (catalog, ways) = match loaded {
        Ok(loaded) => loaded,
        Err(found) => return faulty(&found, err),
    };
    let asked = Retranslate {
        channel: options.channel.clone(),
        refused: options.refused,
        since: options.since,
        dry_run: options.dry_run,
        deliver: options.deliver,
    };
    let parts = (catalog, contracts, ways);
    let run = async |store: Arc<dyn Store>| work(&asked, parts, store).await;
    match journal::with_store(&options.configured.config, err, run)? {
        Err(exit) => Ok(exit),
        Ok(Err(error)) => {
            writeln!(err, "{}", error.reason)?;
            Ok(journal::exit_of(&error))
        }
        Ok(Ok(done)) => tell(&done, options.dry_run, out),
    }
}

fn tell(done: &Retranslated, dry_run: bool, out: &mut impl Write) -> io::Result<Exit> {
    for one in &done.differences {
        let record = one.record.map(|record| format!(" record {record}")).unwrap_or_default();
        writeln!(out, "{}{record} ({}): {}", one.message, one.key, one.members.join("; "))?;
    }
    let are = if dry_run { "would be" } else { "are" };
    let Retranslated { messages, unchanged, taken, stored, superseding, refused, .. } = done;
    writeln!(out, "{messages} messages translated again: {unchanged} come out as before")?;
    writeln!(
        out,
        "{taken} {are} taken again: {stored} records {are} stored that were not, {superseding} \
         supersede what was told, {refused} stay refused"
    )?;
    if done.overtaken > 0 {
        let count = done.overtaken;
        writeln!(out, "{count} records stay as they are: their source has spoken of them since")?;
    }
    if done.left > 0 {
        let count = done.left;
        writeln!(out, "{count} messages stay as they are: a record or its key would be lost")?;
    }
    if done.erased > 0 {
        let count = done.erased;
        writeln!(out, "{count} messages have no raw bytes any more: a person in them was erased")?;
    }
    if done.pruned > 0 {
        writeln!(out, "{} messages have no raw bytes any more", done.pruned)?;
    }
    Ok(Exit::Done)
}
