//! Reading everything: what is stored against what it should be, and making the folds anew.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, TransactionBehavior, params};

use super::{component, entry, rollup::Rollups, submit};
use crate::{
    journal::{
        commitment::{Commitment, Salt, commit},
        entry::Entry,
        merkle::{Digest, Frontier, leaf_hash},
    },
    registry::{Observation, cells, fold_root},
    store::{
        Rules, StoreError, Verdict,
        decode::{self, Stored},
    },
};

/// Faults listed; more would help nobody.
const FAULTS_MAX: usize = 100;

/// Reads the journal and every fold, and compares.
pub(super) fn verify(connection: &Connection, rules: &Rules) -> Result<Verdict, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let mut verdict = Verdict::default();
    let observations = journal(&transaction, &mut verdict)?;
    if verdict.faults.is_empty() {
        folds(&transaction, observations, rules, &mut verdict)?;
    }
    verdict.faults.truncate(FAULTS_MAX);
    Ok(verdict)
}

/// Every entry: its text, its texts' hashes, its leaf; gives the observations on the way.
fn journal(connection: &Connection, verdict: &mut Verdict) -> Result<Vec<Observation>, StoreError> {
    let sql = "SELECT e.position, e.kind, e.text, e.public, p.text, p.salt, y.bytes, y.salt
               FROM entries e LEFT JOIN personal p ON p.position = e.position
               LEFT JOIN payloads y ON y.message = e.message
                AND e.position = (SELECT first_position FROM messages m WHERE m.message = e.message)
               ORDER BY e.position";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut frontier = Frontier::new();
    let mut observations = Vec::new();
    while let Some(row) = rows.next()? {
        let position: u64 = row.get(0)?;
        let text = row.get_ref(2)?.as_blob().unwrap_or_default();
        let public = row.get_ref(3)?.as_blob().unwrap_or_default();
        let personal = row.get_ref(4)?.as_blob_or_null().unwrap_or_default();
        let salt: Option<[u8; 32]> = row.get(5)?;
        let raw = row.get_ref(6)?.as_blob_or_null().unwrap_or_default();
        let raw_salt: Option<[u8; 32]> = row.get(7)?;
        if position != frontier.size() {
            let expected = frontier.size();
            verdict.faults.push(format!("position {expected} is missing, {position} follows"));
            return Ok(observations);
        }
        let personal_commitment = personal.zip(salt).map(|(text, salt)| (salt, text));
        let raw_commitment = raw.zip(raw_salt).map(|(bytes, salt)| (salt, bytes));
        if let Err(fault) = check(position, text, public, personal_commitment, raw_commitment) {
            verdict.faults.push(format!("position {position}: {fault}"));
            if verdict.faults.len() >= FAULTS_MAX {
                return Ok(observations);
            }
        }
        frontier.append(leaf_hash(text));
        verdict.entries += 1;
        let kind: String = row.get(1)?;
        if kind == "observation" || kind == "retraction" {
            let stored = Stored { position, kind: &kind, text, public, personal };
            match decode::observation(&stored) {
                Ok(one) => observations.extend(one),
                Err(error) => verdict.faults.push(error.0),
            }
        }
    }
    let sql = "SELECT size, peaks FROM head";
    let (size, peaks): (u64, Vec<u8>) =
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if size != frontier.size() {
        let have = frontier.size();
        verdict.faults.push(format!("the head says {size} entries, but there are {have}"));
    } else if entry::frontier(size, &peaks)?.root() != frontier.root() {
        verdict.faults.push("the root over all entries differs from the head's".to_owned());
    }
    Ok(observations)
}

type Committed<'a> = Option<([u8; 32], &'a [u8])>;

fn check(
    position: u64,
    text: &[u8],
    public: &[u8],
    personal: Committed<'_>,
    raw: Committed<'_>,
) -> Result<(), String> {
    let text = str::from_utf8(text).map_err(|_| "the entry's text is not UTF-8".to_owned())?;
    let entry = Entry::parse(text).map_err(|error| error.to_string())?;
    if entry.position != position {
        return Err(format!("the entry's text says position {}", entry.position));
    }
    if entry.public != Digest::of(public) {
        return Err("the public text is not the one the entry names".to_owned());
    }
    let holds = |said: Option<Commitment>, found: Committed<'_>| match (said, found) {
        // What was erased or pruned leaves its commitment behind.
        (_, None) => true,
        (said, Some((salt, bytes))) => said == Some(commit(&Salt::from_bytes(salt), bytes)),
    };
    if !holds(entry.personal, personal) {
        return Err("the personal text is not the one the entry commits to".to_owned());
    }
    if !holds(entry.raw, raw) {
        return Err("the raw bytes are not those the entry commits to".to_owned());
    }
    Ok(())
}

/// Sums of numbers by the cell's stored form.
type Numbers = BTreeMap<[String; 7], i64>;

/// Folds everything from nothing and compares with what is stored.
fn folds(
    connection: &Connection,
    observations: Vec<Observation>,
    rules: &Rules,
    verdict: &mut Verdict,
) -> Result<(), StoreError> {
    let effect = crate::store::effect::effect(&observations, &BTreeMap::new(), rules);
    let mut stored: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let sql = "SELECT key, public FROM dossiers WHERE public IS NOT NULL";
    let mut statement = connection.prepare(sql)?;
    for row in statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))? {
        let (key, public): (String, Vec<u8>) = row?;
        stored.insert(key, public);
    }
    let mut states = BTreeMap::new();
    let mut all_cells = BTreeMap::new();
    let mut numbers = Numbers::new();
    for (key, state) in effect.dossiers {
        let Some(state) = state.filter(|state| state.counted) else { continue };
        let public = crate::store::effect::public_text(&state).into_bytes();
        match stored.remove(&key) {
            Some(text) if text == public => {}
            Some(_) => verdict.faults.push(format!("dossier `{key}` differs from its fold")),
            None => verdict.faults.push(format!("dossier `{key}` is not stored")),
        }
        for (cell, n) in cells(&state, &rules.settings) {
            let text = |value: &Option<String>| value.clone().unwrap_or_default();
            let form = [
                super::rollup::measure_name(&cell),
                super::rollup::day_number(cell.day).to_string(),
                cell.agency.clone(),
                text(&cell.procedure),
                text(&cell.field),
                text(&cell.channel),
                text(&cell.commune),
            ];
            *numbers.entry(form).or_default() += n;
            *all_cells.entry(cell).or_default() += n;
        }
        states.insert(key, state);
    }
    verdict.dossiers = states.len() as u64;
    for key in stored.keys() {
        verdict.faults.push(format!("dossier `{key}` is stored, but no observation tells of it"));
    }
    all_cells.retain(|_, n| *n != 0);
    numbers.retain(|_, n| *n != 0);
    compare(&numbers, &deltas(connection)?, "the deltas", verdict);
    compare(&lattice(&numbers), &rolled(connection)?, "the rollups", verdict);
    let root = fold_root(&states, &all_cells).map_err(|error| StoreError(error.to_string()))?;
    verdict.fold_root = Digest::from_bytes(root).to_string();
    Ok(())
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
        if want != have && verdict.faults.len() < FAULTS_MAX {
            verdict.faults.push(format!("{what} say {have} for {key:?}, a recount {want}"));
        }
    }
}

fn deltas(connection: &Connection) -> Result<Numbers, StoreError> {
    let sql =
        "SELECT measure, CAST(day AS TEXT), agency, procedure, field, channel, commune, sum(n)
               FROM deltas GROUP BY 1, 2, 3, 4, 5, 6, 7 HAVING sum(n) <> 0";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        let form = [
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
            row.get(5)?,
            row.get(6)?,
        ];
        Ok((form, row.get(7)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Level, measure, day, agency, procedure.
type Rolled = BTreeMap<(u8, String, String, String, String), i64>;

fn lattice(numbers: &Numbers) -> Rolled {
    let mut rolled = Rolled::new();
    for ([measure, day, agency, procedure, ..], n) in numbers {
        let levels = [("", ""), (agency, ""), ("", procedure), (agency, procedure)];
        for (level, (agency, procedure)) in (0..).zip(levels) {
            let owned = |text: &str| text.to_owned();
            let key = (level, owned(measure), owned(day), owned(agency), owned(procedure));
            *rolled.entry(key).or_default() += n;
        }
    }
    rolled.retain(|_, n| *n != 0);
    rolled
}

fn rolled(connection: &Connection) -> Result<Rolled, StoreError> {
    let sql = "SELECT level, measure, CAST(day AS TEXT), agency, procedure, n FROM rollups
               WHERE n <> 0";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        let key = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
        Ok((key, row.get(5)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Makes every fold anew, observation by observation in journal order.
pub(super) fn rebuild(connection: &mut Connection, rules: &Rules) -> Result<u64, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "DELETE FROM observations; DELETE FROM dossiers; DELETE FROM deltas;
         DELETE FROM rollups; DELETE FROM members;",
    )?;
    let mut work = submit::Work {
        tip: entry::Tip::read(&transaction)?,
        rollups: Rollups::default(),
        rules,
        clock: jiff::Timestamp::UNIX_EPOCH,
    };
    let sql = "SELECT e.position, e.kind, e.text, e.public, p.text
               FROM entries e LEFT JOIN personal p ON p.position = e.position
               WHERE e.position >= ?1 AND e.kind IN ('observation', 'retraction')
               ORDER BY e.position LIMIT ?2";
    let mut next = 0_u64;
    loop {
        let page = page(&transaction, sql, next)?;
        let Some(last) = page.last() else { break };
        next = last.position + 1;
        for one in &page {
            work.rollups.mark();
            component::apply(
                &transaction,
                &mut work,
                &component::Seen {
                    position: one.position,
                    at: one.recorded_at,
                    counted: one.counted,
                    content: &one.content,
                    hash: one.content_hash,
                },
            )?;
        }
    }
    work.rollups.write(&transaction)?;
    let read = work.tip.next();
    transaction.commit()?;
    Ok(read)
}

/// Entries read at a time: an entry is at most some tens of kilobytes.
const PAGE: u32 = 1_000;

fn page(connection: &Connection, sql: &str, from: u64) -> Result<Vec<Observation>, StoreError> {
    let mut from = from;
    loop {
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![from, PAGE])?;
        let mut observations = Vec::new();
        let mut seen = false;
        while let Some(row) = rows.next()? {
            seen = true;
            let kind: String = row.get(1)?;
            let stored = Stored {
                position: row.get(0)?,
                kind: &kind,
                text: row.get_ref(2)?.as_blob().unwrap_or_default(),
                public: row.get_ref(3)?.as_blob().unwrap_or_default(),
                personal: row.get_ref(4)?.as_blob_or_null().unwrap_or_default(),
            };
            from = stored.position + 1;
            observations.extend(decode::observation(&stored)?);
        }
        // A page of records that are not about dossiers is not the end.
        if !seen || !observations.is_empty() {
            return Ok(observations);
        }
    }
}
