//! Writing what a batch changes.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    attachments, deliveries,
    deltas::{self, NumbersSeen},
    erasures,
    message::{channels, open_refusals},
    names, pollers, records,
};
use crate::store::{
    Payload, StoreError,
    at_rest::{self, Place, Sealed},
    attachments::named_in,
    batch::{Changes, Heard, MemberRow, NewEntry, Rollups, Tip, Written, YearSums},
};

/// Writes everything; the head last.
pub(super) fn changes(
    connection: &Connection,
    changes: &Changes,
    numbers: &mut NumbersSeen,
) -> Result<(), StoreError> {
    attempts(connection, &changes.attempts)?;
    for entry in &changes.entries {
        self::entry(connection, entry)?;
    }
    folds(connection, std::slice::from_ref(changes), numbers)?;
    if !changes.records.is_empty() {
        records::write(connection, &changes.records, &changes.replaced)?;
    }
    channels::add(connection, &changes.attempts)?;
    open_refusals::write(connection, &changes.refused)?;
    deliveries::add(connection, &changes.outgoing)?;
    pollers::moved(connection, &changes.moved)?;
    if !changes.doubted.is_empty() {
        erasures::files::doubt(connection, &changes.doubted)?;
    }
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

/// Keeps the raw bytes of a message.
fn keep(connection: &Connection, message: u64, raw: &Payload) -> Result<(), StoreError> {
    let mut payload = connection.prepare_cached(
        "INSERT INTO payloads (message, piece, salt, bytes) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (piece, bytes) in (0..).zip(pieces(&raw.bytes)) {
        let salt = (piece == 0).then_some(raw.salt.as_bytes());
        match at_rest::keys().seal(Place::Raw(message, piece), salt, bytes)? {
            None => payload.execute(params![message, piece, salt, bytes])?,
            Some(Sealed { key_id, wrapped_key, bytes }) => {
                let sql = "INSERT INTO payloads (message, piece, bytes, key_id, wrapped_key)
                           VALUES (?1, ?2, ?3, ?4, ?5)";
                let mut sealed = connection.prepare_cached(sql)?;
                sealed.execute(params![message, piece, bytes, key_id, wrapped_key])?
            }
        };
    }
    Ok(())
}

fn attempts(connection: &Connection, all: &[Written]) -> Result<(), StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO messages (message, channel, id, previous, dedup, mode, mapping, content_type,
             recorded_at, next_chunk, outcome, records, refused, first_position, last_position,
             erased, dropped)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
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
             first_position = ?6, last_position = ?7, erased = ?8, dropped = ?9
         WHERE message = ?1",
    )?;
    for written in all {
        let one = &written.attempt;
        let (first, last) = one.positions.unzip();
        let outcome = one.outcome.map(contracts::Outcome::as_str);
        let Some(raw) = &written.payload else {
            advance.execute(params![
                one.message,
                one.next_chunk,
                outcome,
                one.records,
                one.refused,
                first,
                last,
                one.erased,
                one.dropped,
            ])?;
            if one.erased.is_some() {
                erasures::drop_raw(connection, one.message)?;
            }
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
            one.erased,
            one.dropped,
        ])?;
        if one.erased.is_none() {
            keep(connection, one.message, raw)?;
        }
        if written.is_conflict() {
            conflict.execute(params![one.channel, one.id, one.dedup.as_bytes(), one.message])?;
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
        let place = Place::Personal(entry.position);
        match at_rest::keys().seal(place, Some(salt), text)? {
            None => connection.prepare_cached(sql)?.execute(params![entry.position, salt, text])?,
            Some(Sealed { key_id, wrapped_key, bytes }) => {
                let sql = "INSERT INTO personal (position, salt, text, key_id, wrapped_key)
                           VALUES (?1, x'', ?2, ?3, ?4)";
                let values = params![entry.position, bytes, key_id, wrapped_key];
                connection.prepare_cached(sql)?.execute(values)?
            }
        };
        attachments::name(connection, &named_in(text), entry.position)?;
    }
    Ok(())
}

/// Writes what folds become: table by table, so that each statement is prepared once and rows lie
/// beside those written just before.
pub(super) fn folds(
    connection: &Connection,
    all: &[Changes],
    numbers: &mut NumbersSeen,
) -> Result<(), StoreError> {
    members(connection, all.iter().flat_map(|changes| &changes.members))?;
    let sql = "INSERT INTO observations (member, position, short) VALUES (?1, ?2, ?3)";
    let mut statement = connection.prepare_cached(sql)?;
    for Heard { member, position, short } in all.iter().flat_map(|changes| &changes.observations) {
        statement.execute(params![member, position, short])?;
    }
    let sql = "INSERT INTO dossiers (dossier, position, public) VALUES (?1, ?2, ?3)
               ON CONFLICT (dossier) DO UPDATE SET position = excluded.position,
               public = excluded.public";
    let mut statement = connection.prepare_cached(sql)?;
    for change in all.iter().flat_map(|changes| changes.dossiers.values()) {
        let public = change.public.as_deref().map(str::as_bytes);
        statement.execute(params![change.dossier, change.position, public])?;
    }
    let sql = "INSERT INTO changes (position, dossier) VALUES (?1, ?2)
               ON CONFLICT (position, dossier) DO NOTHING";
    let mut statement = connection.prepare_cached(sql)?;
    let mut changed: Vec<_> = all.iter().flat_map(|changes| &changes.changed).collect();
    changed.sort_unstable();
    for (position, dossier) in changed {
        statement.execute([position, dossier])?;
    }
    deltas::write(connection, all.iter().flat_map(|changes| &changes.deltas), numbers)
}

fn members<'a>(
    connection: &Connection,
    all: impl Iterator<Item = &'a MemberRow>,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO members (member, source, source_code, code, dossier)
               VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (member) DO UPDATE SET code = excluded.code, dossier = excluded.dossier";
    let mut statement = connection.prepare_cached(sql)?;
    for row in all {
        let now = &row.membership;
        let (source, source_code) = (&now.identity.source, &now.identity.source_code);
        statement.execute(params![row.member, source, source_code, now.code, row.dossier])?;
    }
    Ok(())
}

/// Adds sums to the rollups, which then hold the deltas before a position.
pub(super) fn rollups(
    connection: &Connection,
    sums: &Rollups,
    rolled: u64,
) -> Result<(), StoreError> {
    let held = "SELECT days FROM rollups WHERE slot = ?1 AND inner = ?2";
    let mut held = connection.prepare_cached(held)?;
    let sql = "INSERT INTO rollups (slot, inner, n, days) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (slot, inner) DO UPDATE SET n = excluded.n, days = excluded.days";
    let mut statement = connection.prepare_cached(sql)?;
    let mut numbers = names::Numbers::default();
    for (key, mut sums) in sums.lattice() {
        let (slot, inner) = numbers.of(connection, &key)?;
        let before = held
            .query_row([slot, inner], |row| Ok(row.get_ref(0)?.as_blob().map(YearSums::unpacked)));
        if let Some(before) = before.optional()? {
            let before = before.ok().flatten();
            sums.add(&before.ok_or_else(|| StoreError::fault("a rollup is damaged"))?);
        }
        statement.execute(params![slot, inner, sums.total(), sums.packed()])?;
    }
    connection.prepare_cached("UPDATE head SET rolled = ?1")?.execute([rolled])?;
    Ok(())
}
