//! `lienthong requests`: what agencies ask one another and the portal hands to them, beside
//! whatever hub carries it. Nothing personal is shown.

use std::{
    io::{self, Write},
    path::Path,
};

use clap::Subcommand;

use super::{
    Exit,
    dead::{Done, with_operations},
};
use crate::{
    api::today,
    auth::Principal,
    operations::{ExchangeKind, ExchangeQuestion, ExchangeSent, Operations, PAGE_MAX, Reader},
    registry::{
        exchange::{PORTAL, sent_by},
        measure::day_number,
    },
    store::StoreError,
};

/// What to do with requests.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// List requests, those due first first.
    List {
        /// To this agency alone.
        #[arg(long)]
        agency: Option<String>,
        /// Only those that are not due before today and that the agency has not replied to.
        #[arg(long)]
        open: bool,
    },
    /// Show how a request or an application stands.
    Show {
        /// Its id, such as so-tu-phap:cv-12 or portal:hs-7.
        id: String,
    },
}

async fn list(operations: &Operations, agency: Option<String>, open: bool) -> Done {
    let mut question = ExchangeQuestion {
        kind: ExchangeKind::Request,
        agency,
        answered: open.then_some(false),
        from_day: open.then(|| day_number(today())),
        latest: false,
        after: None,
        limit: PAGE_MAX,
    };
    let (mut told, mut count) = (String::new(), 0_u64);
    loop {
        let page = operations.exchanged(&public(), &question).await?;
        for one in page.items {
            let ExchangeSent::Request(sent) = &one.sent else { continue };
            let text = |name: &str| sent[name].as_str().unwrap_or_default().to_owned();
            let state = if one.answered { "replied" } else { "open" };
            let (id, agency, due) = (text("id"), text("agency"), text("due_at"));
            told.push_str(&format!("{id}\t{agency}\t{due}\t{state}\t{}\n", one.position));
            count += 1;
        }
        question.after = page.next;
        if question.after.is_none() {
            told.push_str(&format!("{count} requests\n"));
            return Ok((told, Exit::Done));
        }
    }
}

/// Who runs the hub, and reads nothing personal here.
fn public() -> Reader {
    Reader::of_public(Principal::Operator)
}

async fn show(operations: &Operations, id: &str) -> Done {
    let (who, of_portal) = (public(), sent_by(id).is_some_and(|(by, _)| by == PORTAL));
    let found = match of_portal {
        true => operations.application(&who, id).await?,
        false => operations.request(&who, id).await?,
    };
    let Some(found) = found else {
        return Ok((format!("there is no request or application {id}\n"), Exit::Faulty));
    };
    let text = serde_json::to_string_pretty(&found);
    let text = text.map_err(|error| StoreError::fault(error.to_string()))?;
    Ok((format!("{text}\n"), Exit::Done))
}

pub(super) fn run(
    config: &Path,
    action: &Action,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<Exit> {
    with_operations(config, (out, err), async |operations| match action {
        Action::List { agency, open } => list(operations, agency.clone(), *open).await,
        Action::Show { id } => show(operations, id).await,
    })
}
