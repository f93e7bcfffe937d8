//! Sums of deltas, of which the rollups are made.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;

use super::{
    changes::Delta,
    lattice::{self, RollupKey},
    year::YearSums,
};
use crate::registry::{Counted, Place, measure::day_number};

/// A place and what is counted there, by their numbers here, and the day.
type Slot = (u32, u16, i32);

/// Sums of deltas by place, measure and day: what the lattice is made from, all at once.
#[derive(Debug, Clone, Default)]
pub struct Rollups {
    numbers: HashMap<Arc<Place>, u32, RandomState>,
    places: Vec<Arc<Place>>,
    measures: Measures,
    sums: HashMap<Slot, i64, RandomState>,
    /// The place that was added to last: most changes are at the same one as those before them.
    last: Option<(Arc<Place>, KnownPlace)>,
}

/// The names of measures by their numbers here. Names live as long as the program, so where one
/// lies tells which it is, and it is compared letter by letter only when it is first seen there.
#[derive(Debug, Clone, Default)]
struct Measures {
    names: Vec<&'static str>,
    seen: HashMap<(usize, usize), u16, RandomState>,
}

impl Measures {
    fn number(&mut self, name: &'static str) -> u16 {
        let names = &mut self.names;
        *self.seen.entry((name.as_ptr().addr(), name.len())).or_insert_with(|| {
            let at = names.iter().position(|known| *known == name).unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            });
            u16::try_from(at).unwrap_or(u16::MAX)
        })
    }
}

/// A place whose number is known: asking for it by its names costs more than adding to it.
#[derive(Debug, Clone, Copy)]
pub struct KnownPlace(u32);

impl Rollups {
    fn number(&mut self, place: &Arc<Place>) -> u32 {
        if let Some(number) = self.numbers.get(place) {
            return *number;
        }
        let number = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        self.numbers.insert(place.clone(), number);
        self.places.push(place.clone());
        number
    }

    /// A place, to add to it many times.
    pub fn known(&mut self, place: &Arc<Place>) -> KnownPlace {
        KnownPlace(self.number(place))
    }

    /// Adds a change at a place that these sums know.
    pub fn add_at(&mut self, place: KnownPlace, (measure, day, n): (&'static str, i32, i64)) {
        let measure = self.measures.number(measure);
        *self.sums.entry((place.0, measure, day)).or_default() += n;
    }

    /// Adds a change.
    pub fn add(&mut self, delta: &Delta) {
        let place = match &self.last {
            Some((last, known)) if Arc::ptr_eq(last, &delta.place) => *known,
            _ => {
                let known = self.known(&delta.place);
                self.last = Some((delta.place.clone(), known));
                known
            }
        };
        self.add_at(place, (delta.measure, delta.day, delta.n));
    }

    /// Adds what one dossier counts at a place.
    pub fn count(&mut self, place: &Arc<Place>, counts: &[(Counted, i64)]) {
        let place = self.known(place);
        for (counted, n) in counts {
            self.add_at(place, (counted.name(), day_number(counted.day), *n));
        }
    }

    /// Adds other sums, so many times.
    pub fn merge(&mut self, other: &Self, times: i64) {
        let places: Vec<u32> = other.places.iter().map(|place| self.number(place)).collect();
        let names = other.measures.names.iter();
        let measures: Vec<u16> = names.map(|name| self.measures.number(name)).collect();
        self.sums.reserve(other.sums.len().saturating_sub(self.sums.len()));
        for ((place, measure, day), n) in &other.sums {
            let slot = (places[*place as usize], measures[usize::from(*measure)], *day);
            *self.sums.entry(slot).or_default() += n * times;
        }
    }

    /// The sums that are not zero.
    pub fn rows(&self) -> impl Iterator<Item = (&Arc<Place>, &'static str, i32, i64)> {
        let rows = self.by_number().filter(|(.., n)| *n != 0);
        let (places, names) = (&self.places, &self.measures.names);
        rows.map(|(place, measure, day, n)| {
            (&places[place as usize], names[usize::from(measure)], day, n)
        })
    }

    /// The sums on each level by year, in the order of their key; none is empty.
    pub fn lattice(&self) -> Vec<(RollupKey<'_>, YearSums)> {
        lattice::rows(self)
    }

    /// Where anything was counted, by number.
    pub fn places(&self) -> &[Arc<Place>] {
        &self.places
    }

    /// What was counted, by number.
    pub fn measures(&self) -> &[&'static str] {
        &self.measures.names
    }

    /// The sums by the numbers of their place and measure, zeros among them.
    pub fn by_number(&self) -> impl Iterator<Item = (u32, u16, i32, i64)> {
        self.sums.iter().map(|((place, measure, day), n)| (*place, *measure, *day, *n))
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }
}
