//! Writing what a batch changes.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, OptionalExtension, params};

use super::{names, pollers, records};
use crate::registry::Place;
use crate::store::{
    StoreError,
    batch::{Changes, Delta, Heard, MemberRow, NewEntry, Rollups, Tip, Written},
};

/// Numbers of places seen; more than these are asked for again.
const PLACES_SEEN_MAX: usize = 65_536;

/// The numbers of places already known.
#[derive(Debug, Default)]
pub(super) struct PlacesSeen(HashMap<Arc<Place>, i64>);

impl PlacesSeen {
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// The number of a place; a new one is given the next.
    pub(super) fn number(
        &mut self,
        connection: &Connection,
        place: &Arc<Place>,
    ) -> Result<i64, StoreError> {
        if let Some(number) = self.0.get(place) {
            return Ok(*number);
        }
        let Place { agency, procedure, field, channel, commune } = &**place;
        let sql = "SELECT place FROM places WHERE agency = ?1 AND procedure = ?2 AND field = ?3
                   AND channel = ?4 AND commune = ?5";
        let values = params![agency, procedure, field, channel, commune];
        let known =
            connection.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?;
        let number = match known {
            Some(number) => number,
            None => {
                let sql = "INSERT INTO places (agency, procedure, field, channel, commune)
                           VALUES (?1, ?2, ?3, ?4, ?5)";
                connection.prepare_cached(sql)?.insert(values)?
            }
        };
        if self.0.len() >= PLACES_SEEN_MAX {
            self.0.clear();
        }
        self.0.insert(place.clone(), number);
        Ok(number)
    }
}

/// Writes everything; the head last.
pub(super) fn changes(
    connection: &Connection,
    changes: &Changes,
    places: &mut PlacesSeen,
) -> Result<(), StoreError> {
    attempts(connection, &changes.attempts)?;
    for entry in &changes.entries {
        self::entry(connection, entry)?;
    }
    for row in &changes.members {
        member(connection, row)?;
    }
    for row in &changes.observations {
        observation(connection, row)?;
    }
    dossiers(connection, changes)?;
    deltas(connection, &changes.deltas, places)?;
    if !changes.records.is_empty() {
        records::write(connection, &changes.records, &changes.replaced)?;
    }
    pollers::moved(connection, &changes.moved)?;
    head(connection, &changes.tip)
}

pub(super) fn head(connection: &Connection, tip: &Tip) -> Result<(), StoreError> {
    let sql = "UPDATE head SET size = ?1, recorded_at = ?2, peaks = ?3, messages = ?4, rules = ?5";
    connection.prepare_cached(sql)?.execute(params![
        tip.next(),
        tip.recorded_at.map(|at| at.to_string()),
        tip.peaks(),
        tip.messages,
        tip.rules.as_ref().map(|hash| hash.as_bytes()),
    ])?;
    Ok(())
}

/// Raw bytes are written in pieces, so that a large payload is not copied whole on the way.
const PIECE_BYTES_MAX: usize = 1024 * 1024;

/// The pieces of a payload; an empty one has one.
fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let empty = bytes.is_empty().then_some(bytes);
    empty.into_iter().chain(bytes.chunks(PIECE_BYTES_MAX))
}

fn attempts(connection: &Connection, all: &[Written]) -> Result<(), StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO messages (message, channel, id, previous, dedup, mode, mapping, content_type,
             recorded_at, next_chunk, outcome, records, refused, first_position, last_position)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?;
    let mut payload = connection.prepare_cached(
        "INSERT INTO payloads (message, piece, salt, bytes) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let mut point = connection.prepare_cached(
        "INSERT INTO message_keys (channel, id, message) VALUES (?1, ?2, ?3)
         ON CONFLICT (channel, id) DO UPDATE SET message = excluded.message",
    )?;
    let mut conflict = connection.prepare_cached(
        "INSERT INTO message_conflicts (channel, id, dedup, message) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let mut advance = connection.prepare_cached(
        "UPDATE messages SET next_chunk = ?2, outcome = ?3, records = ?4, refused = ?5,
             first_position = ?6, last_position = ?7 WHERE message = ?1",
    )?;
    for written in all {
        let one = &written.attempt;
        let (first, last) = one.positions.unzip();
        let outcome = one.outcome.map(contracts::Outcome::as_str);
        let Some(raw) = &written.payload else {
            let (records, refused) = (one.records, one.refused);
            let values =
                params![one.message, one.next_chunk, outcome, records, refused, first, last];
            advance.execute(values)?;
            continue;
        };
        insert.execute(params![
            one.message,
            one.channel,
            one.id,
            one.previous,
            one.dedup.as_bytes(),
            one.mode.as_str(),
            one.mapping.as_bytes(),
            raw.content_type,
            one.recorded_at.to_string(),
            one.next_chunk,
            outcome,
            one.records,
            one.refused,
            first,
            last,
        ])?;
        for (piece, bytes) in pieces(&raw.bytes).enumerate() {
            let salt = (piece == 0).then_some(raw.salt.as_bytes());
            payload.execute(params![one.message, piece, salt, bytes])?;
        }
        if written.is_conflict() {
            let dedup = one.dedup.as_bytes();
            conflict.execute(params![one.channel, one.id, dedup, one.message])?;
        } else {
            point.execute(params![one.channel, one.id, one.message])?;
        }
    }
    Ok(())
}

pub(super) fn entry(connection: &Connection, entry: &NewEntry) -> Result<(), StoreError> {
    let sql = "INSERT INTO entries (position, message, record, kind, mode, text, public)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    connection.prepare_cached(sql)?.execute(params![
        entry.position,
        entry.message,
        entry.record,
        entry.kind.as_str(),
        entry.mode.as_str(),
        entry.text.as_bytes(),
        entry.public.as_bytes(),
    ])?;
    if let Some(personal) = &entry.personal {
        let sql = "INSERT INTO personal (position, salt, text) VALUES (?1, ?2, ?3)";
        let (salt, text) = (personal.salt.as_bytes(), personal.text.as_bytes());
        connection.prepare_cached(sql)?.execute(params![entry.position, salt, text])?;
    }
    Ok(())
}

pub(super) fn member(connection: &Connection, row: &MemberRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO members (member, source, source_code, code, dossier)
               VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (member) DO UPDATE SET code = excluded.code, dossier = excluded.dossier";
    let now = &row.membership;
    let (source, source_code) = (&now.identity.source, &now.identity.source_code);
    let values = params![row.member, source, source_code, now.code, row.dossier];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

pub(super) fn observation(connection: &Connection, row: &Heard) -> Result<(), StoreError> {
    let sql = "INSERT INTO observations (member, position, short) VALUES (?1, ?2, ?3)";
    connection.prepare_cached(sql)?.execute(params![row.member, row.position, row.short])?;
    Ok(())
}

pub(super) fn dossiers(connection: &Connection, changes: &Changes) -> Result<(), StoreError> {
    let sql = "INSERT INTO dossiers (dossier, position, public) VALUES (?1, ?2, ?3)
               ON CONFLICT (dossier) DO UPDATE SET position = excluded.position,
               public = excluded.public";
    let mut statement = connection.prepare_cached(sql)?;
    for change in changes.dossiers.values() {
        let public = change.public.as_deref().map(str::as_bytes);
        statement.execute(params![change.dossier, change.position, public])?;
    }
    let sql = "INSERT INTO changes (position, dossier) VALUES (?1, ?2)
               ON CONFLICT (position, dossier) DO NOTHING";
    let mut statement = connection.prepare_cached(sql)?;
    for (position, dossier) in &changes.changed {
        statement.execute([position, dossier])?;
    }
    Ok(())
}

pub(super) fn deltas(
    connection: &Connection,
    all: &[Delta],
    places: &mut PlacesSeen,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO deltas (position, day, place, measure, n) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut statement = connection.prepare_cached(sql)?;
    for delta in all {
        let place = places.number(connection, &delta.place)?;
        statement.execute(params![delta.position, delta.day, place, delta.measure, delta.n])?;
    }
    Ok(())
}

pub(super) fn rollups(
    connection: &Connection,
    sums: &Rollups,
    rolled: u64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO rollups (slot, inner, n) VALUES (?1, ?2, ?3)
               ON CONFLICT (slot, inner) DO UPDATE SET n = n + excluded.n";
    let mut statement = connection.prepare_cached(sql)?;
    let mut numbers = names::Numbers::default();
    for (key, n) in sums.lattice() {
        let (slot, inner) = numbers.of(connection, &key)?;
        statement.execute([slot, inner, n])?;
    }
    connection.prepare_cached("UPDATE head SET rolled = ?1")?.execute([rolled])?;
    Ok(())
}
