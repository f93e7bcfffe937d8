//! Sums of deltas, of which the rollups are made.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;

use super::{
    changes::Delta,
    lattice::{self, RollupKey},
    year::YearSums,
};
use crate::registry::{Counted, Place, measure::day_number};

/// A place by its number, what is counted there, and the day.
type Slot = (u32, &'static str, i32);

/// Sums of deltas by place, measure and day: what the lattice is made from, all at once.
#[derive(Debug, Clone, Default)]
pub struct Rollups {
    numbers: HashMap<Arc<Place>, u32, RandomState>,
    places: Vec<Arc<Place>>,
    sums: HashMap<Slot, i64, RandomState>,
}

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

    /// Adds a change.
    pub fn add(&mut self, delta: &Delta) {
        let place = self.number(&delta.place);
        *self.sums.entry((place, delta.measure, delta.day)).or_default() += delta.n;
    }

    /// Adds what one dossier counts at a place.
    pub fn count(&mut self, place: &Arc<Place>, counts: &[(Counted, i64)]) {
        let place = self.number(place);
        for (counted, n) in counts {
            let slot = (place, counted.name(), day_number(counted.day));
            *self.sums.entry(slot).or_default() += n;
        }
    }

    /// Adds other sums, so many times.
    pub fn merge(&mut self, other: &Self, times: i64) {
        let numbers: Vec<u32> = other.places.iter().map(|place| self.number(place)).collect();
        self.sums.reserve(other.sums.len().saturating_sub(self.sums.len()));
        for ((place, measure, day), n) in &other.sums {
            let slot = (numbers[*place as usize], *measure, *day);
            *self.sums.entry(slot).or_default() += n * times;
        }
    }

    /// The sums that are not zero.
    pub fn rows(&self) -> impl Iterator<Item = (&Arc<Place>, &'static str, i32, i64)> {
        let rows = self.sums.iter().filter(|(_, n)| **n != 0);
        rows.map(|((place, measure, day), n)| (&self.places[*place as usize], *measure, *day, *n))
    }

    /// The sums on each level by year, in the order of their key; none is empty.
    pub fn lattice(&self) -> Vec<(RollupKey<'_>, YearSums)> {
        lattice::rows(self)
    }

    /// Where anything was counted, by number.
    pub(super) fn places(&self) -> &[Arc<Place>] {
        &self.places
    }

    /// What was counted.
    pub(super) fn measures(&self) -> impl Iterator<Item = &'static str> {
        self.sums.keys().map(|(_, measure, _)| *measure)
    }

    /// The sums by the number of their place.
    pub(super) fn by_place(&self) -> impl Iterator<Item = (u32, &'static str, i32, i64)> {
        self.sums.iter().map(|((place, measure, day), n)| (*place, *measure, *day, *n))
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }
}
