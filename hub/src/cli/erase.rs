//! `lienthong erase`: the persons of a dossier, on request; and the erasures there were.

use std::{
    io::{self, Write},
    sync::Arc,
};

use super::{Configured, Exit, journal};
use crate::{
    hub::configuration,
    operations::{ErasureAsked, Operations, PAGE_MAX, REASON_CHARS_MAX, agency_of, is_reason},
    registry::AskedBy,
    store::{
        Store, StoreError,
        attachments::NamedFiles,
        erasures::{Erasable, Erased, Erasure, related},
    },
};

/// Whose persons, and why.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// A code of the dossier: the national one, or a source's own.
    #[arg(required_unless_present = "list")]
    code: Option<String>,
    /// The source, where several dossiers bear that code.
    #[arg(long)]
    source: Option<String>,
    /// Who asked: subject, representative, agency or authority.
    #[arg(long, value_parser = asked_by, default_value = "subject")]
    asked_by: AskedBy,
    /// Why: the number of a document, or words. The journal keeps it for ever: nothing personal.
    #[arg(long, value_parser = reason, required_unless_present = "list")]
    reason: Option<String>,
    /// Erase. Without this it is only told what would go.
    #[arg(long)]
    yes: bool,
    /// Afterwards write a SQLite file anew, so that nothing is left in its free room either.
    #[arg(long, requires = "yes")]
    compact: bool,
    /// List the erasures there were, with nothing else.
    #[arg(long, conflicts_with_all = ["code", "source", "reason", "yes"])]
    list: bool,
    /// This store instead of the configured one: for the role that owns it.
    #[arg(long)]
    store: Option<String>,
    #[command(flatten)]
    configured: Configured,
}

fn asked_by(text: &str) -> Result<AskedBy, String> {
    let found = AskedBy::NAMES.into_iter().find(|(name, _)| *name == text);
    let names = || AskedBy::NAMES.map(|(name, _)| name).join(", ");
    found.map(|(_, asked)| asked).ok_or_else(|| format!("write one of {}", names()))
}

fn reason(text: &str) -> Result<String, String> {
    match is_reason(text) {
        true => Ok(text.to_owned()),
        false => Err(format!("write one line of 1 to {REASON_CHARS_MAX} letters")),
    }
}

/// What came of it.
enum Told {
    /// The code is of no dossier.
    Nothing,
    /// It is of several.
    Several(Vec<String>),
    /// What would go.
    Would(Erasable),
    /// What went.
    Done(Erased),
    /// The erasures there were.
    All(Vec<Erasure>),
}

async fn work(options: &Options, store: Arc<dyn Store>) -> Result<Told, StoreError> {
    let operations = Operations::of(store.clone());
    let (Some(code), Some(reason), false) = (&options.code, &options.reason, options.list) else {
        return all(&operations).await;
    };
    let found = operations.bearing(code, options.source.as_deref()).await?;
    let mut keys: Vec<String> = found.into_iter().map(|row| row.key).collect();
    let Some(key) = keys.pop() else { return Ok(Told::Nothing) };
    if !keys.is_empty() {
        keys.push(key);
        return Ok(Told::Several(keys));
    }
    if !options.yes {
        return Ok(Told::Would(operations.erasable(key).await?));
    }
    let asked = ErasureAsked {
        code: code.clone(),
        source: options.source.clone(),
        asked_by: options.asked_by,
        reason: reason.clone(),
    };
    let config = configuration(&options.configured.config).ok();
    let folder = config.and_then(|told| told.attachments).map(|told| told.folder);
    let done = operations.erase((key, folder.as_deref()), &asked).await?;
    if options.compact {
        store.compact().await?;
    }
    Ok(Told::Done(done))
}

/// All erasures there were, page by page.
async fn all(operations: &Operations) -> Result<Told, StoreError> {
    let mut all: Vec<Erasure> = Vec::new();
    loop {
        let after = all.last().map(|one| one.position);
        let page = operations.erasures(after, PAGE_MAX).await?;
        let ended = page.len() < PAGE_MAX as usize;
        all.extend(page);
        if ended {
            return Ok(Told::All(all));
        }
    }
}

pub(super) fn run(
    options: &Options,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let erase = async |store: Arc<dyn Store>| work(options, store).await;
    let config = &options.configured.config;
    let done = match journal::at_store(config, options.store.as_deref(), err, erase)? {
        Ok(done) => done,
        Err(exit) => return Ok(exit),
    };
    match done {
        Ok(told) => tell(told, out, err),
        Err(error) => {
            writeln!(err, "{}", error.reason)?;
            Ok(journal::exit_of(&error))
        }
    }
}

fn tell(told: Told, out: &mut impl Write, err: &mut impl Write) -> io::Result<Exit> {
    match told {
        Told::Nothing | Told::Done(Erased::Unknown) => {
            writeln!(err, "there is no dossier with this code")?;
            return Ok(Exit::Faulty);
        }
        Told::Several(keys) => {
            writeln!(err, "several dossiers bear this code: choose one with --source")?;
            for key in keys {
                writeln!(err, "  {key}")?;
            }
            return Ok(Exit::Faulty);
        }
        Told::Would(found) if found.is_done() => before(&found, out)?,
        Told::Would(found) => {
            shares(&found, "would go", out)?;
            writeln!(out, "nothing was erased: add --yes, and it is for good")?;
        }
        Told::Done(Erased::Before(found)) => before(&found, out)?,
        Told::Done(Erased::Now(found, erasure)) => {
            shares(&found, "erased", out)?;
            let Erasure { position, recorded_at, .. } = erasure;
            writeln!(out, "entry {position} of the journal tells it, at {recorded_at}")?;
            writeln!(out, "backups made before hold these persons still: see personal-data.md")?;
        }
        Told::All(all) => {
            for Erasure { position, recorded_at, text } in all {
                let (names, (_, asked)) = (text.names.join(" "), text.asked_by.words());
                let reason = text.reason;
                writeln!(out, "{position} {recorded_at} {names}: asked by {asked}; {reason}")?;
            }
        }
    }
    Ok(Exit::Done)
}

fn before(found: &Erasable, out: &mut impl Write) -> io::Result<()> {
    let position = found.before.values().min().copied().unwrap_or_default();
    writeln!(out, "erased before, by entry {position}: nothing is left to erase")
}

/// What each agency has brought by each channel.
fn shares(found: &Erasable, verb: &str, out: &mut impl Write) -> io::Result<()> {
    for name in &found.names {
        let what = related::word(name);
        writeln!(out, "{what:<10} {name}")?;
    }
    for (channel, share) in &found.shares {
        let agency = agency_of(channel);
        let channel = channel.get(agency.len() + 1..).unwrap_or_default();
        let (texts, messages, bytes) = (share.texts, share.messages, share.bytes);
        writeln!(
            out,
            "{verb:<10} {agency}, channel {channel}: {texts} personal texts, the raw bytes of \
             {messages} messages ({bytes} bytes)"
        )?;
        if share.others > 0 {
            let others = share.others;
            writeln!(out, "           {others} records of others came with them and stay")?;
        }
    }
    if found.letters > 0 {
        writeln!(out, "{verb:<10} {} texts of deliveries", found.letters)?;
    }
    let NamedFiles { going, bytes, staying } = &found.files;
    if !going.is_empty() {
        writeln!(out, "{verb:<10} {} attached files ({bytes} bytes)", going.len())?;
    }
    if *staying > 0 {
        writeln!(out, "           {staying} attached files are named by others too and stay")?;
    }
    Ok(())
}
