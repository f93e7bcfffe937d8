//! The feed of statistics: by how much each entry changes the numbers of a day at one agency, of
//! one procedure (decision 51).

use std::collections::{BTreeMap, BTreeSet};

use contracts::{Moment, statistic_change::StatisticChange};

use super::{Audience, Fed, Place, event};
use crate::{
    journal::log::Log, operations::Operations, registry::measure::day_of, store::StoreError,
};

/// What tells one event from another: position, day, agency, procedure.
type Row = (u64, i32, String, String);

/// The changes after a place. A place is a position and how many of its changes were read; where
/// an entry's were all read, the position after it.
pub(super) async fn scan(
    operations: &Operations,
    log: &Log,
    from: &Place,
    rows: u32,
) -> Result<(Vec<Fed>, Place), StoreError> {
    // Asked before the deltas are read: those of all entries before it are there then.
    let size = operations.store.head().await?.tree.size;
    let to = from.0.saturating_add(u64::from(rows)).min(size);
    if from.0 >= to {
        return Ok((Vec::new(), from.clone()));
    }
    let mut changed: BTreeMap<Row, BTreeMap<String, i64>> = BTreeMap::new();
    for delta in operations.store.deltas(from.0, to).await? {
        let (agency, procedure) = (delta.place.agency.clone(), delta.place.procedure.clone());
        let row = changed.entry((delta.position, delta.day, agency, procedure)).or_default();
        *row.entry(delta.measure.to_owned()).or_default() += delta.n;
    }
    // What only moved between fields, channels or communes changes nothing that is told here.
    changed.values_mut().for_each(|changes| changes.retain(|_, n| *n != 0));
    changed.retain(|_, changes| !changes.is_empty());
    let mut read: u64 = from.1.parse().unwrap_or(0);
    let (mut fed, mut at, mut turn) = (Vec::new(), from.0, 0);
    for ((position, day, agency, procedure), changes) in changed {
        if position != at {
            (at, turn, read) = (position, 0, 0);
        }
        turn += 1;
        if turn <= read {
            continue;
        }
        if fed.len() >= rows as usize {
            let next = fed.last().map_or_else(|| from.clone(), |last: &Fed| last.after.clone());
            return Ok((fed, next));
        }
        let audience = Audience::of(true, BTreeSet::from([agency.clone()]));
        let day = Moment::Day(day_of(day));
        let change = StatisticChange { day, agency, procedure, changes };
        let text = event::statistic(log, (position, turn - 1), &change)?;
        let after = (position, format!("{turn:010}"));
        fed.push(Fed { after, audience, dossier: None, text });
    }
    Ok((fed, (to, String::new())))
}
