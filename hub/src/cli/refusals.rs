//! `lienthong refusals`: what the agency of a channel has yet to mend.

use std::{
    io::{self, Write},
    sync::Arc,
};

use super::{Configured, Exit, journal};
use crate::{
    operations::{OpenRefusals, Operations, PAGE_MAX, RefusalQuestion},
    store::{Store, StoreError},
};

/// What is asked.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Channel, as agency.channel.
    channel: String,
    /// Only those with a problem of this code.
    #[arg(long)]
    rule: Option<String>,
    /// How many are shown; all are counted.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    /// Settle those of the message of this id by hand: they were mended otherwise.
    #[arg(long, conflicts_with = "rule")]
    settle: Option<String>,
    #[command(flatten)]
    configured: Configured,
}

/// What was asked for, or how many were settled.
enum Done {
    Told(Box<OpenRefusals>),
    Settled(u64),
}

async fn work(options: &Options, store: Arc<dyn Store>) -> Result<Done, StoreError> {
    let operations = Operations::of(store);
    if let Some(id) = &options.settle {
        return operations.settle_refusals(&options.channel, id).await.map(Done::Settled);
    }
    let question = RefusalQuestion {
        channel: options.channel.clone(),
        rule: options.rule.clone(),
        before: None,
        limit: options.limit.min(PAGE_MAX),
    };
    Ok(Done::Told(Box::new(operations.open_refusals(question).await?)))
}

pub(super) fn run(
    options: &Options,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    let ask = async |store: Arc<dyn Store>| work(options, store).await;
    match journal::with_store(&options.configured.config, err, ask)? {
        Err(exit) => return Ok(exit),
        Ok(Err(error)) => {
            writeln!(err, "{error}")?;
            return Ok(journal::exit_of(&error));
        }
        Ok(Ok(Done::Settled(settled))) => writeln!(out, "{settled} refusals settled")?,
        Ok(Ok(Done::Told(told))) => tell(&told, out)?,
    }
    Ok(Exit::Done)
}

fn tell(told: &OpenRefusals, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}: {} refusals are open", told.channel, told.open)?;
    for count in &told.by_rule {
        writeln!(out, "  {}\t{}", count.refusals, count.rule)?;
    }
    for one in &told.refusals {
        let record = one.refusal.record.map(|record| format!(" record {record}"));
        let key = one.key.as_ref().map(|key| format!(" ({key})"));
        let (record, key) = (record.unwrap_or_default(), key.unwrap_or_default());
        writeln!(out, "{} {}{record}{key}", one.recorded_at, one.message)?;
        for problem in &one.refusal.problems {
            let place = problem.place.path.as_deref().unwrap_or(&problem.pointer);
            let line = problem.place.line.map(|line| format!(":{line}")).unwrap_or_default();
            writeln!(out, "  {} {place}{line}: {}", problem.code, problem.detail.vi)?;
            writeln!(out, "    → {}\n    → {}", problem.advice.vi, problem.advice.en)?;
        }
    }
    Ok(())
}
