//! `lienthong subscriptions`: who is sent events by webhooks, beside whatever hub sends them. No
//! secret is shown.

use std::{
    io::{self, Write},
    path::Path,
};

use clap::Subcommand;

use super::{
    Exit,
    dead::{Done, with_operations},
};
use crate::{auth::Principal, operations::Operations, store::StoreError};

/// What to do with subscriptions.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// List all, with owner, feed, state and how far behind each is.
    List,
    /// Show one, with its last attempts.
    Show {
        /// Its id.
        id: String,
    },
    /// Send again from where it stands.
    Enable {
        /// Its id.
        id: String,
    },
    /// Send nothing any more; where it stands is kept.
    Disable {
        /// Its id.
        id: String,
    },
}

/// Whoever has the store is its operator.
const WHO: Principal = Principal::Operator;

async fn list(operations: &Operations) -> Done {
    let all = operations.subscriptions(&WHO).await?;
    let mut told = String::new();
    for one in &all {
        let state = match &one.reason {
            Some(reason) => format!("{} ({reason})", one.state),
            None => one.state.to_owned(),
        };
        let (id, owner, feed, lag) = (&one.id, &one.owner, &one.feed, one.lag);
        told.push_str(&format!("{id}\t{owner}\t{feed}\t{state}\t{lag} behind\t{}\n", one.url));
    }
    told.push_str(&format!("{} subscriptions\n", all.len()));
    Ok((told, Exit::Done))
}

fn missing(id: &str) -> (String, Exit) {
    (format!("there is no subscription {id}\n"), Exit::Faulty)
}

async fn show(operations: &Operations, id: &str) -> Done {
    let Some(found) = operations.subscription(&WHO, id).await? else { return Ok(missing(id)) };
    let text = serde_json::to_string_pretty(&found);
    let text = text.map_err(|error| StoreError::fault(error.to_string()))?;
    Ok((format!("{text}\n"), Exit::Done))
}

async fn switch(operations: &Operations, id: &str, on: bool) -> Done {
    if !operations.switch(&WHO, id, on).await? {
        return Ok(missing(id));
    }
    let is = if on { "enabled: it goes on from where it stood" } else { "disabled" };
    Ok((format!("{id} is {is}\n"), Exit::Done))
}

pub(super) fn run(
    config: &Path,
    action: &Action,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    with_operations(config, (out, err), async |operations| match action {
        Action::List => list(operations).await,
        Action::Show { id } => show(operations, id).await,
        Action::Enable { id } => switch(operations, id, true).await,
        Action::Disable { id } => switch(operations, id, false).await,
    })
}
