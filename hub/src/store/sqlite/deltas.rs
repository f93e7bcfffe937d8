//! Deltas of numbers: one row for each entry that changes any. Migration 12 says how a row is laid
//! out.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use foldhash::fast::RandomState;
use rusqlite::{Connection, OptionalExtension, params};

use super::names::{self, MeasureNames};
use crate::registry::{Dimension, Place};
use crate::store::{
    CellQuery, StoreError,
    batch::{
        Delta, KnownPlace, Rollups,
        varint::{pack, unpack},
    },
    numbers::{Scan, Sums},
};

/// Numbers of places seen; more than these are asked for again.
const PLACES_SEEN_MAX: usize = 65_536;

/// The numbers of places and measures already known.
#[derive(Debug, Default)]
pub(super) struct NumbersSeen {
    places: HashMap<Arc<Place>, i64, RandomState>,
    measures: names::Seen<'static>,
    /// The place asked for last: an entry changes several numbers at one.
    last: Option<(Arc<Place>, i64)>,
}

impl NumbersSeen {
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The number of a place; a new one is given the next.
    fn place(&mut self, connection: &Connection, place: &Arc<Place>) -> Result<i64, StoreError> {
        if let Some((last, number)) = &self.last
            && Arc::ptr_eq(last, place)
        {
            return Ok(*number);
        }
        let number = self.number(connection, place)?;
        self.last = Some((place.clone(), number));
        Ok(number)
    }

    fn number(&mut self, connection: &Connection, place: &Arc<Place>) -> Result<i64, StoreError> {
        if let Some(number) = self.places.get(place) {
            return Ok(*number);
        }
        let Place { agency, procedure, field, channel, commune, finishing_agency } = &**place;
        let sql = "SELECT place FROM places WHERE agency = ?1 AND procedure = ?2 AND field = ?3
                   AND channel = ?4 AND commune = ?5 AND finishing_agency = ?6";
        let values = params![agency, procedure, field, channel, commune, finishing_agency];
        let known =
            connection.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?;
        let number = match known {
            Some(number) => number,
            None => {
                let sql = "INSERT INTO places
                               (agency, procedure, field, channel, commune, finishing_agency)
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
                connection.prepare_cached(sql)?.insert(values)?
            }
        };
        if self.places.len() >= PLACES_SEEN_MAX {
            self.places.clear();
        }
        self.places.insert(place.clone(), number);
        Ok(number)
    }
}

/// Writes the deltas of some entries, all of each.
pub(super) fn write<'a>(
    connection: &Connection,
    all: impl Iterator<Item = &'a Delta>,
    numbers: &mut NumbersSeen,
) -> Result<(), StoreError> {
    let mut inner = connection.prepare_cached("INSERT INTO deltas VALUES (?1, ?2)")?;
    let mut of_one: Vec<&Delta> = all.collect();
    of_one.sort_by_key(|delta| delta.position);
    let mut packed = Vec::new();
    for entry in of_one.chunk_by(|one, next| one.position == next.position) {
        packed.clear();
        let mut before = 0;
        for delta in entry {
            let measure = names::of_measure(connection, &mut numbers.measures, delta.measure)?;
            pack(numbers.place(connection, &delta.place)?, &mut packed);
            pack(measure, &mut packed);
            pack(i64::from(delta.day) - before, &mut packed);
            pack(delta.n, &mut packed);
            before = i64::from(delta.day);
        }
        inner.execute(params![entry[0].position, packed])?;
    }
    Ok(())
}

/// A delta as it is stored.
pub(super) struct Stored {
    pub(super) position: u64,
    /// Its place by number.
    pub(super) place: i64,
    pub(super) measure: &'static str,
    /// Its measure by number.
    pub(super) measured: usize,
    pub(super) day: i32,
    pub(super) n: i64,
}

/// Reads the deltas of some positions, in their order.
pub(super) fn each(
    connection: &Connection,
    (from, to): (u64, u64),
    take: &mut dyn FnMut(&Stored) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    if from >= to {
        return Ok(());
    }
    let damaged =
        |position: u64| StoreError::fault(format!("the deltas of {position} are damaged"));
    let measures = MeasureNames::read(connection)?;
    let sql = "SELECT position, packed FROM deltas WHERE position >= ?1 AND position < ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([from, to])?;
    while let Some(row) = rows.next()? {
        let position = row.get(0)?;
        let packed = row.get_ref(1)?.as_blob().map_err(|_| damaged(position))?;
        let (mut left, mut before) = (packed, 0);
        while !left.is_empty() {
            let mut next = || unpack(&mut left).ok_or_else(|| damaged(position));
            let (place, measure, days, n) = (next()?, next()?, next()?, next()?);
            let (measured, measure) = measures.of(measure).ok_or_else(|| damaged(position))?;
            let day = i32::try_from(days).ok().and_then(|days| days.checked_add(before));
            let day = day.ok_or_else(|| damaged(position))?;
            before = day;
            take(&Stored { position, place, measure, measured, day, n })?;
        }
    }
    Ok(())
}

/// Reads the deltas of some positions, each with its place.
pub(super) fn read(
    connection: &Connection,
    positions: (u64, u64),
    take: &mut dyn FnMut(&Delta),
) -> Result<(), StoreError> {
    let mut places: HashMap<i64, Arc<Place>> = HashMap::new();
    each(connection, positions, &mut |stored| {
        let place = match places.entry(stored.place) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(vacant) => vacant.insert(Arc::new(place(connection, stored.place)?)),
        };
        let Stored { position, measure, day, n, .. } = *stored;
        take(&Delta { position, day, place: place.clone(), measure, n });
        Ok(())
    })
}

/// ReadSums of deltas, and which places of theirs have which number in the store.
#[derive(Default)]
pub(super) struct ReadSums {
    pub(super) sums: Rollups,
    places: HashMap<i64, KnownPlace>,
}

/// Adds the deltas of some positions to sums.
pub(super) fn add_sums(
    connection: &Connection,
    positions: (u64, u64),
    ReadSums { sums, places }: &mut ReadSums,
) -> Result<(), StoreError> {
    each(connection, positions, &mut |stored| {
        let place = match places.entry(stored.place) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => {
                *vacant.insert(sums.known(&Arc::new(place(connection, stored.place)?)))
            }
        };
        sums.add_at(place, (stored.measure, stored.day, stored.n));
        Ok(())
    })
}

/// The place of a number.
pub(super) fn place(connection: &Connection, number: i64) -> Result<Place, StoreError> {
    let sql = "SELECT agency, procedure, field, channel, commune, finishing_agency
               FROM places WHERE place = ?1";
    let found = connection.prepare_cached(sql)?.query_row([number], |row| {
        Ok(Place {
            agency: row.get(0)?,
            procedure: row.get(1)?,
            field: row.get(2)?,
            channel: row.get(3)?,
            commune: row.get(4)?,
            finishing_agency: row.get(5)?,
        })
    });
    Ok(found?)
}

/// Adds the deltas of some positions to the sums of an answer, or takes them back: `sign` is 1 or
/// -1. Of places nothing is read but what the question tells apart.
pub(super) fn answer(
    connection: &Connection,
    query: &CellQuery,
    (positions, sign): ((u64, u64), i64),
    sums: &mut Sums<'_>,
) -> Result<(), StoreError> {
    let dimensions: Vec<Dimension> = query.dimensions().collect();
    let names: Vec<&str> = dimensions.iter().map(|one| one.name()).collect();
    let sql = format!("SELECT {} FROM places WHERE place = ?1", names.join(", "));
    let mut statement = match dimensions.is_empty() {
        true => None,
        false => Some(connection.prepare_cached(&sql)?),
    };
    let mut place = |number: i64| {
        let mut place = Place::default();
        if let Some(statement) = &mut statement {
            statement.query_row([number], |row| {
                for (at, dimension) in dimensions.iter().enumerate() {
                    dimension.set(&mut place, row.get(at)?);
                }
                Ok(())
            })?;
        }
        Ok(place)
    };
    let mut scan = Scan::new(sums, sign);
    each(connection, positions, &mut |stored| {
        let measure = (stored.measured, stored.measure);
        scan.add(measure, (stored.day, stored.n), stored.place, &mut place)
    })
}
