//! The dossiers that one more observation may touch: read, folded, written.

use std::collections::{BTreeMap, BTreeSet};

use contracts::code::DossierCode;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::submit::{Work, unreadable};
use crate::{
    registry::{Content, DossierState, Identity, Observation},
    store::{
        StoreError,
        decode::{self, Stored},
        effect::{self, Effect, Membership},
    },
};

/// An observation just written.
pub(super) struct Seen<'a> {
    pub(super) position: u64,
    pub(super) at: Timestamp,
    pub(super) counted: bool,
    pub(super) content: &'a Content,
    pub(super) hash: [u8; 32],
}

/// One row of `members`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    member: i64,
    membership: Membership,
}

/// Folds an observation into its dossier and the numbers.
pub(super) fn apply(
    connection: &Connection,
    work: &mut Work<'_>,
    seen: &Seen<'_>,
) -> Result<(), rusqlite::Error> {
    let one = Observation {
        position: seen.position,
        recorded_at: seen.at,
        counted: seen.counted,
        content: seen.content.clone(),
        supersedes: None,
        content_hash: seen.hash,
    };
    let identity = one.identity();
    let own = member(connection, &identity)?;
    let code = match &one.content {
        Content::Snapshot(body) => {
            body.code.as_deref().and_then(|code| DossierCode::parse(code).ok())
        }
        _ => None,
    };
    let code = code.map(|code| code.canonical().to_owned());
    let members = closure(connection, &own, code)?;
    let mut observations = Vec::new();
    for member in &members {
        observations.extend(observations_of(connection, member.member, None)?);
    }
    observations.push(one);
    let sql = "INSERT INTO observations (member, position) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute(params![own.member, seen.position])?;
    let before = states(connection, &members)?;
    let effect = effect::effect(&observations, &before.states, work.rules);
    write(connection, work, seen.position, &members, &before, &effect)
}

fn row(row: &rusqlite::Row<'_>) -> Result<Member, rusqlite::Error> {
    let identity = Identity { source: row.get(1)?, source_code: row.get(2)? };
    let membership = Membership { identity, code: row.get(3)?, dossier: row.get(4)? };
    Ok(Member { member: row.get(0)?, membership })
}

/// The member of a name; a new name is a dossier of its own.
fn member(connection: &Connection, identity: &Identity) -> Result<Member, rusqlite::Error> {
    let sql = "SELECT member, source, source_code, code, dossier FROM members
               WHERE source = ?1 AND source_code = ?2";
    let name = params![identity.source, identity.source_code];
    if let Some(known) = connection.prepare_cached(sql)?.query_row(name, row).optional()? {
        return Ok(known);
    }
    let dossier = identity.key();
    let sql = "INSERT INTO members (source, source_code, dossier) VALUES (?1, ?2, ?3)";
    let name = params![identity.source, identity.source_code, dossier];
    let member = connection.prepare_cached(sql)?.insert(name)?;
    let membership = Membership { identity: identity.clone(), code: None, dossier };
    Ok(Member { member, membership })
}

/// All names that the observation may join or part: those of the same dossier and those that
/// carry the same code, and so on until there is none left.
fn closure(
    connection: &Connection,
    own: &Member,
    code: Option<String>,
) -> Result<Vec<Member>, rusqlite::Error> {
    let mut found = BTreeMap::from([(own.member, own.clone())]);
    let mut dossiers = vec![own.membership.dossier.clone()];
    let mut codes: Vec<String> = code.into_iter().chain(own.membership.code.clone()).collect();
    let mut asked = BTreeSet::new();
    loop {
        let (column, value) = match (dossiers.pop(), codes.pop()) {
            (Some(dossier), code) => {
                codes.extend(code);
                ("dossier", dossier)
            }
            (None, Some(code)) => ("code", code),
            (None, None) => return Ok(found.into_values().collect()),
        };
        if !asked.insert((column, value.clone())) {
            continue;
        }
        let sql = match column {
            "dossier" => {
                "SELECT member, source, source_code, code, dossier FROM members WHERE dossier = ?1"
            }
            _ => "SELECT member, source, source_code, code, dossier FROM members WHERE code = ?1",
        };
        let mut statement = connection.prepare_cached(sql)?;
        for member in statement.query_map([&value], row)? {
            let member = member?;
            dossiers.push(member.membership.dossier.clone());
            codes.extend(member.membership.code.clone());
            found.insert(member.member, member);
        }
    }
}

/// The observations of one name before a position, in journal order.
pub(super) fn observations_of(
    connection: &Connection,
    member: i64,
    before: Option<u64>,
) -> Result<Vec<Observation>, rusqlite::Error> {
    let sql = "SELECT o.position, e.kind, e.text, e.public, p.text
               FROM observations o JOIN entries e ON e.position = o.position
               LEFT JOIN personal p ON p.position = o.position
               WHERE o.member = ?1 AND o.position < ?2 ORDER BY o.position";
    let mut statement = connection.prepare_cached(sql)?;
    let end = before.and_then(|end| i64::try_from(end).ok()).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![member, end])?;
    let mut observations = Vec::new();
    while let Some(row) = rows.next()? {
        let stored = Stored {
            position: row.get(0)?,
            kind: row.get_ref(1)?.as_str()?,
            text: row.get_ref(2)?.as_blob()?,
            public: row.get_ref(3)?.as_blob()?,
            personal: row.get_ref(4)?.as_blob_or_null()?,
        };
        observations.extend(decode::observation(&stored).map_err(unreadable)?);
    }
    Ok(observations)
}

/// The states of a component's dossiers before, with the texts they were written as.
struct Before {
    states: BTreeMap<String, DossierState>,
    texts: BTreeMap<String, Vec<u8>>,
}

fn states(connection: &Connection, members: &[Member]) -> Result<Before, rusqlite::Error> {
    let keys: BTreeSet<&str> =
        members.iter().map(|member| member.membership.dossier.as_str()).collect();
    let mut before = Before { states: BTreeMap::new(), texts: BTreeMap::new() };
    let mut statement = connection.prepare_cached("SELECT public FROM dossiers WHERE key = ?1")?;
    for key in keys {
        let public: Option<Option<Vec<u8>>> =
            statement.query_row([key], |row| row.get(0)).optional()?;
        let Some(text) = public.flatten() else { continue };
        let state = serde_json::from_slice(&text).map_err(|error| {
            unreadable(StoreError(format!("the dossier `{key}` is damaged: {error}")))
        })?;
        before.states.insert(key.to_owned(), state);
        before.texts.insert(key.to_owned(), text);
    }
    Ok(before)
}

fn write(
    connection: &Connection,
    work: &mut Work<'_>,
    position: u64,
    members: &[Member],
    before: &Before,
    effect: &Effect,
) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE members SET code = ?3, dossier = ?4 WHERE source = ?1 AND source_code = ?2";
    for now in &effect.members {
        let known = members.iter().find(|member| member.membership.identity == now.identity);
        if known.is_none_or(|known| known.membership != *now) {
            let Identity { source, source_code } = &now.identity;
            let values = params![source, source_code, now.code, now.dossier];
            connection.prepare_cached(sql)?.execute(values)?;
        }
    }
    let sql = "INSERT INTO dossiers (key, position, public) VALUES (?1, ?2, ?3)
               ON CONFLICT (key) DO UPDATE SET position = excluded.position,
               public = excluded.public";
    for (key, state) in &effect.dossiers {
        let public = state.as_ref().map(effect::public_text).map(String::into_bytes);
        // A dossier in trial is nobody's to see: it has no row.
        let shown = state.as_ref().is_none_or(|state| state.counted);
        if shown && public.as_ref() != before.texts.get(key) {
            connection.prepare_cached(sql)?.execute(params![key, position, public])?;
        }
    }
    for (cell, n) in &effect.deltas {
        work.rollups.add(connection, position, cell, *n)?;
    }
    Ok(())
}
