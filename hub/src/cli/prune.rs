//! `lienthong prune`: raw bytes that are old, files that nothing names, and accesses to personal
//! data.

use std::{
    io::{self, Write},
    sync::Arc,
};

use super::{Configured, Exit, journal, progress::Lines};
use crate::{
    attachments,
    hub::configuration,
    operations::pruning,
    store::{Store, StoreError, attachments::names_read, pruning::Raw},
};

/// What is dropped.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Drop what was recorded so long ago: a number of days, such as 180d.
    #[arg(long, value_parser = days, allow_hyphen_values = true,
          required_unless_present_any = ["accesses_older_than", "unnamed_files_older_than"])]
    older_than: Option<u32>,
    /// Remove attached files that no record names and that were sent last so long ago.
    #[arg(long, value_parser = days, allow_hyphen_values = true)]
    unnamed_files_older_than: Option<u32>,
    /// Drop from the log of accesses to personal data what was written so long ago.
    #[arg(long, value_parser = days, allow_hyphen_values = true, conflicts_with = "dry_run")]
    accesses_older_than: Option<u32>,
    /// Only tell what would be dropped.
    #[arg(long)]
    dry_run: bool,
    /// Afterwards write a SQLite file anew without its free room; senders wait meanwhile.
    #[arg(long)]
    compact: bool,
    /// This store instead of the configured one: for the role that owns it.
    #[arg(long)]
    store: Option<String>,
    #[command(flatten)]
    configured: Configured,
}

fn days(text: &str) -> Result<u32, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse().ok());
    days.ok_or_else(|| "write a number of days, such as 180d".to_owned())
}

fn mebibytes(bytes: u64) -> u64 {
    bytes.div_ceil(1024 * 1024)
}

async fn work(options: &Options, store: &dyn Store) -> Result<String, StoreError> {
    let mut told = String::new();
    if let Some(days) = options.accesses_older_than {
        let dropped = store.drop_accesses(pruning::days_ago(days)).await?;
        told.push_str(&format!("dropped: {dropped} accesses\n"));
    }
    if let Some(days) = options.unnamed_files_older_than {
        told.push_str(&unnamed(options, store, days).await?);
    }
    let Some(days) = options.older_than else { return Ok(told) };
    let old = store.older(pruning::days_ago(days)).await?;
    if options.dry_run {
        return Ok(told + &of_raw("to drop", old.raw));
    }
    let mut lines = Lines::new();
    let mut tell = |done: Raw| {
        lines.count("pruning messages", done.messages, old.raw.messages);
    };
    let all = pruning::run(store, old, &mut tell).await?;
    if options.compact {
        store.compact().await?;
    }
    Ok(told + &of_raw("dropped", all))
}

/// Removes the files that no record names, or tells how many there are.
async fn unnamed(options: &Options, store: &dyn Store, days: u32) -> Result<String, StoreError> {
    names_read(store).await?;
    let (count, bytes) = store.unnamed(pruning::days_ago(days), !options.dry_run).await?;
    let verb = if options.dry_run { "to drop" } else { "dropped" };
    if !options.dry_run {
        let config = configuration(&options.configured.config).ok();
        let folder = config.and_then(|told| told.attachments).map(|told| told.folder);
        attachments::clear(store, folder.as_deref()).await?;
    }
    let size = mebibytes(bytes);
    Ok(format!("{verb}: {count} attached files that no record names, {size} MiB\n"))
}

fn of_raw(verb: &str, Raw { messages, bytes }: Raw) -> String {
    format!("{verb}: the raw bytes of {messages} messages, {} MiB\n", mebibytes(bytes))
}

pub(super) fn run(
    options: &Options,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let prune = async |store: Arc<dyn Store>| work(options, &*store).await;
    let config = &options.configured.config;
    let done = match journal::at_store(config, options.store.as_deref(), err, prune)? {
        Ok(done) => done,
        Err(exit) => return Ok(exit),
    };
    match done {
        Ok(told) => {
            write!(out, "{told}")?;
            Ok(Exit::Done)
        }
        Err(error) => {
            writeln!(err, "{}", error.reason)?;
            Ok(journal::exit_of(&error))
        }
    }
}
