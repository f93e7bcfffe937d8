//! The keys of rollups as numbers. Migration 2 says how they are laid out.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};

use crate::store::{
    StoreError,
    batch::{RollupKey, rollups::Span},
};

const SPAN_BITS: u32 = 2;
const MEASURE_BITS: u32 = 6;
const OUTER_BITS: u32 = 31;
const DAY_BITS: u32 = 22;

/// Added to a day, so that every day from year 0 to year 9999 is a number from 0.
const DAY_OFFSET: i64 = 1_000_000;

/// A slot in its parts: `measure` is the number of a measure, `outer` that of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) level: u8,
    pub(super) span: Span,
    pub(super) measure: i64,
    pub(super) outer: i64,
    pub(super) day: i32,
}

impl Slot {
    /// The greatest number that a measure may have.
    pub(super) const MEASURE_MAX: i64 = (1 << MEASURE_BITS) - 1;
    /// The greatest number that an outer name may have.
    pub(super) const OUTER_MAX: i64 = (1 << OUTER_BITS) - 1;
    /// The first day there may be.
    pub(super) const DAY_MIN: i32 = -1_000_000;
    /// The last day there may be.
    pub(super) const DAY_MAX: i32 = 3_000_000;

    /// As one number, which sorts as its parts do; `None` where a name's number or a day does not
    /// fit.
    pub(super) fn number(self) -> Option<i64> {
        let day = i64::from(self.day) + DAY_OFFSET;
        let fits = self.measure >> MEASURE_BITS == 0
            && self.outer >> OUTER_BITS == 0
            && day >> DAY_BITS == 0;
        let spans = i64::from(self.level) << SPAN_BITS | i64::from(self.span as u8);
        let named = (spans << MEASURE_BITS | self.measure) << OUTER_BITS | self.outer;
        fits.then_some(named << DAY_BITS | day)
    }

    /// The parts of a number; `None` where it is none that the hub writes.
    pub(super) fn of(number: i64) -> Option<Self> {
        let part = |below: u32, bits: u32| (number >> below) & ((1 << bits) - 1);
        let (outer, measure) = (DAY_BITS, DAY_BITS + OUTER_BITS);
        let span = measure + MEASURE_BITS;
        Some(Self {
            level: u8::try_from(number >> (span + SPAN_BITS)).ok()?,
            span: Span::from_number(u8::try_from(part(span, SPAN_BITS)).ok()?)?,
            measure: part(measure, MEASURE_BITS),
            outer: part(outer, OUTER_BITS),
            day: i32::try_from(part(0, DAY_BITS) - DAY_OFFSET).ok()?,
        })
    }
}

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
        let slot = Slot { level: key.level, span: key.span, measure, outer, day: key.day }.number();
        Ok((slot.ok_or_else(|| StoreError::fault(format!("no slot is for {key:?}")))?, inner))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_its_number_and_sorts_like_it() {
        let mut last = i64::MIN;
        for level in 0..4 {
            for span in Span::ALL {
                for (measure, outer) in [(0, 0), (0, 1), (1, 0), ((1 << 6) - 1, (1 << 31) - 1)] {
                    for day in [-719_528, -1, 0, 20_000, 2_932_896] {
                        let slot = Slot { level, span, measure, outer, day };
                        let number = slot.number().unwrap();
                        assert_eq!(Slot::of(number), Some(slot));
                        assert!(number > last, "{slot:?}");
                        last = number;
                    }
                }
            }
        }
    }

    #[test]
    fn a_name_that_does_not_fit_has_no_slot() {
        let slot = Slot { level: 0, span: Span::Day, measure: 1 << 6, outer: 0, day: 0 };
        assert_eq!(slot.number(), None);
        assert_eq!(Slot { measure: 0, outer: 1 << 31, ..slot }.number(), None);
        assert_eq!(Slot { measure: 0, day: -1_000_001, ..slot }.number(), None);
    }
}
