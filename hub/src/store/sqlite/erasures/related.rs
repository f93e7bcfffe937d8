//! What is related to a dossier, as it is found among what channels brought.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::refused;
use crate::{
    registry::Identity,
    store::{
        StoreError,
        erasures::{
            Erasable, channels_of,
            related::{BY_PORTAL, CHANNELS, IN_ENTRIES, Search, Stored},
        },
    },
};

/// The names of a dossier, and the national codes that it bears.
const NAMES: &str = "
    SELECT m.source, m.source_code, m.code
    FROM members k JOIN members m ON m.dossier = k.dossier
    WHERE k.source_code = ?1 AND k.source = ?2";

/// An agency's own channels.
const OWN: &str = "SELECT DISTINCT channel FROM messages WHERE channel >= ?1 AND channel < ?2";

/// What a channel has brought of it.
const TOLD: &str = "
    SELECT e.position, e.text, e.public, e.message, p.position IS NOT NULL
    FROM messages m
    JOIN entries e ON e.position BETWEEN m.first_position AND m.last_position
        AND e.message = m.message
    LEFT JOIN personal p ON p.position = e.position
    WHERE m.channel = ?1
        AND (instr(e.text, ?2) > 0 OR instr(e.text, ?3) > 0 OR instr(e.text, ?4) > 0
             OR instr(e.text, ?5) > 0 OR instr(e.text, ?6) > 0)";

/// Each telling that a channel has brought, in the order of positions.
fn told(
    connection: &Connection,
    channel: &str,
    mut take: impl FnMut(Stored) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let [a, b, c, d, e] = IN_ENTRIES;
    let mut told = connection.prepare_cached(TOLD)?;
    let mut rows = told.query(params![channel, a, b, c, d, e])?;
    while let Some(row) = rows.next()? {
        take(Stored {
            position: row.get(0)?,
            text: row.get_ref(1)?.as_bytes().unwrap_or_default().to_vec(),
            public: row.get_ref(2)?.as_bytes().unwrap_or_default().to_vec(),
            message: row.get(3)?,
            channel: channel.to_owned(),
            is_there: row.get(4)?,
        })?;
    }
    Ok(())
}

/// The names of a dossier in a search for what is related to it, and the channels that may have
/// brought that.
fn search(connection: &Connection, key: &str) -> Result<(Search, BTreeSet<String>), StoreError> {
    let Identity { source, source_code } = Identity::of_key(key);
    let (mut search, mut channels) =
        (Search::default(), BTreeSet::from(BY_PORTAL.map(str::to_owned)));
    let mut names = connection.prepare_cached(NAMES)?;
    let mut rows = names.query([source_code, source])?;
    let mut own = connection.prepare_cached(OWN)?;
    while let Some(row) = rows.next()? {
        let name = Identity { source: row.get(0)?, source_code: row.get(1)? };
        let (from, to) = channels_of(&name);
        let of = own.query_map([from, to], |row| row.get(0))?;
        channels.extend(of.collect::<Result<Vec<String>, _>>()?);
        search.name(&name, row.get(2)?);
    }
    let mut others = connection.prepare_cached(CHANNELS)?;
    let of = others.query_map([], |row| row.get(0))?;
    channels.extend(of.collect::<Result<Vec<String>, _>>()?);
    Ok((search, channels))
}

/// Adds what is related to a dossier to what is erased; gives the messages that brought it.
pub(super) fn add(
    connection: &Connection,
    key: &str,
    found: &mut Erasable,
) -> Result<BTreeSet<u64>, StoreError> {
    let (mut search, channels) = search(connection, key)?;
    for channel in &channels {
        told(connection, channel, |one| search.look(&one))?;
    }
    let again = if search.is_any() { channels } else { BTreeSet::new() };
    for channel in &again {
        told(connection, channel, |one| search.take(one, found))?;
    }
    let first = found.names.len();
    let (mut brought, refusable) = search.close(found);
    for name in refusable {
        refused(connection, &name, &mut brought)?;
    }
    let mut before = connection.prepare_cached("SELECT position FROM erased WHERE name = ?1")?;
    for name in found.names.iter().skip(first) {
        let erased: Option<u64> = before.query_row([name], |row| row.get(0)).optional()?;
        found.before.extend(erased.map(|position| (name.clone(), position)));
    }
    Ok(brought)
}
