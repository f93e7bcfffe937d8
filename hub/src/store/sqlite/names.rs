//! Names and measures by number, for the keys of rollups and for deltas.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};

use crate::store::{
    StoreError,
    batch::{RollupKey, slot::Slot},
};

/// The number of a name; `None` for one that no rollup bears.
pub(super) fn known(connection: &Connection, text: &str) -> Result<Option<i64>, StoreError> {
    Ok(connection.prepare_cached(NAMES[0])?.query_row([text], |row| row.get(0)).optional()?)
}

/// The measure of a number.
pub(super) fn measure(connection: &Connection, number: i64) -> Result<String, StoreError> {
    let sql = "SELECT text FROM measures WHERE measure = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([number], |row| row.get(0))?)
}

/// The name of a number.
pub(super) fn text(connection: &Connection, name: i64) -> Result<String, StoreError> {
    let sql = "SELECT text FROM names WHERE name = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([name], |row| row.get(0))?)
}

/// Numbers of measures and of names, asked for once.
#[derive(Debug, Default)]
pub(super) struct Numbers<'a> {
    measures: HashMap<&'a str, i64>,
    names: HashMap<&'a str, i64>,
}

impl<'a> Numbers<'a> {
    /// The slot and the inner name of a key; new names are given numbers.
    pub(super) fn of(
        &mut self,
        connection: &Connection,
        key: &RollupKey<'a>,
    ) -> Result<(i64, i64), StoreError> {
        let mut name = |text| number(connection, &mut self.names, NAMES, text);
        let (outer, inner) = (name(key.outer)?, name(key.inner)?);
        let measure = number(connection, &mut self.measures, MEASURES, key.measure)?;
        let slot = Slot { level: key.level, measure, outer, year: key.year }.number();
        Ok((slot.ok_or_else(|| StoreError::fault(format!("no slot is for {key:?}")))?, inner))
    }
}

/// The number of a measure; a new one is given the next.
pub(super) fn of_measure(
    connection: &Connection,
    seen: &mut HashMap<&'static str, i64>,
    text: &'static str,
) -> Result<i64, StoreError> {
    number(connection, seen, MEASURES, text)
}

/// Asks for the number of a text, and gives a text its number.
type Interned = [&'static str; 2];

const NAMES: Interned =
    ["SELECT name FROM names WHERE text = ?1", "INSERT INTO names (text) VALUES (?1)"];
const MEASURES: Interned =
    ["SELECT measure FROM measures WHERE text = ?1", "INSERT INTO measures (text) VALUES (?1)"];

fn number<'a>(
    connection: &Connection,
    seen: &mut HashMap<&'a str, i64>,
    [ask, give]: Interned,
    text: &'a str,
) -> Result<i64, StoreError> {
    if let Some(number) = seen.get(text) {
        return Ok(*number);
    }
    let known = connection.prepare_cached(ask)?.query_row([text], |row| row.get(0)).optional()?;
    let number = match known {
        Some(number) => number,
        None => connection.prepare_cached(give)?.insert([text])?,
    };
    seen.insert(text, number);
    Ok(number)
}
