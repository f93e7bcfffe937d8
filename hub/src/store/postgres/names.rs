//! Names and measures by number, for the keys of rollups. Migration 14 says how they are laid out.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex},
};

use deadpool_postgres::GenericClient;

use super::{
    failure::Failure,
    session::{self, Value},
};
use crate::store::{
    StoreError,
    batch::{RollupKey, Rollups, YearSums, slot::Slot},
};

/// Slot, inner name, and the days of the year.
pub(super) type RollupRow = (i64, i64, YearSums);

/// Numbers of names seen; more than these are asked for again.
const SEEN_MAX: usize = 65_536;

/// Numbers by their texts.
type Numbers = HashMap<String, i64>;

/// The numbers of names and measures already known, shared by who writes rollups. A number is
/// never given twice or taken back, so what was once committed holds for as long as the process
/// runs.
#[derive(Clone, Default)]
pub(super) struct NamesSeen {
    names: Arc<Mutex<Numbers>>,
    measures: Arc<Mutex<Numbers>>,
}

/// Asks for the numbers of texts, and gives texts the next ones. Numbers are not left to a
/// sequence, which loses one with every transaction that fails: of measures there are but 64.
type Interned = [&'static str; 2];

const NAMES: Interned = [
    "SELECT n.text, n.name FROM unnest($1::text[]) w (text) JOIN names n ON n.text = w.text",
    "INSERT INTO names (text, name)
     SELECT w.text, (SELECT coalesce(max(name), 0) FROM names) + w.at
     FROM unnest($1::text[]) WITH ORDINALITY w (text, at) RETURNING text, name",
];
const MEASURES: Interned = [
    "SELECT m.text, m.measure FROM unnest($1::text[]) w (text)
     JOIN measures m ON m.text = w.text",
    "INSERT INTO measures (text, measure)
     SELECT w.text, (SELECT coalesce(max(measure), 0) FROM measures) + w.at
     FROM unnest($1::text[]) WITH ORDINALITY w (text, at) RETURNING text, measure",
];

impl NamesSeen {
    /// The rows of sums, in the order of their keys: slot, inner name, days. New names are given
    /// the next numbers: the rollups are held, so nobody else gives any.
    pub(super) async fn rows(
        &self,
        client: &impl GenericClient,
        sums: &Rollups,
    ) -> Result<Vec<RollupRow>, Failure> {
        let lattice = sums.lattice();
        let named = lattice.iter().flat_map(|(key, _)| [key.outer, key.inner]).collect();
        let measured = lattice.iter().map(|(key, _)| key.measure).collect();
        let names = numbers(client, &self.names, NAMES, named).await?;
        let measures = numbers(client, &self.measures, MEASURES, measured).await?;
        let at = |key: &RollupKey<'_>| {
            let (measure, outer) = (*measures.get(key.measure)?, *names.get(key.outer)?);
            let slot = Slot { level: key.level, measure, outer, year: key.year };
            Some((slot.number()?, *names.get(key.inner)?))
        };
        let mut rows = Vec::with_capacity(lattice.len());
        for (key, sums) in &lattice {
            let none = || StoreError::fault(format!("no slot is for {key:?}"));
            let (slot, inside) = at(key).ok_or_else(none)?;
            rows.push((slot, inside, sums.clone()));
        }
        rows.sort_unstable_by_key(|(slot, inside, _)| (*slot, *inside));
        Ok(rows)
    }
}

async fn numbers<'a>(
    client: &impl GenericClient,
    seen: &Mutex<Numbers>,
    [ask, give]: Interned,
    texts: BTreeSet<&'a str>,
) -> Result<HashMap<&'a str, i64>, Failure> {
    let broken = || StoreError::fault("a thread broke down");
    let (mut numbers, mut unknown) = (HashMap::new(), texts);
    {
        let seen = seen.lock().map_err(|_| broken())?;
        unknown.retain(|text| match seen.get(*text) {
            Some(number) => numbers.insert(*text, *number).is_some(),
            None => true,
        });
    }
    for sql in [ask, give] {
        if unknown.is_empty() {
            break;
        }
        let asked: Vec<&str> = unknown.iter().copied().collect();
        let values: [Value<'_>; 1] = [&asked];
        let rows = session::rows(client, sql, &values).await?;
        let mut seen = seen.lock().map_err(|_| broken())?;
        if seen.len() + rows.len() > SEEN_MAX {
            seen.clear();
        }
        for row in &rows {
            let (text, number): (&str, i64) = (row.try_get(0)?, row.try_get(1)?);
            let Some(text) = unknown.take(text) else { continue };
            numbers.insert(text, number);
            // One that this transaction gives may yet be taken back with it.
            if sql == ask {
                seen.insert(text.to_owned(), number);
            }
        }
    }
    Ok(numbers)
}
