//! `lienthong dead`, `pause`, `resume`, `drain`: deliveries, beside whatever hub makes them.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Subcommand;
use contracts::Contracts;

use super::{Configured, Exit, journal};
use crate::{
    auth::Principal,
    hub::configuration,
    operations::{Operations, PAGE_MAX, Pace},
    store::{
        Store, StoreError,
        deliveries::{DeadId, DeadQuery, Running},
    },
};

/// Which dead letters.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Filter {
    /// To this outbound channel alone.
    #[arg(long)]
    channel: Option<String>,
    /// Of this cause alone: refused or expired.
    #[arg(long)]
    cause: Option<String>,
    /// Given up on this day, in Vietnam.
    #[arg(long)]
    day: Option<jiff::civil::Date>,
}

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// List them, oldest first.
    List {
        #[command(flatten)]
        filter: Filter,
        /// Also those of which something was decided.
        #[arg(long)]
        all: bool,
    },
    /// Show one with what would be sent of it.
    Show {
        /// As in the list.
        id: DeadId,
        /// Write what would be sent to this file, for editing.
        #[arg(long)]
        payload: Option<PathBuf>,
    },
    /// Put them back into the outbox: one, or all that a filter finds.
    Replay {
        /// As in the list.
        id: Option<DeadId>,
        #[command(flatten)]
        filter: Filter,
        /// Send the text of this file in its place; the original stays.
        #[arg(long, requires = "id")]
        body: Option<PathBuf>,
        /// Only count them.
        #[arg(long)]
        dry_run: bool,
        /// How many are put back in a second, at most.
        #[arg(long, default_value_t = 50)]
        per_second: u32,
        /// Why.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Decide that one is never delivered.
    Discard {
        /// As in the list.
        id: DeadId,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

impl Filter {
    fn query(&self, state: Option<&str>) -> DeadQuery {
        let at = |day: jiff::civil::Date| {
            let at = jiff::tz::offset(7).to_timestamp(day.at(0, 0, 0, 0)).ok();
            at.and_then(|at| u64::try_from(at.as_millisecond()).ok())
        };
        DeadQuery {
            channel: self.channel.clone(),
            cause: self.cause.clone(),
            state: state.map(ToOwned::to_owned),
            from: self.day.and_then(at),
            to: self.day.and_then(|day| at(day.tomorrow().ok()?)),
            after: None,
            limit: PAGE_MAX,
        }
    }
}

/// What a command came to: its words, and how it ends.
pub(super) type Done = Result<(String, Exit), StoreError>;

fn lines(done: impl IntoIterator<Item = String>) -> String {
    done.into_iter().map(|line| format!("{line}\n")).collect()
}

async fn list(operations: &Operations, mut query: DeadQuery) -> Done {
    let mut told = Vec::new();
    loop {
        let page = operations.dead(&Principal::Operator, query.clone()).await?;
        for one in page.letters {
            let (told_of, attempts) = (one.told.replace(['\n', '\t'], " "), one.attempts);
            told.push(format!(
                "{}\t{}\t{}\t{attempts}\t{}\t{told_of}",
                one.id, one.buried_at, one.cause, one.state
            ));
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    let count = told.len();
    Ok((lines(told.into_iter().chain([format!("{count} dead letters")])), Exit::Done))
}

async fn show(operations: &Operations, id: &DeadId, file: Option<&Path>) -> Done {
    let Some(whole) = operations.dead_letter(id.clone()).await? else {
        return Ok((format!("there is no dead letter {id}\n"), Exit::Faulty));
    };
    let text = serde_json::to_string_pretty(&whole.letter);
    let mut text = text.map_err(|error| StoreError::fault(error.to_string()))?;
    text.push('\n');
    match (whole.message, file) {
        (Err(told), _) => text.push_str(&format!("{told}\n")),
        (Ok(message), None) => {
            text.push_str(&format!("{}\n", String::from_utf8_lossy(&message.payload)));
        }
        (Ok(message), Some(file)) => {
            fs::write(file, &message.payload)
                .map_err(|error| StoreError::fault(format!("{}: {error}", file.display())))?;
        }
    }
    Ok((text, Exit::Done))
}

async fn acted(operations: &Operations, action: &Action) -> Done {
    match action {
        Action::List { filter, all } => {
            list(operations, filter.query((!all).then_some("waiting"))).await
        }
        Action::Show { id, payload } => show(operations, id, payload.as_deref()).await,
        Action::Replay { id: Some(id), body, dry_run, reason, .. } => {
            if *dry_run {
                return show(operations, id, None).await;
            }
            let body = body.as_ref().map(fs::read).transpose();
            let body = body.map_err(|error| StoreError::fault(error.to_string()))?;
            match operations.replay(id.clone(), body, reason).await? {
                true => Ok((format!("{id} is in the outbox again\n"), Exit::Done)),
                false => Ok((format!("nothing waits under {id}\n"), Exit::Faulty)),
            }
        }
        Action::Replay { id: None, filter, dry_run, per_second, reason, .. } => {
            let pace = Pace { dry_run: *dry_run, per_second: *per_second };
            let done = operations.replay_all(filter.query(None), reason, pace).await?;
            let verb = if *dry_run { "would be put back" } else { "were put back" };
            let count = if *dry_run { done.found } else { done.replayed };
            Ok((format!("{count} of {} dead letters {verb}\n", done.found), Exit::Done))
        }
        Action::Discard { id, reason } => match operations.discard(id.clone(), reason).await? {
            true => Ok((format!("{id} is never delivered\n"), Exit::Done)),
            false => Ok((format!("nothing waits under {id}\n"), Exit::Faulty)),
        },
    }
}

/// Runs work over the configured store with the configured agencies.
pub(super) fn with_operations(
    config: &Path,
    (out, err): (&mut impl Write, &mut impl Write),
    work: impl AsyncFnOnce(&Operations) -> Done,
) -> io::Result<Exit> {
    let contracts = Contracts::builtin().map_err(io::Error::other)?;
    let agencies = configuration(config).map(|config| config.agencies);
    let run = async |store: Arc<dyn Store>| -> Done {
        // A fault in it is told by whoever opens the store.
        let folder = agencies.map_err(|error| StoreError::fault(error.to_string()))?;
        let operations = Operations::of(store).with_agencies(&folder, &contracts);
        let operations = operations.map_err(|found| {
            let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
            StoreError::fault(lines.join("\n"))
        })?;
        work(&operations).await
    };
    match journal::with_store(config, err, run)? {
        Err(exit) => Ok(exit),
        Ok(Ok((text, exit))) => {
            match exit {
                Exit::Done => write!(out, "{text}")?,
                _ => write!(err, "{text}")?,
            }
            Ok(exit)
        }
        Ok(Err(error)) => {
            writeln!(err, "{}", error.reason)?;
            Ok(journal::exit_of(&error))
        }
    }
}

pub(super) fn run(
    config: &Path,
    action: &Action,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    with_operations(config, (out, err), async |operations| acted(operations, action).await)
}

/// An outbound channel, and why something is decided of it.
#[derive(Debug, clap::Args)]
pub(super) struct Channel {
    /// The outbound channel, as agency.channel.
    channel: String,
    /// Why.
    #[arg(long, default_value = "người vận hành; operator")]
    reason: String,
    #[command(flatten)]
    pub(super) configured: Configured,
}

/// Pauses, resumes or drains a channel.
pub(super) fn steer(
    told: &Channel,
    state: Running,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    with_operations(&told.configured.config, (out, err), async |operations| {
        let channel = &told.channel;
        if !operations.has_outbound(channel).await? {
            let known: Vec<&str> = operations.catalog.outbound.keys().map(|id| &**id).collect();
            let text = format!("there is no outbound channel `{channel}`; {}\n", known.join(", "));
            return Ok((text, Exit::Faulty));
        }
        let changed = operations.steer(channel, state, &told.reason).await?;
        let is = if changed { "is" } else { "was already, or stays," };
        Ok((format!("{channel} {is} {}\n", state.name()), Exit::Done))
    })
}
