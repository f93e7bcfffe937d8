//! The feed of notices: what watches are to be told of their dossiers (decision 54).

use std::collections::BTreeSet;

use contracts::notice::Notice;
use jiff::Timestamp;

use super::{Audience, Fed, Place, event};
use crate::{
    auth::Principal,
    journal::log::Log,
    operations::Operations,
    registry::{DossierState, exchange, lookup::next_step},
    store::{StoreError, watches::Noticed},
};

/// Positions that are looked at for one answer: most change a dossier that nobody watches.
const POSITIONS_MAX: u64 = 10_000;

/// What is told after a place. A place is a position and the last watch that was told of it; where
/// all are, the position after those that were looked at.
pub(super) async fn scan(
    operations: &Operations,
    log: &Log,
    from: &Place,
    rows: u32,
) -> Result<(Vec<Fed>, Place), StoreError> {
    // Asked before the dossiers are read: all changes before it are there then.
    let size = operations.store.head().await?.tree.size;
    let to = from.0.saturating_add(POSITIONS_MAX).min(size);
    if from.0 >= to {
        return Ok((Vec::new(), from.clone()));
    }
    let now = Timestamp::now().as_millisecond();
    let found = operations.store.notices(from.clone(), to, now, rows).await?;
    let next = match found.last() {
        Some(last) if found.len() >= rows as usize => place(last),
        _ => (to, String::new()),
    };
    let mut fed = Vec::with_capacity(found.len());
    for one in &found {
        fed.extend(told(log, one)?);
    }
    Ok((fed, next))
}

fn place(one: &Noticed) -> Place {
    (one.dossier.position, one.watch.clone())
}

/// The event of one; nothing where its dossier does not count, and so is nobody's but its agency's.
fn told(log: &Log, one: &Noticed) -> Result<Option<Fed>, StoreError> {
    let row = &one.dossier;
    let Some(public) = &row.public else { return Ok(None) };
    let state: DossierState = serde_json::from_slice(public).map_err(|error| {
        StoreError::fault(format!("the dossier `{}` is damaged: {error}", row.key))
    })?;
    if !state.counted {
        return Ok(None);
    }
    let text = event::notice(log, row.position, &notice(&one.watch, state))?;
    let (audience, dossier) = (audience(&one.owner), Some(row.key.clone()));
    Ok(Some(Fed { after: place(one), audience, dossier, text }))
}

/// Whose watch it is, and the operator.
fn audience(owner: &str) -> Audience {
    let owner = match owner.parse() {
        Ok(Principal::Portal) => BTreeSet::from([exchange::PORTAL.to_owned()]),
        _ => BTreeSet::new(),
    };
    Audience::of(false, owner)
}

fn notice(watch: &str, state: DossierState) -> Notice {
    let (next, next_en) = next_step(state.status);
    let own = state.identities.first().map(|name| name.source_code.clone());
    Notice {
        watch: watch.to_owned(),
        code: state.code.or(own).unwrap_or_default(),
        agency: state.agency,
        procedure: state.procedure.or(state.procedure_source_code),
        procedure_name: state.procedure_name,
        status: state.status,
        status_name: state.status.name_vi().to_owned(),
        status_name_en: state.status.name_en().to_owned(),
        next: next.to_owned(),
        next_en: next_en.to_owned(),
        submitted_at: state.submitted_at,
        accepted_at: state.accepted_at,
        due_at: state.due_at,
        finished_at: state.finished_at,
        returned_at: state.returned_at,
    }
}
