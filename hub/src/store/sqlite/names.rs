//! Names and measures by number, for the keys of rollups and for deltas.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use rusqlite::{Connection, OptionalExtension};

use crate::store::{
    StoreError, audit,
    batch::{RollupKey, slot::Slot},
};

/// Numbers of texts that were asked for.
pub(super) type Seen<'a> = HashMap<&'a str, i64, RandomState>;

/// The number of a name; `None` for one that no rollup bears.
pub(super) fn known(connection: &Connection, text: &str) -> Result<Option<i64>, StoreError> {
    Ok(connection.prepare_cached(NAMES[0])?.query_row([text], |row| row.get(0)).optional()?)
}

/// Measures by their numbers: some dozens.
#[derive(Debug, Default)]
pub(super) struct MeasureNames(Vec<Option<&'static str>>);

impl MeasureNames {
    /// All of them.
    pub(super) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let mut statement = connection.prepare_cached("SELECT measure, text FROM measures")?;
        let mut rows = statement.query([])?;
        let mut names = Vec::new();
        while let Some(row) = rows.next()? {
            let number: usize = row.get(0)?;
            let text = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            if number > Slot::MEASURE_MAX as usize {
                return Err(StoreError::fault(format!("the number of `{text}` is too great")));
            }
            if names.len() <= number {
                names.resize(number + 1, None);
            }
            if let Some(name) = names.get_mut(number) {
                *name = Some(audit::measure(text)?);
            }
        }
        Ok(Self(names))
    }

    /// The measure of a number, and the number as a place among measures.
    pub(super) fn of(&self, number: i64) -> Option<(usize, &'static str)> {
        let at = usize::try_from(number).ok()?;
        Some((at, (*self.0.get(at)?)?))
    }
}

/// The name of a number.
pub(super) fn text(connection: &Connection, name: i64) -> Result<String, StoreError> {
    let sql = "SELECT text FROM names WHERE name = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([name], |row| row.get(0))?)
}

/// Numbers of measures and of names that have one, asked for once.
#[derive(Debug, Default)]
pub(super) struct Known<'a>(Numbers<'a>);

impl<'a> Known<'a> {
    /// The slot and the inner name of a key that the rollups bear too.
    pub(super) fn of(
        &mut self,
        connection: &Connection,
        key: &RollupKey<'a>,
    ) -> Result<(i64, i64), StoreError> {
        let Numbers { measures, names } = &mut self.0;
        let mut name = |text| given(connection, names, NAMES[0], text);
        let (outer, inner) = (name(key.outer)?, name(key.inner)?);
        let measure = given(connection, measures, MEASURES[0], key.measure)?;
        let slot = Slot { level: key.level, measure, outer, year: key.year }.number();
        Ok((slot.ok_or_else(|| StoreError::fault(format!("no slot is for {key:?}")))?, inner))
    }
}

fn given<'a>(
    connection: &Connection,
    seen: &mut Seen<'a>,
    ask: &'static str,
    text: &'a str,
) -> Result<i64, StoreError> {
    if let Some(number) = seen.get(text) {
        return Ok(*number);
    }
    let known = connection.prepare_cached(ask)?.query_row([text], |row| row.get(0)).optional()?;
    let none = || StoreError::fault(format!("the rollups have no number for `{text}`"));
    let number = known.ok_or_else(none)?;
    seen.insert(text, number);
    Ok(number)
}

/// Numbers of measures and of names, asked for once.
#[derive(Debug, Default)]
pub(super) struct Numbers<'a> {
    measures: Seen<'a>,
    names: Seen<'a>,
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
    seen: &mut Seen<'static>,
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
    seen: &mut Seen<'a>,
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
