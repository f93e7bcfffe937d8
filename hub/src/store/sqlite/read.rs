//! What readers ask for.

use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    at_rest,
    known::{self, RulesSeen},
};
use crate::{
    journal::merkle::Digest,
    registry::{Identity, Observation},
    store::{
        DossierRow, EntryRow, Found, Head, PersonalText, Rules, StoreError, at_rest::Place,
        batch::code_of_text,
    },
};

pub(super) fn head(connection: &Connection) -> Result<Head, StoreError> {
    let tip = known::tip(connection)?;
    Ok(Head { log: tip.log, tree: tip.frontier.head(), recorded_at: tip.recorded_at })
}

/// The rules in force before a position, or now; the default ones where none were told yet.
pub(super) fn rules(connection: &Connection, before: Option<u64>) -> Result<Rules, StoreError> {
    let end = before.and_then(|end| i64::try_from(end).ok()).unwrap_or(i64::MAX);
    let sql = "SELECT hash FROM rules WHERE position < ?1 ORDER BY position DESC LIMIT 1";
    let hash: Option<[u8; 32]> =
        connection.prepare_cached(sql)?.query_row([end], |row| row.get(0)).optional()?;
    hash.map_or(Ok(Rules::default()), |hash| known::rules(connection, Digest::from_bytes(hash)))
}

pub(super) fn personal(
    connection: &Connection,
    positions: &[u64],
) -> Result<Vec<PersonalText>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT text, key_id, wrapped_key FROM personal WHERE position = ?1")?;
    let mut found = Vec::new();
    for position in positions {
        let place = Place::Personal(*position);
        let text = statement.query_row([position], |row| at_rest::text(row, place, (0, 1)));
        found.extend(text.optional()?.flatten().map(|text| (*position, text)));
    }
    Ok(found)
}

pub(super) fn entries(
    connection: &Connection,
    from: u64,
    limit: u32,
) -> Result<Vec<EntryRow>, StoreError> {
    let sql = "SELECT e.position, m.channel, m.id, e.text, e.public
               FROM entries e LEFT JOIN messages m ON m.message = e.message
               WHERE e.position >= ?1 ORDER BY e.position LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![from, limit], |row| {
        Ok(EntryRow {
            position: row.get(0)?,
            channel: row.get(1)?,
            message: row.get(2)?,
            text: row.get(3)?,
            public: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn dossier_row(row: &rusqlite::Row<'_>) -> Result<DossierRow, rusqlite::Error> {
    let key = Identity { source: row.get(0)?, source_code: row.get(1)? }.key();
    Ok(DossierRow { key, position: row.get(2)?, public: row.get(3)? })
}

pub(super) fn dossiers(
    connection: &Connection,
    from: u64,
    after_key: &str,
    limit: u32,
) -> Result<Vec<DossierRow>, StoreError> {
    // Only the latest change of a dossier is a row; those of one position go by key.
    let sql = "SELECT k.source, k.source_code, d.position, d.public
               FROM changes c JOIN dossiers d ON d.dossier = c.dossier AND d.position = c.position
               JOIN members k ON k.member = d.dossier
               WHERE c.position >= ?1
                 AND (c.position > ?1 OR k.source || '/' || k.source_code > ?2)
               ORDER BY c.position, k.source || '/' || k.source_code LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![from, after_key, limit], dossier_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What bears a code, as of one moment.
pub(super) fn found(
    connection: &Connection,
    rules: &Mutex<RulesSeen>,
    code: &str,
    source: Option<&str>,
) -> Result<Found, StoreError> {
    let moment = connection.unchecked_transaction()?;
    let tip = known::tip(&moment)?;
    let rules = rules.lock().unwrap_or_else(PoisonError::into_inner).at(&moment, tip.rules)?;
    let dossiers = find(&moment, code, source)?;
    let observations = match &dossiers[..] {
        [only] => heard(&moment, &only.key)?,
        _ => Vec::new(),
    };
    let (size, erasures, log_id) = (tip.next(), tip.erased.is_some(), tip.log.id);
    Ok(Found { size, log_id, rules, dossiers, observations, erasures, moment: None })
}

/// Dossiers by national code in any spelling, or by a source's own code.
fn find(
    connection: &Connection,
    code: &str,
    source: Option<&str>,
) -> Result<Vec<DossierRow>, StoreError> {
    let canonical = code_of_text(code).unwrap_or_else(|| code.to_owned());
    let sql = "SELECT DISTINCT k.source, k.source_code, d.position, d.public
               FROM members m JOIN dossiers d ON d.dossier = m.dossier
               JOIN members k ON k.member = m.dossier
               WHERE (m.code = ?1 OR m.source_code = ?2) AND (?3 IS NULL OR m.source = ?3)
                 AND d.public IS NOT NULL
               ORDER BY k.source, k.source_code LIMIT 50";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(params![canonical, code, source], dossier_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The names of a dossier.
fn members(connection: &Connection, key: &str) -> Result<Vec<u64>, StoreError> {
    // A source has no slash in its name: the first one ends it.
    let (source, source_code) = key.split_once('/').unwrap_or((key, ""));
    let sql = "SELECT m.member FROM members k JOIN members m ON m.dossier = k.member
               WHERE k.source_code = ?1 AND k.source = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([source_code, source], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn observations(
    connection: &Connection,
    key: &str,
    before: Option<u64>,
) -> Result<Vec<Observation>, StoreError> {
    let mut all = Vec::new();
    for member in members(connection, key)? {
        all.extend(known::observations(connection, member, before)?);
    }
    all.sort_by_key(|one| one.position);
    Ok(all)
}

/// The same as it is now, for a fold: snapshots that others have replaced are in short, so their
/// entries, which lie anywhere in a large file, are not read.
fn heard(connection: &Connection, key: &str) -> Result<Vec<Observation>, StoreError> {
    let members = members(connection, key)?;
    let said: Option<Vec<Vec<Observation>>> =
        members.iter().map(|member| known::said(connection, *member)).collect::<Result<_, _>>()?;
    let Some(said) = said else { return observations(connection, key, None) };
    let mut all: Vec<Observation> = said.into_iter().flatten().collect();
    all.sort_by_key(|one| one.position);
    Ok(all)
}
