//! Reading everything: what is stored against what it should be.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use rusqlite::{Connection, OptionalExtension};

use super::{
    known, rolling,
    scan::{self, EntryCopy, Salted},
};
use crate::{
    journal::{
        commitment::{Commitment, Salt, commit},
        entry::{Entry, EntryKind},
        merkle::{Digest, Frontier, leaf_hash},
    },
    registry::{Cell, Place, fold_root, measure::stored_name},
    store::{
        StoreError, Verdict,
        batch::{Delta, RollupKey, Rollups, rollups::Span},
        replay::{self, Components, Told},
        rules::{ReferenceText, RulesHistory},
    },
};

/// Faults listed; more would help nobody.
const FAULTS_MAX: usize = 100;

/// Reads the journal and every fold, and compares.
pub(super) fn verify(connection: &Connection) -> Result<Verdict, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let mut verdict = Verdict::default();
    let (components, rules) = journal(&transaction, &mut verdict)?;
    if verdict.faults.is_empty() {
        folds(&transaction, components, &rules, &mut verdict)?;
    }
    verdict.faults.truncate(FAULTS_MAX);
    Ok(verdict)
}

/// What one entry shows, read alone.
struct Checked {
    position: u64,
    leaf: Digest,
    told: Option<Told>,
    rules: Option<Digest>,
    faults: Vec<String>,
}

/// Every entry: its text, its texts' hashes, its leaf; gives which belong together.
fn journal(
    connection: &Connection,
    verdict: &mut Verdict,
) -> Result<(Components, RulesHistory), StoreError> {
    let (mut components, mut rules) = (Components::default(), RulesHistory::default());
    let mut frontier = Frontier::new();
    scan::pages(connection, true, &mut |page| {
        let checked: Vec<Checked> = page.par_iter().map(check).collect();
        for one in checked {
            if one.position != frontier.size() {
                let (expected, follows) = (frontier.size(), one.position);
                verdict.faults.push(format!("position {expected} is missing, {follows} follows"));
                return Ok(false);
            }
            frontier.append(one.leaf);
            verdict.entries += 1;
            verdict.faults.extend(one.faults);
            if let Some(told) = one.told {
                components.add(told);
            }
            if let Some(hash) = one.rules {
                match known::rules(connection, hash) {
                    Ok(found) if found.hash() == hash => rules.0.push((one.position, found)),
                    _ => verdict.faults.push(format!("the rules {hash} are not what they were")),
                }
            }
        }
        Ok(verdict.faults.len() < FAULTS_MAX)
    })?;
    if verdict.faults.is_empty() {
        head(connection, &frontier, &rules, verdict)?;
    }
    Ok((components, rules))
}

fn head(
    connection: &Connection,
    frontier: &Frontier,
    rules: &RulesHistory,
    verdict: &mut Verdict,
) -> Result<(), StoreError> {
    let tip = known::tip(connection)?;
    let (says, have) = (tip.next(), frontier.size());
    if says != have {
        verdict.faults.push(format!("the head says {says} entries, but there are {have}"));
    } else if tip.frontier.root() != frontier.root() {
        verdict.faults.push("the root over all entries differs from the head's".to_owned());
    }
    if tip.rules != rules.0.last().map(|(_, rules)| rules.hash()) {
        verdict.faults.push("the head names other rules than the journal".to_owned());
    }
    Ok(())
}

fn check(row: &EntryCopy) -> Checked {
    let mut checked = Checked {
        position: row.position,
        leaf: leaf_hash(&row.text),
        told: None,
        rules: None,
        faults: Vec::new(),
    };
    let position = row.position;
    match agrees(row) {
        Ok(rules) => checked.rules = rules,
        Err(fault) => checked.faults.push(format!("position {position}: {fault}")),
    }
    match replay::told(&row.stored()) {
        Ok(told) => checked.told = told,
        Err(error) => checked.faults.push(error.reason),
    }
    checked
}

/// Whether an entry's text is one, and everything it names is what it names; gives the hash of
/// the rules it puts in force, where it does.
fn agrees(row: &EntryCopy) -> Result<Option<Digest>, String> {
    let text = str::from_utf8(&row.text).map_err(|_| "the entry's text is not UTF-8".to_owned())?;
    let entry = Entry::parse(text).map_err(|error| error.to_string())?;
    if entry.position != row.position {
        return Err(format!("the entry's text says position {}", entry.position));
    }
    if entry.kind.as_str() != row.kind {
        return Err(format!("the entry's text says {}", entry.kind.as_str()));
    }
    if entry.public != Digest::of(&row.public) {
        return Err("the public text is not the one the entry names".to_owned());
    }
    if !holds(entry.personal, &row.personal) {
        return Err("the personal text is not the one the entry commits to".to_owned());
    }
    if !holds(entry.raw, &row.raw) {
        return Err("the raw bytes are not those the entry commits to".to_owned());
    }
    if entry.kind != EntryKind::Reference {
        return Ok(None);
    }
    let text: ReferenceText =
        serde_json::from_slice(&row.public).map_err(|error| error.to_string())?;
    Ok(Some(text.content))
}

/// What was erased or pruned leaves its commitment behind.
fn holds(said: Option<Commitment>, found: &Salted) -> bool {
    found.as_ref().is_none_or(|(salt, bytes)| said == Some(commit(&Salt::from_bytes(*salt), bytes)))
}

/// Folds everything from nothing and compares with what is stored.
fn folds(
    connection: &Connection,
    components: Components,
    history: &RulesHistory,
    verdict: &mut Verdict,
) -> Result<(), StoreError> {
    let rules = history.now();
    let mut wanted = components.groups().into_iter();
    let mut leaves: BTreeMap<String, [u8; 32]> = BTreeMap::new();
    let mut sums: BTreeMap<Cell, i64> = BTreeMap::new();
    let mut stored = connection.prepare(
        "SELECT d.public FROM members k JOIN dossiers d ON d.dossier = k.member
         WHERE k.source_code = ?1 AND k.source = ?2",
    )?;
    loop {
        let groups = scan::groups(connection, &mut wanted)?;
        if groups.is_empty() {
            break;
        }
        let folded: Vec<_> = groups
            .par_iter()
            .map(|group| {
                let stored: Vec<_> = group.iter().map(EntryCopy::stored).collect();
                replay::outcome(&replay::observations(&stored)?, &rules)
            })
            .collect::<Result<_, StoreError>>()?;
        for (dossiers, cells) in folded {
            for dossier in dossiers {
                let key = &dossier.key;
                let (source, source_code) = key.split_once('/').unwrap_or((key, ""));
                let text: Option<Option<Vec<u8>>> =
                    stored.query_row([source_code, source], |row| row.get(0)).optional()?;
                match text.flatten() {
                    Some(text) if text == dossier.public.as_bytes() => {}
                    Some(_) => verdict.fault(format!("dossier `{key}` differs from its fold")),
                    None => verdict.fault(format!("dossier `{key}` is not stored")),
                }
                leaves.insert(dossier.key, dossier.leaf);
            }
            for (cell, n) in cells {
                *sums.entry(cell).or_default() += n;
            }
        }
    }
    extra(connection, &leaves, verdict)?;
    verdict.dossiers = leaves.len() as u64;
    sums.retain(|_, n| *n != 0);
    let root = fold_root(leaves.into_values(), &sums)
        .map_err(|error| StoreError::fault(error.to_string()))?;
    verdict.fold_root = Digest::from_bytes(root).to_string();
    numbers(connection, &sums, verdict)
}

impl Verdict {
    fn fault(&mut self, fault: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        }
    }
}

fn extra(
    connection: &Connection,
    leaves: &BTreeMap<String, [u8; 32]>,
    verdict: &mut Verdict,
) -> Result<(), StoreError> {
    let sql = "SELECT k.source || '/' || k.source_code
               FROM dossiers d JOIN members k ON k.member = d.dossier WHERE d.public IS NOT NULL";
    let mut statement = connection.prepare(sql)?;
    for key in statement.query_map([], |row| row.get::<_, String>(0))? {
        let key = key?;
        if !leaves.contains_key(&key) {
            verdict.fault(format!("dossier `{key}` is stored, but no observation tells of it"));
        }
    }
    Ok(())
}

/// Measure, day and place of a number.
type Number = (&'static str, i32, Place);

fn numbers(
    connection: &Connection,
    sums: &BTreeMap<Cell, i64>,
    verdict: &mut Verdict,
) -> Result<(), StoreError> {
    let mut wanted: BTreeMap<Number, i64> = BTreeMap::new();
    let mut lattice = Rollups::default();
    for (cell, n) in sums {
        let delta = Delta::of_cell(cell, *n);
        lattice.add(&delta);
        *wanted.entry((delta.measure, delta.day, (*delta.place).clone())).or_default() += n;
    }
    compare(&wanted, &deltas(connection)?, "the deltas", verdict);
    let lattice = lattice.lattice().into_iter().map(|(key, n)| (Rolled::from(key), n)).collect();
    compare(&lattice, &rolled(connection, verdict.entries)?, "the rollups", verdict);
    Ok(())
}

/// A measure's name as the store may have it.
fn measure(name: &str) -> Result<&'static str, rusqlite::Error> {
    stored_name(name).ok_or_else(|| {
        let unknown = StoreError::fault(format!("`{name}` is no measure"));
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, unknown.into())
    })
}

fn compare<K: Ord + std::fmt::Debug>(
    recount: &BTreeMap<K, i64>,
    stored: &BTreeMap<K, i64>,
    what: &str,
    verdict: &mut Verdict,
) {
    let keys: BTreeSet<&K> = recount.keys().chain(stored.keys()).collect();
    for key in keys {
        let (want, have) = (recount.get(key).unwrap_or(&0), stored.get(key).unwrap_or(&0));
        if want != have {
            verdict.fault(format!("{what} say {have} for {key:?}, a recount {want}"));
        }
    }
}

fn deltas(connection: &Connection) -> Result<BTreeMap<Number, i64>, StoreError> {
    let sql = "SELECT d.measure, d.day, p.agency, p.procedure, p.field, p.channel, p.commune, d.n
               FROM (SELECT place, measure, day, sum(n) AS n FROM deltas
                     GROUP BY place, measure, day HAVING sum(n) <> 0) d
               JOIN places p ON p.place = d.place";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        let place = Place {
            agency: row.get(2)?,
            procedure: row.get(3)?,
            field: row.get(4)?,
            channel: row.get(5)?,
            commune: row.get(6)?,
        };
        Ok(((measure(&row.get::<_, String>(0)?)?, row.get(1)?, place), row.get(7)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A rolled-up cell that owns its names.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rolled {
    level: u8,
    span: Span,
    measure: &'static str,
    outer: String,
    day: i32,
    inner: String,
}

impl From<RollupKey<'_>> for Rolled {
    fn from(key: RollupKey<'_>) -> Self {
        let RollupKey { level, span, measure, outer, day, inner } = key;
        Self { level, span, measure, outer: outer.to_owned(), day, inner: inner.to_owned() }
    }
}

/// The rollups, with the deltas that they do not hold yet.
fn rolled(connection: &Connection, size: u64) -> Result<BTreeMap<Rolled, i64>, StoreError> {
    let sql = "SELECT level, span, measure, outer_key, day, inner_key, n FROM rollups
               WHERE n <> 0";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut sums: BTreeMap<Rolled, i64> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let span = Span::from_number(row.get(1)?);
        let key = Rolled {
            level: row.get(0)?,
            span: span.ok_or_else(|| StoreError::fault("a rollup is of no known span"))?,
            measure: measure(&row.get::<_, String>(2)?)?,
            outer: row.get(3)?,
            day: row.get(4)?,
            inner: row.get(5)?,
        };
        sums.insert(key, row.get(6)?);
    }
    let behind = rolling::sums(connection, rolling::rolled(connection)?, size)?;
    for (key, n) in behind.lattice() {
        *sums.entry(Rolled::from(key)).or_default() += n;
    }
    sums.retain(|_, n| *n != 0);
    Ok(sums)
}
